/* One TLS report on its way.
 *
 * Happy path: the TXT record, the report from the store, then for each target in turn its address
 * and a POST, or a mail; what was sent is marked in the store before the next; the last mark says
 * that all is done.
 * How it fails: a target that fails stays unmarked, so that the next walk tries it again, and it
 * alone. A mail and its mark are one commit; nothing is POSTed while the disk has no room for the
 * mark. Between a POST that was taken and its mark a kill may repeat it: with the same report-id,
 * by which receivers know it. */
#include "tls_post.h"

#include <stdlib.h>

#include "hayauma/base/gzip.h"
#include "hayauma/base/log.h"
#include "hayauma/io/https.h"
#include "tls_mail.h"
#include "tls_report.h"

enum {
    REPORT_MAX = 4 << 20, /* bytes; 64 kinds of some 3 KiB */
    POSTS_MAX = 64,
    TIMEOUT_S = 60,
    ANSWER_MAX = 64 << 10,
};

enum { MSG_POSTED = 1, MSG_MAILED, MSG_MARKED };

struct tls_post {
    struct hy_list link;
    struct tls_post_office *office;
    struct tls_post_order order;
    char domain[HY_TALLY_DOMAIN_MAX + 1];
    struct tls_post_target targets[HY_TLSRPT_URIS_MAX];
    size_t n, at;
    struct hy_buf report, packed;
    struct hy_sockaddr addresses[HY_HTTPS_ADDRESSES_MAX];
    size_t n_addresses;
    unsigned questions; /* for addresses, on their way */
    struct hy_https_request request;
    struct system_mail mail;
    struct hy_tally_mark mark;
    bool is_last_mark;
    /* from the threads of HTTPS and of the writer */
    struct hy_msg msg;
    int err;
    unsigned status;
    char text[200];
};

const char *tls_post_result_name(enum tls_post_result r)
{
    static const char *const names[] = {"open",          "sent",   "had it",
                                        "would be sent", "failed", "refused"};
    return names[r];
}

static void post_free(struct tls_post *p)
{
    hy_list_remove(&p->link);
    p->office->n_posts--;
    hy_buf_free(&p->report);
    hy_buf_free(&p->packed);
    free(p);
}

static void finish(struct tls_post *p, int err, const char *text)
{
    struct tls_post_report r = {.domain = p->domain,
                                .day = p->order.day,
                                .err = err,
                                .text = text,
                                .n = p->n,
                                .targets = p->targets,
                                .bytes = p->report.len,
                                .packed_bytes = p->packed.len};
    p->order.fn(p->order.ctx, &r);
    post_free(p);
}

static void next_target(struct tls_post *p);

static struct tls_post_target *target_of(struct tls_post *p)
{
    return &p->targets[p->at];
}

static void settle(struct tls_post *p, enum tls_post_result result, const char *text)
{
    struct tls_post_target *t = target_of(p);
    t->result = result;
    snprintf(t->text, sizeof t->text, "%s", text);
    if (result == TLS_POST_SENT)
        hy_count_add(&p->office->sent[t->is_https], 1);
    else if (result == TLS_POST_FAILED || result == TLS_POST_REFUSED)
        hy_count_add(&p->office->failed[t->is_https], 1);
}

static void settle_and_go_on(struct tls_post *p, enum tls_post_result result, const char *text)
{
    settle(p, result, text);
    p->at++;
    next_target(p);
}

/* ---- marks ---- */

/* The writer's thread. */
static void on_marked(struct hy_write_req *r, int err)
{
    struct tls_post *p =
        hy_container_of(hy_container_of(r, struct hy_tally_mark, req), struct tls_post, mark);
    p->err = err;
    p->msg.kind = MSG_MARKED;
    int full = hy_mailbox_post_answer(p->office->mailbox, &p->msg);
    (void)full; /* closed: tls_posts_cancel has it */
}

/* `uri` NULL: all of it is done, or nobody wants it. */
static void mark(struct tls_post *p, const char *uri, bool is_unwanted)
{
    hy_tally_mark_init(&p->mark);
    p->mark.day = p->order.day;
    p->mark.domain = hy_str_of(p->domain);
    p->mark.uri = hy_str_of(uri);
    p->mark.is_unwanted = is_unwanted;
    p->mark.req.done = on_marked;
    p->is_last_mark = uri == NULL;
    int err = hy_writer_submit(p->office->d->writer, &p->mark.req);
    if (err != HY_OK)
        on_marked(&p->mark.req, err);
}

