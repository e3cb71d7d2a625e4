/* The thread that hands hot leads over.
 *
 * Happy path: the entries of the store that are due, of each hand-off a few at a time; a mail goes
 * into the spool in the transaction that takes its entry away, so it is sent once; a request is
 * posted, and its entry goes when it was answered with 2xx. How it fails: the entry is due again
 * after a pause that doubles, for three days; then it waits for a person ('hayauma score handoffs
 * --retry'). A receiver that fails or hangs several times in a row is left alone for a while, and
 * then asked with one lead: others are in lanes of their own and do not wait for it. A kill between
 * answer and commit repeats the request with the same Idempotency-Key. */
#include "handoff_sender.h"

#include <stdlib.h>

#include "daemon.h"
#include "desk.h"
#include "handoff_lanes.h"
#include "handoff_write.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/config/scoring.h"
#include "hayauma/react/facts.h"
#include "hayauma/store/handoff.h"
#include "hayauma/web/score_json.h"
#include "system_mail.h"

enum {
    PER_LANE = 4, /* hand-offs on their way at once, of each lane */
    LOOK_US = 1000000,
    PAUSE_US = 5000000,
    FIRST_PAUSE_S = 5,
    LONGEST_PAUSE_S = 3600,
    GIVE_UP_MS = 3 * 86400 * 1000,
    TOKEN_MAX = 8192,
    FIELDS_MAX = 20,
    ANSWER_MAX = 64 * 1024,
    TIMEOUT_US = 30 * 1000000,
};
enum { MSG_TRIED = 1, MSG_STORED, MSG_STOP };

struct handoff_sender {
    struct hy_daemon *d;
    struct desk desk;
    struct hy_https *https;
    struct hy_list errands; /* on their way */
    unsigned n_out;
    struct handoff_lanes lanes;
    bool is_crowded; /* there were too many once; told */
    hy_us again;     /* not before */
    atomic_bool is_stopping;
    hy_count arrived, failed;
};

/* One hand-off on its way. */
struct errand {
    struct hy_list link;
    struct handoff_sender *s;
    struct handoff_lane *lane;
    struct hy_handoff h; /* its strings are those below */
    char name[HY_SCORE_NAME_MAX + 1], threshold[HY_SCORE_NAME_MAX + 1];
    struct hy_scoring *scoring;
    struct hy_msg msg;
    struct system_mail mail;
    struct hy_https_request request;
    struct hy_buf body, token;
    char id[HY_ID_TEXT_MAX], field_id[64];
    const char *fields[FIELDS_MAX + 3];
    struct hy_write_req req;
    uint32_t due_s; /* written: when it is tried again; 0: it has arrived */
    int err;
    bool is_trouble; /* the receiver's, not of this lead alone */
    uint32_t retry_after_s;
    char why[HY_HANDOFF_WHY_MAX];
};

static void errand_free(struct errand *e)
{
    hy_list_remove(&e->link);
    e->s->n_out--;
    e->lane->n_out--;
    hy_scoring_free(e->scoring);
    hy_buf_free(&e->body);
    policy_wipe(&e->token);
    free(e);
}

static void post(struct errand *e, uint32_t kind)
{
    e->msg.kind = kind;
    int posted = hy_mailbox_post_answer(e->s->desk.mailbox, &e->msg);
    (void)posted; /* open as long as an errand is out */
}

/* ---- what became of it is stored ---- */

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct errand *e = hy_container_of(r, struct errand, req);
    int err = e->due_s ? hy_handoff_again(t, &e->h, e->due_s, hy_str_of(e->why))
                       : hy_handoff_done(t, &e->h);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static void on_stored(struct hy_write_req *r, int err)
{
    struct errand *e = hy_container_of(r, struct errand, req);
    e->err = err;
    post(e, MSG_STORED);
}

static void store(struct errand *e)
{
    e->req = (struct hy_write_req){
        .class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = apply, .done = on_stored};
    if (hy_writer_submit(e->s->d->writer, &e->req) == HY_OK)
        return;
    e->s->again = hy_clock_us() + PAUSE_US; /* it is due again, then */
    errand_free(e);
}

static void arrived(struct errand *e)
{
    hy_count_add(&e->s->arrived, 1);
    e->due_s = 0;
    store(e);
}

