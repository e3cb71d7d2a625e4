#include <stdio.h>

#include "hayauma/bounce/report.h"
#include "rules.h"

static struct hy_bounce_reader *reader;

static void start(void)
{
    cr_assert_eq(hy_bounce_reader_new(shipped_rules(), &reader), HY_OK);
}

static void stop(void)
{
    hy_bounce_reader_free(reader);
}

TestSuite(bounce_read, .init = start, .fini = stop);

static struct hy_bounce_report read_mail(const char *mail)
{
    struct hy_bounce_report r;
    cr_assert_eq(hy_bounce_read(reader, hy_str_of(mail), &r), HY_OK);
    cr_assert_geq(r.n, 1);
    return r;
}

#define EXPECT_STR(got, want)                                                                      \
    cr_expect(hy_str_eq((got), hy_str_of(want)), "got '%.*s', want '%s'", HY_STR_ARG(got), want)

#define MAILER                                                                                     \
    "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\n"                     \
    "To: sender@here.example\nSubject: Undelivered Mail Returned to Sender\n"

static const char dsn[] = MAILER
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n"
    "--b\nContent-Type: text/plain\n\n<one@a.example>: host mx said: 550 5.1.1 no such user\n\n"
    "--b\nContent-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; mx.example\n\n"
    "Final-Recipient: rfc822; one@a.example\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <one@a.example>:\n no such user here\n\n"
    "Final-Recipient: rfc822; two@a.example\nOriginal-Recipient: rfc822;zwei@a.example\n"
    "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\n\n"
    "--b\nContent-Type: message/rfc822\n\nMessage-ID: <id@here.example>\n\nhi\n--b--\n";

Test(bounce_read, tells_every_recipient_of_a_report)
{
    struct hy_bounce_report r = read_mail(dsn);
    cr_assert_eq(r.kind, HY_BOUNCE_KIND_BOUNCE);
    cr_assert(r.is_bounce);
    cr_assert_eq(r.n, 2);
    EXPECT_STR(r.reporting_mta, "mx.example");
    EXPECT_STR(r.original_message_id, "id@here.example");
    EXPECT_STR(r.items[0].recipient, "one@a.example");
    EXPECT_STR(r.items[0].diagnostic, "550 5.1.1 <one@a.example>: no such user here");
    cr_expect_eq(r.items[0].code, 550);
    cr_expect_eq(r.items[0].class.reason, HY_BOUNCE_USER_UNKNOWN);
    cr_expect(r.items[0].class.is_hard && r.items[0].class.is_suppress);
    EXPECT_STR(r.items[1].recipient, "two@a.example");
    EXPECT_STR(r.items[1].original, "zwei@a.example");
    cr_expect_eq(r.items[1].class.reason, HY_BOUNCE_MAILBOX_FULL);
    cr_expect(!r.items[1].class.is_hard);
}

Test(bounce_read, gives_the_same_for_every_line_end)
{
    static const char *const ends[] = {"\r\n", "\r"};
    char copy[4096];
    for (size_t e = 0; e < 2; e++) {
        size_t n = 0;
        for (const char *p = dsn; *p; p++) {
            if (*p == '\n')
                for (const char *q = ends[e]; *q; q++)
                    copy[n++] = *q;
            else
                copy[n++] = *p;
        }
        copy[n] = '\0';
        struct hy_bounce_report r = read_mail(copy);
        cr_assert_eq(r.n, 2);
        EXPECT_STR(r.items[1].recipient, "two@a.example");
        EXPECT_STR(r.original_message_id, "id@here.example");
    }
}

