#include "rules.h"

static struct hy_bounce_words words_of(const char *reply)
{
    struct hy_bounce_words w = {.text = hy_str_of(reply)};
    hy_bounce_read_codes(w.text, true, &w.code, &w.status);
    return w;
}

static struct hy_bounce_class classify(const char *reply)
{
    struct hy_bounce_words w = words_of(reply);
    return hy_bounce_classify(shipped_rules(), &w);
}

Test(bounce_rules, read_codes_wherever_they_stand)
{
    static const struct {
        const char *text;
        uint16_t code;
        struct hy_enhanced status;
    } cases[] = {
        {"550 5.1.1 User unknown", 550, {5, 1, 1}},
        {"550-5.1.1 The account", 550, {5, 1, 1}},
        {"421 busy", 421, {0}},
        {"5.2.2 mailbox full", 0, {5, 2, 2}},
        {"host mx.example[192.0.2.1] said: 554 5.7.1 no", 554, {5, 7, 1}},
        {"Remote Server returned '550 5.1.10 not found'", 550, {5, 1, 10}},
        {"(#5.4.4)", 0, {5, 4, 4}},
        {"192.0.2.5.1.1 is no status, nor is 5.1.1.7", 0, {0}},
        {"about 550000 mails", 0, {0}},
        {"250 2.1.5 Ok", 250, {2, 1, 5}},
        {"In: RCPT Out: 250 2.1.5 Ok Out: 451 4.3.0 queue file", 451, {4, 3, 0}},
        {"", 0, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_bounce_words w = words_of(cases[i].text);
        cr_expect_eq(w.code, cases[i].code, "%s: got %u, want %u", cases[i].text, w.code,
                     cases[i].code);
        cr_expect(w.status.class == cases[i].status.class &&
                      w.status.subject == cases[i].status.subject &&
                      w.status.detail == cases[i].status.detail,
                  "%s: got %u.%u.%u", cases[i].text, w.status.class, w.status.subject,
                  w.status.detail);
    }
}

Test(bounce_rules, see_one_plain_line)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"550 5.1.1 <a.b+c@d.example>:  User\r\n unknown", "550 5.1.1 <@>: User unknown"},
        {"550-5.1.1 The account\n550 5.1.1 is gone", "550 5.1.1 The account is gone"},
        {"550 5.1.1 one / 550 5.1.1 two", "550 5.1.1 one two"},
        {"mail to a@b.example.", "000 0.0.0 mail to @."},
        {"450 a @ b", "450 0.0.0 a @ b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[HY_BOUNCE_SUBJECT_MAX + 24];
        struct hy_bounce_words w = words_of(cases[i].text);
        struct hy_str got = hy_bounce_subject(&w, room);
        cr_expect(hy_str_eq(got, hy_str_of(cases[i].want)), "got '%.*s', want '%s'",
                  HY_STR_ARG(got), cases[i].want);
    }
}

