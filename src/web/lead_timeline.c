/* What happened to a lead, as one list: activities by their index, newest first, and its mail from
 * the row of every campaign and of every ready message to one of its addresses. Only the newest
 * `limit` are kept while it is gathered, by their ids; the JSON is made of those. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "call.h"
#include "hayauma/bounce/reason.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/explain.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/score.h"
#include "hayauma/store/spool.h"
#include "hayauma/track/verdict.h"
#include "leads.h"

enum entry_kind {
    OF_ACTIVITY, /* id: its own */
    OF_ATTEMPT,  /* id: its own */
    OF_ROW,      /* a row without an attempt; id: of its campaign or message */
};
struct entry {
    hy_id id;
    enum entry_kind kind;
    enum hy_rcpt_state state; /* OF_ROW */
};
struct gathering {
    struct hy_txn *t;
    hy_id before;
    size_t limit, n;
    bool is_cut; /* there are older ones */
    hy_lead_no lead;
    hy_lead_no parts[HY_LEAD_PARTS_MAX]; /* it, and what was merged into it */
    size_t n_parts;
    struct entry *entries; /* ascending by id; room for one more than the limit */
};

static void keep(struct gathering *g, struct entry e)
{
    size_t at = g->n;
    if (e.id >= g->before)
        return;
    while (at > 0 && g->entries[at - 1].id > e.id)
        at--;
    if (at > 0 && g->entries[at - 1].id == e.id && g->entries[at - 1].kind == e.kind)
        return; /* two of its addresses are at one domain */
    memmove(g->entries + at + 1, g->entries + at, (g->n - at) * sizeof e);
    g->entries[at] = e;
    if (g->n < g->limit) {
        g->n++;
        return;
    }
    g->is_cut = true;
    memmove(g->entries, g->entries + 1, g->limit * sizeof e);
}

