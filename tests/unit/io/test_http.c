#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/io/http.h"

#define HOST "Host: x\r\n"

Test(http, reads_what_is_in_no_doubt_and_refuses_the_rest)
{
    static const struct {
        const char *in;
        int want;
        const char *path, *query;
        uint64_t length;
        bool is_chunked, closes;
    } cases[] = {
        {"GET /metrics HTTP/1.1\r\n" HOST "\r\n", HY_OK, "/metrics", "", 0, false, false},
        {"GET /m?a=b&c HTTP/1.0\r\n\r\n", HY_OK, "/m", "a=b&c", 0, false, true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", HY_OK, "/", "", 0, false, false},
        {"POST /x HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\nrest", HY_OK, "/x", "", 12, false,
         false},
        {"PUT /x HTTP/1.1\r\n" HOST "transfer-encoding: Chunked\r\nConnection: a, Close\r\n\r\n",
         HY_OK, "/x", "", 0, true, true},
        {"", HY_EMORE, "", "", 0, false, false},
        {"GET / HTTP/1.1\r\n" HOST, HY_EMORE, "", "", 0, false, false},
        {"PRI * HTTP/2.0\r\n\r\n", HY_EUNSUPPORTED, "", "", 0, false, false},
        {"GET / HTTP/1.1 x\r\n\r\n", HY_EUNSUPPORTED, "", "", 0, false, false},
        {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", HY_EUNSUPPORTED, "",
         "", 0, false, false},
        /* two readers, two bodies */
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", HY_EPARSE, "",
         "", 0, false, false},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         HY_EPARSE, "", "", 0, false, false},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HY_EPARSE, "", "", 0, false,
         false},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", HY_EPARSE, "", "", 0, false,
         false},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", HY_EPARSE, "", "", 0, false,
         false},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", HY_EPARSE, "",
         "", 0, false, false},
        {"GET / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n", HY_EPARSE, "", "", 0, false,
         false},
        {"GET / HTTP/1.1\r\n" HOST "A: b\nContent-Length: 5\r\n\r\n", HY_EPARSE, "", "", 0, false,
         false},
        {"GET / HTTP/1.1\r\n" HOST "A: b\n\r\n\r\n", HY_EPARSE, "", "", 0, false, false},
        {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", HY_EPARSE, "", "", 0, false, false},
        {"GET / HTTP/1.1\r\n\r\n", HY_EPARSE, "", "", 0, false, false},
        {"GET http://x/ HTTP/1.1\r\n" HOST "\r\n", HY_EPARSE, "", "", 0, false, false},
        {"GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", HY_EPARSE, "", "", 0, false, false},
        {"G(T / HTTP/1.1\r\n" HOST "\r\n", HY_EPARSE, "", "", 0, false, false},
        {"GET /\r\n\r\n", HY_EPARSE, "", "", 0, false, false},
        {"GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", HY_EPARSE, "", "", 0, false, false},
        {"GET / HTTP/1.1\r\n" HOST " folded: x\r\n\r\n", HY_EPARSE, "", "", 0, false, false},
        {"\r\n\r\n", HY_EPARSE, "", "", 0, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_http_head h = {0};
        int got = hy_http_head_read(hy_str_of(cases[i].in), &h);
        cr_expect_eq(got, cases[i].want, "case %zu: got %s", i, hy_err_name(got));
        cr_expect(hy_str_eq(h.path, hy_str_of(cases[i].path)), "case %zu", i);
        cr_expect(hy_str_eq(h.query, hy_str_of(cases[i].query)), "case %zu", i);
        cr_expect_eq(h.length, cases[i].length, "case %zu", i);
        cr_expect_eq(h.is_chunked, cases[i].is_chunked, "case %zu", i);
        cr_expect_eq(h.closes, cases[i].closes, "case %zu", i);
    }
}

Test(http, finds_fields_of_any_case)
{
    struct hy_http_head h;
    struct hy_str value;
    cr_assert_eq(hy_http_head_read(HY_STR("GET / HTTP/1.1\r\nHost: x\r\naUTH: \t one \r\n"
                                          "Auth: two\r\n\r\n"),
                                   &h),
                 HY_OK);
    cr_assert(hy_http_field(&h, HY_STR("Auth"), &value));
    cr_assert(hy_str_eq(value, HY_STR("one")), "the first one, without spaces");
    cr_assert_not(hy_http_field(&h, HY_STR("Aut"), &value));
}