static void failed(struct errand *e)
{
    hy_wall_ms now = hy_clock_wall_ms();
    bool is_over = now - e->h.entered >= GIVE_UP_MS;
    hy_count_add(&e->s->failed, 1);
    unsigned alone_s =
        e->is_trouble ? handoff_lane_failed(e->lane, e->retry_after_s, hy_clock_us()) : 0;
    if (alone_s)
        hy_log(HY_LOG_WARNING, "scoring", "%s: nothing is handed over for %u s, after %u failures",
               e->name, alone_s, e->lane->n_troubles);
    uint32_t pause_s = handoff_doubled(FIRST_PAUSE_S, e->h.tries, LONGEST_PAUSE_S);
    e->due_s = is_over ? HY_HANDOFF_FAILED : (uint32_t)(now / 1000) + pause_s;
    hy_log(is_over ? HY_LOG_ERROR : HY_LOG_WARNING, "scoring",
           is_over ? "%s: lead %u was not handed over, and is not tried again: %s"
                   : "%s: lead %u could not be handed over, it is tried again: %s",
           e->name, e->h.lead, e->why);
    store(e);
}

/* ---- by mail ---- */

static int also(struct system_mail *m, struct hy_txn *t)
{
    const struct errand *e = hy_container_of(m, struct errand, mail);
    return hy_handoff_done(t, &e->h);
}

static void on_mailed(struct system_mail *m, int err)
{
    struct errand *e = hy_container_of(m, struct errand, mail);
    e->err = err;
    e->is_trouble = err != HY_OK;
    snprintf(e->why, sizeof e->why, "%s", err == HY_OK ? "" : hy_err_text(err));
    post(e, MSG_TRIED);
}

/* Its owner, else the first of the hand-off. */
static struct hy_str taker(const struct hy_score_handoff *h, const json_t *lead)
{
    const char *owner = json_string_value(json_object_get(lead, "owner"));
    struct hy_address a;
    enum hy_address_reason why;
    if (owner && hy_address_parse(hy_str_of(owner), NULL, &a, &why) == HY_OK)
        return hy_str_of(owner);
    return h->owners[0];
}

static int send_mail(struct errand *e, const struct hy_score_handoff *h, const json_t *lead,
                     struct hy_diag *diag)
{
    struct hy_config *c = daemon_config(e->s->d);
    struct hy_buf text = HY_BUF_INIT(HANDOFF_TEXT_MAX), subject = HY_BUF_INIT(HANDOFF_SUBJECT_MAX);
    char from[HY_ADDRESS_MAX + 1], id[HY_ADDRESS_MAX + 64];
    handoff_text(h, lead, e->threshold, &text);
    handoff_subject(h, lead, e->threshold, &subject);
    snprintf(from, sizeof from, "%s%.230s", c->dsn.from[0] ? c->dsn.from : "mailer-daemon@",
             c->dsn.from[0] ? "" : c->node.hostname);
    snprintf(id, sizeof id, "handoff.%s@%.230s", e->id, c->node.hostname);
    e->mail.also = also;
    e->mail.done = on_mailed;
    const struct hy_notice n = {.from = {.name = HY_STR("hayauma"), .address = hy_str_of(from)},
                                .to = {.address = taker(h, lead)},
                                .subject = hy_buf_str(&subject),
                                .date = hy_clock_wall_ms(),
                                .id = hy_str_of(id),
                                .text = hy_buf_str(&text)};
    int err = text.err ? text.err : subject.err;
    if (err == HY_OK) {
        e->is_trouble = true; /* nobody's mail goes out; what becomes of it says more */
        err = system_mail_send(e->s->d, &n, &e->mail, diag);
    } else if (err == HY_ELIMIT) {
        hy_fail(diag, err, "the mail would have more than %d bytes", HANDOFF_TEXT_MAX);
    }
    hy_buf_free(&text);
    hy_buf_free(&subject);
    hy_config_unref(c);
    return err;
}

/* ---- by a request ---- */

/* Whether the next lead would fare no better; a 4xx is an answer to this one, mostly. */
static bool is_receivers(const struct hy_https_result *r)
{
    return r->err != HY_OK || r->status / 100 == 5 || r->status == 401 || r->status == 403 ||
           r->status == 408 || r->status == 429;
}

