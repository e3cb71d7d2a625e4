/* Members of a set by domain: a sort by counting. First the domain of each is read and counted,
 * then each is put in its place, then they are handed out. */
#include "member_walk.h"

#include <roaring/roaring.h>
#include <stdlib.h>

#include "lead_priv.h"

enum { DOMAINS_AT_FIRST = 1024, LOOK_AT_ONCE = 256 };

struct member_walk {
    roaring_bitmap_t *members;
    roaring_uint32_iterator_t *at; /* where reading is; NULL when all were read */
    /* of those with an address, in the order of their numbers, until they are placed: */
    hy_lead_no *leads;
    hy_domain_no *domains;
    size_t n, placed;
    /* then: */
    hy_lead_no *sorted;
    uint32_t *begins; /* of each domain in `sorted`; counts before that */
    hy_domain_no n_domains;
};

int member_walk_new(const struct roaring_bitmap_s *members, struct member_walk **ret)
{
    struct member_walk *w = calloc(1, sizeof *w);
    if (!w)
        return HY_ENOMEM;
    size_t n = (size_t)roaring_bitmap_get_cardinality(members) + 1;
    w->members = roaring_bitmap_copy(members);
    w->at = w->members ? roaring_create_iterator(w->members) : NULL;
    w->leads = malloc(n * sizeof *w->leads);
    w->domains = malloc(n * sizeof *w->domains);
    if (!w->at || !w->leads || !w->domains) {
        member_walk_free(w);
        return HY_ENOMEM;
    }
    *ret = w;
    return HY_OK;
}

static void forget_numbers(struct member_walk *w)
{
    free(w->leads);
    free(w->domains);
    w->leads = w->domains = NULL;
    roaring_free_uint32_iterator(w->at);
    roaring_bitmap_free(w->members);
    w->at = NULL;
    w->members = NULL;
}

void member_walk_free(struct member_walk *w)
{
    if (!w)
        return;
    if (w->at)
        forget_numbers(w);
    if (w->members)
        roaring_bitmap_free(w->members);
    free(w->leads);
    free(w->domains);
    free(w->sorted);
    free(w->begins);
    free(w);
}

static int count(struct member_walk *w, hy_domain_no domain)
{
    if (domain >= w->n_domains) {
        size_t n = w->n_domains ? w->n_domains : DOMAINS_AT_FIRST;
        while (n <= (size_t)domain + 1)
            n *= 2;
        uint32_t *more = realloc(w->begins, n * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        memset(more + w->n_domains, 0, (n - w->n_domains) * sizeof *more);
        w->begins = more;
        w->n_domains = (hy_domain_no)n;
    }
    w->begins[domain]++;
    return HY_OK;
}

/* Numbers ascend, so the pages are few. */
static int read_domains(struct member_walk *w, struct hy_txn *t)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_LEADS, &c);
    for (size_t i = 1; !err && w->at->has_value; i++) {
        uint8_t key[4];
        struct lead_record r;
        hy_lead_no lead = w->at->current_value;
        err = hy_cursor_find(&c, lead_key(lead, key));
        if (!err)
            err = hy_lead_record_read(c.value, &r);
        if (!err && r.domain) {
            err = count(w, r.domain);
            w->leads[w->n] = lead;
            w->domains[w->n] = r.domain;
            w->n += !err;
        }
        if (err == HY_ENOTFOUND) /* gone since */
            err = HY_OK;
        if (!err)
            roaring_advance_uint32_iterator(w->at);
        if (!err && i % LOOK_AT_ONCE == 0 && hy_txn_should_yield(t))
            err = HY_EMORE;
    }
    hy_cursor_close(&c);
    return err;
}

/* Counts become the places where domains begin. */
static int make_room(struct member_walk *w)
{
    w->sorted = malloc((w->n + 1) * sizeof *w->sorted);
    if (!w->sorted)
        return HY_ENOMEM;
    for (uint32_t d = 0, sum = 0; d < w->n_domains; d++) {
        uint32_t here = w->begins[d];
        w->begins[d] = sum;
        sum += here;
    }
    return HY_OK;
}

/* Each placing moves the beginning of its domain, so that it ends as the beginning of the next. */
static int place(struct member_walk *w, struct hy_txn *t)
{
    while (w->placed < w->n) {
        w->sorted[w->begins[w->domains[w->placed]]++] = w->leads[w->placed];
        w->placed++;
        if (w->placed % (64 * LOOK_AT_ONCE) == 0 && hy_txn_should_yield(t))
            return HY_EMORE;
    }
    forget_numbers(w);
    return HY_OK;
}

static int prepare(struct member_walk *w, struct hy_txn *t)
{
    int err = HY_OK;
    if (!w->at)
        return HY_OK;
    if (!w->sorted)
        err = read_domains(w, t);
    if (!err && !w->sorted)
        err = make_room(w);
    return err ? err : place(w, t);
}

static uint32_t begin_of(const struct member_walk *w, hy_domain_no domain)
{
    return domain ? w->begins[domain - 1] : 0;
}

/* The first of the domain's places with a greater number. */
static uint32_t behind(const struct member_walk *w, hy_domain_no domain, hy_lead_no lead)
{
    uint32_t low = begin_of(w, domain), high = w->begins[domain];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (w->sorted[middle] > lead)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int member_walk_next(struct member_walk *w, struct hy_txn *t, struct hy_audience_pos *pos,
                     hy_lead_no *leads, size_t max, size_t *ret_n)
{
    hy_domain_no domain = pos->domain;
    int err = prepare(w, t);
    if (err)
        return err;
    if (domain >= w->n_domains)
        return HY_ENOTFOUND;
    uint32_t from = behind(w, domain, pos->lead);
    while (from == w->begins[domain]) {
        if (++domain == w->n_domains)
            return HY_ENOTFOUND;
        from = begin_of(w, domain);
    }
    size_t n = w->begins[domain] - from;
    n = n < max ? n : max;
    memcpy(leads, w->sorted + from, n * sizeof *leads);
    *pos = (struct hy_audience_pos){domain, leads[n - 1]};
    *ret_n = n;
    return HY_OK;
}
