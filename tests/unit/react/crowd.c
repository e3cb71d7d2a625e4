#include "crowd.h"

#include <criterion/criterion.h>
#include <roaring/roaring.h>
#include <stdio.h>

#include "hayauma/store/lead_change.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/list.h"

#define DAY ((hy_wall_ms)86400000)

static const struct hy_facts_options options = {.plan = &crowd_plan};
static const char *const countries[] = {"JP", "FR", "DE", "US"};
static const char *const tags[] = {"vip", "trial", "lost", "new"};
static const char *const forms[] = {"contact", "download", "seminar"};

static unsigned below(struct hy_rng *r, unsigned n)
{
    return (unsigned)hy_rng_below(r, n);
}

void crowd_open(struct crowd *c, const char *dir, uint64_t seed)
{
    const struct hy_env_options o = {.data_dir = dir, .node = 7, .map_bytes = (uint64_t)16 << 30};
    struct hy_diag diag = {0};
    cr_assert_eq(hy_env_open(&o, &c->env, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_segments_new(&options, &c->meter, &c->segments), 0);
    cr_assert_eq(hy_scorer_new(&(struct hy_scorer_options){.plan = &crowd_plan}, &c->scorer), 0);
    hy_rng_seed(&c->rng, seed);
}

void crowd_close(struct crowd *c)
{
    hy_segments_free(c->segments);
    hy_scorer_free(c->scorer);
    hy_env_close(c->env);
}

static void begin(struct crowd *c, struct hy_txn *t)
{
    cr_assert_eq(hy_txn_write(c->env, t), 0);
    t->now = c->now;
}

/* ---- words ---- */

static int shop_leaf(struct hy_rng *r, const char *time, char *out, size_t n)
{
    static const char *const numbers[] = {
        "cart.value >= 5000", "cart.value < 3000", "cart.pieces > 2",       "cart.opened is set",
        "orders.count = 0",   "orders.count >= 2", "orders.total >= 20000", "orders.total != 0"};
    static const char *const moments[] = {"cart.changed", "cart.opened", "orders.last",
                                          "orders.first"};
    if (below(r, 2))
        return snprintf(out, n, "%s", numbers[below(r, 8)]);
    return snprintf(out, n, "%s %s %s", moments[below(r, 4)], below(r, 2) ? "within" : "older than",
                    time);
}

static int leaf(struct hy_rng *r, unsigned segments, char *out, size_t n)
{
    static const char *const times[] = {"90s", "10m", "3h", "2d", "9d"};
    static const char *const counts[] = {"", " >= 2", " = 0", " < 3", " = 1", " > 2", " != 1"};
    static const char *const verbs[] = {"clicked", "visited", "submitted", "ordered", "did"};
    const char *time = times[below(r, 5)];
    char within[40] = "";
    if (below(r, 4))
        snprintf(within, sizeof within, "within %s", time);
    switch (below(r, 17)) {
    case 12:
        return snprintf(out, n, "score %s %u", below(r, 2) ? ">=" : "<", 1 + below(r, 12));
    case 13:
    case 14:
        return crowd_company_leaf(r, time, out, n);
    case 11:
        return shop_leaf(r, time, out, n);
    case 0:
        return snprintf(out, n, "country = \"%s\"", countries[below(r, 4)]);
    case 1:
        return snprintf(out, n, "country != \"%s\"", countries[below(r, 4)]);
    case 2:
        return snprintf(out, n, "age %s %u", below(r, 2) ? ">=" : "<", 20 + below(r, 60));
    case 3:
        return snprintf(out, n, "seen %s %s", below(r, 2) ? "within" : "older than", time);
    case 4:
        return snprintf(out, n, "created within %s", time);
    case 5:
        return snprintf(out, n, "tag(\"%s\")", tags[below(r, 4)]);
    case 6:
        return snprintf(out, n, "list(\"news\")");
    case 7:
        if (segments)
            return snprintf(out, n, "segment(\"s%u\")", below(r, segments));
        return snprintf(out, n, "age is set");
    case 8:
        return snprintf(out, n, "submitted(form: \"%s\"%s%s)%s", forms[below(r, 3)],
                        within[0] ? ", " : "", within, counts[below(r, 7)]);
    default:
        return snprintf(out, n, "%s(%s)%s", verbs[below(r, 5)], within, counts[below(r, 7)]);
    }
}

static size_t words(struct hy_rng *r, unsigned segments, unsigned depth, char *out, size_t n)
{
    size_t len = 0;
    unsigned items = 2 + below(r, 2);
    const char *joint = below(r, 2) ? " and " : " or ";
    if (depth == 0 || below(r, 3) == 0)
        return (size_t)leaf(r, segments, out, n);
    len += (size_t)snprintf(out, n, "%s(", below(r, 4) ? "" : "not ");
    for (unsigned i = 0; i < items; i++) {
        len += (size_t)snprintf(out + len, n - len, "%s", i ? joint : "");
        len += words(r, segments, depth - 1, out + len, n - len);
    }
    return len + (size_t)snprintf(out + len, n - len, ")");
}

void crowd_words(struct hy_rng *r, unsigned segments, char *out, size_t n)
{
    words(r, segments, 2, out, n);
}

int crowd_edit(struct crowd *c, const char *name, const char *text, struct hy_diag *diag)
{
    const struct hy_segment_edit e = {.name = hy_str_of(name),
                                      .text = hy_str_of(text),
                                      .is_either = true,
                                      .announces = -1,
                                      .who = HY_STR("test")};
    hy_segment_no no;
    struct hy_txn t;
    begin(c, &t);
    int err = hy_segment_edit(&t, &e, &no, diag);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

/* ---- what leads do ---- */

static void edit_lead(struct crowd *c, struct hy_txn *t, hy_lead_no lead)
{
    char age[8], seen[32], address[32], firm[16];
    struct hy_lead_edit_result r;
    struct hy_diag diag = {0};
    struct hy_lead_edit_attr attrs[4];
    size_t n = 0;
    if (below(&c->rng, 3) == 0)
        attrs[n++] =
            (struct hy_lead_edit_attr){HY_STR("company"), hy_str_of(crowd_firm(&c->rng, firm))};
    snprintf(address, sizeof address, "p%u@d%u.test", lead, lead % 7);
    if (below(&c->rng, 2))
        attrs[n++] = (struct hy_lead_edit_attr){
            HY_STR("country"),
            below(&c->rng, 5) ? hy_str_of(countries[below(&c->rng, 4)]) : HY_STR("")};
    if (below(&c->rng, 2)) {
        snprintf(age, sizeof age, "%u", 10 + below(&c->rng, 80));
        attrs[n++] = (struct hy_lead_edit_attr){HY_STR("age"), hy_str_of(age)};
    }
    if (below(&c->rng, 2)) {
        hy_wall_format(c->now + (hy_wall_ms)hy_rng_below(&c->rng, (uint64_t)(6 * DAY)) - 4 * DAY,
                       seen);
        if (below(&c->rng, 2))
            seen[10] = 0;
        attrs[n++] = (struct hy_lead_edit_attr){HY_STR("seen"), hy_str_of(seen)};
    }
    struct hy_lead_edit_label label = {.kind = HY_LABEL_TAG,
                                       .is_removed = below(&c->rng, 2),
                                       .name = hy_str_of(tags[below(&c->rng, 4)])};
    struct hy_lead_edit_list list = {
        .name = HY_STR("news"), .is_left = below(&c->rng, 2), .is_confirmed = true};
    struct hy_lead_edit e = {.address = hy_str_of(address),
                             .attrs = attrs,
                             .n_attrs = n,
                             .labels = &label,
                             .n_labels = below(&c->rng, 2),
                             .lists = &list,
                             .n_lists = below(&c->rng, 2),
                             .by = HY_STR("test")};
    cr_assert_eq(hy_lead_edit(t, &e, &r, &diag), 0, "%s", diag.text);
    if (r.what)
        cr_assert_eq(hy_segments_lead(t, c->segments, r.lead, r.what, false), 0);
    c->changes++;
}

static void note(struct crowd *c, struct hy_txn *t, const struct hy_activity *a, int sign)
{
    bool is_changed = false;
    cr_assert_eq(hy_scorer_note(c->scorer, t, a, sign, &is_changed), 0);
    cr_assert_eq(hy_segments_note(t, c->segments, a, is_changed), 0);
}

static void act(struct crowd *c, struct hy_txn *t, hy_lead_no lead)
{
    static const enum hy_activity_kind kinds[] = {HY_ACTIVITY_CLICK,     HY_ACTIVITY_CLICK,
                                                  HY_ACTIVITY_PAGE_VIEW, HY_ACTIVITY_FORM_POST,
                                                  HY_ACTIVITY_ORDER,     HY_ACTIVITY_CUSTOM};
    struct hy_activity a = {.kind = kinds[below(&c->rng, 6)],
                            .lead = lead,
                            .text = hy_str_of(forms[below(&c->rng, 3)])};
    if (below(&c->rng, 10) == 0) /* told late, or of what lies ahead */
        a.at = c->now - (hy_wall_ms)hy_rng_below(&c->rng, (uint64_t)(5 * DAY)) + DAY;
    if (a.kind == HY_ACTIVITY_CLICK && below(&c->rng, 2))
        a.flags = HY_ACTIVITY_COUNTED;
    cr_assert_eq(hy_activity_put(t, &a), 0);
    c->activities++;
    bool counts = a.kind != HY_ACTIVITY_CLICK || a.flags;
    if (counts)
        note(c, t, &a, 1);
}

/* Whoever lost a cart or an order to another is told of in the log. */
void crowd_follow_changes(struct crowd *c, struct hy_txn *t, hy_id after)
{
    hy_lead_no leads[HY_LEAD_CHANGE_MAX];
    struct hy_lead_change change;
    int err;
    for (; (err = hy_lead_change_next(t, after, &change, NULL)) == 0; after = change.id) {
        hy_lead_change_leads(&change, leads);
        for (uint32_t i = 0; i < change.n; i++)
            cr_assert_eq(hy_segments_lead(t, c->segments, leads[i], change.what, false), 0);
    }
    cr_assert_eq(err, HY_ENOTFOUND);
}

/* Something about a cart or an order, at times somebody else's; or what is known of one changes. */
static void shop(struct crowd *c, struct hy_txn *t, hy_lead_no lead)
{
    static const char *const states[] = {"placed", "placed", "cancelled", "refunded"};
    char meta[200];
    hy_id newest = 0;
    unsigned cart = below(&c->rng, 12) ? lead : 1 + below(&c->rng, c->leads);
    struct hy_activity a = {.kind = below(&c->rng, 3) ? HY_ACTIVITY_CART : HY_ACTIVITY_ORDER,
                            .lead = lead,
                            .meta = hy_str_of(meta)};
    if (a.kind == HY_ACTIVITY_CART)
        snprintf(meta, sizeof meta,
                 "{\"cart\":\"c%u\",\"amount\":%u,\"status\":\"%s\",\"items\":[{\"product\":\"A\","
                 "\"quantity\":%u}]}",
                 cart, below(&c->rng, 10000), below(&c->rng, 5) ? "open" : "emptied",
                 1 + below(&c->rng, 4));
    else
        snprintf(meta, sizeof meta, "{\"order\":\"o%u-%u\",\"amount\":%u,\"status\":\"%s\"%s%u%s}",
                 lead, below(&c->rng, 4), below(&c->rng, 20000), states[below(&c->rng, 4)],
                 below(&c->rng, 2) ? ",\"cart\":\"c" : ",\"note\":\"", cart, "\"");
    if (below(&c->rng, 10) == 0)
        a.at = c->now - (hy_wall_ms)hy_rng_below(&c->rng, (uint64_t)(2 * DAY));
    a.meta = hy_str_of(meta);
    cr_assert_eq(hy_lead_change_newest(t, &newest), 0);
    cr_assert_eq(hy_activity_put(t, &a), 0);
    cr_assert_eq(hy_segments_note(t, c->segments, &a, false), 0);
    crowd_follow_changes(c, t, newest);
    c->activities++;
}

/* The verdict on a click of the lead is another one. */
static void judge(struct crowd *c, struct hy_txn *t, hy_lead_no lead)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    struct hy_activity a;
    if (hy_activity_prev_of(t, &who, 0, &a) != 0 || a.kind != HY_ACTIVITY_CLICK)
        return;
    uint8_t flags = a.flags & HY_ACTIVITY_COUNTED ? HY_ACTIVITY_MACHINE : HY_ACTIVITY_COUNTED;
    struct hy_activity now = {.id = a.id, .kind = a.kind, .at = a.at, .lead = lead, .flags = flags};
    cr_assert_eq(hy_activity_judge(t, a.id, flags, 0), 0);
    note(c, t, &now, flags & HY_ACTIVITY_COUNTED ? 1 : -1);
}

static void take_away(struct crowd *c, struct hy_txn *t, hy_lead_no lead)
{
    int err = hy_lead_delete(t, lead);
    cr_assert(err == 0 || err == HY_ENOTFOUND);
    if (err)
        return;
    cr_assert_eq(hy_scorer_lead(c->scorer, t, lead, HY_LEAD_ERASED, NULL), 0);
    cr_assert_eq(hy_segments_lead(t, c->segments, lead, HY_LEAD_ERASED, false), 0);
}

static void do_something(struct crowd *c, struct hy_txn *t)
{
    hy_lead_no lead = 1 + below(&c->rng, c->leads);
    unsigned what = below(&c->rng, 1000);
    struct hy_str address;
    hy_domain_no domain;
    bool is_there = hy_lead_address(t, lead, &address, &domain) == 0;
    if (what == 0 && lead > 2) /* the first two are looked at by other tests */
        take_away(c, t, lead);
    else if (what < 100 && is_there)
        edit_lead(c, t, lead);
    else if (what < 150)
        judge(c, t, lead);
    else if (what < 350)
        shop(c, t, lead);
    else if (what < 355)
        crowd_companies_change(c, t);
    else if (what < 360)
        crowd_companies_work(c, t);
    else
        act(c, t, lead);
}

static void look_due(struct crowd *c, struct hy_txn *t, unsigned max, bool *ret_more)
{
    cr_assert_eq(hy_segments_due(t, c->segments, c->now, max, NULL, ret_more), 0);
}

void crowd_live(struct crowd *c, uint64_t n)
{
    bool more;
    for (uint64_t done = 0; done < n; done += 20) {
        struct hy_txn t;
        c->now += (hy_wall_ms)hy_rng_below(&c->rng, below(&c->rng, 50) ? 20000 : 3 * 3600 * 1000);
        begin(c, &t);
        for (int i = 0; i < 20; i++)
            do_something(c, &t);
        if (below(&c->rng, 2)) /* otherwise it goes with what is due */
            cr_assert_eq(hy_segments_look(&t, c->segments, NULL), 0);
        look_due(c, &t, 50, &more);
        if (c->fault > 0 && hy_rng_below(&c->rng, 1000) < (uint64_t)(c->fault * 1000))
            hy_txn_end(&t);
        else
            cr_assert_eq(hy_txn_commit(&t), 0);
    }
}

/* ---- building and comparing ---- */

/* Snapshot, life, and only then what was found is stored: what happened meanwhile must not be lost.
 */
static void build(struct crowd *c, const struct hy_segment *s)
{
    struct hy_segment_building b = {.no = s->no, .version = s->version, .at = c->now};
    struct hy_segment_search o = {.facts = options, .now = c->now, .wants_due = true};
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    struct hy_diag diag = {0};
    const struct hy_segment_node *tree;
    struct hy_txn t;
    int err;
    cr_assert_eq(hy_segment_parse(s->text, &arena, &diag, &tree), 0, "%s", diag.text);
    cr_assert_eq(hy_txn_read(c->env, &t), 0);
    cr_assert_eq(hy_segment_find_all(&t, tree, &o, &b.found, &diag), 0, "%s", diag.text);
    hy_txn_end(&t);
    if (c->leads)
        crowd_live(c, 200);
    do {
        begin(c, &t);
        t.yield_at = t.yield_by = 1;
        err = hy_segment_build_store(&t, c->segments, &b);
        cr_assert(err == 0 || err == HY_EMORE);
        cr_assert_eq(hy_txn_commit(&t), 0);
        if (err == HY_EMORE && c->leads)
            crowd_live(c, 20);
    } while (err == HY_EMORE);
    hy_segment_found_free(&b.found);
    hy_arena_free(&arena);
}

/* In the order of their making, which is that of their naming each other. */
static bool build_one(struct crowd *c)
{
    struct hy_segment s = {0};
    char text[HY_SEGMENTS_TEXT_MAX + 1];
    struct hy_txn t;
    int err;
    cr_assert_eq(hy_txn_read(c->env, &t), 0);
    while ((err = hy_segment_next(&t, s.no, &s)) == 0 && s.state != HY_SEGMENT_BUILDING)
        ;
    if (err == 0) {
        snprintf(text, sizeof text, "%.*s", HY_STR_ARG(s.text));
        s.text = hy_str_of(text);
    }
    hy_txn_end(&t);
    if (err == 0)
        build(c, &s);
    return err == 0;
}

void crowd_settle(struct crowd *c)
{
    bool more = true;
    while (build_one(c))
        ;
    c->now += 1000 - c->now % 1000; /* what is due is kept to the second */
    while (more) {
        struct hy_txn t;
        begin(c, &t);
        crowd_companies_work(c, &t);
        look_due(c, &t, 1000, &more);
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
}

static void compare_one(struct crowd *c, struct hy_txn *t, const struct hy_segment *s,
                        struct hy_facts *facts)
{
    struct hy_segment_search o = {.facts = options, .now = c->now};
    struct hy_arena arena = HY_ARENA_INIT(HY_SEGMENT_TREE_MAX);
    struct hy_diag diag = {0};
    const struct hy_segment_node *tree;
    struct hy_segment_found anew = {0};
    roaring_bitmap_t *kept = NULL;
    uint64_t count = 0;
    cr_assert_eq(s->state, HY_SEGMENT_READY);
    cr_assert_eq(hy_segment_parse(s->text, &arena, &diag, &tree), 0, "%s", diag.text);
    cr_assert_eq(hy_segment_find_all(t, tree, &o, &anew, &diag), 0, "%s", diag.text);
    cr_assert_eq(hy_lead_set_load(t, hy_segment_set_of(s->no), &kept), 0);
    cr_assert_eq(hy_lead_set_count(t, hy_segment_set_of(s->no), &count), 0);
    cr_expect_eq(count, roaring_bitmap_get_cardinality(kept), "the count of %.*s",
                 HY_STR_ARG(s->name));
    for (hy_lead_no i = 1; i <= c->leads; i++) {
        int err = hy_facts_of(facts, t, i, c->now);
        bool is_true = err == 0 && hy_segment_is_true(tree, hy_facts_ask(facts));
        bool is_kept = roaring_bitmap_contains(kept, i);
        bool is_found = roaring_bitmap_contains(anew.leads, i);
        cr_assert(is_true == is_kept && is_true == is_found,
                  "lead %u in %.*s: is %d, kept %d, found anew %d: %.*s", i, HY_STR_ARG(s->name),
                  is_true, is_kept, is_found, HY_STR_ARG(s->text));
    }
    roaring_bitmap_free(kept);
    hy_segment_found_free(&anew);
    hy_arena_free(&arena);
}

void crowd_compare(struct crowd *c)
{
    struct hy_segment s = {0};
    struct hy_facts *facts;
    struct hy_txn t;
    cr_assert_eq(hy_facts_new(&options, &facts), 0);
    cr_assert_eq(hy_txn_read(c->env, &t), 0);
    while (hy_segment_next(&t, s.no, &s) == 0)
        compare_one(c, &t, &s, facts);
    hy_txn_end(&t);
    hy_facts_free(facts);
}

void crowd_make(struct crowd *c, hy_lead_no leads, unsigned n)
{
    struct hy_txn t;
    hy_list_no list;
    c->leads = leads;
    c->now = hy_clock_wall_ms();
    begin(c, &t);
    cr_assert_eq(hy_list_create(&t, HY_STR("news"), 1, &list), 0);
    for (hy_lead_no i = 1; i <= leads; i++)
        edit_lead(c, &t, i);
    cr_assert_eq(hy_txn_commit(&t), 0);
    for (unsigned i = 0; i < n; i++) {
        char name[16], text[4096];
        struct hy_diag diag = {0};
        snprintf(name, sizeof name, "s%u", i);
        crowd_words(&c->rng, i, text, sizeof text);
        cr_assert_eq(crowd_edit(c, name, text, &diag), 0, "%s: %s", text, diag.text);
    }
    crowd_settle(c);
}
