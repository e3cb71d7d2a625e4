/* A segment from scratch: leaves are found, then the sets are joined as the tree says. */
#include "search.h"

#include <stdlib.h>

#include "hayauma/audience/segment_set.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_scan.h"
#include "hayauma/store/list.h"
#include "segment_plan.h"

enum { DUE_MAX = 1 << 27 };

int search_step(struct search *s)
{
    if (++s->steps % SEARCH_CHECK || !s->o->is_cancelled || !s->o->is_cancelled(s->o->ctx))
        return HY_OK;
    return HY_ECANCELED;
}

static void flush(struct search_leaf *l)
{
    roaring_bitmap_add_many(l->set, l->n_flips, l->flips);
    l->n_flips = 0;
}

void search_flip(struct search_leaf *l, hy_lead_no lead)
{
    l->flips[l->n_flips++] = lead;
    if (l->n_flips == SEARCH_FLIPS)
        flush(l);
}

int search_due(struct search *s, hy_lead_no lead, hy_wall_ms moment)
{
    if (moment == INT64_MAX)
        return HY_OK;
    if (s->n_due == s->cap_due) {
        size_t cap = s->cap_due ? 2 * s->cap_due : 4096;
        if (cap > DUE_MAX)
            return hy_fail(s->diag, HY_ELIMIT, "time moves too many leads into it or out of it");
        uint64_t *more = realloc(s->due, cap * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        s->due = more;
        s->cap_due = cap;
    }
    s->due[s->n_due++] = (uint64_t)hy_segment_due_at(moment, s->o->now) << 32 | lead;
    return HY_OK;
}

/* By 16 bits at a time, those that are all the same left out. */
int search_sort(uint64_t *v, size_t n)
{
    enum { BITS = 16, KINDS = 1 << BITS };
    size_t *at = malloc(KINDS * sizeof *at);
    uint64_t *to = malloc((n ? n : 1) * sizeof *to), *from = v, *other = to;
    if (!at || !to) {
        free(at);
        free(to);
        return HY_ENOMEM;
    }
    for (unsigned shift = 0; shift < 64 && n > 1; shift += BITS) {
        memset(at, 0, KINDS * sizeof *at);
        for (size_t i = 0; i < n; i++)
            at[from[i] >> shift & (KINDS - 1)]++;
        if (at[from[0] >> shift & (KINDS - 1)] == n)
            continue;
        for (size_t k = 0, sum = 0; k < KINDS; k++) {
            size_t here = at[k];
            at[k] = sum;
            sum += here;
        }
        for (size_t i = 0; i < n; i++)
            other[at[from[i] >> shift & (KINDS - 1)]++] = from[i];
        uint64_t *swap = from;
        from = other;
        other = swap;
    }
    if (from != v)
        memcpy(v, from, n * sizeof *v);
    free(at);
    free(to);
    return HY_OK;
}

/* ---- everyone ---- */

static int find_everyone(struct search *s)
{
    struct hy_lead_scan at;
    uint64_t n;
    int err = hy_lead_next_no(s->t, &s->end);
    if (!err)
        err = hy_lead_count(s->t, &n);
    if (err)
        return err;
    s->everyone =
        n == s->end - 1 ? roaring_bitmap_from_range(1, s->end, 1) : roaring_bitmap_create();
    if (!s->everyone) /* of an empty range, too */
        s->everyone = roaring_bitmap_create();
    if (!s->everyone)
        return HY_ENOMEM;
    if (n == s->end - 1)
        return HY_OK;
    struct search_leaf *room = calloc(1, sizeof *room); /* collects them */
    if (!room)
        return HY_ENOMEM;
    room->set = s->everyone;
    err = hy_lead_scan_open(s->t, 1, &at);
    while (!err && (err = hy_lead_scan_next(&at)) == HY_OK) {
        search_flip(room, at.no);
        err = search_step(s);
    }
    hy_lead_scan_close(&at);
    flush(room);
    free(room);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- belonging ---- */

static int load_list(struct search *s, struct search_leaf *l, hy_list_no no)
{
    struct hy_list_set lists = {.lists = {no}, .n = 1};
    hy_lead_no leads[SEARCH_FLIPS], after = 0;
    hy_domain_no domain = 0; /* of who has no address */
    size_t n;
    int err = HY_OK;
    while (!err) {
        after = 0;
        do {
            err = hy_list_set_leads(s->t, &lists, domain, after, leads, SEARCH_FLIPS, &n);
            if (!err)
                err = search_step(s);
            if (!err && n) {
                roaring_bitmap_add_many(l->set, n, leads);
                after = leads[n - 1];
            }
        } while (!err && n == SEARCH_FLIPS);
        if (!err)
            err = hy_list_set_next_domain(s->t, &lists, domain, &domain);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int load_set(struct search *s, struct search_leaf *l, struct hy_lead_set set)
{
    roaring_bitmap_free(l->set);
    l->set = NULL;
    return hy_lead_set_load(s->t, set, &l->set);
}

static int load_members(struct search *s, struct search_leaf *l)
{
    struct hy_str name = l->node->name;
    hy_list_no list;
    hy_label_no label;
    hy_segment_no segment;
    int err = HY_OK;
    switch (l->node->group) {
    case HY_SEGMENT_LIST:
        err = hy_list_find(s->t, name, &list);
        return err ? err : load_list(s, l, list);
    case HY_SEGMENT_TAG:
        err = hy_label_find(s->t, HY_LABEL_TAG, name, &label);
        return err ? err : load_set(s, l, fact_label_set(HY_LABEL_TAG, label));
    case HY_SEGMENT_GROUP:
        err = hy_label_find(s->t, HY_LABEL_GROUP, name, &label);
        return err ? err : load_set(s, l, fact_label_set(HY_LABEL_GROUP, label));
    case HY_SEGMENT_SEGMENT:
        err = hy_segment_find(s->t, name, &segment);
        return err ? err : load_set(s, l, hy_segment_set_of(segment));
    case HY_SEGMENT_GROUPS:
        break;
    }
    return err;
}

/* ---- leaves and their joining ---- */

static int count_leaf(void *ctx, const struct hy_segment_node *leaf)
{
    (void)leaf;
    ++*(size_t *)ctx;
    return HY_OK;
}

static int add_leaf(void *ctx, const struct hy_segment_node *leaf)
{
    struct search *s = ctx;
    struct search_leaf *l = &s->leaves[s->n];
    l->node = leaf;
    l->set = roaring_bitmap_create();
    s->n += l->set ? 1 : 0;
    return l->set ? HY_OK : HY_ENOMEM;
}

static int begin(struct search *s, const struct hy_segment_node *tree)
{
    size_t n = 0;
    (void)segment_leaves(tree, count_leaf, &n);
    s->leaves = calloc(n ? n : 1, sizeof *s->leaves);
    if (!s->leaves)
        return HY_ENOMEM;
    int err = segment_leaves(tree, add_leaf, s);
    return err ? err : find_everyone(s);
}

static int find_leaves(struct search *s)
{
    int err = search_attributes(s);
    if (!err)
        err = search_deeds(s);
    for (size_t i = 0; i < s->n && !err; i++)
        if (s->leaves[i].node->kind == HY_SEGMENT_MEMBER) {
            err = load_members(s, &s->leaves[i]);
            if (err == HY_ENOTFOUND) /* what is not there has nobody */
                err = HY_OK;
        }
    for (size_t i = 0; i < s->n; i++)
        if (s->leaves[i].set)
            flush(&s->leaves[i]);
    return err;
}

/* Whoever passes; only leads that exist. */
static int leaf(void *ctx, const struct hy_segment_node *node, struct hy_segment_leads *ret)
{
    struct search *s = ctx;
    size_t i = 0;
    while (i < s->n && s->leaves[i].node != node)
        i++;
    if (i == s->n)
        return HY_EINVAL;
    struct search_leaf *l = &s->leaves[i];
    roaring_bitmap_t *set = l->rest ? roaring_bitmap_andnot(s->everyone, l->set)
                                    : roaring_bitmap_and(s->everyone, l->set);
    if (!set)
        return HY_ENOMEM;
    *ret = (struct hy_segment_leads){.leads = set, .owned = set};
    return HY_OK;
}

static void drop(struct search *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->leaves[i].set)
            roaring_bitmap_free(s->leaves[i].set);
        free(s->leaves[i].newest);
        free(s->leaves[i].pairs);
    }
    free(s->leaves);
    if (s->everyone)
        roaring_bitmap_free(s->everyone);
}

int hy_segment_find_all(struct hy_txn *t, const struct hy_segment_node *tree,
                        const struct hy_segment_search *o, struct hy_segment_found *ret,
                        struct hy_diag *diag)
{
    struct search s = {.t = t, .o = o, .diag = diag};
    roaring_bitmap_t *leads = NULL;
    int err = begin(&s, tree);
    if (!err)
        err = find_leaves(&s);
    if (!err)
        err = search_sort(s.due, s.n_due);
    if (!err) {
        struct hy_segment_leaves leaves = {.ctx = &s, .leaf = leaf, .everyone = s.everyone};
        err = hy_segment_set(tree, &leaves, &leads);
    }
    drop(&s);
    if (err) {
        free(s.due);
        return err;
    }
    *ret = (struct hy_segment_found){.leads = leads, .due = s.due, .n_due = s.n_due};
    return HY_OK;
}

void hy_segment_found_free(struct hy_segment_found *f)
{
    if (f->leads)
        roaring_bitmap_free(f->leads);
    free(f->due);
    *f = (struct hy_segment_found){0};
}
