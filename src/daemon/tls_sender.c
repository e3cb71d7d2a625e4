/* The daily walk over the domains whose sessions were counted.
 *
 * Happy path: some time after midnight UTC, each node at a time of its own (RFC 8460 section 4.1:
 * receivers must not get all reports of the world at once), every domain of the days that are over
 * gets its report, a few at a time; what was reported is marked in the store.
 * How it fails: what could not be sent is tried again by another walk, half an hour later and then
 * at doubled intervals, until two days have passed; a restart begins the walk anew and passes over
 * what is marked. */
#include "tls_sender.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/log.h"
#include "hayauma/io/https.h"
#include "hayauma/io/loop.h"

enum {
    DAY_MS = 86400000,
    SETTLE_MS = 60000, /* workers hand over their counts every ten seconds */
    DAYS_BACK = 2,
    AT_ONCE = 8,
    LOOKS_PER_TURN = 512, /* domains passed over in one turn of the loop */
    AGAIN_MS = 30 * 60 * 1000,
    AGAIN_DOUBLINGS = 3,
    CACHE_ENTRIES = 1024,
    CACHE_BYTES = 1 << 20,
    HTTPS_RUNNING = 4,
    MAIL_MAX = 64,
};

struct tls_sender {
    struct tls_post_office office;
    bool is_open; /* the office has what it needs */
    bool is_stopped;
    struct hy_defer step;
    /* the walk */
    bool is_walking;
    uint32_t today, day;
    char after[HY_TALLY_DOMAIN_MAX + 1];
    uint32_t n_running;
    uint32_t n_sent, n_failed, n_unwanted; /* domains */
    uint32_t done_day;                     /* the last one a walk was begun on */
    unsigned n_again;
    hy_wall_ms again_at; /* 0 = nothing is left */
};

static uint32_t day_of(hy_wall_ms now)
{
    return (uint32_t)(now / DAY_MS);
}

static bool is_on(const struct tls_sender *s)
{
    return s->office.d->config->tls.report_from[0] != '\0' && !s->is_stopped;
}

/* ---- the office ---- */

static void on_mail(void *arg, struct hy_msg *first)
{
    struct tls_sender *s = arg;
    for (struct hy_msg *m = first, *next; m; m = next) {
        next = m->next;
        tls_post_arrived(&s->office, m);
    }
}

static int open_office(struct tls_sender *s, struct hy_diag *diag)
{
    struct tls_post_office *o = &s->office;
    if (s->is_open)
        return HY_OK;
    struct hy_resolver_settings dns;
    daemon_dns_settings(o->d, &dns);
    dns.cache_entries = CACHE_ENTRIES;
    dns.cache_bytes = CACHE_BYTES;
    struct hy_https_options https = {.ca_file = o->d->boot_config->tls.ca_file,
                                     .max_running = HTTPS_RUNNING};
    int err = o->resolver ? HY_OK : hy_resolver_create(o->d->loop, &dns, diag, &o->resolver);
    if (err == HY_OK)
        err = hy_https_create(&https, diag, &o->https);
    s->is_open = err == HY_OK;
    return err;
}

/* ---- the walk ---- */

/* When this node begins on a day: the same every time it is asked. */
static hy_wall_ms begin_of(const struct tls_sender *s, uint32_t day)
{
    const struct hy_config *c = s->office.d->config;
    const struct hy_hash_key key = {0x746c73727074, day};
    struct hy_str name = hy_str_of(c->node.hostname);
    uint64_t spread_ms = (uint64_t)c->tls.report_spread_us / HY_US_PER_MS;
    uint64_t at = spread_ms ? hy_siphash(&key, name.p, name.n) % spread_ms : 0;
    return (hy_wall_ms)day * DAY_MS + SETTLE_MS + (hy_wall_ms)at;
}

static void end_walk(struct tls_sender *s)
{
    s->is_walking = false;
    s->again_at = 0;
    if (s->n_failed) {
        unsigned doublings = s->n_again < AGAIN_DOUBLINGS ? s->n_again : AGAIN_DOUBLINGS;
        s->again_at = hy_clock_wall_ms() + ((hy_wall_ms)AGAIN_MS << doublings);
        s->n_again++;
    }
    if (s->n_sent || s->n_failed)
        hy_log(HY_LOG_NOTICE, "tls",
               "TLS reports: told %u, to be tried again %u, not wanted by %u domains", s->n_sent,
               s->n_failed, s->n_unwanted);
}

static void on_report(void *ctx, const struct tls_post_report *r)
{
    struct tls_sender *s = ctx;
    bool is_failed = r->err != HY_OK && r->err != HY_ENOTFOUND;
    for (size_t i = 0; i < r->n; i++) {
        const struct tls_post_target *t = &r->targets[i];
        bool is_bad = t->result == TLS_POST_FAILED || t->result == TLS_POST_REFUSED;
        is_failed |= t->result == TLS_POST_FAILED;
        if (is_bad)
            hy_log(HY_LOG_INFO, "tls", "the TLS report about %s does not reach %s: %s", r->domain,
                   t->uri, t->text);
    }
    if (r->err == HY_EIO)
        hy_log(HY_LOG_INFO, "tls", "no TLS report about %s: %s", r->domain, r->text);
    s->n_running--;
    s->n_failed += is_failed;
    s->n_unwanted += r->err == HY_ENOTFOUND;
    s->n_sent += r->err == HY_OK && !is_failed;
    if (r->err != HY_ECANCELED)
        hy_loop_defer(s->office.d->loop, &s->step);
}