Test(http, a_head_without_an_end_has_a_limit)
{
    static char long_head[HY_HTTP_HEAD_MAX + 64];
    struct hy_http_head h;
    memset(long_head, 'a', sizeof long_head);
    memcpy(long_head, "GET /", 5);
    cr_assert_eq(hy_http_head_read(hy_str_make(long_head, HY_HTTP_HEAD_MAX - 1), &h), HY_EMORE);
    cr_assert_eq(hy_http_head_read(hy_str_make(long_head, HY_HTTP_HEAD_MAX), &h), HY_ELIMIT);
    memcpy(long_head + sizeof long_head - 4, "\r\n\r\n", 4);
    cr_assert_eq(hy_http_head_read(hy_str_make(long_head, sizeof long_head), &h), HY_ELIMIT);
}

Test(http, a_head_has_a_hundred_fields_at_most)
{
    struct hy_http_head h;
    for (int n = HY_HTTP_FIELDS_MAX; n <= HY_HTTP_FIELDS_MAX + 1; n++) {
        struct hy_buf b = HY_BUF_INIT(65536);
        hy_buf_add_lit(&b, "GET / HTTP/1.1\r\n" HOST);
        for (int i = 1; i < n; i++)
            hy_buf_add_lit(&b, "A: b\r\n");
        hy_buf_add_lit(&b, "\r\n");
        cr_expect_eq(hy_http_head_read(hy_buf_str(&b), &h),
                     n > HY_HTTP_FIELDS_MAX ? HY_ELIMIT : HY_OK);
        hy_buf_free(&b);
    }
}

/* ---- chunks ---- */

static const struct {
    const char *in;
    int want;
    const char *body;
} chunked[] = {
    {"5\r\nhello\r\n0\r\n\r\n", HY_OK, "hello"},
    {"3;ext=1\r\nabc\r\nA\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n", HY_OK, "abc0123456789"},
    {"0\r\n\r\n", HY_OK, ""},
    {"5\r\nhel", HY_EMORE, "hel"},
    {"5\r\nhelloX\r\n", HY_EPARSE, "hello"},
    {"5\nhello\r\n0\r\n\r\n", HY_EPARSE, ""},
    {"g\r\n", HY_EPARSE, ""},
    {"\r\n", HY_EPARSE, ""},
    {"-1\r\n", HY_EPARSE, ""},
    {"123456789\r\n", HY_EPARSE, ""}, /* more digits than a size has */
    {"0x5\r\nhello\r\n", HY_EPARSE, ""},
    {"ffff\r\n", HY_ELIMIT, ""},
};

Test(http, chunks_are_read_whole_and_byte_by_byte)
{
    for (size_t i = 0; i < sizeof chunked / sizeof *chunked; i++) {
        for (int is_slow = 0; is_slow < 2; is_slow++) {
            struct hy_http_chunks c = {0};
            struct hy_buf out = HY_BUF_INIT(1000), in = HY_BUF_INIT(1000);
            struct hy_str all = hy_str_of(chunked[i].in);
            int err = HY_EMORE;
            for (size_t at = 0; at < all.n && err == HY_EMORE; at++) {
                size_t used = 0;
                hy_buf_add_str(&in, is_slow ? hy_str_slice(all, at, at + 1) : all);
                err = hy_http_chunks_read(&c, hy_buf_str(&in), &out, &used);
                hy_buf_consume(&in, used);
                if (!is_slow)
                    break;
            }
            cr_expect_eq(err, chunked[i].want, "case %zu: %s", i, hy_err_name(err));
            cr_expect(hy_str_eq(hy_buf_str(&out), hy_str_of(chunked[i].body)), "case %zu", i);
            hy_buf_free(&out);
            hy_buf_free(&in);
        }
    }
}

/* ---- the server ---- */

enum { CLIENTS_MAX = 4 };

static pthread_t answering;  /* /later is answered from this thread */
static atomic_bool is_asked; /* it runs */
static int over;             /* calls that are done */

static void answer_text(struct hy_http_call *c, int status, struct hy_str text)
{
    struct hy_http_answer a = {.status = status, .type = "text/plain", .body = text};
    hy_http_answer(c, &a);
}

static void answer_later(struct hy_http_call *c)
{
    answer_text(c, 202, HY_STR("later"));
}

static void *answer_main(void *arg)
{
    usleep(20000);
    hy_http_later(arg, answer_later);
    return NULL;
}

static void wait_for_answer(void)
{
    while (!atomic_load(&is_asked))
        usleep(1000);
    pthread_join(answering, NULL);
}

static void on_head(void *ctx, struct hy_http_call *c)
{
    (void)ctx;
    if (hy_str_eq(c->head.path, HY_STR("/forbidden")))
        answer_text(c, 403, HY_STR("no"));
}

