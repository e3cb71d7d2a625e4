/* CPU per message of the SMTP engine alone: 10 KiB, one recipient, PIPELINING, replies fed in the
 * pieces a socket would bring. No sockets, no copying of content. */
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/clock.h"
#include "hayauma/smtp/client.h"

enum { CONTENT = 10240, MESSAGES = 1000000 };

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "smtp_engine: %s\n", what);
        exit(1);
    }
}

static uint64_t write_out(struct hy_smtp_client *c, hy_us now)
{
    struct iovec iov[8];
    uint64_t bytes = 0;
    int n = hy_smtp_client_output(c, iov, 8);
    for (int i = 0; i < n; i++)
        bytes += iov[i].iov_len;
    hy_smtp_client_wrote(c, bytes, now);
    return bytes;
}

struct tally {
    uint64_t delivered, ready;
};

static void drain(struct hy_smtp_client *c, struct tally *t)
{
    struct hy_smtp_event ev;
    while (hy_smtp_client_next_event(c, &ev)) {
        t->delivered += ev.kind == HY_SMTP_EVENT_RESULT && ev.outcome.kind == HY_OUTCOME_DELIVERED;
        t->ready += ev.kind == HY_SMTP_EVENT_READY;
    }
}

static void feed(struct hy_smtp_client *c, const char *p, size_t n, hy_us now, struct tally *t)
{
    while (n > 0) {
        size_t used = hy_smtp_client_input(c, p, n, now);
        p += used;
        n -= used;
        drain(c, t);
    }
}

static double run(bool is_clean, const char *content)
{
    static struct hy_smtp_client c;
    struct hy_smtp_settings s;
    hy_smtp_settings_init(&s);
    s.ehlo_name = HY_STR("mail.sender.example");
    struct hy_str to = HY_STR("some.recipient@destination.example");
    struct hy_smtp_message m = {
        .sender = HY_STR("bounce-0a1b2c3d4e5f6g7h-2k3j4h5g@news.sender.example"),
        .recipients = &to,
        .n_recipients = 1,
        .pieces = {{content, 600}, {content + 600, 5000}, {content + 5600, CONTENT - 5600}},
        .n_pieces = 3,
        .is_clean = is_clean,
    };
    static const char hello[] = "250-mx\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n";
    static const char replies[] = "250 2.0.0 Ok: queued as 4Xq9ZL1mVbz3x\r\n250 2.1.0 Ok\r\n"
                                  "250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n";
    const char *envelope = strchr(replies, '\n') + 1; /* without the reply to a dot */
    struct tally t = {0};
    uint64_t bytes = 0;
    must(hy_smtp_client_start(&c, &s, 0) == HY_OK, "start");
    feed(&c, "220 mx\r\n", 8, 0, &t);
    write_out(&c, 0);
    feed(&c, hello, sizeof hello - 1, 0, &t);
    must(hy_smtp_client_submit(&c, &m, 0) == HY_OK, "submit");
    write_out(&c, 0);
    feed(&c, envelope, strlen(envelope), 0, &t);
    int64_t from = hy_clock_cpu_us();
    for (hy_us now = 1; now <= MESSAGES; now++) {
        must(hy_smtp_client_submit(&c, &m, now) == HY_OK, "submit");
        bytes += write_out(&c, now);
        feed(&c, replies, sizeof replies - 1, now, &t);
    }
    double us = (double)(hy_clock_cpu_us() - from) / MESSAGES;
    must(t.delivered == MESSAGES, "not all delivered");
    must(bytes > (uint64_t)MESSAGES * CONTENT, "too few bytes");
    return us;
}

int main(void)
{
    char *content = malloc(CONTENT);
    must(content != NULL, "memory");
    for (size_t i = 0; i < CONTENT; i++)
        content[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (char)('a' + i % 26);
    memcpy(content + CONTENT - 2, "\r\n", 2);
    content[CONTENT - 3] = 'x';
    printf("client %zu bytes\n", sizeof(struct hy_smtp_client));
    printf("%.3f us a message, content vouched for\n", run(true, content));
    printf("%.3f us a message, content checked and stuffed\n", run(false, content));
    free(content);
    return 0;
}
