#include <criterion/criterion.h>
#include <stdlib.h>

#include "hayauma/track/told.h"

static const hy_wall_ms now = 1795348800000; /* 2026-11-22T12:00:00Z */

static int read_text(const char *text, struct hy_told *ret, struct hy_told_fault *fault)
{
    static struct hy_arena arena; /* what was read stays until the next one */
    static json_t *o;
    hy_arena_free(&arena);
    arena = HY_ARENA_INIT(1 << 20);
    json_decref(o);
    o = json_loads(text, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(o, "%s", text);
    return hy_told_read(o, now, &arena, ret, fault);
}

Test(told, has_every_field_that_was_said)
{
    struct hy_told x = {0};
    struct hy_told_fault f = {0};
    cr_assert_eq(read_text("{\"kind\":\"offline\",\"email\":\"taro@example.jp\",\"visitor\":"
                           "\"0000000000011\",\"at\":\"2026-11-20T18:00+09:00\",\"name\":"
                           "\"展示会\",\"url\":\"https://example.jp/\",\"meta\":{\"booth\": 7},"
                           "\"percent\":75,\"source\":\"crm\",\"id\":\"crm:17\",\"phone\":null}",
                           &x, &f),
                 HY_OK, "%s: %s", f.field, f.message);
    cr_assert_eq(x.kind, HY_ACTIVITY_OFFLINE);
    cr_assert_eq(x.by, HY_TOLD_EMAIL);
    cr_assert(hy_str_eq(x.who, HY_STR("taro@example.jp")));
    cr_assert_eq(x.visitor, 33);
    cr_assert_eq(x.at, 1795165200000);
    struct hy_activity a = hy_told_activity(&x);
    cr_assert(hy_str_eq(a.text, HY_STR("展示会")));
    cr_assert(hy_str_eq(a.url, HY_STR("https://example.jp/")));
    cr_assert(hy_str_eq(a.meta, HY_STR("{\"booth\":7}")));
    cr_assert(hy_str_eq(a.source, HY_STR("crm")));
    cr_assert(hy_str_eq(a.ref, HY_STR("crm:17")));
    cr_assert_eq(a.link, 75);
    cr_assert_eq(a.visitor, 33);
    cr_assert_eq(a.lead, 0);
}

Test(told, names_the_lead_in_one_way)
{
    static const struct {
        const char *text;
        enum hy_told_by by;
    } cases[] = {
        {"{\"kind\":\"page-view\",\"url\":\"/\",\"lead\":4294967295}", HY_TOLD_LEAD},
        {"{\"kind\":\"page-view\",\"url\":\"/\",\"external_id\":\"crm:1\"}", HY_TOLD_EXTERNAL},
        {"{\"kind\":\"page-view\",\"url\":\"/\",\"line_id\":\"U1\"}", HY_TOLD_LINE},
        {"{\"kind\":\"page-view\",\"url\":\"/\",\"phone\":\"03-1234\"}", HY_TOLD_PHONE},
        {"{\"kind\":\"page-view\",\"url\":\"/\",\"visitor\":\"0000000000011\"}", HY_TOLD_NOBODY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_told x = {0};
        struct hy_told_fault f = {0};
        cr_assert_eq(read_text(cases[i].text, &x, &f), HY_OK, "%s: %s", cases[i].text, f.message);
        cr_assert_eq(x.by, cases[i].by, "%s", cases[i].text);
    }
}

Test(told, that_is_wrong_says_where_and_leaves_the_output_alone)
{
    static const struct {
        const char *text, *code, *field;
    } cases[] = {
        {"7", "invalid_type", ""},
        {"{}", "missing_field", "kind"},
        {"{\"kind\":\"dance\"}", "unknown_kind", "kind"},
        {"{\"kind\":\"delivered\",\"lead\":1}", "unknown_kind", "kind"},
        {"{\"kind\":\"click\",\"lead\":1}", "unknown_kind", "kind"},
        {"{\"kind\":\"segment-entered\",\"lead\":1}", "unknown_kind", "kind"},
        {"{\"kind\":7}", "invalid_type", "kind"},
        {"{\"kind\":\"custom\",\"lead\":1}", "missing_field", "name"},
        {"{\"kind\":\"page-view\",\"lead\":1}", "missing_field", "url"},
        {"{\"kind\":\"download\",\"lead\":1}", "missing_field", "url"},
        {"{\"kind\":\"order\"}", "missing_field", "lead"},
        {"{\"kind\":\"identify\",\"lead\":1}", "missing_field", "visitor"},
        {"{\"kind\":\"identify\",\"visitor\":\"0000000000011\"}", "missing_field", "lead"},
        {"{\"kind\":\"order\",\"lead\":0}", "invalid_value", "lead"},
        {"{\"kind\":\"order\",\"lead\":4294967296}", "invalid_value", "lead"},
        {"{\"kind\":\"order\",\"lead\":1,\"email\":\"a@b.jp\"}", "conflicting_fields", "email"},
        {"{\"kind\":\"order\",\"visitor\":\"x\"}", "invalid_value", "visitor"},
        {"{\"kind\":\"order\",\"visitor\":\"0000000000000\"}", "invalid_value", "visitor"},
        {"{\"kind\":\"order\",\"lead\":1,\"at\":\"yesterday\"}", "invalid_value", "at"},
        {"{\"kind\":\"order\",\"lead\":1,\"at\":\"2026-11-22T12:10:01Z\"}", "in_future", "at"},
        {"{\"kind\":\"order\",\"lead\":1,\"percent\":101}", "invalid_value", "percent"},
        {"{\"kind\":\"order\",\"lead\":1,\"meta\":[]}", "invalid_type", "meta"},
        {"{\"kind\":\"order\",\"lead\":1,\"name\":\"a\\nb\"}", "invalid_value", "name"},
        {"{\"kind\":\"order\",\"lead\":1,\"id\":\"\"}", "invalid_value", "id"},
        {"{\"kind\":\"order\",\"lead\":1,\"colour\":1}", "unknown_field", "colour"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_told x = {.lead = 99};
        struct hy_told_fault f = {.code = ""};
        cr_assert_eq(read_text(cases[i].text, &x, &f), HY_EINVAL, "%s", cases[i].text);
        cr_assert_str_eq(f.code, cases[i].code, "%s", cases[i].text);
        cr_assert_str_eq(f.field, cases[i].field, "%s", cases[i].text);
        cr_assert(f.message[0]);
        cr_assert_eq(x.lead, 99);
    }
}

Test(told, ten_minutes_ahead_are_allowed_and_long_ago_as_well)
{
    struct hy_told x = {0};
    struct hy_told_fault f = {0};
    cr_assert_eq(
        read_text("{\"kind\":\"order\",\"lead\":1,\"at\":\"2026-11-22T12:10:00Z\"}", &x, &f),
        HY_OK);
    cr_assert_eq(
        read_text("{\"kind\":\"order\",\"lead\":1,\"at\":\"1999-01-01T00:00:00Z\"}", &x, &f),
        HY_OK);
}

Test(told, texts_and_meta_have_limits)
{
    static const struct {
        const char *field;
        size_t max;
    } cases[] = {{"name", HY_TOLD_NAME_MAX},
                 {"url", HY_ACTIVITY_URL_MAX},
                 {"id", HY_ACTIVITY_REF_MAX},
                 {"source", HY_ACTIVITY_SOURCE_MAX},
                 {"email", HY_TOLD_WHO_MAX}};
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t more = 0; more <= 1; more++) {
            struct hy_told x;
            struct hy_told_fault f;
            char *s = calloc(1, cases[i].max + 2);
            memset(s, 'x', cases[i].max + more);
            json_t *o = json_pack("{s:s,s:s,s:s}", "kind", "order", "visitor", "0000000000011",
                                  cases[i].field, s);
            cr_assert_eq(hy_told_read(o, now, &arena, &x, &f), more ? HY_EINVAL : HY_OK, "%s",
                         cases[i].field);
            json_decref(o);
            free(s);
        }
    }
    char *s = calloc(1, HY_ACTIVITY_META_MAX + 1);
    struct hy_told x;
    struct hy_told_fault f;
    memset(s, 'x', HY_ACTIVITY_META_MAX);
    json_t *o = json_pack("{s:s,s:i,s:{s:s}}", "kind", "order", "lead", 1, "meta", "k", s);
    cr_assert_eq(hy_told_read(o, now, &arena, &x, &f), HY_EINVAL);
    cr_assert_str_eq(f.code, "too_large");
    json_decref(o);
    free(s);
    hy_arena_free(&arena);
}
