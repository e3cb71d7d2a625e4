/* The dialogue of the sink: commands in, replies out, as the rules have it. */
#include <stdio.h>
#include <string.h>

#include "sink.h"

static void out_line(struct conn *c, int code, const char *text)
{
    char head[4] = {(char)('0' + code / 100), (char)('0' + code / 10 % 10), (char)('0' + code % 10),
                    ' '};
    BUMP(c->w->n.replies[code / 100], 1);
    hy_buf_add(&c->out, head, sizeof head);
    hy_buf_add(&c->out, text, strlen(text));
    hy_buf_add_lit(&c->out, "\r\n");
    if (code == 421)
        c->closing = true;
}

/* What is in `out` may go; what comes after it waits. */
static void hold(struct conn *c, uint32_t delay_us)
{
    c->out_ready = c->out.len;
    c->wake = c->w->now + delay_us;
}

static bool act(struct conn *c, const struct reply_rule *r)
{
    c->stalled = r->action == ACT_STALL;
    c->reset = r->action == ACT_RESET;
    c->closing = r->action == ACT_CLOSE;
    return r->action != ACT_REPLY;
}

/* Says what the rules want, else what it was asked to; returns the code, 0 for a connection that
 * was closed or stalled instead. */
static int say(struct conn *c, enum phase phase, int code, const char *text)
{
    const struct reply_rule *r = c->w->s->n_replies ? rules_reply(c, phase) : NULL;
    uint32_t delay = c->w->s->n_delays ? rules_delay(c, phase) : 0;
    if (delay)
        hold(c, delay);
    if (r && act(c, r))
        return 0;
    if (r) {
        code = r->code;
        text = r->text;
    }
    out_line(c, code, text);
    return code;
}

void smtp_say(struct conn *c, enum phase phase, int code, const char *text)
{
    say(c, phase, code, text);
}

void smtp_banner(struct conn *c)
{
    const struct sink *s = c->w->s;
    char text[192];
    snprintf(text, sizeof text, "%s ESMTP sink", s->hostname);
    if (s->conns_per_addr && atomic_load(&c->addr->open) > s->conns_per_addr) {
        atomic_fetch_add(&c->addr->refused, 1);
        BUMP(c->w->n.refused, 1);
        out_line(c, 421, "4.7.0 Too many connections from your address");
        return;
    }
    struct provider_reply r = provider_on_connect(c);
    if (r.code) {
        atomic_fetch_add(&c->addr->refused, 1);
        BUMP(c->w->n.refused, 1);
        out_line(c, r.code, r.text);
        return;
    }
    say(c, PH_CONNECT, 220, text);
}

static void reset_transaction(struct conn *c)
{
    c->mail_seen = false;
    c->n_rcpts = 0;
    hy_buf_reset(&c->rcpts);
}

static bool offered(const struct conn *c, const char *ext)
{
    const struct sink *s = c->w->s;
    for (int i = 0; i < s->n_hidden; i++)
        if (hy_str_ieq(s->hidden[i], hy_str_of(ext)))
            return false;
    return true;
}

static void on_ehlo(struct conn *c)
{
    static const char *const exts[] = {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES",
                                       "CHUNKING"};
    struct sink *s = c->w->s;
    size_t before = c->out.len;
    c->helo_seen = true;
    reset_transaction(c);
    int code = say(c, PH_EHLO, 250, s->hostname);
    if (code != 250 || c->out.err)
        return;
    c->out.data[before + 3] = '-';
    for (size_t i = 0; i < sizeof exts / sizeof *exts; i++)
        if (offered(c, exts[i]))
            hy_buf_printf(&c->out, "250-%s\r\n", exts[i]);
    if (s->tls != TLS_OFF && !c->ssl && offered(c, "STARTTLS"))
        hy_buf_add_lit(&c->out, "250-STARTTLS\r\n");
    if (offered(c, "SIZE"))
        hy_buf_printf(&c->out, "250 SIZE %lu\r\n", s->size_max);
    else
        hy_buf_add_lit(&c->out, "250 HELP\r\n");
}

static void on_starttls(struct conn *c)
{
    struct sink *s = c->w->s;
    if (s->tls == TLS_OFF || c->ssl) {
        out_line(c, 502, "5.5.1 no TLS here");
        return;
    }
    if (say(c, PH_STARTTLS, 220, "2.0.0 go ahead") != 220)
        return;
    BUMP(c->w->n.starttls, 1);
    if (s->tls == TLS_GARBAGE) {
        hy_buf_add_lit(&c->out, "this is not the handshake you expected\r\n");
        c->closing = true;
    } else if (s->tls == TLS_HANGUP) {
        c->closing = true;
    } else {
        c->state = ST_HANDSHAKE;
    }
}

