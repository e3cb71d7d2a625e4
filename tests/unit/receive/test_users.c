#include <criterion/criterion.h>
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/receive/users.h"

#define HASH                                                                                       \
    "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy." \
    "g."

static const struct hy_tenant known[] = {{.number = 7, .name = "seven"}};
static struct hy_arena arena = HY_ARENA_INIT(65536);
static struct hy_tenants tenants = {.items = known, .n = 1};

static void no_clash(void *ctx, enum hy_tenants_clash kind, size_t first, size_t second,
                     const char *domain)
{
    (void)ctx, (void)kind, (void)first, (void)second;
    cr_assert_fail("%s", domain);
}

static void set_up(void)
{
    cr_assert_eq(hy_tenants_index(&tenants, &arena, no_clash, NULL), HY_OK);
}

static void tear_down(void)
{
    hy_arena_free(&arena);
}

TestSuite(users, .init = set_up, .fini = tear_down);

static struct hy_users *read_ok(const char *text)
{
    struct hy_users *u = NULL;
    struct hy_diag diag = {""};
    cr_assert_eq(hy_users_read(hy_str_of(text), &tenants, "users", &diag, &u), HY_OK, "%s",
                 diag.text);
    return u;
}

Test(users, lines_are_read_and_found)
{
    struct hy_users *u = read_ok("# a comment\n\nshop:" HASH ":example.net,*.example.org:7\r\n"
                                 " \xe5\xba\x97 : " HASH " : * ");
    const struct hy_user *shop = hy_users_find(u, HY_STR("shop"));
    cr_assert_not_null(shop);
    cr_assert_eq(shop->tenant, &known[0]);
    cr_assert_str_eq(shop->hash, HASH);
    const struct hy_user *any = hy_users_find(u, HY_STR("\xe5\xba\x97"));
    cr_assert_not_null(any);
    cr_assert_str_eq(any->tenant->name, HY_TENANT_DEFAULT);
    cr_assert_null(hy_users_find(u, HY_STR("Shop")));
    cr_assert_null(hy_users_find(u, HY_STR("")));
    static const struct {
        const char *domain;
        bool shop;
    } cases[] = {{"example.net", true},      {"EXAMPLE.net", true},   {"a.example.net", false},
                 {"example.org", false},     {"a.example.org", true}, {"a.b.example.org", true},
                 {"xexample.org", false},    {".example.org", false}, {"", false},
                 {"evil-example.net", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(hy_user_may_use(shop, hy_str_of(cases[i].domain)), cases[i].shop, "%s",
                     cases[i].domain);
        cr_assert(hy_user_may_use(any, hy_str_of(cases[i].domain)));
    }
    hy_users_free(u);
    hy_users_free(NULL);
}

Test(users, a_tenant_is_named_or_numbered)
{
    struct hy_users *u = read_ok("a:" HASH ":x:seven\nb:" HASH ":x:Seven\nc:" HASH ":x:default\n"
                                 "d:" HASH ":x:0\n");
    static const uint32_t want[] = {7, 7, 0, 0};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(hy_users_find(u, hy_str_make(&"abcd"[i], 1))->tenant->number, want[i]);
    hy_users_free(u);
}

Test(users, what_is_wrong_is_told_with_its_line)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"\nshop\n", "users:2:"},
        {"shop:" HASH "\n", "users:1:"},
        {"shop:" HASH ":x:1:2\n", "users:1:"},
        {":" HASH ":x\n", "users:1:"},
        {"shop:plain:x\n", "users:1:"},
        {"shop::x\n", "users:1:"},
        {"shop:!" HASH ":x\n", "users:1:"},
        {"shop:ab01FAX.bQRSU:x\n", "users:1:"},
        {"shop:" HASH ":\n", "users:1:"},
        {"shop:" HASH ": , \n", "users:1:"},
        {"shop:" HASH ":x:-1\n", "users:1:"},
        {"shop:" HASH ":x:536870912\n", "users:1:"},
        {"shop:" HASH ":x:8\n", "users:1: there is no tenant '8'"},
        {"shop:" HASH ":x:seven2\n", "users:1: there is no tenant 'seven2'"},
        {"shop:" HASH ":x\nshop:" HASH ":y\n", "shop is there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_users *u = NULL;
        struct hy_diag diag = {""};
        cr_assert_eq(hy_users_read(hy_str_of(cases[i].text), &tenants, "users", &diag, &u),
                     HY_EINVAL, "case %zu", i);
        cr_assert(strstr(diag.text, cases[i].want), "case %zu: %s", i, diag.text);
        cr_assert_null(strstr(diag.text, "$6$"), "a hash was told");
    }
}

#define KEY   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SCRAM "$scram-sha-256$4096$AAAAAAAAAAAAAAAAAAAAAA==$" KEY "$" KEY

