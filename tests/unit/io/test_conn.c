#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

static void assert_story(struct owner *o, const char *want)
{
    cr_assert_str_eq(hy_buf_cstr(&o->story), want, "got \"%s\", want \"%s\" (%s)",
                     hy_buf_cstr(&o->story), want, o->end_text);
}

static void assert_got(struct owner *o, const char *want)
{
    cr_assert_str_eq(hy_buf_cstr(&o->got), want);
}

/* ---- talking ---- */

static void greet_and_answer(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "220 hello\r\n");
    if (peer_expect(fd, "QUIT\r\n"))
        peer_say(fd, "221 bye\r\n");
}

static void quit_once(struct owner *o)
{
    if (o->got.len && o->sent == 0) {
        o->sent = 1;
        owner_say(o, "QUIT\r\n");
    }
}

Test(conn, talks_and_learns_that_the_peer_closed)
{
    struct peer p;
    struct owner o;
    peer_start(&p, greet_and_answer, 1, NULL);
    owner_init(&o);
    o.on_readable = quit_once;
    owner_open(&o, p.port);
    owner_run(&o);
    assert_story(&o, "connected readable closed ");
    assert_got(&o, "220 hello\r\n221 bye\r\n");
    cr_assert_eq(o.end.err, HY_ECLOSED);
    cr_assert_eq(o.end.stage, HY_CONN_PLAIN);
    peer_join(&p);
    owner_free(&o);
}

static void swallow(struct peer *p, int fd)
{
    size_t want = *(size_t *)(void *)p->ctx, n = 0;
    char buf[65536];
    for (size_t i = 0; n < want; i++) {
        ssize_t r = read(fd, buf, sizeof buf);
        if (r <= 0)
            break;
        for (ssize_t k = 0; k < r; k++)
            if (buf[k] != (char)((n + (size_t)k) % 251)) {
                peer_say(fd, "500 wrong byte\r\n");
                return;
            }
        n += (size_t)r;
        if (i % 16 == 0)
            usleep(500); /* let the socket fill */
    }
    peer_say(fd, n == want ? "250 all came\r\n" : "500 short\r\n");
}

static void send_more(struct owner *o)
{
    while (o->sent < o->to_send) {
        struct iovec v[200]; /* more pieces than one system call takes */
        int n = 0;
        size_t offered = 0;
        for (size_t at = o->sent; n < 200 && at < o->to_send; n++) {
            size_t len = 1 + (at * 7919) % 3000;
            if (len > o->to_send - at)
                len = o->to_send - at;
            v[n] = (struct iovec){o->data + at, len};
            at += len;
            offered += len;
        }
        size_t taken = hy_conn_writev(o->conn, v, n);
        o->sent += taken;
        if (taken < offered)
            return;
    }
}

Test(conn, writes_megabytes_through_a_full_socket_without_losing_a_byte)
{
    struct peer p;
    struct owner o;
    size_t total = 24 << 20;
    owner_init(&o);
    o.data = malloc(total);
    for (size_t i = 0; i < total; i++)
        o.data[i] = (char)(i % 251);
    o.to_send = total;
    o.on_connected = o.on_writable = send_more;
    peer_start(&p, swallow, 1, (SSL_CTX *)(void *)&total);
    owner_open(&o, p.port);
    owner_run(&o);
    assert_story(&o, "connected writable readable closed ");
    assert_got(&o, "250 all came\r\n");
    p.ctx = NULL;
    peer_join(&p);
    free(o.data);
    owner_free(&o);
}

static void flood(struct peer *p, int fd)
{
    (void)p;
    char line[8192];
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 256; i++)
        if (write(fd, line, sizeof line) <= 0)
            return;
}

Test(conn, reads_megabytes_and_the_end_behind_them)
{
    struct peer p;
    struct owner o;
    peer_start(&p, flood, 1, NULL);
    owner_init(&o);
    owner_open(&o, p.port);
    usleep(50000); /* the FIN and much data are there at the first event */
    owner_run(&o);
    cr_assert_eq(o.got.len, 256 * 8192);
    cr_assert_eq(o.end.err, HY_ECLOSED);
    peer_join(&p);
    owner_free(&o);
}

/* ---- ends ---- */

