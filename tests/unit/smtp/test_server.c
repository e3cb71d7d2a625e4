#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/smtp/server.h"

/* A session whose driver takes all; what it was given is written down. */
struct talk {
    struct hy_smtp_server_settings settings;
    struct hy_smtp_server s;
    struct hy_buf out, log;
    bool refuses_rcpt, refuses_auth;
};

static void talk_start(struct talk *t)
{
    t->out = HY_BUF_INIT(1 << 20);
    t->log = HY_BUF_INIT(1 << 20);
    if (!t->settings.host.n)
        t->settings.host = HY_STR("mx.test");
    if (!t->settings.size_max)
        t->settings.size_max = 1000;
    if (!t->settings.rcpts_max)
        t->settings.rcpts_max = 3;
}

static void talk_end(struct talk *t)
{
    hy_smtp_server_free(&t->s);
    hy_buf_free(&t->out);
    hy_buf_free(&t->log);
}

static void log_message(struct talk *t)
{
    struct hy_smtp_server_message m;
    hy_smtp_server_message(&t->s, &m);
    hy_buf_printf(&t->log, "<%.*s>", HY_STR_ARG(m.sender));
    for (size_t i = 0; i < m.n_rcpts; i++) {
        struct hy_smtp_server_rcpt r = hy_smtp_server_rcpt(&t->s, i);
        hy_buf_printf(&t->log, " <%.*s>", HY_STR_ARG(r.address));
        if (r.notify || r.orcpt.n)
            hy_buf_printf(&t->log, "[%u %.*s]", r.notify, HY_STR_ARG(r.orcpt));
    }
    if (m.is_8bit || m.is_smtputf8 || m.ret || m.envid.n)
        hy_buf_printf(&t->log, " %s%s%u %.*s", m.is_8bit ? "8" : "", m.is_smtputf8 ? "u" : "",
                      m.ret, HY_STR_ARG(m.envid));
    hy_buf_add_c(&t->log, '{');
    hy_buf_add_str(&t->log, m.content);
    hy_buf_add_c(&t->log, '}');
}

static void answer_all(struct talk *t)
{
    const struct hy_smtp_server_ask *ask = hy_smtp_server_ask(&t->s);
    struct hy_smtp_server_answer a = {.code = 250, .text = HY_STR("Ok")};
    switch (ask->kind) {
    case HY_SMTP_SERVER_ASK_NOTHING:
        return;
    case HY_SMTP_SERVER_ASK_TLS:
        hy_buf_add_lit(&t->log, "tls;");
        hy_smtp_server_tls_done(&t->s, 0);
        return;
    case HY_SMTP_SERVER_ASK_AUTH:
        hy_buf_printf(&t->log, "%.*s:%.*s;", HY_STR_ARG(ask->user), HY_STR_ARG(ask->password));
        a.code = t->refuses_auth ? 535 : 235;
        break;
    case HY_SMTP_SERVER_ASK_SCRAM: /* test_scram.c */
        a.code = 454;
        break;
    case HY_SMTP_SERVER_ASK_MAIL:
    case HY_SMTP_SERVER_ASK_RCPT:
        a.code = t->refuses_rcpt ? 550 : 250;
        break;
    case HY_SMTP_SERVER_ASK_MESSAGE:
        log_message(t);
        break;
    }
    hy_smtp_server_answer(&t->s, &a, 0);
}

/* The whole input in pieces of `step`; what came back is in t->out. */
static void say(struct talk *t, struct hy_str in, size_t step, bool is_tls)
{
    hy_smtp_server_init(&t->s, &t->settings, is_tls, 0);
    for (size_t at = 0; at < in.n;) {
        size_t end = at + step < in.n ? at + step : in.n;
        while (at < end) {
            size_t used = hy_smtp_server_input(&t->s, in.p + at, end - at, 0);
            at += used;
            answer_all(t);
            struct hy_str o = hy_smtp_server_output(&t->s);
            hy_buf_add_str(&t->out, o);
            hy_smtp_server_wrote(&t->s, o.n);
        }
    }
}

