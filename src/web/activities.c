/* /v1/activities: what applications tell of leads, and what is known of one, the newest first. */
#include "hayauma/base/json_put.h"
#include "hayauma/store/activity.h"
#include "hayauma/web/person_json.h"
#include "person.h"
#include "tell.h"

/* ---- POST ---- */

static int read_activity(json_t *object, hy_wall_ms now, struct hy_arena *arena,
                         struct web_told *ret, struct hy_told_fault *fault)
{
    return hy_told_read(object, now, arena, &ret->told, fault);
}

static int put_activity(struct hy_txn *t, const struct web_told *x, const struct hy_told_how *how,
                        struct hy_told_result *ret, struct hy_diag *diag)
{
    return hy_told_put(t, &x->told, how, ret, diag);
}

static void post_activities(struct web_call *c)
{
    static const struct web_telling activities = {"activities", read_activity, put_activity};
    web_tell(c, &activities);
}

/* ---- GET ---- */

enum { PAGE_USUAL = 100, PAGE_MAX = 1000, LOOKED_MAX = 20000 };

struct page {
    struct hy_activity_who who;
    struct hy_told told; /* who was asked for */
    unsigned n_kinds;
    enum hy_activity_kind kinds[HY_ACTIVITY_KINDS];
    hy_wall_ms since;
    hy_id before;
    size_t limit;
    json_t *list;
    bool is_last;
    int err;
};

static void page_free(void *state)
{
    json_decref(((struct page *)state)->list);
}

static bool is_wanted(const struct page *p, const struct hy_activity *a)
{
    for (unsigned i = 0; i < p->n_kinds; i++)
        if (p->kinds[i] == a->kind)
            return a->at >= p->since;
    return p->n_kinds == 0 && a->at >= p->since;
}

static void answer_page(struct web_call *c)
{
    struct page *p = c->state;
    char next[HY_ID_TEXT_MAX];
    if (p->err == HY_ENOTFOUND || p->err == HY_EPARSE)
        web_fail(c, 404, "not_found", hy_told_by_name(p->told.by), "There is no such lead.");
    else if (p->err != HY_OK)
        web_fail_err(c, p->err);
    else
        web_answer(
            c, 200,
            json_pack("{s:O,s:o}", "activities", p->list, "next",
                      p->is_last ? json_null() : json_string(hy_id_format(p->before, next))));
}

json_t *hy_activity_json(const struct hy_activity *a)
{
    char text[32], id[HY_ID_TEXT_MAX];
    json_t *o = json_object(), *meta = a->meta.n ? json_loadb(a->meta.p, a->meta.n, 0, NULL) : NULL;
    const struct {
        const char *name;
        struct hy_str value;
    } texts[] = {{"name", a->text}, {"url", a->url},       {"source", a->source},
                 {"id", a->ref},    {"email", a->address}, {"agent", a->agent}};
    json_object_set_new(o, "activity", json_string(hy_id_format(a->id, id)));
    json_object_set_new(o, "kind", json_string(hy_activity_kind_name(a->kind)));
    json_object_set_new(o, "at", json_string(hy_wall_format(a->at, text)));
    if (a->lead)
        json_object_set_new(o, "lead", json_integer(a->lead));
    if (a->visitor)
        json_object_set_new(o, "visitor", json_string(hy_id_format(a->visitor, id)));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value.n)
            json_object_set_new(o, texts[i].name, web_text_json(texts[i].value));
    if (a->campaign && !a->message)
        json_object_set_new(o, "campaign", json_string(hy_id_format(a->campaign, id)));
    if (a->message)
        json_object_set_new(o, "message", json_string(hy_id_format(a->message, id)));
    if (a->link)
        json_object_set_new(o, "number", json_integer(a->link));
    if (a->flags & (HY_ACTIVITY_HUMAN | HY_ACTIVITY_MACHINE))
        json_object_set_new(o, "by",
                            json_string(a->flags & HY_ACTIVITY_HUMAN ? "human" : "machine"));
    json_t *ip = person_ip_json(a->ip);
    if (!json_is_null(ip))
        json_object_set(o, "ip", ip);
    json_decref(ip);
    if (meta)
        json_object_set_new(o, "meta", meta);
    return o;
}

