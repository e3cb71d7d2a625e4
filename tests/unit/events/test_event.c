#include <criterion/criterion.h>
#include <jansson.h>

#include "case.h"
#include "hayauma/events/event.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/returned.h"
#include "hayauma/track/verdict.h"

TestSuite(event, .init = case_open, .fini = case_close);

static hy_id note(struct hy_activity a)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return a.id;
}

static hy_id accept_message(const char *meta)
{
    struct hy_spool_rcpt to[] = {{.address = HY_STR("bob@example.org")},
                                 {.address = HY_STR("eve@example.org")}};
    struct hy_spool_job j;
    hy_spool_job_init(&j);
    j.message = (struct hy_spool_message){.sender = HY_STR("a@example.net"),
                                          .from_domain = HY_STR("example.net"),
                                          .message_id = HY_STR("<1@example.net>"),
                                          .received = 1700000000000,
                                          .tenant = 3,
                                          .meta = hy_str_of(meta),
                                          .content = HY_STR("Subject: x\r\n\r\nHello\r\n"),
                                          .header_bytes = 14,
                                          .rcpts = to,
                                          .n_rcpts = 2};
    cr_assert_eq(run_request(env, &j.req), 0);
    return j.message.id;
}

/* The events behind `after` that the filter wants, as an array. */
static json_t *events(hy_id after, const struct hy_event_filter *f)
{
    struct hy_event_writer w;
    struct hy_buf out = HY_BUF_INIT(HY_EVENT_MAX);
    struct hy_timeline l;
    struct hy_moment m;
    struct hy_txn t;
    json_t *all = json_array();
    hy_event_writer_init(&w, NULL);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_timeline_open(&t, after, &l), 0);
    while (hy_timeline_next(&l, &m) == 0) {
        json_error_t e;
        if (!hy_event_is_wanted(&w, &t, &m, f))
            continue;
        hy_buf_reset(&out);
        cr_assert_eq(hy_event_put(&w, &t, &m, &out), 0);
        cr_assert_null(memchr(out.data, '\n', out.len), "it is one line");
        json_t *o = json_loadb(out.data, out.len, 0, &e);
        cr_assert_not_null(o, "%s: %.*s", e.text, (int)out.len, out.data);
        json_array_append_new(all, o);
    }
    hy_timeline_close(&l);
    hy_txn_end(&t);
    hy_event_writer_free(&w);
    hy_buf_free(&out);
    return all;
}

static const struct hy_event_filter everything;

/* The row of the message's first recipient. */
static int each_row(void *ctx, const struct hy_spool_view *v)
{
    struct hy_queue_row *row = ctx;
    *row = v->row;
    return 1;
}

static struct hy_queue_row first_row(hy_id message)
{
    struct hy_queue_row row = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_each_of_message(&t, message, each_row, &row), 1);
    hy_txn_end(&t);
    return row;
}

static const char *text(const json_t *all, size_t i, const char *key)
{
    const char *s = json_string_value(json_object_get(json_array_get(all, i), key));
    return s ? s : "(none)";
}