/* The codes of the replies: "220 250- 250 ". */
static const char *codes(const struct talk *t, char *out, size_t room)
{
    struct hy_str rest = hy_buf_str(&t->out);
    size_t at = 0;
    out[0] = '\0';
    while (rest.n && at + 8 < room) {
        size_t end = hy_str_find_str(rest, HY_STR("\r\n"), 0);
        cr_assert_neq(end, SIZE_MAX);
        if (rest.p[3] == ' ')
            at += (size_t)snprintf(out + at, room - at, "%.3s ", rest.p);
        rest = hy_str_slice(rest, end + 2, rest.n);
    }
    return out;
}

struct dialogue {
    const char *in, *codes, *log;
    struct hy_smtp_server_settings settings;
    bool is_tls, refuses_rcpt, refuses_auth, is_over;
    size_t n; /* of `in` when it holds a NUL */
};

static void check(const struct dialogue *d, size_t n)
{
    static const size_t steps[] = {1, 3, 100000};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct talk t = {.settings = d[i].settings,
                             .refuses_rcpt = d[i].refuses_rcpt,
                             .refuses_auth = d[i].refuses_auth};
            char got[400];
            talk_start(&t);
            say(&t, d[i].n ? hy_str_make(d[i].in, d[i].n) : hy_str_of(d[i].in), steps[k],
                d[i].is_tls);
            cr_assert_str_eq(codes(&t, got, sizeof got), d[i].codes, "case %zu by %zu: got %s", i,
                             steps[k], hy_buf_cstr(&t.out));
            cr_assert_str_eq(hy_buf_cstr(&t.log), d[i].log, "case %zu by %zu: got %s", i, steps[k],
                             hy_buf_cstr(&t.log));
            cr_assert_eq(hy_smtp_server_is_over(&t.s), d[i].is_over, "case %zu", i);
            talk_end(&t);
        }
    }
}

#define HELLO "EHLO a\r\n"
#define BEGIN HELLO "MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n"

Test(server, messages_come_through_with_their_envelopes)
{
    static const struct dialogue d[] = {
        {BEGIN "DATA\r\nHi\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221 ",
         "<a@b.test> <c@d.test>{Hi\r\n}", .is_over = true},
        {"HELO a\r\nmail from: <>\r\nrcpt to: <c@D.Test>\r\nRCPT TO:<e@f.test> \r\ndata\r\n.\r\n",
         "220 250 250 250 250 354 250 ", "<> <c@d.test> <e@f.test>{}"},
        {HELLO "MAIL FROM:<a@b.test> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=Q+2BQ\r\n"
               "RCPT TO:<c@d.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x@y\r\nDATA\r\nx\r\n.\r\n",
         "220 250 250 250 354 250 ", "<a@b.test> <c@d.test>[10 rfc822;x@y] 81 Q+2BQ{x\r\n}"},
        {HELLO "MAIL FROM:<\xc3\xa4@b.test> SMTPUTF8\r\nRCPT TO:<c@\xc3\xa4.test>\r\nDATA\r\n.\r\n",
         "220 250 250 250 354 250 ", "<\xc3\xa4@b.test> <c@xn--4ca.test> u0 {}"},
        /* a source route is ignored, a quoted local part may hold anything */
        {HELLO "MAIL FROM:<@x,@y:a@b.test>\r\nRCPT TO:<\"a b>\"@d.test>\r\nDATA\r\n.\r\n",
         "220 250 250 250 354 250 ", "<a@b.test> <\"a b>\"@d.test>{}"},
        /* two messages, and a recipient that is refused in between */
        {BEGIN "DATA\r\n1\r\n.\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<nobody>\r\nRCPT "
               "TO:<c@d.test>\r\nDATA\r\n2\r\n.\r\n",
         "220 250 250 250 354 250 250 553 250 354 250 ",
         "<a@b.test> <c@d.test>{1\r\n}<a@b.test> <c@d.test>{2\r\n}"},
        {BEGIN "RSET\r\nDATA\r\nNOOP x\r\nVRFY x\r\nHELP\r\n",
         "220 250 250 250 250 503 250 252 214 ", ""},
    };
    check(d, sizeof d / sizeof *d);
}

