/* Any bytes from a client, in any pieces: replies are well-formed lines, limits hold, questions are
 * asked in order; and but for STARTTLS the replies do not depend on the pieces. */
#include "hayauma/smtp/server.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

struct run {
    struct hy_smtp_server s;
    struct hy_buf out;
    bool was_tls_asked;
    uint8_t dice;
};

static void look_at_message(const struct run *r)
{
    struct hy_smtp_server_message m;
    hy_smtp_server_message(&r->s, &m);
    require(m.n_rcpts > 0 && m.n_rcpts <= r->s.settings->rcpts_max);
    require(m.content.n <= r->s.settings->size_max);
    require(!r->s.settings->requires_auth || *hy_smtp_server_user(&r->s));
    for (size_t i = 0; i < m.n_rcpts; i++) {
        struct hy_str a = hy_smtp_server_rcpt(&r->s, i).address;
        require(a.n >= 3 && !memchr(a.p, '\r', a.n) && !memchr(a.p, '\n', a.n));
    }
}

static void answer(struct run *r)
{
    const struct hy_smtp_server_ask *ask = hy_smtp_server_ask(&r->s);
    struct hy_smtp_server_answer a = {.code = 250, .text = HY_STR("Ok")};
    if (ask->kind == HY_SMTP_SERVER_ASK_NOTHING)
        return;
    if (ask->kind == HY_SMTP_SERVER_ASK_TLS) {
        r->was_tls_asked = true;
        hy_smtp_server_tls_done(&r->s, 0);
        return;
    }
    if (ask->kind == HY_SMTP_SERVER_ASK_SCRAM) {
        static const struct hy_scram_verifier v = {.iterations = 4096, .salt_n = 16};
        struct hy_smtp_server_scram x = {.verifier = &v,
                                         .nonce = HY_STR("a nonce of 24 characters"),
                                         .binding = ask->binding ? HY_STR("bound") : HY_STR("")};
        require(ask->user.n > 0 && ask->user.n <= HY_SMTP_SERVER_NAME_MAX);
        hy_smtp_server_scram(&r->s, &x, 0);
        return;
    }
    if (ask->kind == HY_SMTP_SERVER_ASK_MESSAGE)
        look_at_message(r);
    if (r->dice & 1)
        a.code = 550;
    else if (ask->kind == HY_SMTP_SERVER_ASK_AUTH)
        a.code = ask->is_scram && !ask->is_proved ? 535 : 235;
    hy_smtp_server_answer(&r->s, &a, 0);
}

static void run(struct run *r, const struct hy_smtp_server_settings *o, const uint8_t *p, size_t n,
                size_t step)
{
    r->out = HY_BUF_INIT(64 << 20);
    hy_smtp_server_init(&r->s, o, r->dice & 2, 0);
    for (size_t at = 0; at < n;) {
        size_t end = at + step < n ? at + step : n;
        while (at < end) {
            at += hy_smtp_server_input(&r->s, (const char *)p + at, end - at, 0);
            answer(r);
            struct hy_str out = hy_smtp_server_output(&r->s);
            require(out.n <= HY_SMTP_SERVER_OUT_MAX + 1024);
            hy_buf_add_str(&r->out, out);
            hy_smtp_server_wrote(&r->s, out.n);
        }
    }
}

static void check_replies(struct hy_str out)
{
    while (out.n) {
        size_t end = hy_str_find_str(out, HY_STR("\r\n"), 0);
        require(end != SIZE_MAX && end >= 4 && end <= 4 + HY_SCRAM_CHALLENGE_MAX / 3 * 4 + 4);
        require(out.p[0] >= '2' && out.p[0] <= '5' && (out.p[3] == ' ' || out.p[3] == '-'));
        for (size_t i = 0; i < end; i++)
            require(out.p[i] >= ' ' && out.p[i] < 0x7f);
        out = hy_str_slice(out, end + 2, out.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 3)
        return 0;
    struct hy_smtp_server_settings o = {
        .host = HY_STR("mx.test"),
        .size_max = 200,
        .rcpts_max = 3,
        .offers_starttls = data[0] & 1,
        .requires_tls = data[0] & 2,
        .offers_auth = data[0] & 4,
        .requires_auth = data[0] & 8,
        .asks_mail = data[0] & 16,
        .asks_rcpt = data[0] & 32,
        .offers_scram = data[0] & 64,
    };
    struct run whole = {.dice = data[1]}, pieces = {.dice = data[1]};
    run(&whole, &o, data + 3, n - 3, n);
    run(&pieces, &o, data + 3, n - 3, data[2] % 16 + 1);
    check_replies(hy_buf_str(&whole.out));
    check_replies(hy_buf_str(&pieces.out));
    if (!o.offers_starttls)
        require(hy_str_eq(hy_buf_str(&whole.out), hy_buf_str(&pieces.out)));
    hy_smtp_server_free(&whole.s);
    hy_smtp_server_free(&pieces.s);
    hy_buf_free(&whole.out);
    hy_buf_free(&pieces.out);
    return 0;
}
