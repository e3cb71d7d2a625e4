/* A session: a connection on one side, the dialogue on the other.
 *
 * Happy path: accepted; TLS, at once or by STARTTLS; AUTH goes to the gate; each message is handed
 * in and its 250 goes out when it is stored. How it fails: whatever ends the connection ends the
 * session, but one whose message or password is on its way waits for the answer first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/base/codec.h"
#include "hayauma/base/log.h"
#include "hayauma/base/rand.h"
#include "receive.h"

enum {
    HANDSHAKE_US = 30 * 1000000,
    GOODBYE_US = 10 * 1000000,
    LINGER_US = 5 * 1000000, /* for the client to end, too */
    LINGER_CLOSING_US = 1000000,
    LINGER_BYTES = 1 << 20, /* of commands and messages that it has sent ahead */
    IN_MAX = 256 * 1024,
};

/* ---- the end ---- */

static void count_content(struct inbound *s)
{
    uint64_t now = s->smtp.content.cap + s->edited.cap + s->in.cap;
    s->r->content_bytes += now - s->counted;
    s->counted = now;
}

static void inbound_free(struct inbound *s)
{
    struct hy_receive *r = s->r;
    hy_loop_disarm(r->loop, &s->timer);
    hy_list_remove(&s->link);
    r->n_sessions--;
    atomic_fetch_sub_explicit(&r->counters.connections_now, 1, memory_order_relaxed);
    hy_tally_drop(&r->tally, s->login.from);
    if (s->is_open)
        hy_smtp_server_free(&s->smtp);
    hy_buf_free(&s->in);
    hy_buf_free(&s->edited);
    r->content_bytes -= s->counted;
    free(s->rcpts);
    hy_receive_policy_unref(s->policy);
    free(s);
    if (r->is_closing && r->n_sessions == 0)
        hy_loop_stop(r->loop);
}

static void on_closed(void *ctx, const struct hy_conn_end *end)
{
    struct inbound *s = ctx;
    (void)end;
    s->conn = NULL;
    if (!s->is_storing && !s->login.is_out)
        inbound_free(s);
}

void inbound_cut(struct inbound *s)
{
    hy_conn_close(s->conn);
}

/* ---- out ---- */

static void flush(struct inbound *s)
{
    struct hy_str out = hy_smtp_server_output(&s->smtp);
    s->is_blocked = false;
    if (out.n && s->conn) {
        struct iovec iov = {.iov_base = s->smtp.out.data, .iov_len = out.n};
        size_t n = hy_conn_writev(s->conn, &iov, 1);
        hy_smtp_server_wrote(&s->smtp, n);
        s->is_blocked = n < out.n;
    }
    if (hy_smtp_server_is_over(&s->smtp) && s->conn && !s->is_blocked && hy_conn_flushed(s->conn))
        hy_conn_linger(s->conn, LINGER_BYTES, s->r->is_closing ? LINGER_CLOSING_US : LINGER_US);
}

static void set_timer(struct inbound *s)
{
    hy_us due = hy_smtp_server_deadline(&s->smtp);
    if (hy_smtp_server_is_over(&s->smtp))
        due = hy_loop_now(s->r->loop) + GOODBYE_US;
    hy_loop_arm(s->r->loop, &s->timer, due);
}

/* ---- questions ---- */

static void start_tls(struct inbound *s)
{
    flush(s);
    if (!s->conn || s->is_blocked || hy_conn_accept_tls(s->conn, s->policy->tls) != HY_OK)
        inbound_cut(s);
    else
        hy_loop_arm_in(s->r->loop, &s->timer, HANDSHAKE_US);
}

static bool ask_gate(struct inbound *s, const struct hy_smtp_server_ask *ask)
{
    struct login *l = &s->login;
    struct hy_str password = ask->is_scram ? HY_STR("") : ask->password;
    if (password.n > PASSWORD_MAX || memchr(password.p, '\0', password.n))
        return false;
    snprintf(l->user, sizeof l->user, "%.*s", HY_STR_ARG(ask->user));
    memcpy(l->password, password.p, password.n);
    l->password[password.n] = '\0';
    l->is_scram = ask->is_scram;
    l->is_proved = ask->is_proved;
    l->policy = s->policy;
    return gate_ask(s->r->gate, l);
}

/* Gives the verifier of who is asked for, or one that looks like it; the same work for both. SCRAM
 * is offered when every user has one. */
