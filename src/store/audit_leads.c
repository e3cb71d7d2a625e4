/* The audit's part on people: their labels against the sets, their ids both ways, who waits to be
 * confirmed. */
#include <inttypes.h>

#include "audit_priv.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/label.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/list.h"
#include "lead_priv.h"
#include "opt_in_priv.h"

enum { LABEL_KEY = 9, PAIR_KEY = OPT_IN_PAIR_KEY, EXPIRY_KEY = OPT_IN_EXPIRY_KEY, AT_ONCE = 512 };

static bool is_lead(struct audit *a, hy_lead_no lead)
{
    struct lead_record r;
    return hy_lead_record_get(&a->t, lead, &r) == 0;
}

static int walk(struct audit *a, enum hy_table table, struct hy_str prefix,
                void (*check)(struct audit *a, const struct hy_cursor *c))
{
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, table, &c);
    if (!err)
        err = prefix.n ? hy_cursor_prefix_first(&c, prefix) : hy_cursor_first(&c);
    while (!err) {
        check(a, &c);
        err = prefix.n ? hy_cursor_prefix_next(&c, prefix) : hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? a->t.err : err;
}

/* ---- tags and groups ---- */

static const char *label_kind(uint8_t kind)
{
    return kind == HY_LABEL_TAG ? "tag" : "group";
}

static void check_label(struct audit *a, const struct hy_cursor *c)
{
    bool has = false;
    if (c->key.n != LABEL_KEY || c->key.p[4] < HY_LABEL_TAG || c->key.p[4] > HY_LABEL_GROUP) {
        hy_audit_problem(a, "the tags and groups of leads have an entry that cannot be read");
        return;
    }
    const uint8_t kind = (uint8_t)c->key.p[4];
    const hy_lead_no lead = hy_get_be32(c->key.p);
    const uint32_t no = hy_get_be32(c->key.p + 5);
    const struct hy_lead_set s = {
        .kind = kind == HY_LABEL_TAG ? HY_LEAD_SET_TAG : HY_LEAD_SET_GROUP, .no = no};
    struct hy_str name;
    if (!is_lead(a, lead))
        hy_audit_problem(a, "lead %" PRIu32 ", which is not there, has a %s", lead,
                         label_kind(kind));
    if (hy_label_name(&a->t, (enum hy_label_kind)kind, no, &name) != 0)
        hy_audit_problem(a, "lead %" PRIu32 " has %s %" PRIu32 ", which is not there", lead,
                         label_kind(kind), no);
    if (hy_lead_set_has(&a->t, s, lead, &has) != 0 || !has)
        hy_audit_problem(a, "lead %" PRIu32 " has %s %" PRIu32 ", whose members lack it", lead,
                         label_kind(kind), no);
}

/* That each has the label is looked up: so what is counted twice is found, too. */
static int check_members(struct audit *a, struct hy_lead_set s, uint8_t kind)
{
    hy_lead_no leads[AT_ONCE], after = 0;
    size_t n = AT_ONCE;
    uint64_t sum = 0, count = 0;
    while (n == AT_ONCE) {
        int err = hy_lead_set_next(&a->t, s, after, leads, AT_ONCE, &n);
        if (err)
            return err;
        for (size_t i = 0; i < n; i++) {
            uint8_t key[LABEL_KEY];
            struct hy_str value;
            hy_put_be32(key, leads[i]);
            key[4] = kind;
            hy_put_be32(key + 5, (uint32_t)s.no);
            if (hy_get(&a->t, HY_TABLE_LEAD_LABELS, hy_str_make(key, sizeof key), &value) != 0)
                hy_audit_problem(a, "%s %" PRIu64 " has member %" PRIu32 ", which lacks it",
                                 label_kind(kind), s.no, leads[i]);
        }
        sum += n;
        after = n ? leads[n - 1] : after;
    }
    if (hy_lead_set_count(&a->t, s, &count) != 0 || count != sum)
        hy_audit_problem(a, "%s %" PRIu64 " counts %" PRIu64 " members, there are %" PRIu64,
                         label_kind(kind), s.no, count, sum);
    return 0;
}

