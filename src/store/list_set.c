/* Walking the union of several lists domain by domain, in lead order, each lead once: what a
 * campaign's queue is made from. Nothing is kept between calls; a place is (domain, lead). */
#include <roaring/roaring.h>

#include "lead_priv.h"
#include "member_walk.h"
#include "postings.h"

int hy_list_set_next_domain(struct hy_txn *t, const struct hy_list_set *s, hy_domain_no after,
                            hy_domain_no *ret_domain)
{
    struct hy_cursor c;
    hy_domain_no best = 0;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_LIST_LEADS, &c);
    if (err)
        return err;
    for (size_t i = 0; i < s->n && err == 0; i++) {
        uint8_t key[12];
        struct posting p;
        err = hy_cursor_seek(&c, posting_key(s->lists[i], after + 1, 0, key));
        if (err == 0)
            err = hy_posting_read(&c, &p);
        if (err == 0 && p.list == s->lists[i] && (best == 0 || p.domain < best))
            best = p.domain;
        if (err == HY_ENOTFOUND)
            err = 0;
    }
    hy_cursor_close(&c);
    if (err)
        return err;
    if (best == 0)
        return HY_ENOTFOUND;
    *ret_domain = best;
    return 0;
}

/* One list's members of the domain, from some place on. */
struct walk {
    struct hy_cursor cursor;
    hy_list_no list;
    struct posting p;
    size_t i;
    bool is_over;
};

/* Makes w->p and w->i stand on a member, or w->is_over true. */
static int settle(struct walk *w, hy_domain_no domain)
{
    if (w->i < w->p.n)
        return 0;
    int err = hy_posting_next(&w->cursor, w->list, domain, &w->p);
    w->i = 0;
    w->is_over = err != 0;
    return err == HY_ENOTFOUND ? 0 : err;
}

static int walk_start(struct walk *w, struct hy_txn *t, hy_list_no list, hy_domain_no domain,
                      hy_lead_no after)
{
    *w = (struct walk){.list = list};
    int err = hy_cursor_open(t, HY_TABLE_LIST_LEADS, &w->cursor);
    if (err)
        return err;
    err = hy_posting_seek(&w->cursor, list, domain, after, &w->p);
    if (err) {
        w->is_over = true;
        return err == HY_ENOTFOUND ? 0 : err;
    }
    w->i = posting_after(w->p, after);
    return settle(w, domain);
}

/* All walks at once, the smallest first; equal ones together. */
static int merge(struct walk *w, size_t n, hy_domain_no domain, hy_lead_no *out, size_t cap,
                 size_t *ret_n)
{
    size_t got = 0;
    while (got < cap) {
        hy_lead_no least = 0;
        for (size_t i = 0; i < n; i++) {
            if (w[i].is_over)
                continue;
            hy_lead_no lead = posting_at(w[i].p, w[i].i);
            if (least == 0 || lead < least)
                least = lead;
        }
        if (least == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            if (w[i].is_over || posting_at(w[i].p, w[i].i) != least)
                continue;
            w[i].i++;
            int err = settle(&w[i], domain);
            if (err)
                return err;
        }
        out[got++] = least;
    }
    *ret_n = got;
    return 0;
}

int hy_list_set_leads(struct hy_txn *t, const struct hy_list_set *s, hy_domain_no domain,
                      hy_lead_no after, hy_lead_no *out, size_t cap, size_t *ret_n)
{
    struct walk w[HY_LIST_SET_MAX];
    size_t n = 0;
    int err = s->n > HY_LIST_SET_MAX ? HY_EINVAL : 0;
    while (err == 0 && n < s->n) {
        err = walk_start(&w[n], t, s->lists[n], domain, after);
        n++;
    }
    if (err == 0)
        err = merge(w, n, domain, out, cap, ret_n);
    while (n > 0)
        hy_cursor_close(&w[--n].cursor);
    return err;
}

int hy_list_set_domain_size(struct hy_txn *t, const struct hy_list_set *s, hy_domain_no domain,
                            uint64_t *ret_n)
{
    struct hy_cursor c;
    uint64_t sum = 0;
    int err = hy_cursor_open(t, HY_TABLE_LIST_LEADS, &c);
    if (err)
        return err;
    for (size_t i = 0; i < s->n && err == 0; i++) {
        struct posting p;
        err = hy_posting_seek(&c, s->lists[i], domain, 0, &p);
        while (err == 0) {
            sum += p.n;
            err = hy_posting_next(&c, s->lists[i], domain, &p);
        }
        if (err == HY_ENOTFOUND)
            err = 0;
    }
    hy_cursor_close(&c);
    if (err == 0)
        *ret_n = sum;
    return err;
}

/* What keeps mail from a lead whose own status does not. */
static int ask_suppressed(struct hy_txn *t, struct hy_str address,
                          const struct hy_suppress_ask *ask, enum hy_lead_status *status)
{
    struct hy_suppress_entry e;
    int err = hy_suppress_find(t, address, ask, &e);
    if (!err)
        *status = hy_suppress_status(e.key.reason);
    return err == HY_ENOTFOUND || err == HY_EPARSE ? 0 : err;
}

