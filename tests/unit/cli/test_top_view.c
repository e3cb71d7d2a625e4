#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../../src/cli/top_view.h"

static json_t *site(const char *name, double rate, int connections, int deferred)
{
    return json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:f,s:i,s:b,s:s}", "site", name, "source",
                     "default", "connections", connections, "window", 20, "waiting", 5, "delivered",
                     100, "deferred", deferred, "bounced", 1, "rate", rate, "suspended_s", 0,
                     "held", 0, "last_reply", "451 少し待って \033[31m try later");
}

static json_t *answer(int delivered)
{
    return json_pack("{s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:{s:i,s:i,s:i,s:i,s:i,s:s},s:[o,o,o],"
                     "s:[{s:s,s:s,s:i,s:i,s:i,s:i}]}",
                     "hostname", "mx.test", "uptime_s", 61, "fresh", 900, "deferred", 3, "held", 0,
                     "lanes", 3, "lanes_suspended", 0, "counters", "delivered", delivered,
                     "deferred", 0, "bounced", 0, "connections", 30, "in_hand", 7, "store", "ready",
                     "sites", site("(mx1|mx2).long-name-of-a-site.example", 5, 10, 50),
                     site("b.test", 9, 20, 7), site("a.test", 1, 5, 90), "campaigns", "id", "0a",
                     "name", "冬の便り", "queued", 2000, "pending", 1000, "fresh", 900, "deferred",
                     3);
}

/* Renders and checks that it fits; the caller frees. */
static char *render(const struct top_state *s, size_t width, size_t height)
{
    struct cli c = {.is_tty = true};
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    size_t lines = top_render(&c, s, width, height, &out), n = 0;
    struct hy_str rest = hy_buf_str(&out), line;
    while (hy_str_split(&rest, '\n', &line) && rest.p) {
        cr_assert_leq(cli_columns(line), width, "%.*s", HY_STR_ARG(line));
        cr_assert_null(memchr(line.p, '\033', line.n), "a server's words moved the cursor");
        n++;
    }
    cr_assert_eq(n, lines);
    cr_assert(height == 0 || n == height, "%zu lines of %zu", n, height);
    char *text = strdup(hy_buf_cstr(&out));
    hy_buf_free(&out);
    return text;
}

static struct top_state two_looks(void)
{
    struct top_state s = {0};
    top_add(&s, answer(1000), 0);
    top_add(&s, answer(1500), 2);
    return s;
}

Test(top_view, rates_come_from_two_looks_and_a_restart_is_no_negative_rate)
{
    struct top_state s = two_looks();
    cr_assert_float_eq(s.delivered_s, 250, 0.01);
    cr_assert_eq(s.n_history, 1);
    top_add(&s, answer(10), 1);
    cr_assert_eq(s.delivered_s, 0);
    for (int i = 0; i < 100; i++)
        top_add(&s, answer(10 + i), 1);
    cr_assert_eq(s.n_history, TOP_HISTORY);
    top_free(&s);
}

Test(top_view, fits_every_terminal)
{
    struct top_state s = two_looks();
    static const size_t sizes[][2] = {{80, 24}, {140, 40}, {40, 10}, {300, 12}, {80, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        free(render(&s, sizes[i][0], sizes[i][1]));
    top_free(&s);
}

Test(top_view, keys_sort_filter_and_choose)
{
    static const struct {
        int key;
        const char *first;
    } cases[] = {{'r', ">b.test"}, {'s', ">…"}, {'c', ">b.test"}, {'d', ">a.test"}};
    struct top_state s = two_looks();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(top_press(&s, cases[i].key), TOP_STAY);
        char *text = render(&s, 80, 24);
        cr_assert(strstr(text, cases[i].first), "after '%c':\n%s", cases[i].key, text);
        free(text);
    }
    for (const char *k = "/b.t\r"; *k; k++)
        cr_assert_eq(top_press(&s, *k), TOP_STAY);
    char *text = render(&s, 80, 24);
    cr_assert(strstr(text, ">b.test") && !strstr(text, "a.test"), "%s", text);
    free(text);
    top_press(&s, TOP_DOWN);
    top_press(&s, '\r');
    text = render(&s, 80, 24);
    cr_assert(strstr(text, "\n  451 少し待って"), "the last reply first:\n%s", text);
    free(text);
    cr_assert_eq(top_press(&s, 'q'), TOP_QUIT);
    top_free(&s);
}
