/* Recipients of one ready message in one transaction: coming together, and parting. */
#include "party.h"

#include <assert.h>
#include <stdlib.h>

#include "hayauma/shape/signal.h"
#include "lane.h"

_Static_assert((int)HY_SHAPE_RECIPIENTS_MAX <= (int)HY_SMTP_RECIPIENTS_MAX,
               "a party is as large as a rule says");

void party_join(struct party *p, struct delivery *d)
{
    assert(p->n < HY_SMTP_RECIPIENTS_MAX);
    p->members[p->n++] = d;
    d->party = p;
}

int party_found(struct delivery *first)
{
    struct party *p = malloc(sizeof *p); /* most of it is written when it is needed */
    if (!p)
        return HY_ENOMEM;
    p->n = p->first = p->n_returned = 0;
    p->is_told = false;
    hy_list_init(&p->back);
    party_join(p, first);
    return HY_OK;
}

struct delivery *party_part(struct party *p, uint32_t n)
{
    struct delivery *first = p->members[n];
    if (n + 1 == p->n || party_found(first) != HY_OK) {
        struct delivery *last = p->members[--p->n];
        last->party = NULL;
        return last;
    }
    for (uint32_t i = n + 1; i < p->n; i++)
        party_join(first->party, p->members[i]);
    p->n = n;
    return first;
}

void party_scatter(struct delivery *first, struct hy_list *to)
{
    struct party *p = first->party;
    for (uint32_t i = 0, n = party_size(first); i < n; i++) {
        struct delivery *d = party_member(first, i);
        hy_list_push(to, &d->link);
    }
    for (uint32_t i = 0; p && i < p->n; i++)
        p->members[i]->party = NULL;
    free(p);
}

void party_free(struct delivery *first)
{
    struct hy_list all;
    hy_list_init(&all);
    party_scatter(first, &all);
    for (struct hy_list *it; (it = hy_list_pop(&all));)
        delivery_free(hy_container_of(it, struct delivery, link));
}

static void swap_bufs(struct hy_buf *a, struct hy_buf *b)
{
    struct hy_buf was = *a;
    *a = *b;
    *b = was;
}

/* The message goes from one that has it to one that has none; its bytes stay where they are. */
static void pass_message(struct delivery *from, struct delivery *to)
{
    swap_bufs(&from->signature, &to->signature);
    swap_bufs(&from->bytes, &to->bytes);
    to->pressed_bytes = from->pressed_bytes;
    from->pressed_bytes = 0;
    to->is_pressed = from->is_pressed;
    from->is_pressed = false;
    to->source = from->source;
    to->header_bytes = from->header_bytes;
    to->size_bytes = from->size_bytes;
    to->needs_8bitmime = from->needs_8bitmime;
    to->needs_smtputf8 = from->needs_smtputf8;
    to->has_no_dot_line = from->has_no_dot_line;
    to->needs_tls = from->needs_tls;
}

/* A return path of its own means a transaction of its own; the lane knew of none when they came
 * together. */
static bool may_stay(const struct delivery *d, const struct delivery *first)
{
    return !d->refusal.kind && (!first || strcmp(d->return_path, first->return_path) == 0);
}

struct delivery *party_pressed(struct delivery *was_first)
{
    struct party *p = was_first->party;
    struct delivery *first = NULL;
    struct hy_list others;
    hy_list_init(&others);
    uint32_t kept = 0;
    for (uint32_t i = 0, n = party_size(was_first); i < n; i++) {
        struct delivery *d = party_member(was_first, i);
        if (!may_stay(d, first)) {
            hy_list_push(&others, &d->link);
            continue;
        }
        first = first ? first : d;
        if (p)
            p->members[kept++] = d;
    }
    if (p)
        p->n = kept;
    if (first && first != was_first)
        pass_message(was_first, first);
    for (struct hy_list *it; (it = hy_list_pop(&others));) {
        struct delivery *d = hy_container_of(it, struct delivery, link);
        d->party = NULL;
        if (d->refusal.kind)
            settle_refusal(d, d->refusal_state, &d->refusal);
        else
            lane_take_back(d->lane, d);
    }
    if (!first)
        free(p);
    return first;
}