static void on_request(void *ctx, struct hy_http_call *c)
{
    (void)ctx;
    if (hy_str_eq(c->head.path, HY_STR("/large"))) {
        struct hy_buf b = HY_BUF_INIT(1 << 20);
        for (int i = 0; i < 100000; i++)
            hy_buf_add_lit(&b, "0123456789");
        answer_text(c, 200, hy_buf_str(&b));
        hy_buf_free(&b);
    } else if (hy_str_eq(c->head.path, HY_STR("/later"))) {
        cr_assert_eq(pthread_create(&answering, NULL, answer_main, c), 0);
        atomic_store(&is_asked, true);
    } else if (hy_str_eq(c->head.path, HY_STR("/echo"))) {
        answer_text(c, 200, c->body);
    } else {
        answer_text(c, 404, HY_STR("nothing"));
    }
}

static void on_done(void *ctx, struct hy_http_call *c)
{
    (void)ctx;
    (void)c;
    __atomic_add_fetch(&over, 1, __ATOMIC_SEQ_CST);
}

static struct hy_http_ops ops = {.on_head = on_head, .on_request = on_request, .on_done = on_done};

static struct hy_http_server *open_on(struct sockaddr_in *addr, hy_us head_us)
{
    struct hy_http_options o = {.name = "http",
                                .n_listeners = 1,
                                .ops = &ops,
                                .settings = {.connections_max = CLIENTS_MAX,
                                             .body_max = 100000,
                                             .idle_us = head_us,
                                             .head_us = head_us,
                                             .slow_us = head_us}};
    struct hy_http_server *s = NULL;
    struct hy_diag diag = {""};
    over = 0;
    atomic_store(&is_asked, false);
    for (uint16_t port = 23000; port < 23500 && !s; port++) {
        *addr = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        o.listeners[0].addr.in4 = *addr;
        int err = hy_http_open(&o, &diag, &s);
        cr_assert(err == HY_OK || err == HY_EBUSY, "%s", diag.text);
    }
    cr_assert_not_null(s);
    cr_assert_eq(hy_http_start(s), HY_OK);
    return s;
}

static int dial(const struct sockaddr_in *addr)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)addr, sizeof *addr), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    cr_assert_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Everything until the end of the connection; how much that is. */
static size_t read_all(int fd, char *out, size_t room)
{
    char rest[65536];
    size_t n = 0, all = 0;
    for (ssize_t got; (got = recv(fd, rest, sizeof rest, 0)) > 0; all += (size_t)got) {
        size_t take = (size_t)got < room - 1 - n ? (size_t)got : room - 1 - n;
        memcpy(out + n, rest, take);
        n += take;
    }
    out[n] = '\0';
    close(fd);
    return all;
}

/* Until `want` has come. */
static void read_until(int fd, const char *want, char *out, size_t room)
{
    size_t n = 0;
    out[0] = '\0';
    while (!strstr(out, want)) {
        ssize_t got = recv(fd, out + n, room - 1 - n, 0);
        cr_assert_gt(got, 0, "got '%s', want '%s'", out, want);
        n += (size_t)got;
        out[n] = '\0';
    }
}

#define CLOSE "Connection: close\r\n"

Test(http, answers_each_request)
{
    static const struct {
        const char *request, *status;
        size_t least;
    } cases[] = {
        {"GET /large HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", 1000000},
        {"HEAD /large HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 200 OK\r\n", 0},
        {"GET /nothing HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 404 Not Found\r\n", 0},
        {"GET /later HTTP/1.1\r\n" HOST CLOSE "\r\n", "HTTP/1.1 202 Accepted\r\n", 0},
        {"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", 0},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n",
         "HTTP/1.1 413 Content Too Large\r\n", 0},
        {"POST /forbidden HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nhalf of it",
         "HTTP/1.1 403 Forbidden\r\n", 0},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
         "HTTP/1.1 400 Bad Request\r\n", 0},
    };
    struct sockaddr_in addr;
    struct hy_http_server *s = open_on(&addr, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char head[512];
        int fd = dial(&addr);
        say(fd, cases[i].request);
        size_t n = read_all(fd, head, sizeof head);
        cr_expect(hy_str_starts(hy_str_of(head), hy_str_of(cases[i].status)), "%s: %s",
                  cases[i].request, head);
        cr_expect_geq(n, cases[i].least);
        cr_expect(cases[i].least || n < 1000, "HEAD and errors bring no large body");
    }
    wait_for_answer();
    hy_http_close(s);
}