Test(server, dots_are_unstuffed_and_only_cr_lf_dot_cr_lf_ends_a_message)
{
    static const struct dialogue d[] = {
        {BEGIN "DATA\r\n..\r\n.x\r\n...\r\na.\r\n.\r\n", "220 250 250 250 354 250 ",
         "<a@b.test> <c@d.test>{.\r\nx\r\n..\r\na.\r\n}"},
        /* each of these has ended a message for some server: here none does, and the message is
         * refused */
        {BEGIN "DATA\r\nx\n.\nMAIL FROM:<evil@b.test>\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\n.\r\nMAIL FROM:<evil@b.test>\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\r\n.\nMAIL FROM:<evil@b.test>\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\r\n.\rMAIL FROM:<evil@b.test>\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\r.\rMAIL FROM:<evil@b.test>\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\r.\r\nMAIL FROM:<evil@b.test>\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\r\r\n.\r\nNOOP\r\n", "220 250 250 250 354 554 250 ", ""},
        {BEGIN "DATA\r\nx\r\n\r.\r\nMAIL\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\r\n.\r\r\n.\r\n", "220 250 250 250 354 554 ", ""},
        {BEGIN "DATA\r\nx\0y\r\n.\r\n", "220 250 250 250 354 554 ", "",
         .n = sizeof(BEGIN "DATA\r\nx\0y\r\n.\r\n") - 1},
    };
    check(d, sizeof d / sizeof *d);
}

Test(server, of_two_faults_the_same_is_told_whatever_the_pieces)
{
    struct hy_str in = HY_STR(BEGIN "DATA\r\nx\0y\rz\r\n.\r\n");
    for (size_t step = 1; step <= in.n; step++) {
        struct talk t = {0};
        talk_start(&t);
        say(&t, in, step, false);
        cr_expect(strstr(hy_buf_cstr(&t.out), "554 5.6.0 The message has a CR or LF by itself\r\n"),
                  "by %zu: %s", step, hy_buf_cstr(&t.out));
        talk_end(&t);
    }
}

Test(server, commands_with_a_bare_cr_or_lf_or_a_nul_end_the_session)
{
    static const struct dialogue d[] = {
        {"EHLO a\n", "220 521 ", "", .is_over = true},
        {"EHLO a\rb\r\n", "220 521 ", "", .is_over = true},
        {HELLO "NOOP\nMAIL FROM:<a@b.test>\r\n", "220 250 521 ", "", .is_over = true},
        {"NOOP \0\r\n", "220 521 ", "", .is_over = true, .n = sizeof("NOOP \0\r\n") - 1},
    };
    check(d, sizeof d / sizeof *d);
}

Test(server, chunks_make_a_message_of_exactly_their_bytes)
{
    static const struct dialogue d[] = {
        {BEGIN "BDAT 4\r\nHi\r\nBDAT 5 LAST\r\n.\r\nx\n", "220 250 250 250 250 250 ",
         "<a@b.test> <c@d.test>{Hi\r\n.\r\nx\n}"},
        {BEGIN "BDAT 2\r\nHiBDAT 0 last\r\nQUIT\r\n", "220 250 250 250 250 250 221 ",
         "<a@b.test> <c@d.test>{Hi}", .is_over = true},
        {BEGIN "BDAT 2\r\nHiRSET\r\nBDAT 3 LAST\r\nxyzNOOP\r\n", "220 250 250 250 250 250 503 250 ",
         ""},
        {HELLO "BDAT 4 LAST\r\nQUITNOOP\r\n", "220 250 503 250 ", ""},
        {BEGIN "BDAT 2\r\nHiDATA\r\nRCPT TO:<x@y.test>\r\nMAIL FROM:<x@y.test>\r\n",
         "220 250 250 250 250 503 503 503 ", ""},
        {BEGIN "BDAT -1\r\nQUIT\r\n", "220 250 250 250 501 ", "", .is_over = true},
        {BEGIN "BDAT 1 LEAST\r\nQUIT\r\n", "220 250 250 250 501 ", "", .is_over = true},
        {BEGIN "BDAT 99999999999\r\nQUIT\r\n", "220 250 250 250 501 ", "", .is_over = true},
        {BEGIN "BDAT 6\r\n123456BDAT 6 LAST\r\n123456NOOP\r\n", "220 250 250 250 250 552 250 ", "",
         .settings = {.size_max = 10}},
    };
    check(d, sizeof d / sizeof *d);
}