Test(bounce_rules, tell_reasons_by_words)
{
    static const struct {
        const char *reply, *reason;
        bool hard, retry;
    } cases[] = {
        {"550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox "
         "table",
         "user-unknown", true, false},
        {"450 4.1.1 <a@b.example>: Recipient address rejected: unverified address: user unknown",
         "user-unknown", false, true},
        {"452 4.2.2 The recipient's inbox is out of storage space. p=OverQuotaTemp", "mailbox-full",
         false, true},
        {"552 5.2.2 Quota exceeded (mailbox for user is full)", "mailbox-full", false, false},
        {"550 5.2.1 The email account that you tried to reach is disabled. gsmtp", "suspended",
         false, false},
        {"552 5.3.4 Message size exceeds fixed limit", "too-big", false, false},
        {"550 5.7.26 Unauthenticated email from x.example is not accepted due to domain's DMARC "
         "policy",
         "rejected-auth", false, false},
        {"550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using zen.spamhaus.org",
         "blocked", false, false},
        {"550 5.7.25 Client host rejected: cannot find your reverse hostname", "blocked", false,
         false},
        {"421 4.7.28 Gmail has detected an unusual rate of unsolicited mail", "rate-limited", false,
         true},
        {"450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted", "rate-limited", false,
         true},
        {"554 5.7.1 Message content rejected, UBE, id=1", "rejected-content", false, false},
        {"554 5.7.1 <a@b.example>: Relay access denied", "rejected-policy", false, false},
        {"553 5.1.8 <me@here.example>... Domain of sender address does not exist",
         "rejected-policy", false, false},
        {"550 Host unknown", "domain-error", true, false},
        {"556 5.1.10 Recipient address has null MX", "domain-error", true, false},
        {"554 5.4.6 Too many hops", "network", false, true},
        {"421 4.4.2 Connection timed out", "network", false, true},
        {"451 4.3.0 Temporary system problem. Try again later", "system", false, true},
        {"550 5.1.1", "user-unknown", true, false},
        {"550", "undefined", false, false},
        {"550 5.4.1 [a@b.example]: Recipient address rejected: Access denied [X.outlook.com]",
         "user-unknown", true, false},
        {"5.1.0 - Unknown address error 550-'5.7.1 <a@b.example>... Access denied'",
         "rejected-policy", false, false},
        {"250 2.0.0 Ok", "delivered", false, false},
        {"550 <a@b.example>: 宛先が見つかりません", "user-unknown", true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_bounce_class got = classify(cases[i].reply);
        cr_expect_str_eq(hy_bounce_reason_name(got.reason), cases[i].reason, "%s: got %s, want %s",
                         cases[i].reply, hy_bounce_reason_name(got.reason), cases[i].reason);
        cr_expect_eq(got.is_hard, cases[i].hard, "%s: hard", cases[i].reply);
        cr_expect_eq(got.is_suppress, cases[i].hard, "%s: suppress", cases[i].reply);
        cr_expect_eq(got.may_retry, cases[i].retry, "%s: retry", cases[i].reply);
    }
}

Test(bounce_rules, words_in_an_address_mean_nothing)
{
    cr_assert_eq(classify("550 5.7.1 <mailbox-full@user-unknown.example>: no").reason,
                 HY_BOUNCE_REJECTED_POLICY);
}

Test(bounce_rules, without_a_set_codes_decide)
{
    struct hy_bounce_words w = words_of("550 5.2.2 anything");
    struct hy_bounce_class c = hy_bounce_classify(NULL, &w);
    cr_assert_eq(c.reason, HY_BOUNCE_MAILBOX_FULL);
    cr_assert_null(c.rule);
}

Test(bounce_rules, a_rule_can_overrule_hard_and_retry)
{
    struct hy_bounce_rules *set;
    const struct hy_bounce_rule rule = {.pattern = "user unknown",
                                        .reason = HY_BOUNCE_USER_UNKNOWN,
                                        .hard = HY_BOUNCE_NO,
                                        .retry = HY_BOUNCE_YES,
                                        .provider = "x",
                                        .source = "",
                                        .file = "f"};
    cr_assert_eq(hy_bounce_rules_new(&set), HY_OK);
    cr_assert_eq(hy_bounce_rules_add(set, &rule, NULL), HY_OK);
    struct hy_bounce_words w = words_of("550 5.1.1 user unknown");
    struct hy_bounce_class c = hy_bounce_classify(set, &w);
    cr_assert_eq(c.rule, &rule);
    cr_assert(!c.is_hard && c.may_retry);
    hy_bounce_rules_free(set);
}

Test(bounce_rules, no_reply_takes_long)
{
    char text[8192];
    static const char *const pieces[] = {"mailbox ", "a@b ", "recipient address ", "( ",
                                         "550 5.1.1 "};
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        size_t n = 0, len = strlen(pieces[p]);
        while (n + len < sizeof text) {
            memcpy(text + n, pieces[p], len);
            n += len;
        }
        struct hy_bounce_words w = {550, {5, 7, 1}, hy_str_make(text, n)};
        (void)hy_bounce_classify(shipped_rules(), &w); /* bounded by the steps of a match */
    }
}
