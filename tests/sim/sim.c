/* The events: connections come up or are refused, replies come, deferred rows are due again, and
 * the time the sender asked to be asked again.
 *
 * A session carries two messages, one of them on its way behind the other (pipelined); the provider
 * takes them one after the other. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "hayauma/base/heap.h"
#include "hayauma/base/list.h"

enum {
    ON_SESSION = 2,
    IDLE_US = 5000000,
    DEFERRED_MAX = 1 << 20,
    RETURNS_MAX = 5,
};

struct message {
    struct hy_heap_node due; /* deferred */
    uint64_t user;
    uint32_t attempts, returns;
    hy_us submitted;
    struct message *next; /* ready or spare */
};

enum step { CONNECTING, UP, ENDED };

struct session {
    struct hy_heap_node event; /* what comes next: connection, reply, idle end */
    enum step step;
    bool is_closing; /* no further message */
    struct message *queue[ON_SESSION];
    uint32_t n, done;
    hy_us idle_since;
    struct provider_reply reply; /* to the first of the queue, when it comes */
    enum hy_phase phase;
    struct message *carried; /* opened for this one */
};

struct sim {
    struct provider provider;
    const struct sim_sender *sender;
    const struct sim_options *o;
    struct sim_result *r;
    hy_us now, start;
    struct hy_rng rng;
    struct hy_heap events, deferred;
    struct session sessions[SIM_SESSIONS_MAX];
    uint32_t n_open, n_up, n_in_flight;
    struct message *ready, *spare;
    uint32_t n_ready;
    uint64_t users;
    double came; /* messages that demand has made, fractions too */
    hy_us wake;
    bool is_out_of_memory;
};

static struct sim_second *second(struct sim *s)
{
    return &s->r->second[(s->now - s->start) / HY_US_PER_SEC];
}

static void at(struct sim *s, struct session *c, hy_us when)
{
    if (hy_heap_put(&s->events, &c->event, when) != HY_OK)
        s->is_out_of_memory = true;
}

static void wake_at(struct sim *s, hy_us when)
{
    if (when < s->wake)
        s->wake = when;
}

/* ---- messages ---- */

static void make_ready(struct sim *s, struct message *m)
{
    m->next = s->ready;
    s->ready = m;
    s->n_ready++;
}

static struct message *fresh(struct sim *s)
{
    struct message *m = s->spare;
    if (m)
        s->spare = m->next;
    else
        m = malloc(sizeof *m);
    if (!m) {
        s->is_out_of_memory = true;
        return NULL;
    }
    *m = (struct message){.user = ++s->users};
    return m;
}

static struct message *take(struct sim *s)
{
    struct message *m = s->ready;
    if (m) {
        s->ready = m->next;
        s->n_ready--;
        return m;
    }
    if (s->o->demand) {
        if ((double)s->users >= s->came)
            return NULL;
    }
    return fresh(s);
}

static bool is_waiting(struct sim *s)
{
    return s->ready || !s->o->demand || (double)s->users < s->came;
}

static void defer(struct sim *s, struct message *m, const struct hy_outcome *o)
{
    hy_wall_ms now = s->now / HY_US_PER_MS;
    struct hy_verdict v = hy_verdict_of(o, &s->o->retry, m->attempts, now, now, &s->rng);
    if (v.state != HY_RCPT_DEFERRED || s->deferred.n + 1 >= DEFERRED_MAX) {
        s->r->expired++;
        m->next = s->spare;
        s->spare = m;
    } else if (hy_heap_put(&s->deferred, &m->due, v.due * HY_US_PER_MS) != HY_OK) {
        s->is_out_of_memory = true;
    }
}

/* ---- sessions ---- */