/* The address between the angle brackets of a MAIL or RCPT argument; false if there is none.
 * A quoted local part may hold brackets (RFC 5321 section 4.1.2). */
static bool path_of(struct hy_str arg, struct hy_str *ret_path, struct hy_str *ret_params)
{
    size_t open = hy_str_find(arg, '<', 0);
    bool quoted = false;
    if (open == SIZE_MAX)
        return false;
    for (size_t i = open + 1; i < arg.n; i++) {
        if (quoted && arg.p[i] == '\\') {
            i++;
        } else if (arg.p[i] == '"') {
            quoted = !quoted;
        } else if (arg.p[i] == '>' && !quoted) {
            *ret_path = hy_str_slice(arg, open + 1, i);
            *ret_params = hy_str_slice(arg, i + 1, arg.n);
            return true;
        }
    }
    return false;
}

static uint64_t declared_size(struct hy_str params)
{
    struct hy_str word;
    uint64_t size = 0;
    while (params.p && hy_str_split(&params, ' ', &word))
        if (hy_str_istarts(word, HY_STR("SIZE=")) &&
            hy_str_to_u64(hy_str_slice(word, 5, word.n), UINT64_MAX, &size))
            return UINT64_MAX;
    return size;
}

static void on_mail(struct conn *c, struct hy_str arg)
{
    struct hy_str path, params;
    BUMP(c->w->n.mails, 1);
    if (!c->helo_seen) {
        out_line(c, 503, "5.5.1 EHLO first");
    } else if (c->mail_seen) {
        out_line(c, 503, "5.5.1 nested MAIL");
    } else if (!path_of(arg, &path, &params)) {
        out_line(c, 501, "5.5.4 MAIL FROM:<address>");
    } else if (declared_size(params) > c->w->s->size_max) {
        out_line(c, 552, "5.3.4 message too big");
    } else if (c->w->s->messages_per_conn && c->messages >= c->w->s->messages_per_conn) {
        out_line(c, 421, "4.7.0 Too many messages on this connection");
    } else {
        struct provider_reply r = provider_on_mail(c);
        if (r.code) {
            out_line(c, r.code, r.text);
            return;
        }
        c->domain_hash = 0;
        c->domain = NULL;
        c->mail_seen = say(c, PH_MAIL, 250, "2.1.0 ok") / 100 == 2;
        hy_buf_reset(&c->sender);
        hy_buf_add_str(&c->sender, path);
    }
}

static void on_rcpt(struct conn *c, struct hy_str arg)
{
    struct worker *w = c->w;
    struct hy_str path, params;
    BUMP(w->n.rcpts, 1);
    if (!c->mail_seen) {
        out_line(c, 503, "5.5.1 MAIL first");
        return;
    }
    if (!path_of(arg, &path, &params) || path.n == 0) {
        out_line(c, 501, "5.5.4 RCPT TO:<address>");
        return;
    }
    if (c->n_rcpts >= SINK_RCPTS_MAX) {
        out_line(c, 452, "4.5.3 too many recipients");
        return;
    }
    size_t at = path.n;
    while (at > 0 && path.p[at - 1] != '@')
        at--;
    struct hy_str domain = hy_str_slice(path, at, path.n);
    uint64_t hash = name_hash(domain);
    if (!c->domain || c->domain->hash != hash)
        c->domain = stats_domain(w, domain, hash);
    c->domain_hash = hash;
    c->user_hash = w->s->n_replies || w->s->n_greys || c->provider ? name_hash(path) : 0;
    BUMP(c->domain->rcpts, 1);
    int code;
    struct provider_reply r = provider_on_rcpt(c);
    if (r.code)
        code = say(c, PH_RCPT, r.code, r.text);
    else if (w->s->n_greys && rules_grey(c))
        code = say(c, PH_RCPT, 450, "4.7.1 Greylisted, please try again later");
    else
        code = say(c, PH_RCPT, 250, "2.1.5 ok");
    if (code / 100 != 2) {
        BUMP(c->domain->refused, 1);
        return;
    }
    c->n_rcpts++;
    if (w->s->record_fd >= 0 || w->s->capture_dir || record_is_stamped(w->s, path)) {
        hy_buf_add_str(&c->rcpts, path);
        hy_buf_add_c(&c->rcpts, '\n');
    }
}

static void on_data(struct conn *c)
{
    if (!c->mail_seen)
        out_line(c, 503, "5.5.1 MAIL first");
    else if (c->n_rcpts == 0)
        out_line(c, 554, "5.5.1 no valid recipients");
    else if (say(c, PH_DATA, 354, "go ahead") == 354) {
        c->state = ST_DATA;
        body_begin(c);
    }
}

static void message_done(struct conn *c)
{
    int code;
    uint32_t takes = provider_on_content(c);
    if (takes)
        hold(c, takes);
    if (c->body_bytes > c->w->s->size_max)
        code = say(c, PH_DOT, 552, "5.3.4 message too big");
    else
        code = say(c, PH_DOT, 250, "2.0.0 ok: accepted");
    body_end(c, code);
    reset_transaction(c);
}