/* Talks on and on before it reads; what it then reads, and how that ends. */
struct talker {
    size_t ahead;
    char got[64];
    int sys_errno;
};

static void talk_ahead(struct peer *p, int fd)
{
    struct talker *t = (struct talker *)(void *)p->ctx;
    char some[1000];
    size_t n = 0;
    memset(some, 'x', sizeof some);
    for (size_t i = 0; i < t->ahead; i += sizeof some)
        if (send(fd, some, sizeof some, MSG_NOSIGNAL) < 0)
            break;
    usleep(50000); /* the other side has ended by now */
    for (ssize_t r; n < sizeof t->got - 1; n += (size_t)r) {
        r = recv(fd, t->got + n, sizeof t->got - 1 - n, 0);
        if (r < 0)
            t->sys_errno = errno;
        if (r <= 0)
            break;
    }
}

static size_t linger_bytes;

static void say_goodbye_and_linger(struct owner *o)
{
    owner_say(o, "421 goodbye\r\n");
    hy_conn_linger(o->conn, linger_bytes, 5 * HY_US_PER_SEC);
    hy_conn_linger(o->conn, linger_bytes, 5 * HY_US_PER_SEC); /* once is enough */
}

Test(conn, lingers_so_that_its_last_words_are_read_by_who_talks_on)
{
    struct talker t = {.ahead = 200000};
    struct peer p;
    struct owner o;
    peer_start(&p, talk_ahead, 1, (SSL_CTX *)(void *)&t);
    owner_init(&o);
    o.on_readable = say_goodbye_and_linger;
    linger_bytes = 1 << 20;
    owner_open(&o, p.port);
    owner_run(&o);
    p.ctx = NULL;
    peer_join(&p);
    assert_story(&o, "connected readable closed ");
    cr_assert_eq(o.end.err, HY_ECLOSED, "%s", o.end_text);
    cr_assert_eq(t.sys_errno, 0, "%s", strerror(t.sys_errno));
    cr_assert_str_eq(t.got, "421 goodbye\r\n");
    owner_free(&o);
}

Test(conn, lingers_for_so_many_bytes_only)
{
    struct talker t = {.ahead = 8 << 20};
    struct peer p;
    struct owner o;
    peer_start(&p, talk_ahead, 1, (SSL_CTX *)(void *)&t);
    owner_init(&o);
    o.on_readable = say_goodbye_and_linger;
    linger_bytes = 100000;
    owner_open(&o, p.port);
    owner_run(&o);
    p.ctx = NULL;
    cr_assert_eq(o.end.err, HY_ECANCELED, "%s", o.end_text);
    peer_join(&p);
    owner_free(&o);
}

static void hang_on(struct peer *p, int fd)
{
    (void)p;
    char c;
    peer_say(fd, "x");
    while (recv(fd, &c, 1, 0) > 0)
        ;
    usleep(300000); /* it has our end, and keeps its own open */
}

static void linger_for_a_moment(struct owner *o)
{
    hy_conn_linger(o->conn, 1 << 20, 20000);
}

Test(conn, lingers_for_so_long_only)
{
    struct peer p;
    struct owner o;
    peer_start(&p, hang_on, 1, NULL);
    owner_init(&o);
    o.on_readable = linger_for_a_moment;
    owner_open(&o, p.port);
    owner_run(&o);
    cr_assert_eq(o.end.err, HY_ETIMEOUT, "%s", o.end_text);
    peer_join(&p);
    owner_free(&o);
}

static void say_and_reset(struct peer *p, int fd)
{
    (void)p;
    peer_say(fd, "220 hello\r\n");
    peer_reset(fd);
}

Test(conn, hands_out_the_bytes_before_a_reset_and_then_tells_of_it)
{
    struct peer p;
    struct owner o;
    peer_start(&p, say_and_reset, 1, NULL);
    owner_init(&o);
    owner_open(&o, p.port);
    usleep(50000);
    owner_run(&o);
    /* The system may drop what was unread; then the end is all there is to tell. */
    cr_assert_eq(o.end.err, HY_EIO, "%s", o.end_text);
    cr_assert_eq(o.end.sys_errno, ECONNRESET);
    peer_join(&p);
    owner_free(&o);
}

