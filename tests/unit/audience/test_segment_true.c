#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/audience/segment.h"

#define NOW ((hy_wall_ms)1796000000000) /* 2026-11-30T00:53:20Z */
#define DAY ((hy_wall_ms)86400000)

struct attribute {
    const char *name, *value;
};

static const struct attribute kuro[] = {
    {"name", "Kuro"},        {"country", "jp"},
    {"age", " 042 "},        {"debt", "-7.50"},
    {"vip", "Yes"},          {"off", "no"},
    {"born", "1984-11-30"},  {"joined", "2026-11-01T12:00:00+09:00"},
    {"today", "2026-11-30"}, {"tomorrow", "2026-12-01"},
    {"junk", "12 apples"},   {0},
};

struct deed {
    enum hy_activity_kind kind;
    hy_wall_ms at;
    const char *url, *amount;
};

static const struct deed deeds[] = {
    {HY_ACTIVITY_CLICK, NOW - 40 * DAY, "https://shop.example/Pricing?a=1", NULL},
    {HY_ACTIVITY_CLICK, NOW - 2 * DAY, "https://shop.example/pricing", NULL},
    {HY_ACTIVITY_CLICK, NOW - DAY, "https://shop.example/", NULL},
    {HY_ACTIVITY_ORDER, NOW - 100 * DAY, NULL, "4999"},
    {HY_ACTIVITY_ORDER, NOW - 30 * DAY, NULL, "5000"},
};

static struct hy_str attribute(void *ctx, struct hy_str name)
{
    for (const struct attribute *a = ctx; a->name; a++)
        if (hy_str_eq(hy_str_of(a->name), name))
            return hy_str_of(a->value);
    return HY_STR("");
}

static bool is_member(void *ctx, enum hy_segment_group group, struct hy_str name)
{
    (void)ctx;
    return group == HY_SEGMENT_TAG && hy_str_eq(name, HY_STR("cat"));
}

static struct hy_str value_of(void *ctx, struct hy_str key)
{
    const struct deed *d = ctx;
    return hy_str_eq(key, HY_STR("url"))      ? hy_str_of(d->url)
           : hy_str_eq(key, HY_STR("amount")) ? hy_str_of(d->amount)
                                              : HY_STR("");
}

static uint32_t count(void *ctx, const struct hy_segment_node *did, hy_wall_ms from,
                      hy_wall_ms until, uint32_t enough)
{
    uint32_t n = 0;
    (void)ctx;
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds && n < enough; i++) {
        struct hy_segment_deed d = {value_of, (void *)(uintptr_t)&deeds[i]};
        n += deeds[i].kind == did->did && deeds[i].at >= from && deeds[i].at < until &&
             hy_segment_matches(did, &d);
    }
    return n;
}

static void check(const char *text, bool expected, const struct hy_zone *zone)
{
    struct hy_arena a = HY_ARENA_INIT(1 << 20);
    struct hy_diag diag = {0};
    const struct hy_segment_node *n;
    struct hy_segment_facts f = {.ctx = (void *)(uintptr_t)kuro,
                                 .attribute = attribute,
                                 .is_member = is_member,
                                 .count = count,
                                 .now = NOW,
                                 .zone = zone};
    cr_assert_eq(hy_segment_parse(hy_str_of(text), &a, &diag, &n), HY_OK, "%s: %s", text,
                 diag.text);
    cr_expect_eq(hy_segment_is_true(n, &f), expected, "%s", text);
    hy_arena_free(&a);
}

