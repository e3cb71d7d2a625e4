/* From "there is a policy" to its text in the store.
 *
 * Happy path: tls_fetch_ask, addresses of mta-sts.DOMAIN (both families), an HTTPS request to
 * those, its result as a message back to the feeder, the policy checked, stored, told to who waits.
 * How it fails: each failure is remembered for FAILED_S, so that a host that is down is asked once
 * in that time, and told with the name that TLS reports have for it. */
#include "tls_fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/io/loop.h"
#include "hayauma/store/sts.h"
#include "parts.h"

enum {
    FETCHES_MAX = 4096,
    FAILED_S = 300, /* RFC 8461 section 3.3: five minutes or longer */
    TIMEOUT_S = 60,
};

enum fetch_state { RESOLVING, FETCHING, FAILED };

struct tls_fetch {
    struct hy_list link; /* all, the oldest first */
    struct tls_fetches *all;
    enum fetch_state state;
    unsigned questions; /* for addresses, on their way */
    bool is_cancelled;
    hy_us until; /* FAILED */
    enum hy_tlsrpt_result fault;
    char fault_text[HY_TALLY_TEXT_MAX];
    char id[HY_STS_ID_MAX + 1];
    char domain[HY_DOMAIN_MAX + 1];
    char url[HY_DOMAIN_MAX + 64];
    struct hy_list waiting;
    struct hy_sockaddr addresses[HY_HTTPS_ADDRESSES_MAX];
    size_t n_addresses;
    struct hy_https_request request;
    /* from the HTTPS thread */
    struct hy_msg msg;
    int err;
    unsigned status;
    bool is_text;
    struct hy_buf body;
    char text[HY_TALLY_TEXT_MAX];
};

struct tls_fetches {
    struct tls_fetch_settings s;
    struct hy_list list;
    uint32_t n;
};

/* A policy on its way into the store. */
struct storing {
    struct hy_sts_put put;
    struct hy_buf text;
    char domain[HY_DOMAIN_MAX + 1], id[HY_STS_ID_MAX + 1];
};

struct tls_fetches *tls_fetches_new(const struct tls_fetch_settings *s)
{
    struct tls_fetches *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->s = *s;
    hy_list_init(&t->list);
    return t;
}

static void fetch_free(struct tls_fetch *f)
{
    if (f->all)
        f->all->n--;
    hy_list_remove(&f->link);
    hy_buf_free(&f->body);
    free(f);
}

static void tell(struct tls_fetch *f, const struct tls_fetched *result)
{
    for (struct hy_list *n; (n = hy_list_pop(&f->waiting)) != NULL;) {
        struct tls_fetch_wait *w = hy_container_of(n, struct tls_fetch_wait, link);
        w->fn(w, result);
    }
}

/* ---- the end of a fetch ---- */

static void fail(struct tls_fetch *f, enum hy_tlsrpt_result fault, const char *text)
{
    struct tls_fetched result = {.err = HY_EIO, .fault = fault, .text = f->fault_text};
    f->state = FAILED;
    f->until = hy_loop_now(f->all->s.loop) + FAILED_S * HY_US_PER_SEC;
    f->fault = fault;
    snprintf(f->fault_text, sizeof f->fault_text, "%s", text);
    hy_buf_free(&f->body);
    hy_log(HY_LOG_NOTICE, "tls", "no MTA-STS policy of %s: %s", f->domain, f->fault_text);
    tell(f, &result);
}

static void cancel(struct tls_fetch *f)
{
    struct tls_fetched result = {.err = HY_ECANCELED, .text = "ending"};
    tell(f, &result);
}

static void on_stored(struct hy_write_req *r, int err)
{
    struct hy_sts_put *put = hy_container_of(r, struct hy_sts_put, req);
    struct storing *s = hy_container_of(put, struct storing, put);
    if (err != HY_OK && err != HY_ECLOSED)
        hy_log(HY_LOG_WARNING, "tls", "the MTA-STS policy of %s cannot be kept: %s", s->domain,
               hy_err_text(err));
    hy_buf_free(&s->text);
    free(s);
}