static void marked(struct tls_post *p)
{
    if (p->err != HY_OK && p->err != HY_ECLOSED)
        hy_log(HY_LOG_WARNING, "tls", "that the report about %s was sent cannot be remembered: %s",
               p->domain, hy_err_text(p->err));
    if (p->is_last_mark) {
        finish(p, p->n ? HY_OK : HY_ENOTFOUND, p->text);
        return;
    }
    p->at++;
    next_target(p);
}

/* ---- HTTPS ---- */

/* The thread of requests. */
static void on_posted(struct hy_https_request *r, const struct hy_https_result *result)
{
    struct tls_post *p = hy_container_of(r, struct tls_post, request);
    p->err = result->err;
    p->status = result->status;
    snprintf(p->text, sizeof p->text, "%s", result->text);
    p->msg.kind = MSG_POSTED;
    int full = hy_mailbox_post_answer(p->office->mailbox, &p->msg);
    (void)full; /* closed: tls_posts_cancel has it */
}

/* Section 5.4: any 2xx. What the server says of the request itself will not change. */
static void posted(struct tls_post *p)
{
    char text[64];
    snprintf(text, sizeof text, "HTTP status %u", p->status);
    if (p->err != HY_OK) {
        settle_and_go_on(p, TLS_POST_FAILED, p->text);
    } else if (p->status / 100 == 2) {
        settle(p, TLS_POST_SENT, text);
        mark(p, target_of(p)->uri, false);
    } else {
        settle_and_go_on(p, TLS_POST_FAILED, text);
    }
}

static void submit(struct tls_post *p)
{
    if (p->n_addresses == 0) {
        settle_and_go_on(p, TLS_POST_FAILED, "its host has no address that can be used");
        return;
    }
    p->request = (struct hy_https_request){.url = target_of(p)->uri,
                                           .addresses = p->addresses,
                                           .n_addresses = p->n_addresses,
                                           .content_type = "application/tlsrpt+gzip",
                                           .body = hy_buf_str(&p->packed),
                                           .max_bytes = ANSWER_MAX,
                                           .timeout_us = TIMEOUT_S * HY_US_PER_SEC,
                                           .done = on_posted};
    int err = hy_https_submit(p->office->https, &p->request);
    if (err != HY_OK)
        settle_and_go_on(p, TLS_POST_FAILED, hy_err_text(err));
}

/* Whoever has a domain that mail goes to names the host: nothing behind our own walls. What is of
 * this host and link the resolver has left out. */
static bool may_post_to(const struct tls_post *p, const struct hy_sockaddr *a)
{
    return p->office->d->config->dns.allow_local || !hy_sockaddr_is_private(a);
}

static void on_addresses(void *ctx, const struct hy_records *r)
{
    struct tls_post *p = ctx;
    p->questions--;
    size_t n = r && r->addresses ? r->n : 0;
    for (size_t i = 0; i < n && p->n_addresses < HY_HTTPS_ADDRESSES_MAX; i++)
        if (may_post_to(p, &r->addresses[i]))
            p->addresses[p->n_addresses++] = r->addresses[i];
    if (r && p->questions == 0) /* NULL: the office ends */
        submit(p);
}

/* The host name in an https URL. False: it has a user, or is an address. */
static bool host_of(const char *url, struct hy_str *ret)
{
    struct hy_sockaddr address;
    struct hy_str rest = hy_str_slice(hy_str_of(url), 8, SIZE_MAX);
    size_t n = 0;
    while (n < rest.n && !memchr("/?#", rest.p[n], 3))
        n++;
    struct hy_str authority = hy_str_slice(rest, 0, n);
    struct hy_str host = hy_str_slice(authority, 0, hy_str_find(authority, ':', 0));
    if (host.n == 0 || host.n > HY_DOMAIN_MAX || hy_str_find(authority, '@', 0) != SIZE_MAX ||
        host.p[0] == '[' || hy_sockaddr_parse(host, 0, &address) == HY_OK)
        return false;
    *ret = host;
    return true;
}

