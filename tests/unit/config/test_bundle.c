#include <criterion/criterion.h>

#include "hayauma/config/campaign_file.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hy_bundle sample(void)
{
    static const struct hy_str lists[] = {{"customers", 9}, {"名簿", 6}};
    static const struct hy_pair headers[] = {{{"X-A", 3}, {"1 {{x}}", 7}}, {{"X-B", 3}, {"", 0}}};
    static const struct hy_pair vars[] = {{{"shop", 4}, {"東京", 6}}};
    static const struct hy_bundle_part parts[] = {
        {{"logo@x", 6}, {"logo.png", 8}, {"image/png", 9}, {"\0\1\2\377", 4}},
        {{"", 0}, {"a.pdf", 5}, {"application/pdf", 15}, {"", 0}}};
    static const struct hy_bundle_goal goals[] = {
        {{"order", 5}, {"ordered(amount >= 3000)", 23}, 604800000000, HY_GOAL_AFTER_CLICK},
        {{"visit", 5}, {"visited", 7}, 60000000, HY_GOAL_AFTER_DELIVERY}};
    return (struct hy_bundle){
        .goals = goals,
        .n_goals = 2,
        .name = HY_STR("News"),
        .lists = lists,
        .n_lists = 2,
        .from_address = HY_STR("news@example.jp"),
        .from_name = HY_STR("早馬"),
        .to_name = HY_STR("{{name}}"),
        .reply_to = HY_STR("r@example.jp"),
        .subject = HY_STR("{{name}}様"),
        .html = HY_STR("<p>x</p>"),
        .text = HY_STR("x"),
        .html_name = HY_STR("n.html"),
        .text_name = HY_STR("n.txt"),
        .headers = {headers, 2},
        .vars = {vars, 1},
        .parts = parts,
        .n_parts = 2,
        .charset = HY_BUNDLE_ISO2022JP,
        .transfer = HY_BUNDLE_TRANSFER_BASE64,
        .track_links = HY_NO,
        .beacon = HY_YES,
        .list_unsubscribe = true,
        .start_at = 1795224600123,
        .expire_us = 86400000000,
        .priority = HY_PRIORITY_TRANSACTIONAL,
        .weight = 30,
        .speed = {20000, 3600000000},
        .has_hours = true,
        .hours = {1, {{31, 540, 1200}}},
        .has_closed = true,
        .has_release = true,
        .release_us = 1800000000,
        .closed = {1, {{20819, 20821}}},
        .time_zone = HY_STR("Asia/Tokyo"),
        .pool = HY_STR("tokyo"),
        .segment = HY_STR("hot"),
        .exclude = HY_STR("colleagues"),
        .tenant = HY_STR("shop"),
        .tracking_host = HY_STR("t.example.jp"),
        .utm = {HY_STR("news"), HY_STR("mail"), HY_STR("夏"), HY_STR("a&b")},
        .is_by_lead = true,
        .is_uncapped = true,
        .has_bounce_limit = true,
        .has_complaint_limit = true,
        .complaint_share = 25,
    };
}

#define expect_str(got, want) cr_expect(hy_str_eq(got, want), #got)

Test(bundle, what_goes_in_comes_out)
{
    struct hy_bundle b = sample(), got;
    struct hy_buf bytes = HY_BUF_INIT(1 << 20), again = HY_BUF_INIT(1 << 20);
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    cr_assert_eq(hy_bundle_encode(&b, &bytes), 0);
    cr_assert_eq(hy_bundle_decode(hy_buf_str(&bytes), &arena, &got), 0);
    expect_str(got.name, b.name);
    expect_str(got.subject, b.subject);
    expect_str(got.text_name, b.text_name);
    cr_assert_eq(got.n_lists, 2u);
    expect_str(got.lists[1], b.lists[1]);
    cr_assert_eq(got.headers.n, 2u);
    expect_str(got.headers.items[1].name, HY_STR("X-B"));
    cr_expect_eq(got.headers.items[1].value.n, 0u);
    cr_assert_eq(got.n_parts, 2u);
    expect_str(got.parts[0].data, b.parts[0].data);
    cr_expect_eq(got.parts[1].cid.n, 0u);
    cr_expect(got.charset == b.charset && got.transfer == b.transfer && got.track_links == HY_NO &&
              got.beacon == HY_YES && got.list_unsubscribe && got.start_at == b.start_at &&
              got.expire_us == b.expire_us);
    cr_expect(got.priority == b.priority && got.weight == 30 && got.speed.count == 20000 &&
              got.speed.period_us == b.speed.period_us && got.has_hours && got.hours.n == 1 &&
              got.hours.spans[0].days == 31 && got.hours.spans[0].from_min == 540 &&
              got.hours.spans[0].to_min == 1200 && got.has_closed && got.closed.n == 1 &&
              got.has_release && got.release_us == b.release_us &&
              got.closed.ranges[0].from == 20819 && got.closed.ranges[0].to == 20821 &&
              got.is_by_lead && got.is_uncapped && got.has_bounce_limit &&
              got.bounce_percent == 0 && got.has_complaint_limit && got.complaint_share == 25);
    cr_expect(hy_str_eq(got.pool, b.pool));
    cr_expect(hy_str_eq(got.segment, b.segment));
    cr_expect(hy_str_eq(got.exclude, b.exclude));
    cr_expect(hy_str_eq(got.tenant, b.tenant));
    cr_assert_eq(got.n_goals, 2u);
    expect_str(got.goals[0].activity, b.goals[0].activity);
    cr_expect_eq(got.goals[0].within_us, 604800000000);
    cr_expect_eq(got.goals[1].after, HY_GOAL_AFTER_DELIVERY);
    expect_str(got.time_zone, b.time_zone);
    cr_assert_eq(hy_bundle_encode(&got, &again), 0);
    cr_expect(hy_str_eq(hy_buf_str(&again), hy_buf_str(&bytes)));
    hy_buf_free(&bytes);
    hy_buf_free(&again);
    hy_arena_free(&arena);
}