Test(server, what_is_out_of_order_or_malformed_is_refused)
{
    static const struct dialogue d[] = {
        {"MAIL FROM:<a@b.test>\r\n", "220 503 ", ""},
        {"EHLO\r\nEHLO a b\r\nHELO \x7f\r\n", "220 501 501 501 ", ""},
        {HELLO "RCPT TO:<c@d.test>\r\nDATA\r\n", "220 250 503 503 ", ""},
        {HELLO "MAIL FROM:<a@b.test>\r\nMAIL FROM:<a@b.test>\r\nDATA\r\n", "220 250 250 503 554 ",
         ""},
        {HELLO "MAIL FROM:a@b.test\r\nMAIL FROM:<a@b.test\r\nMAIL <a@b.test>\r\nMAIL "
               "FROM:<a@b.test>x\r\nMAIL FROM:<a>\r\nMAIL FROM:<a b@c.test>\r\n",
         "220 250 501 501 501 501 553 553 ", ""},
        {HELLO "MAIL FROM:<a@b.test> SIZE=x\r\nMAIL FROM:<a@b.test> SIZE=1001\r\nMAIL "
               "FROM:<a@b.test> BODY=BINARYMIME\r\nMAIL FROM:<a@b.test> FOO=1\r\nMAIL "
               "FROM:<a@b.test> RET=ALL\r\nMAIL FROM:<a@b.test> ENVID=a=b\r\nMAIL FROM:<a@b.test> "
               "SIZE=1 SIZE=2\r\nMAIL FROM:<a@b.test> AUTH=<>\r\n",
         "220 250 501 552 501 555 501 501 501 555 ", ""},
        {HELLO
         "MAIL FROM:<a@b.test>\r\nRCPT TO:<>\r\nRCPT TO:<c@d.test> NOTIFY=NEVER,DELAY\r\nRCPT "
         "TO:<c@d.test> NOTIFY=\r\nRCPT TO:<c@d.test> ORCPT=x\r\nRCPT TO:<c@d.test> X=1\r\n"
         "RCPT TO:<\xc3\xa4@d.test>\r\n",
         "220 250 250 501 501 501 501 555 553 ", ""},
        {"HELO a\r\nMAIL FROM:<a@b.test> SIZE=1\r\n", "220 250 555 ", ""},
        {HELLO "DATA x\r\nRSET x\r\nQUIT x\r\nFOO\r\n\r\n", "220 250 501 501 501 500 500 ", ""},
    };
    check(d, sizeof d / sizeof *d);
}

Test(server, limits_hold)
{
    static char long_line[5000], many[3000], noops[2000];
    memset(long_line, 'x', sizeof long_line);
    memcpy(long_line + 4500, "\r\nNOOP\r\n", 9);
    for (int i = 0; i < 25; i++)
        strcat(many, "FOO\r\n");
    for (int i = 0; i < 105; i++)
        strcat(noops, "NOOP\r\n");
    const struct dialogue d[] = {
        {long_line, "220 500 250 ", ""},
        {BEGIN "DATA\r\n0123456789\r\n.\r\nNOOP\r\n", "220 250 250 250 354 552 250 ", "",
         .settings = {.size_max = 10}},
        {BEGIN "RCPT TO:<1@d.test>\r\nRCPT TO:<2@d.test>\r\nRCPT TO:<3@d.test>\r\nDATA\r\n.\r\n",
         "220 250 250 250 250 250 452 354 250 ", "<a@b.test> <c@d.test> <1@d.test> <2@d.test>{}"},
        {"FOO\r\nFOO\r\nFOO\r\nFOO\r\n", "220 500 500 500 421 ", "", .settings = {.errors_max = 3},
         .is_over = true},
        {"NOOP\r\nNOOP\r\nNOOP\r\n", "220 250 250 421 ", "", .settings = {.idle_max = 2},
         .is_over = true},
        {BEGIN "RCPT TO:<1@d.test>\r\n", "220 250 250 550 421 ", "",
         .settings = {.asks_rcpt = true, .errors_max = 1}, .refuses_rcpt = true, .is_over = true},
    };
    check(d, sizeof d / sizeof *d);
    struct talk t = {0};
    talk_start(&t);
    say(&t, hy_str_of(many), 100000, false);
    cr_assert(hy_smtp_server_is_over(&t.s));
    talk_end(&t);
    t = (struct talk){0};
    talk_start(&t);
    say(&t, hy_str_of(noops), 100000, false);
    cr_assert(hy_smtp_server_is_over(&t.s));
    talk_end(&t);
}

