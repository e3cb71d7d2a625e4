/* A thread that looks twice a minute whose report is due.
 *
 * Happy path: the time that the configuration names has come since the last report of a tenant: one
 * walk over the logs for all that are due, a mail for each; the mail and that it was written are
 * one transaction. How it fails: what cannot be handed in is tried
 * again a quarter of an hour later, since the walk is dear, and said once an hour; a daemon that
 * did not run at the time sends the report, which then reaches back to the one before, when it
 * starts. */
#include "tenant_sender.h"

#include <stdlib.h>
#include <time.h>

#include "daemon.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/tenant.h"
#include "letters.h"
#include "tenant_report.h"

enum {
    LOOK_US = 30 * 1000000,
    AGAIN_US = 900 * 1000000,
    AT_ONCE = 64, /* reports of one walk */
    DAY_MS = 86400000,
};

struct tenant_sender {
    struct letters letters;
    hy_us again; /* not before, since something did not go; 0 = at once */
};

/* A report on its way into the spool. */
struct report {
    struct letter letter;
    uint32_t tenant;
    hy_wall_ms end;
};

/* ---- when ---- */

/* The latest time of its schedule that is not behind `now`, by the machine's clock. */
static hy_wall_ms last_due(const struct hy_tenant *t, hy_wall_ms now)
{
    time_t s = (time_t)(now / 1000);
    struct tm tm;
    if (!localtime_r(&s, &tm))
        return 0;
    int days = t->report == HY_TENANT_REPORT_WEEKLY ? (tm.tm_wday + 6) % 7 : 0; /* since Monday */
    tm.tm_mday -= days;
    tm.tm_hour = (int)t->report_hour;
    tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    struct tm before = tm;
    hy_wall_ms due = (hy_wall_ms)mktime(&tm) * 1000;
    if (due <= now)
        return due;
    before.tm_mday -= t->report == HY_TENANT_REPORT_WEEKLY ? 7 : 1;
    return (hy_wall_ms)mktime(&before) * 1000;
}

/* ---- handing in ---- */

/* With the message: so it is written once. */
static int mark(struct system_mail *m, struct hy_txn *t)
{
    struct letter *l = hy_container_of(m, struct letter, mail);
    const struct report *r = hy_container_of(l, struct report, letter);
    return hy_tenant_report_mark(t, r->tenant, r->end);
}

static void complain(struct tenant_sender *s, const char *name, const char *why)
{
    s->again = hy_clock_us() + AGAIN_US;
    if (letters_may_complain(&s->letters))
        hy_log(HY_LOG_WARNING, "tenants", "the report for %s waits: %s", name, why);
}

static void send_report(struct tenant_sender *s, const struct hy_config *c,
                        const struct hy_tenant *t, const struct tenant_report *r)
{
    struct hy_diag diag = {""};
    struct hy_buf text = HY_BUF_INIT(TENANT_REPORT_TEXT_MAX), subject = HY_BUF_INIT(1024);
    char from[HY_ADDRESS_MAX + 1], id[HY_ADDRESS_MAX + 64];
    struct report *sent = calloc(1, sizeof *sent);
    if (!sent) {
        complain(s, t->name, hy_err_text(HY_ENOMEM));
        return;
    }
    sent->tenant = r->tenant;
    sent->end = r->end;
    letters_prepare(&s->letters, &sent->letter, mark);
    tenant_report_put(r, t->name, c->node.hostname, t->language, &text);
    tenant_report_subject(r, t->name, t->language, &subject);
    snprintf(from, sizeof from, "%s%.230s", c->dsn.from[0] ? c->dsn.from : "mailer-daemon@",
             c->dsn.from[0] ? "" : c->node.hostname);
    snprintf(id, sizeof id, "tenant.%u.%lld@%.230s", r->tenant, (long long)r->end,
             c->node.hostname);
    const struct hy_notice n = {.from = {.name = HY_STR("hayauma"), .address = hy_str_of(from)},
                                .to = {.address = hy_str_of(t->contact)},
                                .subject = hy_buf_str(&subject),
                                .date = r->end,
                                .id = hy_str_of(id),
                                .text = hy_buf_str(&text)};
    int err = text.err ? text.err : subject.err;
    if (err == HY_OK)
        err = system_mail_send(s->letters.d, &n, &sent->letter.mail, &diag);
    if (err == HY_OK) {
        letters_sent(&s->letters);
    } else {
        complain(s, t->name, diag.text[0] ? diag.text : hy_err_text(err));
        free(sent);
    }
    hy_buf_free(&text);
    hy_buf_free(&subject);
}

