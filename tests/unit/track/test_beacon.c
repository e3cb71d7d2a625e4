#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/track/beacon.h"

static const hy_wall_ms now = 1795348800000;

static struct hy_beacon read_text(const char *text)
{
    struct hy_beacon b = {0};
    cr_assert_eq(hy_beacon_read(hy_str_of(text), now, &b), HY_OK, "%s", text);
    return b;
}

/* One event within a batch. */
static struct hy_beacon read_event(const char *event)
{
    char text[8192];
    snprintf(text, sizeof text, "{\"v\":1,\"i\":\"0000000000011\",\"e\":[%s]}", event);
    return read_text(text);
}

static char *dump(json_t *meta)
{
    static char *text;
    free(text);
    text = meta ? json_dumps(meta, JSON_COMPACT) : NULL;
    return text ? text : (text = strdup(""));
}

Test(beacon, has_visitor_token_and_events)
{
    struct hy_beacon b = read_text("{\"v\":1,\"i\":\"0000000000011\",\"t\":\"abc\",\"e\":[{\"k\":"
                                   "\"page\",\"u\":\"https://a.test/x\","
                                   "\"n\":\"Prices\",\"r\":\"https://search.test/\",\"a\":1500}]}");
    cr_assert_eq(b.visitor, 33);
    cr_assert(hy_str_eq(b.token, HY_STR("abc")));
    cr_assert_eq(b.n, 1);
    const struct hy_activity *a = &b.events[0].activity;
    cr_assert_eq(a->kind, HY_ACTIVITY_PAGE_VIEW);
    cr_assert_eq(a->at, now - 1500);
    cr_assert(hy_str_eq(a->url, HY_STR("https://a.test/x")));
    cr_assert(hy_str_eq(a->text, HY_STR("Prices")));
    cr_assert_str_eq(dump(b.events[0].meta), "{\"referrer\":\"https://search.test/\"}");
    hy_beacon_end(&b);
}

Test(beacon, knows_each_kind_and_what_it_needs)
{
#define U "\"u\":\"https://a.test/\""
    static const struct {
        const char *event;
        enum hy_activity_kind kind; /* 0: left out */
        const char *meta;
        uint32_t link;
    } cases[] = {
        {"{\"k\":\"page\"," U "}", HY_ACTIVITY_PAGE_VIEW, "", 0},
        {"{\"k\":\"page\"," U ",\"r\":\"javascript:alert(1)\"}", HY_ACTIVITY_PAGE_VIEW, "", 0},
        {"{\"k\":\"key\",\"n\":\"pricing\"," U "}", HY_ACTIVITY_KEY_PAGE, "", 0},
        {"{\"k\":\"key\"," U "}", 0, "", 0},
        {"{\"k\":\"download\",\"n\":\"a.pdf\"," U "}", HY_ACTIVITY_DOWNLOAD, "", 0},
        {"{\"k\":\"scroll\",\"p\":75," U "}", HY_ACTIVITY_SCROLL, "{\"percent\":75}", 75},
        {"{\"k\":\"scroll\",\"p\":101," U "}", 0, "", 0},
        {"{\"k\":\"scroll\",\"p\":\"75\"," U "}", 0, "", 0},
        {"{\"k\":\"video\",\"n\":\"tour\",\"p\":50," U "}", HY_ACTIVITY_VIDEO, "{\"percent\":50}",
         50},
        {"{\"k\":\"video\",\"p\":50," U "}", 0, "", 0},
        {"{\"k\":\"form\",\"n\":\"ask\",\"m\":{\"fields\":[\"name\",7,\"\",\"mail\"]}," U "}",
         HY_ACTIVITY_FORM_POST, "{\"fields\":[\"name\",\"mail\"]}", 0},
        {"{\"k\":\"custom\",\"n\":\"demo\",\"m\":{\"seats\":5,\"deep\":{\"a\":1}}," U "}",
         HY_ACTIVITY_CUSTOM, "{\"seats\":5}", 0},
        {"{\"k\":\"custom\",\"n\":\"demo\",\"m\":7," U "}", HY_ACTIVITY_CUSTOM, "", 0},
        {"{\"k\":\"identify\",\"n\":\"a@b.example\"," U "}", HY_ACTIVITY_IDENTIFY, "", 0},
        {"{\"k\":\"identify\",\"n\":\"nobody\"," U "}", 0, "", 0},
        {"{\"k\":\"order\",\"n\":\"x\"," U "}", 0, "", 0},
        {"{\"k\":\"open\"," U "}", 0, "", 0},
        {"{\"k\":7," U "}", 0, "", 0},
        {"{\"k\":\"page\"}", 0, "", 0},
        {"{\"k\":\"page\",\"u\":\"ftp://a.test/\"}", 0, "", 0},
        {"{\"k\":\"page\",\"u\":\"https://a.test/\\n\"}", 0, "", 0},
        {"{\"k\":\"key\",\"n\":\"a\\u001bb\"," U "}", 0, "", 0},
        {"[]", 0, "", 0},
        {"7", 0, "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_beacon b = read_event(cases[i].event);
        cr_assert_eq(b.n, cases[i].kind ? 1 : 0, "%s", cases[i].event);
        cr_assert_eq(b.left_out, cases[i].kind ? 0 : 1, "%s", cases[i].event);
        if (b.n) {
            cr_assert_eq(b.events[0].activity.kind, cases[i].kind, "%s", cases[i].event);
            cr_assert_eq(b.events[0].activity.link, cases[i].link, "%s", cases[i].event);
            cr_assert_str_eq(dump(b.events[0].meta), cases[i].meta, "%s", cases[i].event);
        }
        hy_beacon_end(&b);
    }
}

Test(beacon, an_age_that_cannot_be_is_none)
{
    static const char *const ages[] = {"-5", "600001", "1e300", "\"x\"", "null"};
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        char event[100];
        snprintf(event, sizeof event, "{\"k\":\"page\",\"u\":\"https://a.test/\",\"a\":%s}",
                 ages[i]);
        struct hy_beacon b = read_event(event);
        cr_assert_eq(b.events[0].activity.at, now, "%s", ages[i]);
        hy_beacon_end(&b);
    }
}

