/* Segments, their leads and their counts as JSON. */
#include "hayauma/web/segment_json.h"

#include <roaring/roaring.h>
#include <stdlib.h>

#include "hayauma/react/segment_unknown.h"
#include "hayauma/store/lead.h"
#include "leads.h"

enum { TREE_MAX = 1 << 20 };

static json_t *text_of(struct hy_str s)
{
    return json_stringn(s.n ? s.p : "", s.n);
}

static json_t *tree_json(const struct hy_segment_node *tree)
{
    struct hy_buf out = HY_BUF_INIT(TREE_MAX);
    hy_segment_put_json(&out, tree);
    json_t *o = out.err ? NULL : json_loadb(out.data, out.len, 0, NULL);
    hy_buf_free(&out);
    return o ? o : json_null();
}

/* NULL: it cannot be read, or out of memory. */
static json_t *unknown_json(struct hy_txn *t, const struct hy_segment_node *tree,
                            const struct hy_score_plan *plan)
{
    struct hy_segment_unknown all[HY_SEGMENT_UNKNOWN_MAX];
    size_t n = 0;
    if (hy_segment_unknown(t, tree, plan, all, &n) != HY_OK)
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o}", "what", hy_segment_unknown_text(all[i].what), "name",
                            text_of(all[i].name), "near",
                            all[i].near[0] ? json_string(all[i].near) : json_null()));
    return list;
}

static json_t *head_json(struct hy_txn *t, const struct hy_segment *s)
{
    char created[32], changed[32];
    uint64_t count = 0;
    if (hy_lead_set_count(t, hy_segment_set_of(s->no), &count) != HY_OK)
        return NULL;
    json_t *o = json_pack("{s:o, s:s, s:I, s:b, s:o, s:s, s:s, s:o}", "name", text_of(s->name),
                          "state", hy_segment_state_name(s->state), "count", (json_int_t)count,
                          "announce", (int)s->announces, "expression", text_of(s->text), "created",
                          hy_wall_format(s->created, created), "changed",
                          hy_wall_format(s->changed, changed), "by", text_of(s->who));
    if (o && s->state == HY_SEGMENT_BROKEN)
        json_object_set_new(o, "note", text_of(s->note));
    return o;
}

json_t *hy_segment_json(struct hy_txn *t, const struct hy_segment *s,
                        const struct hy_score_plan *plan)
{
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    const struct hy_segment_node *tree;
    json_t *o = head_json(t, s);
    bool can_be_read = hy_segment_parse(s->text, &arena, NULL, &tree) == HY_OK;
    if (o) {
        json_object_set_new(o, "tree", can_be_read ? tree_json(tree) : json_null());
        json_object_set_new(o, "unknown", can_be_read ? unknown_json(t, tree, plan) : json_array());
    }
    hy_arena_free(&arena);
    return o;
}

int hy_segments_json(struct hy_txn *t, hy_segment_no after, size_t limit, json_t **ret)
{
    json_t *list = json_array();
    struct hy_segment s = {.no = after};
    size_t n = 0, bytes = 0;
    int err = HY_OK;
    while (limit == 0 || (n < limit && bytes < HY_SEGMENT_PAGE_BYTES)) {
        err = hy_segment_next(t, s.no, &s);
        if (err != HY_OK)
            break;
        json_array_append_new(list, head_json(t, &s));
        bytes += s.text.n;
        n++;
    }
    if (err != HY_OK && err != HY_ENOTFOUND) {
        json_decref(list);
        return err;
    }
    *ret = json_pack("{s:o, s:o}", "segments", list, "next",
                     err == HY_OK ? json_integer(s.no) : json_null());
    return *ret ? HY_OK : HY_ENOMEM;
}

