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
#include "desk.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/store/tenant.h"
#include "system_mail.h"
#include "tenant_report.h"

enum {
    LOOK_US = 30 * 1000000,
    AGAIN_US = 900 * 1000000,
    AT_ONCE = 64, /* reports of one walk */
    COMPLAIN_MS = 3600 * 1000,
    DAY_MS = 86400000,
};
enum { MSG_STORED = 1, MSG_STOP };

struct tenant_sender {
    struct hy_daemon *d;
    struct desk desk;
    atomic_bool is_stopping;
    unsigned n_out;
    hy_us again;           /* not before, since something did not go; 0 = at once */
    hy_wall_ms complained; /* when that was last said */
};

/* A report on its way into the spool. */
struct letter {
    struct system_mail mail;
    struct hy_msg msg;
    struct tenant_sender *s;
    uint32_t tenant;
    hy_wall_ms end;
    int err;
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
    const struct letter *l = hy_container_of(m, struct letter, mail);
    return hy_tenant_report_mark(t, l->tenant, l->end);
}

/* The writer's thread. */
static void on_handed_in(struct system_mail *m, int err)
{
    struct letter *l = hy_container_of(m, struct letter, mail);
    l->err = err;
    l->msg.kind = MSG_STORED;
    int posted = hy_mailbox_post_answer(l->s->desk.mailbox, &l->msg);
    (void)posted; /* open as long as a letter is out */
}

static void complain(struct tenant_sender *s, const char *name, const char *why)
{
    hy_wall_ms now = hy_clock_wall_ms();
    s->again = hy_clock_us() + AGAIN_US;
    if (now - s->complained < COMPLAIN_MS)
        return;
    s->complained = now;
    hy_log(HY_LOG_WARNING, "tenants", "the report for %s waits: %s", name, why);
}

static void send_report(struct tenant_sender *s, const struct hy_config *c,
                        const struct hy_tenant *t, const struct tenant_report *r)
{
    struct hy_diag diag = {""};
    struct hy_buf text = HY_BUF_INIT(TENANT_REPORT_TEXT_MAX), subject = HY_BUF_INIT(1024);
    char from[HY_ADDRESS_MAX + 1], id[HY_ADDRESS_MAX + 64];
    struct letter *l = calloc(1, sizeof *l);
    if (!l) {
        complain(s, t->name, hy_err_text(HY_ENOMEM));
        return;
    }
    *l = (struct letter){.s = s, .tenant = r->tenant, .end = r->end};
    l->mail.also = mark;
    l->mail.done = on_handed_in;
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
        err = system_mail_send(s->d, &n, &l->mail, &diag);
    if (err == HY_OK) {
        s->n_out++;
    } else {
        complain(s, t->name, diag.text[0] ? diag.text : hy_err_text(err));
        free(l);
    }
    hy_buf_free(&text);
    hy_buf_free(&subject);
}

static void handed_in(struct tenant_sender *s, struct letter *l)
{
    char name[HY_TENANT_NAME_MAX + 1];
    s->n_out--;
    if (l->err != HY_OK) {
        tenant_name(s->d, l->tenant, name);
        complain(s, name, hy_err_text(l->err));
    }
    free(l);
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
    int err = hy_txn_read(s->d->env, &txn);
    if (err == HY_OK)
        err = hy_tenant_reported(&txn, t->number, &last);
    hy_txn_end(&txn);
    if (err == HY_ENOTFOUND) {
        struct first f = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_first},
                          .tenant = t->number,
                          .begin = due};
        err = hy_writer_run(s->d->writer, &f.req);
        (void)err; /* then with the next look */
        return false;
    }
    *ret_begin = last;
    return err == HY_OK && last < due;
}

static bool is_stopped(void *ctx)
{
    return atomic_load(&((struct tenant_sender *)ctx)->is_stopping);
}

static void look(struct tenant_sender *s)
{
    struct tenant_report reports[AT_ONCE] = {0};
    const struct hy_tenant *whose[AT_ONCE];
    struct hy_config *c = daemon_config(s->d);
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
    int err = n ? tenant_report_gather(s->d->env, reports, n, is_stopped, s) : HY_OK;
    if (err != HY_OK && err != HY_ECANCELED)
        complain(s, whose[0]->name, hy_err_text(err));
    for (size_t i = 0; i < n && err == HY_OK; i++)
        send_report(s, c, whose[i], &reports[i]);
    hy_config_unref(c);
}

static void run(void *arg)
{
    struct tenant_sender *s = arg;
    while (!atomic_load(&s->is_stopping) || s->n_out) {
        if (s->n_out == 0 && hy_clock_us() >= s->again)
            look(s);
        for (struct hy_msg *m = hy_mailbox_wait(s->desk.mailbox, s->n_out ? HY_US_NEVER : LOOK_US),
                           *next;
             m; m = next) {
            next = m->next;
            if (m->kind == MSG_STORED)
                handed_in(s, hy_container_of(m, struct letter, msg));
        }
    }
}

int tenant_sender_start(struct hy_daemon *d, struct tenant_sender **ret)
{
    struct tenant_sender *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->d = d;
    int err = desk_open(&s->desk, "tenants", AT_ONCE + 1, run, s);
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
    atomic_store(&s->is_stopping, true);
    desk_close(&s->desk, MSG_STOP);
    free(s);
}
