#include <criterion/criterion.h>

#include "hayauma/track/target.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void expect(struct hy_buf *got, const char *want, const char *what)
{
    cr_expect_str_eq(hy_buf_cstr(got), want, "%s: got %s, want %s", what, hy_buf_cstr(got), want);
    hy_buf_free(got);
}

Test(target, what_no_url_may_hold_is_encoded)
{
    static const struct {
        const char *url, *want;
    } cases[] = {
        {"https://a.example/b?c=d&e=%20#f", "https://a.example/b?c=d&e=%20#f"},
        {"https://a.example/x y", "https://a.example/x%20y"},
        {"https://a.example/\r\nSet-Cookie: x=1", "https://a.example/%0D%0ASet-Cookie:%20x=1"},
        {"https://例え.jp/", "https://%E4%BE%8B%E3%81%88.jp/"},
        {"https://a.example/\x7f\"<>\\^`{|}", "https://a.example/%7F%22%3C%3E%5C%5E%60%7B%7C%7D"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_buf out = HY_BUF_INIT(1000);
        hy_target_put(&out, hy_str_of(cases[i].url));
        expect(&out, cases[i].want, cases[i].url);
    }
}

Test(target, parameters_are_added_where_there_are_none_of_that_name)
{
    static const struct {
        const char *url, *name, *value, *want;
    } cases[] = {
        {"https://a.example/", "utm_source", "news", "https://a.example/?utm_source=news"},
        {"https://a.example/?x=1", "utm_source", "news", "https://a.example/?x=1&utm_source=news"},
        {"https://a.example/?", "utm_source", "news", "https://a.example/?utm_source=news"},
        {"https://a.example/?x&", "utm_source", "news", "https://a.example/?x&utm_source=news"},
        {"https://a.example/?utm_source=own", "utm_source", "news",
         "https://a.example/?utm_source=own"},
        {"https://a.example/?utm_source", "utm_source", "news", "https://a.example/?utm_source"},
        {"https://a.example/?my_utm_source=1", "utm_source", "news",
         "https://a.example/?my_utm_source=1&utm_source=news"},
        {"https://a.example/", "utm_campaign", "夏 & <b>",
         "https://a.example/?utm_campaign=%E5%A4%8F%20%26%20%3Cb%3E"},
        {"https://a.example/", "utm_campaign", "", "https://a.example/"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_buf out = HY_BUF_INIT(1000);
        hy_buf_add_str(&out, hy_str_of(cases[i].url));
        hy_target_add(&out, 0, hy_str_of(cases[i].name), hy_str_of(cases[i].value));
        expect(&out, cases[i].want, cases[i].url);
    }
}

Test(target, the_fragment_stays_behind_all)
{
    static const struct {
        const char *url, *before, *fragment;
    } cases[] = {
        {"https://a.example/#x?y", "https://a.example/", "#x?y"},
        {"https://a.example/", "https://a.example/", ""},
        {"#", "", "#"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hy_str before, fragment;
        hy_target_split(hy_str_of(cases[i].url), &before, &fragment);
        cr_expect(hy_str_eq(before, hy_str_of(cases[i].before)), "%s", cases[i].url);
        cr_expect(hy_str_eq(fragment, hy_str_of(cases[i].fragment)), "%s", cases[i].url);
    }
}

Test(target, only_sites_of_ours_are_told_who_comes)
{
    static const struct hy_str sites[] = {{"www.example.jp", 14}, {"*.shop.example", 14}};
    static const struct {
        const char *url;
        bool is_site;
    } cases[] = {
        {"https://www.example.jp/", true},
        {"https://WWW.Example.jp:8443/x", true},
        {"http://www.example.jp?x", true},
        {"https://user@www.example.jp/", true},
        {"https://www.example.jp@evil.example/", false},
        {"https://evil.example/www.example.jp", false},
        {"https://evil.example?://www.example.jp/", false},
        {"https://evil.example\\@www.example.jp/", false},
        {"https://example.jp/", false},
        {"https://a.shop.example/", true},
        {"https://a.b.shop.example/", true},
        {"https://shop.example/", false},
        {"https://evilshop.example/", false},
        {"https:evil.example/://www.example.jp/", false},
        {"https:/evil.example/?x=://www.example.jp", false},
        {"HTTPS://www.example.jp/", true},
        {"nothing", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_expect_eq(hy_target_is_site(hy_str_of(cases[i].url), sites, 2), cases[i].is_site, "%s",
                     cases[i].url);
}