Test(beacon, that_is_none_is_refused)
{
    static const char *const cases[] = {"",
                                        "x",
                                        "[]",
                                        "{}",
                                        "{\"v\":2,\"e\":[]}",
                                        "{\"v\":1,\"e\":{}}",
                                        "{\"v\":1,\"v\":1,\"e\":[]}"};
    struct hy_beacon b;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_beacon_read(hy_str_of(cases[i]), now, &b), HY_EPARSE, "%s", cases[i]);
    static char longest[HY_BEACON_BYTES_MAX + 1];
    cr_assert_eq(hy_beacon_read(hy_str_make(longest, sizeof longest), now, &b), HY_ELIMIT);
}

Test(beacon, has_so_many_events_and_no_more)
{
    char text[8192];
    size_t n = (size_t)snprintf(text, sizeof text, "{\"v\":1,\"e\":[");
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "%s{\"k\":\"scroll\",\"p\":25,\"u\":\"https://a.test/\"}",
                              i ? "," : "");
    snprintf(text + n, sizeof text - n, "]}");
    struct hy_beacon b = read_text(text);
    cr_assert_eq(b.visitor, 0);
    cr_assert_eq(b.n, HY_BEACON_EVENTS_MAX);
    cr_assert_eq(b.left_out, 40 - HY_BEACON_EVENTS_MAX);
    hy_beacon_end(&b);
}

Test(beacon, pages_match_patterns_of_their_path)
{
    static const struct {
        const char *pattern, *url;
        bool want;
    } cases[] = {
        {"/price", "https://a.test/price", true},
        {"/price", "https://a.test/price?x=1#y", true},
        {"/price", "https://a.test/prices", false},
        {"/price*", "https://a.test/prices/all", true},
        {"*/price", "https://a.test/ja/price", true},
        {"/a*b*c", "https://a.test/a1b2b3c", true},
        {"/a*b*c", "https://a.test/a1b2b3", false},
        {"/", "https://a.test", true},
        {"/", "https://a.test/", true},
        {"*", "https://a.test/x", true},
        {"/find?q=*", "https://a.test/find?q=tea", true},
        {"/find?q=*", "https://a.test/find", false},
        {"https://b.test/*", "https://a.test/x", false},
        {"https://a.test/*", "https://a.test/x", true},
        {"", "https://a.test/", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_page_matches(hy_str_of(cases[i].pattern), hy_str_of(cases[i].url)),
                     cases[i].want, "%s %s", cases[i].pattern, cases[i].url);
}
