#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../../../src/daemon/tenant_report.h"
#include "fixture.h"
#include "hayauma/base/clock.h"
#include "hayauma/store/returned.h"
#include "hayauma/store/spool.h"

static const char *text_of(const struct tenant_report *r, enum hy_tenant_language lang)
{
    static char copy[TENANT_REPORT_TEXT_MAX];
    struct hy_buf out = HY_BUF_INIT(TENANT_REPORT_TEXT_MAX);
    tenant_report_put(r, "shop", "mx.example", lang, &out);
    cr_assert_eq(out.err, 0);
    snprintf(copy, sizeof copy, "%s", hy_buf_cstr(&out));
    hy_buf_free(&out);
    return copy;
}

Test(tenant_report, says_what_became_of_whom_and_why_in_both_languages)
{
    struct tenant_report r = {.messages = 40, .deferrals = 7, .complaints = 1};
    r.over[HY_RCPT_DELIVERED] = 90;
    r.over[HY_RCPT_BOUNCED] = 10;
    r.bounced[HY_BOUNCE_USER_UNKNOWN] = 9;
    r.bounced[HY_BOUNCE_UNDEFINED] = 1;
    const char *en = text_of(&r, HY_TENANT_EN);
    static const char *const lines[] = {
        "          40  messages handed in\n",    "          90  delivered (90.00 %)\n",
        "          10  bounced (10.00 %)\n",     "           7  attempts put off\n",
        "           9  user-unknown (90.00 %)",  "           1  complaints (1.11 %)\n",
        "           0  unsubscribed (0.00 %)\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_expect(strstr(en, lines[i]), "'%s' is missing in:\n%s", lines[i], en);
    cr_expect_null(strstr(en, "cancelled"), "what did not happen is not told");
    const char *ja = text_of(&r, HY_TENANT_JA);
    cr_expect(strstr(ja, "          90  配達 (90.00 %)\n"), "%s", ja);
    cr_expect_null(strstr(ja, "?"), "%s", ja);
}

Test(tenant_report, nothing_sent_is_said_in_a_line)
{
    struct tenant_report r = {.tenant = 1};
    cr_expect(strstr(text_of(&r, HY_TENANT_EN), "Nothing was sent.\n"));
    cr_expect(strstr(text_of(&r, HY_TENANT_JA), "送信はありませんでした。\n"));
}

/* ---- what the logs have ---- */

static hy_id hand_in(struct hy_env *env, const char *sender, const char *who)
{
    struct hy_spool_rcpt to = {.address = HY_STR("bob@example.org")};
    struct hy_spool_job j;
    hy_spool_job_init(&j);
    j.message = (struct hy_spool_message){.sender = hy_str_of(sender),
                                          .who = hy_str_of(who),
                                          .from_domain = HY_STR("example.net"),
                                          .message_id = HY_STR("<1@example.net>"),
                                          .received = 1700000000000,
                                          .tenant = 3,
                                          .content = HY_STR("Subject: x\r\n\r\nHello\r\n"),
                                          .header_bytes = 14,
                                          .rcpts = &to,
                                          .n_rcpts = 1};
    cr_assert_eq(run_request(env, &j.req), 0);
    return j.message.id;
}

static int take_row(void *ctx, const struct hy_spool_view *v)
{
    struct hy_queue_row *row = ctx;
    *row = v->row;
    return 1;
}

static struct hy_queue_row row_of(struct hy_env *env, hy_id message)
{
    struct hy_queue_row row = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_each_of_message(&t, message, take_row, &row), 1);
    hy_txn_end(&t);
    return row;
}

static void bounce_late(struct hy_env *env, hy_id message, hy_lead_no lead)
{
    const struct hy_returned_item item = {.kind = HY_ACTIVITY_LATE_BOUNCE,
                                          .reason = HY_BOUNCE_USER_UNKNOWN,
                                          .is_hard = true,
                                          .address = HY_STR("bob@example.org"),
                                          .text = HY_STR("550 no such user")};
    struct hy_returned_job back;
    hy_returned_job_init(&back);
    back.mail.campaign = message;
    back.mail.lead = lead;
    back.mail.items = &item;
    back.mail.n = 1;
    cr_assert_eq(run_request(env, &back.req), 0);
    cr_assert_eq(back.mail.n_noted, 1);
}

Test(tenant_report, a_bounce_that_came_back_is_no_second_delivery)
{
    struct store_dir dir = store_dir_make();
    struct hy_env *env = store_open(&dir);
    hy_id message = hand_in(env, "a@example.net", "shop at 192.0.2.1");
    struct hy_queue_row row = row_of(env, message);
    struct hy_settle s = settle_of(&row.ref, HY_RCPT_DELIVERED, 0);
    s.attempt.outcome.kind = HY_OUTCOME_DELIVERED;
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    bounce_late(env, message, row.ref.lead);
    struct tenant_report r = {.tenant = 3, .end = INT64_MAX};
    cr_assert_eq(tenant_report_gather(env, &r, 1, NULL, NULL), 0);
    cr_expect_eq(r.messages, 1);
    cr_expect_eq(r.over[HY_RCPT_DELIVERED], 1, "%llu",
                 (unsigned long long)r.over[HY_RCPT_DELIVERED]);
    cr_expect_eq(r.over[HY_RCPT_BOUNCED], 0);
    hy_env_close(env);
    store_dir_remove(&dir);
}

Test(tenant_report, mail_of_applications_that_must_not_come_back_is_counted_and_our_dsns_are_not)
{
    struct store_dir dir = store_dir_make();
    struct hy_env *env = store_open(&dir);
    hand_in(env, "", "shop at 192.0.2.1");
    hand_in(env, "", "hayauma");
    struct tenant_report r = {.tenant = 3, .end = INT64_MAX};
    cr_assert_eq(tenant_report_gather(env, &r, 1, NULL, NULL), 0);
    cr_expect_eq(r.messages, 1);
    hy_env_close(env);
    store_dir_remove(&dir);
}
