/* /v1/segments: who is meant, made, changed, counted and told. They belong to the installation, as
 * leads do.
 *
 * Happy path of a change: its words are read here, stored by the writer, answered when that is
 * durable; who is in it is found beside (state "building"). How it fails: all that is wrong with
 * the words is answered with lines and columns, and nothing is stored. A count goes through all
 * leads: on a thread that does this alone, one after the other, for a minute at most. */
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>

#include "call.h"
#include "hayauma/base/json_put.h"
#include "hayauma/base/list.h"
#include "hayauma/base/zone.h"
#include "hayauma/web/segment_json.h"

enum {
    PAGE_USUAL = 100,
    SAMPLE_USUAL = 10,
    COUNT_S_MAX = 60,
    FAULTS_BYTES = 16 * 1024,
};

/* ---- errors ---- */

static void fail(struct web_call *c, int err, const char *field, const struct hy_diag *diag)
{
    const char *why = diag->text[0] ? diag->text : hy_err_text(err);
    switch (err) {
    case HY_EINVAL:
    case HY_EPARSE:
        web_fail(c, 422, "invalid_segment", field, "%s", why);
        return;
    case HY_ELIMIT:
        web_fail(c, 422, "too_many", field, "%s", why);
        return;
    case HY_EEXIST:
        web_fail(c, 409, "conflict", "name", "There is such a segment already.");
        return;
    case HY_ENOTFOUND:
        web_fail(c, 404, "not_found", NULL, "There is no such segment.");
        return;
    case HY_EBUSY:
        web_fail(c, 409, "in_use", NULL, "%s", why);
        return;
    default:
        web_fail_err(c, err);
    }
}

/* What is wrong with the words, each with its place. */
static void fail_words(struct web_call *c, const struct hy_segment_fault *faults, size_t n)
{
    struct hy_buf more = HY_BUF_INIT(FAULTS_BYTES);
    hy_buf_add_lit(&more, "\"faults\":[");
    for (size_t i = 0; i < n; i++) {
        hy_buf_printf(&more, "%s{\"line\":%u,\"column\":%u,\"message\":", i ? "," : "",
                      faults[i].line, faults[i].column);
        hy_json_put_str(&more, hy_str_of(faults[i].why));
        hy_buf_add_lit(&more, "}");
    }
    hy_buf_add_lit(&more, "]");
    if (faults[0].line)
        web_fail_more(c, 422, "invalid_segment", "expression", hy_buf_str(&more),
                      "line %u, column %u: %s", faults[0].line, faults[0].column, faults[0].why);
    else
        web_fail_more(c, 422, "invalid_segment", "expression", hy_buf_str(&more), "%s",
                      faults[0].why);
    hy_buf_free(&more);
}

/* ---- what bodies say ---- */

struct wish {
    struct hy_str name;  /* POST; empty: not said */
    struct hy_str words; /* or JSON; empty: not said */
    const char *field;   /* that said them */
    int announce;        /* -1: not said */
    int64_t sample;
};

enum { MAY_NAME = 1, MAY_ANNOUNCE = 2, MAY_SAMPLE = 4 };

static bool wrong(struct web_call *c, const char *field, const char *what)
{
    web_fail(c, 422, "invalid_type", field, "This must be %s.", what);
    return false;
}

static bool read_tree(struct web_call *c, const json_t *tree, struct wish *w)
{
    char *text = json_is_object(tree) ? json_dumps(tree, JSON_COMPACT) : NULL;
    if (!text)
        return wrong(c, "tree", "an object");
    size_t n = strlen(text);
    char *copy = hy_arena_alloc(&c->arena, n + 1);
    if (copy)
        memcpy(copy, text, n + 1);
    free(text);
    if (!copy) {
        web_fail(c, 413, "too_large", "tree", "A segment has at most %d bytes as JSON.",
                 4 * HY_SEGMENT_TEXT_MAX);
        return false;
    }
    w->words = hy_str_make(copy, n);
    w->field = "tree";
    return true;
}