static void on_answer(struct hy_https_request *r, const struct hy_https_result *result)
{
    struct errand *e = hy_container_of(r, struct errand, request);
    bool is_good = result->err == HY_OK && result->status / 100 == 2;
    e->err = is_good ? HY_OK : result->err ? result->err : HY_EIO;
    e->is_trouble = !is_good && is_receivers(result);
    e->retry_after_s = result->retry_after_s;
    if (result->err == HY_OK)
        snprintf(e->why, sizeof e->why, "the answer was %u", result->status);
    else
        snprintf(e->why, sizeof e->why, "%s", result->text);
    post(e, MSG_TRIED);
}

static int put_fields(struct errand *e, const struct hy_score_handoff *h, struct hy_diag *diag)
{
    size_t n = 0;
    int err = HY_OK;
    snprintf(e->field_id, sizeof e->field_id, "Idempotency-Key: %s", e->id);
    e->fields[n++] = e->field_id;
    for (size_t i = 0; h->fields[i] && n < FIELDS_MAX; i++)
        e->fields[n++] = h->fields[i];
    if (!h->token_file[0])
        return HY_OK;
    struct hy_buf secret = HY_BUF_INIT(TOKEN_MAX);
    err = policy_read_secret(h->token_file, "a token", &secret, diag);
    struct hy_str token = hy_str_trim(hy_buf_str(&secret));
    for (size_t i = 0; i < token.n && err == HY_OK; i++)
        if ((unsigned char)token.p[i] <= ' ' || token.p[i] == 0x7f)
            err = hy_fail(diag, HY_EINVAL, "%s has more than a token", h->token_file);
    if (err == HY_OK) {
        e->token = HY_BUF_INIT(TOKEN_MAX + 64);
        hy_buf_printf(&e->token, "Authorization: Bearer %.*s", HY_STR_ARG(token));
        e->fields[n++] = hy_buf_cstr(&e->token);
        err = e->token.err;
    }
    policy_wipe(&secret);
    return err;
}

static struct hy_str attribute(void *ctx, struct hy_str name)
{
    const struct hy_segment_facts *facts = ctx;
    return facts->attribute(facts->ctx, name);
}

static int make_body(struct errand *e, struct hy_txn *t, const struct hy_score_handoff *h,
                     const json_t *lead, struct hy_diag *diag)
{
    struct hy_facts *facts = NULL;
    int err = hy_facts_new(&(struct hy_facts_options){.plan = hy_scoring_plan(e->scoring)}, &facts);
    if (err == HY_OK)
        err = hy_facts_of(facts, t, e->h.lead, hy_clock_wall_ms());
    if (err == HY_OK) {
        const struct hy_segment_facts *asked = hy_facts_ask(facts);
        const struct handoff_body b = {.id = e->id,
                                       .threshold = e->threshold,
                                       .entered = e->h.entered,
                                       .lead = lead,
                                       .attribute = attribute,
                                       .ctx = (void *)(uintptr_t)asked};
        e->body = HY_BUF_INIT(HANDOFF_BODY_MAX);
        err = handoff_body(h, &b, &e->body, diag);
    }
    hy_facts_free(facts);
    return err;
}

static int send_request(struct errand *e, struct hy_txn *t, const struct hy_score_handoff *h,
                        const json_t *lead, struct hy_diag *diag)
{
    int err = make_body(e, t, h, lead, diag);
    if (err != HY_OK)
        return err; /* this lead's */
    e->is_trouble = true;
    err = put_fields(e, h, diag);
    if (err != HY_OK)
        return err;
    e->request = (struct hy_https_request){
        .url = h->url,
        .method = h->method,
        .content_type = "application/json",
        .body = hy_buf_str(&e->body),
        .fields = e->fields,
        .ca_file = h->ca_file,
        .may_connect = h->allows_private ? NULL : hy_sockaddr_is_public,
        .max_bytes = ANSWER_MAX,
        .timeout_us = TIMEOUT_US,
        .done = on_answer,
    };
    return hy_https_submit(e->s->https, &e->request);
}

/* ---- looking ---- */

/* One lead is told of to one receiver in the order in which it entered. */
static bool is_out(struct handoff_sender *s, const struct hy_handoff *h)
{
    for (struct hy_list *l = s->errands.next; l != &s->errands; l = l->next) {
        const struct hy_handoff *o = &hy_container_of(l, struct errand, link)->h;
        if (o->lane == h->lane && (o->id == h->id || o->lead == h->lead))
            return true;
    }
    return false;
}