/* HY_ENOTFOUND: nobody is that. */
static int find_who(struct page *p, struct hy_txn *t, struct hy_diag *diag)
{
    if (p->told.by == HY_TOLD_NOBODY) {
        p->who = (struct hy_activity_who){.by = HY_ACTIVITY_BY_VISITOR, .visitor = p->told.visitor};
        return HY_OK;
    }
    p->who.by = HY_ACTIVITY_BY_LEAD;
    return hy_told_find_lead(t, &p->told, &p->who.lead, diag);
}

/* The worker's thread. */
static void gather(struct web_call *c, struct hy_txn *t)
{
    struct page *p = c->state;
    struct hy_activity a;
    struct hy_diag diag = {""};
    p->err = t ? find_who(p, t, &diag) : HY_EIO;
    for (int looked = 0; p->err == HY_OK && looked < LOOKED_MAX; looked++) {
        if (json_array_size(p->list) == p->limit)
            break;
        int err = hy_activity_prev_of(t, &p->who, p->before, &a);
        p->is_last = err == HY_ENOTFOUND;
        if (err) {
            p->err = p->is_last ? HY_OK : err;
            break;
        }
        p->before = a.id;
        if (is_wanted(p, &a))
            json_array_append_new(p->list, hy_activity_json(&a));
    }
    web_later(c, answer_page);
}

bool web_read_who(struct web_call *c, struct hy_told *ret)
{
    static const char *const names[] = {"lead",    "email", "external_id",
                                        "line_id", "phone", "visitor"};
    struct hy_told_fault fault = {.code = ""};
    json_t *o = json_pack("{s:s}", "kind", "order");
    struct hy_str text;
    uint64_t no;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (web_query(c, hy_str_of(names[i]), 0, &text))
            json_object_set_new(o, names[i],
                                i == 0 && hy_str_to_u64(text, UINT32_MAX, &no) == HY_OK
                                    ? json_integer((json_int_t)no)
                                    : web_text_json(text));
    c->json = o; /* goes with the call */
    int err = hy_told_read(o, hy_clock_wall_ms(), &c->arena, ret, &fault);
    if (err == HY_EINVAL)
        web_fail(c, 422, fault.code, fault.field, "%s", fault.message);
    else if (err != HY_OK)
        web_fail_err(c, err);
    return err == HY_OK;
}

static bool read_kinds(struct web_call *c, struct page *p)
{
    struct hy_str text;
    for (size_t i = 0; web_query(c, HY_STR("kind"), i, &text); i++) {
        if (p->n_kinds < HY_ACTIVITY_KINDS &&
            hy_activity_kind_find(text, &p->kinds[p->n_kinds]) == HY_OK) {
            p->n_kinds++;
            continue;
        }
        web_fail(c, 422, "unknown_kind", "kind", "There is no such kind of activity.");
        return false;
    }
    return true;
}

static bool read_page(struct web_call *c, struct page *p)
{
    struct hy_str text;
    uint64_t limit = PAGE_USUAL;
    const char *field = NULL;
    if (web_query(c, HY_STR("limit"), 0, &text) &&
        (hy_str_to_u64(text, PAGE_MAX, &limit) != HY_OK || limit == 0))
        field = "limit";
    if (web_query(c, HY_STR("since"), 0, &text) && hy_wall_parse(text, &p->since) != HY_OK)
        field = "since";
    if (web_query(c, HY_STR("after"), 0, &text) && hy_id_parse(text, &p->before) != HY_OK)
        field = "after";
    p->limit = (size_t)limit;
    if (field) {
        web_fail(c, 422, "invalid_value", field,
                 strcmp(field, "limit") == 0   ? "A page has 1 to 1000 activities."
                 : strcmp(field, "since") == 0 ? "This must be a time like 2026-12-01T09:00:00Z."
                                               : "This is not what 'next' said.");
        return false;
    }
    return read_kinds(c, p) && web_read_who(c, &p->told);
}

static void get_activities(struct web_call *c)
{
    struct page *p = hy_arena_zalloc(&c->arena, sizeof *p);
    if (!web_is_installation(c))
        return;
    if (!p || !(p->list = json_array())) {
        web_fail_err(c, HY_ENOMEM);
        return;
    }
    c->state = p;
    c->state_free = page_free;
    if (read_page(c, p) && web_work(c, gather) != HY_OK)
        web_fail_err(c, HY_EBUSY);
}

const struct web_route web_activity_routes[] = {
    {"GET", "/v1/activities", HY_SCOPE_LEADS_READ, get_activities},
    {"POST", "/v1/activities", HY_SCOPE_LEADS_WRITE, post_activities},
    {0},
};
