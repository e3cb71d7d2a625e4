#include <criterion/criterion.h>

#include "openapi.h"
#include "web_priv.h"

Test(counters, the_codes_that_are_counted_are_those_of_the_document)
{
    json_t *doc = json_loadb((const char *)web_openapi, web_openapi_n, 0, NULL), *told = doc;
    static const char *const way[] = {"components", "schemas", "Problem",
                                      "properties", "code",    "enum"};
    for (size_t i = 0; i < sizeof way / sizeof *way; i++)
        told = json_object_get(told, way[i]);
    size_t n = 1; /* behind "other" */
    for (; hy_web_code_name(n); n++)
        cr_expect_str_eq(hy_web_code_name(n), json_string_value(json_array_get(told, n - 1)));
    cr_expect_eq(json_array_size(told), n - 1);
    cr_expect_str_eq(hy_web_code_name(0), "other");
    json_decref(doc);
}

Test(counters, refusals_are_counted_by_their_code_and_strange_ones_as_other)
{
    struct hy_web *w = calloc(1, sizeof *w);
    web_count_refusal(w, "over_quota");
    web_count_refusal(w, "over_quota");
    web_count_refusal(w, "something_new");
    cr_expect_eq(hy_web_refused(&w->counters, "over_quota"), 2);
    cr_expect_eq(hy_web_refused(&w->counters, "other"), 1);
    cr_expect_eq(hy_web_refused(&w->counters, "something_new"), 0);
    free(w);
}

Test(counters, answers_are_counted_by_their_route)
{
    struct hy_web *w = calloc(1, sizeof *w);
    struct hy_http_call h = {.status = 202, .began = hy_clock_us()};
    struct web_call c = {.web = w, .http = &h, .arena = HY_ARENA_INIT(65536)};
    char allow[80];
    const char *method = "", *path = "";
    web_count_answer(w, &c);
    cr_assert_eq(web_route_find(&c, HY_STR("GET"), HY_STR("/v1/token"), allow), HY_OK);
    h.status = 429;
    web_count_answer(w, &c);
    h.status = 0; /* nobody was there to be answered */
    web_count_answer(w, &c);
    cr_assert(hy_web_route_name(c.route_no, &method, &path));
    cr_expect_str_eq(method, "GET");
    cr_expect_str_eq(path, "/v1/token");
    cr_expect_eq(hy_count_read(&w->counters.routes[0].by_class[2]), 1, "no route");
    cr_expect_eq(hy_count_read(&w->counters.routes[c.route_no].by_class[4]), 1);
    cr_expect_eq(hy_web_requests(&w->counters, 0), 2);
    cr_expect_eq(hy_web_requests(&w->counters, 4), 1);
    hy_arena_free(&c.arena);
    free(w);
}

Test(counters, every_route_has_a_place)
{
    const char *method, *path;
    size_t n = 0;
    while (hy_web_route_name(n, &method, &path))
        n++;
    cr_expect_leq(n, (size_t)HY_WEB_ROUTES_MAX);
}
