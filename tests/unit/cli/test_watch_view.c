#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../../src/cli/commands.h"
#include "../../../src/cli/watch_view.h"

static json_t *campaign(const char *state, int queued, int delivered, int pending, bool all)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:b}", "name", "冬の便り", "id",
                     "0abc", "state", state, "started", "2026-11-22T02:00:00.000Z", "queued",
                     queued, "delivered", delivered, "bounced", 10, "deferred", 5, "fresh",
                     pending - 5, "pending", pending, "queued_all", (int)all);
}

Test(watch_view, the_rate_is_that_of_the_last_ten_seconds)
{
    struct watch_meter m = {0};
    cr_expect_eq(watch_meter_rate(&m), 0);
    watch_meter_add(&m, 100, 0);
    cr_expect_eq(watch_meter_rate(&m), 0);
    for (int i = 1; i <= 60; i++)
        watch_meter_add(&m, 100 + i, i < 40 ? i * 1000 : 40000 + (i - 40) * 10);
    cr_expect_float_eq(watch_meter_rate(&m), 10, 0.01);
    struct watch_meter still = {0};
    watch_meter_add(&still, 1, 500);
    watch_meter_add(&still, 2, 500);
    cr_expect_eq(watch_meter_rate(&still), 0);
}

Test(watch_view, the_time_left_is_only_told_when_it_is_known)
{
    json_t *o = campaign("running", 1000, 490, 500, true),
           *part = campaign("queueing", 1000, 490, 500, false);
    struct watch_state s = {.campaign = o, .rate = 50};
    cr_expect_eq(watch_eta(&s), 10);
    s.rate = 0;
    cr_expect_eq(watch_eta(&s), -1);
    s.rate = 50;
    json_object_set_new(o, "fresh", json_integer(0));
    cr_expect_eq(watch_eta(&s), -1, "the deferred wait for their time");
    json_object_set_new(o, "pending", json_integer(0));
    cr_expect_eq(watch_eta(&s), 0);
    s = (struct watch_state){.campaign = part, .rate = 50};
    cr_expect_eq(watch_eta(&s), -1, "rows are still being made");
    json_decref(o);
    json_decref(part);
}

Test(watch_view, the_picture_on_a_terminal)
{
    json_t *o = campaign("running", 100000, 49990, 50000, true);
    json_t *sites =
        json_pack("[{s:s,s:i,s:i,s:i,s:i,s:i,s:f,s:i,s:s}]", "site", "*.google.com", "connections",
                  20, "window", 20, "delivered", 31000, "deferred", 5, "bounced", 10, "rate",
                  512.25, "suspended_s", 0, "last_reply", "250 2.0.0 OK \033[31m gsmtp");
    struct cli c = {.is_tty = false};
    struct watch_state s = {.campaign = o, .sites = sites, .rate = 1000, .now_s = 1795312920};
    struct hy_buf out = HY_BUF_INIT(65536);
    size_t lines = watch_render(&c, &s, 80, &out);
    cr_expect_str_eq(
        hy_buf_cstr(&out),
        "冬の便り   running\n"
        "[############################-----------------------------]   50.0 %  left: 50 s\n"
        "50,000 of 100,000   1,000 a second   since the start: 2 m 0 s\n"
        "delivered 49,990   bounced 10   deferred 5   not sent yet 49,995\n"
        "\n"
        "site                     conn       /s  deferred  last reply\n"
        "*.google.com               20    512.2         5  250 2.0.0 OK ?[31m gsmtp\n",
        "%s", hy_buf_cstr(&out));
    cr_expect_eq(lines, 7u);
    hy_buf_reset(&out);
    watch_render(&c, &s, 120, &out);
    cr_expect(
        strstr(
            hy_buf_cstr(&out),
            "site                             conn window       /s  delivered  deferred  bounced  "
            "last reply\n"
            "*.google.com                       20     20    512.2     31,000         5       10  "
            "250 2.0.0 OK ?[31m gsmtp\n"),
        "%s", hy_buf_cstr(&out));
    hy_buf_reset(&out);
    c.lang = CLI_JA;
    watch_line(&c, &s, &out);
    cr_expect_str_eq(hy_buf_cstr(&out),
                     "送信中: 50.0 %、50000 / 100000 件、毎秒 1000 件、残り 50 s。配達 49990、不達 "
                     "10、再送待ち 5\n");
    hy_buf_free(&out);
    json_decref(o);
    json_decref(sites);
}

