#include <criterion/criterion.h>

#include "case.h"
#include "env_priv.h"
#include "hayauma/base/bytes.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead_edit.h"
#include "spools.h"

TestSuite(identity, .init = case_open, .fini = case_close);

Test(identity, is_compared_in_one_form)
{
    static const struct {
        enum hy_identity_kind kind;
        const char *in, *want; /* NULL: refused */
    } cases[] = {
        {HY_IDENTITY_ADDRESS, "Taro <Taro@Example.JP>", "Taro@example.jp"},
        {HY_IDENTITY_ADDRESS, "taro", NULL},
        {HY_IDENTITY_EXTERNAL, "CRM:A-1 7", "crm:A-1 7"},
        {HY_IDENTITY_EXTERNAL, "crm:a:b", "crm:a:b"},
        {HY_IDENTITY_EXTERNAL, "crm:", NULL},
        {HY_IDENTITY_EXTERNAL, ":7", NULL},
        {HY_IDENTITY_EXTERNAL, "7", NULL},
        {HY_IDENTITY_EXTERNAL, "c r m:7", NULL},
        {HY_IDENTITY_EXTERNAL, "crm:7\n8", NULL},
        {HY_IDENTITY_EXTERNAL, "crm:\xff", NULL},
        {HY_IDENTITY_LINE, "U0123456789abcdef0123456789abcdef",
         "U0123456789abcdef0123456789abcdef"},
        {HY_IDENTITY_LINE, "", NULL},
        {HY_IDENTITY_LINE, "U 1", NULL},
        {HY_IDENTITY_PHONE, "090-1234-5678", "09012345678"},
        {HY_IDENTITY_PHONE, "+81 (90) 1234.5678", "+819012345678"},
        {HY_IDENTITY_PHONE, "０９０－１２３４－５６７８", "09012345678"},
        {HY_IDENTITY_PHONE, "0901+2345678", NULL},
        {HY_IDENTITY_PHONE, "call me", NULL},
        {HY_IDENTITY_PHONE, "123", NULL},
        {HY_IDENTITY_VISITOR, "not one", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[HY_IDENTITY_MAX];
        struct hy_str got = {0};
        struct hy_diag diag = {0};
        int err = hy_identity_read(cases[i].kind, hy_str_of(cases[i].in), room, &got, &diag);
        cr_expect_eq(err, cases[i].want ? HY_OK : HY_EPARSE, "%s", cases[i].in);
        cr_expect_eq(diag.text[0] == 0, err == HY_OK, "%s", cases[i].in);
        cr_expect(!cases[i].want || hy_str_eq(got, hy_str_of(cases[i].want)), "got %.*s, want %s",
                  HY_STR_ARG(got), cases[i].want);
    }
}

static int join(void *ctx, const struct hy_identity *i)
{
    char text[HY_IDENTITY_TEXT_MAX];
    strcat(strcat(ctx, hy_identity_text(i, text)), ";");
    return 0;
}

static const char *all_of(struct hy_txn *t, hy_lead_no lead, char out[512])
{
    out[0] = 0;
    cr_assert_eq(hy_identity_each(t, lead, join, out), HY_OK);
    return out;
}

Test(identity, belongs_to_one_lead_and_can_be_moved_and_taken_away)
{
    const struct hy_identity crm = {HY_IDENTITY_EXTERNAL, HY_STR("crm:7")},
                             mail = {HY_IDENTITY_ADDRESS, HY_STR("Old@x.test")},
                             same = {HY_IDENTITY_ADDRESS, HY_STR("old@x.test")},
                             web = {HY_IDENTITY_VISITOR, HY_STR("\0\0\0\0\0\0\0\7")};
    struct hy_txn t;
    hy_lead_no no = 0;
    char text[512];
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(hy_identity_put(&t, &crm, 5), HY_OK);
    cr_expect_eq(hy_identity_put(&t, &crm, 5), HY_OK);
    cr_expect_eq(hy_identity_put(&t, &crm, 6), HY_EEXIST);
    cr_expect_eq(hy_identity_put(&t, &mail, 5), HY_OK);
    cr_expect_eq(hy_identity_put(&t, &web, 5), HY_OK);
    cr_expect_str_eq(all_of(&t, 5, text), "Old@x.test;ext:crm:7;visitor:0000000000007;");
    cr_expect_eq(hy_identity_find(&t, &same, &no), HY_OK);
    cr_expect_eq(no, 5);

    cr_expect_eq(hy_identity_move(&t, 5, 9), HY_OK);
    cr_expect_str_eq(all_of(&t, 5, text), "");
    cr_expect_str_eq(all_of(&t, 9, text), "Old@x.test;ext:crm:7;visitor:0000000000007;");
    cr_expect_eq(hy_identity_find(&t, &crm, &no), HY_OK);
    cr_expect_eq(no, 9);
    cr_expect_eq(hy_identity_del(&t, &same), HY_OK);
    cr_expect_eq(hy_identity_del(&t, &same), HY_ENOTFOUND);
    cr_expect_eq(hy_identity_move(&t, 9, 0), HY_OK);
    cr_expect_eq(hy_identity_find(&t, &crm, &no), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_expect_eq(store_entries(env, HY_TABLE_IDENTITIES), 0);
}

Test(identity, a_lead_is_meant_by_number_address_or_id)
{
    const struct hy_lead_edit_identity ids[] = {
        {.identity = {HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}},
        {.identity = {HY_IDENTITY_ADDRESS, HY_STR("further@x.test")}},
        {.identity = {HY_IDENTITY_PHONE, HY_STR("03-1234-5678")}},
    };
    const struct hy_lead_edit e = {
        .address = HY_STR("first@x.test"), .identities = ids, .n_identities = 3};
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"1", HY_OK},         {"FIRST@x.test", HY_OK},         {"further@X.test", HY_OK},
        {"ext:CRM:7", HY_OK}, {"phone:0312345678", HY_OK},     {"2", HY_ENOTFOUND},
        {"0", HY_ENOTFOUND},  {"nobody@x.test", HY_ENOTFOUND}, {"ext:crm:8", HY_ENOTFOUND},
        {"ext:7", HY_EPARSE}, {"somebody", HY_EPARSE},
    };
    struct hy_lead_edit_result r;
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_lead_edit(&t, &e, &r, NULL), HY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hy_lead_no no = 0;
        struct hy_diag diag = {0};
        int err = hy_lead_resolve(&t, hy_str_of(cases[i].text), &no, &diag);
        cr_expect_eq(err, cases[i].want, "%s: got %s", cases[i].text, hy_err_name(err));
        cr_expect_eq(no, err == HY_OK ? 1 : 0, "%s", cases[i].text);
        cr_expect_eq(diag.text[0] != 0, err == HY_EPARSE, "%s", cases[i].text);
    }
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}

