#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/shape/tenant.h"

static struct hy_arena arena = HY_ARENA_INIT(16 << 20);

static void tear_down(void)
{
    hy_arena_free(&arena);
}

TestSuite(tenant, .fini = tear_down);

static void no_clash(void *ctx, enum hy_tenants_clash kind, size_t first, size_t second,
                     const char *domain)
{
    (void)ctx, (void)first, (void)second;
    cr_assert_fail("clash %d %s", (int)kind, domain);
}

#define DOMAINS(...)                                                                               \
    {                                                                                              \
        (const char *const[]){__VA_ARGS__},                                                        \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)                      \
    }

static const struct hy_tenant some[] = {
    {.number = 70, .name = "shop", .domains = DOMAINS("shop.example", "*.shop.example")},
    {.number = 3, .name = "news", .domains = DOMAINS("*.example", "a.news.shop.example")},
    {.number = 12, .name = "any", .domains = DOMAINS("*", "own.test")},
    {.number = 5, .name = "mute"},
};

static struct hy_tenants make(const struct hy_tenant *items, size_t n)
{
    struct hy_tenants t = {.items = items, .n = n};
    cr_assert_eq(hy_tenants_index(&t, &arena, no_clash, NULL), HY_OK);
    return t;
}

Test(tenant, is_found_by_number_and_by_name)
{
    struct hy_tenants t = make(some, 4);
    for (size_t i = 0; i < 4; i++) {
        char text[12];
        snprintf(text, sizeof text, "%u", some[i].number);
        cr_expect_eq(hy_tenant_by_number(&t, some[i].number), &some[i]);
        cr_expect_eq(hy_tenant_by_name(&t, hy_str_of(some[i].name)), &some[i]);
        cr_expect_eq(hy_tenant_find(&t, hy_str_of(some[i].name)), &some[i]);
        cr_expect_eq(hy_tenant_find(&t, hy_str_of(text)), &some[i]);
    }
    static const uint32_t nobody[] = {1, 4, 69, 71, UINT32_MAX};
    for (size_t i = 0; i < 5; i++)
        cr_expect_null(hy_tenant_by_number(&t, nobody[i]));
    static const char *const names[] = {"", "sho", "shop2", "a", "zzz", "71"};
    for (size_t i = 0; i < 6; i++)
        cr_expect_null(hy_tenant_find(&t, hy_str_of(names[i])), "%s", names[i]);
}

Test(tenant, the_installation_is_always_there)
{
    struct hy_tenants none = make(NULL, 0);
    const struct hy_tenant *d = hy_tenant_by_number(&none, 0);
    cr_assert_not_null(d);
    cr_assert_str_eq(d->name, "default");
    cr_expect_eq(hy_tenant_by_name(&none, HY_STR("default")), d);
    cr_expect(hy_tenant_may_use(&none, d, HY_STR("example.net")));
    cr_expect(d->has_installation_keys);
    static const struct hy_tenant own[] = {{.number = 9, .name = "x"},
                                           {.number = 0, .name = "default", .weight = 30}};
    struct hy_tenants t = make(own, 2);
    cr_expect_eq(hy_tenant_by_number(&t, 0), &own[1]);
    cr_expect_eq(hy_tenant_by_name(&t, HY_STR("default")), &own[1]);
}