Test(users, scram_is_known_when_all_have_a_verifier)
{
    static const struct {
        const char *text;
        size_t all, scram;
        bool knows;
    } cases[] = {
        {"a:" SCRAM ":x\nb:" SCRAM ":*:7\n", 2, 2, true},
        {"a:" SCRAM ":x\nb:" HASH ":x\n", 2, 1, false},
        {"a:" HASH ":x\n", 1, 0, false},
        {"", 0, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_users *u = read_ok(cases[i].text);
        size_t all = 9, scram = 9;
        hy_users_count(u, &all, &scram);
        cr_expect(all == cases[i].all && scram == cases[i].scram, "case %zu: %zu %zu", i, all,
                  scram);
        cr_expect_eq(hy_users_know_scram(u), cases[i].knows, "case %zu", i);
        hy_users_free(u);
    }
    cr_expect_not(hy_users_know_scram(NULL));
    struct hy_users *u = NULL;
    struct hy_diag diag = {""};
    cr_expect_eq(hy_users_read(HY_STR("a:$scram-sha-256$1$AAAA$" KEY "$" KEY ":x"), &tenants, "f",
                               &diag, &u),
                 HY_EINVAL);
    cr_expect(strstr(diag.text, "f:1:"), "%s", diag.text);
}

Test(users, who_is_not_there_is_like_somebody_who_is_and_always_the_same)
{
    struct hy_users *u = read_ok("a:" HASH ":x\nb:" SCRAM ":x\n"), *none = read_ok("");
    const struct hy_hash_key one = {1, 2}, other = {3, 4};
    bool differs = false, is_both[2] = {false, false};
    for (int i = 0; i < 64; i++) {
        char name[20];
        snprintf(name, sizeof name, "nobody%d", i);
        const struct hy_user *like = hy_users_like(u, &one, hy_str_of(name));
        cr_assert_eq(like, hy_users_like(u, &one, hy_str_of(name)));
        differs |= like != hy_users_like(u, &other, hy_str_of(name));
        is_both[like->scram != NULL] = true;
    }
    cr_expect(differs && is_both[0] && is_both[1]);
    cr_expect_null(hy_users_like(none, &one, HY_STR("a")));
    cr_expect_null(hy_users_like(NULL, &one, HY_STR("a")));
    hy_users_free(u);
    hy_users_free(none);
}

Test(users, a_password_is_found_right_by_either_kind_of_hash)
{
    char text[2][HY_USER_HASH_MAX], lines[2 * HY_USER_HASH_MAX + 20];
    struct crypt_data *room = calloc(1, sizeof *room);
    cr_assert_eq(hy_user_hash(HY_STR("secret"), text[0]), HY_OK);
    cr_assert_eq(hy_user_scram(HY_STR("secret"), text[1]), HY_OK);
    cr_assert_eq(hy_user_scram(HY_STR("s\xc3\xa9cret"), text[1]), HY_EINVAL);
    snprintf(lines, sizeof lines, "0:%s:x\n1:%s:x\n", text[0], text[1]);
    struct hy_users *u = read_ok(lines);
    for (int i = 0; i < 2; i++) {
        const struct hy_user *user = hy_users_find(u, hy_str_make(&"01"[i], 1));
        cr_assert_eq(user->scram != NULL, i == 1);
        cr_assert(hy_user_has(user, "secret", room));
        cr_assert_not(hy_user_has(user, "Secret", room));
        cr_assert_not(hy_user_has(user, "", room));
    }
    hy_users_free(u);
    free(room);
}

Test(users, many_users_are_found)
{
    char *text = malloc(3000 * 200);
    size_t at = 0;
    for (int i = 0; i < 3000; i++)
        at += (size_t)sprintf(text + at, "user%d:" HASH ":example.net\n", i);
    struct hy_users *u = read_ok(text);
    for (int i = 0; i < 3000; i++) {
        char name[20];
        snprintf(name, sizeof name, "user%d", i);
        cr_assert_not_null(hy_users_find(u, hy_str_of(name)));
    }
    cr_assert_null(hy_users_find(u, HY_STR("user3000")));
    hy_users_free(u);
    free(text);
}

Test(users, a_new_hash_is_salted_and_is_of_the_password)
{
    char a[HY_USER_HASH_MAX], b[HY_USER_HASH_MAX];
    struct crypt_data *data = calloc(1, sizeof *data);
    cr_assert_eq(hy_user_hash(HY_STR("secret"), a), HY_OK);
    cr_assert_eq(hy_user_hash(HY_STR("secret"), b), HY_OK);
    cr_assert_str_neq(a, b);
    cr_assert_str_eq(crypt_r("secret", a, data), a);
    cr_assert_str_neq(crypt_r("Secret", a, data), a);
    cr_assert_eq(hy_user_hash(HY_STR(""), a), HY_EINVAL);
    cr_assert_eq(hy_user_hash(HY_STR("a\0b"), a), HY_EINVAL);
    free(data);
}