static bool read_field(struct web_call *c, const char *key, const json_t *x, unsigned may,
                       struct wish *w)
{
    bool is_name = strcmp(key, "name") == 0, is_words = strcmp(key, "expression") == 0;
    if ((is_name && may & MAY_NAME) || is_words) {
        if (!json_is_string(x) || json_string_length(x) == 0)
            return wrong(c, key, "a string that is not empty");
        *(is_name ? &w->name : &w->words) =
            hy_str_make(json_string_value(x), json_string_length(x));
        if (is_words)
            w->field = "expression";
        return true;
    }
    if (strcmp(key, "tree") == 0)
        return read_tree(c, x, w);
    if (strcmp(key, "announce") == 0 && may & MAY_ANNOUNCE) {
        w->announce = json_is_true(x);
        return json_is_boolean(x) || wrong(c, key, "true or false");
    }
    if (strcmp(key, "sample") == 0 && may & MAY_SAMPLE) {
        w->sample = json_integer_value(x);
        if (json_is_integer(x) && w->sample >= 0 && w->sample <= HY_SEGMENT_SAMPLE_MAX)
            return true;
        web_fail(c, 422, "invalid_value", key, "This must be a number from 0 to %d.",
                 HY_SEGMENT_SAMPLE_MAX);
        return false;
    }
    web_fail(c, 422, "unknown_field", key, "There is no such field.");
    return false;
}

/* Whether the words can be read; if not, it is answered. What they name is looked at later. */
static bool check_words(struct web_call *c, const struct wish *w)
{
    struct hy_segment_fault faults[HY_SEGMENT_FAULTS_MAX];
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    const struct hy_segment_node *tree;
    struct hy_diag diag = {""};
    size_t n = 0;
    int err = HY_OK;
    if (hy_str_starts(hy_str_trim(w->words), HY_STR("{")))
        err = hy_segment_parse_json(hy_str_trim(w->words), &arena, &diag, &tree);
    else
        n = hy_segment_faults(w->words, faults, HY_SEGMENT_FAULTS_MAX);
    hy_arena_free(&arena);
    if (err != HY_OK)
        fail(c, err, w->field, &diag);
    else if (n)
        fail_words(c, faults, n);
    return err == HY_OK && n == 0;
}

/* False: it is answered. */
static bool read_wish(struct web_call *c, unsigned may, struct wish *w)
{
    json_t *body = web_is_installation(c) ? web_json(c) : NULL, *x;
    const char *key;
    *w = (struct wish){.announce = -1, .sample = 0};
    if (!body)
        return false;
    json_object_foreach(body, key, x) if (!read_field(c, key, x, may, w)) return false;
    if (json_object_get(body, "tree") && json_object_get(body, "expression")) {
        web_fail(c, 422, "conflicting_fields", "tree", "Say expression or tree, not both.");
        return false;
    }
    return w->words.n == 0 || check_words(c, w);
}

static bool needs_words(struct web_call *c, const struct wish *w)
{
    if (w->words.n == 0)
        web_fail(c, 422, "missing_field", "expression", "Say whom it means: expression, or tree.");
    return w->words.n > 0;
}

/* ---- changes ---- */

struct change {
    struct hy_write_req req;
    struct web_call *call;
    struct hy_segment_edit edit; /* text empty and is_deleting false: only announces */
    const char *field;
    bool is_deleting, was_there;
    hy_segment_no no;
    char by[HY_SEGMENTS_WHO_MAX + 1];
    int err;
    struct hy_diag diag;
};

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->diag.text[0] = '\0';
    int err = hy_segment_find(t, x->edit.name, &x->no);
    if (err != HY_OK && err != HY_ENOTFOUND)
        return err;
    x->was_there = err == HY_OK;
    if (x->is_deleting)
        return err == HY_OK ? hy_segment_delete(t, x->no, &x->diag) : err;
    return hy_segment_edit(t, &x->edit, &x->no, &x->diag);
}