static struct hy_outcome outcome_of(const struct provider_reply *r, enum hy_phase phase)
{
    struct hy_outcome o = {.kind = HY_OUTCOME_DELIVERED, .phase = phase, .code = 250};
    if (r->code == 0)
        return o;
    o.kind = HY_OUTCOME_DEFERRED;
    o.code = r->code;
    o.text = hy_str_of(r->text);
    o.from_server = true;
    size_t used;
    int err = hy_enhanced_parse(o.text, &o.enhanced, &used);
    (void)err; /* the models all give one */
    return o;
}

/* Begins the dialogue for the first message of the queue. */
static void serve(struct sim *s, struct session *c)
{
    if (c->n == 0) {
        c->idle_since = s->now;
        at(s, c, c->is_closing ? s->now : s->now + IDLE_US);
        return;
    }
    c->phase = HY_PHASE_MAIL;
    c->reply = provider_mail(&s->provider, c->done, s->now);
    hy_us takes = s->o->rtt_us;
    if (c->reply.code == 0) {
        c->phase = HY_PHASE_RCPT;
        c->reply = provider_rcpt(&s->provider, c->queue[0]->user, s->now);
    }
    if (c->reply.code == 0) {
        c->phase = HY_PHASE_DOT;
        takes += provider_latency(&s->provider, s->now);
    }
    at(s, c, s->now + takes);
}

static void tell(struct sim *s, struct session *c, struct message *m, const struct hy_outcome *o)
{
    struct hy_window_event ev = {
        .outcome = o,
        .submitted = m->submitted,
        .attempts = m->attempts,
        .done = c->done,
        .open = s->n_up,
        .in_flight = s->n_in_flight,
    };
    s->sender->outcome(s->sender->self, &ev, s->now);
}

static void settle(struct sim *s, struct session *c, struct message *m, const struct hy_outcome *o)
{
    tell(s, c, m, o);
    s->n_in_flight--;
    if (o->kind == HY_OUTCOME_RETURNED && m->returns++ < RETURNS_MAX) {
        m->attempts--;
        make_ready(s, m);
        return;
    }
    second(s)->attempts++;
    s->r->attempts++;
    if (o->kind == HY_OUTCOME_DELIVERED) {
        second(s)->taken++;
        s->r->taken++;
        m->next = s->spare;
        s->spare = m;
        return;
    }
    second(s)->deferred++;
    s->r->deferred++;
    defer(s, m, o);
}

static struct message *shift(struct session *c)
{
    struct message *m = c->queue[0];
    c->queue[0] = c->queue[1];
    c->n--;
    return m;
}

static void end_session(struct sim *s, struct session *c)
{
    provider_close(&s->provider);
    s->n_open--;
    s->n_up--;
    c->step = ENDED;
    hy_heap_remove(&s->events, &c->event);
    while (c->n) {
        struct hy_outcome o = {.kind = HY_OUTCOME_RETURNED, .phase = HY_PHASE_MAIL};
        settle(s, c, shift(c), &o);
    }
}

static void on_reply(struct sim *s, struct session *c)
{
    struct hy_outcome o = outcome_of(&c->reply, c->phase);
    /* 421 to MAIL on a connection that carried mail is about the connection (RFC 5321 3.8). */
    if (o.code == 421 && o.phase == HY_PHASE_MAIL && c->done > 0)
        o.kind = HY_OUTCOME_RETURNED;
    settle(s, c, shift(c), &o);
    if (o.code == 421) {
        end_session(s, c);
        return;
    }
    c->done += o.kind == HY_OUTCOME_DELIVERED;
    serve(s, c);
}

static void submit(struct sim *s, struct session *c, struct message *m)
{
    m->submitted = s->now;
    m->attempts++;
    s->n_in_flight++;
    s->sender->sent(s->sender->self, s->now);
    c->queue[c->n++] = m;
    uint32_t most = s->sender->per_connection ? s->sender->per_connection(s->sender->self) : 0;
    if (most && c->done + c->n >= most)
        c->is_closing = true;
    if (c->n == 1)
        serve(s, c);
}

