/* campaign.report: what became of a campaign, by reason and domain. It reads every row, so on a
 * thread of its own. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/model/activity.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign_report.h"
#include "hayauma/store/lead.h"

enum { DOMAINS_MAX = 10000, DOMAINS_SHOWN = 50 };

/* What came back, by kind. */
struct returns {
    uint64_t n[HY_ACTIVITY_KINDS];
    uint64_t hard, late_bounces[HY_BOUNCE_REASONS];
};

struct row {
    struct hy_domain_report r;
    struct returns back;
    uint64_t queued;
};

struct reporting {
    struct hy_daemon *d;
    struct hy_control_call *call;
    hy_id campaign;
    size_t max; /* domains told by themselves: those with the most rows */
    struct row *rows;
    size_t n;
    uint64_t n_domains;
    struct row sum;
};

/* ---- gathering ---- */

static void add(struct hy_domain_report *to, const struct hy_domain_report *from)
{
    for (int i = 0; i < HY_RCPT_STATES; i++)
        to->by_state[i] += from->by_state[i];
    for (int i = 0; i < HY_BOUNCE_REASONS; i++) {
        to->refusals[i] += from->refusals[i];
        to->deferrals[i] += from->deferrals[i];
    }
    to->attempts += from->attempts;
    to->forgotten += from->forgotten;
}

static uint64_t rows_of(const struct hy_domain_report *r)
{
    uint64_t n = 0;
    for (int i = 0; i < HY_RCPT_STATES; i++)
        n += r->by_state[i];
    return n;
}

/* Keeps the largest: rows[0] is the least of a heap. */
static void sift_down(struct reporting *g, size_t at)
{
    for (;;) {
        size_t least = at, left = 2 * at + 1;
        for (size_t k = left; k < left + 2 && k < g->n; k++)
            if (g->rows[k].queued < g->rows[least].queued)
                least = k;
        if (least == at)
            return;
        struct row swap = g->rows[at];
        g->rows[at] = g->rows[least];
        g->rows[least] = swap;
        at = least;
    }
}

static void keep(struct reporting *g, const struct hy_domain_report *r)
{
    struct row row = {.r = *r, .queued = rows_of(r)};
    add(&g->sum.r, r);
    g->sum.queued += row.queued;
    g->n_domains++;
    if (g->n < g->max) {
        g->rows[g->n++] = row;
        if (g->n == g->max)
            for (size_t i = g->n / 2 + 1; i-- > 0;)
                sift_down(g, i);
    } else if (g->n && row.queued > g->rows[0].queued) {
        g->rows[0] = row;
        sift_down(g, 0);
    }
}

static int by_domain(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->r.domain < y->r.domain ? -1 : x->r.domain > y->r.domain;
}

static int by_size(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->queued > y->queued ? -1 : x->queued < y->queued ? 1 : by_domain(a, b);
}

static void count(struct returns *back, const struct hy_activity_count *n)
{
    if ((size_t)n->kind >= HY_ACTIVITY_KINDS)
        return;
    back->n[n->kind] += n->n;
    if (n->kind != HY_ACTIVITY_LATE_BOUNCE)
        return;
    back->late_bounces[n->reason < HY_BOUNCE_REASONS ? n->reason : 0] += n->n;
    if (n->flags & HY_ACTIVITY_HARD)
        back->hard += n->n;
}

static int on_count(void *ctx, const struct hy_activity_count *n)
{
    struct reporting *g = ctx;
    const struct row wanted = {.r.domain = n->domain};
    struct row *row =
        n->domain && g->n ? bsearch(&wanted, g->rows, g->n, sizeof *g->rows, by_domain) : NULL;
    count(&g->sum.back, n);
    if (row)
        count(&row->back, n);
    return 0;
}

static int gather(struct reporting *g, struct hy_txn *t)
{
    struct hy_domain_report r = {.domain = 0};
    int err;
    while ((err = hy_campaign_report_next(t, g->campaign, r.domain, &r)) == HY_OK) {
        keep(g, &r);
        if (hy_control_is_cancelled(g->call))
            return HY_ECANCELED;
    }
    if (err != HY_ENOTFOUND)
        return err;
    if (g->n)
        qsort(g->rows, g->n, sizeof *g->rows, by_domain);
    err = hy_activity_counts(t, g->campaign, on_count, g);
    if (g->n)
        qsort(g->rows, g->n, sizeof *g->rows, by_size);
    return err;
}

/* ---- telling ---- */

static json_t *reasons_json(const uint64_t n[HY_BOUNCE_REASONS])
{
    json_t *o = json_object();
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        if (n[i])
            ctl_set_count(o, hy_bounce_reason_name((enum hy_bounce_reason)i), n[i]);
    return o;
}