static int count(void *ctx, const struct hy_identity *i)
{
    (void)i;
    ++*(size_t *)ctx;
    return 0;
}

static struct hy_identity visitor(uint64_t no, uint8_t room[8])
{
    hy_put_be64(room, no);
    return (struct hy_identity){HY_IDENTITY_VISITOR, hy_str_make(room, 8)};
}

Test(identity, of_visitors_the_oldest_goes_and_they_take_no_room_of_others)
{
    struct hy_txn t;
    uint8_t room[8];
    hy_lead_no who = 0;
    size_t n = 0;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (uint64_t i = 0; i < HY_IDENTITY_VISITORS_MAX + 7; i++) {
        struct hy_identity v = visitor(1000 - i, room); /* the newest has the least number */
        t.now++;
        cr_assert_eq(hy_identity_put(&t, &v, 1), HY_OK, "%lu", (unsigned long)i);
    }
    cr_assert_eq(hy_identity_each(&t, 1, count, &n), HY_OK);
    cr_expect_eq(n, HY_IDENTITY_VISITORS_MAX);
    for (uint64_t i = 0; i < HY_IDENTITY_VISITORS_MAX + 7; i++) {
        struct hy_identity v = visitor(1000 - i, room);
        cr_expect_eq(hy_identity_find(&t, &v, &who), i < 7 ? HY_ENOTFOUND : HY_OK, "%lu",
                     (unsigned long)i);
    }
    cr_assert_eq(hy_identity_count(&t, 1, &n), HY_OK);
    cr_expect_eq(n, 0);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}

Test(identity, of_before_does_not_say_since_when)
{
    const uint8_t key[] = {'l', 0, 0, 0, 1, HY_IDENTITY_VISITOR, 0, 0, 0, 0, 0, 0, 0, 9};
    const uint8_t there[] = {'i', HY_IDENTITY_VISITOR, 0, 0, 0, 0, 0, 0, 0, 9};
    const uint8_t one[] = {1, 1, 0, 0, 0};
    struct hy_txn t;
    uint8_t room[8];
    hy_lead_no who = 0;
    size_t n = 0;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_put(&t, HY_TABLE_IDENTITIES, hy_str_make(key, sizeof key), hy_str_make(one, 1),
                        HY_PUT_NEW),
                 HY_OK);
    cr_assert_eq(hy_put(&t, HY_TABLE_IDENTITIES, hy_str_make(there, sizeof there),
                        hy_str_make(one, sizeof one), HY_PUT_NEW),
                 HY_OK);
    for (uint64_t i = 0; i < HY_IDENTITY_VISITORS_MAX; i++) {
        struct hy_identity v = visitor(100 + i, room);
        cr_assert_eq(hy_identity_put(&t, &v, 1), HY_OK);
    }
    struct hy_identity old = visitor(9, room);
    cr_expect_eq(hy_identity_find(&t, &old, &who), HY_ENOTFOUND, "it is the oldest of all");
    cr_assert_eq(hy_identity_each(&t, 1, count, &n), HY_OK);
    cr_expect_eq(n, HY_IDENTITY_VISITORS_MAX);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}
