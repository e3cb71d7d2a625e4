#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hayauma/io/http.h"

Test(http, reads_what_it_serves_and_refuses_the_rest)
{
    static const struct {
        const char *in;
        int want;
        const char *path, *accept;
    } cases[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", HY_OK, "/metrics", ""},
        {"GET /metrics?a=b HTTP/1.0\r\naccept:  text/plain \r\n\r\n", HY_OK, "/metrics",
         "text/plain"},
        {"HEAD / HTTP/1.1\r\n\r\n", HY_OK, "/", ""},
        {"GET /x HTTP/1.1\r\nContent-Length: 0\r\n\r\nrest", HY_OK, "/x", ""},
        {"", HY_EMORE, "", ""},
        {"GET / HTTP/1.1\r\nHost: x\r\n", HY_EMORE, "", ""},
        {"POST / HTTP/1.1\r\n\r\n", HY_EUNSUPPORTED, "", ""},
        {"PRI * HTTP/2.0\r\n\r\n", HY_EUNSUPPORTED, "", ""},
        {"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", HY_EUNSUPPORTED, "", ""},
        {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", HY_EUNSUPPORTED, "", ""},
        {"GET http://x/ HTTP/1.1\r\n\r\n", HY_EPARSE, "", ""},
        {"GET /a\x01 HTTP/1.1\r\n\r\n", HY_EPARSE, "", ""},
        {"GET / HTTP/1.1 x\r\n\r\n", HY_EUNSUPPORTED, "", ""},
        {"GET /\r\n\r\n", HY_EPARSE, "", ""},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", HY_EPARSE, "", ""},
        {"GET / HTTP/1.1\r\n folded: x\r\n\r\n", HY_EPARSE, "", ""},
        {"\r\n\r\n", HY_EPARSE, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_http_request r = {0};
        cr_assert_eq(hy_http_request_read(hy_str_of(cases[i].in), &r), cases[i].want, "case %zu",
                     i);
        cr_assert(hy_str_eq(r.path, hy_str_of(cases[i].path)), "case %zu", i);
        cr_assert(hy_str_eq(r.accept, hy_str_of(cases[i].accept)), "case %zu", i);
    }
}

Test(http, a_head_without_an_end_has_a_limit)
{
    static char long_head[HY_HTTP_HEAD_MAX + 64];
    struct hy_http_request r;
    memset(long_head, 'a', sizeof long_head);
    memcpy(long_head, "GET /", 5);
    cr_assert_eq(hy_http_request_read(hy_str_make(long_head, HY_HTTP_HEAD_MAX - 1), &r), HY_EMORE);
    cr_assert_eq(hy_http_request_read(hy_str_make(long_head, HY_HTTP_HEAD_MAX), &r), HY_ELIMIT);
    memcpy(long_head + sizeof long_head - 4, "\r\n\r\n", 4);
    cr_assert_eq(hy_http_request_read(hy_str_make(long_head, sizeof long_head), &r), HY_ELIMIT);
}

/* ---- the server ---- */

static void serve(void *ctx, const struct hy_http_request *r, struct hy_http_answer *a)
{
    (void)ctx;
    if (!hy_str_eq(r->path, HY_STR("/large")))
        return;
    a->status = 200;
    for (int i = 0; i < 100000; i++)
        hy_buf_add_lit(&a->body, "0123456789");
}

static struct hy_http_server *open_on(struct sockaddr_in *addr, hy_us timeout_us)
{
    struct hy_http_options o = {.fn = serve, .timeout_us = timeout_us};
    struct hy_http_server *s = NULL;
    struct hy_diag diag = {""};
    for (uint16_t port = 23000; port < 23500 && !s; port++) {
        *addr = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        o.listen.in4 = *addr;
        int err = hy_http_open(&o, &diag, &s);
        cr_assert(err == HY_OK || err == HY_EBUSY, "%s", diag.text);
    }
    cr_assert_not_null(s);
    return s;
}

static int dial(const struct sockaddr_in *addr)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)addr, sizeof *addr), 0);
    return fd;
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

Test(http, answers_each_request_and_closes)
{
    static const struct {
        const char *request, *status;
        size_t least;
    } cases[] = {
        {"GET /large HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", 1000000},
        {"HEAD /large HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", 0},
        {"GET /nothing HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", 0},
        {"DELETE /large HTTP/1.1\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n", 0},
        {"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", 0},
    };
    struct sockaddr_in addr;
    struct hy_http_server *s = open_on(&addr, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char head[512];
        int fd = dial(&addr);
        cr_assert_gt(send(fd, cases[i].request, strlen(cases[i].request), 0), 0);
        size_t n = read_all(fd, head, sizeof head);
        cr_assert(hy_str_starts(hy_str_of(head), hy_str_of(cases[i].status)), "%s: %s",
                  cases[i].request, head);
        cr_assert_geq(n, cases[i].least);
        cr_assert(cases[i].least || n < 1000, "HEAD and errors bring no large body");
    }
    hy_http_close(s);
}

Test(http, silent_clients_are_closed_and_those_behind_them_are_served)
{
    struct sockaddr_in addr;
    struct hy_http_server *s = open_on(&addr, 200 * HY_US_PER_MS);
    int silent[HY_HTTP_CLIENTS_MAX];
    for (size_t i = 0; i < HY_HTTP_CLIENTS_MAX; i++)
        silent[i] = dial(&addr);
    char head[512];
    int fd = dial(&addr);
    cr_assert_gt(send(fd, "GET /x HTTP/1.1\r\n\r\n", 19, 0), 0);
    cr_assert_gt(read_all(fd, head, sizeof head), 0, "its turn came when the others were closed");
    for (size_t i = 0; i < HY_HTTP_CLIENTS_MAX; i++)
        cr_assert_eq(read_all(silent[i], head, sizeof head), 0);
    hy_http_close(s);
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
    for (int i = 0; i < LOOKS && hy_http_pauses(s) == 0; i++)
        usleep(LOOK_US);
    cr_assert_gt(hy_http_pauses(s), 0);
    for (int i = 0; i < MORE_LOOKS; i++)
        usleep(LOOK_US);
    unsigned long pauses = hy_http_pauses(s);
    hy_us most = 1 + (hy_clock_us() - since) / HY_HTTP_PAUSE_US;
    cr_expect_leq((hy_us)pauses, most, "one after the other: %lu", pauses);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    cr_assert_gt(send(fd, "GET /x HTTP/1.1\r\n\r\n", 19, 0), 0);
    cr_assert_gt(read_all(fd, head, sizeof head), 0, "it waited, and was served");
    hy_http_close(s);
}

Test(http, a_taken_port_is_told)
{
    struct sockaddr_in addr;
    struct hy_diag diag = {""};
    struct hy_http_server *s = open_on(&addr, 0), *second = NULL;
    struct hy_http_options o = {.fn = serve, .listen.in4 = addr};
    cr_assert_eq(hy_http_open(&o, &diag, &second), HY_EBUSY);
    cr_assert(strstr(diag.text, "127.0.0.1"), "%s", diag.text);
    hy_http_close(s);
}
