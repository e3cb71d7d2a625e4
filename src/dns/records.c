/* One question, one answer, as the policy of TLS needs them: TXT, TLSA, addresses of a host. */
#include "records.h"

#include <stdlib.h>

struct ask {
    struct hy_list link; /* asking or done */
    struct records *records;
    struct dns_wait wait;
    struct dns_rrset *answer; /* NULL: there is no such name at all, or cancelled */
    hy_records_fn *fn;
    void *ctx;
    bool is_cancelled;
};

static void deliver(struct ask *a)
{
    struct hy_sockaddr addresses[HY_MX_ADDRESSES_MAX];
    struct hy_records out = {.status = HY_DNS_NXDOMAIN, .expires = HY_US_NEVER};
    const struct dns_rrset *from = a->answer;
    if (from) {
        out = (struct hy_records){.status = (enum hy_dns_status)from->status,
                                  .is_secure = from->is_secure,
                                  .text = from->text,
                                  .expires = from->expires,
                                  .n = from->n_records,
                                  .data = from->data};
    }
    if (from && from->addresses) {
        out.n = 0;
        for (size_t i = 0; i < from->n_records && out.n < HY_MX_ADDRESSES_MAX; i++)
            if (a->records->allow_local || !hy_sockaddr_is_local(&from->addresses[i]))
                addresses[out.n++] = from->addresses[i];
        out.addresses = addresses;
    }
    a->fn(a->ctx, a->is_cancelled ? NULL : &out);
    dns_rrset_unref(a->answer);
    free(a);
}

static void on_tell(void *arg)
{
    struct records *r = arg;
    struct hy_list now;
    hy_list_init(&now);
    for (struct hy_list *n; (n = hy_list_pop(&r->done)) != NULL;)
        hy_list_push(&now, n);
    for (struct hy_list *n; (n = hy_list_pop(&now)) != NULL;)
        deliver(hy_container_of(n, struct ask, link));
}

static void finish(struct ask *a)
{
    struct records *r = a->records;
    hy_list_remove(&a->link);
    hy_list_push(&r->done, &a->link);
    hy_loop_defer(r->loop, &r->tell);
}

static void on_answer(void *arg, struct dns_rrset *answer)
{
    struct ask *a = arg;
    a->answer = dns_rrset_ref(answer);
    finish(a);
}

int records_ask(struct records *r, struct hy_str name, enum dns_type type, hy_records_fn *fn,
                void *ctx)
{
    struct dns_name asked;
    struct ask *a = calloc(1, sizeof *a);
    if (!a)
        return HY_ENOMEM;
    a->records = r;
    a->fn = fn;
    a->ctx = ctx;
    hy_list_push(&r->asking, &a->link);
    if (name.n > 0 && !dns_name_is_host(name)) {
        finish(a);
        return 0;
    }
    asked.n = (uint8_t)name.n;
    for (size_t i = 0; i < name.n; i++)
        asked.text[i] = hy_ascii_lower(name.p[i]);
    a->wait = (struct dns_wait){.fn = on_answer, .arg = a};
    int err = dns_ask(r->client, hy_str_make(asked.text, asked.n), type, &a->wait, &a->answer);
    if (err) {
        hy_list_remove(&a->link);
        free(a);
        return err;
    }
    if (a->answer)
        finish(a);
    return 0;
}

void records_init(struct records *r, struct hy_loop *loop, struct dns_client *client,
                  bool allow_local)
{
    *r = (struct records){.loop = loop, .client = client, .allow_local = allow_local};
    hy_list_init(&r->asking);
    hy_list_init(&r->done);
    hy_defer_init(&r->tell, on_tell, r);
}

void records_end(struct records *r)
{
    hy_loop_undefer(&r->tell);
    struct hy_list *const lists[] = {&r->done, &r->asking};
    for (size_t i = 0; i < 2; i++) {
        for (struct hy_list *n; (n = hy_list_pop(lists[i])) != NULL;) {
            struct ask *a = hy_container_of(n, struct ask, link);
            a->is_cancelled = true;
            deliver(a);
        }
    }
}
