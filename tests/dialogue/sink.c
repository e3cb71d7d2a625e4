/* The SMTP engine over loopback against a server that is not ours: Postfix's smtp-sink. A small
 * poll driver with short reads and writes. Prints TAP; skips when smtp-sink is not installed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hayauma/base/buf.h"
#include "hayauma/smtp/client.h"

enum { LETTERS = 40, CONTENT_MAX = 200000 };

struct tally {
    int results, delivered, deferred, bounced, returned, in_doubt;
    struct hy_outcome last; /* without its text */
    enum hy_smtp_closed closed;
};

struct driver {
    int fd;
    struct hy_smtp_settings settings;
    struct hy_smtp_client c;
    struct hy_smtp_message letters[LETTERS];
    int submitted, n_letters;
    bool is_closed;
    struct tally t;
};

static const struct hy_str to[] = {{"ann@dest.example", 16}, {"bob@dest.example", 16}};

static void note_result(struct driver *d, const struct hy_smtp_event *ev)
{
    const struct hy_outcome *o = &ev->outcome;
    d->t.results++;
    d->t.delivered += o->kind == HY_OUTCOME_DELIVERED;
    d->t.deferred += o->kind == HY_OUTCOME_DEFERRED;
    d->t.bounced += o->kind == HY_OUTCOME_BOUNCED;
    d->t.returned += o->kind == HY_OUTCOME_RETURNED;
    d->t.in_doubt += o->in_doubt;
    d->t.last = *o;
}

static void drain(struct driver *d)
{
    struct hy_smtp_event ev;
    hy_us now = hy_clock_us();
    for (;;) {
        if (d->submitted < d->n_letters && hy_smtp_client_can_submit(&d->c) &&
            hy_smtp_client_submit(&d->c, &d->letters[d->submitted], now) == HY_OK)
            d->submitted++;
        if (!hy_smtp_client_next_event(&d->c, &ev))
            break;
        if (ev.kind == HY_SMTP_EVENT_RESULT)
            note_result(d, &ev);
        if (ev.kind == HY_SMTP_EVENT_CLOSED) {
            d->is_closed = true;
            d->t.closed = ev.closed;
        }
    }
    if (d->t.results == d->n_letters * 2 && !d->is_closed)
        hy_smtp_client_quit(&d->c, now);
}

static void read_some(struct driver *d)
{
    char buf[64]; /* small, so that replies are cut */
    ssize_t n = recv(d->fd, buf, sizeof buf, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        hy_smtp_client_eof(&d->c, hy_clock_us());
    for (ssize_t used = 0; n > 0 && used < n; drain(d))
        used += (ssize_t)hy_smtp_client_input(&d->c, buf + used, (size_t)(n - used), hy_clock_us());
    drain(d);
}

/* False when there is nothing left to write, or no room. */
static bool write_some(struct driver *d)
{
    struct iovec iov[7];
    int n = hy_smtp_client_output(&d->c, iov, 7);
    if (n == 0)
        return false;
    ssize_t wrote = writev(d->fd, iov, n);
    if (wrote > 0)
        hy_smtp_client_wrote(&d->c, (size_t)wrote, hy_clock_us());
    drain(d);
    return wrote > 0;
}

static void run(struct driver *d)
{
    hy_us give_up = hy_clock_us() + 20 * HY_US_PER_SEC;
    struct iovec iov[1];
    while (!d->is_closed && hy_clock_us() < give_up) {
        drain(d);
        while (write_some(d))
            ;
        if (d->is_closed)
            break;
        bool wants_out = hy_smtp_client_output(&d->c, iov, 1) > 0;
        struct pollfd p = {d->fd, (short)(POLLIN | (wants_out ? POLLOUT : 0)), 0};
        poll(&p, 1, 100);
        if (p.revents & (POLLIN | POLLHUP | POLLERR))
            read_some(d);
        hy_smtp_client_timeout(&d->c, hy_clock_us());
        drain(d);
    }
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        exit(1);
    close(fd);
    return ntohs(a.sin_port);
}

static int dial(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};
    for (int i = 0; i < 100; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
            fcntl(fd, F_SETFL, O_NONBLOCK);
            return fd;
        }
        close(fd);
        usleep(50000);
    }
    return -1;
}

static pid_t start_sink(const char *const *options, int port)
{
    char address[32];
    char *argv[16] = {(char *)(uintptr_t) "smtp-sink"};
    int n = 1;
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    for (; options[n - 1]; n++)
        argv[n] = (char *)(uintptr_t)options[n - 1];
    argv[n++] = address;
    argv[n] = (char *)(uintptr_t) "100";
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534))) /* it will not run as root */
            _exit(126);
        execvp("smtp-sink", argv);
        _exit(127);
    }
    return pid;
}

static void make_letters(struct driver *d, int n)
{
    static const char text[] = "Subject: x\r\n\r\n.\r\n..two\r\nThe end\r\n";
    static char big[CONTENT_MAX];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = i % 70 == 68 ? '\r' : i % 70 == 69 ? '\n' : (char)('a' + i % 23);
    memcpy(big + sizeof big - 2, "\r\n", 2);
    big[sizeof big - 3] = 'z';
    for (int i = 0; i < n; i++)
        d->letters[i] = (struct hy_smtp_message){
            .sender = HY_STR("news@out.example"),
            .recipients = to,
            .n_recipients = 2,
            .pieces = {{text, sizeof text - 1}, {big, i % 8 == 7 ? sizeof big : 0}},
            .n_pieces = 2,
        };
    d->n_letters = n;
}

struct sink_case {
    const char *name;
    const char *options[8];
    int letters;
    bool no_pipelining;
    struct tally want; /* closed, counts; phase and code of the last result */
};