/* ---- on the wire ---- */

static void put_dsn(struct party *p)
{
    bool is_any = false;
    p->dsn = (struct hy_smtp_dsn){.rcpts = p->rcpts};
    for (uint32_t i = 0; i < p->n; i++) {
        const struct delivery_dsn *own = p->members[i]->dsn;
        p->rcpts[i] = own ? own->rcpt : (struct hy_smtp_dsn_rcpt){0};
        if (own && !is_any) { /* what is said of the message is the same for all */
            p->dsn.ret = own->dsn.ret;
            p->dsn.envid = hy_str_slice(own->dsn.envid, 0, sizeof p->envid);
            if (p->dsn.envid.n)
                memcpy(p->envid, p->dsn.envid.p, p->dsn.envid.n);
            p->dsn.envid.p = p->envid;
        }
        is_any |= own != NULL;
    }
    p->smtp.dsn = is_any ? &p->dsn : NULL;
}

const struct hy_smtp_message *party_envelope(struct delivery *first)
{
    struct party *p = first->party;
    p->smtp = first->smtp;
    p->smtp.opaque = NULL;
    snprintf(p->sender, sizeof p->sender, "%s", first->return_path);
    p->smtp.sender = hy_str_of(p->sender);
    for (uint32_t i = 0; i < p->n; i++) {
        p->members[i]->size_bytes = first->size_bytes;
        p->recipients[i] = hy_str_of(p->members[i]->address);
    }
    p->smtp.recipients = p->recipients;
    p->smtp.n_recipients = p->n;
    put_dsn(p);
    return &p->smtp;
}

struct party *party_of(const struct hy_smtp_event *ev)
{
    uintptr_t smtp = (uintptr_t)ev->message; /* const there, and ours */
    return ev->opaque ? NULL : (struct party *)(smtp - offsetof(struct party, smtp));
}

/* The next one on the wire has the place of the first; behind the last, whoever came back has the
 * message. */
static void replace_first(struct party *p, struct delivery *d)
{
    do
        p->first++;
    while (p->first < p->n && !p->members[p->first]);
    if (p->first < p->n) {
        struct delivery *next = p->members[p->first];
        hy_list_insert(&d->link, &next->link);
        hy_list_remove(&d->link);
        pass_message(d, next);
    } else if (!hy_list_empty(&p->back)) {
        pass_message(d, hy_container_of(p->back.next, struct delivery, link));
    }
}

struct delivery *party_take(struct party *p, size_t i)
{
    struct delivery *d = p->members[i];
    p->members[i] = NULL;
    d->party = NULL;
    if (i == p->first)
        replace_first(p, d);
    return d;
}

uint32_t party_accepted(const struct party *p, size_t i)
{
    uint32_t n = 0;
    while (i-- > 0)
        n += p->members[i] != NULL;
    return n;
}

bool party_tells(struct party *p, const struct hy_outcome *o, bool is_last)
{
    if (p->is_told || is_last)
        return !p->is_told;
    enum hy_signal s = hy_signal_of(o);
    p->is_told = s == HY_SIGNAL_CONNECTIONS || s == HY_SIGNAL_RATE || s == HY_SIGNAL_LOAD;
    return p->is_told;
}

void party_keep_back(struct party *p, struct delivery *d)
{
    hy_list_push(&p->back, &d->link);
}

struct delivery *party_over(struct party *p)
{
    p->n = p->first = p->n_returned = 0;
    p->is_told = false;
    for (struct hy_list *it; (it = hy_list_pop(&p->back));)
        party_join(p, hy_container_of(it, struct delivery, link));
    if (p->n > 0)
        return p->members[0];
    free(p);
    return NULL;
}