Test(bundle, what_is_not_said_stays_unset)
{
    static const struct hy_str lists[] = {{"l", 1}};
    struct hy_bundle b = {.name = HY_STR("n"),
                          .lists = lists,
                          .n_lists = 1,
                          .from_address = HY_STR("a"),
                          .text = HY_STR("t"),
                          .track_links = HY_UNSET,
                          .beacon = HY_UNSET},
                     got;
    struct hy_buf bytes = HY_BUF_INIT(1 << 20);
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    cr_assert_eq(hy_bundle_encode(&b, &bytes), 0);
    cr_assert_eq(hy_bundle_decode(hy_buf_str(&bytes), &arena, &got), 0);
    cr_expect(got.track_links == HY_UNSET && got.beacon == HY_UNSET && !got.list_unsubscribe);
    hy_buf_free(&bytes);
    hy_arena_free(&arena);
}

Test(bundle, every_cut_and_every_strange_version_is_refused)
{
    struct hy_bundle b = sample(), got;
    struct hy_buf bytes = HY_BUF_INIT(1 << 20);
    struct hy_arena arena = HY_ARENA_INIT(16 << 20);
    cr_assert_eq(hy_bundle_encode(&b, &bytes), 0);
    size_t whole = 0;
    for (size_t n = 0; n < bytes.len; n++) {
        int err = hy_bundle_decode(hy_str_make(bytes.data, n), &arena, &got);
        cr_expect(err == 0 || err == HY_ECORRUPT, "%zu bytes: %d", n, err);
        if (err == 0) { /* cut between two optional fields: what is there is whole */
            cr_expect(hy_str_eq(got.html, b.html) || hy_str_eq(got.text, b.text), "%zu", n);
            whole++;
        }
    }
    cr_expect_lt(whole, 40u);
    bytes.data[0] = 2;
    cr_expect_eq(hy_bundle_decode(hy_buf_str(&bytes), &arena, &got), HY_EVERSION);
    bytes.data[0] = 0;
    cr_expect_eq(hy_bundle_decode(hy_buf_str(&bytes), &arena, &got), HY_ECORRUPT);
    hy_buf_free(&bytes);
    hy_arena_free(&arena);
}

Test(bundle, stray_tags_numbers_and_too_many_lists_are_refused)
{
    static const struct {
        const char *bytes;
        size_t n;
        int want;
    } cases[] = {
        {"\1\0\0", 3, HY_ECORRUPT},
        {"\1\377\1x", 4, HY_ECORRUPT},
        {"\1\17\1\5", 4, HY_ECORRUPT},
        {"\1\1\377\377\377\377\377\377\377\377\377\1", 12, HY_ECORRUPT},
        {"\1\14\3\1\1x", 6, HY_ECORRUPT},
        {"\1", 1, HY_ECORRUPT},
        {"\1\1\1n\2\0\3\1a\11\1t", 12, HY_ECORRUPT},
    };
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_bundle got;
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_expect_eq(hy_bundle_decode(hy_str_make(cases[i].bytes, cases[i].n), &arena, &got),
                     cases[i].want, "case %zu", i);
    struct hy_buf many = HY_BUF_INIT(1 << 20);
    hy_buf_add_c(&many, 1);
    for (int i = 0; i < HY_BUNDLE_LISTS_MAX + 1; i++)
        hy_buf_add_lit(&many, "\2\1x");
    cr_expect_eq(hy_bundle_decode(hy_buf_str(&many), &arena, &got), HY_ELIMIT);
    hy_buf_free(&many);
    hy_arena_free(&arena);
}
