#include <criterion/criterion.h>
#include <string.h>

#include "hayauma/shape/reply_check.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The patterns as rules of one set. */
struct pair_set {
    struct hy_reply_rule rules[2];
    struct hy_reply_rules *set;
};

static void make(struct pair_set *s, const char *first, const char *second)
{
    const char *const patterns[] = {first, second};
    struct hy_diag diag = {""};
    *s = (struct pair_set){.set = NULL};
    cr_assert_eq(hy_reply_rules_new(&s->set), HY_OK);
    for (size_t i = 0; i < 2 && patterns[i]; i++) {
        s->rules[i] = (struct hy_reply_rule){.pattern = patterns[i], .file = "s.yaml"};
        cr_assert_eq(hy_reply_rules_add(s->set, &s->rules[i], &diag), HY_OK, "%s: %s", patterns[i],
                     diag.text);
    }
}

Test(reply_check, what_no_reply_begins_with_never_matches)
{
    static const struct {
        const char *pattern;
        bool is_dead;
    } cases[] = {
        {"^250 ", true},         {"^2\\d\\d", true},        {"^6\\d\\d", true},
        {"^4\\.7\\.0", true},    {"^421-4\\.7\\.0", true},  {"^450$", true},
        {"^too many", true},     {"^(250|354) ", true},     {"^250 |^354 ", true},
        {"\\A3", true},          {"^4500", true},           {"^ 421", true},
        {"^5\\d\\d ", false},    {"^421.4\\.7\\.0", false}, {"^(250|450) ", false},
        {"250 ", false},         {"4\\.7\\.0", false},      {"^.*too many", false},
        {"^4\\d\\d .*$", false}, {"^250 |too many", false}, {"^450 $", false},
        {"^(?!4)5", false},      {"(?m)^too many", false},  {"^\\d+ too many", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair_set s;
        make(&s, cases[i].pattern, NULL);
        cr_expect_eq(hy_reply_rule_is_dead(s.set, 0), cases[i].is_dead, "%s", cases[i].pattern);
        hy_reply_rules_free(s.set);
    }
}

Test(reply_check, what_says_nothing_of_the_words_takes_every_refusal)
{
    enum { NONE = 0, LATER = HY_REPLY_TAKES_TEMPORARY, NEVER = HY_REPLY_TAKES_PERMANENT };
    static const struct {
        const char *pattern;
        unsigned takes;
    } cases[] = {
        {".", LATER | NEVER},
        {"\\d", LATER | NEVER},
        {" ", LATER | NEVER},
        {"[a-z]", LATER | NEVER},
        {"^[45]", LATER | NEVER},
        {"^\\d{3} .+", LATER | NEVER},
        {"^4", LATER},
        {"^4\\d\\d ", LATER},
        {"^5\\d\\d .*", NEVER},
        {"^421 ", NONE},
        {"^45\\d ", NONE},
        {"mailbox", NONE},
        {"^4\\d\\d .*busy", NONE},
        {"\\.7\\.", NONE},
        {"\xe3\x81\x82", NONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair_set s;
        make(&s, cases[i].pattern, NULL);
        unsigned takes = hy_reply_rule_takes(s.set, 0);
        cr_expect_eq(takes, cases[i].takes, "%s: got %u", cases[i].pattern, takes);
        hy_reply_rules_free(s.set);
    }
}

Test(reply_check, a_rule_covers_another_that_must_contain_what_it_is_found_in)
{
    static const struct {
        const char *a, *b;
        bool covers;
    } cases[] = {
        {"busy", "busy", true},
        {"busy", "server busy", true},
        {"busy", "^4\\d\\d .*Server BUSY .*later", true},
        {"busy", "bus", false},
        {"server busy", "busy", false},
        {"busy", "busy|later", false},
        {"busy", "busy|too busy", true},
        {"busy|later", "later|quite busy", true},
        {"busy", "(busy)", false}, /* true, but groups are not looked into */
        {"busy", "bus[yi]", false},
        {"busy", "busy?", false},
        {"bus", "busy?", true},
        {"busy", "busy*", false},
        {"busy", "busy+", true},
        {"busy", "busy{0,3}", false},
        {"busy", "busy{2,3}", false}, /* likewise */
        {"yb", "busy+b", false},
        {"busy", "bu\\.sy", false},
        {"4\\.7\\.0", "^421 4\\.7\\.0 too fast", true},
        {"4.7.0", "^421 4\\.7\\.0 too fast", true},
        {"^421 ", "^421 4\\.7\\.0", true},
        {"^4\\d\\d ", "^421 4\\.7\\.0", true},
        {"^421 ", "421 4\\.7\\.0", false}, /* may stand anywhere */
        {"^421 ", "^42", false},
        {"^421 ", "^(421 )", false},
        {"^421 ", "^421 a|^421 b", true},
        {"^421 ", "^421 a|b", false},
        {"^421 $", "^421 a", false},
        {"too many$", "too many connections", false},
        {"\\bmany\\b", "too many connections", false},
        {"many(?! con)", "too many connections", false},
        {"many", "too many(?! con)", true},
        {"many", "(?!too many)x", false},
        {"many", "[too many]", false},
        {"many", "[]many]", false},
        {"many", "x{many}", false},
        {"x", "x{a|b}", false},
        {"many", "(?-i)too many", false}, /* settings are not read */
        {"(?-i)many", "too many", false},
        {"many", "\\Qtoo many\\E", false},
        {"many", "too \\x6dany", false},
        {"\xe3\x81\x82", "\xe3\x81\x84\xe3\x81\x82?", false},
        {"\xe3\x81\x84", "\xe3\x81\x84\xe3\x81\x82?", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair_set s;
        make(&s, cases[i].a, cases[i].b);
        cr_expect_eq(hy_reply_rule_covers(s.set, 0, 1), cases[i].covers, "%s ~ %s", cases[i].a,
                     cases[i].b);
        hy_reply_rules_free(s.set);
    }
}
