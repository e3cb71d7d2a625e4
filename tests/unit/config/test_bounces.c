#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/config/bounces.h"

static int parse(const char *text, struct hy_problems *p, struct hy_bounces **ret)
{
    return hy_bounces_parse("b.yaml", hy_str_of(text), p, ret);
}

Test(bounces, the_shipped_rules_are_fine)
{
    const char *presets = HY_BOUNCES_PRESETS;
    struct hy_problems p = {0};
    struct hy_bounces *b;
    cr_assert_eq(hy_bounces_load(&presets, 1, &p, &b), HY_OK);
    cr_assert_gt(hy_bounce_rules_count(hy_bounces_rules(b)), 100);
    for (size_t i = 0; i < hy_bounce_rules_count(hy_bounces_rules(b)); i++) {
        const struct hy_bounce_rule *r = hy_bounce_rules_at(hy_bounces_rules(b), i);
        cr_expect(r->source[0] && r->provider[0], "line %u says no source or provider", r->line);
    }
    hy_bounces_free(b);
    hy_problems_free(&p);
}

Test(bounces, rules_of_a_later_file_are_asked_first)
{
    char path[] = "/tmp/hy-bounces-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    fputs("rules:\n  - {reason: blocked, provider: mine, match: 'user unknown'}\n", f);
    fclose(f);
    const char *files[] = {HY_BOUNCES_PRESETS, path};
    struct hy_problems p = {0};
    struct hy_bounces *b;
    cr_assert_eq(hy_bounces_load(files, 2, &p, &b), HY_OK);
    struct hy_bounce_words w = {550, {5, 1, 1}, HY_STR("user unknown")};
    struct hy_bounce_class c = hy_bounce_classify(hy_bounces_rules(b), &w);
    cr_assert_str_eq(c.rule->provider, "mine");
    cr_assert_eq(c.rule->line, 2);
    hy_bounces_free(b);
    hy_problems_free(&p);
    remove(path);
}

Test(bounces, names_what_is_wrong_and_where)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *words;
    } cases[] = {
        {"rules:\n  - reason: user-unknwon\n    match: x\n", 2, "did you mean user-unknown?"},
        {"rules:\n  - reason: feedback\n    match: x\n", 2, "'feedback' is none"},
        {"rules:\n  - match: x\n", 2, "needs a reason"},
        {"rules:\n  - reason: blocked\n", 2, "needs patterns"},
        {"rules:\n  - reason: blocked\n    match: ['(']\n", 3, "no regular expression"},
        {"rules:\n  - reason: blocked\n    match: ['x*']\n", 3, "matches every"},
        {"rules:\n  - reason: blocked\n    match: x\n    hard: maybe\n", 4, "yes or no"},
        {"rules:\n  - reason: blocked\n    match: x\n    provder: y\n", 4,
         "did you mean provider?"},
        {"rules: 3\n", 1, "must be a list"},
        {"rule:\n", 1, "only section"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_problems p = {0};
        struct hy_bounces *b = NULL;
        cr_expect_eq(parse(cases[i].text, &p, &b), HY_EINVAL, "case %zu", i);
        cr_assert_geq(p.n, 1, "case %zu", i);
        cr_expect_eq(p.items[0].line, cases[i].line, "case %zu: line %u", i, p.items[0].line);
        cr_expect(strstr(p.items[0].text, cases[i].words), "case %zu: got '%s'", i,
                  p.items[0].text);
        hy_problems_free(&p);
    }
}

Test(bounces, an_empty_file_says_nothing)
{
    struct hy_problems p = {0};
    struct hy_bounces *b;
    cr_assert_eq(parse("# nothing yet\n", &p, &b), HY_OK);
    cr_assert_eq(hy_bounce_rules_count(hy_bounces_rules(b)), 0);
    hy_bounces_free(b);
    hy_problems_free(&p);
}
