#include <criterion/criterion.h>
#include <jansson.h>

#include "attempt_log.h"

static json_t *line_of(const struct hy_attempt_note *n)
{
    struct hy_buf b = HY_BUF_INIT(65536);
    attempt_line_json(n, HY_STR("<x@mx.test>"), &b);
    cr_assert_eq(b.err, 0);
    cr_assert_eq(hy_str_find(hy_buf_str(&b), '\n', 0), b.len - 1, "one line");
    json_error_t e;
    json_t *o = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &e);
    cr_assert_not_null(o, "%s: %s", e.text, hy_buf_cstr(&b));
    hy_buf_free(&b);
    return o;
}

static const char *str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "(none)";
}

Test(attempt_line, tells_all_that_is_known_of_an_attempt)
{
    struct hy_attempt_note n = {
        .id = 77,
        .ref = {.campaign = 5, .lead = 9, .attempts = 2},
        .state = HY_RCPT_DEFERRED,
        .due_s = 1800000000,
        .outcome = {.kind = HY_OUTCOME_DEFERRED,
                    .phase = HY_PHASE_RCPT,
                    .code = 451,
                    .enhanced = {4, 7, 1},
                    .reason = 10,
                    .from_server = true},
        .started = 1700000000000,
        .at = 1700000001000,
        .duration_ms = 42,
        .size_bytes = 1234,
        .mx_ip = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1},
        .tls_version = 0x0304,
        .tls_policy = HY_ATTEMPT_POLICY_DANE,
        .tls_check = HY_ATTEMPT_CHECK_GOOD,
        .recipient = HY_STR("a@b.test"),
        .domain = HY_STR("b.test"),
        .site = HY_STR("(mx1|mx2).b.test"),
        .provider = HY_STR("gmail"),
        .mx_host = HY_STR("mx1.b.test"),
        .source = HY_STR("tokyo-1"),
        .tls_cipher = HY_STR("TLS_AES_256_GCM_SHA384"),
        .text = HY_STR("4.7.1 try later"),
    };
    json_t *o = line_of(&n);
    static const char *const want[][2] = {
        {"event", "attempt"},
        {"recipient", "a@b.test"},
        {"message_id", "<x@mx.test>"},
        {"mx_ip", "192.0.2.1"},
        {"outcome", "deferred"},
        {"enhanced", "4.7.1"},
        {"reason", "rate-limited"},
        {"text", "4.7.1 try later"},
        {"state", "deferred"},
        {"tls", "TLSv1.3"},
        {"tls_policy", "dane"},
        {"tls_check", "verified"},
        {"due", "2027-01-15T08:00:00.000Z"},
        {"phase", "rcpt"},
        {"provider", "gmail"},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        cr_assert_str_eq(str(o, want[i][0]), want[i][1], "%s", want[i][0]);
    cr_assert_eq(json_integer_value(json_object_get(o, "attempt")), 3);
    cr_assert_eq(json_integer_value(json_object_get(o, "code")), 451);
    cr_assert(json_is_true(json_object_get(o, "sent")));
    json_decref(o);
}

Test(attempt_line, words_of_a_server_cannot_add_members_or_lines)
{
    static const struct {
        struct hy_str text;
        const char *want;
    } cases[] = {
        {HY_STR("250 ok\",\"outcome\":\"delivered"), "250 ok\",\"outcome\":\"delivered"},
        {HY_STR("a\r\n{\"event\":\"attempt\"}"), "a\r\n{\"event\":\"attempt\"}"},
        {HY_STR("\xff\xfe!"), "\xef\xbf\xbd\xef\xbf\xbd!"},
        {HY_STR("\x1b[2J"), "\x1b[2J"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_attempt_note n = {.state = HY_RCPT_BOUNCED,
                                    .outcome = {.kind = HY_OUTCOME_BOUNCED},
                                    .at = 1,
                                    .recipient = cases[i].text,
                                    .text = cases[i].text};
        json_t *o = line_of(&n);
        cr_assert_str_eq(str(o, "text"), cases[i].want);
        cr_assert_str_eq(str(o, "recipient"), cases[i].want);
        cr_assert_str_eq(str(o, "outcome"), "bounced");
        json_decref(o);
    }
}