/* Takes the body over. */
static void store(struct tls_fetch *f, hy_wall_ms now, hy_wall_ms expires)
{
    struct storing *s = calloc(1, sizeof *s);
    if (!s)
        return; /* it is fetched again next time */
    hy_sts_put_init(&s->put);
    s->text = f->body;
    f->body = HY_BUF_INIT(0);
    snprintf(s->domain, sizeof s->domain, "%s", f->domain);
    snprintf(s->id, sizeof s->id, "%s", f->id);
    s->put.domain = hy_str_of(s->domain);
    s->put.policy = (struct hy_sts_stored){
        .fetched = now, .expires = expires, .id = hy_str_of(s->id), .text = hy_buf_str(&s->text)};
    s->put.req.done = on_stored;
    int err = hy_writer_submit(f->all->s.writer, &s->put.req);
    if (err != HY_OK)
        on_stored(&s->put.req, err);
}

static void succeed(struct tls_fetch *f, const struct hy_sts_policy *p)
{
    hy_wall_ms now = hy_clock_wall_ms(), expires = now + (hy_wall_ms)p->max_age_s * 1000;
    struct tls_fetched result = {
        .id = hy_str_of(f->id), .policy = hy_buf_str(&f->body), .expires = expires};
    hy_log(HY_LOG_INFO, "tls", "MTA-STS policy of %s: %s for %u s, id %s", f->domain,
           hy_sts_mode_name(p->mode), p->max_age_s, f->id);
    tell(f, &result);
    store(f, now, expires);
    fetch_free(f);
}

void tls_fetch_arrived(struct tls_fetches *t, struct hy_msg *m)
{
    struct tls_fetch *f = hy_container_of(m, struct tls_fetch, msg);
    struct hy_sts_policy policy;
    struct hy_diag diag = {""};
    char text[HY_TALLY_TEXT_MAX];
    if (!t || !f->all) { /* we are ending: nobody waits any more */
        fetch_free(f);
    } else if (f->err == HY_ECANCELED) {
        cancel(f);
        fetch_free(f);
    } else if (f->err == HY_EAUTH) {
        fail(f, HY_TLSRPT_STS_WEBPKI_INVALID, f->text);
    } else if (f->err != HY_OK) {
        fail(f, HY_TLSRPT_STS_POLICY_FETCH_ERROR, f->text);
    } else if (f->status != 200) {
        snprintf(text, sizeof text, "HTTP status %u", f->status);
        fail(f, HY_TLSRPT_STS_POLICY_FETCH_ERROR, text);
    } else if (!f->is_text) {
        fail(f, HY_TLSRPT_STS_POLICY_INVALID, "the document is not text/plain");
    } else if (hy_sts_policy_read(hy_buf_str(&f->body), &diag, &policy) != HY_OK) {
        fail(f, HY_TLSRPT_STS_POLICY_INVALID, diag.text);
    } else {
        succeed(f, &policy);
    }
}

/* ---- the request ---- */

/* The HTTPS client's thread. */
static void on_done(struct hy_https_request *r, const struct hy_https_result *result)
{
    struct tls_fetch *f = hy_container_of(r, struct tls_fetch, request);
    f->err = result->err;
    f->status = result->status;
    f->is_text = hy_sts_media_type_is_good(result->content_type);
    snprintf(f->text, sizeof f->text, "%s", result->text ? result->text : "");
    hy_buf_add_str(&f->body, result->body);
    if (f->body.err && f->err == HY_OK)
        f->err = f->body.err;
    f->msg.kind = MSG_STS_FETCHED;
    int err = hy_mailbox_post_answer(f->all->s.mailbox, &f->msg);
    (void)err; /* the feeder never closes it */
}

static void request(struct tls_fetch *f)
{
    char port[16] = "";
    if (f->n_addresses == 0) {
        fail(f, HY_TLSRPT_STS_POLICY_FETCH_ERROR, "its policy host has no address");
        return;
    }
    if (f->all->s.port != 443)
        snprintf(port, sizeof port, ":%u", f->all->s.port);
    snprintf(f->url, sizeof f->url, "https://mta-sts.%s%s/.well-known/mta-sts.txt", f->domain,
             port);
    f->state = FETCHING;
    f->body = HY_BUF_INIT(HY_STS_POLICY_MAX);
    f->request = (struct hy_https_request){.url = f->url,
                                           .addresses = f->addresses,
                                           .n_addresses = f->n_addresses,
                                           .max_bytes = HY_STS_POLICY_MAX,
                                           .timeout_us = TIMEOUT_S * HY_US_PER_SEC,
                                           .done = on_done};
    int err = hy_https_submit(f->all->s.https, &f->request);
    if (err == HY_ECLOSED) {
        cancel(f);
        fetch_free(f);
    } else if (err != HY_OK) {
        fail(f, HY_TLSRPT_STS_POLICY_FETCH_ERROR, "too many fetches wait");
    }
}