static int check_sets(struct audit *a)
{
    struct hy_lead_set s = {0};
    int err;
    while ((err = hy_lead_set_following(&a->t, s, &s)) == 0 && s.kind <= HY_LEAD_SET_GROUP) {
        err = check_members(a, s, s.kind == HY_LEAD_SET_TAG ? HY_LABEL_TAG : HY_LABEL_GROUP);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- ids ---- */

/* What a lead has leads back to it. */
static void check_of_lead(struct audit *a, const struct hy_cursor *c)
{
    hy_lead_no lead = c->key.n > 6 ? hy_get_be32(c->key.p + 1) : 0, found = 0;
    if (!lead) {
        hy_audit_problem(a, "the ids of leads have an entry that cannot be read");
        return;
    }
    const struct hy_identity i = {(enum hy_identity_kind)c->key.p[5],
                                  hy_str_slice(c->key, 6, c->key.n)};
    if (!is_lead(a, lead))
        hy_audit_problem(a, "lead %" PRIu32 ", which is not there, has an id (%s)", lead,
                         hy_identity_kind_name(i.kind));
    if (hy_identity_find(&a->t, &i, &found) != 0)
        hy_audit_problem(a, "lead %" PRIu32 " has an id (%s) by which nobody is found", lead,
                         hy_identity_kind_name(i.kind));
    else if (found != lead)
        hy_audit_problem(a, "lead %" PRIu32 " has an id (%s) by which lead %" PRIu32 " is found",
                         lead, hy_identity_kind_name(i.kind), found);
}

struct wanted {
    struct hy_identity i;
    bool is_there;
};

static int is_it(void *ctx, const struct hy_identity *i)
{
    struct wanted *w = ctx;
    char key[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    if (i->kind != w->i.kind)
        return 0;
    w->is_there = i->kind == HY_IDENTITY_ADDRESS ? hy_address_wire_key(i->value, key, &n) == 0 &&
                                                       hy_str_eq(hy_str_make(key, n), w->i.value)
                                                 : hy_str_eq(i->value, w->i.value);
    return w->is_there;
}

/* What leads to a lead is one of its ids. */
static void check_identity(struct audit *a, const struct hy_cursor *c)
{
    uint32_t lead = 0;
    if (c->key.n < 3 || hy_name_number(c->value, &lead) != 0) {
        hy_audit_problem(a, "the ids have an entry that cannot be read");
        return;
    }
    struct wanted w = {
        .i = {(enum hy_identity_kind)c->key.p[1], hy_str_slice(c->key, 2, c->key.n)}};
    if (hy_identity_each(&a->t, lead, is_it, &w) < 0 || !w.is_there)
        hy_audit_problem(a, "an id (%s) leads to lead %" PRIu32 ", which does not have it",
                         hy_identity_kind_name(w.i.kind), lead);
}

/* ---- who waits ---- */

static void check_request(struct audit *a, const struct hy_cursor *c)
{
    struct hy_list_view l;
    struct hy_opt_in o;
    if (hy_opt_in_read(c->key, c->value, &o) != 0) {
        hy_audit_problem(a, "who waits to join lists: an entry cannot be read");
        return;
    }
    uint8_t key[EXPIRY_KEY];
    struct hy_str value;
    if (!is_lead(a, o.lead) || hy_list_read(&a->t, o.list, &l) != 0)
        hy_audit_problem(a, "lead %" PRIu32 " waits to join list %" PRIu32 ": one is not there",
                         o.lead, o.list);
    if (hy_get(&a->t, HY_TABLE_LIST_PENDING, hy_opt_in_expiry_key(&o, key), &value) != 0)
        hy_audit_problem(a, "lead %" PRIu32 " waits to join list %" PRIu32 " and never stops",
                         o.lead, o.list);
}

static void check_mail(struct audit *a, const struct hy_cursor *c)
{
    struct hy_opt_in o;
    if (c->key.n != PAIR_KEY ||
        hy_opt_in_get(&a->t, hy_get_be32(c->key.p + 1), hy_get_be32(c->key.p + 5), &o) != 0)
        hy_audit_problem(a, "a mail is to be written to somebody who does not wait to join a list");
}

static void check_expiry(struct audit *a, const struct hy_cursor *c)
{
    uint8_t key[PAIR_KEY] = {'p'}, again[EXPIRY_KEY];
    struct hy_opt_in o;
    struct hy_str value, k = hy_str_make(key, sizeof key);
    if (c->key.n == EXPIRY_KEY)
        memcpy(key + 1, c->key.p + 5, PAIR_KEY - 1);
    if (c->key.n != EXPIRY_KEY || hy_get(&a->t, HY_TABLE_LIST_PENDING, k, &value) != 0 ||
        hy_opt_in_read(k, value, &o) != 0 || !hy_str_eq(c->key, hy_opt_in_expiry_key(&o, again)))
        hy_audit_problem(a, "somebody stops to wait to join a list who does not wait until then");
}

int hy_audit_leads(struct audit *a)
{
    int err = walk(a, HY_TABLE_LEAD_LABELS, HY_STR(""), check_label);
    if (!err)
        err = check_sets(a);
    if (!err)
        err = walk(a, HY_TABLE_IDENTITIES, HY_STR("l"), check_of_lead);
    if (!err)
        err = walk(a, HY_TABLE_IDENTITIES, HY_STR("i"), check_identity);
    if (!err)
        err = walk(a, HY_TABLE_LIST_PENDING, HY_STR("p"), check_request);
    if (!err)
        err = walk(a, HY_TABLE_LIST_PENDING, HY_STR("m"), check_mail);
    return err ? err : walk(a, HY_TABLE_LIST_PENDING, HY_STR("x"), check_expiry);
}