Test(event, an_activity_is_told_with_all_that_is_known)
{
    char id[HY_ID_TEXT_MAX];
    hy_id noted = note((struct hy_activity){.kind = HY_ACTIVITY_LATE_BOUNCE,
                                            .flags = HY_ACTIVITY_HARD | HY_ACTIVITY_MACHINE,
                                            .reason = 1,
                                            .at = 1700000000123,
                                            .tenant = 9,
                                            .ip = {[10] = 0xff, 0xff, 192, 0, 2, 7},
                                            .address = HY_STR("Taro@Example.jp"),
                                            .source = HY_STR("dsn"),
                                            .text = HY_STR("550 no\r\nsuch \"user\" \xff"),
                                            .agent = HY_STR("ua/1"),
                                            .url = HY_STR("https://example.jp/"),
                                            .link = 4,
                                            .meta = HY_STR("{\"a\":[1,{\"b\":\"\\u3042\"}]}")});
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 1);
    const json_t *e = json_array_get(all, 0);
    cr_assert_str_eq(text(all, 0, "id"), hy_id_format(noted, id));
    cr_assert_str_eq(text(all, 0, "type"), "late-bounce");
    cr_assert_str_eq(text(all, 0, "time"), "2023-11-14T22:13:20.123Z");
    cr_assert_str_eq(text(all, 0, "tenant"), "9");
    cr_assert_str_eq(text(all, 0, "recipient"), "Taro@Example.jp");
    cr_assert_str_eq(text(all, 0, "domain"), "Example.jp");
    cr_assert_str_eq(text(all, 0, "reason"), "user-unknown");
    cr_assert_str_eq(text(all, 0, "ip"), "192.0.2.7");
    cr_assert_str_eq(text(all, 0, "reported_by"), "dsn");
    cr_assert_str_eq(text(all, 0, "diagnostic"), "550 no\r\nsuch \"user\" \xef\xbf\xbd");
    cr_assert(json_is_true(json_object_get(e, "hard")));
    cr_assert(json_is_true(json_object_get(e, "machine")));
    cr_assert_eq(json_integer_value(json_object_get(e, "link")), 4);
    cr_assert_eq(json_array_size(json_object_get(json_object_get(e, "data"), "a")), 2);
    json_decref(all);
}

Test(event, metadata_that_is_no_json_object_is_left_out_and_time_has_an_end)
{
    note((struct hy_activity){.kind = HY_ACTIVITY_CUSTOM, .meta = HY_STR("{broken")});
    note((struct hy_activity){.kind = HY_ACTIVITY_CUSTOM, .meta = HY_STR("[1]")});
    note((struct hy_activity){.kind = HY_ACTIVITY_CUSTOM, .at = INT64_MAX});
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 3);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_null(json_object_get(json_array_get(all, i), "data"));
        cr_assert_eq(strlen(text(all, i, "time")), 24);
    }
    json_decref(all);
}

Test(event, a_message_and_what_belongs_to_it_carry_its_tags_and_metadata)
{
    hy_id m = accept_message("{\"tags\":[\"invoice\"],\"metadata\":{\"order\":7}}");
    note((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .message = m, .tenant = 3});
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 2);
    cr_assert_str_eq(text(all, 0, "type"), "accepted");
    cr_assert_str_eq(text(all, 0, "tenant"), "3");
    cr_assert_str_eq(text(all, 0, "sender"), "a@example.net");
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(all, 0), "recipients")), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *e = json_array_get(all, i);
        cr_assert_str_eq(text(all, i, "message_id"), "<1@example.net>");
        cr_assert_str_eq(json_string_value(json_array_get(json_object_get(e, "tags"), 0)),
                         "invoice");
        cr_assert_eq(json_integer_value(json_object_get(json_object_get(e, "metadata"), "order")),
                     7);
    }
    json_decref(all);
}

/* Metadata of the greatest length, of letters that are longest when they are escaped. */
Test(event, metadata_of_any_letters_is_told_as_long_as_it_may_be)
{
    static char meta[HY_SPOOL_META_MAX + 1];
    static const char head[] = "{\"metadata\":{\"x\":\"", tail[] = "\"}}";
    char *at = stpcpy(meta, head);
    unsigned n = 0;
    for (; at + 4 + sizeof tail <= meta + sizeof meta; n++)
        at = stpcpy(at, "\xf0\x9f\x92\x8c");
    strcpy(at, tail);
    accept_message(meta);
    json_t *all = events(0, &everything);
    const json_t *x = json_object_get(json_object_get(json_array_get(all, 0), "metadata"), "x");
    cr_assert_eq(json_string_length(x), 4 * n);
    json_decref(all);
}

