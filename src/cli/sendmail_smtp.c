/* sendmail -bs: the server dialogue on standard input and output; each message goes into the
 * maildrop, and its 250 comes when it is there. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "hayauma/base/clock.h"
#include "hayauma/smtp/server.h"
#include "sendmail.h"

static bool flush(struct hy_smtp_server *s, int out)
{
    for (;;) {
        struct hy_str text = hy_smtp_server_output(s);
        if (text.n == 0)
            return true;
        ssize_t n = write(out, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        hy_smtp_server_wrote(s, (size_t)n);
    }
}

static int take(const struct hy_smtp_server *s, const struct hy_config_local *site)
{
    struct hy_smtp_server_message m;
    struct hy_diag diag = {""};
    hy_smtp_server_message(s, &m);
    struct hy_drop_rcpt *rcpts = calloc(m.n_rcpts + 1, sizeof *rcpts);
    if (!rcpts)
        return HY_ENOMEM;
    for (size_t i = 0; i < m.n_rcpts; i++) {
        struct hy_smtp_server_rcpt r = hy_smtp_server_rcpt(s, i);
        rcpts[i] =
            (struct hy_drop_rcpt){.address = r.address, .orcpt = r.orcpt, .notify = r.notify};
    }
    struct hy_drop d = {.sender = m.sender,
                        .envid = m.envid,
                        .ret = m.ret,
                        .message = m.content,
                        .n_rcpts = m.n_rcpts};
    int err = drop_file_put(site, &d, rcpts, &diag);
    free(rcpts);
    if (err != HY_OK)
        fprintf(stderr, "sendmail: %s\n", diag.text[0] ? diag.text : hy_err_text(err));
    return err;
}

static void answer(struct hy_smtp_server *s, const struct hy_config_local *site)
{
    struct hy_smtp_server_answer a = {.code = 250, .enhanced = {2, 0, 0}, .text = HY_STR("Stored")};
    int err = take(s, site);
    if (err == HY_EINVAL)
        a = (struct hy_smtp_server_answer){
            554, {5, 6, 0}, HY_STR("The message cannot be stored"), 0};
    else if (err != HY_OK)
        a = (struct hy_smtp_server_answer){451, {4, 3, 0}, HY_STR("Try again later"), 0};
    hy_smtp_server_answer(s, &a, hy_clock_us());
}

static void feed(struct hy_smtp_server *s, const struct hy_config_local *site, const char *p,
                 size_t n, int out)
{
    while (n && !hy_smtp_server_is_over(s)) {
        size_t used = hy_smtp_server_input(s, p, n, hy_clock_us());
        p += used;
        n -= used;
        if (hy_smtp_server_ask(s)->kind == HY_SMTP_SERVER_ASK_MESSAGE)
            answer(s, site);
        if (!flush(s, out))
            return;
    }
}

int sendmail_smtp(const struct hy_config_local *site, int in, int out)
{
    char bytes[16384];
    struct hy_smtp_server_settings settings = {
        .host = hy_str_of(site->host), .size_max = site->size_max, .rcpts_max = HY_DROP_RCPTS_MAX};
    struct hy_smtp_server s;
    hy_smtp_server_init(&s, &settings, false, hy_clock_us());
    bool is_open = flush(&s, out);
    while (is_open && !hy_smtp_server_is_over(&s)) {
        struct pollfd p = {.fd = in, .events = POLLIN};
        hy_us left = hy_smtp_server_deadline(&s) - hy_clock_us();
        int ready = poll(&p, 1, left <= 0 ? 0 : (int)(left / HY_US_PER_MS) + 1);
        if (ready == 0)
            hy_smtp_server_timeout(&s, hy_clock_us());
        ssize_t n = ready > 0 ? read(in, bytes, sizeof bytes) : 0;
        if (ready > 0 && n == 0)
            break; /* the other side has gone: what it did not finish is not sent */
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0)
            feed(&s, site, bytes, (size_t)n, out);
        is_open = flush(&s, out);
    }
    hy_smtp_server_free(&s);
    return EX_OK;
}