static int gather_activities(struct gathering *g)
{
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = g->lead};
    hy_id before = g->before;
    struct hy_activity a;
    int err = 0;
    for (size_t n = 0; n <= g->limit && !err; n++) {
        err = hy_activity_prev_of(g->t, &who, before, &a);
        if (!err)
            keep(g, (struct entry){.id = a.id, .kind = OF_ACTIVITY});
        before = a.id;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int keep_attempt(void *ctx, const struct hy_attempt *a)
{
    keep(ctx, (struct entry){.id = a->id, .kind = OF_ATTEMPT});
    return 0;
}

static int keep_row(struct gathering *g, const struct hy_queue_row *row, hy_id id)
{
    bool trimmed = false;
    int err = 0;
    if (row->last_attempt)
        err = hy_explain_attempts(g->t, row, keep_attempt, g, &trimmed);
    if (!row->last_attempt || trimmed)
        keep(g, (struct entry){.id = id, .kind = OF_ROW, .state = row->state});
    return err == HY_ECORRUPT ? 0 : err; /* what is left of a chain is told */
}

static int of_campaign(void *ctx, const struct hy_campaign *c, const struct hy_queue_row *row)
{
    return keep_row(ctx, row, c->id);
}

static int of_message(void *ctx, const struct hy_spool_view *v)
{
    return keep_row(ctx, &v->row, v->message.id);
}

/* An address of the lead, or one that it had: its rows are filed under the domain of then, and of
 * what was merged into it under the number of then. */
static int gather_mail(struct gathering *g, struct hy_str address)
{
    char copy[HY_ADDRESS_MAX];
    hy_domain_no domain = 0;
    if (address.n == 0 || address.n > sizeof copy)
        return 0;
    memcpy(copy, address.p, address.n);
    address.p = copy;
    int err = hy_domain_find(g->t, hy_wire_domain(address), &domain);
    for (size_t i = 0; i < g->n_parts && !err; i++)
        err = hy_explain_lead(g->t, domain, g->parts[i], of_campaign, g);
    if (!err || err == HY_ENOTFOUND)
        err = hy_spool_find_address(g->t, address, of_message, g);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int gather_further(void *ctx, const struct hy_identity *i)
{
    return i->kind == HY_IDENTITY_ADDRESS ? gather_mail(ctx, i->value) : 0;
}

/* ---- as JSON ---- */

static void set_text(json_t *o, const char *key, struct hy_str text)
{
    if (text.n)
        json_object_set_new(o, key, web_text_json(text));
}

static void set_id(json_t *o, const char *key, hy_id id)
{
    char text[HY_ID_TEXT_MAX];
    json_object_set_new(o, key, json_string(hy_id_format(id, text)));
}

static void set_time(json_t *o, const char *key, hy_wall_ms at)
{
    char text[32];
    json_object_set_new(o, key, json_string(hy_wall_format(at, text)));
}

static void set_ip(json_t *o, const uint8_t ip[16])
{
    static const uint8_t none[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    bool is_v4 = memcmp(ip, mapped, sizeof mapped) == 0;
    if (memcmp(ip, none, sizeof none) != 0 &&
        inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? ip + 12 : ip, text, sizeof text))
        json_object_set_new(o, "ip", json_string(text));
}

/* Which campaign, or ready message, it is about. */
static void set_mail(struct hy_txn *t, json_t *o, hy_id of)
{
    struct hy_campaign c;
    if (of == 0 || hy_id_is_spool(of))
        return;
    set_id(o, "campaign", of);
    if (hy_campaign_get(t, of, &c) == 0)
        set_text(o, "name", c.name);
}

/* What a person asks first of a consent or an order, beside the details it came with. */
static void set_state(json_t *o, enum hy_activity_kind kind, const json_t *meta)
{
    static const char *const of_order[] = {"order", "amount", "currency"};
    const json_t *state = json_object_get(meta, kind == HY_ACTIVITY_CONSENT ? "what" : "status");
    if (kind != HY_ACTIVITY_CONSENT && kind != HY_ACTIVITY_ORDER)
        return;
    if (json_is_string(state))
        json_object_set(o, "state", (json_t *)(uintptr_t)state);
    else if (kind == HY_ACTIVITY_ORDER)
        json_object_set_new(o, "state", json_string("placed"));
    for (size_t i = 0; kind == HY_ACTIVITY_ORDER && i < sizeof of_order / sizeof *of_order; i++) {
        json_t *value = json_object_get(meta, of_order[i]);
        if (i == 1 ? json_is_number(value) : json_is_string(value))
            json_object_set(o, of_order[i], value);
    }
}

static json_t *activity_json(struct hy_txn *t, const struct hy_activity *a)
{
    json_t *o = json_object();
    set_time(o, "at", a->at);
    json_object_set_new(o, "kind", json_string(hy_activity_kind_name(a->kind)));
    if (hy_activity_is_hit(a->kind) || a->kind == HY_ACTIVITY_VERDICT) {
        json_object_set_new(o, "verdict",
                            json_string(hy_verdict_name(hy_verdict_of_flags(a->flags))));
        set_text(o, "reason", hy_str_of(hy_verdict_reason_name((enum hy_verdict_reason)a->reason)));
        json_object_set_new(o, "counted", json_boolean(a->flags & HY_ACTIVITY_COUNTED));
    } else if (a->reason) {
        set_text(o, "reason", hy_str_of(hy_bounce_reason_name((enum hy_bounce_reason)a->reason)));
    }
    set_mail(t, o, a->campaign);
    if (a->message)
        set_id(o, "message", a->message);
    if (a->link)
        json_object_set_new(o, "link", json_integer(a->link));
    set_text(o, "text", a->text);
    set_text(o, "url", a->url);
    set_text(o, "source", a->source);
    set_text(o, "agent", a->agent);
    set_ip(o, a->ip);
    json_t *meta = a->meta.n ? json_loadb(a->meta.p, a->meta.n, 0, NULL) : NULL;
    set_state(o, a->kind, meta);
    if (meta)
        json_object_set_new(o, "meta", meta);
    return o;
}

static json_t *attempt_json(struct hy_txn *t, const struct hy_attempt *a)
{
    json_t *o = json_object();
    set_time(o, "at", a->started ? a->started : hy_id_time(a->id));
    json_object_set_new(o, "kind", json_string("mail"));
    json_object_set_new(o, "state", json_string(hy_rcpt_state_name(a->state)));
    set_mail(t, o, a->ref.campaign);
    if (a->outcome.code)
        json_object_set_new(o, "code", json_integer(a->outcome.code));
    if (a->outcome.reason)
        set_text(o, "reason", hy_str_of(hy_bounce_reason_name(a->outcome.reason)));
    set_text(o, "text", a->outcome.text);
    set_text(o, "source", a->source);
    return o;
}

static json_t *row_json(struct hy_txn *t, const struct entry *e)
{
    json_t *o = json_object();
    set_time(o, "at", hy_id_time(e->id));
    json_object_set_new(o, "kind", json_string("mail"));
    json_object_set_new(o, "state", json_string(hy_rcpt_state_name(e->state)));
    struct hy_campaign c;
    if (hy_campaign_get(t, e->id, &c) == 0)
        set_mail(t, o, e->id);
    else
        set_id(o, "message", e->id);
    return o;
}

/* NULL: its record is gone or cannot be read. */
static json_t *entry_json(struct gathering *g, const struct entry *e)
{
    struct hy_activity activity;
    struct hy_attempt attempt;
    json_t *o = NULL;
    if (e->kind == OF_ROW)
        o = row_json(g->t, e);
    else if (e->kind == OF_ACTIVITY && hy_activity_get(g->t, e->id, &activity) == 0)
        o = activity_json(g->t, &activity);
    else if (e->kind == OF_ATTEMPT && hy_attempt_get(g->t, e->id, &attempt) == 0)
        o = attempt_json(g->t, &attempt);
    if (o)
        set_id(o, "id", e->id);
    return o;
}

/* The points that activities of the page gave, where they stand. */
static int add_points(struct gathering *g, json_t *const *shown)
{
    struct hy_score_place at = {.n = 0};
    struct hy_score_item item;
    int err;
    while ((err = hy_score_ledger_next(g->t, g->lead, &at, &item)) == 0) {
        for (size_t i = 0; i < g->n && item.activity; i++) {
            if (g->entries[i].id != item.activity || g->entries[i].kind != OF_ACTIVITY || !shown[i])
                continue;
            json_t *list = json_object_get(shown[i], "points");
            json_t *o = json_pack("{s:o, s:f, s:b}", "rule", web_text_json(item.rule), "points",
                                  item.points, "withdrawn", item.kind == HY_SCORE_WITHDRAWN);
            if (!list && (list = json_array()))
                json_object_set_new(shown[i], "points", list);
            json_array_append_new(list, o);
        }
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int put_page(struct gathering *g, json_t **ret)
{
    json_t *list = json_array(), **shown = calloc(g->n + 1, sizeof(json_t *));
    char before[HY_ID_TEXT_MAX];
    int err = shown && list ? 0 : HY_ENOMEM;
    for (size_t i = 0; i < g->n && !err; i++) {
        shown[i] = entry_json(g, &g->entries[i]);
        if (shown[i])
            json_array_append_new(list, shown[i]);
    }
    if (!err)
        err = add_points(g, shown);
    free(shown);
    if (err) {
        json_decref(list);
        return err;
    }
    json_t *next =
        g->is_cut && g->n ? json_string(hy_id_format(g->entries[0].id, before)) : json_null();
    *ret = json_pack("{s:o, s:o}", "timeline", list, "before", next);
    return *ret ? 0 : HY_ENOMEM;
}

int hy_lead_timeline_json(struct hy_txn *t, hy_lead_no no, hy_id before, size_t limit, json_t **ret)
{
    struct gathering g = {
        .t = t, .before = before ? before : UINT64_MAX, .limit = limit, .lead = no};
    struct hy_str address;
    hy_domain_no domain;
    if (limit == 0 || limit > HY_LEAD_PAGE_MAX)
        return HY_EINVAL;
    int err = hy_lead_address(t, no, &address, &domain);
    if (!err)
        err = hy_lead_parts(t, no, g.parts, &g.n_parts);
    if (err)
        return err;
    g.entries = calloc(limit + 1, sizeof *g.entries);
    if (!g.entries)
        return HY_ENOMEM;
    err = gather_mail(&g, address);
    if (!err)
        err = hy_identity_each(t, no, gather_further, &g);
    if (!err)
        err = gather_activities(&g);
    if (!err)
        err = put_page(&g, ret);
    free(g.entries);
    return err;
}