Test(http, a_connection_stays_and_requests_may_come_ahead)
{
    struct sockaddr_in addr;
    char out[4096];
    struct hy_http_server *s = open_on(&addr, 0);
    int fd = dial(&addr);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\none");
    read_until(fd, "one", out, sizeof out);
    say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n"
            "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nthree"
            "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
            "2\r\nfo\r\n2\r\nur\r\n0\r\n\r\n");
    read_until(fd, "four", out, sizeof out);
    const char *later = strstr(out, "later"), *three = strstr(out, "three");
    cr_assert(later && three && later < three, "answers come in the order of their requests: %s",
              out);
    wait_for_answer();
    close(fd);
    hy_http_close(s);
    cr_assert_eq(over, 4, "each call is over once");
}

Test(http, a_client_may_wait_for_100_continue)
{
    struct sockaddr_in addr;
    char out[4096];
    struct hy_http_server *s = open_on(&addr, 0);
    int fd = dial(&addr);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    read_until(fd, "HTTP/1.1 100 Continue\r\n\r\n", out, sizeof out);
    say(fd, "ok");
    read_until(fd, "\r\n\r\nok", out, sizeof out);
    close(fd);
    hy_http_close(s);
}

Test(http, a_client_that_leaves_while_its_answer_is_made_harms_nobody)
{
    struct sockaddr_in addr;
    struct hy_http_server *s = open_on(&addr, 0);
    int fd = dial(&addr);
    say(fd, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    while (!atomic_load(&is_asked))
        usleep(1000);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    wait_for_answer();
    hy_http_close(s);
    cr_assert_eq(over, 1);
}

Test(http, the_connection_that_is_idle_longest_makes_room)
{
    struct sockaddr_in addr;
    char out[512];
    int fds[CLIENTS_MAX];
    struct hy_http_server *s = open_on(&addr, 0);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        fds[i] = dial(&addr);
        say(fds[i], "GET /x HTTP/1.1\r\n" HOST "\r\n");
        read_until(fds[i], "nothing", out, sizeof out);
    }
    int fd = dial(&addr);
    say(fd, "GET /x HTTP/1.1\r\n" HOST CLOSE "\r\n");
    cr_assert_gt(read_all(fd, out, sizeof out), 0);
    cr_assert_eq(recv(fds[0], out, sizeof out, 0), 0, "the first one had to go");
    say(fds[1], "GET /x HTTP/1.1\r\n" HOST "\r\n");
    read_until(fds[1], "nothing", out, sizeof out);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        close(fds[i]);
    hy_http_close(s);
}

Test(http, slow_heads_are_told_and_closed)
{
    struct sockaddr_in addr;
    struct hy_http_server *s = open_on(&addr, 200 * HY_US_PER_MS);
    char out[512];
    int silent = dial(&addr), slow = dial(&addr), body = dial(&addr);
    say(slow, "GET /x HT");
    say(body, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
    cr_assert_eq(read_all(silent, out, sizeof out), 0);
    cr_assert_gt(read_all(slow, out, sizeof out), 0);
    cr_assert(strstr(out, "408 Request Timeout"), "%s", out);
    cr_assert_gt(read_all(body, out, sizeof out), 0);
    cr_assert(strstr(out, "408 Request Timeout"), "%s", out);
    hy_http_close(s);
}

/* A client that sends a byte now and then, so that something always comes. Returns what it was told
 * in the end; nothing when it was still let in after `most` bytes. */
static size_t drip(const struct sockaddr_in *addr, const char *begin, int most, char *out,
                   size_t room)
{
    int fd = dial(addr);
    say(fd, begin);
    for (int i = 0; i < most; i++) {
        char c;
        if (recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
            return read_all(fd, out, room);
        (void)!send(fd, "x", 1, MSG_NOSIGNAL);
        usleep(20000);
    }
    close(fd);
    return 0;
}

Test(http, heads_and_bodies_that_drip_are_ended_all_the_same)
{
    struct sockaddr_in addr;
    struct hy_http_server *s = open_on(&addr, 200 * HY_US_PER_MS);
    char out[512];
    cr_assert_gt(drip(&addr, "GET /x HTTP/1.1\r\nX-Long: ", 1000, out, sizeof out), 0, "head");
    cr_assert(strstr(out, "408 Request Timeout"), "%s", out);
    cr_assert_gt(drip(&addr, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n", 1000,
                      out, sizeof out),
                 0, "body");
    cr_assert(strstr(out, "408 Request Timeout"), "%s", out);
    cr_assert_gt(drip(&addr,
                      "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10000\r\n",
                      1000, out, sizeof out),
                 0, "chunks");
    cr_assert(strstr(out, "408 Request Timeout"), "%s", out);
    hy_http_close(s);
}

static int dial_from(const struct sockaddr_in *addr, uint32_t from)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)addr, sizeof *addr), 0);
    return fd;
}