static const struct hy_score_handoff *handoff_of(const struct hy_score_plan *p, struct hy_str name,
                                                 size_t *threshold)
{
    for (size_t i = 0; i < p->n_handoffs; i++)
        if (hy_str_eq(p->handoffs[i].name, name)) {
            *threshold = p->handoffs[i].threshold;
            return &p->handoffs[i];
        }
    return NULL;
}

static struct errand *errand_new(struct handoff_sender *s, struct handoff_lane *lane,
                                 const struct hy_handoff *h, struct hy_scoring *scoring)
{
    struct errand *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->s = s;
    e->lane = lane;
    e->h = *h;
    snprintf(e->name, sizeof e->name, "%.*s", HY_STR_ARG(h->name));
    snprintf(e->threshold, sizeof e->threshold, "%.*s", HY_STR_ARG(h->threshold));
    e->h.name = hy_str_of(e->name);
    e->h.threshold = hy_str_of(e->threshold);
    e->h.why = (struct hy_str){0};
    hy_id_format(h->id, e->id);
    e->scoring = hy_scoring_ref(scoring);
    hy_list_push(&s->errands, &e->link);
    s->n_out++;
    lane->n_out++;
    return e;
}

static void begin(struct errand *e, struct hy_txn *t)
{
    const struct hy_score_plan *plan = hy_scoring_plan(e->scoring);
    struct hy_diag diag = {""};
    json_t *lead = NULL;
    size_t threshold = 0;
    const struct hy_score_handoff *h = handoff_of(plan, hy_str_of(e->name), &threshold);
    int err = h ? hy_score_hot_row_json(t, plan, threshold, e->h.lead, hy_clock_wall_ms(), &lead)
                : HY_ENOTFOUND;
    if (err == HY_ENOTFOUND) { /* the lead, or the hand-off, is gone */
        hy_log(HY_LOG_NOTICE, "scoring", "%s: lead %u is not handed over: %s is gone", e->name,
               e->h.lead, h ? "it" : "the hand-off");
        e->due_s = 0;
        store(e);
        return;
    }
    if (err == HY_OK)
        err = h->n_owners ? send_mail(e, h, lead, &diag) : send_request(e, t, h, lead, &diag);
    json_decref(lead);
    if (err == HY_OK)
        return;
    snprintf(e->why, sizeof e->why, "%s", diag.text[0] ? diag.text : hy_err_text(err));
    failed(e);
}

static int look_at_lane(struct handoff_sender *s, struct hy_txn *t, struct hy_scoring *scoring,
                        struct handoff_lane *lane)
{
    uint32_t now_s = (uint32_t)(hy_clock_wall_ms() / 1000);
    struct hy_handoff h = {.lane = lane->no};
    while (handoff_lane_room(lane, PER_LANE, hy_clock_us())) {
        int err = hy_handoff_next(t, &h, &h);
        if (err != HY_OK)
            return err;
        if (h.lane != lane->no || h.due_s > now_s)
            return HY_OK;
        if (is_out(s, &h))
            continue;
        struct errand *e = errand_new(s, lane, &h, scoring);
        if (!e)
            return HY_ENOMEM;
        begin(e, t);
    }
    return HY_OK;
}

/* Whether the lane has an entry that is tried again by itself: those come first. */
static bool has_some(struct hy_txn *t, uint16_t no)
{
    struct hy_handoff first = {.lane = no};
    return hy_handoff_next(t, &first, &first) == HY_OK && first.lane == no &&
           first.due_s != HY_HANDOFF_FAILED;
}

/* NULL: there are too many receivers with something to get, most of them of rules before. */
static struct handoff_lane *lane_of(struct handoff_sender *s, uint16_t no)
{
    struct handoff_lane *lane = handoff_lane_of(&s->lanes, no);
    if (!lane && !s->is_crowded)
        hy_log(HY_LOG_WARNING, "scoring",
               "more than %d hand-offs have leads to tell of: some wait for others to end",
               HANDOFF_LANES_MAX);
    s->is_crowded = s->is_crowded || !lane;
    return lane;
}