static uint64_t sum_of(const uint64_t n[HY_BOUNCE_REASONS])
{
    uint64_t sum = 0;
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        sum += n[i];
    return sum;
}

static void put_row(json_t *o, const struct row *row)
{
    static const struct {
        const char *name;
        enum hy_activity_kind kind;
    } returns[] = {{"complaints", HY_ACTIVITY_COMPLAINT}, {"unsubscribes", HY_ACTIVITY_UNSUBSCRIBE},
                   {"replies", HY_ACTIVITY_REPLY},        {"auto_replies", HY_ACTIVITY_AUTO_REPLY},
                   {"opens", HY_ACTIVITY_OPEN},           {"clicks", HY_ACTIVITY_CLICK}};
    ctl_set_count(o, "queued", row->queued);
    for (int i = 0; i < HY_RCPT_STATES; i++)
        ctl_set_count(o, hy_rcpt_state_name((enum hy_rcpt_state)i), row->r.by_state[i]);
    ctl_set_count(o, "attempts", row->r.attempts);
    ctl_set_count(o, "deferrals", sum_of(row->r.deferrals));
    ctl_set_count(o, "late_bounces", row->back.n[HY_ACTIVITY_LATE_BOUNCE]);
    ctl_set_count(o, "late_bounces_hard", row->back.hard);
    for (size_t i = 0; i < sizeof returns / sizeof *returns; i++)
        ctl_set_count(o, returns[i].name, row->back.n[returns[i].kind]);
    json_object_set_new(o, "bounce_reasons", reasons_json(row->r.refusals));
    json_object_set_new(o, "deferral_reasons", reasons_json(row->r.deferrals));
    json_object_set_new(o, "late_bounce_reasons", reasons_json(row->back.late_bounces));
    ctl_set_count(o, "forgotten", row->r.forgotten);
}

static json_t *answer(struct reporting *g, struct hy_txn *t, const struct hy_campaign *c)
{
    char id[HY_ID_TEXT_MAX];
    json_t *o = json_object(), *domains = json_array();
    json_object_set_new(o, "id", json_string(hy_id_format(c->id, id)));
    json_object_set_new(o, "name", ctl_text_json(c->name));
    json_object_set_new(o, "state", json_string(hy_campaign_state_name(c->state)));
    put_row(o, &g->sum);
    ctl_set_count(o, "n_domains", g->n_domains);
    for (size_t i = 0; i < g->n; i++) {
        json_t *row = json_object();
        struct hy_str name;
        if (hy_domain_name(t, g->rows[i].r.domain, &name) == HY_OK)
            json_object_set_new(row, "domain", ctl_text_json(name));
        put_row(row, &g->rows[i]);
        json_array_append_new(domains, row);
    }
    json_object_set_new(o, "domains", domains);
    return o;
}

static void report_main(void *arg)
{
    struct reporting *g = arg;
    struct hy_campaign c;
    struct hy_txn t = {0};
    int err = hy_txn_read(g->d->env, &t);
    if (err == HY_OK)
        err = hy_campaign_get(&t, g->campaign, &c);
    if (err == HY_OK)
        err = gather(g, &t);
    if (err == HY_OK)
        hy_control_finish(g->call, answer(g, &t, &c));
    else
        hy_control_fail(g->call, err, "the campaign cannot be read", NULL);
    hy_txn_end(&t);
    free(g->rows);
    free(g);
}

static void report(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    int64_t domains = DOMAINS_SHOWN;
    hy_id campaign = 0;
    int err = ctl_campaign_arg(d, call, &campaign, &diag);
    if (err == HY_OK)
        err = hy_control_arg_int(hy_control_args(call), "domains", DOMAINS_SHOWN, 0, DOMAINS_MAX,
                                 &diag, &domains);
    struct reporting *g = err == HY_OK ? calloc(1, sizeof *g) : NULL;
    if (g)
        g->rows = calloc((size_t)domains + 1, sizeof *g->rows);
    if (err == HY_OK && (!g || !g->rows))
        err = HY_ENOMEM;
    if (err != HY_OK) {
        free(g);
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    g->d = d;
    g->call = call;
    g->campaign = campaign;
    g->max = (size_t)domains;
    if (!ctl_job_start(d, call, CTL_JOB_LOOK, report_main, g)) {
        free(g->rows);
        free(g);
    }
}

const struct hy_control_command ctl_report_commands[] = {
    {"campaign.report", 0, 0, report},
    {NULL, 0, 0, NULL},
};