static bool is_as_wanted(const struct tally *got, const struct tally *want)
{
    bool ok = got->delivered == want->delivered && got->deferred == want->deferred &&
              got->bounced == want->bounced && got->returned == want->returned &&
              got->in_doubt == want->in_doubt && got->closed == want->closed &&
              got->last.phase == want->last.phase && got->last.code == want->last.code;
    if (!ok)
        printf(
            "# delivered %d deferred %d bounced %d returned %d in doubt %d closed %s, last %s %u\n",
            got->delivered, got->deferred, got->bounced, got->returned, got->in_doubt,
            hy_smtp_closed_name(got->closed), hy_phase_name(got->last.phase), got->last.code);
    return ok;
}

static void stop(pid_t pid)
{
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

static bool play(const struct sink_case *k)
{
    static struct driver d;
    int port = free_port();
    pid_t pid = start_sink(k->options, port);
    d = (struct driver){.fd = dial(port)};
    if (d.fd < 0) {
        printf("# smtp-sink does not answer\n");
        stop(pid);
        return false;
    }
    hy_smtp_settings_init(&d.settings);
    d.settings.ehlo_name = HY_STR("out.example");
    d.settings.use_pipelining = !k->no_pipelining;
    make_letters(&d, k->letters);
    bool ok = hy_smtp_client_start(&d.c, &d.settings, hy_clock_us()) == HY_OK;
    if (ok)
        run(&d);
    close(d.fd);
    stop(pid);
    return ok && is_as_wanted(&d.t, &k->want);
}

#define LAST(p, c)                                                                                 \
    {                                                                                              \
        .phase = HY_PHASE_##p, .code = (c)                                                         \
    }
static const struct sink_case cases[] = {
    {"forty messages, pipelined",
     {NULL},
     LETTERS,
     false,
     {.delivered = 80, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(DOT, 250)}},
    {"forty messages in lock-step by our choice",
     {NULL},
     LETTERS,
     true,
     {.delivered = 80, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(DOT, 250)}},
    {"a server without PIPELINING",
     {"-p"},
     LETTERS,
     false,
     {.delivered = 80, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(DOT, 250)}},
    {"a server that knows HELO only",
     {"-e"},
     LETTERS,
     false,
     {.delivered = 80, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(DOT, 250)}},
    {"every RCPT put off",
     {"-r", "RCPT"},
     LETTERS,
     false,
     {.deferred = 80, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(RCPT, 450)}},
    {"every end of data refused",
     {"-f", "."},
     LETTERS,
     false,
     {.bounced = 80, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(DOT, 500)}},
    {"every MAIL refused",
     {"-f", "MAIL"},
     LETTERS,
     false,
     {.bounced = 80, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(MAIL, 500)}},
    {"hangs up upon DATA",
     {"-q", "DATA"},
     1,
     false,
     {.deferred = 2, .closed = HY_SMTP_CLOSED_LOST, .last = LAST(DATA, 0)}},
    {"hangs up after the dot",
     {"-q", "."},
     1,
     false,
     {.deferred = 2, .in_doubt = 2, .closed = HY_SMTP_CLOSED_LOST, .last = LAST(DOT, 0)}},
    {"421 to the first MAIL",
     {"-Q", "MAIL"},
     1,
     false,
     {.deferred = 2, .closed = HY_SMTP_CLOSED_REFUSED, .last = LAST(MAIL, 421)}},
};

/* The line a reader must find: what was sent as ".." and "...two" arrived as written. */
static bool is_in_dump(const char *pattern, const char *want)
{
    glob_t g;
    bool found = false;
    if (glob(pattern, 0, NULL, &g) == 0 && g.gl_pathc > 0) {
        static char text[CONTENT_MAX * 2];
        FILE *f = fopen(g.gl_pathv[0], "re");
        size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
        found = hy_str_find_str(hy_str_make(text, n), hy_str_of(want), 0) != SIZE_MAX;
        if (f)
            fclose(f);
        unlink(g.gl_pathv[0]);
    }
    globfree(&g);
    return found;
}

static bool play_dump(void)
{
    char dir[] = "/tmp/hayauma-sink.XXXXXX", template[64], pattern[64];
    if (!mkdtemp(dir) || (geteuid() == 0 && chown(dir, 65534, 65534)))
        return false;
    snprintf(template, sizeof template, "%s/mail.", dir);
    snprintf(pattern, sizeof pattern, "%s/mail.*", dir);
    const struct sink_case k = {
        .options = {"-d", template},
        .letters = 1,
        .want = {.delivered = 2, .closed = HY_SMTP_CLOSED_QUIT, .last = LAST(DOT, 250)},
    };
    bool ok = play(&k) && is_in_dump(pattern, "\n\n.\n..two\nThe end\n");
    rmdir(dir);
    return ok;
}

static bool has_sink(void)
{
    return system("command -v smtp-sink >/dev/null 2>&1") == 0;
}

int main(void)
{
    int n = sizeof cases / sizeof *cases, failed = 0;
    signal(SIGPIPE, SIG_IGN);
    setenv("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin", 1);
    if (!has_sink()) {
        printf("1..0 # SKIP smtp-sink (package postfix) is not installed\n");
        return 0;
    }
    for (int i = 0; i < n; i++) {
        bool ok = play(&cases[i]);
        failed += !ok;
        printf("%s %d - %s\n", ok ? "ok" : "not ok", i + 1, cases[i].name);
        fflush(stdout);
    }
    bool ok = play_dump();
    failed += !ok;
    printf("%s %d - dots at line starts arrive as they were written\n1..%d\n", ok ? "ok" : "not ok",
           n + 1, n + 1);
    return failed > 0;
}
