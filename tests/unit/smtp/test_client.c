/* What scripts of tests/dialogue do not show: the contract between client and driver. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "hayauma/base/buf.h"
#include "hayauma/smtp/client.h"

struct driver {
    struct hy_smtp_settings settings;
    struct hy_smtp_client c;
    struct hy_buf wire;
};

static void say(struct driver *d, const char *text)
{
    size_t n = strlen(text);
    cr_assert_eq(hy_smtp_client_input(&d->c, text, n, 0), n);
}

/* Writes all there is; returns what it was. */
static struct hy_str hear(struct driver *d)
{
    struct iovec iov[8];
    hy_buf_reset(&d->wire);
    for (int n; (n = hy_smtp_client_output(&d->c, iov, 8)) > 0;) {
        size_t wrote = 0;
        for (int i = 0; i < n; i++) {
            hy_buf_add(&d->wire, iov[i].iov_base, iov[i].iov_len);
            wrote += iov[i].iov_len;
        }
        hy_smtp_client_wrote(&d->c, wrote, 0);
    }
    return hy_buf_str(&d->wire);
}

static struct hy_smtp_event next(struct driver *d, enum hy_smtp_event_kind want)
{
    struct hy_smtp_event ev = {0};
    cr_assert(hy_smtp_client_next_event(&d->c, &ev), "no event, want %d", want);
    cr_assert_eq(ev.kind, want, "got %d, want %d", ev.kind, want);
    return ev;
}

static void no_event(struct driver *d)
{
    struct hy_smtp_event ev = {0};
    cr_assert_not(hy_smtp_client_next_event(&d->c, &ev), "an event %d", ev.kind);
}

/* A session with the extensions given as EHLO lines, READY taken. */
static void open_session(struct driver *d, const char *ehlo)
{
    *d = (struct driver){.wire = HY_BUF_INIT(1 << 20)};
    hy_smtp_settings_init(&d->settings);
    d->settings.ehlo_name = HY_STR("out.example");
    cr_assert_eq(hy_smtp_client_start(&d->c, &d->settings, 0), HY_OK);
    say(d, "220 mx\r\n");
    cr_assert(hy_str_eq(hear(d), HY_STR("EHLO out.example\r\n")));
    say(d, ehlo);
    next(d, HY_SMTP_EVENT_READY);
    no_event(d);
}

static const char pipelining[] = "250-mx\r\n250 PIPELINING\r\n";
static const struct hy_str ann[] = {{"ann@dest.example", 16}};

static struct hy_smtp_message letter(void)
{
    return (struct hy_smtp_message){
        .sender = HY_STR("news@out.example"),
        .recipients = ann,
        .n_recipients = 1,
        .pieces = {HY_STR("Subject: hi\r\n\r\nhello\r\n")},
        .n_pieces = 1,
        .is_clean = true,
    };
}

Test(client, names_that_would_break_ehlo_are_refused)
{
    static const char *const bad[] = {"", "a b", "a\r\nMAIL", "\xe7\x9f\xb3.example"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hy_smtp_client c;
        struct hy_smtp_settings s;
        hy_smtp_settings_init(&s);
        s.ehlo_name = hy_str_of(bad[i]);
        cr_assert_eq(hy_smtp_client_start(&c, &s, 0), HY_EINVAL, "%s", bad[i]);
    }
}

Test(client, the_end_of_data_is_held_back_until_dot_is_taken)
{
    struct driver d;
    struct hy_smtp_message m = letter();
    open_session(&d, pipelining);
    m.opaque = &d;
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    hear(&d);
    say(&d, "250 ok\r\n250 ok\r\n354 go\r\n");
    cr_assert_eq(hear(&d).n, 0);
    struct hy_smtp_event ev = next(&d, HY_SMTP_EVENT_DOT);
    cr_assert(ev.message == &m && ev.opaque == &d);
    cr_assert(hy_str_ends(hear(&d), HY_STR("hello\r\n.\r\n")));
    next(&d, HY_SMTP_EVENT_CONTENT_DONE);
    next(&d, HY_SMTP_EVENT_READY);
    say(&d, "250 ok\r\n");
    ev = next(&d, HY_SMTP_EVENT_RESULT);
    cr_assert(ev.is_last && ev.recipient == 0 && ev.outcome.kind == HY_OUTCOME_DELIVERED);
    no_event(&d);
    hy_buf_free(&d.wire);
}

