/* Making, changing and deleting segments: what they name must be there, and none may contain
 * itself. */
#include "segment_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "facts_priv.h"
#include "hayauma/store/company_watch.h"
#include "hayauma/store/list.h"
#include "hayauma/store/log_reader.h"
#include "segment_plan.h"

/* ---- reading ---- */

static int parse(struct hy_str text, struct hy_arena *arena, struct hy_diag *diag,
                 const struct hy_segment_node **ret)
{
    text = hy_str_trim(text);
    return hy_str_starts(text, HY_STR("{")) ? hy_segment_parse_json(text, arena, diag, ret)
                                            : hy_segment_parse(text, arena, diag, ret);
}

/* A walk over all that a segment names, those that these name, and so on. */
struct visit {
    struct hy_txn *t;
    struct hy_diag *diag;
    struct hy_arena *arena;
    struct hy_str name; /* of the segment that is made; empty: none */
    struct hy_str path[HY_SEGMENT_NEST_MAX];
    unsigned depth;
    uint32_t seen[HY_SEGMENTS_MAX];
    size_t n_seen;
};

static int circle(struct visit *v)
{
    char text[300] = "";
    size_t n = 0;
    for (unsigned i = 0; i < v->depth && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "\"%.*s\" > ", HY_STR_ARG(v->path[i]));
    return hy_fail(v->diag, HY_EINVAL, "the segment would contain itself: \"%.*s\" > %s\"%.*s\"",
                   HY_STR_ARG(v->name), text, HY_STR_ARG(v->name));
}

static int visit_leaf(void *ctx, const struct hy_segment_node *leaf);

static bool was_seen(struct visit *v, hy_segment_no no)
{
    for (size_t i = 0; i < v->n_seen; i++)
        if (v->seen[i] == no)
            return true;
    if (v->n_seen < HY_SEGMENTS_MAX)
        v->seen[v->n_seen++] = no;
    return false;
}

static int visit_segment(struct visit *v, struct hy_str name)
{
    struct hy_segment s;
    hy_segment_no no;
    const struct hy_segment_node *tree;
    int err = hy_segment_find(v->t, name, &no);
    if (err == HY_ENOTFOUND)
        return hy_fail(v->diag, HY_EINVAL, "there is no segment \"%.*s\"", HY_STR_ARG(name));
    if (err || was_seen(v, no))
        return err;
    if (v->depth == HY_SEGMENT_NEST_MAX)
        return hy_fail(v->diag, HY_ELIMIT, "more than %d segments name each other in a row",
                       HY_SEGMENT_NEST_MAX);
    err = hy_segment_read(v->t, no, &s);
    if (!err)
        err = parse(s.text, v->arena, NULL, &tree);
    if (err)
        return err == HY_ENOMEM ? err : HY_OK; /* a broken one names nothing */
    v->path[v->depth++] = name;
    err = segment_leaves(tree, visit_leaf, v);
    v->depth--;
    return err;
}

static int visit_leaf(void *ctx, const struct hy_segment_node *leaf)
{
    struct visit *v = ctx;
    hy_list_no list;
    if (leaf->kind != HY_SEGMENT_MEMBER)
        return HY_OK;
    if (leaf->group == HY_SEGMENT_SEGMENT && v->name.n && hy_str_eq(leaf->name, v->name))
        return circle(v);
    if (leaf->group == HY_SEGMENT_SEGMENT)
        return visit_segment(v, leaf->name);
    int err = leaf->group == HY_SEGMENT_LIST && v->depth == 0
                  ? hy_list_find(v->t, leaf->name, &list)
                  : HY_OK;
    if (err == HY_ENOTFOUND)
        return hy_fail(v->diag, HY_EINVAL, "there is no list \"%.*s\"", HY_STR_ARG(leaf->name));
    return err;
}

int hy_segment_check(struct hy_txn *t, struct hy_str name, struct hy_str text,
                     struct hy_arena *arena, const struct hy_segment_node **ret,
                     struct hy_diag *diag)
{
    struct hy_arena others = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    struct visit v = {.t = t, .diag = diag, .arena = &others, .name = name};
    const struct hy_segment_node *tree;
    int err = parse(text, arena, diag, &tree);
    if (!err)
        err = segment_leaves(tree, visit_leaf, &v);
    hy_arena_free(&others);
    if (!err)
        *ret = tree;
    return err;
}