static bool is_served(int fd)
{
    char out[512];
    say(fd, "GET /x HTTP/1.1\r\n" HOST "\r\n");
    read_until(fd, "\r\n\r\n", out, sizeof out);
    return strstr(out, "HTTP/1.1 404 ") == out;
}

static bool trusts(void *ctx, const struct hy_sockaddr *peer)
{
    (void)ctx;
    return ntohl(peer->in4.sin_addr.s_addr) == INADDR_LOOPBACK + 8;
}

Test(http, an_address_has_its_share_of_connections_and_no_more)
{
    enum { US = INADDR_LOOPBACK + 6, OTHERS = INADDR_LOOPBACK + 7, PROXY = INADDR_LOOPBACK + 8 };
    struct sockaddr_in addr;
    char out[512];
    ops.is_trusted = trusts;
    struct hy_http_server *s = open_on(&addr, 0);
    const struct hy_http_settings settings = {.connections_max = 100, .connections_per_address = 2};
    hy_http_reload(s, &settings);
    int first = dial_from(&addr, US), second = dial_from(&addr, US);
    cr_assert(is_served(first) && is_served(second));
    int third = dial_from(&addr, US);
    cr_assert_gt(read_all(third, out, sizeof out), 0);
    cr_assert_eq(strstr(out, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\n"), out, "%s",
                 out);
    cr_assert_eq(atomic_load(&hy_http_counters_of(s)->crowded), 1);
    int other = dial_from(&addr, OTHERS);
    cr_assert(is_served(other), "another address is not held back");
    for (int i = 0; i < 5; i++)
        cr_assert(is_served(dial_from(&addr, PROXY)), "a proxy speaks for many");
    close(first);
    while (atomic_load(&hy_http_counters_of(s)->connections_now) > 7)
        usleep(1000);
    int again = dial_from(&addr, US);
    cr_assert(is_served(again), "there is room again");
    hy_http_close(s);
}

Test(http, bodies_have_a_memory_in_common)
{
    struct sockaddr_in addr;
    char out[512];
    struct hy_http_server *s = open_on(&addr, 0);
    struct hy_http_settings small = {
        .connections_max = 4, .body_max = 100000, .memory_max = 150000};
    hy_http_reload(s, &small);
    int first = dial(&addr), second = dial(&addr);
    say(first, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n"
               "Expect: 100-continue\r\n\r\n");
    read_until(first, "100 Continue", out, sizeof out);
    say(second, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 90000\r\n\r\n");
    read_until(second, "503 Service Unavailable", out, sizeof out);
    close(first);
    close(second);
    hy_http_close(s);
}

static unsigned long pauses_of(const struct hy_http_server *s)
{
    return atomic_load(&hy_http_counters_of(s)->pauses);
}

Test(http, without_a_descriptor_it_pauses_and_then_serves)
{
    enum { LOOK_US = 10000, LOOKS = 3000, MORE_LOOKS = 30 };
    struct sockaddr_in addr;
    char head[512];
    struct rlimit old;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct hy_http_server *s = open_on(&addr, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_geq(fd, 0);
    struct rlimit none = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = old.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    hy_us since = hy_clock_us();
    cr_assert_eq(connect(fd, (const struct sockaddr *)&addr, sizeof addr), 0);
    for (int i = 0; i < LOOKS && pauses_of(s) == 0; i++)
        usleep(LOOK_US);
    cr_assert_gt(pauses_of(s), 0);
    for (int i = 0; i < MORE_LOOKS; i++)
        usleep(LOOK_US);
    unsigned long pauses = pauses_of(s);
    hy_us most = 1 + (hy_clock_us() - since) / HY_HTTP_PAUSE_US;
    cr_expect_leq((hy_us)pauses, most, "one after the other: %lu", pauses);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    cr_assert_gt(send(fd, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 47, 0), 0);
    cr_assert_gt(read_all(fd, head, sizeof head), 0, "it waited, and was served");
    hy_http_close(s);
}

Test(http, a_taken_port_is_told)
{
    struct sockaddr_in addr;
    struct hy_diag diag = {""};
    struct hy_http_server *s = open_on(&addr, 0), *second = NULL;
    struct hy_http_options o = {.name = "http", .n_listeners = 1, .ops = &ops};
    o.listeners[0].addr.in4 = addr;
    cr_assert_eq(hy_http_open(&o, &diag, &second), HY_EBUSY);
    cr_assert(strstr(diag.text, "127.0.0.1"), "%s", diag.text);
    hy_http_close(s);
}