static void on_bdat(struct conn *c, struct hy_str arg)
{
    struct hy_str num;
    uint64_t n;
    struct hy_str rest = hy_str_trim(arg);
    if (!rest.n || !hy_str_split(&rest, ' ', &num) || hy_str_to_u64(num, UINT64_MAX / 2, &n) != 0) {
        out_line(c, 501, "5.5.4 BDAT size [LAST]");
        c->closing = true; /* how many bytes follow is anybody's guess */
        return;
    }
    if (c->state != ST_BDAT && c->body_bytes == 0)
        body_begin(c);
    c->bdat_left = n;
    c->bdat_last = rest.p && hy_str_ieq(hy_str_trim(rest), HY_STR("LAST"));
    c->state = ST_BDAT;
}

static void bdat_chunk_done(struct conn *c)
{
    c->state = ST_COMMAND;
    if (!c->mail_seen || c->n_rcpts == 0)
        out_line(c, 503, "5.5.1 MAIL and RCPT first");
    else if (c->bdat_last)
        message_done(c);
    else
        say(c, PH_DATA, 250, "2.0.0 chunk ok");
    if (c->bdat_last)
        c->body_bytes = 0;
}

static bool verb_is(struct hy_str line, struct hy_str verb)
{
    return hy_str_istarts(line, verb) && (line.n == verb.n || line.p[verb.n] == ' ');
}

static void command(struct conn *c, struct hy_str line)
{
    BUMP(c->w->n.commands, 1);
    if (hy_str_istarts(line, HY_STR("MAIL FROM:")))
        on_mail(c, line);
    else if (hy_str_istarts(line, HY_STR("RCPT TO:")))
        on_rcpt(c, line);
    else if (verb_is(line, HY_STR("DATA")))
        on_data(c);
    else if (verb_is(line, HY_STR("BDAT")) && offered(c, "CHUNKING"))
        on_bdat(c, hy_str_slice(line, 5, line.n));
    else if (verb_is(line, HY_STR("EHLO")))
        on_ehlo(c);
    else if (verb_is(line, HY_STR("HELO"))) {
        c->helo_seen = true;
        reset_transaction(c);
        say(c, PH_EHLO, 250, c->w->s->hostname);
    } else if (verb_is(line, HY_STR("STARTTLS")))
        on_starttls(c);
    else if (verb_is(line, HY_STR("RSET"))) {
        reset_transaction(c);
        say(c, PH_OTHER, 250, "2.0.0 ok");
    } else if (verb_is(line, HY_STR("NOOP")))
        say(c, PH_OTHER, 250, "2.0.0 ok");
    else if (verb_is(line, HY_STR("QUIT"))) {
        say(c, PH_OTHER, 221, "2.0.0 bye");
        c->closing = true;
    } else if (verb_is(line, HY_STR("VRFY")))
        say(c, PH_OTHER, 252, "2.0.0 send some mail, I will try my best");
    else
        say(c, PH_OTHER, 500, "5.5.2 what?");
}

static size_t command_input(struct conn *c, const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    if (!lf && n <= SINK_LINE_MAX)
        return 0;
    if (!lf || (size_t)(lf - p) > SINK_LINE_MAX) {
        out_line(c, 500, "5.5.2 line too long");
        c->closing = true;
        return n;
    }
    size_t len = (size_t)(lf - p);
    if (len && p[len - 1] == '\r')
        command(c, hy_str_make(p, len - 1));
    else {
        BUMP(c->w->n.bare_lf, 1);
        command(c, hy_str_make(p, len));
    }
    return len + 1;
}

size_t smtp_input(struct conn *c, const char *p, size_t n)
{
    size_t at = 0;
    while (at < n && !c->wake && !c->closing && !c->reset && !c->stalled) {
        size_t took;
        if (c->state == ST_HANDSHAKE) {
            BUMP(c->w->n.injected, 1); /* RFC 3207 section 4.2: forget what came before TLS */
            return n;
        }
        if (c->state == ST_DATA) {
            bool end;
            took = body_scan(c, p + at, n - at, &end);
            if (end) {
                c->state = ST_COMMAND;
                message_done(c);
                c->body_bytes = 0;
            }
        } else if (c->state == ST_BDAT) {
            took = n - at < c->bdat_left ? n - at : (size_t)c->bdat_left;
            body_add(c, p + at, took);
            c->bdat_left -= took;
        } else {
            took = command_input(c, p + at, n - at);
            if (took == 0)
                break;
        }
        at += took;
        if (c->state == ST_BDAT && c->bdat_left == 0)
            bdat_chunk_done(c);
    }
    return at;
}