/* ---- who names what ---- */

struct naming {
    enum hy_segment_group group;
    struct hy_str name;
};

static int is_named(void *ctx, const struct hy_segment_node *leaf)
{
    const struct naming *n = ctx;
    return leaf->kind == HY_SEGMENT_MEMBER && leaf->group == n->group &&
           hy_str_eq(leaf->name, n->name);
}

int hy_segment_naming(struct hy_txn *t, enum hy_segment_group group, struct hy_str name,
                      struct hy_segment *ret)
{
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    struct naming n = {group, name};
    struct hy_segment s = {0};
    bool is_found = false;
    int err;
    while (!is_found && (err = hy_segment_next(t, s.no, &s)) == HY_OK) {
        const struct hy_segment_node *tree;
        hy_arena_reset(&arena);
        if (parse(s.text, &arena, NULL, &tree) == HY_OK)
            is_found = segment_leaves(tree, is_named, &n) != 0;
    }
    hy_arena_free(&arena);
    if (is_found)
        *ret = s;
    return is_found ? HY_OK : err;
}

/* ---- building anew ---- */

static int build_anew(struct hy_txn *t, hy_segment_no no)
{
    struct hy_segment s;
    int err = hy_segment_read(t, no, &s);
    if (err)
        return err;
    s.version++; /* what is being built at this moment is out of date */
    s.state = HY_SEGMENT_BUILDING;
    s.note = HY_STR("");
    return hy_segment_save(t, &s);
}

/* Those that name a segment are built anew with it. */
static int build_followers(struct hy_txn *t, hy_segment_no no)
{
    struct segment_plan p;
    int err = segment_plan_read(t, &p);
    if (err)
        return err;
    size_t at = segment_plan_find(&p, no);
    bool *is_hit = calloc(p.n + 1, sizeof *is_hit);
    if (!is_hit)
        err = HY_ENOMEM;
    for (size_t i = at; !err && i < p.n; i++) { /* followers lie behind */
        if (i != at && !is_hit[i])
            continue;
        err = build_anew(t, p.segments[i].no);
        for (size_t k = 0; k < p.segments[i].n_dependents; k++)
            is_hit[p.segments[i].dependents[k]] = true;
    }
    free(is_hit);
    segment_plan_free(&p);
    return err;
}

static int has_day(void *ctx, const struct hy_segment_node *n)
{
    (void)ctx;
    if (n->kind == HY_SEGMENT_DID)
        return (n->since.text.n && n->since.is_day) || (n->before.text.n && n->before.is_day);
    if (n->kind != HY_SEGMENT_COMPARE)
        return 0;
    for (size_t i = 0; i < n->n_values; i++)
        if (n->values[i].kind == HY_SEGMENT_DATE || n->values[i].kind == HY_SEGMENT_TIME)
            return 1;
    return 0;
}

int hy_segments_rebuild(struct hy_txn *t, bool of_scores, bool of_days)
{
    struct segment_plan p;
    int err = segment_plan_read(t, &p);
    if (err)
        return err;
    for (size_t i = 0; i < p.n && !err; i++) {
        const struct plan_segment *s = &p.segments[i];
        if ((of_scores && s->uses & PLAN_SCORE) ||
            (of_days && segment_leaves(s->tree, has_day, NULL)))
            err = build_followers(t, s->no);
    }
    segment_plan_free(&p);
    return err;
}

/* ---- making and changing ---- */

/* From here on, mail is read for segments; what lies before is found by the building. */
static int begin_mail(struct hy_txn *t)
{
    struct hy_log_reader r = {.name = HY_STR(SEGMENT_MAIL_READER), .holds = true}, old;
    struct hy_cursor c;
    int err = hy_log_reader_get(t, r.name, &old);
    if (err != HY_ENOTFOUND)
        return err;
    err = hy_cursor_open(t, HY_TABLE_ATTEMPTS, &c);
    if (!err)
        err = hy_cursor_last(&c);
    if (!err && c.key.n == 8)
        r.cursor = hy_get_be64(c.key.p);
    hy_cursor_close(&c);
    return err && err != HY_ENOTFOUND ? err : hy_log_reader_put(t, &r);
}