static int give_verifier(struct inbound *s, const struct hy_smtp_server_ask *ask)
{
    enum { NONCE_BYTES = 18 };
    const struct hy_users *all = s->policy->users;
    const struct hy_hash_key *secret = &s->policy->secret;
    const struct hy_user *u = hy_users_find(all, ask->user);
    const struct hy_user *like = hy_users_like(all, secret, ask->user);
    struct hy_scram_verifier other;
    uint8_t random[NONCE_BYTES], binding[HY_SCRAM_BINDING_MAX];
    char nonce[NONCE_BYTES * 4 / 3];
    size_t n = 0;
    int err = hy_scram_verifier_pretend(hy_str_make(secret, sizeof *secret), ask->user, like->scram,
                                        &other);
    if (err == HY_OK)
        err = hy_rand_bytes(random, sizeof random);
    if (err == HY_OK && ask->binding != HY_SCRAM_BINDING_NONE)
        err = hy_conn_tls_binding(s->conn, ask->binding, binding, &n);
    if (err != HY_OK)
        return err;
    struct hy_smtp_server_scram x = {.verifier = u ? u->scram : &other,
                                     .nonce = hy_str_make(nonce, sizeof nonce),
                                     .binding = hy_str_make(binding, n)};
    (void)hy_base64_encode(random, sizeof random, nonce);
    hy_smtp_server_scram(&s->smtp, &x, hy_loop_now(s->r->loop));
    return HY_OK;
}

/* A question is on its way already. */
static bool is_waiting(const struct inbound *s)
{
    return s->is_storing || s->login.is_out || !s->conn ||
           hy_conn_stage(s->conn) == HY_CONN_HANDSHAKE;
}

/* True: it is answered, or the session ended; false: later. */
static bool take_question(struct inbound *s)
{
    const struct hy_smtp_server_ask *ask = hy_smtp_server_ask(&s->smtp);
    char room[HY_QUOTA_TEXT_MAX];
    struct hy_smtp_server_answer a = {.code = 250, .enhanced = {2, 0, 0}, .text = HY_STR("Ok")};
    if (is_waiting(s))
        return false;
    switch (ask->kind) {
    case HY_SMTP_SERVER_ASK_NOTHING:
        return true;
    case HY_SMTP_SERVER_ASK_TLS:
        hy_conn_hold(s->conn, false);
        start_tls(s);
        return false;
    case HY_SMTP_SERVER_ASK_AUTH:
        if (ask_gate(s, ask))
            return false;
        a = (struct hy_smtp_server_answer){
            .code = 454, .enhanced = {4, 7, 0}, .text = HY_STR("Cannot authenticate now")};
        break;
    case HY_SMTP_SERVER_ASK_SCRAM: {
        int err = give_verifier(s, ask);
        if (err == HY_OK)
            return true;
        a = err == HY_EUNSUPPORTED
                ? (struct hy_smtp_server_answer){.code = 535,
                                                 .enhanced = {5, 7, 8},
                                                 .text = HY_STR("No such channel binding here")}
                : (struct hy_smtp_server_answer){.code = 454,
                                                 .enhanced = {4, 7, 0},
                                                 .text = HY_STR("Cannot authenticate now")};
        break;
    }
    case HY_SMTP_SERVER_ASK_MAIL:
        if (s->r->content_bytes > s->policy->memory_max)
            a = (struct hy_smtp_server_answer){
                .code = 452, .enhanced = {4, 3, 1}, .text = HY_STR("Too busy, try again later")};
        else if (!s->policy->intake)
            (void)message_is_shut(s, &a, room, sizeof room);
        break;
    case HY_SMTP_SERVER_ASK_RCPT:
        (void)returning_accepts(s, ask->address, &a);
        break;
    case HY_SMTP_SERVER_ASK_MESSAGE:
        if (!(s->policy->intake ? returning_take(s, &a) : message_take(s, &a, room, sizeof room)))
            return false;
        break;
    }
    hy_smtp_server_answer(&s->smtp, &a, hy_loop_now(s->r->loop));
    return true;
}

/* ---- in ---- */

/* Gives bytes to the dialogue until it takes no more; how many it took. */
static size_t feed(struct inbound *s, const char *p, size_t n)
{
    size_t at = 0;
    for (;;) {
        if (!take_question(s))
            break;
        size_t used = hy_smtp_server_input(&s->smtp, p + at, n - at, hy_loop_now(s->r->loop));
        at += used;
        if (used == 0 && hy_smtp_server_ask(&s->smtp)->kind == HY_SMTP_SERVER_ASK_NOTHING)
            break;
    }
    return at;
}

