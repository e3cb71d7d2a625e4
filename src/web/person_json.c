/* All that is known of one person. */
#include "hayauma/web/person_json.h"

#include "call.h"
#include "hayauma/store/cart.h"
#include "hayauma/store/erase.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/score.h"
#include "hayauma/store/segments.h"
#include "hayauma/web/leads.h"
#include "hayauma/web/suppress_json.h"
#include "person.h"

static int add_parts(struct hy_txn *t, const hy_lead_no *parts, size_t n, json_t *out)
{
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        json_t *o = NULL;
        err = hy_lead_json(t, parts[i], &o);
        if (!err && json_array_append_new(out, o) != 0)
            err = HY_ENOMEM;
    }
    return err;
}

/* The newest first. */
static int add_activities(struct hy_txn *t, const struct hy_activity_who *who, json_t *out)
{
    struct hy_activity a = {.id = 0};
    int err;
    while ((err = hy_activity_prev_of(t, who, a.id, &a)) == 0)
        if (json_array_append_new(out, hy_activity_json(&a)) != 0)
            return HY_ENOMEM;
    return err == HY_ENOTFOUND ? 0 : err;
}

static int add_points(struct hy_txn *t, hy_lead_no lead, json_t *out)
{
    struct hy_score_place at = {.n = 0};
    struct hy_score_item i;
    int err;
    while ((err = hy_score_ledger_next(t, lead, &at, &i)) == 0) {
        json_t *o = json_pack("{s:I, s:o, s:o, s:o, s:f, s:I, s:b}", "lead", (json_int_t)lead,
                              "rule", web_text_json(i.rule), "group", web_text_json(i.group), "at",
                              person_time_json(i.at), "points", i.points, "times", (json_int_t)i.n,
                              "withdrawn", i.kind == HY_SCORE_WITHDRAWN);
        if (!o || json_array_append_new(out, o) != 0)
            return HY_ENOMEM;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int add_segments(struct hy_txn *t, hy_lead_no lead, json_t *out)
{
    struct hy_segment s = {.no = 0};
    int err;
    while ((err = hy_segment_next(t, s.no, &s)) == 0) {
        bool has = false;
        err = hy_lead_set_has(t, hy_segment_set_of(s.no), lead, &has);
        if (err)
            return err;
        if (has)
            json_array_append_new(out, web_text_json(s.name));
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Quantities and prices as decimal text, which is exact. */
static json_t *items_json(const struct hy_order_item *items, size_t n)
{
    json_t *list = json_array();
    char quantity[HY_DECIMAL_MAX], price[HY_DECIMAL_MAX];
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list,
            json_pack(
                "{s:o, s:o, s:o, s:s, s:s}", "product", web_text_json(items[i].product), "name",
                web_text_json(items[i].name), "category", web_text_json(items[i].category),
                "quantity", hy_decimal_text(items[i].quantity_milli, quantity), "price",
                items[i].price_milli < 0 ? "" : hy_decimal_text(items[i].price_milli, price)));
    return list;
}

static int add_order(void *ctx, const struct hy_purchase *p)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    if (hy_purchase_items(p, items) != 0)
        return HY_ECORRUPT;
    json_t *o =
        json_pack("{s:o, s:I, s:s, s:s, s:f, s:o, s:o, s:o, s:o}", "order", web_text_json(p->order),
                  "lead", (json_int_t)p->lead, "status", hy_purchase_state_name(p->state),
                  "currency", p->currency, "amount", (double)p->amount_milli / 1000, "placed",
                  person_time_json(p->placed), "changed", person_time_json(p->changed), "cart",
                  web_text_json(p->cart), "items", items_json(items, p->n_items));
    return o && json_array_append_new(ctx, o) == 0 ? 0 : HY_ENOMEM;
}

static int add_cart(void *ctx, const struct hy_cart *c)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    if (hy_cart_items(c, items) != 0)
        return HY_ECORRUPT;
    json_t *o = json_pack(
        "{s:o, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "cart", web_text_json(c->id), "lead",
        (json_int_t)c->lead, "status", hy_cart_state_name(c->state), "currency", c->currency,
        "amount", c->amount_milli < 0 ? json_null() : json_real((double)c->amount_milli / 1000),
        "opened", person_time_json(c->opened), "changed", person_time_json(c->changed), "closed",
        person_time_json(c->closed), "order", web_text_json(c->order), "items",
        items_json(items, c->n_items));
    return o && json_array_append_new(ctx, o) == 0 ? 0 : HY_ENOMEM;
}

struct suppressions {
    struct hy_suppress_names *names;
    struct hy_txn *t;
    json_t *out;
};

static int add_entry(void *ctx, const struct hy_suppress_entry *e)
{
    const struct suppressions *s = ctx;
    return json_array_append_new(s->out, hy_suppress_entry_json(s->names, s->t, e)) == 0
               ? 0
               : HY_ENOMEM;
}

/* What lies under an address: what keeps mail back, messages, and what was noted of it before
 * anybody knew whose it is. */
static int add_address(struct hy_suppress_names *names, struct hy_txn *t, struct hy_str address,
                       json_t *o)
{
    struct suppressions s = {names, t, json_object_get(o, "suppressions")};
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_ADDRESS, .address = address};
    struct hy_suppress_id id;
    int err = hy_suppress_id_of(t->env, address, &id);
    if (!err)
        err = hy_suppress_each(t, id, add_entry, &s);
    if (!err)
        err = person_messages(t, address, json_object_get(o, "messages"));
    if (!err)
        err = add_activities(t, &who, json_object_get(o, "activities"));
    return err;
}

