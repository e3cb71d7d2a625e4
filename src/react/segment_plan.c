/* Reading segments into memory. */
#include "segment_plan.h"

#include <stdlib.h>

#include "facts_priv.h"

enum { ARENA_MAX = 1 << 30 };

int segment_leaves(const struct hy_segment_node *n,
                   int (*each)(void *ctx, const struct hy_segment_node *leaf), void *ctx)
{
    int err = HY_OK;
    if (n->kind == HY_SEGMENT_COMPARE || n->kind == HY_SEGMENT_MEMBER || n->kind == HY_SEGMENT_DID)
        return each(ctx, n);
    size_t n_items = n->kind == HY_SEGMENT_NOT ? 1 : n->n_items;
    for (size_t i = 0; i < n_items && !err; i++)
        err = segment_leaves(n->items[i], each, ctx);
    return err;
}

static unsigned use_of(const struct hy_segment_node *n)
{
    static const unsigned groups[HY_SEGMENT_GROUPS] = {[HY_SEGMENT_TAG] = PLAN_TAGS,
                                                       [HY_SEGMENT_LIST] = PLAN_LISTS,
                                                       [HY_SEGMENT_GROUP] = PLAN_GROUPS};
    if (n->kind == HY_SEGMENT_MEMBER)
        return groups[n->group];
    if (n->kind == HY_SEGMENT_DID)
        return n->did == HY_ACTIVITY_DELIVERED || n->did == HY_ACTIVITY_BOUNCED
                   ? PLAN_DEEDS | PLAN_MAIL
                   : PLAN_DEEDS;
    switch (fact_name_of(n->name)) {
    case FACT_NONE:
        return PLAN_ATTRIBUTES;
    case FACT_SCORE:
        return PLAN_SCORE | PLAN_ATTRIBUTES;
    case FACT_SHOP:
        return PLAN_SHOP;
    case FACT_COMPANY:
        return PLAN_COMPANY;
    default:
        return PLAN_RECORD;
    }
}

static int add_use(void *ctx, const struct hy_segment_node *leaf)
{
    *(unsigned *)ctx |= use_of(leaf);
    return 0;
}

unsigned segment_uses(const struct hy_segment_node *tree)
{
    unsigned uses = 0;
    (void)segment_leaves(tree, add_use, &uses);
    return uses;
}

/* ---- reading ---- */

static int read_one(struct segment_plan *p, const struct hy_segment *s)
{
    struct plan_segment *to = &p->segments[p->n];
    struct hy_diag diag = {0};
    if (s->state == HY_SEGMENT_BROKEN)
        return HY_OK;
    *to = (struct plan_segment){.no = s->no,
                                .state = s->state,
                                .version = s->version,
                                .announces = s->announces,
                                .name = hy_arena_str(&p->arena, s->name)};
    struct hy_str text = hy_arena_str(&p->arena, s->text);
    if (!to->name.p || !text.p)
        return HY_ENOMEM;
    int err = hy_segment_parse(text, &p->arena, &diag, &to->tree);
    if (err)
        return err == HY_ENOMEM ? err : HY_OK;
    to->uses = segment_uses(to->tree);
    p->uses |= to->uses;
    p->n++;
    return HY_OK;
}

