#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/audience/segment.h"

enum { ROOM = 4 << 20 };

/* The text and the JSON of what was read; both empty on a fault, which is in diag. */
struct told {
    char text[8192], json[16384];
    struct hy_diag diag;
    int err;
};

static void tell(struct told *t, const struct hy_segment_node *n)
{
    struct hy_buf out = HY_BUF_INIT(ROOM);
    hy_segment_put(&out, n);
    snprintf(t->text, sizeof t->text, "%s", hy_buf_cstr(&out));
    hy_buf_reset(&out);
    hy_segment_put_json(&out, n);
    snprintf(t->json, sizeof t->json, "%s", hy_buf_cstr(&out));
    hy_buf_free(&out);
}

static const struct told *read_text(const char *text)
{
    static struct told t;
    const struct hy_segment_node *n;
    struct hy_arena a = HY_ARENA_INIT(ROOM);
    t = (struct told){0};
    t.err = hy_segment_parse(hy_str_of(text), &a, &t.diag, &n);
    if (t.err == HY_OK)
        tell(&t, n);
    hy_arena_free(&a);
    return &t;
}

static const struct told *read_json(const char *json)
{
    static struct told t;
    const struct hy_segment_node *n;
    struct hy_arena a = HY_ARENA_INIT(ROOM);
    t = (struct told){0};
    t.err = hy_segment_parse_json(hy_str_of(json), &a, &t.diag, &n);
    if (t.err == HY_OK)
        tell(&t, n);
    hy_arena_free(&a);
    return &t;
}

static const struct {
    const char *text, *plain, *json;
} good[] = {
    {"score >= 50 and clicked(campaign: \"spring\", within 30d) and not ordered(within 90d)",
     "score >= 50 and clicked(campaign: \"spring\", within 30d) and not ordered(within 90d)",
     "{\"and\":[{\"attribute\":\"score\",\"op\":\">=\",\"value\":50},"
     "{\"did\":\"clicked\",\"where\":[{\"key\":\"campaign\",\"op\":\"=\",\"value\":\"spring\"}],"
     "\"within\":\"30d\",\"count\":{\"op\":\">=\",\"times\":1}},"
     "{\"not\":{\"did\":\"ordered\",\"within\":\"90d\",\"count\":{\"op\":\">=\",\"times\":1}}}]}"},
    {"tag('vip')", "tag(\"vip\")", "{\"tag\":\"vip\"}"},
    {"A = 1 OR B = 2 AND C = 3", "A = 1 or B = 2 and C = 3", NULL},
    {"(a = 1 or b = 2) and (c = 3 and d = 4)", "(a = 1 or b = 2) and c = 3 and d = 4", NULL},
    {"not (a = 1 and b = 2)", "not (a = 1 and b = 2)", NULL},
    {"not not a = 1", "not not a = 1", NULL},
    {"country in (\"JP\",'FR')", "country in (\"JP\", \"FR\")",
     "{\"attribute\":\"country\",\"op\":\"in\",\"value\":[\"JP\",\"FR\"]}"},
    {"country not in (\"JP\")", "not country in (\"JP\")", NULL},
    {"name is not set", "not name is set", NULL},
    {"name is empty", "not name is set", NULL},
    {"name is not empty", "name is set", "{\"attribute\":\"name\",\"op\":\"set\"}"},
    {"email ends with \"@example.jp\"", "email ends with \"@example.jp\"", NULL},
    {"`Company size` > 100 # people\n or `and` = true", "`Company size` > 100 or `and` = true",
     NULL},
    {"\xe4\xbc\x9a\xe5\x93\xa1 = yes", "\xe4\xbc\x9a\xe5\x93\xa1 = true", NULL},
    {"birthday before 2000-02-29", "birthday before 2000-02-29",
     "{\"attribute\":\"birthday\",\"op\":\"before\",\"value\":{\"date\":\"2000-02-29\"}}"},
    {"created older than 4w", "created older than 4w", NULL},
    {"seen within 36h", "seen within 36h",
     "{\"attribute\":\"seen\",\"op\":\"within\",\"value\":\"36h\"}"},
    {"cart.changed older than 1h and cart.value>=5000 and orders.count = 0",
     "cart.changed older than 1h and cart.value >= 5000 and orders.count = 0",
     "{\"and\":[{\"attribute\":\"cart.changed\",\"op\":\"older\",\"value\":\"1h\"},"
     "{\"attribute\":\"cart.value\",\"op\":\">=\",\"value\":5000},"
     "{\"attribute\":\"orders.count\",\"op\":\"=\",\"value\":0}]}"},
    {"clicked(url: \"*/pricing*\") >= 3", "clicked(url: \"*/pricing*\") >= 3", NULL},
    {"opened() = 0", "opened() = 0", NULL},
    {"a = 5.50 or a = 0.00001 or a = 123456789.125 or a = 1.0",
     "a = 5.5 or a = 0.00001 or a = 123456789.125 or a = 1", NULL},
    {"ordered(amount >= -5000.5, since 2026-01-01, before 2026-02-01T09:00+09:00)",
     "ordered(amount >= -5000.5, since 2026-01-01, before 2026-02-01T09:00+09:00)", NULL},
    {"did(name: \"webinar\", meta.seat: 4)", "did(name: \"webinar\", meta.seat: 4)", NULL},
    {"received(within 24h)", "received(within 1d)", NULL},
    {"a = \"say \\\"hi\\\"\\n\\\\\"", "a = \"say \\\"hi\\\"\\n\\\\\"", NULL},
};

