#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/base/bytes.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/opt_in.h"
#include "hayauma/store/product.h"

static hy_list_no news;

/* A lead with a tag, ids, and a list that it waits for. */
static void setup(void)
{
    const struct hy_list_rules rules = {.opt_in = HY_LIST_OPT_IN_DOUBLE, .confirm_s = 3600};
    const struct hy_lead_edit_label label = {HY_LABEL_TAG, false, HY_STR("vip")};
    const struct hy_lead_edit_identity ids[] = {
        {.identity = {HY_IDENTITY_EXTERNAL, HY_STR("crm:7")}},
        {.identity = {HY_IDENTITY_ADDRESS, HY_STR("Other@x.test")}}};
    const struct hy_lead_edit_list lists[] = {{.name = HY_STR("news")}};
    const struct hy_lead_edit e = {.address = HY_STR("a@x.test"),
                                   .labels = &label,
                                   .n_labels = 1,
                                   .identities = ids,
                                   .n_identities = 2,
                                   .lists = lists,
                                   .n_lists = 1};
    struct hy_lead_edit_result r;
    struct hy_txn t;
    case_open();
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_list_create(&t, HY_STR("news"), 5, &news), 0);
    cr_assert_eq(hy_list_set_rules(&t, news, &rules), 0);
    cr_assert_eq(hy_lead_edit(&t, &e, &r, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

TestSuite(audit_leads, .init = setup, .fini = case_close);

static char problem[400];

static void keep_problem(void *ctx, const char *text)
{
    (void)ctx;
    snprintf(problem, sizeof problem, "%s", text);
}

static uint64_t audit(void)
{
    const struct hy_audit_sink sink = {.problem = keep_problem};
    struct hy_audit_report r;
    problem[0] = '\0';
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r.problems;
}

static const uint8_t label_key[] = {0, 0, 0, 1, HY_LABEL_TAG, 0, 0, 0, 1};
#define ID_THERE  "i\002crm:7"
#define ID_BACK   "l\0\0\0\001\002crm:7"
#define MAIL_BACK "l\0\0\0\001\001Other@x.test"
#define KEY(text) hy_str_make(text, sizeof(text) - 1)

static void drop(enum hy_table table, struct hy_str key)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_del(&t, table, key), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static void drop_first(enum hy_table table, const char *prefix)
{
    struct hy_txn t;
    struct hy_cursor c;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, table, &c), 0);
    cr_assert_eq(hy_cursor_prefix_first(&c, hy_str_of(prefix)), 0);
    cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(audit_leads, what_fits_has_no_problems)
{
    cr_expect_eq(audit(), 0, "%s", problem);
}

Test(audit_leads, a_label_and_its_members_must_agree)
{
    const struct hy_lead_set s = {.kind = HY_LEAD_SET_TAG, .no = 1};
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_set_remove(&t, s, 1, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(audit(), 1);
    cr_expect_str_eq(problem, "lead 1 has tag 1, whose members lack it");
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_set_add(&t, s, 1, NULL), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    drop(HY_TABLE_LEAD_LABELS, hy_str_make(label_key, sizeof label_key));
    cr_expect_eq(audit(), 1);
    cr_expect_str_eq(problem, "tag 1 has member 1, which lacks it");
}

Test(audit_leads, an_id_must_lead_to_the_lead_that_has_it)
{
    drop(HY_TABLE_IDENTITIES, KEY(ID_THERE));
    cr_expect_eq(audit(), 1);
    cr_expect_str_eq(problem, "lead 1 has an id (ext) by which nobody is found");
}

Test(audit_leads, a_lead_must_have_the_ids_by_which_it_is_found)
{
    drop(HY_TABLE_IDENTITIES, KEY(ID_BACK));
    cr_expect_eq(audit(), 1);
    cr_expect_str_eq(problem, "an id (ext) leads to lead 1, which does not have it");
}

Test(audit_leads, a_further_address_is_compared_as_addresses_are)
{
    drop(HY_TABLE_IDENTITIES, KEY(MAIL_BACK));
    cr_expect_eq(audit(), 1);
    cr_expect_str_eq(problem, "an id (address) leads to lead 1, which does not have it");
}

Test(audit_leads, who_waits_is_forgotten_some_day)
{
    drop_first(HY_TABLE_LIST_PENDING, "x");
    cr_expect_eq(audit(), 1);
    cr_expect_str_eq(problem, "lead 1 waits to join list 1 and never stops");
}

Test(audit_leads, a_mail_and_a_moment_are_of_somebody_who_waits)
{
    drop_first(HY_TABLE_LIST_PENDING, "p");
    cr_expect_eq(audit(), 2);
    cr_expect_str_eq(problem, "somebody stops to wait to join a list who does not wait until then");
}

/* What lies in the first entry of a table, changed by `change` (false: deleted), is a problem,
 * once; then all is as it was. */
static void plant(enum hy_table table, bool (*change)(uint8_t *value, size_t n), const char *want)
{
    uint8_t key[64], value[2000], was[2000];
    struct hy_txn t = case_write();
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(&t, table, &c), 0);
    cr_assert_eq(hy_cursor_first(&c), 0);
    cr_assert(c.key.n <= sizeof key && c.value.n <= sizeof value);
    struct hy_str k = hy_str_make(key, c.key.n), v = hy_str_make(value, c.value.n);
    memcpy(key, c.key.p, c.key.n);
    memcpy(value, c.value.p, c.value.n);
    memcpy(was, c.value.p, c.value.n);
    hy_cursor_close(&c);
    int err = change(value, v.n) ? hy_put(&t, table, k, v, HY_PUT_SET) : hy_del(&t, table, k);
    cr_assert_eq(err, 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_geq(audit(), 1, "%s", want);
    cr_expect(strstr(problem, want), "got '%s', want '%s'", problem, want);
    t = case_write();
    cr_assert_eq(hy_put(&t, table, k, hy_str_make(was, v.n), HY_PUT_SET), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(audit(), 0);
}

static bool gone(uint8_t *value, size_t n)
{
    (void)value;
    (void)n;
    return false;
}

static bool of_no_kind(uint8_t *value, size_t n)
{
    (void)n;
    value[1] = 0xee;
    return true;
}

static bool counts_more(uint8_t *value, size_t n)
{
    (void)n;
    value[1]++; /* the low byte of how many name the words */
    return true;
}

static bool says_other_words(uint8_t *value, size_t n)
{
    value[n - 1]++;
    return true;
}

Test(audit_leads, consents_and_products_that_do_not_fit_are_found)
{
    enum hy_product_did did;
    const struct hy_product_told product = {.p = {.sku = HY_STR("T-1"), .name = HY_STR("tea")},
                                            .said = 1u << HY_PRODUCT_NAME};
    struct hy_txn t = case_write();
    for (int i = 0; i < 2; i++) {
        struct hy_consent c = {.lead = 1,
                               .what = HY_CONSENT_GIVEN,
                               .how = HY_CONSENT_PAPER,
                               .at = 1,
                               .purpose = HY_STR("marketing"),
                               .text = HY_STR("I agree.")};
        cr_assert_eq(hy_consent_put(&t, &c), 0);
    }
    cr_assert_eq(hy_product_tell(&t, &product, t.now, &did), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(audit(), 0);
    plant(HY_TABLE_CONSENTS, of_no_kind, "come to");
    plant(HY_TABLE_CONSENTS, gone, "1 consents name words, whose counts come to 2");
    plant(HY_TABLE_CONSENT_TEXTS, counts_more, "2 consents name words, whose counts come to 3");
    plant(HY_TABLE_CONSENT_TEXTS, says_other_words,
          "2 consents name words, whose counts come to 0");
    plant(HY_TABLE_CONSENT_TEXTS, gone, "2 consents name words, whose counts come to 0");
    plant(HY_TABLE_PRODUCTS, of_no_kind, "the product T-1 cannot be read");
}