Test(event, who_opened_or_clicked_is_told_as_it_was_judged)
{
    static const struct {
        uint8_t flags, reason;
        const char *verdict, *why;
    } cases[] = {
        {HY_ACTIVITY_HUMAN | HY_ACTIVITY_COUNTED, HY_VERDICT_NOTHING, "human", NULL},
        {HY_ACTIVITY_MACHINE, HY_VERDICT_BURST, "machine", "burst"},
        {0, HY_VERDICT_PRIVACY, "unknown", "privacy"},
        {0, HY_VERDICT_PREFETCH, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        note((struct hy_activity){
            .kind = HY_ACTIVITY_CLICK, .flags = cases[i].flags, .reason = cases[i].reason});
    note((struct hy_activity){.kind = HY_ACTIVITY_VERDICT,
                              .flags = HY_ACTIVITY_MACHINE,
                              .reason = HY_VERDICT_CROWD,
                              .text = HY_STR("0123456789abc")});
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 5);
    for (size_t i = 0; i < 4; i++) {
        const json_t *e = json_array_get(all, i);
        const char *verdict = json_string_value(json_object_get(e, "verdict"));
        const char *why = json_string_value(json_object_get(e, "verdict_reason"));
        cr_expect_str_eq(verdict ? verdict : "", cases[i].verdict ? cases[i].verdict : "", "%zu",
                         i);
        cr_expect_str_eq(why ? why : "", cases[i].why ? cases[i].why : "", "%zu", i);
        cr_expect_null(json_object_get(e, "reason"), "a bounce's");
    }
    cr_expect_str_eq(text(all, 4, "type"), "verdict");
    cr_expect_str_eq(text(all, 4, "of"), "0123456789abc");
    cr_expect_str_eq(text(all, 4, "verdict_reason"), "crowd");
    json_decref(all);
}

Test(event, a_filter_passes_its_kinds_and_tenants)
{
    static const uint32_t three[] = {3};
    struct hy_event_filter opens = {0}, of_three = {.tenants = three, .n_tenants = 1};
    accept_message("");
    note((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .tenant = 3});
    note((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .tenant = 4});
    note((struct hy_activity){.kind = HY_ACTIVITY_CUSTOM});
    hy_event_filter_add(&opens, HY_ACTIVITY_OPEN);
    cr_assert(hy_event_filter_has(&everything, HY_ACTIVITY_CUSTOM));
    cr_assert_not(hy_event_filter_has(&opens, HY_ACTIVITY_CUSTOM));
    hy_event_filter_add(&opens, HY_ACTIVITY_CUSTOM);
    cr_assert(hy_event_filter_has(&opens, HY_ACTIVITY_CUSTOM));
    json_t *a = events(0, &opens), *b = events(0, &of_three);
    cr_assert_eq(json_array_size(a), 3);
    cr_assert_eq(json_array_size(b), 2);
    json_decref(a);
    json_decref(b);
}

Test(event, an_attempt_tells_who_why_and_when_next)
{
    static struct hy_queue_row rows[4];
    struct people p = {.n_domains = 1, .per_domain = 4};
    hy_id campaign = campaign_queue(env, "spring", &p);
    cr_assert_eq(read_all_fresh(env, campaign, rows, 4), 4);
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DEFERRED, 4000000000u);
    settle_now(env, &s);
    s = settle_of(&rows[1].ref, HY_RCPT_BOUNCED, 0);
    s.attempt.outcome.kind = HY_OUTCOME_BOUNCED;
    s.attempt.outcome.reason = 1;
    settle_now(env, &s);
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 2);
    cr_assert_str_eq(text(all, 0, "type"), "deferred");
    cr_assert_str_eq(text(all, 0, "campaign_name"), "spring");
    cr_assert_str_eq(text(all, 0, "tenant"), "default");
    cr_assert_str_eq(text(all, 0, "next_attempt"), "2096-10-02T07:06:40.000Z");
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(all, 0), "attempt")), 1);
    cr_assert_str_eq(text(all, 1, "type"), "bounced");
    cr_assert_str_eq(text(all, 1, "reason"), "user-unknown");
    cr_assert(json_is_true(json_object_get(json_array_get(all, 1), "hard")));
    json_decref(all);
}