Test(client, large_content_flows_up_to_the_last_window_before_dot)
{
    enum { SIZE = 200000 };
    static char big[SIZE];
    struct driver d;
    struct hy_smtp_message m = letter();
    memset(big, 'x', SIZE);
    memcpy(big + SIZE - 2, "\r\n", 2);
    m.pieces[0] = hy_str_make(big, SIZE);
    open_session(&d, pipelining);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    hear(&d);
    say(&d, "250 ok\r\n250 ok\r\n354 go\r\n");
    next(&d, HY_SMTP_EVENT_READY); /* the next may be submitted, but DOT is not due */
    no_event(&d);
    cr_assert_eq(hear(&d).n, SIZE - HY_SMTP_DOT_WINDOW);
    next(&d, HY_SMTP_EVENT_DOT);
    cr_assert_eq(hear(&d).n, HY_SMTP_DOT_WINDOW + 3);
    next(&d, HY_SMTP_EVENT_CONTENT_DONE);
    hy_buf_free(&d.wire);
}

Test(client, input_stops_while_a_result_waits_so_that_its_words_stay)
{
    struct driver d;
    struct hy_smtp_message m = letter();
    open_session(&d, pipelining);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    hear(&d);
    static const char in[] = "250 ok\r\n550 no such ann\r\n503 no one\r\n";
    size_t used = hy_smtp_client_input(&d.c, in, strlen(in), 0);
    cr_assert_eq(used, strlen("250 ok\r\n550 no such ann\r\n"));
    cr_assert_eq(hy_smtp_client_input(&d.c, in + used, strlen(in) - used, 0), 0);
    struct hy_smtp_event ev = next(&d, HY_SMTP_EVENT_RESULT);
    cr_assert(hy_str_eq(ev.outcome.text, HY_STR("no such ann")));
    say(&d, in + used);
    next(&d, HY_SMTP_EVENT_READY);
    hy_buf_free(&d.wire);
}

Test(client, takes_one_message_ahead_and_no_more)
{
    struct driver d;
    struct hy_smtp_message m[3] = {letter(), letter(), letter()};
    open_session(&d, pipelining);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m[0], 0), HY_OK);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m[1], 0), HY_EBUSY); /* DATA ends its group */
    hear(&d);
    say(&d, "250 ok\r\n250 ok\r\n354 go\r\n");
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m[1], 0), HY_OK);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m[2], 0), HY_EBUSY);
    next(&d, HY_SMTP_EVENT_DOT);
    cr_assert(hy_str_ends(hear(&d), HY_STR("\r\n.\r\nMAIL FROM:<news@out.example>\r\n"
                                           "RCPT TO:<ann@dest.example>\r\nDATA\r\n")));
    hy_buf_free(&d.wire);
}

Test(client, bad_counts_and_lengths_are_refused_without_a_result)
{
    struct driver d;
    static char longest[HY_SMTP_RECIPIENTS_MAX * 8];
    struct hy_str many[HY_SMTP_RECIPIENTS_MAX + 1];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i < HY_SMTP_RECIPIENTS_MAX + 1; i++)
        many[i] = ann[0];
    struct hy_smtp_message m = letter();
    open_session(&d, pipelining);
    m.n_recipients = 0;
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_EINVAL);
    m.recipients = many;
    m.n_recipients = HY_SMTP_RECIPIENTS_MAX + 1;
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_EINVAL);
    m.n_recipients = 2;
    many[1] = HY_STR("");
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_EINVAL);
    many[1] = hy_str_make(longest, 255);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_EINVAL);
    many[1] = ann[0];
    m.sender = hy_str_make(longest, 255);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_EINVAL);
    cr_assert_eq(hear(&d).n, 0);
    no_event(&d);
    hy_buf_free(&d.wire);
}

