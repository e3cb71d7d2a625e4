#include "hayauma/store/consent.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "hayauma/store/activity.h"
#include "spools.h"

TestSuite(consent, .init = case_open, .fini = case_close);

static int put(struct hy_consent *c)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    int err = hy_consent_put(&t, c);
    if (err) {
        cr_expect_eq(t.writes, 0, "a refused one writes nothing");
        hy_txn_end(&t);
    } else {
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
    return err;
}

static struct hy_consent given(hy_lead_no lead, const char *text)
{
    return (struct hy_consent){.lead = lead,
                               .what = HY_CONSENT_GIVEN,
                               .how = HY_CONSENT_FORM,
                               .purpose = HY_STR("marketing"),
                               .text = hy_str_of(text)};
}

Test(consent, a_record_is_read_back_whole_and_stays_when_another_follows)
{
    hy_lead_no lead = case_lead("taro@example.jp"), other = case_lead("hanako@example.jp");
    struct hy_consent c = {
        .lead = lead,
        .what = HY_CONSENT_GIVEN,
        .how = HY_CONSENT_DOUBLE_OPT_IN,
        .list = 3,
        .at = 1700000000123,
        .ip = {0x20, 0x01, [15] = 1},
        .purpose = HY_STR("newsletter"),
        .by = HY_STR("form"),
        .source = HY_STR("https://example.jp/join"),
        .agent = HY_STR("Mozilla/5.0"),
        .version = HY_STR("2026-04"),
        .token = HY_STR("abc"),
        .text = HY_STR("お知らせを受け取ります。"),
    };
    struct hy_consent withdrawn = given(lead, "");
    withdrawn.what = HY_CONSENT_WITHDRAWN;
    withdrawn.purpose = HY_STR("newsletter");
    struct hy_consent strangers = given(other, "お知らせを受け取ります。");
    cr_assert_eq(put(&c), 0);
    cr_assert_eq(put(&withdrawn), 0);
    cr_assert_eq(put(&strangers), 0);
    struct hy_consent got;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_consent_next_of(&t, lead, 0, &got), 0);
    cr_expect_eq(got.id, c.id);
    cr_expect_eq(got.what, HY_CONSENT_GIVEN);
    cr_expect_eq(got.how, HY_CONSENT_DOUBLE_OPT_IN);
    cr_expect_eq(got.list, 3);
    cr_expect_eq(got.at, 1700000000123);
    cr_expect_arr_eq(got.ip, c.ip, 16);
    cr_expect(hy_str_eq(got.purpose, c.purpose));
    cr_expect(hy_str_eq(got.by, c.by));
    cr_expect(hy_str_eq(got.source, c.source));
    cr_expect(hy_str_eq(got.agent, c.agent));
    cr_expect(hy_str_eq(got.version, c.version));
    cr_expect(hy_str_eq(got.token, c.token));
    cr_expect(hy_str_eq(got.text, c.text));
    cr_assert_eq(hy_consent_next_of(&t, lead, got.id, &got), 0);
    cr_expect_eq(got.what, HY_CONSENT_WITHDRAWN);
    cr_expect_eq(got.at, hy_id_time(got.id), "it happened when it was noted");
    cr_expect_eq(got.text.n, 0);
    cr_expect_eq(hy_consent_next_of(&t, lead, got.id, &got), HY_ENOTFOUND);
    cr_assert_eq(hy_consent_last(&t, lead, HY_STR("newsletter"), 0, &got), 0);
    cr_expect_eq(got.what, HY_CONSENT_WITHDRAWN);
    cr_assert_eq(hy_consent_last(&t, lead, HY_STR("newsletter"), 3, &got), 0);
    cr_expect_eq(got.what, HY_CONSENT_GIVEN, "that of the list");
    cr_expect_eq(hy_consent_last(&t, lead, HY_STR("marketing"), 0, &got), HY_ENOTFOUND);
    hy_lead_no at = 0;
    hy_id id = 0;
    unsigned n = 0;
    while (hy_consent_next(&t, &at, &id, &got) == 0)
        n++;
    cr_expect_eq(n, 3);
    cr_expect_eq(at, other);
    hy_txn_end(&t);
    cr_expect_eq(store_entries(env, HY_TABLE_CONSENT_TEXTS), 1, "the same words are kept once");
}