Test(event, rows_that_end_without_an_attempt_are_told_too)
{
    struct people p = {.n_domains = 1, .per_domain = 4, .unsubscribed_every = 2};
    struct hy_event_filter cancels = {0};
    hy_id campaign = campaign_queue(env, "spring", &p);
    campaign_cancel(env, campaign);
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 4);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_str_eq(text(all, i, "type"), i < 2 ? "suppressed" : "cancelled");
        cr_assert_str_eq(text(all, i, "campaign_name"), "spring");
        cr_assert_str_eq(text(all, i, "tenant"), "default");
        cr_assert_str_eq(text(all, i, "diagnostic"),
                         i < 2 ? "the lead has unsubscribed" : "the campaign was cancelled");
        cr_assert_eq(json_integer_value(json_object_get(json_array_get(all, i), "lead")),
                     i < 2 ? 2 * (json_int_t)i + 2 : 2 * (json_int_t)i - 3);
    }
    json_decref(all);
    hy_event_filter_add(&cancels, HY_ACTIVITY_CANCELLED);
    all = events(0, &cancels);
    cr_assert_eq(json_array_size(all), 2);
    json_decref(all);
}

Test(event, a_deferral_of_a_row_that_was_given_up_is_no_second_end)
{
    struct hy_queue_row row;
    struct people p = {.n_domains = 1, .per_domain = 1};
    hy_id campaign = campaign_queue(env, "spring", &p);
    cr_assert_eq(read_all_fresh(env, campaign, &row, 1), 1);
    campaign_cancel(env, campaign);
    struct hy_settle s = settle_of(&row.ref, HY_RCPT_DEFERRED, 4000000000u);
    s.attempt.outcome.kind = HY_OUTCOME_DEFERRED;
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 2);
    cr_assert_str_eq(text(all, 0, "type"), "cancelled");
    cr_assert_str_eq(text(all, 1, "type"), "deferred");
    cr_assert_str_eq(text(all, 1, "next_attempt"), "(none)");
    json_decref(all);
}

Test(event, a_bounce_that_came_back_is_told_once_and_the_delivery_not_again)
{
    const struct hy_returned_item item = {.kind = HY_ACTIVITY_LATE_BOUNCE,
                                          .reason = 1,
                                          .is_hard = true,
                                          .address = HY_STR("bob@example.org"),
                                          .text = HY_STR("550 no such user")};
    struct hy_returned_job back;
    hy_id m = accept_message("");
    struct hy_queue_row row = first_row(m);
    struct hy_settle s = settle_of(&row.ref, HY_RCPT_DELIVERED, 0);
    s.attempt.outcome.kind = HY_OUTCOME_DELIVERED;
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    hy_returned_job_init(&back);
    back.mail.campaign = m;
    back.mail.lead = row.ref.lead;
    back.mail.items = &item;
    back.mail.n = 1;
    cr_assert_eq(run_request(env, &back.req), 0);
    cr_assert_eq(back.mail.n_noted, 1);
    json_t *all = events(0, &everything);
    cr_assert_eq(json_array_size(all), 3);
    cr_assert_str_eq(text(all, 0, "type"), "accepted");
    cr_assert_str_eq(text(all, 1, "type"), "delivered");
    cr_assert_str_eq(text(all, 2, "type"), "late-bounce");
    json_decref(all);
}

Test(event, one_that_does_not_fit_leaves_the_buffer_as_it_was)
{
    struct hy_event_writer w;
    struct hy_buf out = HY_BUF_INIT(100);
    struct hy_moment m = {
        .id = 5,
        .kind = HY_MOMENT_ACTIVITY,
        .of.activity = {.kind = HY_ACTIVITY_OPEN, .url = HY_STR("https://example.jp/a/long/way")}};
    struct hy_txn t;
    hy_event_writer_init(&w, NULL);
    hy_buf_add_lit(&out, "before");
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_event_put(&w, &t, &m, &out), HY_ELIMIT);
    hy_txn_end(&t);
    cr_assert_str_eq(hy_buf_cstr(&out), "before");
    hy_buf_free(&out);
    hy_event_writer_free(&w);
}