static void post(struct tls_post *p)
{
    static const enum hy_dns_type types[] = {HY_DNS_A, HY_DNS_AAAA};
    struct hy_str host;
    p->n_addresses = 0;
    if (hy_env_state(p->office->d->env) != HY_ENV_READY) { /* the mark could not be written */
        settle_and_go_on(p, TLS_POST_FAILED, "the disk is full, or nearly so (store.min_free)");
        return;
    }
    if (!host_of(target_of(p)->uri, &host)) {
        settle_and_go_on(p, TLS_POST_REFUSED, "the URL names no host");
        return;
    }
    for (size_t i = 0; i < 2; i++)
        if (hy_resolver_records(p->office->resolver, host, types[i], on_addresses, p) == HY_OK)
            p->questions++;
    if (p->questions == 0)
        settle_and_go_on(p, TLS_POST_FAILED, "its host cannot be looked up now");
}

/* ---- mail ---- */

/* The writer's thread: message and mark are one. */
static int mark_too(struct system_mail *m, struct hy_txn *t)
{
    struct tls_post *p = hy_container_of(m, struct tls_post, mail);
    return hy_tally_mark_put(t, p->order.day, hy_str_of(p->domain), hy_str_of(target_of(p)->uri));
}

/* The writer's thread. */
static void on_mailed(struct system_mail *m, int err)
{
    struct tls_post *p = hy_container_of(m, struct tls_post, mail);
    p->err = err;
    p->msg.kind = MSG_MAILED;
    int full = hy_mailbox_post_answer(p->office->mailbox, &p->msg);
    (void)full; /* closed: tls_posts_cancel has it */
}

static void mailed(struct tls_post *p)
{
    char id[HY_ID_TEXT_MAX], text[64];
    snprintf(text, sizeof text, "message %s", hy_id_format(p->mail.message.id, id));
    if (p->err == HY_OK)
        settle_and_go_on(p, TLS_POST_SENT, text);
    else
        settle_and_go_on(p, TLS_POST_FAILED, hy_err_text(p->err));
}

static void mail(struct tls_post *p)
{
    struct hy_diag diag = {""};
    struct tls_mail r = {.day = p->order.day,
                         .domain = hy_str_of(p->domain),
                         .packed = hy_buf_str(&p->packed),
                         .to = hy_str_of(target_of(p)->uri)};
    p->mail = (struct system_mail){.also = mark_too, .done = on_mailed};
    int err = tls_mail_send(p->office->d, &r, &p->mail, &diag);
    if (err == HY_EINVAL)
        settle_and_go_on(p, TLS_POST_REFUSED, diag.text);
    else if (err != HY_OK)
        settle_and_go_on(p, TLS_POST_FAILED, diag.text);
}

/* ---- all targets ---- */

static bool has_it(struct tls_post *p)
{
    struct hy_txn t = {0};
    bool had = hy_txn_read(p->office->d->env, &t) == HY_OK &&
               hy_tally_is_reported_to(&t, p->order.day, hy_str_of(p->domain),
                                       hy_str_of(target_of(p)->uri));
    hy_txn_end(&t);
    return had;
}

static void end_of_targets(struct tls_post *p)
{
    bool is_open = p->order.is_dry;
    for (size_t i = 0; i < p->n; i++)
        is_open |= p->targets[i].result == TLS_POST_FAILED;
    if (is_open)
        finish(p, HY_OK, "");
    else
        mark(p, NULL, false);
}

static void next_target(struct tls_post *p)
{
    p->text[0] = '\0';
    while (p->at < p->n) {
        if (has_it(p)) {
            settle(p, TLS_POST_HAD_IT, "");
        } else if (p->order.is_dry) {
            settle(p, TLS_POST_WOULD, "");
        } else {
            if (target_of(p)->is_https)
                post(p);
            else
                mail(p);
            return;
        }
        p->at++;
    }
    end_of_targets(p);
}

static int make(struct tls_post *p)
{
    struct hy_txn t = {0};
    json_t *o = NULL;
    int err = hy_txn_read(p->office->d->env, &t);
    if (err == HY_OK)
        err = tls_report_make(&t, p->office->d->config, p->order.day, hy_str_of(p->domain), &o);
    hy_txn_end(&t);
    char *text = err == HY_OK ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (err == HY_OK && !text)
        err = HY_ENOMEM;
    if (err == HY_OK) {
        hy_buf_add(&p->report, text, strlen(text));
        err = p->report.err ? p->report.err : hy_gzip(hy_buf_str(&p->report), &p->packed);
    }
    free(text);
    return err;
}

