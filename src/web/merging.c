/* /v1/leads/duplicates, /v1/leads/{lead}/merge and /unmerge: people who are in the store more than
 * once. Leads belong to the installation: tokens of tenants have no business here. */
#include <stdlib.h>

#include "call.h"
#include "hayauma/base/list.h"
#include "hayauma/store/duplicates.h"
#include "hayauma/store/merge.h"
#include "leads.h"

enum { SHOWN_MAX = 1000, SHOWN_USUAL = 100 };

json_t *hy_merged_json(const struct hy_merged *m)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "kept", (json_int_t)m->kept, "part",
                     (json_int_t)m->part, "attributes", (json_int_t)m->attributes, "labels",
                     (json_int_t)m->labels, "lists", (json_int_t)m->lists, "identities",
                     (json_int_t)m->identities);
}

/* ---- duplicates ---- */

struct finding {
    struct hy_txn *t;
    json_t *out;
    size_t max;
    bool (*go_on)(void *ctx, uint64_t seen, uint64_t of);
    void *ctx;
};

static bool may_go_on(void *ctx, uint64_t seen, uint64_t of)
{
    const struct finding *f = ctx;
    return f->go_on(f->ctx, seen, of);
}

static int add(void *ctx, const struct hy_duplicates *x)
{
    const struct finding *f = ctx;
    json_t *leads = json_array();
    for (size_t i = 0; i < x->n; i++) {
        json_t *o = NULL;
        int err = lead_json_short(f->t, x->leads[i], &o);
        if (err) {
            json_decref(leads);
            return err;
        }
        json_array_append_new(leads, o);
    }
    json_array_append_new(f->out, json_pack("{s:s, s:o, s:o}", "by", hy_duplicate_name(x->by),
                                            "value", web_text_json(x->value), "leads", leads));
    return json_array_size(f->out) >= f->max;
}

int hy_duplicates_json(struct hy_txn *t, size_t max,
                       bool (*go_on)(void *ctx, uint64_t seen, uint64_t of), void *ctx,
                       json_t **ret)
{
    struct finding f = {t, json_array(), max, go_on, ctx};
    const struct hy_duplicates_ask ask = {.each = add, .go_on = may_go_on, .ctx = &f};
    int err = f.out ? hy_duplicates_each(t, &ask) : HY_ENOMEM;
    if (err < 0) {
        json_decref(f.out);
        return err;
    }
    *ret = f.out;
    return HY_OK;
}

struct look {
    size_t max;
    json_t *found;
    int err;
};

static void look_free(void *state)
{
    json_decref(((struct look *)state)->found);
}

static void answer_duplicates(struct web_call *c)
{
    struct look *l = c->state;
    if (l->err)
        web_fail_err(c, l->err);
    else
        web_answer(c, 200, json_pack("{s:O}", "duplicates", l->found));
}

static bool is_open(void *ctx, uint64_t seen, uint64_t of)
{
    (void)seen;
    (void)of;
    return !web_is_closing(ctx);
}

/* The thread for what is long: all leads are looked at. */
static void gather(struct web_call *c, struct hy_txn *t)
{
    struct look *l = c->state;
    l->err = t ? hy_duplicates_json(t, l->max, is_open, c, &l->found) : HY_EIO;
    web_later(c, answer_duplicates);
}

static void get_duplicates(struct web_call *c)
{
    uint64_t max;
    if (!web_is_installation(c) || !web_query_number(c, "limit", 1, SHOWN_MAX, SHOWN_USUAL, &max))
        return;
    struct look *l = hy_arena_zalloc(&c->arena, sizeof *l);
    if (!l) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    l->max = (size_t)max;
    c->state = l;
    c->state_free = look_free;
    if (web_work_long(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

/* ---- merging ---- */

struct merging {
    struct hy_merge_job job;
    struct web_call *call;
    char by[80];
    int err;
};

/* Web thread: it is durable. */
static void answer(struct web_call *c)
{
    const struct merging *m = c->state;
    if (m->err)
        web_fail_diag(c, m->err, NULL, m->job.diag.text);
    else
        web_answer(c, 200, hy_merged_json(&m->job.did));
}

static void done(struct hy_write_req *r, int err)
{
    struct merging *m = hy_container_of(r, struct merging, job.req);
    m->err = err;
    web_later(m->call, answer);
}

/* `kept` 0: taken apart. */
static void submit(struct web_call *c, hy_lead_no kept, hy_lead_no part)
{
    struct merging *m = calloc(1, sizeof *m);
    if (!m) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = m;
    c->state_free = free;
    m->call = c;
    snprintf(m->by, sizeof m->by, "api %.64s", c->token->name);
    hy_merge_job_init(&m->job, kept, part, hy_str_of(m->by));
    m->job.req.done = done;
    int err = hy_writer_submit(web_writer(c), &m->job.req);
    if (err)
        web_fail_err(c, err);
}

/* {"other": LEAD}, as text or a number. False: it is answered. */
static bool read_other(struct web_call *c, char room[24], struct hy_str *ret)
{
    const json_t *body = web_json(c), *x = json_object_get(body, "other");
    if (!body)
        return false;
    if (json_is_integer(x) && json_integer_value(x) > 0)
        snprintf(room, 24, "%lld", (long long)json_integer_value(x));
    if (json_object_size(body) != 1 || !(json_is_string(x) || room[0])) {
        web_fail(c, 422, "invalid_value", "other",
                 "The body is {\"other\": LEAD}: the lead that becomes a part of this one.");
        return false;
    }
    *ret = room[0] ? hy_str_of(room) : hy_str_make(json_string_value(x), json_string_length(x));
    return true;
}

static void post_merge(struct web_call *c)
{
    struct hy_diag diag = {""};
    struct hy_str other;
    hy_lead_no kept = 0, part = 0;
    char room[24] = "";
    const char *field = NULL;
    if (!web_is_installation(c) || !read_other(c, room, &other))
        return;
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_merge_find(t, web_param(c, 0), &kept, &diag) : HY_EIO;
    if (!err) {
        field = "other";
        err = hy_merge_find(t, other, &part, &diag);
    }
    web_snapshot_done(c);
    if (err)
        web_fail_diag(c, err, field, diag.text);
    else
        submit(c, kept, part);
}

static void post_unmerge(struct web_call *c)
{
    struct hy_diag diag = {""};
    hy_lead_no part = 0;
    if (!web_is_installation(c))
        return;
    struct hy_txn *t = web_snapshot(c);
    int err = t ? hy_merge_find_part(t, web_param(c, 0), &part, &diag) : HY_EIO;
    web_snapshot_done(c);
    if (err)
        web_fail_diag(c, err, NULL, diag.text);
    else
        submit(c, 0, part);
}

const struct web_route web_merging_routes[] = {
    {"GET", "/v1/leads/duplicates", HY_SCOPE_LEADS_READ, get_duplicates},
    {"POST", "/v1/leads/{lead}/merge", HY_SCOPE_LEADS_WRITE, post_merge},
    {"POST", "/v1/leads/{lead}/unmerge", HY_SCOPE_LEADS_WRITE, post_unmerge},
    {NULL, NULL, 0, NULL},
};
