/* Reports on tenants' mail: one walk over the timeline for all that are due, and their text. */
#include "tenant_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "hayauma/store/campaign.h"
#include "hayauma/store/timeline.h"

enum {
    STRETCH = 100000, /* moments in one snapshot, so that pages can be used again */
    KNOWN = 64,       /* campaigns whose tenant is remembered */
};

/* ---- gathering ---- */

struct walk {
    struct tenant_report *reports;
    size_t n;
    struct {
        hy_id campaign;
        uint32_t tenant;
    } known[KNOWN];
};

/* Of a campaign or a spool. What is forgotten already is nobody's. */
static int tenant_of(struct walk *w, struct hy_txn *t, hy_id campaign, uint32_t *ret)
{
    size_t at = (campaign ^ campaign >> 32) % KNOWN;
    struct hy_campaign c;
    if (hy_id_is_spool(campaign)) {
        *ret = hy_spool_tenant(campaign);
        return HY_OK;
    }
    if (w->known[at].campaign != campaign) {
        int err = hy_campaign_get(t, campaign, &c);
        if (err)
            return err;
        w->known[at].campaign = campaign;
        w->known[at].tenant = c.tenant;
    }
    *ret = w->known[at].tenant;
    return HY_OK;
}

static bool is_final(enum hy_rcpt_state s)
{
    return s != HY_RCPT_FRESH && s != HY_RCPT_DEFERRED && s != HY_RCPT_HELD;
}

static void add_attempt(struct tenant_report *r, const struct hy_attempt *a)
{
    unsigned reason = a->outcome.reason < HY_BOUNCE_REASONS ? a->outcome.reason : 0;
    if (hy_attempt_was_over(a) || hy_attempt_came_back(a))
        return;
    r->deferrals += a->state == HY_RCPT_DEFERRED;
    if (is_final(a->state))
        r->over[a->state]++;
    if (a->state == HY_RCPT_BOUNCED)
        r->bounced[reason]++;
}

static void add_activity(struct tenant_report *r, enum hy_activity_kind kind)
{
    r->late_bounces += kind == HY_ACTIVITY_LATE_BOUNCE;
    r->complaints += kind == HY_ACTIVITY_COMPLAINT;
    r->unsubscribes += kind == HY_ACTIVITY_UNSUBSCRIBE;
}

/* A DSN of ours; applications, too, send mail that must not come back. */
static bool is_report(const struct hy_spool_message *m)
{
    return m->sender.n == 0 && hy_str_eq(m->who, HY_STR("hayauma"));
}

static void add_to(struct tenant_report *r, const struct hy_moment *m)
{
    switch (m->kind) {
    case HY_MOMENT_MESSAGE:
        r->messages += !is_report(&m->of.message);
        break;
    case HY_MOMENT_ATTEMPT:
        add_attempt(r, &m->of.attempt);
        break;
    case HY_MOMENT_ACTIVITY:
        add_activity(r, m->of.activity.kind);
        break;
    case HY_MOMENT_ENDING:
        r->over[m->of.ending.state]++;
        break;
    case HY_MOMENT_KINDS:
        break;
    }
}

static void add(struct walk *w, struct hy_txn *t, const struct hy_moment *m)
{
    hy_wall_ms at = hy_id_time(m->id);
    uint32_t tenant = 0;
    int err = HY_OK;
    if (m->kind == HY_MOMENT_MESSAGE)
        tenant = m->of.message.tenant;
    else if (m->kind == HY_MOMENT_ACTIVITY)
        tenant = m->of.activity.tenant;
    else
        err = tenant_of(w, t,
                        m->kind == HY_MOMENT_ATTEMPT ? m->of.attempt.ref.campaign
                                                     : m->of.ending.ref.campaign,
                        &tenant);
    for (size_t i = 0; i < w->n && err == HY_OK; i++)
        if (w->reports[i].tenant == tenant && at >= w->reports[i].begin && at < w->reports[i].end)
            add_to(&w->reports[i], m);
}

/* Goes on behind *at. HY_ENOTFOUND: there is no more, or it is behind `end`. */
static int walk_stretch(struct walk *w, struct hy_env *env, hy_wall_ms end, hy_id *at)
{
    struct hy_txn t = {0};
    struct hy_timeline line;
    struct hy_moment m;
    int err = hy_txn_read(env, &t);
    if (err == HY_OK)
        err = hy_timeline_open(&t, *at, &line);
    if (err != HY_OK) {
        hy_txn_end(&t);
        return err;
    }
    for (int i = 0; i < STRETCH && err == HY_OK; i++) {
        err = hy_timeline_next(&line, &m);
        if (err == HY_OK && hy_id_time(m.id) >= end)
            err = HY_ENOTFOUND;
        if (err == HY_OK) {
            add(w, &t, &m);
            *at = m.id;
        }
    }
    hy_timeline_close(&line);
    hy_txn_end(&t);
    return err;
}