static void on_addresses(void *ctx, const struct hy_records *r)
{
    struct tls_fetch *f = ctx;
    f->questions--;
    f->is_cancelled |= r == NULL;
    for (size_t i = 0; r && r->addresses && i < r->n && f->n_addresses < HY_HTTPS_ADDRESSES_MAX;
         i++)
        f->addresses[f->n_addresses++] = r->addresses[i];
    if (f->questions)
        return;
    if (f->is_cancelled) {
        cancel(f);
        fetch_free(f);
    } else {
        request(f);
    }
}

static void resolve(struct tls_fetch *f)
{
    static const enum hy_dns_type types[] = {HY_DNS_A, HY_DNS_AAAA};
    char host[HY_DOMAIN_MAX + 16];
    snprintf(host, sizeof host, "mta-sts.%s", f->domain);
    for (size_t i = 0; i < 2; i++)
        if (hy_resolver_records(f->all->s.resolver, hy_str_of(host), types[i], on_addresses, f) ==
            HY_OK)
            f->questions++;
    if (f->questions == 0)
        fail(f, HY_TLSRPT_STS_POLICY_FETCH_ERROR, "its policy host cannot be looked up");
}

/* ---- asking ---- */

static struct tls_fetch *find(struct tls_fetches *t, struct hy_str domain)
{
    hy_list_for_each (it, &t->list) {
        struct tls_fetch *f = hy_container_of(it, struct tls_fetch, link);
        if (hy_str_eq(hy_str_of(f->domain), domain))
            return f;
    }
    return NULL;
}

/* The oldest failure makes room; NULL when all are running, or without memory. */
static struct tls_fetch *add(struct tls_fetches *t, struct hy_str domain)
{
    if (t->n >= FETCHES_MAX) {
        hy_list_for_each_safe (it, &t->list) {
            struct tls_fetch *old = hy_container_of(it, struct tls_fetch, link);
            if (old->state == FAILED) {
                fetch_free(old);
                break;
            }
        }
    }
    struct tls_fetch *f = t->n < FETCHES_MAX ? calloc(1, sizeof *f) : NULL;
    if (!f)
        return NULL;
    f->all = t;
    hy_list_init(&f->waiting);
    snprintf(f->domain, sizeof f->domain, "%.*s", HY_STR_ARG(domain));
    hy_list_push(&t->list, &f->link);
    t->n++;
    return f;
}

void tls_fetch_ask(struct tls_fetches *t, struct hy_str domain, struct hy_str id,
                   struct tls_fetch_wait *wait)
{
    struct tls_fetch *f = find(t, domain);
    if (f && f->state == FAILED && f->until > hy_loop_now(t->s.loop)) {
        struct tls_fetched failed = {.err = HY_EIO, .fault = f->fault, .text = f->fault_text};
        if (wait)
            wait->fn(wait, &failed);
        return;
    }
    bool is_running = f && f->state != FAILED;
    if (!f)
        f = add(t, domain);
    if (!f) {
        struct tls_fetched failed = {.err = HY_EIO,
                                     .fault = HY_TLSRPT_STS_POLICY_FETCH_ERROR,
                                     .text = "too many fetches are running"};
        if (wait)
            wait->fn(wait, &failed);
        return;
    }
    if (wait)
        hy_list_push(&f->waiting, &wait->link);
    if (is_running)
        return;
    snprintf(f->id, sizeof f->id, "%.*s", HY_STR_ARG(id));
    f->state = RESOLVING;
    f->n_addresses = 0;
    f->is_cancelled = false;
    resolve(f);
}

void tls_fetches_free(struct tls_fetches *t)
{
    if (!t)
        return;
    hy_list_for_each_safe (it, &t->list) {
        struct tls_fetch *f = hy_container_of(it, struct tls_fetch, link);
        cancel(f);
        hy_list_remove(&f->link);
        if (f->state == FETCHING) /* it comes by the mailbox */
            f->all = NULL;
        else
            fetch_free(f);
    }
    free(t);
}
