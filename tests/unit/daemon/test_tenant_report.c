#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../../../src/daemon/tenant_report.h"

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