int tenant_report_gather(struct hy_env *env, struct tenant_report *r, size_t n,
                         bool (*is_stopped)(void *ctx), void *ctx)
{
    struct walk w = {.reports = r, .n = n};
    hy_wall_ms begin = n ? r[0].begin : 0, end = 0;
    int err = n ? HY_OK : HY_ENOTFOUND;
    for (size_t i = 0; i < n; i++) {
        begin = r[i].begin < begin ? r[i].begin : begin;
        end = r[i].end > end ? r[i].end : end;
    }
    hy_id at = hy_id_floor(begin);
    while (err == HY_OK) {
        err = walk_stretch(&w, env, end, &at);
        if (err == HY_OK && is_stopped && is_stopped(ctx))
            return HY_ECANCELED;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- the text ---- */

enum word {
    W_MESSAGES,
    W_OVER,
    W_DEFERRALS,
    W_REASONS,
    W_BACK,
    W_LATE,
    W_COMPLAINTS,
    W_UNSUBSCRIBES,
    W_NOTHING,
    W_STATES, /* and on by hy_rcpt_state */
};

static const char *word(enum hy_tenant_language lang, unsigned w)
{
    static const char *const words[][2] = {
        [W_MESSAGES] = {"messages handed in", "受け付けたメール"},
        [W_OVER] = {"Recipients", "宛先"},
        [W_DEFERRALS] = {"attempts put off", "先送りになった試行"},
        [W_REASONS] = {"Why it bounced", "不達の理由"},
        [W_BACK] = {"What came back", "戻ってきたもの"},
        [W_LATE] = {"bounced after delivery", "配達後の不達"},
        [W_COMPLAINTS] = {"complaints", "苦情"},
        [W_UNSUBSCRIBES] = {"unsubscribed", "配信停止"},
        [W_NOTHING] = {"Nothing was sent.\n", "送信はありませんでした。\n"},
        [W_STATES + HY_RCPT_DELIVERED] = {"delivered", "配達"},
        [W_STATES + HY_RCPT_BOUNCED] = {"bounced", "不達"},
        [W_STATES + HY_RCPT_EXPIRED] = {"given up in time", "期限切れ"},
        [W_STATES +
            HY_RCPT_SUPPRESSED] = {"left out (suppression list)", "送信停止リストにより除外"},
        [W_STATES + HY_RCPT_CANCELLED] = {"cancelled", "取消"},
    };
    const char *text = w < sizeof words / sizeof *words ? words[w][lang] : NULL;
    return text ? text : "?";
}

/* "2026-11-22 08:00" of the machine's clock. */
static const char *when(hy_wall_ms at, char out[32])
{
    time_t s = (time_t)(at / 1000);
    struct tm tm;
    if (!localtime_r(&s, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M", &tm) == 0)
        out[0] = '\0';
    return out;
}

static void put_line(struct hy_buf *out, const char *name, uint64_t n, uint64_t of)
{
    hy_buf_printf(out, "%12" PRIu64 "  %s", n, name);
    if (of)
        hy_buf_printf(out, " (%.2f %%)", 100.0 * (double)n / (double)of);
    hy_buf_add_c(out, '\n');
}

static void put_recipients(const struct tenant_report *r, enum hy_tenant_language lang,
                           struct hy_buf *out)
{
    uint64_t all = 0;
    for (int i = 0; i < HY_RCPT_STATES; i++)
        all += r->over[i];
    hy_buf_printf(out, "\n%s\n", word(lang, W_OVER));
    for (unsigned i = 0; i < HY_RCPT_STATES; i++)
        if (is_final((enum hy_rcpt_state)i) && (r->over[i] || i == HY_RCPT_DELIVERED))
            put_line(out, word(lang, W_STATES + i), r->over[i], all);
    put_line(out, word(lang, W_DEFERRALS), r->deferrals, 0);
}

static void put_reasons(const struct tenant_report *r, enum hy_tenant_language lang,
                        struct hy_buf *out)
{
    if (!r->over[HY_RCPT_BOUNCED])
        return;
    hy_buf_printf(out, "\n%s\n", word(lang, W_REASONS));
    for (unsigned i = 0; i < HY_BOUNCE_REASONS; i++)
        if (r->bounced[i])
            put_line(out, hy_bounce_reason_name((enum hy_bounce_reason)i), r->bounced[i],
                     r->over[HY_RCPT_BOUNCED]);
}

static bool is_empty(const struct tenant_report *r)
{
    uint64_t all = r->messages + r->deferrals + r->late_bounces + r->complaints + r->unsubscribes;
    for (int i = 0; i < HY_RCPT_STATES; i++)
        all += r->over[i];
    return all == 0;
}

void tenant_report_subject(const struct tenant_report *r, const char *name,
                           enum hy_tenant_language lang, struct hy_buf *out)
{
    char begin[32], end[32];
    hy_buf_printf(out,
                  lang == HY_TENANT_JA ? "%s のメール、%s から %s まで" : "Mail of %s, %s to %s",
                  name, when(r->begin, begin), when(r->end, end));
}

void tenant_report_put(const struct tenant_report *r, const char *name, const char *host,
                       enum hy_tenant_language lang, struct hy_buf *out)
{
    char begin[32], end[32];
    hy_buf_printf(out,
                  lang == HY_TENANT_JA ? "%s のメールの結果: %s から %s まで (%s)\n"
                                       : "What became of the mail of %s from %s to %s (%s)\n",
                  name, when(r->begin, begin), when(r->end, end), host);
    if (is_empty(r)) {
        hy_buf_printf(out, "\n%s", word(lang, W_NOTHING));
        return;
    }
    hy_buf_add_c(out, '\n');
    put_line(out, word(lang, W_MESSAGES), r->messages, 0);
    put_recipients(r, lang, out);
    put_reasons(r, lang, out);
    hy_buf_printf(out, "\n%s\n", word(lang, W_BACK));
    put_line(out, word(lang, W_LATE), r->late_bounces, r->over[HY_RCPT_DELIVERED]);
    put_line(out, word(lang, W_COMPLAINTS), r->complaints, r->over[HY_RCPT_DELIVERED]);
    put_line(out, word(lang, W_UNSUBSCRIBES), r->unsubscribes, r->over[HY_RCPT_DELIVERED]);
}