/* Nobody wants it: what was counted goes, so that the domain is not asked again for this day. */
static void unwanted(struct tls_post *p, const char *why)
{
    snprintf(p->text, sizeof p->text, "%s", why);
    if (p->order.is_dry)
        finish(p, HY_ENOTFOUND, p->text);
    else
        mark(p, NULL, true);
}

static void take_targets(struct tls_post *p, const struct hy_tlsrpt_record *record)
{
    for (size_t i = 0; i < record->n; i++) {
        struct tls_post_target *t = &p->targets[p->n++];
        t->is_https = record->rua[i].is_https;
        snprintf(t->uri, sizeof t->uri, "%s", record->rua[i].text);
    }
}

static bool is_over(struct tls_post *p)
{
    struct hy_txn t = {0};
    bool over = hy_txn_read(p->office->d->env, &t) == HY_OK &&
                hy_tally_is_reported(&t, p->order.day, hy_str_of(p->domain));
    hy_txn_end(&t);
    return over;
}

static void on_record(void *ctx, const struct hy_records *r)
{
    struct tls_post *p = ctx;
    struct hy_tlsrpt_record record;
    if (!r)
        return; /* the office ends */
    if (r->status == HY_DNS_FAILED) {
        snprintf(p->text, sizeof p->text, "_smtp._tls.%.100s cannot be looked up: %.60s", p->domain,
                 r->text);
        finish(p, HY_EIO, p->text);
        return;
    }
    int err = r->status == HY_DNS_OK ? hy_tlsrpt_record_read(r->data, r->n, &record) : HY_ENOTFOUND;
    if (err != HY_OK) {
        unwanted(p, err == HY_ENOTFOUND ? "the domain asks for no reports"
                                        : "the record at _smtp._tls is malformed");
        return;
    }
    err = is_over(p) ? HY_OK : make(p); /* then all have it, and the counts are gone */
    if (err != HY_OK) {
        finish(p, err, err == HY_ENOTFOUND ? "no session was counted" : hy_err_text(err));
        return;
    }
    take_targets(p, &record);
    next_target(p);
}

/* A report is never on its way twice. */
static bool is_under_way(const struct tls_post_office *o, const struct tls_post_order *order)
{
    hy_list_for_each (it, &o->posts) {
        const struct tls_post *p = hy_container_of(it, struct tls_post, link);
        if (!p->order.is_dry && p->order.day == order->day &&
            hy_str_eq(hy_str_of(p->domain), order->domain))
            return true;
    }
    return false;
}

int tls_post_start(struct tls_post_office *o, const struct tls_post_order *order)
{
    char name[HY_TALLY_DOMAIN_MAX + 16];
    if (o->n_posts >= POSTS_MAX || order->domain.n > HY_TALLY_DOMAIN_MAX)
        return HY_ELIMIT;
    if (is_under_way(o, order))
        return HY_EBUSY;
    struct tls_post *p = calloc(1, sizeof *p);
    if (!p)
        return HY_ENOMEM;
    p->office = o;
    p->order = *order;
    p->report = HY_BUF_INIT(REPORT_MAX);
    p->packed = HY_BUF_INIT(REPORT_MAX);
    snprintf(p->domain, sizeof p->domain, "%.*s", HY_STR_ARG(order->domain));
    snprintf(name, sizeof name, "_smtp._tls.%s", p->domain);
    hy_list_push(&o->posts, &p->link);
    o->n_posts++;
    int err = hy_resolver_records(o->resolver, hy_str_of(name), HY_DNS_TXT, on_record, p);
    if (err != HY_OK)
        post_free(p);
    return err;
}

void tls_post_arrived(struct tls_post_office *o, struct hy_msg *m)
{
    struct tls_post *p = hy_container_of(m, struct tls_post, msg);
    (void)o;
    if (m->kind == MSG_POSTED)
        posted(p);
    else if (m->kind == MSG_MAILED)
        mailed(p);
    else
        marked(p);
}

void tls_posts_cancel(struct tls_post_office *o)
{
    hy_list_for_each_safe (it, &o->posts)
        finish(hy_container_of(it, struct tls_post, link), HY_ECANCELED, "the daemon ends");
}