/* Notices without a machine-readable part: who, and why. */
Test(bounce_read, understands_notices_of_many_makes)
{
    static const struct {
        const char *mail, *recipient;
        enum hy_bounce_reason reason;
        enum hy_bounce_kind kind;
    } cases[] = {
        /* qmail */
        {"From: MAILER-DAEMON@mx.example\nTo: sender@here.example\nSubject: failure notice\n\n"
         "Hi. This is the qmail-send program at mx.example.\n\n<taro@b.example>:\n"
         "Sorry, no mailbox here by that name. (#5.1.1)\n\n"
         "--- Below this line is a copy of the message.\n\nTo: other@b.example\n",
         "taro@b.example", HY_BOUNCE_USER_UNKNOWN, HY_BOUNCE_KIND_BOUNCE},
        /* Exim */
        {"X-Failed-Recipients: taro@b.example\nFrom: Mail Delivery System "
         "<Mailer-Daemon@mx.example>\n"
         "To: sender@here.example\nSubject: Mail delivery failed: returning message to sender\n\n"
         "This message was created automatically by mail delivery software.\n\n"
         "A message that you sent could not be delivered to one or more of its\n"
         "recipients. This is a permanent error. The following address(es) failed:\n\n"
         "  taro@b.example\n    SMTP error from remote mail server after RCPT "
         "TO:<taro@b.example>:\n"
         "    host mx.b.example [192.0.2.1]: 552 mailbox full\n\n"
         "------ This is a copy of the message, including all the headers. ------\n",
         "taro@b.example", HY_BOUNCE_MAILBOX_FULL, HY_BOUNCE_KIND_BOUNCE},
        /* Sendmail */
        {MAILER "\n   ----- The following addresses had permanent fatal errors -----\n"
                "<taro@b.example>\n    (reason: 550 Host unknown)\n\n"
                "   ----- Transcript of session follows -----\n550 5.1.2 <taro@b.example>... Host "
                "unknown\n",
         "taro@b.example", HY_BOUNCE_DOMAIN_ERROR, HY_BOUNCE_KIND_BOUNCE},
        /* Exchange 5.5 */
        {"From: System Administrator <postmaster@b.example>\nTo: sender@here.example\n"
         "Subject: Undeliverable: hello\n\nYour message\n\n  To:      sender@here.example\n"
         "  Subject: hello\n\ndid not reach the following recipient(s):\n\n"
         "taro@b.example on Thu, 29 Apr 2010 00:00:00 -0000\n"
         "    The recipient name is not recognized\n",
         "taro@b.example", HY_BOUNCE_USER_UNKNOWN, HY_BOUNCE_KIND_BOUNCE},
        /* a text alone, as helpdesks paste it */
        {"This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your "
         "message could not\nbe delivered to one or more recipients.\n\n"
         "<taro@b.example>: host mx.b.example[192.0.2.1] said: 554 5.7.1 Spam message rejected\n",
         "taro@b.example", HY_BOUNCE_REJECTED_CONTENT, HY_BOUNCE_KIND_BOUNCE},
        /* still trying */
        {"From: MAILER-DAEMON@mx.example\nTo: sender@here.example\n"
         "Subject: Warning: could not send message for past 4 hours\n\n"
         "   ----- The following addresses had transient non-fatal errors "
         "-----\n<taro@b.example>\n\n"
         "Deferred: Connection timed out with b.example.\nWarning: message still undelivered after "
         "4 hours\nWill keep trying until message is 5 days old\n",
         "taro@b.example", HY_BOUNCE_NETWORK, HY_BOUNCE_KIND_DELAY},
        /* Japanese, in ISO-2022-JP without a word about it: "no such address" */
        {"From: postmaster@b.example\nTo: sender@here.example\nSubject: failure notice\n\n"
         "taro@b.example\n\x1b$B08@h%a!<%k%\"%I%l%9$,8+$D$+$j$^$;$s\x1b(B\n",
         "taro@b.example", HY_BOUNCE_USER_UNKNOWN, HY_BOUNCE_KIND_BOUNCE},
        /* away */
        {"From: taro@b.example\nTo: sender@here.example\nSubject: Out of office: hello\n"
         "Auto-Submitted: auto-replied\n\nI am away.\n",
         "taro@b.example", HY_BOUNCE_VACATION, HY_BOUNCE_KIND_AUTO_REPLY},
        /* wants no more */
        {"From: taro@b.example\nTo: unsubscribe-x@here.example\nSubject: unsubscribe\n\n\n",
         "taro@b.example", HY_BOUNCE_FEEDBACK, HY_BOUNCE_KIND_UNSUBSCRIBE},
        /* mail of a person */
        {"From: taro@b.example\nTo: sender@here.example\nSubject: Thanks\n\nSee you, taro\n", "",
         HY_BOUNCE_UNDEFINED, HY_BOUNCE_KIND_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_bounce_report r = read_mail(cases[i].mail);
        cr_expect_eq(r.n, 1, "case %zu: %zu recipients", i, r.n);
        EXPECT_STR(r.items[0].recipient, cases[i].recipient);
        cr_expect_eq(r.items[0].class.reason, cases[i].reason, "case %zu: got %s, want %s", i,
                     hy_bounce_reason_name(r.items[0].class.reason),
                     hy_bounce_reason_name(cases[i].reason));
        cr_expect_eq(r.kind, cases[i].kind, "case %zu: got %s", i, hy_bounce_kind_name(r.kind));
    }
}

Test(bounce_read, a_delay_never_takes_an_address_off)
{
    struct hy_bounce_report r = read_mail(
        MAILER "Content-Type: multipart/report; boundary=b\n\n--b\n"
               "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.example\n"
               "Action: delayed\nStatus: 4.1.1\nDiagnostic-Code: smtp;450 user unknown\n\n--b--\n");
    cr_assert_eq(r.kind, HY_BOUNCE_KIND_DELAY);
    cr_assert(!r.items[0].class.is_hard && !r.items[0].class.is_suppress);
}

Test(bounce_read, news_of_success_is_no_bounce)
{
    struct hy_bounce_report r = read_mail(
        MAILER "Content-Type: multipart/report; boundary=b\n\n--b\n"
               "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.example\n"
               "Action: relayed\nStatus: 2.0.0\n\n--b--\n");
    cr_assert(!r.is_bounce);
    cr_assert_eq(r.items[0].class.reason, HY_BOUNCE_DELIVERED);
}

Test(bounce_read, a_person_who_answers_a_notice_is_no_notice)
{
#define QUOTED                                                                                     \
    "From: Bo <bo@people.example>\nSubject: %sUndelivered Mail Returned to Sender\n"               \
    "In-Reply-To: <1@here.example>\n\nWhat is this?\n> <bo@people.example>: host mx said: 550 "    \
    "5.1.1 User unknown\n"
    static const struct {
        const char *mark;
        bool is_bounce;
    } cases[] = {{"Re: ", false}, {"AW: ", false}, {"", true}, {"Regarding: ", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char mail[1000];
        snprintf(mail, sizeof mail, QUOTED, cases[i].mark);
        cr_expect_eq(read_mail(mail).is_bounce, cases[i].is_bounce, "'%s'", cases[i].mark);
    }
}

static const char complaint[] =
    "From: fbl@isp.example\nTo: fbl@here.example\nSubject: FW: hello\nMIME-Version: 1.0\n"
    "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
    "--b\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
    "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: %s\nUser-Agent: x/1\nVersion: 1\n"
    "Original-Rcpt-To: redacted@isp.example\n\n"
    "--b\nContent-Type: message/rfc822\n\nReturn-Path: <b-%s@here.example>\nTo: "
    "redacted\n\nhi\n--b--\n";

Test(bounce_read, a_complaint_without_an_address_still_finds_its_lead)
{
    struct hy_token_keys keys = {0};
    struct hy_token_stem stem;
    struct hy_token token;
    char text[HY_TOKEN_TEXT_MAX + 1] = {0}, mail[2048];
    cr_assert_eq(hy_token_keys_add(&keys, 3, HY_STR("0123456789abcdef")), HY_OK);
    hy_token_stem_init(&stem, &keys, HY_TOKEN_RETURN, 77);
    hy_token_write(&stem, 123456, 0, text);
    snprintf(mail, sizeof mail, complaint, "abuse", text);
    struct hy_bounce_report r = read_mail(mail);
    cr_assert_eq(r.kind, HY_BOUNCE_KIND_COMPLAINT);
    cr_assert_eq(r.items[0].recipient.n, 0);
    cr_assert(r.items[0].class.is_suppress && !r.items[0].class.is_hard);
    EXPECT_STR(r.feedback_type, "abuse");
    cr_assert_eq(hy_bounce_find_token(r.clues, r.n_clues, &keys, &token), HY_OK);
    cr_assert_eq(token.campaign, 77);
    cr_assert_eq(token.lead, 123456);
    text[5] ^= 1; /* not ours */
    snprintf(mail, sizeof mail, complaint, "abuse", text);
    r = read_mail(mail);
    cr_assert_eq(hy_bounce_find_token(r.clues, r.n_clues, &keys, &token), HY_ENOTFOUND);
}

Test(bounce_read, a_report_on_signatures_takes_nobody_off)
{
    char mail[2048];
    snprintf(mail, sizeof mail, complaint, "auth-failure", "x");
    struct hy_bounce_report r = read_mail(mail);
    cr_assert_eq(r.kind, HY_BOUNCE_KIND_COMPLAINT);
    cr_assert(!r.items[0].class.is_suppress);
}

Test(bounce_read, reads_notices_of_amazon)
{
    struct hy_bounce_report r = read_mail(
        "From: no-reply@sns.example\nSubject: AWS Notification Message\n\n"
        "{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[{\"emailAddress\":"
        "\"a@b.example\",\"action\":\"failed\",\"status\":\"5.1.1\",\"diagnosticCode\":"
        "\"smtp; 550 5.1.1 user unknown\"}]},\"mail\":{\"messageId\":\"m1\"}}\n");
    cr_assert_eq(r.kind, HY_BOUNCE_KIND_BOUNCE);
    EXPECT_STR(r.items[0].recipient, "a@b.example");
    EXPECT_STR(r.original_message_id, "m1");
    cr_assert(r.items[0].class.is_hard);
}

Test(bounce_read, prints_one_line_of_json_whatever_the_mail_holds)
{
    struct hy_buf out = HY_BUF_INIT(65536);
    struct hy_bounce_report r =
        read_mail(MAILER "\n<\"a\x01\\b\"@c.example>:\n550 5.1.1 \xff\"quoted\"\t\x1b[2J\n");
    for (size_t i = 0; i < r.n; i++)
        hy_bounce_put_json(&out, HY_STR("x\n\"y"), &r, &r.items[i]);
    cr_assert_eq(hy_str_find(hy_buf_str(&out), '\n', 0), out.len - 1);
    cr_assert(hy_str_is_utf8(hy_buf_str(&out)));
    for (size_t i = 0; i + 1 < out.len; i++)
        cr_assert_geq((unsigned char)out.data[i], 0x20);
    hy_buf_free(&out);
}

Test(bounce_read, explains_which_words_decided_and_which_rule)
{
    struct hy_buf out = HY_BUF_INIT(65536);
    struct hy_bounce_report r =
        read_mail(MAILER "\n<kuro@c.example>:\n550 5.1.1 <kuro@c.example>: No such user\n");
    hy_bounce_put_explained(&out, HY_STR("-"), &r, &r.items[0]);
    struct hy_str line = hy_buf_str(&out);
    cr_expect_neq(hy_str_find_str(line, HY_STR("\"seen\":\"550 5.1.1 <@>: No such user\""), 0),
                  SIZE_MAX, "%.*s", (int)line.n, line.p);
    cr_expect_neq(hy_str_find_str(line, HY_STR("\"rule\":\"presets:bounces.yaml:"), 0), SIZE_MAX);
    cr_expect(hy_str_ends(line, HY_STR("\"}\n")));
    out.len = 0;
    r = read_mail(MAILER "\n<kuro@c.example>:\n550 5.2.2 xyzzy\n");
    hy_bounce_put_explained(&out, HY_STR("-"), &r, &r.items[0]);
    line = hy_buf_str(&out);
    cr_expect_neq(hy_str_find_str(line, HY_STR("\"reason\":\"mailbox-full\""), 0), SIZE_MAX);
    cr_expect_neq(hy_str_find_str(line, HY_STR("\"rule\":null"), 0), SIZE_MAX);
    hy_buf_free(&out);
}

/* Each of these once cost a parser its stack, its memory or an hour. */
Test(bounce_read, bounds_what_a_hostile_mail_costs)
{
    static const struct {
        const char *head, *piece;
        size_t times;
    } cases[] = {
        {"Content-Type: multipart/mixed; boundary=a\n\n", "--a\n\nx\n", 300000},
        {"", "Content-Type: message/rfc822\n\n", 40000},
        {"", "Content-Type: multipart/mixed; boundary=a\n\n--a\n", 30000},
        {"Content-Type: text/plain", "; a=b", 300000},
        {"", "X: y\n", 300000},
        {"", "\r", 1500000},
        {"\n", "@", 1500000},
        {"Content-Type: text/html\n\n", "<div><b>", 200000},
        {"\n", "could not be delivered <a@b.example>: 550 5.1.1 user unknown\n", 50000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_buf mail = HY_BUF_INIT(8 << 20);
        struct hy_bounce_report r;
        hy_buf_add_lit(&mail, MAILER);
        hy_buf_add_str(&mail, hy_str_of(cases[i].head));
        for (size_t k = 0; k < cases[i].times; k++)
            hy_buf_add_str(&mail, hy_str_of(cases[i].piece));
        cr_assert_eq(mail.err, 0);
        cr_expect_eq(hy_bounce_read(reader, hy_buf_str(&mail), &r), HY_OK, "case %zu", i);
        cr_expect_leq(r.n, (size_t)HY_BOUNCE_RECIPIENTS_MAX);
        hy_buf_free(&mail);
    }
}

Test(bounce_read, takes_the_mails_of_an_mbox_one_by_one)
{
    static const char mbox[] =
        "From a@b.example Thu Apr 29 23:34:45 2015\nSubject: 1\n\nFrom here\n\n"
        "From c@d.example Fri Apr 30 23:34:45 2015\nSubject: 2\n\nx\n";
    struct hy_str rest = hy_str_of(mbox), mail;
    cr_assert(hy_bounce_next_mail(&rest, &mail));
    cr_assert_neq(hy_str_find_str(mail, HY_STR("From here"), 0), SIZE_MAX);
    cr_assert(hy_bounce_next_mail(&rest, &mail));
    cr_assert(hy_str_starts(mail, HY_STR("From c@d.example")));
    cr_assert(!hy_bounce_next_mail(&rest, &mail));
}
