#include <criterion/criterion.h>
#include <roaring/roaring.h>

#include "fixture.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/list.h"

enum { LEADS = 300, DOMAINS = 7 };

/* A campaign to no list: everybody in `only`, by domain. */
struct bed {
    struct store_dir dir;
    struct hy_env *env;
    struct hy_list_audience whom;
    struct hy_audience audience;
    hy_domain_no domain_of[LEADS + 1];
    enum hy_lead_status status_of[LEADS + 1]; /* as it was told */
    size_t told;
};

static hy_lead_no make(struct hy_txn *t, const char *address, const char *id)
{
    struct hy_diag diag = {""};
    struct hy_lead_edit_result r;
    const struct hy_lead_edit_identity ids[] = {{{HY_IDENTITY_EXTERNAL, hy_str_of(id)}, false}};
    const struct hy_lead_edit e = {.address = hy_str_of(address),
                                   .identities = ids,
                                   .n_identities = id[0] ? 1 : 0,
                                   .by = HY_STR("test")};
    cr_assert_eq(hy_lead_edit(t, &e, &r, &diag), HY_OK, "%s", diag.text);
    return r.lead;
}

static void bed_open(struct bed *b)
{
    struct hy_txn t;
    memset(b, 0, sizeof *b);
    b->dir = store_dir_make();
    b->env = store_open(&b->dir);
    b->whom.only = roaring_bitmap_create();
    cr_assert_eq(hy_txn_write(b->env, &t), HY_OK);
    for (unsigned i = 1; i <= LEADS; i++) {
        char address[40];
        snprintf(address, sizeof address, "p%u@d%u.test", i, i * i % DOMAINS);
        hy_lead_no no = make(&t, address, "");
        cr_assert_eq(no, i);
        roaring_bitmap_add(b->whom.only, no);
    }
    roaring_bitmap_add(b->whom.only, make(&t, "", "crm:1")); /* has no address */
    roaring_bitmap_add(b->whom.only, 100000);                /* is gone */
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_list_set_audience(&b->whom, &b->audience);
}

static void bed_close(struct bed *b)
{
    hy_list_audience_free(&b->whom);
    hy_env_close(b->env);
    store_dir_remove(&b->dir);
}

/* Asks for `max` at a time from a place on, until the end or `enough` were told. */
static int walk(struct bed *b, struct hy_txn *t, struct hy_audience_pos pos, size_t max,
                size_t enough)
{
    struct hy_audience_lead out[64];
    int err = HY_OK;
    while (b->told < enough) {
        hy_domain_no domain = 0;
        size_t n = 0;
        err = b->audience.next(b->audience.ctx, t, pos, &domain, out, max, &n);
        if (err == HY_EMORE)
            continue;
        if (err)
            break;
        cr_assert(n >= 1 && n <= max && domain >= pos.domain);
        for (size_t i = 0; i < n; i++) {
            cr_assert(domain > pos.domain || out[i].lead > pos.lead, "out of order");
            cr_assert_leq(out[i].lead, (hy_lead_no)LEADS);
            cr_assert_eq(b->domain_of[out[i].lead], 0, "lead %u twice", out[i].lead);
            b->domain_of[out[i].lead] = domain;
            b->status_of[out[i].lead] = out[i].status;
            pos = (struct hy_audience_pos){domain, out[i].lead};
            b->told++;
        }
    }
    return err;
}

Test(member_walk, goes_by_domain_and_finds_each_with_an_address_once)
{
    static const size_t steps[] = {1, 3, 64};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        struct bed b;
        struct hy_txn t;
        bed_open(&b);
        cr_assert_eq(hy_txn_write(b.env, &t), HY_OK);
        cr_expect_eq(walk(&b, &t, (struct hy_audience_pos){0, 0}, steps[k], SIZE_MAX),
                     HY_ENOTFOUND);
        cr_expect_eq(b.told, (size_t)LEADS);
        hy_txn_end(&t);
        bed_close(&b);
    }
}