static void on_connected(struct sim *s, struct session *c)
{
    struct provider_reply r = provider_connect(&s->provider, s->now);
    struct message *m = c->carried;
    c->carried = NULL;
    if (r.code == 0) {
        c->step = UP;
        s->n_up++;
        s->sender->connected(s->sender->self, s->n_up, s->now);
        if (m)
            submit(s, c, m);
        else
            serve(s, c);
        return;
    }
    struct hy_outcome o = outcome_of(&r, HY_PHASE_BANNER);
    c->step = ENDED;
    s->n_open--;
    second(s)->refused++;
    s->r->refused++;
    s->sender->refused(s->sender->self, s->n_up, &o, s->now);
    if (!m)
        return;
    s->r->attempts++;
    s->r->deferred++;
    second(s)->attempts++;
    second(s)->deferred++;
    m->attempts++;
    defer(s, m, &o);
}

static void on_event(struct sim *s, struct session *c)
{
    hy_heap_remove(&s->events, &c->event);
    if (c->step == CONNECTING)
        on_connected(s, c);
    else if (c->n)
        on_reply(s, c);
    else
        end_session(s, c);
}

/* ---- the pump of the lane ---- */

static struct session *least_busy(struct sim *s)
{
    struct session *best = NULL;
    for (size_t i = 0; i < SIM_SESSIONS_MAX; i++) {
        struct session *c = &s->sessions[i];
        if (c->step == UP && !c->is_closing && c->n < ON_SESSION && (!best || c->n < best->n))
            best = c;
    }
    return best;
}

static void hand_over(struct sim *s)
{
    while (is_waiting(s)) {
        struct session *c = least_busy(s);
        if (!c)
            return;
        hy_us when = s->sender->may_send(s->sender->self, s->now);
        if (when) {
            wake_at(s, when);
            return;
        }
        struct message *m = take(s);
        if (!m)
            return;
        submit(s, c, m);
    }
}

static void open_more(struct sim *s)
{
    while (is_waiting(s) && s->n_open < SIM_SESSIONS_MAX && s->n_open - s->n_up <= s->n_up) {
        struct session *idle = least_busy(s);
        if (idle && idle->n == 0)
            return;
        hy_us when = s->sender->may_send(s->sender->self, s->now);
        if (!when)
            when = s->sender->may_connect(s->sender->self, s->n_open, s->now);
        if (when) {
            wake_at(s, when);
            return;
        }
        struct session *c = s->sessions;
        while (c->step != ENDED)
            c++;
        *c = (struct session){.step = CONNECTING};
        if (s->sender->carries_message)
            c->carried = take(s);
        s->n_open++;
        at(s, c, s->now + 2 * s->o->rtt_us);
    }
}

static void close_surplus(struct sim *s)
{
    uint32_t n = s->sender->surplus ? s->sender->surplus(s->sender->self, s->n_open) : 0;
    for (size_t i = 0; i < SIM_SESSIONS_MAX && n; i++) {
        struct session *c = &s->sessions[i];
        if (c->step != UP)
            continue;
        n--;
        if (c->is_closing)
            continue;
        c->is_closing = true;
        if (c->n == 0)
            at(s, c, s->now);
    }
}

static void pump(struct sim *s)
{
    s->wake = HY_US_NEVER;
    close_surplus(s);
    hand_over(s);
    open_more(s);
}

static void look(struct sim *s)
{
    double connections, rate;
    s->sender->look(s->sender->self, s->now, &connections, &rate);
    struct sim_second *x = second(s);
    x->connections = (float)connections;
    x->rate = (float)rate;
    x->open = (uint16_t)s->n_up;
}