/* Web thread: it is durable. */
static void answer_change(struct web_call *c)
{
    struct change *x = c->state;
    struct hy_segment s;
    json_t *o = NULL;
    if (x->err == HY_OK && x->is_deleting) {
        web_answer_nothing(c);
        return;
    }
    if (x->err == HY_OK) {
        struct hy_txn *t = web_snapshot(c);
        x->err = t ? hy_segment_read(t, x->no, &s) : HY_EIO;
        if (x->err == HY_OK)
            x->err = (o = hy_segment_json(t, &s, c->policy->scores)) ? HY_OK : HY_ENOMEM;
        web_snapshot_done(c);
    }
    if (x->err == HY_OK)
        web_answer(c, x->was_there ? 200 : 201, o);
    else
        fail(c, x->err, x->field, &x->diag);
}

/* Writer thread. */
static void done(struct hy_write_req *r, int err)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->err = err;
    web_later(x->call, answer_change);
}

static void change(struct web_call *c, struct hy_str name, const struct wish *w, bool is_deleting)
{
    struct change *x = hy_arena_zalloc(&c->arena, sizeof *x);
    if (!x) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    x->req = (struct hy_write_req){.class = HY_WRITE_ADMIN,
                                   .when = HY_WRITE_NOW,
                                   .on_full = HY_WRITE_FULL_FAIL,
                                   .apply = apply,
                                   .done = done};
    x->call = c;
    snprintf(x->by, sizeof x->by, "api %.64s", c->token->name);
    x->is_deleting = is_deleting;
    x->edit = (struct hy_segment_edit){.name = name, .announces = -1, .who = hy_str_of(x->by)};
    if (w) {
        x->edit.text = w->words;
        x->edit.announces = w->announce;
        x->field = w->field;
    }
    x->edit.is_new = w && w->name.n; /* POST makes new ones only */
    x->edit.is_either = w && w->words.n && !w->name.n;
    c->state = x;
    int err = hy_writer_submit(web_writer(c), &x->req);
    if (err != HY_OK)
        web_fail_err(c, err);
}

static void post_one(struct web_call *c)
{
    struct wish w;
    if (!read_wish(c, MAY_NAME | MAY_ANNOUNCE, &w) || !needs_words(c, &w))
        return;
    if (w.name.n == 0)
        web_fail(c, 422, "missing_field", "name", "A segment needs a name.");
    else if (hy_str_eq(w.name, HY_STR("count")) || hy_str_find(w.name, '/', 0) != SIZE_MAX)
        web_fail(c, 422, "invalid_value", "name",
                 "No path leads to such a name: it is 'count', or has a slash.");
    else
        change(c, w.name, &w, false);
}

static void put_one(struct web_call *c)
{
    struct wish w;
    if (!read_wish(c, MAY_ANNOUNCE, &w))
        return;
    if (w.words.n == 0 && w.announce < 0)
        (void)needs_words(c, &w);
    else
        change(c, web_param(c, 0), &w, false);
}

static void delete_one(struct web_call *c)
{
    if (web_is_installation(c))
        change(c, web_param(c, 0), NULL, true);
}

/* ---- looks ---- */

struct look {
    uint64_t limit, after;
    struct wish wish;
    hy_us until; /* of a count */
    json_t *result;
    int err;
    struct hy_diag diag;
};

static void look_free(void *state)
{
    json_decref(((struct look *)state)->result);
}

static void answer(struct web_call *c)
{
    struct look *l = c->state;
    if (l->err == HY_ECANCELED)
        web_fail(c, 503, "timeout", NULL, "This takes more than %d seconds.", COUNT_S_MAX);
    else if (l->err != HY_OK)
        fail(c, l->err, l->wish.field, &l->diag);
    else
        web_answer(c, 200, json_incref(l->result));
}

/* NULL: it is answered. */
static struct look *look_new(struct web_call *c)
{
    struct look *l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return NULL;
    }
    c->state = l;
    c->state_free = look_free;
    return l;
}

static struct look *page_new(struct web_call *c, uint64_t usual, uint64_t max)
{
    struct look *l = web_is_installation(c) ? look_new(c) : NULL;
    if (!l || !web_query_number(c, "limit", 1, max, usual, &l->limit) ||
        !web_query_number(c, "after", 0, UINT32_MAX, 0, &l->after))
        return NULL;
    return l;
}