Test(conn, says_that_a_connection_was_refused)
{
    struct owner o;
    struct peer p;
    peer_start(&p, greet_and_answer, 0, NULL);
    peer_join(&p); /* its port is free now, and nobody listens */
    owner_init(&o);
    owner_open(&o, p.port);
    owner_run(&o);
    assert_story(&o, "closed ");
    cr_assert_eq(o.end.err, HY_EIO);
    cr_assert_eq(o.end.sys_errno, ECONNREFUSED);
    cr_assert_eq(o.end.stage, HY_CONN_CONNECTING);
    cr_assert_str_eq(o.end_text, "Connection refused");
    owner_free(&o);
}

Test(conn, tells_later_that_there_is_no_way_to_the_address)
{
    struct owner o;
    owner_init(&o);
    struct hy_conn_options opt = {0};
    cr_assert_eq(hy_sockaddr_parse(HY_STR("255.255.255.255:25"), 0, &opt.peer), 0);
    cr_assert_eq(hy_conn_open(o.loop, &opt, &owner_ops, &o, &o.conn), 0);
    cr_assert_not(o.closed, "a callback came from inside hy_conn_open");
    owner_run(&o);
    cr_assert_eq(o.end.stage, HY_CONN_CONNECTING);
    cr_assert_neq(o.end.sys_errno, 0);
    owner_free(&o);
}

Test(conn, tells_at_once_that_the_source_address_is_not_ours)
{
    struct owner o;
    owner_init(&o);
    struct hy_conn_options opt = {0};
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1:25"), 0, &opt.peer), 0);
    cr_assert_eq(hy_sockaddr_parse(HY_STR("192.0.2.77"), 0, &opt.source), 0);
    cr_assert_eq(hy_conn_open(o.loop, &opt, &owner_ops, &o, &o.conn), HY_ENOTFOUND);
    cr_assert_not(o.closed);
    owner_free(&o);
}

static void close_it(struct owner *o)
{
    hy_conn_close(o->conn);
    hy_conn_close(o->conn);
    struct iovec v = {.iov_base = o->story.data, .iov_len = 1};
    cr_assert_eq(hy_conn_writev(o->conn, &v, 1), 0);
    cr_assert_not(o->closed, "on_closed came from inside hy_conn_close");
}

Test(conn, speaks_from_the_source_address_it_was_given)
{
    struct peer p;
    struct owner o;
    peer_start(&p, greet_and_answer, 1, NULL);
    owner_init(&o);
    struct hy_conn_options opt = {0};
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1"), p.port, &opt.peer), 0);
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.9.8.7"), 0, &opt.source), 0);
    cr_assert_eq(hy_conn_open(o.loop, &opt, &owner_ops, &o, &o.conn), 0);
    struct hy_sockaddr local = {0};
    while (o.got.len == 0 && !o.closed)
        cr_assert_eq(hy_loop_turn(o.loop, HY_US_PER_SEC), 0);
    hy_conn_local(o.conn, &local);
    cr_assert(hy_sockaddr_ip_eq(&local, &opt.source));
    cr_assert(hy_sockaddr_eq(hy_conn_peer(o.conn), &opt.peer));
    hy_conn_close(o.conn);
    owner_run(&o);
    peer_join(&p);
    owner_free(&o);
}