/* The next thing that happens; false at the end. */
static bool advance(struct sim *s)
{
    hy_us end = s->start + (hy_us)s->o->seconds * HY_US_PER_SEC;
    hy_us next = (s->now / HY_US_PER_SEC + 1) * HY_US_PER_SEC; /* look once a second */
    struct hy_heap_node *e = hy_heap_top(&s->events), *d = hy_heap_top(&s->deferred);
    if (e && e->key < next)
        next = e->key;
    if (d && d->key < next)
        next = d->key;
    if (s->wake < next)
        next = s->wake;
    if (next <= s->now)
        next = s->now;
    if (s->o->demand)
        s->came += (double)(next - s->now) * s->o->demand / 1e6;
    if (next / HY_US_PER_SEC != s->now / HY_US_PER_SEC)
        look(s);
    s->now = next;
    if (next >= end)
        return false;
    while ((e = hy_heap_top(&s->events)) && e->key <= next)
        on_event(s, hy_container_of(e, struct session, event));
    while ((d = hy_heap_top(&s->deferred)) && d->key <= next) {
        hy_heap_remove(&s->deferred, d);
        make_ready(s, hy_container_of(d, struct message, due));
    }
    return true;
}

static void forget(struct message *m)
{
    while (m) {
        struct message *next = m->next;
        free(m);
        m = next;
    }
}

static void clean_up(struct sim *s)
{
    forget(s->ready);
    forget(s->spare);
    for (struct hy_heap_node *d; (d = hy_heap_top(&s->deferred));) {
        hy_heap_remove(&s->deferred, d);
        free(hy_container_of(d, struct message, due));
    }
    for (size_t i = 0; i < SIM_SESSIONS_MAX; i++) {
        struct session *c = &s->sessions[i];
        hy_heap_remove(&s->events, &c->event);
        while (c->n)
            free(shift(c));
        free(c->carried);
    }
    hy_heap_free(&s->events);
    hy_heap_free(&s->deferred);
    provider_free(&s->provider);
    free(s);
}

int sim_run(const struct provider_model *m, const struct sim_sender *sender,
            const struct sim_options *o, struct sim_result *ret)
{
    if (o->seconds == 0 || o->seconds > SIM_SECONDS_MAX)
        return HY_EINVAL;
    struct sim *s = calloc(1, sizeof *s);
    struct sim_second *seconds = calloc(o->seconds + 1, sizeof *seconds);
    if (!s || !seconds) {
        free(s);
        free(seconds);
        return HY_ENOMEM;
    }
    *ret = (struct sim_result){.second = seconds};
    s->sender = sender;
    s->o = o;
    s->r = ret;
    s->now = s->start = 1000 * HY_US_PER_SEC;
    s->events = HY_HEAP_INIT(SIM_SESSIONS_MAX + 1);
    s->deferred = HY_HEAP_INIT(DEFERRED_MAX);
    for (size_t i = 0; i < SIM_SESSIONS_MAX; i++)
        s->sessions[i].step = ENDED;
    hy_rng_seed(&s->rng, o->seed);
    provider_init(&s->provider, m, o->seed + 1);
    do
        pump(s);
    while (!s->is_out_of_memory && advance(s));
    bool failed = s->is_out_of_memory;
    clean_up(s);
    if (!failed)
        return HY_OK;
    free(seconds);
    ret->second = NULL;
    return HY_ENOMEM;
}

/* ---- figures ---- */

double sim_goodput(const struct sim_result *r, uint32_t from, uint32_t to)
{
    double n = 0;
    for (uint32_t i = from; i < to; i++)
        n += r->second[i].taken;
    return to > from ? n / (to - from) : 0;
}

double sim_deferred(const struct sim_result *r, uint32_t from, uint32_t to)
{
    double deferred = 0, attempts = 0;
    for (uint32_t i = from; i < to; i++) {
        deferred += r->second[i].deferred;
        attempts += r->second[i].attempts;
    }
    return attempts > 0 ? deferred / attempts : 0;
}

uint32_t sim_converged(const struct sim_result *r, uint32_t from, uint32_t to, uint32_t over,
                       double goodput)
{
    for (uint32_t i = from; i + over <= to; i++) {
        if (sim_goodput(r, i, i + over) >= goodput)
            return i;
    }
    return to;
}