Test(watch_view, no_line_is_wider_than_the_terminal)
{
    static const size_t widths[] = {20, 40, 80, 200};
    json_t *o = campaign("running", 2000000000, 1999999990, 5, true);
    json_t *sites = json_array();
    for (int i = 0; i < 20; i++)
        json_array_append_new(
            sites, json_pack("{s:s,s:i,s:s}", "site", "とても長い名前の配信先.example.co.jp",
                             "suspended_s", 300, "last_reply", "421 4.7.0 やりなおし"));
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        for (int tty = 0; tty < 2; tty++) {
            struct cli c = {.is_tty = tty != 0};
            struct watch_state s = {.campaign = o, .sites = sites, .rate = 123456};
            struct hy_buf out = HY_BUF_INIT(65536);
            size_t lines = watch_render(&c, &s, widths[i], &out), n = 0;
            struct hy_str rest = hy_buf_str(&out), line;
            while (hy_str_split(&rest, '\n', &line) && rest.p) {
                cr_expect_leq(cli_columns(line), widths[i], "%.*s", HY_STR_ARG(line));
                n++;
            }
            cr_expect_eq(n, lines);
            cr_expect_eq(lines, 6u + WATCH_SITES);
            hy_buf_free(&out);
        }
    }
    json_decref(o);
    json_decref(sites);
}

Test(watch_view, it_is_over_when_nothing_can_change_any_more)
{
    json_t *done = campaign("done", 10, 10, 0, true),
           *cancelling = campaign("cancelled", 10, 1, 9, true),
           *cancelled = campaign("cancelled", 10, 1, 0, true);
    cr_expect(watch_is_over(done));
    cr_expect_not(watch_is_over(cancelling));
    cr_expect(watch_is_over(cancelled));
    json_decref(done);
    json_decref(cancelling);
    json_decref(cancelled);
}

Test(watch_view, what_waits_says_why_and_until_when)
{
    static const struct {
        const char *waits, *english, *japanese;
    } cases[] = {
        {"{\"for\":\"hours\",\"until_local\":\"2026-11-23T08:00:00+01:00\",\"time_zone\":"
         "\"Europe/Paris\"}",
         "outside its hours until Mon 2026-11-23 08:00 Europe/Paris",
         "配信時間外 (2026-11-23(月) 08:00 Europe/Paris まで)"},
        {"{\"for\":\"hours\",\"until_local\":\"2028-02-29T23:30:00-03:30\",\"time_zone\":"
         "\"America/St_Johns\"}",
         "outside its hours until Tue 2028-02-29 23:30 America/St_Johns",
         "配信時間外 (2028-02-29(火) 23:30 America/St_Johns まで)"},
        {"{\"for\":\"restart\"}", "out of memory: it rests until hayaumad restarts",
         "メモリ不足: hayaumad の再起動まで休止"},
        {"null", "running", "送信中"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cli en = {.lang = CLI_EN}, ja = {.lang = CLI_JA};
        char room[CLI_WAITS_MAX];
        json_t *o = campaign("running", 100, 10, 80, true);
        json_object_set_new(o, "waits", json_loads(cases[i].waits, JSON_DECODE_ANY, NULL));
        cr_expect_str_eq(cli_campaign_state(&en, o, room), cases[i].english);
        cr_expect_str_eq(cli_campaign_state(&ja, o, room), cases[i].japanese);
        struct watch_state s = {.campaign = o};
        struct hy_buf out = HY_BUF_INIT(65536);
        watch_line(&en, &s, &out);
        cr_expect(hy_str_starts(hy_buf_str(&out), hy_str_of(cases[i].english)), "%s",
                  hy_buf_cstr(&out));
        hy_buf_free(&out);
        json_decref(o);
    }
}

Test(watch_view, a_pause_tells_its_reason)
{
    struct cli c = {.lang = CLI_EN};
    char room[CLI_WAITS_MAX];
    json_t *waits = json_pack("{s:s,s:s}", "for", "resume", "why", "too many bounced");
    cr_expect_str_eq(cli_waits(&c, waits, room),
                     "paused until somebody resumes it: too many bounced");
    json_decref(waits);
}