static int read_all(struct hy_txn *t, struct segment_plan *p)
{
    struct hy_segment s = {0};
    size_t cap = 0;
    int err;
    while ((err = hy_segment_next(t, s.no, &s)) == HY_OK) {
        if (p->n == cap) {
            cap = cap ? 2 * cap : 64;
            struct plan_segment *more = realloc(p->segments, cap * sizeof *more);
            if (!more)
                return HY_ENOMEM;
            p->segments = more;
        }
        err = read_one(p, &s);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- order ---- */

struct sorting {
    struct segment_plan *p;
    struct plan_segment *out;
    size_t n;
};

static struct plan_segment *named(const struct segment_plan *p, struct hy_str name)
{
    for (size_t i = 0; i < p->n; i++)
        if (hy_str_eq(p->segments[i].name, name))
            return &p->segments[i];
    return NULL;
}

static int sort_leaf(void *ctx, const struct hy_segment_node *leaf);

/* Behind all that it names; the language's depth and the check for circles bound the recursion. */
static int sort_one(struct sorting *s, struct plan_segment *one)
{
    if (one->mark)
        return HY_OK;
    one->mark = 1;
    int err = segment_leaves(one->tree, sort_leaf, s);
    s->out[s->n++] = *one;
    return err;
}

static int sort_leaf(void *ctx, const struct hy_segment_node *leaf)
{
    struct sorting *s = ctx;
    struct plan_segment *to = leaf->kind == HY_SEGMENT_MEMBER && leaf->group == HY_SEGMENT_SEGMENT
                                  ? named(s->p, leaf->name)
                                  : NULL;
    return to ? sort_one(s, to) : HY_OK;
}

static int sort(struct segment_plan *p)
{
    struct sorting s = {.p = p, .out = calloc(p->n ? p->n : 1, sizeof *s.out)};
    int err = s.out ? HY_OK : HY_ENOMEM;
    for (size_t i = 0; i < p->n && !err; i++)
        err = sort_one(&s, &p->segments[i]);
    if (err) {
        free(s.out);
        return err;
    }
    free(p->segments);
    p->segments = s.out;
    return HY_OK;
}

/* ---- who is concerned ---- */

struct indexing {
    struct segment_plan *p;
    uint32_t at;
};

static int grow(void **list, size_t n, size_t size)
{
    if (n & (n - 1)) /* there is room up to the next power of two */
        return HY_OK;
    void *more = realloc(*list, (n ? 2 * n : 1) * size);
    if (!more)
        return HY_ENOMEM;
    *list = more;
    return HY_OK;
}

static int index_company(struct segment_plan *p, const struct hy_segment_node *leaf, uint32_t at)
{
    void *list = p->by_company;
    int err = grow(&list, p->n_by_company, sizeof *p->by_company);
    p->by_company = list;
    if (!err)
        p->by_company[p->n_by_company++] = (struct plan_leaf){leaf, at};
    return err;
}

static int index_leaf(void *ctx, const struct hy_segment_node *leaf)
{
    struct indexing *x = ctx;
    struct segment_plan *p = x->p;
    if (leaf->kind == HY_SEGMENT_COMPARE)
        return fact_name_of(leaf->name) == FACT_COMPANY ? index_company(p, leaf, x->at) : HY_OK;
    if (leaf->kind == HY_SEGMENT_DID) {
        void *list = p->by_kind[leaf->did];
        int err = grow(&list, p->n_by_kind[leaf->did], sizeof(struct plan_did));
        p->by_kind[leaf->did] = list;
        if (!err)
            p->by_kind[leaf->did][p->n_by_kind[leaf->did]++] = (struct plan_did){leaf, x->at};
        return err;
    }
    struct plan_segment *to = leaf->kind == HY_SEGMENT_MEMBER && leaf->group == HY_SEGMENT_SEGMENT
                                  ? named(p, leaf->name)
                                  : NULL;
    if (!to)
        return HY_OK;
    void *list = to->dependents;
    int err = grow(&list, to->n_dependents, sizeof *to->dependents);
    to->dependents = list;
    if (!err)
        to->dependents[to->n_dependents++] = x->at;
    return err;
}

int segment_plan_read(struct hy_txn *t, struct segment_plan *ret)
{
    struct segment_plan p = {.arena = HY_ARENA_INIT(ARENA_MAX)};
    int err = hy_segments_generation(t, &p.generation);
    if (!err)
        err = read_all(t, &p);
    if (!err)
        err = sort(&p);
    for (size_t i = 0; i < p.n && !err; i++) {
        struct indexing x = {&p, (uint32_t)i};
        err = segment_leaves(p.segments[i].tree, index_leaf, &x);
    }
    if (err) {
        segment_plan_free(&p);
        return err;
    }
    *ret = p;
    return HY_OK;
}

void segment_plan_free(struct segment_plan *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->segments[i].dependents);
    for (size_t k = 0; k < HY_ACTIVITY_KINDS; k++)
        free(p->by_kind[k]);
    free(p->by_company);
    free(p->segments);
    hy_arena_free(&p->arena);
    *p = (struct segment_plan){0};
}

size_t segment_plan_find(const struct segment_plan *p, hy_segment_no no)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->segments[i].no == no)
            return i;
    return SIZE_MAX;
}