Test(server, nobody_sends_without_what_the_settings_ask_for)
{
    static const struct dialogue d[] = {
        {HELLO "MAIL FROM:<a@b.test>\r\n", "220 250 530 ", "",
         .settings = {.requires_tls = true, .offers_starttls = true}},
        {HELLO "MAIL FROM:<a@b.test>\r\n", "220 250 530 ", "",
         .settings = {.requires_auth = true, .offers_auth = true}},
        {HELLO "AUTH PLAIN AGEAYg==\r\n", "220 250 538 ", "", .settings = {.offers_auth = true}},
        {HELLO "AUTH PLAIN AGEAYg==\r\nSTARTTLS\r\n", "220 250 502 502 ", ""},
        /* a b, over TLS; and then a message */
        {HELLO "AUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.test>\r\n", "220 250 235 250 ", "a:b;",
         .settings = {.offers_auth = true, .requires_auth = true}, .is_tls = true},
        {HELLO "AUTH PLAIN\r\nAGEAYg==\r\n", "220 250 334 235 ", "a:b;",
         .settings = {.offers_auth = true}, .is_tls = true},
        {HELLO "AUTH LOGIN\r\nYQ==\r\nYg==\r\n", "220 250 334 334 235 ", "a:b;",
         .settings = {.offers_auth = true}, .is_tls = true},
        {HELLO "AUTH LOGIN YQ==\r\nYg==\r\nAUTH LOGIN\r\n", "220 250 334 235 503 ", "a:b;",
         .settings = {.offers_auth = true}, .is_tls = true},
        {HELLO "AUTH LOGIN\r\n*\r\nAUTH FOO\r\nAUTH PLAIN x\r\nAUTH PLAIN YQ==\r\n",
         "220 250 334 501 504 501 501 ", "", .settings = {.offers_auth = true}, .is_tls = true},
        /* authorisation as somebody else */
        {HELLO "AUTH PLAIN eABhAGI=\r\n", "220 250 535 ", "", .settings = {.offers_auth = true},
         .is_tls = true},
        {HELLO "AUTH PLAIN AGEAYg==\r\nMAIL FROM:<a@b.test>\r\nAUTH PLAIN AGEAYg==\r\n",
         "220 250 535 530 535 421 ", "a:b;a:b;",
         .settings = {.offers_auth = true, .requires_auth = true, .auth_max = 2}, .is_tls = true,
         .refuses_auth = true, .is_over = true},
    };
    check(d, sizeof d / sizeof *d);
}

/* One piece a step: what comes with the STARTTLS line is not the same as what comes behind it. */
Test(server, starttls_forgets_what_was_said_and_takes_no_command_that_came_with_it)
{
    struct talk t = {.settings = {.offers_starttls = true, .requires_tls = true}};
    char got[200];
    talk_start(&t);
    say(&t, HY_STR(HELLO "STARTTLS\r\nMAIL FROM:<evil@b.test>\r\n"), 100000, false);
    cr_assert_str_eq(codes(&t, got, sizeof got), "220 250 554 ");
    cr_assert(hy_smtp_server_is_over(&t.s));
    cr_assert_str_eq(hy_buf_cstr(&t.log), "");
    talk_end(&t);

    t = (struct talk){.settings = {.offers_starttls = true, .requires_tls = true}};
    talk_start(&t);
    say(&t,
        HY_STR(HELLO "STARTTLS\r\nMAIL FROM:<a@b.test>\r\n" HELLO
                     "MAIL FROM:<a@b.test>\r\nSTARTTLS\r\n"),
        1, false);
    cr_assert_str_eq(codes(&t, got, sizeof got), "220 250 220 503 250 250 503 ");
    cr_assert_str_eq(hy_buf_cstr(&t.log), "tls;");
    cr_assert_not(hy_str_find_str(hy_buf_str(&t.out), HY_STR("554"), 0) != SIZE_MAX);
    talk_end(&t);
}