/* What waits goes on its way as far as it can. */
static void pump(struct inbound *s)
{
    do {
        size_t used = feed(s, s->in.data, s->in.len);
        hy_buf_consume(&s->in, used);
        if (hy_smtp_server_ask(&s->smtp)->kind != HY_SMTP_SERVER_ASK_TLS)
            flush(s);
    } while (s->in.len && s->conn && !s->is_blocked && !hy_smtp_server_is_over(&s->smtp) &&
             hy_smtp_server_ask(&s->smtp)->kind == HY_SMTP_SERVER_ASK_NOTHING);
    if (s->in.len == 0)
        hy_buf_free(&s->in);
    if (s->conn && hy_conn_stage(s->conn) != HY_CONN_HANDSHAKE) {
        hy_conn_hold(s->conn, s->in.len > 0);
        set_timer(s);
    }
    count_content(s);
}

static void on_readable(void *ctx, const char *p, size_t n)
{
    struct inbound *s = ctx;
    size_t used = 0;
    if (s->in.len == 0) {
        used = feed(s, p, n);
    }
    if (hy_smtp_server_is_over(&s->smtp))
        used = n;
    hy_buf_add(&s->in, p + used, n - used);
    if (s->in.err) {
        inbound_cut(s);
        return;
    }
    pump(s);
}

static void on_writable(void *ctx)
{
    struct inbound *s = ctx;
    flush(s);
    pump(s);
}

static void on_timer(void *arg)
{
    struct inbound *s = arg;
    if (!s->conn)
        return;
    if (!s->is_open || hy_conn_stage(s->conn) == HY_CONN_HANDSHAKE ||
        hy_smtp_server_is_over(&s->smtp)) {
        inbound_cut(s);
        return;
    }
    hy_smtp_server_timeout(&s->smtp, hy_loop_now(s->r->loop));
    flush(s);
    set_timer(s);
}

/* ---- answers ---- */

/* What is beyond the quota of a tenant is said at EHLO and refused at MAIL and RCPT. */
static void narrow_settings(struct inbound *s, const struct hy_tenant_quota *q)
{
    if (q->size_bytes && q->size_bytes < s->settings.size_max)
        s->settings.size_max = q->size_bytes;
    if (q->rcpts && q->rcpts < s->settings.rcpts_max)
        s->settings.rcpts_max = q->rcpts;
}

void inbound_login_done(struct inbound *s)
{
    struct login *l = &s->login;
    struct hy_receive_counters *c = &s->r->counters;
    l->is_out = false;
    if (!s->conn) {
        inbound_free(s);
        return;
    }
    struct hy_smtp_server_answer a = {
        .code = 535, .enhanced = {5, 7, 8}, .text = HY_STR("Authentication failed")};
    if (l->is_good)
        a = (struct hy_smtp_server_answer){
            .code = 235, .enhanced = {2, 7, 0}, .text = HY_STR("Welcome")};
    else if (l->is_slowed)
        a = (struct hy_smtp_server_answer){.code = 454,
                                           .enhanced = {4, 7, 0},
                                           .text = HY_STR("Too many failures, try again later")};
    atomic_fetch_add_explicit(l->is_good ? &c->logins : &c->login_failures, 1,
                              memory_order_relaxed);
    s->user = l->is_good ? hy_users_find(s->policy->users, hy_str_of(l->user)) : NULL;
    if (s->user)
        narrow_settings(s, &s->user->tenant->quota);
    if (!l->is_good)
        hy_log(HY_LOG_NOTICE, "receive", "no entry for %s: %s", s->client,
               l->is_slowed ? "too many failures from there or for that name"
                            : "wrong name or password");
    hy_smtp_server_answer(&s->smtp, &a, hy_loop_now(s->r->loop));
    pump(s);
}

void inbound_stored(struct inbound *s)
{
    char room[HY_QUOTA_TEXT_MAX];
    s->is_storing = false;
    struct hy_smtp_server_answer a = s->policy->intake
                                         ? returning_answer(s, s->stored_err)
                                         : message_answer(s, s->stored_err, room, sizeof room);
    free(s->rcpts);
    s->rcpts = NULL;
    hy_buf_free(&s->edited);
    if (!s->conn) {
        inbound_free(s);
        return;
    }
    a.closes = a.code == 421;
    hy_smtp_server_answer(&s->smtp, &a, hy_loop_now(s->r->loop));
    pump(s);
}