Test(conn, can_be_closed_in_every_callback_and_ends_once)
{
    static const struct {
        const char *where, *story;
    } cases[] = {
        {"open", "closed "},
        {"connected", "connected closed "},
        {"readable", "connected readable closed "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer p;
        struct owner o;
        peer_start(&p, greet_and_answer, 1, NULL);
        owner_init(&o);
        o.on_connected = i == 1 ? close_it : NULL;
        o.on_readable = i == 2 ? close_it : NULL;
        owner_open(&o, p.port);
        if (i == 0)
            close_it(&o);
        owner_run(&o);
        assert_story(&o, cases[i].story);
        cr_assert_eq(o.end.err, HY_ECANCELED);
        if (i == 0) { /* the server may not have seen it at all */
            struct owner second;
            owner_init(&second);
            second.on_connected = close_it;
            owner_open(&second, p.port);
            owner_run(&second);
            owner_free(&second);
        }
        peer_join(&p);
        owner_free(&o);
    }
}

static void stay_silent(struct peer *p, int fd)
{
    (void)p;
    peer_wait_for_end(fd);
}

static void set_short_deadline(struct owner *o)
{
    hy_conn_deadline(o->conn, hy_loop_now(o->loop) + 40 * HY_US_PER_MS);
}

Test(conn, ends_at_its_deadline)
{
    struct peer p;
    struct owner o;
    peer_start(&p, stay_silent, 1, NULL);
    owner_init(&o);
    o.on_connected = set_short_deadline;
    hy_us start = hy_clock_us();
    owner_open(&o, p.port);
    owner_run(&o);
    hy_us took = hy_clock_us() - start;
    cr_assert_eq(o.end.err, HY_ETIMEOUT);
    cr_assert_geq(took, 40 * HY_US_PER_MS);
    cr_assert_lt(took, 2 * HY_US_PER_SEC);
    peer_join(&p);
    owner_free(&o);
}

Test(conn, gives_up_connecting_after_its_time)
{
    /* A listener whose queue is full drops further requests without an answer. */
    int fd = socket(AF_INET, SOCK_STREAM, 0), fill[16];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    cr_assert(bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 0) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
    for (int i = 0; i < 16; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fill[i], (struct sockaddr *)&a, n) < 0 && errno != EINPROGRESS)
            cr_skip_test("cannot fill the queue");
    }
    struct owner o;
    owner_init(&o);
    struct hy_conn_options opt = {.connect_timeout_us = 100 * HY_US_PER_MS};
    cr_assert_eq(hy_sockaddr_parse(HY_STR("127.0.0.1"), ntohs(a.sin_port), &opt.peer), 0);
    cr_assert_eq(hy_conn_open(o.loop, &opt, &owner_ops, &o, &o.conn), 0);
    owner_run(&o);
    cr_assert_eq(o.end.err, HY_ETIMEOUT, "%s", o.end_text);
    cr_assert_eq(o.end.stage, HY_CONN_CONNECTING);
    for (int i = 0; i < 16; i++)
        close(fill[i]);
    close(fd);
    owner_free(&o);
}

Test(conn, adopts_a_socket_that_is_connected_already)
{
    int pair[2];
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    struct owner o;
    owner_init(&o);
    o.on_readable = quit_once;
    cr_assert_eq(hy_conn_adopt(o.loop, pair[0], &owner_ops, &o, &o.conn), 0);
    peer_say(pair[1], "220 hello\r\n");
    while (o.sent == 0)
        cr_assert_eq(hy_loop_turn(o.loop, HY_US_PER_SEC), 0);
    cr_assert(peer_expect(pair[1], "QUIT\r\n"));
    close(pair[1]);
    owner_run(&o);
    assert_story(&o, "connected readable closed ");
    owner_free(&o);
}

Test(conn, keeps_a_thousand_idle_connections_in_under_two_kib_each)
{
    enum { N = 1000 };
    struct hy_loop *loop;
    cr_assert_eq(hy_loop_create(&loop), 0);
    static struct owner owners[N];
    static int ends[N];
    size_t closed = 0, before = mallinfo2().uordblks;
    for (int i = 0; i < N; i++) {
        int pair[2];
        cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        owners[i] = (struct owner){.loop = loop, .got = HY_BUF_INIT(64), .story = HY_BUF_INIT(64)};
        cr_assert_eq(hy_conn_adopt(loop, pair[0], &owner_ops, &owners[i], &owners[i].conn), 0);
        ends[i] = pair[1];
    }
    cr_assert_eq(hy_loop_turn(loop, 0), 0);
    size_t each = (mallinfo2().uordblks - before) / N; /* 0 under the address sanitizer */
    cr_assert_lt(each, 2048, "%zu bytes each", each);
    for (int i = 0; i < N; i++)
        close(ends[i]);
    for (int turn = 0; turn < 100 && closed < N; turn++) {
        cr_assert_eq(hy_loop_turn(loop, 10 * HY_US_PER_MS), 0);
        closed = 0;
        for (int i = 0; i < N; i++)
            closed += (size_t)owners[i].n_closed;
    }
    cr_assert_eq(closed, N);
    for (int i = 0; i < N; i++)
        hy_buf_free(&owners[i].story);
    hy_loop_free(loop);
}