static int fill(struct hy_suppress_names *names, struct hy_txn *t, hy_lead_no lead, json_t *o)
{
    hy_lead_no parts[HY_LEAD_PARTS_MAX];
    struct hy_erase_names addresses = {.n = 0};
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    json_t *consents = NULL;
    size_t n = 0;
    int err = hy_lead_parts(t, lead, parts, &n);
    if (!err)
        err = add_parts(t, parts, n, json_object_get(o, "parts"));
    if (!err)
        err = hy_consents_json(t, lead, &consents);
    if (!err)
        json_object_set(o, "consents", json_object_get(consents, "consents"));
    json_decref(consents);
    if (!err)
        err = person_mails(t, parts, n, json_object_get(o, "mails"));
    if (!err)
        err = add_activities(t, &who, json_object_get(o, "activities"));
    if (!err)
        err = hy_purchase_each(t, lead, add_order, json_object_get(o, "orders"));
    if (!err)
        err = hy_cart_each(t, lead, add_cart, json_object_get(o, "carts"));
    for (size_t i = 0; i < n && !err; i++) {
        err = add_points(t, parts[i], json_object_get(o, "points"));
        if (!err)
            err = add_segments(t, parts[i], json_object_get(o, "segments"));
    }
    if (!err)
        err = hy_erase_names(t, lead, &addresses);
    for (size_t i = 0; !err && i < addresses.n; i++)
        err = add_address(names, t, hy_str_of(addresses.address[i]), o);
    hy_erase_names_free(&addresses);
    return err;
}

int hy_person_json(struct hy_suppress_names *names, struct hy_txn *t, hy_lead_no lead, json_t **ret)
{
    static const char *const arrays[] = {"parts",      "consents",    "mails", "messages",
                                         "activities", "orders",      "carts", "points",
                                         "segments",   "suppressions"};
    json_t *o = json_object();
    json_object_set_new(o, "exported", person_time_json(hy_clock_wall_ms()));
    json_object_set_new(o, "lead", json_integer(lead));
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        json_object_set_new(o, arrays[i], json_array());
    int err = o ? fill(names, t, lead, o) : HY_ENOMEM;
    if (err)
        json_decref(o);
    else
        *ret = o;
    return err;
}

json_t *hy_erasure_json(const struct hy_erasure *e)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"cancelled", e->cancelled},   {"attempts", e->attempts},
                  {"activities", e->activities}, {"messages", e->messages},
                  {"other_records", e->masked},  {"zeroed_bytes", e->zeroed}};
    json_t *o =
        json_pack("{s:I, s:s, s:o, s:o, s:o}", "lead", (json_int_t)e->lead, "state",
                  e->finished ? "erased" : "erasing", "started", person_time_json(e->started),
                  "finished", person_time_json(e->finished), "by", web_text_json(e->by));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(o, counts[i].name, json_integer((json_int_t)counts[i].n));
    return o;
}