void inbound_shut(struct inbound *s)
{
    if (!s->conn)
        return;
    if (!s->is_open) {
        inbound_cut(s);
        return;
    }
    hy_smtp_server_shut(&s->smtp, HY_STR("Shutting down, try again later"));
    if (!s->is_storing && !s->login.is_out) {
        flush(s);
        set_timer(s);
    }
}

/* ---- the beginning ---- */

static void begin(struct inbound *s, bool is_tls)
{
    hy_smtp_server_init(&s->smtp, &s->settings, is_tls, hy_loop_now(s->r->loop));
    s->is_open = true;
    flush(s);
    set_timer(s);
}

static void on_connected(void *ctx)
{
    struct inbound *s = ctx;
    if (!s->is_tls_listener)
        begin(s, false);
    else if (!s->policy->tls || hy_conn_accept_tls(s->conn, s->policy->tls) != HY_OK)
        inbound_cut(s);
}

static void on_tls(void *ctx, const struct hy_tls_info *info)
{
    struct inbound *s = ctx;
    (void)info;
    if (!s->is_open) {
        begin(s, true);
        return;
    }
    hy_smtp_server_tls_done(&s->smtp, hy_loop_now(s->r->loop));
    set_timer(s);
}

static const struct hy_conn_ops ops = {
    .on_connected = on_connected,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_tls = on_tls,
    .on_closed = on_closed,
};

static bool is_trusted(const struct hy_receive_policy *p, const struct hy_sockaddr *peer)
{
    for (size_t i = 0; i < p->n_trusted; i++)
        if (hy_network_has(&p->trusted[i], peer))
            return true;
    return false;
}

static void turn_away(struct hy_receive *r, int fd)
{
    static const char text[] = "421 4.7.0 Too many connections, try again later\r\n";
    ssize_t n = send(fd, text, sizeof text - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n;
    close(fd);
    atomic_fetch_add_explicit(&r->counters.turned_away, 1, memory_order_relaxed);
}

static void fill_settings(struct inbound *s)
{
    const struct hy_receive_policy *p = s->policy;
    s->settings = (struct hy_smtp_server_settings){
        .host = p->host,
        .size_max = p->size_max,
        .rcpts_max = p->rcpts_max,
        .offers_starttls = p->tls && !s->is_tls_listener,
        .requires_tls = !s->is_trusted && !p->intake,
        .offers_auth = p->users != NULL,
        .offers_scram = hy_users_know_scram(p->users),
        .requires_auth = !s->is_trusted && !p->intake,
        .asks_mail = true,
        .asks_rcpt = p->intake != NULL,
    };
}

void inbound_open(struct hy_receive *r, int fd, const struct hy_sockaddr *peer, bool is_tls)
{
    struct hy_receive_policy *p = receive_policy(r);
    uint64_t from = hy_sockaddr_network_hash(peer);
    atomic_fetch_add_explicit(&r->counters.connections, 1, memory_order_relaxed);
    bool is_full =
        r->n_sessions >= p->connections_max ||
        (hy_tally_count(&r->tally, from) >= p->connections_per_address && !is_trusted(p, peer));
    struct inbound *s = is_full ? NULL : calloc(1, sizeof *s);
    if (!s) {
        hy_receive_policy_unref(p);
        turn_away(r, fd);
        return;
    }
    s->r = r;
    s->policy = p;
    s->is_tls_listener = is_tls;
    s->is_trusted = is_trusted(p, peer);
    s->in = HY_BUF_INIT(IN_MAX);
    s->edited = HY_BUF_INIT(0);
    s->login.from = from;
    hy_sockaddr_format_ip(peer, s->client);
    fill_settings(s);
    hy_timer_init(&s->timer, on_timer, s);
    if (hy_conn_adopt(r->loop, fd, &ops, s, &s->conn) != HY_OK) {
        hy_receive_policy_unref(p);
        free(s);
        return;
    }
    hy_tally_add(&r->tally, from);
    hy_list_push(&r->sessions, &s->link);
    r->n_sessions++;
    atomic_fetch_add_explicit(&r->counters.connections_now, 1, memory_order_relaxed);
    hy_loop_arm_in(r->loop, &s->timer, HANDSHAKE_US);
}
