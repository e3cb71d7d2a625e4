#include "hayauma/io/proxy.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

#include "peer.h"

/* ---- what names one ---- */

Test(proxy, its_name_is_read_strictly)
{
    static const struct {
        const char *text;
        int want;
        enum hy_proxy_kind kind;
        const char *address;
    } cases[] = {
        {"socks5://192.0.2.1:9050", HY_OK, HY_PROXY_SOCKS5, "192.0.2.1:9050"},
        {"socks5://192.0.2.1", HY_OK, HY_PROXY_SOCKS5, "192.0.2.1:1080"},
        {"proxy-v1://192.0.2.1:2525", HY_OK, HY_PROXY_V1, "192.0.2.1:2525"},
        {"proxy-v2://[2001:db8::1]:2525", HY_OK, HY_PROXY_V2, "[2001:db8::1]:2525"},
        {"proxy-v2://192.0.2.1", HY_EPARSE, HY_PROXY_NONE, ""},
        {"socks5://192.0.2.1:0", HY_EPARSE, HY_PROXY_NONE, ""},
        {"socks5://proxy.example.com:1080", HY_EPARSE, HY_PROXY_NONE, ""},
        {"socks5:192.0.2.1:1080", HY_EPARSE, HY_PROXY_NONE, ""},
        {"socks5://user@192.0.2.1:1080", HY_EPARSE, HY_PROXY_NONE, ""},
        {"socks5://192.0.2.1:1080/", HY_EPARSE, HY_PROXY_NONE, ""},
        {"SOCKS5://192.0.2.1:1080", HY_EPARSE, HY_PROXY_NONE, ""},
        {"socks4://192.0.2.1:1080", HY_EPARSE, HY_PROXY_NONE, ""},
        {"none://192.0.2.1:1080", HY_EPARSE, HY_PROXY_NONE, ""},
        {"192.0.2.1:1080", HY_EPARSE, HY_PROXY_NONE, ""},
        {"", HY_EPARSE, HY_PROXY_NONE, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_proxy p = {0};
        struct hy_diag diag = {""};
        char text[HY_SOCKADDR_TEXT_MAX];
        int got = hy_proxy_parse(hy_str_of(cases[i].text), &diag, &p);
        cr_expect_eq(got, cases[i].want, "%s: got %d", cases[i].text, got);
        cr_expect_eq(p.kind, cases[i].kind, "%s", cases[i].text);
        cr_expect(got == HY_OK || diag.text[0], "%s: says why", cases[i].text);
        if (got == HY_OK)
            cr_expect_str_eq(hy_sockaddr_format(&p.address, text), cases[i].address);
    }
}

/* ---- the talk ---- */

static struct hy_sockaddr addr(const char *text)
{
    struct hy_sockaddr a = {0};
    if (text[0])
        cr_assert_eq(hy_sockaddr_parse(hy_str_of(text), 0, &a), HY_OK);
    return a;
}

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

Test(proxy, headers_are_those_of_the_specification)
{
    static const struct {
        enum hy_proxy_kind kind;
        const char *peer, *source;
        struct hy_str want;
    } cases[] = {
        {HY_PROXY_V1, "192.0.2.1:25", "198.51.100.7",
         BYTES("PROXY TCP4 198.51.100.7 192.0.2.1 0 25\r\n")},
        {HY_PROXY_V1, "[2001:db8::1]:25", "2001:db8::7",
         BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 0 25\r\n")},
        {HY_PROXY_V1, "192.0.2.1:25", "", BYTES("PROXY UNKNOWN\r\n")},
        {HY_PROXY_V2, "192.0.2.1:25", "198.51.100.7",
         BYTES("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x07\xc0\0\x02\x01\0\0\0\x19")},
        {HY_PROXY_V2, "[2001:db8::1]:587", "2001:db8::7",
         BYTES("\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
               "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\x02\x4b")},
        {HY_PROXY_V2, "192.0.2.1:25", "2001:db8::7", BYTES("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_proxy p = {.kind = cases[i].kind};
        struct hy_sockaddr peer = addr(cases[i].peer), source = addr(cases[i].source);
        struct hy_proxy_talk t;
        hy_proxy_start(&t, &p, &peer, &source);
        cr_expect(hy_str_eq(hy_proxy_output(&t), cases[i].want), "case %zu: %zu bytes", i,
                  hy_proxy_output(&t).n);
        hy_proxy_sent(&t, 5);
        cr_expect_eq(t.state, HY_PROXY_TALKING);
        hy_proxy_sent(&t, cases[i].want.n - 5);
        cr_expect_eq(t.state, HY_PROXY_DONE);
    }
}

struct talk {
    const char *what, *user, *password;
    struct hy_str answers, said;
    enum hy_proxy_state state;
    enum hy_proxy_fault fault;
    const char *text, *behind;
};

#define GREETING "\x05\x01\0"
#define CONNECT4 "\x05\x01\0\x01\xc0\0\x02\x01\0\x19"
#define OK4      "\x05\0\0\x01\0\0\0\0\0\0"
#define LOGIN    "\x05\x02\0\x02\x01\x01u\x02pw"

static const struct talk talks[] = {
    {"no user", NULL, NULL, BYTES("\x05\0" OK4 "220 hi"), BYTES(GREETING CONNECT4), HY_PROXY_DONE,
     HY_PROXY_FAULT_NONE, NULL, "220 hi"},
    {"a user is asked for", "u", "pw", BYTES("\x05\x02\x01\0" OK4), BYTES(LOGIN CONNECT4),
     HY_PROXY_DONE, HY_PROXY_FAULT_NONE, NULL, ""},
    {"a user is not asked for", "u", "pw", BYTES("\x05\0" OK4), BYTES("\x05\x02\0\x02" CONNECT4),
     HY_PROXY_DONE, HY_PROXY_FAULT_NONE, NULL, ""},
    {"bound to a name", NULL, NULL, BYTES("\x05\0\x05\0\0\x03\x03xyz\0\0x"),
     BYTES(GREETING CONNECT4), HY_PROXY_DONE, HY_PROXY_FAULT_NONE, NULL, "x"},
    {"bound to IPv6", NULL, NULL,
     BYTES("\x05\0\x05\0\0\x04"
           "0123456789abcdef\0\0x"),
     BYTES(GREETING CONNECT4), HY_PROXY_DONE, HY_PROXY_FAULT_NONE, NULL, "x"},
    {"a wrong password", "u", "pw", BYTES("\x05\x02\x01\x01"), BYTES(LOGIN), HY_PROXY_FAILED,
     HY_PROXY_FAULT_PROXY, "does not take the user", ""},
    {"a user is wanted", NULL, NULL, BYTES("\x05\x02"), BYTES(GREETING), HY_PROXY_FAILED,
     HY_PROXY_FAULT_PROXY, "wants a user", ""},
    {"no method", "u", "pw", BYTES("\x05\xff"), BYTES("\x05\x02\0\x02"), HY_PROXY_FAILED,
     HY_PROXY_FAULT_PROXY, "neither", ""},
    {"no password", "u", "", BYTES("\x05\x02"), BYTES("\x05\x02\0\x02"), HY_PROXY_FAILED,
     HY_PROXY_FAULT_PROXY, "no bytes", ""},
    {"SOCKS4", NULL, NULL, BYTES("\x04\0"), BYTES(GREETING), HY_PROXY_FAILED, HY_PROXY_FAULT_PROXY,
     "does not speak SOCKS5", ""},
    {"a mail server", NULL, NULL, BYTES("220 mx.test"), BYTES(GREETING), HY_PROXY_FAILED,
     HY_PROXY_FAULT_PROXY, "does not speak SOCKS5", "0 mx.test"},
    {"refused, in four bytes", NULL, NULL, BYTES("\x05\0\x05\x05\0\x01"), BYTES(GREETING CONNECT4),
     HY_PROXY_FAILED, HY_PROXY_FAULT_PEER, "connection refused", ""},
    {"its rules forbid it", NULL, NULL, BYTES("\x05\0\x05\x02\0\x01"), BYTES(GREETING CONNECT4),
     HY_PROXY_FAILED, HY_PROXY_FAULT_PEER, "not allowed", ""},
    {"no CONNECT", NULL, NULL, BYTES("\x05\0\x05\x07\0\x01"), BYTES(GREETING CONNECT4),
     HY_PROXY_FAILED, HY_PROXY_FAULT_PROXY, "does not know CONNECT", ""},
    {"an unknown reply", NULL, NULL, BYTES("\x05\0\x05\x09\0\x01"), BYTES(GREETING CONNECT4),
     HY_PROXY_FAILED, HY_PROXY_FAULT_PROXY, "unknown", ""},
    {"an unknown address", NULL, NULL, BYTES("\x05\0\x05\0\0\x02"), BYTES(GREETING CONNECT4),
     HY_PROXY_FAILED, HY_PROXY_FAULT_PROXY, "malformed", ""},
    {"another version", NULL, NULL, BYTES("\x05\0\x04\0\0\x01"), BYTES(GREETING CONNECT4),
     HY_PROXY_FAILED, HY_PROXY_FAULT_PROXY, "not SOCKS5", ""},
};

/* The talk with answers in pieces of `step`; what was said is gathered. */
static void talk_through(const struct talk *k, size_t step)
{
    struct hy_proxy p = {.kind = HY_PROXY_SOCKS5, .user = k->user, .password = k->password};
    struct hy_sockaddr peer = addr("192.0.2.1:25");
    struct hy_proxy_talk t;
    struct hy_buf said = HY_BUF_INIT(4096);
    size_t at = 0;
    hy_proxy_start(&t, &p, &peer, NULL);
    while (true) {
        struct hy_str out = hy_proxy_output(&t);
        hy_buf_add_str(&said, out);
        hy_proxy_sent(&t, out.n);
        if (t.state != HY_PROXY_TALKING || at == k->answers.n)
            break;
        size_t n = k->answers.n - at < step ? k->answers.n - at : step;
        at += hy_proxy_input(&t, k->answers.p + at, n);
    }
    cr_expect_eq(t.state, k->state, "%s: state %d", k->what, t.state);
    cr_expect_eq(t.fault, k->fault, "%s: fault %d", k->what, t.fault);
    cr_expect(!k->text || strstr(t.text, k->text), "%s: %s", k->what, t.text);
    cr_expect(hy_str_eq(hy_buf_str(&said), k->said), "%s: said %zu bytes", k->what, said.len);
    struct hy_str behind = hy_str_slice(k->answers, at, k->answers.n);
    cr_expect(hy_str_eq(behind, hy_str_of(k->behind)), "%s: left '%.*s'", k->what,
              HY_STR_ARG(behind));
    hy_buf_free(&said);
}

Test(proxy, talks_socks5_whatever_the_pieces)
{
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        talk_through(&talks[i], 1);
        talk_through(&talks[i], 2);
    }
}

Test(proxy, who_speaks_out_of_turn_is_not_listened_to)
{
    struct hy_proxy p = {.kind = HY_PROXY_SOCKS5};
    struct hy_sockaddr peer = addr("192.0.2.1:25");
    struct hy_proxy_talk t;
    hy_proxy_start(&t, &p, &peer, NULL);
    hy_proxy_sent(&t, hy_proxy_output(&t).n);
    cr_assert_eq(hy_proxy_input(&t, "\x05\0" OK4, 12), 2, "the rest came before it was asked for");
    cr_assert_eq(t.state, HY_PROXY_FAILED);
    cr_assert_eq(t.fault, HY_PROXY_FAULT_PROXY);
}

Test(proxy, the_longest_names_fit)
{
    char name[HY_PROXY_NAME_MAX + 2] = "";
    for (size_t n = HY_PROXY_NAME_MAX; n <= HY_PROXY_NAME_MAX + 1; n++) {
        memset(name, 'n', n);
        struct hy_proxy p = {.kind = HY_PROXY_SOCKS5, .user = name, .password = name};
        struct hy_sockaddr peer = addr("192.0.2.1:25");
        struct hy_proxy_talk t;
        hy_proxy_start(&t, &p, &peer, NULL);
        hy_proxy_sent(&t, hy_proxy_output(&t).n);
        cr_assert_eq(hy_proxy_input(&t, "\x05\x02", 2), 2);
        bool fits = n == HY_PROXY_NAME_MAX;
        cr_expect_eq(t.state, fits ? HY_PROXY_TALKING : HY_PROXY_FAILED);
        cr_expect_eq(hy_proxy_output(&t).n, fits ? 3 + 2 * n : 0);
    }
}

/* ---- connections ---- */

static bool read_bytes(int fd, const char *want, size_t n)
{
    char got[600];
    for (size_t at = 0; at < n;) {
        ssize_t r = recv(fd, got + at, n - at, 0);
        if (r <= 0)
            return false;
        at += (size_t)r;
    }
    return memcmp(got, want, n) == 0;
}

static void say_bytes(int fd, const char *p, size_t n)
{
    cr_assert_eq(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* A proxy and the server behind it in one: their bytes come together. */
static void good_proxy(struct peer *p, int fd)
{
    (void)p;
    if (!read_bytes(fd, GREETING, 3))
        return;
    say_bytes(fd, "\x05\0", 2);
    if (!read_bytes(fd, CONNECT4, 10))
        return;
    say_bytes(fd, OK4 "220 hello\r\n", 10 + 11);
    if (peer_expect(fd, "QUIT\r\n"))
        peer_say(fd, "221 bye\r\n");
}

static void refusing_proxy(struct peer *p, int fd)
{
    (void)p;
    if (read_bytes(fd, GREETING, 3))
        say_bytes(fd, "\x05\0", 2);
    if (read_bytes(fd, CONNECT4, 10))
        say_bytes(fd, "\x05\x05\0\x01\0\0\0\0\0\0", 10);
    peer_wait_for_end(fd);
}

static void rude_proxy(struct peer *p, int fd)
{
    (void)p;
    (void)read_bytes(fd, GREETING, 3);
}

static void mute_proxy(struct peer *p, int fd)
{
    (void)p;
    peer_wait_for_end(fd);
}

static atomic_bool was_asked;

static void mute_behind_connect(struct peer *p, int fd)
{
    (void)p;
    if (read_bytes(fd, GREETING, 3))
        say_bytes(fd, "\x05\0", 2);
    atomic_store(&was_asked, read_bytes(fd, CONNECT4, 10));
    peer_wait_for_end(fd);
}

static void reads_a_header(struct peer *p, int fd)
{
    (void)p;
    static const char want[] = "PROXY TCP4 198.51.100.7 192.0.2.1 0 25\r\n";
    if (!read_bytes(fd, want, sizeof want - 1))
        return;
    peer_say(fd, "220 hello\r\n");
    if (peer_expect(fd, "QUIT\r\n"))
        peer_say(fd, "221 bye\r\n");
}

static void say_quit(struct owner *o)
{
    if (o->sent++ == 0)
        owner_say(o, "QUIT\r\n");
}

Test(proxy, connections_go_through_one)
{
    static const struct {
        const char *what;
        enum hy_proxy_kind kind;
        void (*script)(struct peer *p, int fd);
        const char *story, *got;
        int err;
        enum hy_conn_stage stage;
        bool is_proxy;
        const char *text;
    } cases[] = {
        {"socks5", HY_PROXY_SOCKS5, good_proxy, "connected readable closed ",
         "220 hello\r\n221 bye\r\n", HY_ECLOSED, HY_CONN_PLAIN, false, "closed"},
        {"a header", HY_PROXY_V1, reads_a_header, "connected readable closed ",
         "220 hello\r\n221 bye\r\n", HY_ECLOSED, HY_CONN_PLAIN, false, "closed"},
        {"refused behind it", HY_PROXY_SOCKS5, refusing_proxy, "closed ", "", HY_EIO, HY_CONN_PROXY,
         false, "the proxy says: connection refused"},
        {"it hangs up", HY_PROXY_SOCKS5, rude_proxy, "closed ", "", HY_ECLOSED, HY_CONN_PROXY, true,
         "it closes the connection"},
        {"it is silent", HY_PROXY_SOCKS5, mute_proxy, "closed ", "", HY_ETIMEOUT, HY_CONN_PROXY,
         true, "no answer in time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer p;
        struct owner o;
        peer_start(&p, cases[i].script, 1, NULL);
        owner_init(&o);
        o.on_readable = say_quit;
        struct hy_proxy proxy = {.kind = cases[i].kind};
        hy_sockaddr_from_ip4(&proxy.address, (const uint8_t[]){127, 0, 0, 1}, p.port);
        struct hy_conn_options opt = {.peer = addr("192.0.2.1:25"),
                                      .source = addr("198.51.100.7"),
                                      .proxy = &proxy,
                                      .connect_timeout_us = 300 * HY_US_PER_MS};
        if (cases[i].err == HY_ECLOSED)
            opt.connect_timeout_us = 0; /* a slow machine is no silent proxy */
        cr_assert_eq(hy_conn_open(o.loop, &opt, &owner_ops, &o, &o.conn), HY_OK);
        owner_run(&o);
        peer_join(&p);
        cr_expect_str_eq(hy_buf_cstr(&o.story), cases[i].story, "%s: %s", cases[i].what,
                         hy_buf_cstr(&o.story));
        cr_expect_str_eq(hy_buf_cstr(&o.got), cases[i].got, "%s", cases[i].what);
        cr_expect_eq(o.end.err, cases[i].err, "%s: %s", cases[i].what, o.end_text);
        cr_expect_eq(o.end.stage, cases[i].stage, "%s: stage %d", cases[i].what, o.end.stage);
        cr_expect_eq(o.end.is_proxy, cases[i].is_proxy, "%s", cases[i].what);
        cr_expect(strstr(o.end_text, cases[i].text), "%s: %s", cases[i].what, o.end_text);
        owner_free(&o);
    }
}

Test(proxy, one_that_is_not_there_is_blamed_itself)
{
    struct owner o;
    owner_init(&o);
    struct hy_proxy proxy = {.kind = HY_PROXY_SOCKS5, .address = addr("127.0.0.1:1")};
    struct hy_conn_options opt = {.peer = addr("192.0.2.1:25"), .proxy = &proxy};
    cr_assert_eq(hy_conn_open(o.loop, &opt, &owner_ops, &o, &o.conn), HY_OK);
    owner_run(&o);
    cr_expect_str_eq(hy_buf_cstr(&o.story), "closed ");
    cr_expect(o.end.is_proxy);
    cr_expect_eq(o.end.stage, HY_CONN_CONNECTING);
    cr_expect_str_eq(o.end_text, "Connection refused");
    owner_free(&o);
}

Test(proxy, silence_behind_connect_is_the_servers)
{
    struct peer p;
    struct owner o;
    peer_start(&p, mute_behind_connect, 1, NULL);
    owner_init(&o);
    struct hy_proxy proxy = {.kind = HY_PROXY_SOCKS5};
    hy_sockaddr_from_ip4(&proxy.address, (const uint8_t[]){127, 0, 0, 1}, p.port);
    struct hy_conn_options opt = {.peer = addr("192.0.2.1:25"), .proxy = &proxy};
    cr_assert_eq(hy_conn_open(o.loop, &opt, &owner_ops, &o, &o.conn), HY_OK);
    while (!atomic_load(&was_asked) && !o.closed)
        cr_assert_eq(hy_loop_turn(o.loop, 10 * HY_US_PER_MS), HY_OK);
    hy_conn_deadline(o.conn, hy_loop_now(o.loop));
    owner_run(&o);
    peer_join(&p);
    cr_expect_eq(o.end.err, HY_ETIMEOUT);
    cr_expect_eq(o.end.stage, HY_CONN_PROXY);
    cr_expect_not(o.end.is_proxy);
    cr_expect_str_eq(o.end_text, "no answer through the proxy in time");
    owner_free(&o);
}