Test(tenant, a_domain_is_of_whoever_names_it_nearest)
{
    struct hy_tenants t = make(some, 4);
    static const struct {
        const char *domain;
        int owner; /* index; -1: nobody's */
    } cases[] = {
        {"shop.example", 0},
        {"SHOP.Example", 0},
        {"a.shop.example", 0},
        {"b.a.shop.example", 0},
        {"a.news.shop.example", 1},
        {"x.a.news.shop.example", 0},
        {"other.example", 1},
        {"deep.other.example", 1},
        {"example", -1},
        {"own.test", 2},
        {"a.own.test", -1},
        {"xshop.example", 1},
        {"shop.example.test", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_str domain = hy_str_of(cases[i].domain);
        int owner = cases[i].owner;
        cr_expect_eq(hy_tenant_owner(&t, domain), owner < 0 ? NULL : &some[owner], "%s",
                     cases[i].domain);
        for (int k = 0; k < 4; k++)
            cr_expect_eq(hy_tenant_may_use(&t, &some[k], domain), owner < 0 ? k == 2 : k == owner,
                         "%s %s", cases[i].domain, some[k].name);
        cr_expect_eq(hy_tenant_may_use(&t, hy_tenant_by_number(&t, 0), domain), owner < 0, "%s",
                     cases[i].domain);
    }
}

static const struct hy_tenant twice[] = {
    {.number = 1, .name = "a", .domains = DOMAINS("x.test", "*.y.test", "z.test", "z.test")},
    {.number = 2, .name = "b", .domains = DOMAINS("y.test", "*.x.test", "*")},
    {.number = 1, .name = "b", .domains = DOMAINS("*.y.test", "X.test", "*")},
};

struct clashes {
    char text[200];
};

static void note_clash(void *ctx, enum hy_tenants_clash kind, size_t first, size_t second,
                       const char *domain)
{
    struct clashes *c = ctx;
    size_t n = strlen(c->text);
    snprintf(c->text + n, sizeof c->text - n, "%d:%zu,%zu:%s ", (int)kind, first, second, domain);
}

Test(tenant, what_two_claim_is_told)
{
    struct hy_tenants t = {.items = twice, .n = 3};
    struct clashes c = {""};
    cr_assert_eq(hy_tenants_index(&t, &arena, note_clash, &c), HY_EEXIST);
    cr_expect_str_eq(c.text, "1:0,2: 2:1,2: 3:0,2:X.test 3:0,2:y.test ");
}

Test(tenant, ten_thousand_are_found)
{
    static struct hy_tenant many[HY_TENANTS_MAX];
    static char names[HY_TENANTS_MAX][16], domains[HY_TENANTS_MAX][24];
    static const char *list[HY_TENANTS_MAX];
    for (uint32_t i = 0; i < HY_TENANTS_MAX; i++) {
        uint32_t k = (i * 7919u) % HY_TENANTS_MAX;
        snprintf(names[i], sizeof names[i], "t%u", k);
        snprintf(domains[i], sizeof domains[i], "d%u.test", k);
        list[i] = domains[i];
        many[i] =
            (struct hy_tenant){.number = 3 * k + 1, .name = names[i], .domains = {&list[i], 1}};
    }
    struct hy_tenants t = make(many, HY_TENANTS_MAX);
    for (size_t i = 0; i < HY_TENANTS_MAX; i++) {
        cr_assert_eq(hy_tenant_by_number(&t, many[i].number), &many[i]);
        cr_assert_null(hy_tenant_by_number(&t, many[i].number + 1));
        cr_assert_eq(hy_tenant_by_name(&t, hy_str_of(names[i])), &many[i]);
        cr_assert_eq(hy_tenant_owner(&t, hy_str_of(domains[i])), &many[i]);
    }
}

Test(tenant, a_message_beyond_the_quota_by_itself_is_never_taken)
{
    static const struct hy_tenant_quota q = {
        .per_hour = 10, .per_day = 8, .rcpts = 5, .queued = 4, .size_bytes = 1000};
    static const struct {
        uint32_t rcpts;
        uint64_t size;
        enum hy_quota_kind kind;
        uint64_t limit;
    } cases[] = {
        {1, 1000, HY_QUOTA_NONE, 0}, {4, 1, HY_QUOTA_NONE, 0},   {1, 1001, HY_QUOTA_SIZE, 1000},
        {6, 1, HY_QUOTA_RCPTS, 5},   {5, 1, HY_QUOTA_QUEUED, 4}, {11, 1001, HY_QUOTA_SIZE, 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_quota_verdict v;
        bool fits = hy_quota_fits(&q, cases[i].rcpts, cases[i].size, &v);
        cr_expect_eq(fits, cases[i].kind == HY_QUOTA_NONE, "case %zu", i);
        cr_expect_eq(v.kind, cases[i].kind, "case %zu", i);
        cr_expect_eq(v.limit, cases[i].limit, "case %zu", i);
        cr_expect_eq(v.is_for_ever, !fits);
    }
    struct hy_quota_verdict v;
    static const struct hy_tenant_quota none = {0};
    cr_expect(hy_quota_fits(&none, UINT32_MAX, UINT64_MAX, &v));
}

Test(tenant, a_verdict_is_one_line_that_says_until_when)
{
    char out[HY_QUOTA_TEXT_MAX];
    static const struct {
        struct hy_quota_verdict v;
        const char *want;
    } cases[] = {
        {{HY_QUOTA_HOUR, false, 100, 1700000000000},
         "The quota of 100 recipients an hour is used up, try again at 2023-11-14T22:13:20Z"},
        {{HY_QUOTA_QUEUED, false, 7, 0},
         "The quota of 7 recipients waiting is used up, try again when mail has left"},
        {{HY_QUOTA_SIZE, true, 1000, 0},
         "The quota of 1000 bytes a message is less than this message"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(hy_quota_text(&cases[i].v, out), cases[i].want);
}