/* The next domain that has no mark. HY_ENOTFOUND: the end; HY_EMORE: not found within a turn. */
static int next_domain(struct tls_sender *s)
{
    struct hy_txn t = {0};
    int err = hy_txn_read(s->office.d->env, &t);
    for (int looks = 0; err == HY_OK; looks++) {
        err = looks < LOOKS_PER_TURN
                  ? hy_tally_next_domain(&t, s->day, hy_str_of(s->after), s->after)
                  : HY_EMORE;
        if (err == HY_ENOTFOUND && s->day + 1 < s->today) {
            s->day++;
            s->after[0] = '\0';
            err = HY_OK;
        } else if (err == HY_OK && !hy_tally_is_reported(&t, s->day, hy_str_of(s->after))) {
            break;
        }
    }
    hy_txn_end(&t);
    return err;
}

static void step(void *arg)
{
    struct tls_sender *s = arg;
    int err = HY_OK;
    while (s->is_walking && is_on(s) && s->n_running < AT_ONCE && err == HY_OK) {
        err = next_domain(s);
        struct tls_post_order order = {
            .day = s->day, .domain = hy_str_of(s->after), .fn = on_report, .ctx = s};
        if (err == HY_OK && tls_post_start(&s->office, &order) == HY_OK)
            s->n_running++;
        else if (err == HY_OK)
            s->n_failed++;
    }
    if (err == HY_EMORE)
        hy_loop_defer(s->office.d->loop, &s->step);
    else if (s->is_walking && s->n_running == 0 && (err != HY_OK || !is_on(s)))
        end_walk(s);
}

static void begin_walk(struct tls_sender *s, hy_wall_ms now)
{
    struct hy_diag diag = {""};
    uint32_t today = day_of(now);
    if (today != s->done_day)
        s->n_again = 0;
    s->done_day = s->today = today;
    s->again_at = 0;
    if (open_office(s, &diag) != HY_OK) {
        hy_log(HY_LOG_WARNING, "tls", "no TLS reports: %s", diag.text);
        s->again_at = now + AGAIN_MS;
        return;
    }
    s->is_walking = true;
    s->day = today - DAYS_BACK;
    s->after[0] = '\0';
    s->n_sent = s->n_failed = s->n_unwanted = 0;
    hy_loop_defer(s->office.d->loop, &s->step);
}

void tls_sender_tick(struct tls_sender *s)
{
    if (!is_on(s) || s->is_walking)
        return;
    hy_wall_ms now = hy_clock_wall_ms();
    bool is_new_day = s->done_day != day_of(now) && now >= begin_of(s, day_of(now));
    if (is_new_day || (s->again_at && now >= s->again_at))
        begin_walk(s, now);
}

/* ---- by hand ---- */

int tls_sender_order(struct tls_sender *s, const struct tls_post_order *order, struct hy_diag *diag)
{
    if (!is_on(s))
        return hy_fail(diag, HY_EINVAL, "reports are not sent: tls.report_from is not set");
    if (order->day >= day_of(hy_clock_wall_ms()))
        return hy_fail(diag, HY_EINVAL, "that day is not over (UTC)");
    int err = open_office(s, diag);
    return err == HY_OK ? tls_post_start(&s->office, order) : err;
}

/* ---- begin and end ---- */

int tls_sender_new(struct hy_daemon *d, struct tls_sender **ret)
{
    struct tls_sender *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->office.d = d;
    hy_list_init(&s->office.posts);
    hy_defer_init(&s->step, step, s);
    int err = hy_mailbox_create(MAIL_MAX, &s->office.mailbox);
    if (err == HY_OK)
        err = hy_mailbox_attach(s->office.mailbox, d->loop, on_mail, s);
    if (err != HY_OK) {
        hy_mailbox_free(s->office.mailbox);
        free(s);
        return err;
    }
    *ret = s;
    return HY_OK;
}

void tls_sender_stop(struct tls_sender *s)
{
    if (!s)
        return;
    s->is_stopped = true;
    hy_loop_undefer(&s->step);
    hy_https_free(s->office.https);
    s->office.https = NULL;
    hy_resolver_free(s->office.resolver);
    s->office.resolver = NULL;
}

void tls_sender_free(struct tls_sender *s)
{
    if (!s)
        return;
    hy_mailbox_detach(s->office.mailbox);
    hy_mailbox_close(s->office.mailbox);
    (void)hy_mailbox_take(s->office.mailbox); /* parts of posts */
    tls_posts_cancel(&s->office);
    hy_mailbox_free(s->office.mailbox);
    free(s);
}

void tls_sender_counts(const struct tls_sender *s, uint64_t ret_sent[2], uint64_t ret_failed[2])
{
    for (int i = 0; i < 2; i++) {
        ret_sent[i] = hy_count_read(&s->office.sent[i]);
        ret_failed[i] = hy_count_read(&s->office.failed[i]);
    }
}
