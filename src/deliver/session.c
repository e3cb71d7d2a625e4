/* A session: one connection, the SMTP dialogue on it, and the messages it carries.
 *
 * Happy path: connect, dialogue up to READY, messages in, results out to settle; at the end QUIT.
 * How it fails: whatever ends the connection ends the dialogue, which gives a result for every
 * message it had; the lane learns why and decides where to try next. */
#include "lane.h"

#include <stdarg.h>
#include <stdlib.h>

#include "hayauma/base/log.h"

enum { IOV_MAX_PIECES = 8 };

static struct worker *worker_of(struct session *s)
{
    return s->lane->worker;
}

static hy_us now_of(struct session *s)
{
    return hy_loop_now(worker_of(s)->loop);
}

static void count(_Atomic uint64_t *c)
{
    atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

/* ---- events of the dialogue ---- */

static void measure(struct session *s, enum hy_meter_phase phase, hy_us since)
{
    hy_histogram_add(&worker_of(s)->meter.phases[phase], now_of(s) - since);
}

/* The last result of a transaction. */
static void transaction_over(struct session *s, struct delivery *d, const struct hy_outcome *o)
{
    if (d->dot_at)
        measure(s, HY_METER_REPLY, d->dot_at);
    hy_us took = now_of(s) - d->submitted;
    if (o->kind != HY_OUTCOME_RETURNED && took > 0)
        lane_smooth(&s->lane->message_us, took);
    hy_list_remove(&d->link);
    s->lane->n_busy -= --s->n_deliveries == 0;
    s->lane->n_on_wire--;
}

/* One that came back untouched: what it took of the limits, and itself. */
static void give_back(struct session *s, struct party *p, struct delivery *d,
                      const struct hy_smtp_event *ev)
{
    struct hy_outcome o = ev->outcome;
    count(&worker_of(s)->d->counters.returned);
    if (p && o.from_server && o.phase == HY_PHASE_RCPT)
        hy_window_too_many(&s->lane->joint->window, party_accepted(p, ev->recipient), &o,
                           now_of(s));
    if (!p || ++p->n_returned == p->n)
        lane_put_back_message(s->lane); /* nothing of it went */
    else
        lane_put_back_recipient(s->lane);
    if (d->returns++ >= RETURNS_MAX) {
        o.kind = HY_OUTCOME_DEFERRED;
        settle_outcome(d, &o, s);
        return;
    }
    lane_heed_reply(s->lane, &o, now_of(s)); /* 421 closes with words too */
    if (p)
        party_keep_back(p, d);
    else
        lane_take_back(s->lane, d);
}

static void on_result(struct session *s, const struct hy_smtp_event *ev)
{
    struct party *p = party_of(ev);
    struct delivery *d = p ? party_take(p, ev->recipient) : ev->opaque;
    if (!p || party_tells(p, &ev->outcome, ev->is_last))
        lane_tell_window(s->lane, s, d, &ev->outcome);
    if (ev->is_last)
        transaction_over(s, d, &ev->outcome);
    d->dot_at = 0;
    if (ev->outcome.kind == HY_OUTCOME_RETURNED)
        give_back(s, p, d, ev);
    else
        settle_outcome(d, &ev->outcome, s);
    struct delivery *again = p && ev->is_last ? party_over(p) : NULL;
    if (again)
        lane_take_back(s->lane, again);
}

/* The one that has the message. */
static struct delivery *first_of(const struct hy_smtp_event *ev)
{
    struct party *p = party_of(ev);
    return p ? p->members[p->first] : ev->opaque;
}

/* From now on it is in doubt whether those who are still in it have got it. */
static void on_dot(struct session *s, struct delivery *first)
{
    for (uint32_t i = 0; i < party_size(first); i++) {
        struct delivery *d = party_member(first, i);
        if (!d)
            continue;
        hy_inflight_dot(worker_of(s)->d->inflight, d->inflight, &d->ref, d->started);
        d->dot_at = now_of(s);
    }
}

/* The bytes are not needed any more, unless somebody came back and is to get them in the next
 * transaction. */
static void on_content_done(struct session *s, struct delivery *first)
{
    atomic_fetch_add_explicit(&worker_of(s)->d->counters.bytes_sent, first->size_bytes,
                              memory_order_relaxed);
    if (!first->party || hy_list_empty(&first->party->back))
        delivery_drop_bytes(first);
}

static void drain(struct session *s)
{
    struct hy_smtp_event ev;
    while (hy_smtp_client_next_event(&s->client, &ev)) {
        switch (ev.kind) {
        case HY_SMTP_EVENT_START_TLS:
            s->tls_began = now_of(s);
            session_tls_start(s);
            break;
        case HY_SMTP_EVENT_READY:
            if (!s->is_up) {
                s->is_up = true;
                measure(s, HY_METER_READY, s->opened);
                lane_session_up(s->lane, s);
            }
            break;
        case HY_SMTP_EVENT_DOT:
            on_dot(s, first_of(&ev));
            break;
        case HY_SMTP_EVENT_CONTENT_DONE:
            on_content_done(s, first_of(&ev));
            break;
        case HY_SMTP_EVENT_RESULT:
            on_result(s, &ev);
            break;
        case HY_SMTP_EVENT_CLOSED:
            s->is_closing = true;
            s->has_end = true;
            s->end = ev.outcome;
            s->hint = ev.hint;
            if (ev.closed == HY_SMTP_CLOSED_TLS && ev.outcome.phase == HY_PHASE_STARTTLS)
                session_tls_stripped(s);
            hy_conn_close(s->conn);
            break;
        default:
            break;
        }
    }
    lane_place_session(s->lane, s);
    if (s->is_up && !s->is_closing)
        lane_wake(s->lane);
}

static void watch_time(struct session *s)
{
    if (s->is_closing)
        return;
    hy_us due = hy_smtp_client_deadline(&s->client);
    /* Most deadlines only move away: the timer that stands looks again when it fires. */
    if (!hy_timer_armed(&s->timer) || s->timer.due > due)
        hy_loop_arm(worker_of(s)->loop, &s->timer, due);
}

void session_write(struct session *s)
{
    while (!s->is_closing) {
        struct iovec iov[IOV_MAX_PIECES];
        int n = hy_smtp_client_output(&s->client, iov, IOV_MAX_PIECES);
        if (n == 0) {
            drain(s); /* output may hold a dot back until its event is taken */
            n = s->is_closing ? 0 : hy_smtp_client_output(&s->client, iov, IOV_MAX_PIECES);
            if (n == 0)
                break;
        }
        size_t all = 0;
        for (int i = 0; i < n; i++)
            all += iov[i].iov_len;
        size_t taken = hy_conn_writev(s->conn, iov, n);
        hy_smtp_client_wrote(&s->client, taken, now_of(s));
        drain(s);
        if (taken < all)
            break;
    }
    watch_time(s);
}

/* ---- callbacks of the connection ---- */

void session_say(char **to, const char *format, ...)
{
    va_list args;
    free(*to);
    va_start(args, format);
    if (vasprintf(to, format, args) < 0)
        *to = NULL;
    va_end(args);
}

static void session_free(struct session *s)
{
    hy_deliver_policy_unref(s->policy);
    hy_mx_unref(s->mx);
    tls_site_unref(s->tls);
    free(s->end_text);
    free(s->tls_reason);
    free(s);
}

static void on_connected(void *ctx)
{
    struct session *s = ctx;
    s->connected = now_of(s);
    if (s->from->proxy.kind != HY_PROXY_NONE)
        source_proxy_there(s->lane->source);
    measure(s, HY_METER_CONNECT, s->opened);
    if (hy_smtp_client_start(&s->client, &s->smtp, now_of(s)) != HY_OK) {
        session_say(&s->end_text, "the source's EHLO name cannot be sent");
        s->is_closing = true;
        hy_conn_close(s->conn);
        return;
    }
    s->is_started = true;
    drain(s);
    session_write(s);
}

static void on_readable(void *ctx, const char *p, size_t n)
{
    struct session *s = ctx;
    hy_us now = now_of(s);
    if (!s->is_greeted) {
        s->is_greeted = true;
        measure(s, HY_METER_BANNER, s->connected);
    }
    while (n > 0 && !s->is_closing) {
        size_t used = hy_smtp_client_input(&s->client, p, n, now);
        p += used;
        n -= used;
        drain(s);
        if (used == 0 && n > 0 && !s->is_closing) {
            /* A drain gave room, or the dialogue takes no more. */
            used = hy_smtp_client_input(&s->client, p, n, now);
            if (used == 0)
                break;
            p += used;
            n -= used;
            drain(s);
        }
    }
    lane_offer(s->lane, s);
    session_write(s);
}

static void on_writable(void *ctx)
{
    session_write(ctx);
}

static uint16_t version_number(const char *name)
{
    struct hy_str v = hy_str_of(name);
    if (hy_str_eq(v, HY_STR("TLSv1.3")))
        return 0x0304;
    return hy_str_eq(v, HY_STR("TLSv1.2")) ? 0x0303 : 0x0301;
}

static void on_tls(void *ctx, const struct hy_tls_info *info)
{
    struct session *s = ctx;
    if (info->resumed)
        count(&worker_of(s)->d->counters.tls_resumed);
    s->tls_version = version_number(info->version);
    measure(s, HY_METER_TLS, s->tls_began);
    meter_tls(worker_of(s), s->tls_version, info->resumed);
    snprintf(s->tls_cipher, sizeof s->tls_cipher, "%s", info->cipher);
    session_tls_note(s, info);
    hy_smtp_client_tls_done(&s->client, info->verified ? HY_SMTP_TLS_GOOD : HY_SMTP_TLS_UNVERIFIED,
                            now_of(s));
    drain(s);
    session_write(s);
}

/* Why a connection that never was one failed, in the words of RFC 3463. */
static void connect_failure(struct session *s, const struct hy_conn_end *end)
{
    char ip[HY_SOCKADDR_TEXT_MAX];
    if (!s->end_text)
        session_say(&s->end_text, "cannot connect to %.120s [%s]: %.50s", s->host,
                    hy_sockaddr_format_ip(&s->addr, ip), end->text ? end->text : "closed");
    s->end = (struct hy_outcome){
        .kind = HY_OUTCOME_DEFERRED,
        .spoils = HY_SPOILS_HOST,
        .phase = HY_PHASE_CONNECT,
        .enhanced = {4, 4, end->err == HY_ETIMEOUT ? 2 : 1},
        .text = hy_str_of(s->end_text),
    };
    s->has_end = true;
    count(&worker_of(s)->d->counters.connect_failures);
}

/* Nothing is known of the site, so it is not charged with it, nor are messages. */
static void proxy_failure(struct session *s, const struct hy_conn_end *end)
{
    struct lane *l = s->lane;
    const char *why = end->text ? end->text : "closed";
    snprintf(l->last_reply, sizeof l->last_reply, "the proxy of source %s: %.100s", l->source->name,
             why);
    source_proxy_gone(l->source, &s->from->proxy, why, now_of(s));
    count(&worker_of(s)->d->counters.proxy_failures);
}

static void on_closed(void *ctx, const struct hy_conn_end *end)
{
    struct session *s = ctx;
    struct lane *l = s->lane;
    struct worker *w = l->worker;
    if (!s->is_started && end->is_proxy) {
        proxy_failure(s, end);
    } else if (!s->is_started) {
        connect_failure(s, end);
    } else if (!s->is_closing) {
        if (end->stage == HY_CONN_HANDSHAKE) {
            count(&w->d->counters.tls_failures);
            session_tls_failed(s, end);
            hy_smtp_client_tls_done(&s->client, HY_SMTP_TLS_FAILED, now_of(s));
        } else {
            hy_smtp_client_eof(&s->client, now_of(s));
        }
        drain(s);
        if (!s->is_closing) { /* it would like to say QUIT, but there is nobody */
            hy_smtp_client_abort(&s->client, now_of(s));
            drain(s);
        }
    }
    hy_loop_disarm(w->loop, &s->timer);
    if (s->tls_result != HY_TLSRPT_SUCCESS && !s->is_up) {
        if (s->has_end && s->end_text)
            s->end.text = hy_str_of(s->end_text);
        session_tls_count_failure(s);
    }
    bool is_failure = !s->is_up && s->has_end && !w->is_draining;
    lane_session_over(l, s, is_failure ? &s->end : NULL, s->hint);
    if (s->pool)
        pool_give_back(s->pool, w->d);
    session_free(s);
    worker_connection_over(w);
}

static const struct hy_conn_ops ops = {
    .on_connected = on_connected,
    .on_readable = on_readable,
    .on_writable = on_writable,
    .on_tls = on_tls,
    .on_closed = on_closed,
};

static void on_timer(void *arg)
{
    struct session *s = arg;
    if (s->is_closing || !s->is_started)
        return;
    hy_smtp_client_timeout(&s->client, now_of(s));
    drain(s);
    session_write(s);
}

/* ---- what the lane does with it ---- */

int session_open(struct lane *l, const struct hy_mx_host *host, const struct hy_sockaddr *addr,
                 bool no_tls, bool use_helo)
{
    struct worker *w = l->worker;
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->lane = l;
    hy_list_init(&s->link);
    hy_list_init(&s->taker);
    hy_list_init(&s->deliveries);
    hy_timer_init(&s->timer, on_timer, s);
    s->policy = hy_deliver_policy_ref(w->policy);
    s->from = l->from;
    s->addr = *addr;
    s->opened = now_of(s);
    s->mx = hy_mx_ref(l->mx);
    s->host = host->name.p;
    s->smtp = l->smtp;
    s->smtp.ehlo_name = hy_str_of(s->from->ehlo);
    s->smtp.use_helo = use_helo;
    session_tls_init(s);
    if (no_tls && s->smtp.tls == HY_SMTP_TLS_OPPORTUNISTIC)
        s->smtp.tls = HY_SMTP_TLS_NEVER;
    struct hy_conn_options o = {
        .peer = *addr,
        .source = source_address(s->from, hy_sockaddr_family(addr)),
        .proxy = &s->from->proxy,
        .connect_timeout_us = l->limits.timeouts.connect_us,
    };
    hy_sockaddr_set_port(&o.peer, w->d->settings.smtp_port);
    int err = hy_conn_open(w->loop, &o, &ops, s, &s->conn);
    if (err == HY_ENOTFOUND)
        source_gone(l->source, &o.source, now_of(s));
    else if (err == HY_OK && o.proxy->kind == HY_PROXY_NONE)
        source_there(l->source, &o.source);
    if (err != HY_OK) {
        session_free(s);
        return err;
    }
    s->pool = l->seat.pool;
    hy_list_push(&l->sessions, &s->link);
    w->n_active += l->n_sessions == 0;
    l->n_sessions++;
    l->n_connecting++;
    w->n_connections++;
    struct hy_deliver_counters *c = &w->d->counters;
    count(&c->connects);
    uint64_t open = atomic_fetch_add_explicit(&c->connections_now, 1, memory_order_relaxed) + 1;
    if (open > atomic_load_explicit(&c->connections_most, memory_order_relaxed))
        atomic_store_explicit(&c->connections_most, open, memory_order_relaxed);
    return HY_OK;
}

bool session_submit(struct session *s, struct delivery *d)
{
    d->smtp = (struct hy_smtp_message){
        .sender = hy_str_of(d->return_path),
        .recipients = &d->recipient,
        .n_recipients = 1,
        .pieces = {hy_buf_str(&d->signature), hy_buf_str(&d->bytes)},
        .n_pieces = 2,
        .is_8bit = d->needs_8bitmime,
        .needs_smtputf8 = d->needs_smtputf8,
        .is_clean = d->has_no_dot_line,
        .needs_tls = d->needs_tls,
        .dsn = d->dsn ? &d->dsn->dsn : NULL,
        .opaque = d,
    };
    d->recipient = hy_str_of(d->address);
    bool is_joining = hy_smtp_client_is_in_content(&s->client);
    const struct hy_smtp_message *m = d->party ? party_envelope(d) : &d->smtp;
    if (hy_smtp_client_submit(&s->client, m, now_of(s)) != HY_OK) {
        lane_place_session(s->lane, s);
        return false;
    }
    hy_wall_ms started = hy_clock_wall_ms();
    for (uint32_t i = 0; i < party_size(d); i++) {
        struct delivery *one = party_member(d, i);
        one->submitted = now_of(s);
        one->started = started;
    }
    hy_list_push(&s->deliveries, &d->link);
    s->lane->n_busy += s->n_deliveries++ == 0;
    s->messages++;
    count(&worker_of(s)->d->counters.submitted);
    if (is_joining)
        count(&worker_of(s)->d->counters.joined);
    s->lane->n_on_wire++;
    session_tls_count(s, d);
    uint32_t most = hy_window_messages_per_connection(&s->lane->joint->window,
                                                      s->lane->limits.messages_per_connection);
    if (most && s->messages >= most)
        hy_smtp_client_quit(&s->client, now_of(s));
    lane_place_session(s->lane, s);
    return true;
}

/* False when there is no dialogue to end: the connection is closed, or being closed. */
static bool has_dialogue(struct session *s)
{
    if (!s->is_closing && !s->is_started) {
        s->is_closing = true;
        hy_conn_close(s->conn);
    }
    return !s->is_closing;
}

void session_quit(struct session *s)
{
    if (!has_dialogue(s))
        return;
    hy_smtp_client_quit(&s->client, now_of(s));
    drain(s);
    session_write(s);
}

void session_abort(struct session *s)
{
    if (!has_dialogue(s))
        return;
    hy_smtp_client_abort(&s->client, now_of(s));
    drain(s);
}
