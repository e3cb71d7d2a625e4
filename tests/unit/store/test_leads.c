#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"

/* A row as a test writes it: address, then values of the columns (NULL = absent). */
struct row {
    const char *address;
    const char *values[3];
};

static const struct hy_str columns[] = {HY_STR("name"), HY_STR("points"), HY_STR("氏名_カナ")};

static struct hy_lead_batch *batch(struct hy_env *env)
{
    struct hy_lead_batch *b = NULL;
    cr_assert_eq(hy_lead_batch_new(env, columns, 3, &b), HY_OK);
    return b;
}

static int add(struct hy_lead_batch *b, const struct row *r)
{
    struct hy_address a;
    enum hy_address_reason why;
    struct hy_lead_batch_attr attrs[3];
    size_t n = 0;
    cr_assert_eq(hy_address_parse(hy_str_of(r->address), NULL, &a, &why), HY_OK, "%s", r->address);
    for (uint16_t i = 0; i < 3; i++)
        if (r->values[i])
            attrs[n++] = (struct hy_lead_batch_attr){i, hy_str_of(r->values[i])};
    return hy_lead_batch_add(b, hy_address_wire(&a), hy_address_key(&a), attrs, n);
}

static struct hy_lead_upsert_result upsert(struct hy_env *env, const struct row *rows, size_t n,
                                           struct hy_lead_upsert how)
{
    struct hy_lead_upsert_result got = {0};
    struct hy_lead_batch *b = batch(env);
    struct hy_txn t;
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(add(b, &rows[i]), HY_OK);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_lead_upsert(&t, b, &how, &got), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_lead_batch_free(b);
    return got;
}

/* "name=Taro;points=7;" of the lead with this address, or "" when there is none. */
static const char *attrs_of(struct hy_env *env, const char *address, char out[256])
{
    struct hy_txn t;
    struct hy_lead_attr attrs[8];
    struct hy_lead_view v;
    hy_lead_no no = 0;
    out[0] = 0;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    int err = hy_lead_find(&t, hy_str_of(address), &no);
    if (err == HY_OK) {
        size_t n = 0;
        cr_assert_eq(hy_lead_read(&t, no, attrs, 8, &v), HY_OK);
        for (size_t i = 0; i < v.n_attrs; i++) {
            struct hy_str name;
            cr_assert_eq(hy_attr_name(&t, v.attrs[i].no, &name), HY_OK);
            n += (size_t)snprintf(out + n, 256 - n, "%.*s=%.*s;", HY_STR_ARG(name),
                                  HY_STR_ARG(v.attrs[i].value));
        }
    } else {
        cr_assert_eq(err, HY_ENOTFOUND);
    }
    hy_txn_end(&t);
    return out;
}

static hy_list_no make_list(struct hy_env *env, const char *name)
{
    struct hy_txn t;
    hy_list_no no = 0;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_list_create(&t, hy_str_of(name), 5, &no), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    return no;
}

Test(leads, come_back_as_they_went_in)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    const struct row rows[] = {
        {"Taro@example.jp", {"山田太郎", "7", "ヤマダ"}},
        {"a..b@docomo.ne.jp", {NULL, "0", NULL}},
        {"nobody@例え.テスト", {NULL}},
    };
    struct hy_lead_upsert_result got = upsert(env, rows, 3, (struct hy_lead_upsert){.created = 99});
    cr_expect_eq(got.added, 3);
    cr_expect_eq(got.updated + got.unchanged + got.duplicates + got.joined, 0);

    char text[256];
    cr_expect_str_eq(attrs_of(env, "TARO@EXAMPLE.JP", text),
                     "name=山田太郎;points=7;氏名_カナ=ヤマダ;");
    cr_expect_str_eq(attrs_of(env, "\"A..B\"@docomo.ne.jp", text), "points=0;");

    struct hy_txn t;
    struct hy_lead_attr attrs[2];
    struct hy_lead_view v = {0};
    hy_lead_no no = 0;
    struct hy_str name;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_lead_find(&t, HY_STR("nobody@xn--r8jz45g.xn--zckzah"), &no), HY_OK);
    cr_assert_eq(hy_lead_read(&t, no, attrs, 2, &v), HY_OK);
    cr_expect(hy_str_eq(v.domain, HY_STR("xn--r8jz45g.xn--zckzah")));
    cr_expect_eq(v.status, HY_LEAD_ACTIVE);
    cr_assert_eq(hy_domain_name(&t, v.domain_no, &name), HY_OK);
    cr_expect(hy_str_eq(name, v.domain));
    cr_assert_eq(hy_lead_count(&t, &n), HY_OK);
    cr_expect_eq(n, 3);
    cr_assert_eq(hy_lead_find(&t, HY_STR("taro@example.jp"), &no), HY_OK);
    cr_expect_eq(hy_lead_read(&t, no, attrs, 2, &v), HY_ELIMIT);
    cr_expect_eq(hy_lead_read(&t, 4, attrs, 2, &v), HY_ENOTFOUND);
    cr_expect_eq(hy_lead_find(&t, HY_STR("taro"), &no), HY_EPARSE);
    cr_expect_eq(hy_lead_find(&t, HY_STR("hanako@example.jp"), &no), HY_ENOTFOUND);
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(leads, that_exist_are_merged_as_asked)
{
    static const struct {
        enum hy_lead_merge how;
        const char *want;
        uint64_t updated, unchanged;
    } cases[] = {
        {HY_LEAD_MERGE_OVERWRITE, "name=New;points=1;氏名_カナ=ニュー;", 1, 1},
        {HY_LEAD_MERGE_FILL, "name=Old;points=1;氏名_カナ=ニュー;", 1, 1},
        {HY_LEAD_MERGE_KEEP, "name=Old;points=1;", 0, 2},
    };
    const struct row old[] = {{"a@example.jp", {"Old", "1", NULL}}, {"b@example.jp", {"B"}}};
    const struct row new[] = {{"A@example.jp", {"New", NULL, "ニュー"}},
                              {"b@example.jp", {"B"}},
                              {"c@example.jp", {"C"}}};
    for (size_t i = 0; i < 3; i++) {
        struct store_dir d = store_dir_make();
        struct hy_env *env = store_open(&d);
        char text[256];
        upsert(env, old, 2, (struct hy_lead_upsert){0});
        struct hy_lead_upsert_result got =
            upsert(env, new, 3, (struct hy_lead_upsert){.merge = cases[i].how});
        cr_expect_str_eq(attrs_of(env, "a@example.jp", text), cases[i].want);
        cr_expect_eq(got.added, 1);
        cr_expect_eq(got.updated, cases[i].updated);
        cr_expect_eq(got.unchanged, cases[i].unchanged);
        hy_env_close(env);
        store_dir_remove(&d);
    }
}

