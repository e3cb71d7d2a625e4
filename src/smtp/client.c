/* The client's entry points, its states, and the loop over the peer's replies.
 *
 * Happy path: BANNER, EHLO (STARTTLS, TLS, EHLO again), SESSION, QUIT, CLOSED. Whatever goes wrong
 * sets c->fate once (client_end.c); from then on nothing is read or written, the results still due
 * are taken by next_event(), and CLOSED is the last event. */
#include "client_priv.h"

#include <assert.h>
#include <stddef.h>

#define MAY(state) (1u << HY_SMTP_ST_##state)
#define LIMIT(f)   offsetof(struct hy_smtp_client_timeouts, f)

static const struct {
    const char *name;
    enum hy_phase phase;
    uint32_t next; /* states it may move to; CLOSED always */
    size_t timeout;
    void (*on_reply)(struct hy_smtp_client *c);
} states[HY_SMTP_STATES] = {
    [HY_SMTP_ST_NEW] = {"new", HY_PHASE_NONE, MAY(BANNER), LIMIT(banner_us), NULL},
    [HY_SMTP_ST_BANNER] = {"banner", HY_PHASE_BANNER, MAY(EHLO) | MAY(HELO) | MAY(QUIT),
                           LIMIT(banner_us), hy_smtp_on_banner},
    [HY_SMTP_ST_EHLO] = {"ehlo", HY_PHASE_EHLO,
                         MAY(HELO) | MAY(STARTTLS) | MAY(SESSION) | MAY(QUIT), LIMIT(ehlo_us),
                         hy_smtp_on_ehlo},
    [HY_SMTP_ST_HELO] = {"helo", HY_PHASE_EHLO, MAY(SESSION) | MAY(QUIT), LIMIT(ehlo_us),
                         hy_smtp_on_helo},
    [HY_SMTP_ST_STARTTLS] = {"starttls", HY_PHASE_STARTTLS, MAY(TLS) | MAY(SESSION) | MAY(QUIT),
                             LIMIT(ehlo_us), hy_smtp_on_starttls},
    [HY_SMTP_ST_TLS] = {"tls", HY_PHASE_TLS, MAY(EHLO) | MAY(QUIT), LIMIT(tls_us), NULL},
    [HY_SMTP_ST_SESSION] = {"session", HY_PHASE_MAIL, MAY(QUIT), LIMIT(idle_us),
                            hy_smtp_on_session},
    [HY_SMTP_ST_QUIT] = {"quit", HY_PHASE_QUIT, 0, LIMIT(quit_us), NULL},
    [HY_SMTP_ST_CLOSED] = {"closed", HY_PHASE_NONE, MAY(BANNER), LIMIT(quit_us), NULL},
};

void hy_smtp_move(struct hy_smtp_client *c, enum hy_smtp_state to)
{
    assert(to == HY_SMTP_ST_CLOSED || (states[c->state].next & (1u << to)));
    c->state = (uint8_t)to;
    hy_smtp_arm(c);
}

enum hy_phase hy_smtp_state_phase(const struct hy_smtp_client *c)
{
    return states[c->state].phase;
}

const char *hy_smtp_client_state(const struct hy_smtp_client *c)
{
    const struct hy_smtp_txn *t = &c->txn[c->head];
    if (c->state == HY_SMTP_ST_SESSION)
        return t->msg ? hy_smtp_step_name(t) : "idle";
    return states[c->state].name;
}

static hy_us state_timeout(const struct hy_smtp_client *c)
{
    hy_us t;
    memcpy(&t, (const char *)&c->settings->timeouts + states[c->state].timeout, sizeof t);
    return t;
}

static hy_us add_us(hy_us now, hy_us wait)
{
    return wait < HY_US_NEVER - now ? now + wait : HY_US_NEVER;
}

/* The writing of content has two limits: no progress for block_us, and a floor under the rate. */
static hy_us session_deadline(const struct hy_smtp_client *c)
{
    const struct hy_smtp_txn *t = &c->txn[c->head];
    if (c->content.is_on) {
        hy_us stall = add_us(c->now, c->settings->timeouts.block_us);
        return stall < c->body_deadline ? stall : c->body_deadline;
    }
    if (t->msg && c->put != c->replied)
        return add_us(c->now, hy_smtp_step_timeout(c, t));
    return add_us(c->now, state_timeout(c));
}

void hy_smtp_arm(struct hy_smtp_client *c)
{
    if (c->fate || c->state == HY_SMTP_ST_CLOSED)
        c->deadline = HY_US_NEVER;
    else if (c->state == HY_SMTP_ST_SESSION)
        c->deadline = session_deadline(c);
    else
        c->deadline = add_us(c->now, state_timeout(c));
}

void hy_smtp_settings_init(struct hy_smtp_settings *s)
{
    *s = (struct hy_smtp_settings){
        .tls = HY_SMTP_TLS_OPPORTUNISTIC,
        .use_pipelining = true,
        .timeouts =
            {
                .banner_us = 300 * HY_US_PER_SEC,
                .ehlo_us = 300 * HY_US_PER_SEC,
                .tls_us = 60 * HY_US_PER_SEC,
                .mail_us = 300 * HY_US_PER_SEC,
                .rcpt_us = 300 * HY_US_PER_SEC,
                .data_us = 120 * HY_US_PER_SEC,
                .block_us = 180 * HY_US_PER_SEC,
                .dot_us = 600 * HY_US_PER_SEC,
                .quit_us = 5 * HY_US_PER_SEC,
                .idle_us = 60 * HY_US_PER_SEC,
            },
    };
}