Test(segment, is_read_and_written_as_text_and_as_json)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char json[sizeof(struct told)];
        const struct told *t = read_text(good[i].text);
        cr_assert_eq(t->err, HY_OK, "%s: %s", good[i].text, t->diag.text);
        cr_expect_str_eq(t->text, good[i].plain);
        if (good[i].json)
            cr_expect_str_eq(t->json, good[i].json);
        strcpy(json, t->json);
        cr_expect_str_eq(read_text(good[i].plain)->json, json, "read back: %s", good[i].plain);
        t = read_json(json);
        cr_assert_eq(t->err, HY_OK, "%s: %s", json, t->diag.text);
        cr_expect_str_eq(t->json, json);
        cr_expect_str_eq(t->text, good[i].plain);
    }
}

Test(segment, faults_say_where_and_what)
{
    static const struct {
        const char *text, *note;
    } bad[] = {
        {"", "1:1: expected a condition, such as score >= 50 or opened(within 30d)"},
        {"score >=", "1:9: expected a value"},
        {"score >= \"5\"", "1:10: expected a number or a day"},
        {"score = vip", "1:9: a text stands in quotes: \"vip\""},
        {"score", "1:6: expected what 'score' is asked for: = != < <= > >=, in (...), contains, "
                  "starts with, ends with, is set, before, after, within, older than"},
        {"a = 1 b = 2", "1:7: expected and, or, or the end"},
        {"(a = 1", "1:7: expected and, or, or )"},
        {"a = 1 and clikced(within 30d)", "1:11: there is no 'clikced' (did you mean 'clicked'?)"},
        {"a = 1 and cart.vlaue >= 5",
         "1:11: there is no 'cart.vlaue' (did you mean 'cart.value'?)"},
        {"Orders.Count > 1", "1:1: there is no 'Orders.Count' (did you mean 'orders.count'?)"},
        {"`cart.colour` is set",
         "1:1: there is no 'cart.colour'; there are cart.value, cart.pieces, cart.opened, "
         "cart.changed, orders.count, orders.total, orders.first, orders.last"},
        {"company.score = \"hot\"", "1:17: 'company.score' is compared with a number"},
        {"company.domain = 5", "1:18: 'company.domain' is compared with a text"},
        {"cart.value older than 1h", "1:23: 'cart.value' is compared with a number"},
        {"orders.total = \"5000\"", "1:16: 'orders.total' is compared with a number"},
        {"cart.changed in (5)",
         "1:18: 'cart.changed' is compared with a day (2026-12-01) or a time (30d)"},
        {"a = 1 or sgment(\"x\")", "1:10: there is no 'sgment' (did you mean 'segment'?)"},
        {"a = 1 and\n  wooed(within 30d)",
         "2:3: there is no 'wooed'; there are received, bounced, complained, unsubscribed, "
         "replied, opened, clicked, visited, reached, downloaded, watched, submitted, ordered, "
         "carted, attended, did, tag, list, group, segment"},
        {"opened(url: \"x\")", "1:8: opened knows no 'url'; it knows campaign, source, meta.NAME"},
        {"clicked(within 30)", "1:16: expected a time: 30d"},
        {"clicked(within 30d, within 2d)", "1:21: within is said twice"},
        {"clicked(before 2026-02-30)",
         "1:16: '2026-02-30' is no number, no day (2026-12-01), no moment "
         "(2026-12-01T09:00+09:00) and no time (90s 5m 2h 30d 4w)"},
        {"a = 007", "1:5: '007' is no number, no day (2026-12-01), no moment "
                    "(2026-12-01T09:00+09:00) and no time (90s 5m 2h 30d 4w)"},
        {"clicked() >= 1.5", "1:14: expected how often: a whole number up to 1,000,000"},
        {"a = \"x", "1:5: the quote is not closed"},
        {"\xe4\xbc\x9a = \xe4", "is not UTF-8, or has control characters"},
        {"\xe4\xbc\x9a ; 1", "1:3: ';' has no meaning here"},
        {"tag(vip)", "1:5: expected a name in quotes"},
        {"tag(\"\")", "1:5: a name has 1 to 255 bytes"},
        {"x in ()", "1:7: expected a value"},
        {"a starts \"x\"", "1:10: expected 'starts with'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct told *t = read_text(bad[i].text);
        cr_expect_eq(t->err, HY_EPARSE, "%s", bad[i].text);
        cr_expect_str_eq(t->diag.text, bad[i].note, "%s: %s", bad[i].text, t->diag.text);
    }
}

Test(segment, all_that_is_wrong_is_told)
{
    static const struct {
        const char *text, *faults;
    } cases[] = {
        {"a = 1", ""},
        {"score >= and clikced(within 30d)", "1:10 a text stands in quotes: \"and\"|1:14 there is "
                                             "no 'clikced' (did you mean 'clicked'?)|"},
        {"clicked(within 30x) and\n(opnd() or tag(vip)) and not odered()",
         "1:16 '30x' is no number, no day (2026-12-01), no moment (2026-12-01T09:00+09:00) and no "
         "time (90s 5m 2h 30d 4w)|2:2 there is no 'opnd' (did you mean 'opened'?)|"
         "2:16 expected a name in quotes|2:30 there is no 'odered' (did you mean 'ordered'?)|"},
        {"(a = 1 or (b = 2 c)) and d ~ 1",
         "1:18 expected and, or, or )|1:28 '~' has no meaning here|"},
        {"a = \"x and b = ", "1:5 the quote is not closed|"},
        {"a and b and 5 and",
         "1:3 expected what 'a' is asked for: = != < <= > >=, in (...), contains, "
         "starts with, ends with, is set, before, after, within, older than|"
         "1:9 expected what 'b' is asked for: = != < <= > >=, in (...), contains, "
         "starts with, ends with, is set, before, after, within, older than|"
         "1:13 expected a condition, such as score >= 50 or opened(within 30d)|"
         "1:18 expected a condition, such as score >= 50 or opened(within 30d)|"},
        {"a = 1)", "1:6 expected and, or, or the end|"},
        {"\xff", "0:0 is not UTF-8, or has control characters|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_segment_fault f[HY_SEGMENT_FAULTS_MAX];
        char got[4096] = "";
        size_t n = hy_segment_faults(hy_str_of(cases[i].text), f, HY_SEGMENT_FAULTS_MAX), len = 0;
        for (size_t k = 0; k < n; k++)
            len += (size_t)snprintf(got + len, sizeof got - len, "%u:%u %s|", f[k].line,
                                    f[k].column, f[k].why);
        cr_expect_str_eq(got, cases[i].faults, "%s: %s", cases[i].text, got);
    }
}

Test(segment, faults_are_told_up_to_a_number)
{
    struct hy_segment_fault f[HY_SEGMENT_FAULTS_MAX];
    char text[2000] = "x()";
    for (unsigned i = 0; i < 100; i++)
        strcat(text, " and x()");
    cr_expect_eq(hy_segment_faults(hy_str_of(text), f, HY_SEGMENT_FAULTS_MAX),
                 (size_t)HY_SEGMENT_FAULTS_MAX);
    cr_expect_eq(f[9].column, 1u + 9 * 8);
    cr_expect_eq(hy_segment_faults(hy_str_of(text), f, 2), 2u);
}

Test(segment, faults_in_json_say_where_and_what)
{
    static const struct {
        const char *json, *note;
    } bad[] = {
        {"[", "is no JSON: 1:1: ']' expected near end of file"},
        {"{}", "must be an object with and, or, not, attribute, did, tag, list, group or segment"},
        {"{\"and\":[]}", "and: must be a list of conditions"},
        {"{\"and\":[{\"tag\":\"a\"},{\"tag\":7}]}", "and[1]: must be a text"},
        {"{\"or\":[{\"not\":{\"attribute\":\"a\",\"op\":\"~\",\"value\":1}}]}",
         "or[0].not: op: '~' is none; there are = != < <= > >= in contains starts ends set before "
         "after within older"},
        {"{\"attribute\":\"a\",\"op\":\"<\",\"value\":\"x\"}",
         "value: '<' does not take such a value"},
        {"{\"attribute\":\"a\",\"op\":\"=\"}", "value: is missing"},
        {"{\"and\":[{\"attribute\":\"order.count\",\"value\":1},"
         "{\"attribute\":\"orders.cuont\",\"value\":1}]}",
         "and[1]: attribute: there is no 'orders.cuont' (did you mean 'orders.count'?)"},
        {"{\"attribute\":\"cart.value\",\"op\":\"within\",\"value\":\"1h\"}",
         "value: 'cart.value' is compared with a number"},
        {"{\"attribute\":\"a\",\"value\":1e300}", "value: must be a number of at most 15 digits"},
        {"{\"attribute\":\"a\",\"vaule\":1}",
         "'vaule' has no meaning here; there may be attribute,op,value"},
        {"{\"did\":\"clicked\",\"where\":[{\"key\":\"form\",\"value\":\"x\"}]}",
         "where[0]: clicked is not asked that way"},
        {"{\"did\":\"clicked\",\"within\":\"soon\"}", "must be a time: 90s 5m 2h 30d 4w"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct told *t = read_json(bad[i].json);
        cr_expect_eq(t->err, HY_EPARSE, "%s", bad[i].json);
        cr_expect_str_eq(t->diag.text, bad[i].note, "%s: %s", bad[i].json, t->diag.text);
    }
}

/* Too much of anything is refused, and nothing runs over. */
Test(segment, has_its_limits)
{
    static char text[HY_SEGMENT_TEXT_MAX + 100];
    size_t n = 0;
    while (n < HY_SEGMENT_TEXT_MAX + 1)
        text[n++] = '(';
    cr_expect_eq(read_text(text)->err, HY_ELIMIT);
    text[1000] = '\0';
    cr_expect_eq(read_text(text)->err, HY_ELIMIT, "inside each other");
    for (n = 0; n < 1100; n++)
        memcpy(text + n * 9, "a=1  and ", 9);
    memcpy(text + n * 9, "a=1", 4);
    cr_expect_eq(read_text(text)->err, HY_ELIMIT, "conditions");
    n = (size_t)sprintf(text, "a in (");
    for (int i = 0; i < 1001; i++)
        n += (size_t)sprintf(text + n, "%d,", i);
    text[n - 1] = ')';
    cr_expect_eq(read_text(text)->err, HY_ELIMIT, "values");
    n = (size_t)sprintf(text, "did(");
    for (int i = 0; i < 17; i++)
        n += (size_t)sprintf(text + n, "meta.x: %d,", i);
    text[n - 1] = ')';
    cr_expect_eq(read_text(text)->err, HY_ELIMIT, "filters");
}