Test(leads, written_twice_in_one_batch_become_one)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    const struct row rows[] = {
        {"a@example.jp", {"First", "1", NULL}},
        {"b@example.jp", {"B"}},
        {"A@EXAMPLE.jp", {"Second", NULL, NULL}},
        {"\"a\"@example.jp", {NULL, NULL, "Third"}},
    };
    char text[256];
    struct hy_lead_upsert how = {.list = make_list(env, "news")};
    struct hy_lead_upsert_result got = upsert(env, rows, 4, how);
    cr_expect_eq(got.added, 2);
    cr_expect_eq(got.duplicates, 2);
    cr_expect_eq(got.joined, 2);
    cr_expect_str_eq(attrs_of(env, "a@example.jp", text), "name=Second;points=1;氏名_カナ=Third;");
    got = upsert(env, rows, 4, how);
    cr_expect_eq(got.added, 0);
    cr_expect_eq(got.duplicates, 2);
    cr_expect_eq(got.updated, 0, "the same rows again change nothing");
    cr_expect_eq(got.unchanged, 2);
    cr_expect_eq(got.joined, 0);
    how.own_from = 1;
    got = upsert(env, rows, 4, how);
    cr_expect_eq(got.duplicates, 4, "all of them were added by this import");
    cr_expect_eq(got.added + got.updated + got.unchanged, 0);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(leads, keep_their_status_when_imported_again)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    const struct row rows[] = {{"a@example.jp", {"A"}}}, again[] = {{"a@example.jp", {"B"}}};
    struct hy_txn t;
    struct hy_lead_attr attrs[3];
    struct hy_lead_view v;
    upsert(env, rows, 1, (struct hy_lead_upsert){0});
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_lead_set_status(&t, 1, HY_LEAD_UNSUBSCRIBED), HY_OK);
    cr_assert_eq(hy_lead_set_status(&t, 2, HY_LEAD_DEAD), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    upsert(env, again, 1, (struct hy_lead_upsert){0});
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_lead_read(&t, 1, attrs, 3, &v), HY_OK);
    cr_expect_eq(v.status, HY_LEAD_UNSUBSCRIBED);
    cr_expect(hy_str_eq(v.attrs[0].value, HY_STR("B")));
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(leads, of_a_dropped_transaction_leave_nothing_and_the_batch_may_try_again)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_lead_batch *b = batch(env);
    struct hy_lead_upsert_result got;
    struct hy_txn t;
    uint64_t n = 7;
    for (int i = 0; i < 3; i++)
        cr_assert_eq(
            add(b, &(struct row){(const char *[]){"a@x.jp", "b@y.jp", "A@x.jp"}[i], {"N"}}), HY_OK);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_lead_upsert(&t, b, &(struct hy_lead_upsert){0}, &got), HY_OK);
    hy_txn_end(&t);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_assert_eq(hy_lead_count(&t, &n), HY_OK);
    cr_expect_eq(n, 0);
    cr_assert_eq(hy_lead_upsert(&t, b, &(struct hy_lead_upsert){0}, &got), HY_OK);
    cr_expect_eq(got.added, 2);
    cr_expect_eq(got.duplicates, 1);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);

    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(hy_lead_upsert(&t, b, &(struct hy_lead_upsert){.list = 9}, &got), HY_ENOTFOUND);
    cr_expect_eq(hy_txn_commit(&t), HY_ENOTFOUND,
                 "a list that is not there spoils the transaction");
    hy_lead_batch_free(b);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(leads, batches_refuse_what_cannot_be_stored)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_lead_batch *b = NULL;
    const struct hy_str bad[] = {HY_STR("1st"), HY_STR("a b"), HY_STR(""), HY_STR("a\xff")};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(hy_lead_batch_new(env, &bad[i], 1, &b), HY_EINVAL);
    b = batch(env);
    static char big[HY_ATTR_VALUE_MAX + 1];
    memset(big, 'x', sizeof big);
    const struct {
        struct hy_lead_batch_attr attrs[2];
        size_t n;
        int want;
    } cases[] = {
        {{{0, HY_STR("ok")}}, 1, HY_OK},
        {{{3, HY_STR("no such column")}}, 1, HY_EINVAL},
        {{{0, HY_STR("")}}, 1, HY_EINVAL},
        {{{1, HY_STR("b")}, {0, HY_STR("a")}}, 2, HY_EINVAL},
        {{{0, {big, HY_ATTR_VALUE_MAX + 1}}}, 1, HY_EINVAL},
        {{{0, {big, HY_ATTR_VALUE_MAX}}}, 1, HY_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(
            hy_lead_batch_add(b, HY_STR("a@x.jp"), HY_STR("a@x.jp"), cases[i].attrs, cases[i].n),
            cases[i].want, "case %zu", i);
    hy_lead_batch_reset(b);
    size_t n = 0;
    while (hy_lead_batch_add(b, HY_STR("a@x.jp"), HY_STR("a@x.jp"), NULL, 0) == HY_OK)
        n++;
    cr_expect_eq(n, HY_LEAD_BATCH_ROWS);
    cr_expect_eq(hy_lead_batch_rows(b), n);
    hy_lead_batch_free(b);
    hy_env_close(env);
    store_dir_remove(&d);
}

/* Many leads in several batches, with repeats; every one must be found, in its domain, once. */
Test(leads, are_all_found_after_many_batches)
{
    enum { LEADS = 30000, BATCH = 7000, DOMAINS = 23 };
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_lead_upsert how = {.list = make_list(env, "all")};
    struct hy_lead_batch *b = batch(env);
    uint64_t added = 0, again = 0;
    char text[64];
    for (int i = 0; i < LEADS + LEADS / 10; i++) {
        int k = (int)((uint64_t)i * 7919 % LEADS); /* each once, then a tenth of them again */
        int n = snprintf(text, sizeof text, "user%d@d%d.test", k, k % DOMAINS);
        struct hy_str s = hy_str_make(text, (size_t)n);
        cr_assert_eq(hy_lead_batch_add(b, s, s, NULL, 0), HY_OK);
        if (hy_lead_batch_rows(b) < BATCH && i < LEADS + LEADS / 10 - 1)
            continue;
        struct hy_lead_upsert_result got;
        struct hy_txn t;
        cr_assert_eq(hy_txn_write(env, &t), HY_OK);
        cr_assert_eq(hy_lead_upsert(&t, b, &how, &got), HY_OK);
        cr_assert_eq(hy_txn_commit(&t), HY_OK);
        added += got.added;
        again += got.unchanged + got.duplicates;
        hy_lead_batch_reset(b);
    }
    cr_expect_eq(added, LEADS);
    cr_expect_eq(again, LEADS / 10);

    struct hy_txn t;
    struct hy_list_view l;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    bool *seen = calloc(LEADS + 1, 1);
    for (int k = 0; k < LEADS; k++) {
        int n = snprintf(text, sizeof text, "USER%d@d%d.test", k, k % DOMAINS);
        hy_lead_no no = 0;
        cr_assert_eq(hy_lead_find(&t, hy_str_make(text, (size_t)n), &no), HY_OK, "%s", text);
        cr_assert(no <= LEADS && !seen[no], "%s: %u", text, no);
        seen[no] = true;
    }
    free(seen);
    cr_assert_eq(hy_list_read(&t, how.list, &l), HY_OK);
    cr_expect_eq(l.members, LEADS);
    hy_txn_end(&t);
    hy_lead_batch_free(b);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(attrs, have_numbers_up_to_a_limit)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_txn t;
    hy_attr_no no = 0;
    size_t n = 0;
    char name[16];
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (int i = 0; i < HY_ATTR_MAX; i++) {
        snprintf(name, sizeof name, "a%d", i);
        cr_assert_eq(hy_attr_intern(&t, hy_str_of(name), &no), HY_OK);
        cr_assert_eq(no, i);
    }
    cr_expect_eq(hy_attr_intern(&t, HY_STR("one.more"), &no), HY_ELIMIT);
    cr_expect_eq(hy_attr_intern(&t, HY_STR("a77"), &no), HY_OK);
    cr_expect_eq(no, 77);
    cr_expect_eq(hy_attr_find(&t, HY_STR("A77"), &no), HY_ENOTFOUND);
    cr_assert_eq(hy_attr_count(&t, &n), HY_OK);
    cr_expect_eq(n, HY_ATTR_MAX);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_env_close(env);
    store_dir_remove(&d);
}