static void work(struct web_call *c, web_work_fn *fn)
{
    if (web_work(c, fn) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

static int find(struct web_call *c, struct hy_txn *t, struct hy_segment *ret)
{
    hy_segment_no no;
    int err = t ? hy_segment_find(t, web_param(c, 0), &no) : HY_EIO;
    return err ? err : hy_segment_read(t, no, ret);
}

/* The worker's thread, as all that gathers. */
static void gather_list(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    l->err =
        t ? hy_segments_json(t, (hy_segment_no)l->after, (size_t)l->limit, &l->result) : HY_EIO;
    web_later(c, answer);
}

static void get_list(struct web_call *c)
{
    if (page_new(c, PAGE_USUAL, HY_SEGMENT_PAGE_MAX))
        work(c, gather_list);
}

static void gather_one(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_segment s;
    l->err = find(c, t, &s);
    if (l->err == HY_OK)
        l->err = (l->result = hy_segment_json(t, &s, c->policy->scores)) ? HY_OK : HY_ENOMEM;
    web_later(c, answer);
}

static void get_one(struct web_call *c)
{
    if (web_is_installation(c) && look_new(c))
        work(c, gather_one);
}

static void gather_leads(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_segment s;
    l->err = find(c, t, &s);
    if (l->err == HY_OK)
        l->err =
            hy_segment_members_json(t, s.no, (hy_lead_no)l->after, (size_t)l->limit, &l->result);
    web_later(c, answer);
}

static void get_leads(struct web_call *c)
{
    if (page_new(c, PAGE_USUAL, HY_SEGMENT_PAGE_MAX))
        work(c, gather_leads);
}

static void gather_sample(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_segment s;
    l->err = find(c, t, &s);
    if (l->err == HY_OK)
        l->err = hy_segment_sample_json(t, s.no, (size_t)l->limit, &l->result);
    web_later(c, answer);
}

static void get_sample(struct web_call *c)
{
    if (page_new(c, SAMPLE_USUAL, HY_SEGMENT_SAMPLE_MAX))
        work(c, gather_sample);
}

/* ---- POST /v1/segments/count ---- */

static bool is_over(void *ctx)
{
    const struct web_call *c = ctx;
    const struct look *l = c->state;
    return web_is_closing(c) || hy_clock_us() > l->until;
}

static void gather_count(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    struct hy_zone *zone = hy_zone_local();
    const struct hy_segment_count count = {
        .expression = l->wish.words,
        .sample = (size_t)l->wish.sample,
        .search = {.facts = {.plan = c->policy->scores, .zone = zone},
                   .now = hy_clock_wall_ms(),
                   .is_cancelled = is_over,
                   .ctx = c},
    };
    l->until = hy_clock_us() + COUNT_S_MAX * HY_US_PER_SEC;
    l->err = t ? hy_segment_count_json(t, &count, &l->result, &l->diag) : HY_EIO;
    hy_zone_free(zone);
    web_later(c, answer);
}

static void post_count(struct web_call *c)
{
    struct wish w;
    if (!read_wish(c, MAY_SAMPLE, &w) || !needs_words(c, &w))
        return;
    struct look *l = look_new(c);
    if (!l)
        return;
    l->wish = w;
    if (web_work_long(c, gather_count) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_segment_routes[] = {
    {"GET", "/v1/segments", HY_SCOPE_LEADS_READ, get_list},
    {"POST", "/v1/segments", HY_SCOPE_LEADS_WRITE, post_one},
    {"POST", "/v1/segments/count", HY_SCOPE_LEADS_READ, post_count},
    {"GET", "/v1/segments/{name}", HY_SCOPE_LEADS_READ, get_one},
    {"PUT", "/v1/segments/{name}", HY_SCOPE_LEADS_WRITE, put_one},
    {"DELETE", "/v1/segments/{name}", HY_SCOPE_LEADS_WRITE, delete_one},
    {"GET", "/v1/segments/{name}/leads", HY_SCOPE_LEADS_READ, get_leads},
    {"GET", "/v1/segments/{name}/sample", HY_SCOPE_LEADS_READ, get_sample},
    {0},
};
