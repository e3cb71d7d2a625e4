#include "hayauma/store/templates.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"

TestSuite(templates, .init = case_open, .fini = case_close);

static struct hy_stored_template template(const char *name, const char *text)
{
    return (struct hy_stored_template){.name = hy_str_of(name),
                                       .by = HY_STR("test"),
                                       .subject = HY_STR("Hi {{name}}"),
                                       .text = hy_str_of(text)};
}

/* The version it became, or the error. */
static int put(uint32_t tenant, const char *name, const char *text)
{
    struct hy_txn t = case_write();
    struct hy_stored_template m = template(name, text);
    enum hy_template_did did = 0;
    int err = hy_template_put(&t, tenant, &m, &did);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err ? err : (int)m.version;
}

static int del(uint32_t tenant, const char *name)
{
    struct hy_txn t = case_write();
    int err = hy_template_del(&t, tenant, hy_str_of(name));
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

/* Its text, or NULL. */
static const char *text_of(uint32_t tenant, const char *name, uint32_t version, char out[128])
{
    struct hy_txn t;
    struct hy_buf room = HY_BUF_INIT(HY_TEMPLATE_BYTES_MAX);
    struct hy_stored_template m;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_template_get(&t, tenant, hy_str_of(name), version, &room, &m);
    hy_txn_end(&t);
    if (err == 0)
        snprintf(out, 128, "%.*s", HY_STR_ARG(m.text));
    hy_buf_free(&room);
    cr_assert(err == 0 || err == HY_ENOTFOUND, "%s", hy_err_name(err));
    return err ? NULL : out;
}

static struct hy_templates_used used(uint32_t tenant)
{
    struct hy_txn t;
    struct hy_templates_used u;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_templates_used(&t, tenant, &u), 0);
    hy_txn_end(&t);
    return u;
}

Test(templates, each_change_is_a_version_and_the_last_ten_stay)
{
    char text[128], out[128];
    for (int i = 1; i <= 13; i++) {
        snprintf(text, sizeof text, "text %d", i);
        cr_expect_eq(put(7, "order", text), i);
        cr_expect_eq(put(7, "order", text), i, "the same again is no version");
    }
    cr_expect_str_eq(text_of(7, "order", 0, out), "text 13");
    cr_expect_str_eq(text_of(7, "order", 4, out), "text 4");
    cr_expect_null(text_of(7, "order", 3, out));
    cr_expect_null(text_of(7, "order", 14, out));
    cr_expect_null(text_of(7, "orde", 0, out));
    cr_expect_eq(used(7).n, 1);
    cr_expect_eq(case_problems(), 0);
    cr_expect_eq(del(7, "order"), 0);
    cr_expect_eq(del(7, "order"), HY_ENOTFOUND);
    cr_expect_null(text_of(7, "order", 0, out));
    cr_expect_eq(used(7).n, 0);
    cr_expect_eq(used(7).bytes, 0);
    cr_expect_eq(case_problems(), 0);
}

Test(templates, tenants_and_names_that_begin_alike_stay_apart)
{
    static const char *const names[] = {"a", "a-b", "a.b", "a0", "ab"}; /* as they sort */
    char out[128];
    for (size_t i = 0; i < 5; i++) {
        put(1, names[i], "one");
        put(2, names[i], names[i]);
    }
    cr_expect_eq(del(1, "a"), 0);
    for (uint32_t tenant = 0; tenant < 4; tenant++) {
        struct hy_txn t;
        struct hy_stored_template m = {.name = HY_STR("")};
        size_t n = tenant == 1;
        cr_assert_eq(hy_txn_read(env, &t), 0);
        while (hy_template_next(&t, tenant, m.name, &m) == 0)
            cr_expect(hy_str_eq(m.name, hy_str_of(names[n++])), "tenant %u: %.*s", tenant,
                      HY_STR_ARG(m.name));
        hy_txn_end(&t);
        cr_expect_eq(n, tenant == 1 || tenant == 2 ? 5 : 0);
    }
    cr_expect_null(text_of(1, "a", 0, out));
    cr_expect_str_eq(text_of(2, "a", 0, out), "a");
    cr_expect_str_eq(text_of(1, "a-b", 0, out), "one");
    cr_expect_eq(case_problems(), 0);
}

Test(templates, what_is_too_much_or_none_is_refused)
{
    static const struct {
        const char *name, *text;
        int want;
    } cases[] = {
        {"", "x", HY_EINVAL},    {"-a", "x", HY_EINVAL},           {"a b", "x", HY_EINVAL},
        {"a/b", "x", HY_EINVAL}, {"\xe6\x97\xa9", "x", HY_EINVAL}, {"order", "", HY_EINVAL},
        {"A.b_c-9", "x", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(put(1, cases[i].name, cases[i].text), cases[i].want, "'%s'", cases[i].name);
    char *large = malloc(HY_TEMPLATE_TEXT_MAX + 2), name[HY_TEMPLATE_NAME_MAX + 2];
    memset(large, 'x', HY_TEMPLATE_TEXT_MAX + 1);
    large[HY_TEMPLATE_TEXT_MAX + 1] = '\0';
    memset(name, 'n', sizeof name);
    name[HY_TEMPLATE_NAME_MAX + 1] = '\0';
    cr_expect_eq(put(1, "large", large), HY_ELIMIT);
    large[HY_TEMPLATE_TEXT_MAX] = '\0';
    cr_expect_eq(put(1, name, "x"), HY_EINVAL);
    name[HY_TEMPLATE_NAME_MAX] = '\0';
    cr_expect_eq(put(1, name, "x"), 1);
    free(large);
}

Test(templates, a_tenant_has_so_many_and_so_many_bytes)
{
    char name[32], *large = malloc(HY_TEMPLATE_TEXT_MAX + 1);
    int n = 0;
    memset(large, 'x', HY_TEMPLATE_TEXT_MAX);
    large[HY_TEMPLATE_TEXT_MAX] = '\0';
    do
        snprintf(name, sizeof name, "t%d", n++);
    while (put(1, name, large) == 1);
    cr_expect_eq(n, HY_TEMPLATES_BYTES_MAX / HY_TEMPLATE_TEXT_MAX, "%d of a mebibyte", n);
    cr_expect_eq(put(2, name, "x"), 1, "another tenant has its own");
    cr_expect_eq(case_problems(), 0);
    free(large);
}

Test(templates, the_audit_finds_a_version_that_is_not_whole)
{
    put(3, "order", "x");
    struct hy_txn t = case_write();
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_TEMPLATES, &c), 0);
    cr_assert_eq(hy_cursor_last(&c), 0);
    cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(case_problems(), 2, "the version, and its bytes");
}