Test(consent, each_is_on_the_timeline)
{
    hy_lead_no lead = case_lead("taro@example.jp");
    struct hy_consent c = given(lead, "words");
    struct hy_activity a;
    struct hy_txn t;
    c.version = HY_STR("v\"1");
    cr_assert_eq(put(&c), 0);
    const struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_prev_of(&t, &who, 0, &a), 0);
    cr_expect_eq(a.kind, HY_ACTIVITY_CONSENT);
    cr_expect(hy_str_eq(a.text, HY_STR("marketing")));
    cr_expect(hy_str_eq(a.meta, HY_STR("{\"what\":\"given\",\"how\":\"form\","
                                       "\"version\":\"v\\\"1\"}")));
    hy_txn_end(&t);
}

Test(consent, what_cannot_be_a_proof_is_refused)
{
    static char big[HY_CONSENT_TEXT_MAX + 1];
    memset(big, 'x', sizeof big);
    hy_lead_no lead = case_lead("taro@example.jp");
    struct hy_consent nobody = given(lead + 1, ""), aimless = given(lead, ""),
                      long_text = given(lead, ""), long_by = given(lead, ""),
                      strange = given(lead, "");
    aimless.purpose = HY_STR("");
    long_text.text = hy_str_make(big, sizeof big);
    long_by.by = hy_str_make(big, HY_CONSENT_BY_MAX + 1);
    strange.how = HY_CONSENT_HOWS;
    cr_expect_eq(put(&nobody), HY_EINVAL);
    cr_expect_eq(put(&aimless), HY_EINVAL);
    cr_expect_eq(put(&strange), HY_EINVAL);
    cr_expect_eq(put(&long_text), HY_ELIMIT);
    cr_expect_eq(put(&long_by), HY_ELIMIT);
    struct hy_consent full = given(lead, "");
    full.text = hy_str_make(big, HY_CONSENT_TEXT_MAX);
    cr_expect_eq(put(&full), 0);
}

Test(consent, to_forget_one_lead_leaves_the_words_that_others_read)
{
    hy_lead_no lead = case_lead("taro@example.jp"), other = case_lead("hanako@example.jp");
    struct hy_consent c[] = {given(lead, "common"), given(lead, "own"), given(lead, "own"),
                             given(other, "common")};
    struct hy_consent got;
    struct hy_txn t;
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(put(&c[i]), 0);
    cr_expect_eq(store_entries(env, HY_TABLE_CONSENT_TEXTS), 2);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_expect_eq(hy_consent_forget(&t, lead, 2), HY_EMORE, "a slice");
    cr_expect_eq(hy_consent_forget(&t, lead, 2), 0);
    cr_expect_eq(hy_consent_next_of(&t, lead, 0, &got), HY_ENOTFOUND);
    cr_assert_eq(hy_consent_next_of(&t, other, 0, &got), 0);
    cr_expect(hy_str_eq(got.text, HY_STR("common")));
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(store_entries(env, HY_TABLE_CONSENTS), 1);
    cr_expect_eq(store_entries(env, HY_TABLE_CONSENT_TEXTS), 1);
}

Test(consent, a_record_of_a_newer_version_is_named_as_such)
{
    hy_lead_no lead = case_lead("taro@example.jp");
    struct hy_consent c = given(lead, "words"), got;
    struct hy_txn t;
    uint8_t key[12];
    cr_assert_eq(put(&c), 0);
    hy_put_be32(key, lead);
    hy_put_be64(key + 4, c.id);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_put(&t, HY_TABLE_CONSENTS, hy_str_make(key, 12), HY_STR("\x7f"), HY_PUT_SET),
                 0);
    cr_expect_eq(hy_consent_next_of(&t, lead, 0, &got), HY_EVERSION);
    cr_assert_eq(
        hy_put(&t, HY_TABLE_CONSENTS, hy_str_make(key, 12), HY_STR("\x01\x01"), HY_PUT_SET), 0);
    cr_expect_eq(hy_consent_next_of(&t, lead, 0, &got), HY_ECORRUPT);
    hy_txn_end(&t);
}

Test(consent, names_and_numbers_are_the_same_both_ways)
{
    for (int i = 1; i < HY_CONSENT_HOWS; i++) {
        enum hy_consent_how how = 0;
        cr_expect_eq(
            hy_consent_how_find(hy_str_of(hy_consent_how_name((enum hy_consent_how)i)), &how), 0);
        cr_expect_eq(how, i);
    }
    enum hy_consent_what what = HY_CONSENT_GIVEN;
    cr_expect_eq(hy_consent_what_find(HY_STR("withdrawn"), &what), 0);
    cr_expect_eq(what, HY_CONSENT_WITHDRAWN);
    cr_expect_eq(hy_consent_what_find(HY_STR(""), &what), HY_ENOTFOUND);
}