Test(segment_true, says_what_holds_of_a_lead)
{
    static const char *const holds[] = {
        "name = \"kuro\"",
        "name != \"shiro\"",
        "nothing != \"shiro\"",
        "country in (\"FR\", \"JP\")",
        "age = 42",
        "age > 41.5 and age < 43",
        "debt <= -7.5",
        "vip = true",
        "off = false",
        "nothing = false",
        "name contains \"UR\"",
        "name starts with \"ku\"",
        "name ends with \"RO\"",
        "name is set",
        "nothing is empty",
        "tag(\"cat\")",
        "born before 1990-01-01",
        "born = 1984-11-30",
        "born <= 1984-11-30",
        "born >= 1984-11-30",
        "joined after 2026-11-01T03:00Z",
        "joined = 2026-11-01",
        "joined within 30d",
        "born older than 30d",
        "today within 1d",
        "junk != 12",
        "clicked() >= 3",
        "clicked(url: \"*/pricing*\") = 2",
        "clicked(within 30d) < 3",
        "clicked(url: \"*/pricing*\", within 30d) = 1",
        "clicked(before 2026-11-01)",
        "clicked(url != \"*/pricing*\") = 1",
        "ordered(amount >= 5000) = 1",
        "ordered(since 2026-08-22, before 2026-08-23) = 1",
        "opened() = 0",
        "ordered() != 3",
        "not ordered(within 29d)",
        "not (tag(\"dog\") or list(\"cat\"))",
        "tag(\"dog\") or name = \"Kuro\" and age = 42",
    };
    static const char *const does_not[] = {
        "name = \"shiro\"",
        "country not in (\"JP\")",
        "age = 43",
        "age > 42",
        "junk = 12",
        "junk > 0",
        "nothing = true",
        "nothing < 5",
        "nothing before 2030-01-01",
        "tomorrow within 30d",
        "tomorrow older than 1d",
        "born > 1984-11-30",
        "born < 1984-11-30",
        "joined within 20d",
        "tag(\"dog\")",
        "list(\"cat\")",
        "clicked() > 3",
        "clicked() = 4",
        "clicked(url: \"pricing\")",
        "ordered(amount > 5000)",
        "opened()",
        "not tag(\"cat\")",
        "(tag(\"dog\") or name = \"Kuro\") and age = 43",
    };
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++)
        check(holds[i], true, NULL);
    for (size_t i = 0; i < sizeof does_not / sizeof *does_not; i++)
        check(does_not[i], false, NULL);
}

/* In Tokyo the first click of 28 November (UTC) fell on the same day, nine hours later by the
 * clock; a moment is the same everywhere. */
Test(segment_true, days_begin_in_the_installations_zone)
{
    struct hy_zone *tokyo;
    cr_assert_eq(hy_zone_find(HY_STR("Asia/Tokyo"), &tokyo), HY_OK);
    check("joined = 2026-11-01", true, tokyo);
    check("joined before 2026-11-01T12:00+09:00", false, tokyo);
    check("joined before 2026-11-01T12:01+09:00", true, tokyo);
    /* NOW is 09:53 of the 30th in Tokyo: its midnight was 15:00 of the 29th in UTC */
    check("clicked(since 2026-11-29) = 1", true, tokyo);
    check("clicked(since 2026-11-29) = 1", true, NULL);
    check("clicked(before 2026-11-28T09:53:20+09:00) = 1", true, tokyo);
    hy_zone_free(tokyo);
}

Test(segment_true, a_star_stands_for_anything)
{
    static const struct {
        const char *pattern, *text;
        bool is_like;
    } cases[] = {
        {"*", "", true},         {"**", "abc", true},
        {"a*c", "abbbc", true},  {"a*c", "abbbd", false},
        {"*b*b*", "abcb", true}, {"*b*b*", "abc", false},
        {"", "", true},          {"", "a", false},
        {"a", "", false},        {"*aab", "aaaaaab", true},
        {"ABC", "abc", true},    {"a*", "ba", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_segment_filter f = {.key = HY_STR("url"), .op = HY_SEGMENT_EQ};
        struct hy_segment_node n = {.kind = HY_SEGMENT_DID, .filters = &f, .n_filters = 1};
        struct deed d = {.url = cases[i].text};
        struct hy_segment_deed deed = {value_of, &d};
        f.value.text = hy_str_of(cases[i].pattern);
        cr_expect_eq(hy_segment_matches(&n, &deed), cases[i].is_like, "%s of %s", cases[i].pattern,
                     cases[i].text);
    }
}