Test(member_walk, goes_on_from_any_place_after_a_restart)
{
    struct bed b;
    struct hy_txn t;
    struct hy_audience_pos pos = {0, 0};
    bed_open(&b);
    cr_assert_eq(hy_txn_write(b.env, &t), HY_OK);
    cr_expect_eq(walk(&b, &t, pos, 1, LEADS / 2), HY_OK);
    for (hy_lead_no i = 1; i <= LEADS; i++)
        if (b.domain_of[i] > pos.domain || (b.domain_of[i] == pos.domain && i > pos.lead))
            pos = (struct hy_audience_pos){b.domain_of[i], i};
    roaring_bitmap_t *again = roaring_bitmap_copy(b.whom.only); /* what a new process has */
    hy_list_audience_free(&b.whom);
    b.whom.only = again;
    cr_expect_eq(walk(&b, &t, pos, 64, SIZE_MAX), HY_ENOTFOUND);
    cr_expect_eq(b.told, (size_t)LEADS);
    hy_txn_end(&t);
    bed_close(&b);
}

Test(member_walk, passes_over_who_went_or_moved_since_and_tells_who_wants_no_mail)
{
    struct bed b;
    struct hy_txn t;
    struct hy_diag diag = {""};
    struct hy_lead_edit_result r;
    bed_open(&b);
    cr_assert_eq(hy_txn_write(b.env, &t), HY_OK);
    cr_assert_eq(walk(&b, &t, (struct hy_audience_pos){0, 0}, 1, 1),
                 HY_OK); /* all are sorted now */
    hy_lead_no first = 1;
    while (!b.domain_of[first])
        first++;
    hy_lead_no gone = 290, left = 291, moved = 292, list_left = 293, out = 294;
    const struct hy_lead_edit e = {
        .lead = moved, .address = HY_STR("new@elsewhere.test"), .by = HY_STR("test")};
    cr_assert_eq(hy_lead_delete(&t, gone), HY_OK);
    cr_assert_eq(hy_lead_set_status(&t, left, HY_LEAD_UNSUBSCRIBED), HY_OK);
    cr_assert_eq(hy_lead_edit(&t, &e, &r, &diag), HY_OK, "%s", diag.text);
    struct hy_suppress_entry s = {
        .key = {.scope = HY_SUPPRESS_LIST, .no = 7, .reason = HY_SUPPRESS_UNSUBSCRIBE}};
    char address[40];
    snprintf(address, sizeof address, "p%u@d%u.test", list_left, list_left * list_left % DOMAINS);
    s.what = hy_str_of(address);
    cr_assert_eq(hy_suppress_put(&t, &s, NULL), HY_OK);
    b.whom.except = roaring_bitmap_create();
    roaring_bitmap_add(b.whom.except, out);
    cr_expect_eq(walk(&b, &t, (struct hy_audience_pos){b.domain_of[first], first}, 64, SIZE_MAX),
                 HY_ENOTFOUND);
    cr_expect_eq(b.told, (size_t)LEADS - 3);
    cr_expect_eq(b.domain_of[gone], 0);
    cr_expect_eq(b.domain_of[moved], 0);
    cr_expect_eq(b.domain_of[out], 0);
    cr_expect_eq(b.status_of[left], HY_LEAD_UNSUBSCRIBED);
    cr_expect_eq(b.status_of[list_left], HY_LEAD_UNSUBSCRIBED,
                 "who left any list gets nothing that goes to no list");
    cr_expect_eq(b.status_of[295], HY_LEAD_ACTIVE);
    hy_txn_end(&t);
    bed_close(&b);
}

Test(member_walk, of_nobody_ends_at_once)
{
    struct bed b;
    struct hy_txn t;
    struct hy_audience_lead out[1];
    hy_domain_no domain;
    size_t n;
    bed_open(&b);
    roaring_bitmap_clear(b.whom.only);
    cr_assert_eq(hy_txn_write(b.env, &t), HY_OK);
    cr_expect_eq(
        b.audience.next(b.audience.ctx, &t, (struct hy_audience_pos){0, 0}, &domain, out, 1, &n),
        HY_ENOTFOUND);
    hy_list_audience_free(&b.whom); /* neither lists nor a segment */
    cr_expect_eq(
        b.audience.next(b.audience.ctx, &t, (struct hy_audience_pos){0, 0}, &domain, out, 1, &n),
        HY_ENOTFOUND);
    hy_txn_end(&t);
    bed_close(&b);
}
