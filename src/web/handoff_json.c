/* Leads on their way to sales, as JSON, and tried again. */
#include <inttypes.h>
#include <stdio.h>

#include "call.h"
#include "hayauma/base/list.h"
#include "hayauma/store/lead.h"
#include "hayauma/web/handoffs.h"

/* ---- which ---- */

int hy_handoff_state_read(struct hy_str text, enum hy_handoff_state *ret)
{
    if (hy_str_eq(text, HY_STR("waits")))
        *ret = HY_HANDOFF_WAITS;
    else if (hy_str_eq(text, HY_STR("failed")))
        *ret = HY_HANDOFF_GIVEN_UP;
    else
        return HY_EPARSE;
    return HY_OK;
}

/* The next one of the state; those of a lane that failed stand behind those of it that wait. */
static int next_of(struct hy_txn *t, enum hy_handoff_state state, struct hy_handoff *at)
{
    int err;
    while ((err = hy_handoff_next(t, at, at)) == HY_OK) {
        bool is_failed = at->due_s == HY_HANDOFF_FAILED;
        if (state == HY_HANDOFF_ANY || is_failed == (state == HY_HANDOFF_GIVEN_UP))
            return HY_OK;
        if (is_failed && at->lane == UINT16_MAX)
            return HY_ENOTFOUND;
        *at = is_failed ? (struct hy_handoff){.lane = (uint16_t)(at->lane + 1)}
                        : (struct hy_handoff){.lane = at->lane, .due_s = HY_HANDOFF_FAILED};
    }
    return err;
}

int hy_handoff_find(struct hy_txn *t, hy_id id, struct hy_handoff *ret)
{
    struct hy_handoff h = {0};
    int err;
    while ((err = hy_handoff_next(t, &h, &h)) == HY_OK && h.id != id)
        ;
    if (err == HY_OK)
        *ret = h;
    return err;
}

/* "2-1790000000-0abc...": lane, due time, id. */
static const char *place_text(const struct hy_handoff *h, char out[HY_HANDOFF_PLACE_MAX])
{
    char id[HY_ID_TEXT_MAX];
    snprintf(out, HY_HANDOFF_PLACE_MAX, "%" PRIu16 "-%" PRIu32 "-%s", h->lane, h->due_s,
             hy_id_format(h->id, id));
    return out;
}

int hy_handoff_place_read(struct hy_str text, struct hy_handoff *ret)
{
    struct hy_str lane, due;
    uint64_t a = 0, b = 0;
    hy_id id = 0;
    if (!hy_str_split(&text, '-', &lane) || !hy_str_split(&text, '-', &due) ||
        hy_str_to_u64(lane, UINT16_MAX, &a) != HY_OK ||
        hy_str_to_u64(due, UINT32_MAX, &b) != HY_OK || hy_id_parse(text, &id) != HY_OK)
        return HY_EPARSE;
    *ret = (struct hy_handoff){.lane = (uint16_t)a, .due_s = (uint32_t)b, .id = id};
    return HY_OK;
}

/* ---- told ---- */

static json_t *handoff_json(struct hy_txn *t, const struct hy_handoff *h)
{
    char id[HY_ID_TEXT_MAX], at[32];
    struct hy_str address = {0};
    hy_domain_no domain;
    bool is_failed = h->due_s == HY_HANDOFF_FAILED;
    bool is_known = hy_lead_address(t, h->lead, &address, &domain) == HY_OK && address.n;
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(hy_id_format(h->id, id)));
    json_object_set_new(o, "name", web_text_json(h->name));
    json_object_set_new(o, "threshold", web_text_json(h->threshold));
    json_object_set_new(o, "lead", json_integer(h->lead));
    json_object_set_new(o, "email", is_known ? web_text_json(address) : json_null());
    json_object_set_new(o, "entered", json_string(hy_wall_format(h->entered, at)));
    json_object_set_new(o, "state", json_string(is_failed ? "failed" : "waits"));
    json_object_set_new(o, "due",
                        is_failed ? json_null()
                                  : json_string(hy_wall_format((hy_wall_ms)h->due_s * 1000, at)));
    json_object_set_new(o, "tries", json_integer(h->tries));
    json_object_set_new(o, "why", web_text_json(h->why));
    return o;
}

int hy_handoffs_json(struct hy_txn *t, const struct hy_handoff_search *s, json_t **ret)
{
    struct hy_handoff h = s->after, more;
    char place[HY_HANDOFF_PLACE_MAX];
    uint64_t pending = 0, failed = 0;
    json_t *all = json_array();
    int err = hy_handoff_count(t, &pending, &failed);
    while (err == HY_OK && json_array_size(all) < s->limit &&
           (err = next_of(t, s->state, &h)) == HY_OK)
        json_array_append_new(all, handoff_json(t, &h));
    more = h;
    if (err == HY_OK)
        err = next_of(t, s->state, &more);
    bool has_more = err == HY_OK;
    if (err != HY_OK && err != HY_ENOTFOUND) {
        json_decref(all);
        return err;
    }
    json_t *o = json_pack("{s:I, s:I, s:o, s:o}", "pending", (json_int_t)pending, "failed",
                          (json_int_t)failed, "handoffs", all, "after",
                          has_more ? json_string(place_text(&h, place)) : json_null());
    if (!o)
        return HY_ENOMEM;
    *ret = o;
    return HY_OK;
}

/* ---- tried again; the writer's thread ---- */

static int again(struct hy_handoff_retry *r, struct hy_txn *t, const struct hy_handoff *h)
{
    int err = hy_handoff_again(t, h, (uint32_t)(t->now / 1000), (struct hy_str){0});
    r->n += err == HY_OK;
    return err;
}

static int apply(struct hy_write_req *req, struct hy_txn *t)
{
    struct hy_handoff_retry *r = hy_container_of(req, struct hy_handoff_retry, req);
    struct hy_handoff h = {0};
    int err = HY_OK;
    r->n = 0;
    if (r->one.id)
        return again(r, t, &r->one);
    while (err == HY_OK && r->n < HY_HANDOFF_RETRIES_MAX &&
           (err = next_of(t, HY_HANDOFF_GIVEN_UP, &h)) == HY_OK)
        err = again(r, t, &h);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

void hy_handoff_retry_init(struct hy_handoff_retry *r)
{
    r->req.class = HY_WRITE_ADMIN;
    r->req.apply = apply;
}
