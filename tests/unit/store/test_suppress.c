#include "suppress_case.h"

#include <criterion/criterion.h>

#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"

TestSuite(suppress, .init = case_open, .fini = case_close);

Test(suppress, an_empty_list_keeps_nobody)
{
    cr_expect_eq(suppress_find_for("taro@example.jp", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
    cr_expect_not(hy_suppress_may_have(env, HY_STR("taro@example.jp")));
    cr_expect_eq(case_problems(), 0);
}

Test(suppress, scopes_reach_as_far_as_they_say)
{
    suppress_put("all@x.test", HY_SUPPRESS_ALL, 0, 0, HY_SUPPRESS_MANUAL);
    suppress_put("tenant@x.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_COMPLAINT);
    suppress_put("own@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_COMPLAINT);
    suppress_put("stream@x.test", HY_SUPPRESS_STREAM, 3, HY_STREAM_MARKETING,
                 HY_SUPPRESS_HARD_BOUNCE);
    suppress_put("@wide.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_MANUAL);
    suppress_put("both@x.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_UNSUBSCRIBE);
    suppress_put("both@x.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_HARD_BOUNCE);
    static const struct {
        const char *address;
        uint32_t tenant;
        enum hy_stream stream;
        int want;
    } cases[] = {
        {"all@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
        {"all@x.test", 9, HY_STREAM_TRANSACTIONAL, HY_SUPPRESS_MANUAL},
        {"tenant@x.test", 3, HY_STREAM_MARKETING, HY_SUPPRESS_COMPLAINT},
        {"tenant@x.test", 4, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"tenant@x.test", 0, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"own@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_COMPLAINT},
        {"own@x.test", 3, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"stream@x.test", 3, HY_STREAM_MARKETING, HY_SUPPRESS_HARD_BOUNCE},
        {"stream@x.test", 3, HY_STREAM_TRANSACTIONAL, HY_ENOTFOUND},
        {"any.body@wide.test", 3, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
        {"any.body@sub.wide.test", 3, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"any.body@wide.test", 4, HY_STREAM_MARKETING, HY_ENOTFOUND},
        /* transactional mail does not heed unsubscribes, but the other entry */
        {"both@x.test", 3, HY_STREAM_TRANSACTIONAL, HY_SUPPRESS_HARD_BOUNCE},
        {"stranger@x.test", 3, HY_STREAM_MARKETING, HY_ENOTFOUND},
        /* however it is written */
        {"ALL@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
        {"\"all\"@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int got = suppress_find_for(cases[i].address, cases[i].tenant, cases[i].stream);
            cr_expect_eq(got, cases[i].want, "round %d, %s for %u: got %d, want %d", round,
                         cases[i].address, cases[i].tenant, got, cases[i].want);
        }
        hy_env_close(env); /* and after a restart, when the filter is read from the store */
        env = store_open(&dir);
    }
    cr_expect_eq(case_problems(), 0);
}

Test(suppress, rules_say_which_reasons_a_stream_heeds)
{
    struct hy_suppress_rules r = hy_suppress_rules_default;
    suppress_put("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_UNSUBSCRIBE);
    cr_expect_eq(suppress_find_for("a@x.test", 0, HY_STREAM_TRANSACTIONAL), HY_ENOTFOUND);
    r.reasons[HY_STREAM_TRANSACTIONAL] |= 1u << HY_SUPPRESS_UNSUBSCRIBE;
    r.reasons[HY_STREAM_MARKETING] = 0;
    hy_suppress_rules_set(env, &r);
    cr_expect_eq(suppress_find_for("a@x.test", 0, HY_STREAM_TRANSACTIONAL),
                 HY_SUPPRESS_UNSUBSCRIBE);
    cr_expect_eq(suppress_find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
}

Test(suppress, the_same_entry_again_changes_nothing_but_its_end)
{
    struct hy_suppress_entry e =
        suppress_entry_of("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    hy_wall_ms now = hy_clock_wall_ms();
    e.expires = now + DAY;
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_ADDED);
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_SAME);
    e.expires = now + DAY / 2;
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_SAME, "an earlier end does not count");
    e.expires = now + 2 * DAY;
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_CHANGED);
    e.expires = 0;
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_CHANGED);
    e.expires = now + DAY;
    cr_expect_eq(suppress_put_entry(&e), HY_SUPPRESS_SAME, "no end is the latest");
    cr_expect_eq(case_problems(), 0);
}

Test(suppress, what_is_no_entry_is_refused)
{
    struct hy_suppress_entry cases[] = {
        suppress_entry_of("no address", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL),
        suppress_entry_of("a@x.test", HY_SUPPRESS_ALL, 1, 0, HY_SUPPRESS_MANUAL),
        suppress_entry_of("a@x.test", HY_SUPPRESS_STREAM, 0, HY_STREAMS, HY_SUPPRESS_MANUAL),
        suppress_entry_of("a@x.test", HY_SUPPRESS_LIST, 0, 0, HY_SUPPRESS_MANUAL),
        suppress_entry_of("a@x.test", HY_SUPPRESS_TENANT, 0, 5, HY_SUPPRESS_MANUAL),
        suppress_entry_of("a@x.test", HY_SUPPRESS_TENANT, 0, 0, 0),
        suppress_entry_of("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_REASONS),
        suppress_entry_of("", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_txn t = case_write();
        int err = hy_suppress_put(&t, &cases[i], NULL);
        cr_expect(err == HY_EINVAL || err == HY_EPARSE, "case %zu: %d", i, err);
        hy_txn_end(&t);
    }
}

Test(suppress, a_token_names_an_id_of_this_store_only)
{
    char token[HY_SUPPRESS_TOKEN_MAX];
    struct hy_suppress_id id = suppress_id_of("a@x.test"), back = {0};
    struct store_dir other_dir = store_dir_make();
    struct hy_env *other = store_open(&other_dir);
    hy_suppress_token(env, id, token);
    cr_expect_eq(hy_suppress_token_read(env, hy_str_of(token), &back), 0);
    cr_expect(hy_suppress_id_eq(id, back));
    cr_expect_eq(hy_suppress_token_read(other, hy_str_of(token), &back), HY_EAUTH);
    token[20] = 'x';
    cr_expect_eq(hy_suppress_token_read(env, hy_str_of(token), &back), HY_EPARSE);
    cr_expect_eq(hy_suppress_token_read(env, HY_STR("h1:"), &back), HY_EPARSE);
    hy_env_close(other);
    store_dir_remove(&other_dir);
}

Test(suppress, people_may_write_addresses_and_domains_as_they_do)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } cases[] = {
        {" Taro <Taro@Example.JP> ", "Taro@example.jp"},
        {"@Example.JP", "@example.jp"},
        {"@日本.example", "@xn--wgv71a.example"},
        {"@", NULL},
        {"@a@b", NULL},
        {"taro", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[HY_SUPPRESS_WHAT_MAX] = "";
        struct hy_diag diag = {""};
        int err = hy_suppress_what_parse(hy_str_of(cases[i].text), out, &diag);
        cr_expect_eq(err, cases[i].want ? 0 : HY_EPARSE, "%s", cases[i].text);
        if (cases[i].want)
            cr_expect_str_eq(out, cases[i].want);
        else
            cr_expect_neq(diag.text[0], '\0', "%s", cases[i].text);
    }
}

/* ---- lists ---- */

static hy_lead_no add_lead(const char *address, hy_list_no list, hy_domain_no *ret_domain)
{
    struct hy_lead_batch *b = NULL;
    struct hy_lead_upsert_result got;
    struct hy_lead_upsert how = {.list = list, .merge = HY_LEAD_MERGE_KEEP};
    struct hy_lead_attr attrs[4];
    struct hy_lead_view v = {0};
    hy_lead_no no = 0;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_lead_batch_new(env, NULL, 0, &b), 0);
    cr_assert_eq(hy_lead_batch_add(b, hy_str_of(address), hy_str_of(address), NULL, 0), 0);
    cr_assert_eq(hy_lead_upsert(&t, b, &how, &got), 0);
    cr_assert_eq(hy_lead_find(&t, hy_str_of(address), &no), 0);
    cr_assert_eq(hy_lead_read(&t, no, attrs, 4, &v), 0);
    *ret_domain = v.domain_no;
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_lead_batch_free(b);
    return no;
}

static hy_list_no make_list(const char *name)
{
    hy_list_no no = 0;
    struct hy_txn t = case_write();
    cr_assert_eq(hy_list_create(&t, hy_str_of(name), 1, &no), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return no;
}

Test(suppress, who_left_one_list_still_gets_mail_of_another)
{
    hy_list_no news = make_list("news"), shop = make_list("shop");
    hy_domain_no domain = 0;
    hy_lead_no a = add_lead("a@x.test", news, &domain), same = add_lead("a@x.test", shop, &domain);
    cr_assert_eq(a, same);
    hy_lead_no b = add_lead("b@x.test", news, &domain);
    suppress_put("a@x.test", HY_SUPPRESS_LIST, 0, news, HY_SUPPRESS_UNSUBSCRIBE);
    suppress_put("b@x.test", HY_SUPPRESS_LIST, 0, news, HY_SUPPRESS_UNSUBSCRIBE);
    struct hy_list_set only_news = {{news}, 1}, only_shop = {{shop}, 1}, both = {{news, shop}, 2};
    const struct {
        const char *address;
        hy_lead_no lead;
        const struct hy_list_set *lists;
        int want;
    } cases[] = {
        {"a@x.test", a, &only_news, HY_SUPPRESS_UNSUBSCRIBE},
        {"a@x.test", a, &only_shop, HY_ENOTFOUND},
        {"a@x.test", a, &both, HY_ENOTFOUND}, /* shop still has it */
        {"b@x.test", b, &both, HY_SUPPRESS_UNSUBSCRIBE},
        {"a@x.test", 0, NULL, HY_ENOTFOUND}, /* a ready message belongs to no list */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_suppress_ask ask = {
            .lists = cases[i].lists, .domain = domain, .lead = cases[i].lead};
        cr_expect_eq(suppress_find(cases[i].address, &ask), cases[i].want, "case %zu", i);
    }
    suppress_put("a@x.test", HY_SUPPRESS_LIST, 0, shop, HY_SUPPRESS_UNSUBSCRIBE);
    struct hy_suppress_ask ask = {.lists = &both, .domain = domain, .lead = a};
    cr_expect_eq(suppress_find("a@x.test", &ask), HY_SUPPRESS_UNSUBSCRIBE, "it left both");
}