static void stored(struct letters *letters, struct letter *l)
{
    struct tenant_sender *s = hy_container_of(letters, struct tenant_sender, letters);
    struct report *r = hy_container_of(l, struct report, letter);
    char name[HY_TENANT_NAME_MAX + 1];
    if (l->err != HY_OK) {
        tenant_name(letters->d, r->tenant, name);
        complain(s, name, hy_err_text(l->err));
    }
    free(r);
}

/* ---- looking ---- */

/* Remembers where the first report of a tenant begins. */
struct first {
    struct hy_write_req req;
    uint32_t tenant;
    hy_wall_ms begin;
};

static int apply_first(struct hy_write_req *r, struct hy_txn *t)
{
    const struct first *f = hy_container_of(r, struct first, req);
    return hy_tenant_report_mark(t, f->tenant, f->begin);
}

/* Whether one is due for the tenant, and from when on. */
static bool is_due(struct tenant_sender *s, const struct hy_tenant *t, hy_wall_ms now,
                   hy_wall_ms *ret_begin)
{
    struct hy_txn txn = {0};
    hy_wall_ms last = 0, due = last_due(t, now);
    int err = hy_txn_read(s->letters.d->env, &txn);
    if (err == HY_OK)
        err = hy_tenant_reported(&txn, t->number, &last);
    hy_txn_end(&txn);
    if (err == HY_ENOTFOUND) {
        struct first f = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_first},
                          .tenant = t->number,
                          .begin = due};
        err = hy_writer_run(s->letters.d->writer, &f.req);
        (void)err; /* then with the next look */
        return false;
    }
    *ret_begin = last;
    return err == HY_OK && last < due;
}

static bool is_stopped(void *ctx)
{
    return atomic_load(&((struct tenant_sender *)ctx)->letters.is_stopping);
}

static void report_all(struct tenant_sender *s)
{
    struct tenant_report reports[AT_ONCE] = {0};
    const struct hy_tenant *whose[AT_ONCE];
    struct hy_config *c = daemon_config(s->letters.d);
    hy_wall_ms now = hy_clock_wall_ms();
    size_t n = 0;
    for (size_t i = 0; i < c->tenants.n && n < AT_ONCE; i++) {
        const struct hy_tenant *t = &c->tenants.items[i];
        hy_wall_ms begin = 0;
        if (!t->contact[0] || t->report == HY_TENANT_REPORT_NEVER || !is_due(s, t, now, &begin))
            continue;
        whose[n] = t;
        reports[n++] = (struct tenant_report){.tenant = t->number, .begin = begin, .end = now};
    }
    int err = n ? tenant_report_gather(s->letters.d->env, reports, n, is_stopped, s) : HY_OK;
    if (err != HY_OK && err != HY_ECANCELED)
        complain(s, whose[0]->name, hy_err_text(err));
    for (size_t i = 0; i < n && err == HY_OK; i++)
        send_report(s, c, whose[i], &reports[i]);
    hy_config_unref(c);
}

static void look(struct letters *letters)
{
    struct tenant_sender *s = hy_container_of(letters, struct tenant_sender, letters);
    if (hy_clock_us() >= s->again)
        report_all(s);
}

int tenant_sender_start(struct hy_daemon *d, struct tenant_sender **ret)
{
    struct tenant_sender *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->letters = (struct letters){
        .d = d, .name = "tenants", .look_us = LOOK_US, .look = look, .stored = stored};
    int err = letters_start(&s->letters, AT_ONCE);
    if (err != HY_OK) {
        free(s);
        return err;
    }
    *ret = s;
    return HY_OK;
}

void tenant_sender_stop(struct tenant_sender *s)
{
    if (!s)
        return;
    letters_stop(&s->letters);
    free(s);
}