/* Numbers ascend, so the pages are few. Without lists, who is gone or has another domain by now is
 * passed over. */
static int read_status(struct hy_txn *t, const struct hy_list_audience *a, hy_domain_no domain,
                       const hy_lead_no *leads, size_t n, struct hy_audience_lead *out,
                       size_t *ret_n)
{
    struct hy_suppress_ask ask = a->ask;
    ask.lists = &a->lists;
    ask.domain = domain;
    struct hy_cursor c;
    size_t found = 0;
    int err = hy_cursor_open(t, HY_TABLE_LEADS, &c);
    for (size_t i = 0; i < n && err == 0; i++) {
        uint8_t key[4];
        struct lead_record r;
        err = hy_cursor_find(&c, lead_key(leads[i], key));
        if (err == 0)
            err = hy_lead_record_read(c.value, &r);
        ask.lead = leads[i];
        if (err == HY_ENOTFOUND && a->lists.n)
            err = HY_ECORRUPT; /* a member that does not exist */
        if (err == HY_ENOTFOUND || (err == 0 && !a->lists.n && r.domain != domain)) {
            err = 0;
            continue;
        }
        if (err == 0 && r.status == HY_LEAD_ACTIVE)
            err = ask_suppressed(t, r.address, &ask, &r.status);
        if (err == 0)
            out[found++] = (struct hy_audience_lead){leads[i], r.status};
    }
    hy_cursor_close(&c);
    *ret_n = found;
    return err;
}

/* Members of the lists behind a place, which moves behind them. */
static int next_members(const struct hy_list_set *s, struct hy_txn *t, struct hy_audience_pos *pos,
                        hy_lead_no *leads, size_t max, size_t *ret_n)
{
    hy_domain_no domain = pos->domain;
    size_t n = 0;
    int err = 0;
    if (domain)
        err = hy_list_set_leads(t, s, domain, pos->lead, leads, max, &n);
    if (err == 0 && n == 0)
        err = hy_list_set_next_domain(t, s, pos->domain, &domain);
    if (err == 0 && n == 0)
        err = hy_list_set_leads(t, s, domain, 0, leads, max, &n);
    if (err)
        return err;
    *pos = (struct hy_audience_pos){domain, n ? leads[n - 1] : UINT32_MAX};
    *ret_n = n;
    return 0;
}

/* Keeps those of them who are, or are not, in a set. */
static void keep(const roaring_bitmap_t *set, bool is_in, hy_lead_no *leads, size_t *n)
{
    size_t kept = 0;
    if (!set)
        return;
    for (size_t i = 0; i < *n; i++)
        if (roaring_bitmap_contains(set, leads[i]) == is_in)
            leads[kept++] = leads[i];
    *n = kept;
}

/* Everybody behind a place, which moves behind them. */
static int next_of_all(struct hy_list_audience *a, struct hy_txn *t, struct hy_audience_pos *pos,
                       hy_lead_no *leads, size_t max, size_t *ret_n)
{
    int err = 0;
    if (!a->only)
        return HY_ENOTFOUND;
    if (!a->walk)
        err = member_walk_new(a->only, &a->walk);
    return err ? err : member_walk_next(a->walk, t, pos, leads, max, ret_n);
}

static bool is_behind(struct hy_audience_pos a, struct hy_audience_pos b)
{
    return a.domain != b.domain ? a.domain > b.domain : a.lead > b.lead;
}

static int next(void *ctx, struct hy_txn *t, struct hy_audience_pos pos, hy_domain_no *ret_domain,
                struct hy_audience_lead *ret_leads, size_t max, size_t *ret_n)
{
    struct hy_list_audience *a = ctx;
    hy_lead_no leads[512];
    size_t n = 0;
    int err = 0;
    if (max > sizeof leads / sizeof *leads)
        max = sizeof leads / sizeof *leads;
    if (is_behind(a->passed, pos))
        pos = a->passed;
    while (err == 0 && n == 0) {
        size_t looked = 0;
        err = a->lists.n ? next_members(&a->lists, t, &pos, leads, max, &looked)
                         : next_of_all(a, t, &pos, leads, max, &looked);
        if (err == 0) {
            if (a->lists.n)
                keep(a->only, true, leads, &looked);
            keep(a->except, false, leads, &looked);
            err = read_status(t, a, pos.domain, leads, looked, ret_leads, &n);
        }
        if (err == 0 && n == 0) {
            a->passed = pos;
            if (hy_txn_should_yield(t))
                return HY_EMORE;
        }
    }
    if (err)
        return err;
    *ret_domain = pos.domain;
    *ret_n = n;
    return 0;
}

void hy_list_audience_free(struct hy_list_audience *a)
{
    if (a->only)
        roaring_bitmap_free(a->only);
    if (a->except)
        roaring_bitmap_free(a->except);
    member_walk_free(a->walk);
    *a = (struct hy_list_audience){0};
}

void hy_list_set_audience(struct hy_list_audience *a, struct hy_audience *ret)
{
    *ret = (struct hy_audience){.next = next, .ctx = a};
}