Test(client, a_hundred_long_recipients_pass_through_a_small_buffer)
{
    struct driver d;
    static char addresses[HY_SMTP_RECIPIENTS_MAX][255];
    struct hy_str list[HY_SMTP_RECIPIENTS_MAX];
    for (int i = 0; i < HY_SMTP_RECIPIENTS_MAX; i++) {
        snprintf(addresses[i], sizeof addresses[i], "%0245d@x.test", i);
        list[i] = hy_str_of(addresses[i]);
    }
    struct hy_smtp_message m = letter();
    m.recipients = list;
    m.n_recipients = HY_SMTP_RECIPIENTS_MAX;
    open_session(&d, pipelining);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    struct hy_str wire = hear(&d), line;
    int rcpts = 0;
    while (hy_str_split(&wire, '\n', &line))
        rcpts += hy_str_starts(line, HY_STR("RCPT TO:<"));
    cr_assert_eq(rcpts, HY_SMTP_RECIPIENTS_MAX);
    cr_assert(hy_str_ends(hy_buf_str(&d.wire), HY_STR("DATA\r\n")));
    say(&d, "250 ok\r\n");
    for (int i = 0; i < HY_SMTP_RECIPIENTS_MAX; i++) {
        say(&d, i % 2 ? "550 no\r\n" : "250 ok\r\n");
        if (i % 2)
            cr_assert_eq(next(&d, HY_SMTP_EVENT_RESULT).recipient, (size_t)i);
    }
    say(&d, "354 go\r\n");
    next(&d, HY_SMTP_EVENT_DOT);
    hear(&d);
    next(&d, HY_SMTP_EVENT_CONTENT_DONE);
    next(&d, HY_SMTP_EVENT_READY);
    say(&d, "250 ok\r\n");
    for (int i = 0; i < HY_SMTP_RECIPIENTS_MAX; i += 2) {
        struct hy_smtp_event ev = next(&d, HY_SMTP_EVENT_RESULT);
        cr_assert_eq(ev.recipient, (size_t)i);
        cr_assert_eq(ev.is_last, i == HY_SMTP_RECIPIENTS_MAX - 2);
    }
    hy_buf_free(&d.wire);
}

Test(client, mail_refused_while_most_recipients_are_unwritten_writes_no_more_of_them)
{
    struct driver d;
    struct hy_str list[HY_SMTP_RECIPIENTS_MAX];
    for (int i = 0; i < HY_SMTP_RECIPIENTS_MAX; i++)
        list[i] = ann[0];
    struct hy_smtp_message m = letter();
    m.recipients = list;
    m.n_recipients = HY_SMTP_RECIPIENTS_MAX;
    open_session(&d, pipelining);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    struct iovec iov[4];
    cr_assert_eq(hy_smtp_client_output(&d.c, iov, 4), 1);
    size_t n = iov[0].iov_len;
    size_t rcpts = 0;
    for (size_t i = 0; i < n; i++)
        rcpts += ((const char *)iov[0].iov_base)[i] == '\n';
    hy_smtp_client_wrote(&d.c, n, 0); /* the buffer is filled again: those are written, too */
    cr_assert_eq(hy_smtp_client_output(&d.c, iov, 4), 1);
    for (size_t i = 0; i < iov[0].iov_len; i++)
        rcpts += ((const char *)iov[0].iov_base)[i] == '\n';
    say(&d, "550 no\r\n");
    for (int i = 0; i < HY_SMTP_RECIPIENTS_MAX; i++)
        cr_assert_eq(next(&d, HY_SMTP_EVENT_RESULT).outcome.phase, HY_PHASE_MAIL);
    hear(&d);
    for (size_t i = 1; i < rcpts; i++)
        say(&d, "503 no\r\n");
    next(&d, HY_SMTP_EVENT_READY);
    cr_assert_eq(hear(&d).n, 0);
    cr_assert_eq(hy_smtp_client_done(&d.c), 1);
    hy_buf_free(&d.wire);
}

