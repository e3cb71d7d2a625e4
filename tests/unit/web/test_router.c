#include <criterion/criterion.h>

#include "web_priv.h"

Test(router, finds_a_route_by_method_and_path)
{
    static const struct {
        const char *method, *path;
        int want;
        const char *allow;
    } cases[] = {
        {"GET", "/v1/token", HY_OK, ""},
        {"HEAD", "/v1/token", HY_OK, ""},
        {"POST", "/v1/token", HY_EUNSUPPORTED, "GET"},
        {"get", "/v1/token", HY_EUNSUPPORTED, "GET"},
        {"GET", "/v1/leads/7", HY_OK, ""},
        {"POST", "/v1/leads/batch", HY_OK, ""},
        {"GET", "/v1/leads/batch", HY_EUNSUPPORTED, "POST"}, /* no lead of that name */
        {"GET", "/v1/token/", HY_ENOTFOUND, ""},
        {"GET", "/v1//token", HY_ENOTFOUND, ""},
        {"GET", "/V1/token", HY_ENOTFOUND, ""},
        {"GET", "/", HY_ENOTFOUND, ""},
        {"GET", "/v1", HY_ENOTFOUND, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct web_call c = {.arena = HY_ARENA_INIT(65536)};
        char allow[80];
        int err = web_route_find(&c, hy_str_of(cases[i].method), hy_str_of(cases[i].path), allow);
        cr_expect_eq(err, cases[i].want, "%s %s", cases[i].method, cases[i].path);
        cr_expect_eq(c.route != NULL, err == HY_OK);
        if (cases[i].allow[0])
            cr_expect_str_eq(allow, cases[i].allow);
        hy_arena_free(&c.arena);
    }
}

Test(router, every_route_has_a_path_and_a_handler_of_its_own)
{
    for (const struct web_route *const *t = web_tables; *t; t++) {
        for (const struct web_route *r = *t; r->method; r++) {
            struct web_call c = {.arena = HY_ARENA_INIT(65536)};
            char allow[80];
            cr_expect(hy_str_starts(hy_str_of(r->path), HY_STR("/v1/")), "%s", r->path);
            cr_expect_not_null(r->fn);
            cr_expect_eq(web_route_find(&c, hy_str_of(r->method), hy_str_of(r->path), allow),
                         HY_OK);
            cr_expect_eq(c.route, r, "%s %s is behind another", r->method, r->path);
            hy_arena_free(&c.arena);
        }
    }
}

Test(router, percent_signs_are_undone_strictly)
{
    static const struct {
        const char *in;
        bool is_query;
        int want;
        const char *out;
    } cases[] = {
        {"plain", false, HY_OK, "plain"}, {"a%20b%e6%97%A9", false, HY_OK, "a b早"},
        {"a+b", false, HY_OK, "a+b"},     {"a+b", true, HY_OK, "a b"},
        {"%2f", false, HY_EPARSE, ""},    {"%2f", true, HY_OK, "/"},
        {"%00", true, HY_EPARSE, ""},     {"%", true, HY_EPARSE, ""},
        {"%4", true, HY_EPARSE, ""},      {"%4g", true, HY_EPARSE, ""},
        {"%41", true, HY_OK, "A"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_arena arena = HY_ARENA_INIT(65536);
        struct hy_str out = {0};
        int err = web_decode(&arena, hy_str_of(cases[i].in), cases[i].is_query, &out);
        cr_expect_eq(err, cases[i].want, "%s", cases[i].in);
        cr_expect(hy_str_eq(out, hy_str_of(cases[i].out)), "%s", cases[i].in);
        hy_arena_free(&arena);
    }
}