Test(server, time_runs_out_for_lines_that_drip_and_for_sessions_that_do_not_end)
{
    struct talk t = {.settings = {.command_us = 100, .session_us = 1000, .data_us = 50}};
    talk_start(&t);
    hy_smtp_server_init(&t.s, &t.settings, false, 0);
    cr_assert_eq(hy_smtp_server_deadline(&t.s), 100);
    hy_smtp_server_timeout(&t.s, 99);
    cr_assert_not(hy_smtp_server_is_over(&t.s));
    cr_assert_eq(hy_smtp_server_input(&t.s, "NO", 2, 90), 2);
    cr_assert_eq(hy_smtp_server_deadline(&t.s), 100, "half a line wins no time");
    cr_assert_eq(hy_smtp_server_input(&t.s, "OP\r\n", 4, 95), 4);
    cr_assert_eq(hy_smtp_server_deadline(&t.s), 195);
    cr_assert_eq(hy_smtp_server_input(&t.s, "NOOP\r\n", 6, 950), 6);
    cr_assert_eq(hy_smtp_server_deadline(&t.s), 1000);
    hy_smtp_server_timeout(&t.s, 1000);
    cr_assert(hy_smtp_server_is_over(&t.s));
    cr_assert(hy_str_ends(hy_smtp_server_output(&t.s), HY_STR("goodbye\r\n")));
    talk_end(&t);
}

Test(server, a_client_that_reads_no_replies_is_not_read_from)
{
    struct talk t = {.settings = {.idle_max = 100000}};
    talk_start(&t);
    hy_smtp_server_init(&t.s, &t.settings, false, 0);
    size_t used = 1;
    for (int i = 0; i < 100000 && used; i++)
        used = hy_smtp_server_input(&t.s, "NOOP\r\n", 6, 0);
    cr_assert_eq(used, 0);
    cr_assert_leq(hy_smtp_server_output(&t.s).n, HY_SMTP_SERVER_OUT_MAX + 100);
    hy_smtp_server_wrote(&t.s, hy_smtp_server_output(&t.s).n);
    cr_assert_eq(hy_smtp_server_input(&t.s, "NOOP\r\n", 6, 0), 6);
    talk_end(&t);
}

Test(server, a_shut_down_lets_a_message_get_its_reply)
{
    struct talk t = {0};
    struct hy_str in = HY_STR(BEGIN "DATA\r\nx\r\n.\r\n");
    talk_start(&t);
    hy_smtp_server_init(&t.s, &t.settings, false, 0);
    while (in.n) {
        size_t used = hy_smtp_server_input(&t.s, in.p, in.n, 0);
        in = hy_str_slice(in, used, in.n);
    }
    cr_assert_eq(hy_smtp_server_ask(&t.s)->kind, HY_SMTP_SERVER_ASK_MESSAGE);
    hy_smtp_server_shut(&t.s, HY_STR("Shutting down"));
    cr_assert_not(hy_smtp_server_is_over(&t.s));
    answer_all(&t);
    cr_assert(hy_smtp_server_is_over(&t.s));
    cr_assert(hy_str_ends(hy_smtp_server_output(&t.s), HY_STR("250 2.0.0 Ok\r\n")));
    talk_end(&t);

    t = (struct talk){0};
    talk_start(&t);
    hy_smtp_server_init(&t.s, &t.settings, false, 0);
    hy_smtp_server_shut(&t.s, HY_STR("Shutting down"));
    cr_assert(hy_smtp_server_is_over(&t.s));
    cr_assert(hy_str_ends(hy_smtp_server_output(&t.s), HY_STR("421 4.3.2 Shutting down\r\n")));
    talk_end(&t);
}