Test(client, a_dead_client_does_nothing_and_can_be_started_again)
{
    struct driver d;
    open_session(&d, pipelining);
    struct hy_smtp_message m = letter();
    hy_smtp_client_eof(&d.c, 5);
    next(&d, HY_SMTP_EVENT_CLOSED);
    no_event(&d);
    cr_assert_eq(hy_smtp_client_deadline(&d.c), HY_US_NEVER);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 6), HY_EBUSY);
    cr_assert_eq(hear(&d).n, 0);
    say(&d, "250 anything\r\n");
    hy_smtp_client_timeout(&d.c, HY_US_NEVER);
    hy_smtp_client_eof(&d.c, 7);
    hy_smtp_client_quit(&d.c, 7);
    hy_smtp_client_abort(&d.c, 7);
    hy_smtp_client_tls_done(&d.c, HY_SMTP_TLS_GOOD, 7);
    no_event(&d);
    cr_assert_eq(hy_smtp_client_start(&d.c, &d.settings, 8), HY_OK);
    say(&d, "220 mx\r\n");
    cr_assert(hy_str_eq(hear(&d), HY_STR("EHLO out.example\r\n")));
    hy_buf_free(&d.wire);
}

Test(client, the_end_waits_for_results_that_were_not_taken)
{
    struct driver d;
    struct hy_str two[] = {ann[0], HY_STR("bob@dest.example")};
    struct hy_smtp_message m = letter();
    m.recipients = two;
    m.n_recipients = 2;
    open_session(&d, pipelining);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    hear(&d);
    say(&d, "250 ok\r\n550 no such ann\r\n");
    hy_smtp_client_eof(&d.c, 1);
    struct hy_smtp_event ev = next(&d, HY_SMTP_EVENT_RESULT);
    cr_assert(ev.outcome.kind == HY_OUTCOME_BOUNCED && !ev.is_last);
    ev = next(&d, HY_SMTP_EVENT_RESULT);
    cr_assert(ev.outcome.kind == HY_OUTCOME_DEFERRED && ev.recipient == 1 && ev.is_last);
    next(&d, HY_SMTP_EVENT_CLOSED);
    no_event(&d);
    hy_buf_free(&d.wire);
}

Test(client, says_in_a_word_what_it_waits_for)
{
    struct driver d;
    struct hy_smtp_message m = letter();
    open_session(&d, pipelining);
    cr_assert_str_eq(hy_smtp_client_state(&d.c), "idle");
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    cr_assert_str_eq(hy_smtp_client_state(&d.c), "mail");
    hear(&d);
    say(&d, "250 ok\r\n");
    cr_assert_str_eq(hy_smtp_client_state(&d.c), "rcpt");
    say(&d, "250 ok\r\n354 go\r\n");
    cr_assert_str_eq(hy_smtp_client_state(&d.c), "end");
    hy_smtp_client_abort(&d.c, 1);
    while (hy_smtp_client_next_event(&d.c, &(struct hy_smtp_event){0}))
        ;
    cr_assert_str_eq(hy_smtp_client_state(&d.c), "closed");
    hy_buf_free(&d.wire);
}

Test(client, partial_writes_of_commands_are_counted_by_line)
{
    struct driver d;
    struct hy_smtp_message m = letter();
    struct iovec iov[4];
    open_session(&d, pipelining);
    cr_assert_eq(hy_smtp_client_submit(&d.c, &m, 0), HY_OK);
    cr_assert_eq(hy_smtp_client_output(&d.c, iov, 4), 1);
    hy_smtp_client_wrote(&d.c, strlen("MAIL FROM:<news@out.example>\r\nRCPT"), 0);
    say(&d, "250 ok\r\n"); /* to MAIL: fair */
    no_event(&d);
    say(&d, "250 ok\r\n"); /* to RCPT, which is half written */
    struct hy_smtp_event ev = next(&d, HY_SMTP_EVENT_RESULT);
    cr_assert_eq(ev.outcome.phase, HY_PHASE_RCPT);
    ev = next(&d, HY_SMTP_EVENT_CLOSED);
    cr_assert_eq(ev.closed, HY_SMTP_CLOSED_PROTOCOL);
    hy_buf_free(&d.wire);
}