static int words_of(const struct hy_segment_node *tree, struct hy_str given, struct hy_buf *out,
                    struct hy_diag *diag)
{
    if (hy_str_starts(hy_str_trim(given), HY_STR("{")))
        hy_segment_put(out, tree);
    else
        hy_buf_add_str(out, hy_str_trim(given));
    if (out->err == HY_ELIMIT)
        return hy_fail(diag, HY_ELIMIT, "in words it has more than %d bytes", HY_SEGMENTS_TEXT_MAX);
    return out->err;
}

/* The segment as it is; a new one is empty. */
static int find(struct hy_txn *t, const struct hy_segment_edit *e, struct hy_segment *ret,
                struct hy_diag *diag)
{
    hy_segment_no no;
    int err = hy_segment_find(t, e->name, &no);
    if (err == HY_OK && e->is_new && !e->is_either)
        return hy_fail(diag, HY_EEXIST, "there is a segment \"%.*s\" already", HY_STR_ARG(e->name));
    if (err == HY_ENOTFOUND && !e->is_new && !e->is_either)
        return hy_fail(diag, err, "there is no segment \"%.*s\"", HY_STR_ARG(e->name));
    if (err == HY_OK)
        return hy_segment_read(t, no, ret);
    *ret = (struct hy_segment){.created = t->now, .name = e->name};
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int store(struct hy_txn *t, struct hy_segment *s, struct hy_diag *diag)
{
    int err = hy_segment_save(t, s);
    if (err == HY_EINVAL)
        return hy_fail(diag, err, "a segment's name has 1 to %d bytes, and no control characters",
                       HY_SEGMENTS_NAME_MAX);
    if (err == HY_ELIMIT)
        return hy_fail(diag, err, "there are %d segments already: delete some", HY_SEGMENTS_MAX);
    return err;
}

/* Its words are others: it is built, and so are those that name it. */
static int reword(struct hy_txn *t, struct hy_segment *s, const struct hy_segment_edit *e,
                  struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    struct hy_buf words = HY_BUF_INIT(HY_SEGMENTS_TEXT_MAX);
    const struct hy_segment_node *tree;
    int err = hy_segment_check(t, e->name, e->text, &arena, &tree, diag);
    if (!err)
        err = words_of(tree, e->text, &words, diag);
    if (!err) {
        s->text = hy_buf_str(&words);
        s->state = HY_SEGMENT_BUILDING;
        s->version++;
        s->note = HY_STR("");
        err = store(t, s, diag);
    }
    if (!err && segment_uses(tree) & PLAN_MAIL)
        err = begin_mail(t);
    if (!err && segment_uses(tree) & PLAN_COMPANY)
        err = hy_company_watch(t);
    if (!err)
        err = build_followers(t, s->no);
    hy_buf_free(&words);
    hy_arena_free(&arena);
    return err;
}

int hy_segment_edit(struct hy_txn *t, const struct hy_segment_edit *e, hy_segment_no *ret,
                    struct hy_diag *diag)
{
    struct hy_segment s;
    int err = find(t, e, &s, diag);
    if (err)
        return err;
    if (!s.no && e->text.n == 0)
        return hy_fail(diag, HY_EINVAL, "a new segment needs an expression");
    s.changed = t->now;
    s.who = hy_str_slice(e->who, 0, HY_SEGMENTS_WHO_MAX);
    s.name = e->name;
    if (e->announces >= 0)
        s.announces = e->announces > 0;
    err = e->text.n ? reword(t, &s, e, diag) : store(t, &s, diag);
    if (!err)
        *ret = s.no;
    return err;
}

int hy_segment_delete(struct hy_txn *t, hy_segment_no no, struct hy_diag *diag)
{
    struct hy_segment s, other;
    int err = hy_segment_read(t, no, &s);
    if (err)
        return err;
    err = hy_segment_naming(t, HY_SEGMENT_SEGMENT, s.name, &other);
    if (err == HY_OK)
        return hy_fail(diag, HY_EBUSY, "the segment \"%.*s\" names it: change or delete that first",
                       HY_STR_ARG(other.name));
    if (err == HY_ENOTFOUND)
        err = hy_lead_set_clear(t, hy_segment_touched(no));
    if (!err)
        err = hy_lead_set_clear(t, hy_segment_set_of(no));
    return err ? err : hy_segment_drop(t, no);
}