static bool is_good_name(struct hy_str name)
{
    if (name.n == 0 || name.n > HY_SMTP_EHLO_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
            return false;
    return true;
}

int hy_smtp_client_start(struct hy_smtp_client *c, const struct hy_smtp_settings *settings,
                         hy_us now)
{
    _Static_assert(sizeof *c <= 2560, "thousands of these are open at once");
    if (!is_good_name(settings->ehlo_name))
        return HY_EINVAL;
    memset(c, 0, offsetof(struct hy_smtp_client, reply));
    hy_smtp_reply_init(&c->reply);
    c->settings = settings;
    c->now = now;
    c->put = c->written = 1; /* the banner answers the connection itself */
    c->bye = HY_SMTP_CLOSED_QUIT;
    hy_smtp_move(c, HY_SMTP_ST_BANNER);
    return HY_OK;
}

/* A reply that no written command asked for; while content goes out the end of data is not written
 * yet, whatever was counted. */
static bool is_unasked(const struct hy_smtp_client *c)
{
    return c->replied == c->written || c->content.is_on;
}

static void on_reply(struct hy_smtp_client *c)
{
    if (is_unasked(c)) {
        hy_smtp_on_unasked(c);
        return;
    }
    if (c->reply.code == 421) {
        hy_smtp_on_421(c);
        return;
    }
    c->replied++;
    states[c->state].on_reply(c);
    hy_smtp_arm(c);
}

static void on_read(struct hy_smtp_client *c, enum hy_smtp_read how)
{
    switch (how) {
    case HY_SMTP_READ_MORE:
        return;
    case HY_SMTP_READ_LINE:
        if (c->state == HY_SMTP_ST_EHLO && c->reply.code == 250)
            hy_smtp_on_ehlo_line(c);
        return;
    case HY_SMTP_READ_DONE:
        on_reply(c);
        return;
    case HY_SMTP_READ_BAD:
        hy_smtp_doom_bad_reply(c);
        return;
    case HY_SMTP_READ_HUGE:
        hy_smtp_doom_protocol(c, "the server's reply has no end");
        return;
    }
}

/* No reply is read in two states. TLS: bytes in the clear behind the 220 were injected
 * (RFC 3207 5). QUIT: any line is the end, and the words of the reply before may be wanted still.
 */
static bool input_without_reply(struct hy_smtp_client *c, const char *p, size_t n)
{
    if (c->state == HY_SMTP_ST_TLS) {
        hy_smtp_doom_tls(c, (struct hy_enhanced){4, 5, 0}, "plain text came after STARTTLS");
        return true;
    }
    if (c->state != HY_SMTP_ST_QUIT)
        return false;
    if (memchr(p, '\n', n))
        hy_smtp_doom(c, (enum hy_smtp_closed)c->bye, &c->end);
    return true;
}

size_t hy_smtp_client_input(struct hy_smtp_client *c, const void *p, size_t n, hy_us now)
{
    const char *bytes = p;
    size_t used = 0;
    c->now = now;
    while (used < n && !c->fate && c->state != HY_SMTP_ST_CLOSED && !hy_smtp_results_wait(c)) {
        if (input_without_reply(c, bytes + used, n - used))
            return n;
        size_t taken;
        enum hy_smtp_read how = hy_smtp_reply_read(&c->reply, bytes + used, n - used, &taken);
        used += taken;
        on_read(c, how);
        hy_smtp_pump(c);
    }
    return c->fate || c->state == HY_SMTP_ST_CLOSED ? n : used;
}

void hy_smtp_client_eof(struct hy_smtp_client *c, hy_us now)
{
    c->now = now;
    if (c->state == HY_SMTP_ST_QUIT)
        hy_smtp_doom(c, (enum hy_smtp_closed)c->bye, &c->end);
    else
        hy_smtp_doom_lost(c, HY_SMTP_CLOSED_LOST);
}

hy_us hy_smtp_client_deadline(const struct hy_smtp_client *c)
{
    return c->deadline;
}

void hy_smtp_client_timeout(struct hy_smtp_client *c, hy_us now)
{
    if (now < c->deadline || c->deadline == HY_US_NEVER)
        return;
    c->now = now;
    bool is_idle = c->state == HY_SMTP_ST_SESSION && !hy_smtp_older(c)->msg;
    if (is_idle)
        hy_smtp_client_quit(c, now);
    else if (c->state == HY_SMTP_ST_QUIT)
        hy_smtp_doom(c, (enum hy_smtp_closed)c->bye, &c->end);
    else
        hy_smtp_doom_lost(c, HY_SMTP_CLOSED_TIMEOUT);
}

void hy_smtp_client_abort(struct hy_smtp_client *c, hy_us now)
{
    c->now = now;
    hy_smtp_doom_lost(c, HY_SMTP_CLOSED_ABORTED);
}

const struct hy_smtp_capabilities *hy_smtp_client_capabilities(const struct hy_smtp_client *c)
{
    return &c->caps;
}

bool hy_smtp_client_is_tls(const struct hy_smtp_client *c)
{
    return c->is_tls;
}

bool hy_smtp_client_is_in_content(const struct hy_smtp_client *c)
{
    return c->content.is_on;
}

uint32_t hy_smtp_client_done(const struct hy_smtp_client *c)
{
    return c->done;
}