static int add_lead(struct hy_txn *t, hy_lead_no no, json_t *leads)
{
    json_t *o = NULL;
    int err = lead_json_short(t, no, &o);
    if (err == HY_OK)
        json_array_append_new(leads, o);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int hy_segment_members_json(struct hy_txn *t, hy_segment_no no, hy_lead_no after, size_t limit,
                            json_t **ret)
{
    hy_lead_no leads[HY_SEGMENT_PAGE_MAX];
    json_t *list = json_array(), *o;
    size_t n = 0;
    limit = limit < HY_SEGMENT_PAGE_MAX ? limit : HY_SEGMENT_PAGE_MAX;
    int err = hy_lead_set_next(t, hy_segment_set_of(no), after, leads, limit, &n);
    for (size_t i = 0; i < n && err == HY_OK; i++)
        err = add_lead(t, leads[i], list);
    if (err != HY_OK) {
        json_decref(list);
        return err;
    }
    o = json_pack("{s:o, s:o}", "leads", list, "next",
                  n && n == limit ? json_integer(leads[n - 1]) : json_null());
    *ret = o;
    return o ? HY_OK : HY_ENOMEM;
}

/* ---- counting ---- */

/* At even distances, so that old leads are in it and new ones. */
static int sample(struct hy_txn *t, const roaring_bitmap_t *leads, size_t wanted, json_t *out)
{
    uint64_t n = roaring_bitmap_get_cardinality(leads);
    int err = HY_OK;
    if (wanted > n)
        wanted = (size_t)n;
    for (size_t i = 0; i < wanted && err == HY_OK; i++) {
        uint32_t lead;
        if (roaring_bitmap_select(leads, (uint32_t)(i * n / wanted), &lead))
            err = add_lead(t, lead, out);
    }
    return err;
}

int hy_segment_sample_json(struct hy_txn *t, hy_segment_no no, size_t n, json_t **ret)
{
    roaring_bitmap_t *leads;
    json_t *some = json_array();
    int err = hy_lead_set_load(t, hy_segment_set_of(no), &leads);
    if (err == HY_OK) {
        err = sample(t, leads, n, some);
        if (err == HY_OK)
            err = (*ret =
                       json_pack("{s:I, s:O}", "count",
                                 (json_int_t)roaring_bitmap_get_cardinality(leads), "sample", some))
                      ? HY_OK
                      : HY_ENOMEM;
        roaring_bitmap_free(leads);
    }
    json_decref(some);
    return err;
}

static int count(struct hy_txn *t, const struct hy_segment_count *c,
                 const struct hy_segment_node *tree, json_t **ret, struct hy_diag *diag)
{
    struct hy_buf words = HY_BUF_INIT(TREE_MAX);
    struct hy_segment_found found = {0};
    json_t *leads = json_array();
    hy_us began = hy_clock_us();
    uint64_t of = 0;
    int err = hy_segment_find_all(t, tree, &c->search, &found, diag);
    hy_us took = hy_clock_us() - began;
    if (err == HY_OK)
        err = hy_lead_count(t, &of);
    if (err == HY_OK)
        err = sample(t, found.leads, c->sample, leads);
    if (err == HY_OK) {
        hy_segment_put(&words, tree);
        *ret = json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:O}", "count",
                         (json_int_t)roaring_bitmap_get_cardinality(found.leads), "of",
                         (json_int_t)of, "ms", (json_int_t)(took / HY_US_PER_MS), "expression",
                         text_of(hy_buf_str(&words)), "tree", tree_json(tree), "unknown",
                         unknown_json(t, tree, c->search.facts.plan), "sample", leads);
        err = *ret ? HY_OK : HY_ENOMEM;
    }
    json_decref(leads);
    hy_segment_found_free(&found);
    hy_buf_free(&words);
    return err;
}

int hy_segment_count_json(struct hy_txn *t, const struct hy_segment_count *c, json_t **ret,
                          struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    const struct hy_segment_node *tree;
    int err = hy_segment_check(t, HY_STR(""), c->expression, &arena, &tree, diag);
    if (err == HY_OK)
        err = count(t, c, tree, ret, diag);
    hy_arena_free(&arena);
    return err;
}