static void look(struct handoff_sender *s)
{
    struct hy_scoring *scoring = daemon_scoring(s->d);
    struct hy_txn t = {0};
    uint16_t no = 0;
    int err = scoring ? hy_txn_read(s->d->env, &t) : HY_ENOTFOUND;
    while (err == HY_OK && !atomic_load(&s->is_stopping) &&
           (err = hy_handoff_next_lane(&t, no, &no)) == HY_OK) {
        struct handoff_lane *lane = has_some(&t, no) ? lane_of(s, no) : NULL;
        if (lane)
            err = look_at_lane(s, &t, scoring, lane);
        if (err == HY_ENOTFOUND) /* its last entry was the last of all */
            err = HY_OK;
    }
    if (err == HY_ENOTFOUND)
        handoff_lanes_forget(&s->lanes);
    hy_txn_end(&t);
    hy_scoring_free(scoring);
    if (err != HY_OK && err != HY_ENOTFOUND)
        hy_log(HY_LOG_ERROR, "scoring", "hot leads wait to be handed over: %s", hy_err_text(err));
    s->again = hy_clock_us() + (err == HY_OK || err == HY_ENOTFOUND ? LOOK_US : PAUSE_US);
}

/* It is over; there may be others behind it. */
static void end(struct errand *e)
{
    e->s->again = 0;
    errand_free(e);
}

static void take(struct handoff_sender *s, struct hy_msg *m)
{
    if (m->kind == MSG_STOP)
        return;
    struct errand *e = hy_container_of(m, struct errand, msg);
    bool is_mail = e->mail.done != NULL;
    if (m->kind == MSG_STORED) {
        if (e->err == HY_OK) {
            end(e);
            return;
        }
        s->again = hy_clock_us() + PAUSE_US;
        errand_free(e);
    } else if (e->err == HY_OK && is_mail) { /* the entry went with it */
        hy_count_add(&s->arrived, 1);
        handoff_lane_works(e->lane);
        end(e);
    } else if (e->err == HY_OK) {
        handoff_lane_works(e->lane);
        arrived(e);
    } else if (atomic_load(&s->is_stopping) || e->err == HY_ENOTFOUND) {
        errand_free(e);
    } else {
        failed(e);
    }
}

static void run(void *arg)
{
    struct handoff_sender *s = arg;
    while (!atomic_load(&s->is_stopping) || s->n_out) {
        hy_us now = hy_clock_us();
        if (!atomic_load(&s->is_stopping) && now >= s->again)
            look(s);
        for (struct hy_msg *m = hy_mailbox_wait(s->desk.mailbox, LOOK_US), *next; m; m = next) {
            next = m->next;
            take(s, m);
        }
    }
}

static int apply_move(struct hy_write_req *r, struct hy_txn *t)
{
    (void)r;
    return hy_handoff_move_old(t);
}

/* Damaged entries are passed over, which is told once. */
static void tell_damaged(struct hy_daemon *d)
{
    struct hy_txn t = {0};
    uint64_t n = 0;
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = hy_handoff_damaged(&t, NULL, NULL, &n);
    hy_txn_end(&t);
    if (err == HY_OK && n)
        hy_log(HY_LOG_ERROR, "scoring",
               "%llu leads on their way to sales cannot be read and are passed over: 'hayauma "
               "audit' names them",
               (unsigned long long)n);
}

int handoff_sender_start(struct hy_daemon *d, struct handoff_sender **ret)
{
    struct hy_https_options https = {.ca_file = d->config->tls.ca_file,
                                     .max_running = HANDOFF_LANES_MAX * PER_LANE};
    struct hy_write_req move = {.class = HY_WRITE_ADMIN, .apply = apply_move};
    struct hy_diag diag = {""};
    struct handoff_sender *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->d = d;
    hy_list_init(&s->errands);
    int err = hy_writer_run(d->writer, &move);
    tell_damaged(d);
    if (err == HY_OK)
        err = hy_https_create(&https, &diag, &s->https);
    if (err == HY_OK)
        err = desk_open(&s->desk, "handoff", HANDOFF_LANES_MAX * PER_LANE + 1, run, s);
    if (err == HY_OK) {
        *ret = s;
        return HY_OK;
    }
    hy_https_free(s->https);
    free(s);
    return err;
}

void handoff_sender_stop(struct handoff_sender *s)
{
    if (!s)
        return;
    atomic_store(&s->is_stopping, true);
    hy_https_stop(s->https);
    desk_close(&s->desk, MSG_STOP);
    hy_https_free(s->https);
    free(s);
}

void handoff_sender_counts(const struct handoff_sender *s, struct handoff_counts *ret)
{
    *ret = (struct handoff_counts){0};
    if (s)
        *ret = (struct handoff_counts){hy_count_read(&s->arrived), hy_count_read(&s->failed)};
}
