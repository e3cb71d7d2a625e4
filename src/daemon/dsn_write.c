/* From a message in the spool to the report on it. */
#include "dsn_write.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/base/rand.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/attempt.h"

enum { LOOKED_AT = 8192, REPORT_ROOM = 4 << 20 };

/* What is gathered of a message: views of the snapshot. */
struct gathering {
    const struct dsn_context *c;
    hy_wall_ms now;
    struct hy_spool_message m;
    struct hy_dsn_rcpt *rcpts;
    struct hy_dsn_told *told;
    size_t n, cap;
    bool has_failed;
    int err;
};

static bool make_room(struct gathering *g)
{
    if (g->n < g->cap)
        return true;
    size_t cap = g->cap ? 4 * g->cap : 4;
    struct hy_dsn_rcpt *rcpts = realloc(g->rcpts, cap * sizeof *rcpts);
    if (rcpts)
        g->rcpts = rcpts;
    struct hy_dsn_told *told = rcpts ? realloc(g->told, cap * sizeof *told) : NULL;
    if (told)
        g->told = told;
    g->cap = rcpts && told ? cap : g->cap;
    return rcpts && told;
}

/* Its last words: those of a server before our own that its time was over. Attempts may have been
 * trimmed. */
static void tell_attempt(struct hy_txn *t, hy_id id, struct hy_dsn_rcpt *r)
{
    struct hy_attempt a, before;
    if (id == 0 || hy_attempt_get(t, id, &a) != 0)
        return;
    if (r->is_expired && a.started == 0 && a.previous &&
        hy_attempt_get(t, a.previous, &before) == 0)
        a = before;
    r->status = a.outcome.enhanced;
    r->code = a.outcome.code;
    r->words = a.outcome.text;
    r->is_from_server = a.outcome.from_server;
    r->host = a.mx_host;
    r->tried = a.started;
    r->log_id = a.id;
}

static bool is_delayed_enough(const struct gathering *g, hy_wall_ms received)
{
    hy_us delay_us = g->c->config->dsn.delay_us;
    return delay_us && g->now - received >= delay_us / HY_US_PER_MS;
}

static int gather(void *ctx, const struct hy_spool_view *v)
{
    static const enum hy_dsn_action actions[] = {[HY_DSN_WISH_FAILED] = HY_DSN_FAILED,
                                                 [HY_DSN_WISH_DELAYED] = HY_DSN_DELAYED,
                                                 [HY_DSN_WISH_RELAYED] = HY_DSN_RELAYED};
    struct gathering *g = ctx;
    enum hy_dsn_wish wish = hy_dsn_wish(&v->rcpt, v->row.state);
    if (wish == HY_DSN_WISH_NOTHING ||
        (wish == HY_DSN_WISH_DELAYED && !is_delayed_enough(g, v->message.received)))
        return 0;
    if (g->n == HY_DSN_RCPTS_MAX)
        return 1;
    if (!make_room(g)) {
        g->err = HY_ENOMEM;
        return 1;
    }
    struct hy_dsn_rcpt r = {.action = actions[wish],
                            .address = v->rcpt.address,
                            .orcpt = v->rcpt.orcpt,
                            .is_expired = v->row.state == HY_RCPT_EXPIRED};
    tell_attempt(g->c->t, v->row.last_attempt, &r);
    if (wish == HY_DSN_WISH_DELAYED)
        r.retried_until = hy_deliver_gives_up(g->c->deliver, hy_wire_domain(r.address), r.host,
                                              v->message.received, v->row.ref.attempts, g->now);
    g->has_failed |= r.action == HY_DSN_FAILED;
    g->told[g->n] = (struct hy_dsn_told){v->row.ref.block, v->row.ref.slot, wish};
    g->rcpts[g->n++] = r;
    return 0;
}

/* ---- from whom ---- */

/* Our own name when a key signs for it, else the domain of the message, whose key signed that. */
static void choose_from(const struct hy_config *c, struct hy_deliver *deliver, uint32_t tenant,
                        struct hy_str from_domain, char out[HY_ADDRESS_MAX + 1])
{
    char domain[HY_DOMAIN_MAX + 1];
    if (c->dsn.from[0]) {
        snprintf(out, HY_ADDRESS_MAX + 1, "%s", c->dsn.from);
        return;
    }
    snprintf(domain, sizeof domain, "%.*s", HY_STR_ARG(from_domain));
    bool is_ours = !domain[0] || hy_deliver_signs(deliver, tenant, c->node.hostname) ||
                   !hy_deliver_signs(deliver, tenant, domain);
    snprintf(out, HY_ADDRESS_MAX + 1, "mailer-daemon@%.230s", is_ours ? c->node.hostname : domain);
}

/* ---- a letter ---- */

static void fill_letter(struct dsn_letter *l, uint32_t tenant, const struct hy_dsn *d,
                        const struct hy_dsn_output *made)
{
    struct hy_str content = hy_buf_str(&l->content);
    bool has_dot_line = hy_str_find_str(content, HY_STR("\n."), 0) != SIZE_MAX;
    snprintf(l->to, sizeof l->to, "%.*s", HY_STR_ARG(d->to));
    l->rcpt = (struct hy_spool_rcpt){.address = hy_str_of(l->to), .notify = HY_DSN_NEVER};
    l->message = (struct hy_spool_message){
        .tenant = tenant,
        .priority = HY_SPOOL_BULK,
        .flags =
            (uint8_t)((has_dot_line ? 0 : HY_SPOOL_NO_DOTS) | (made->has_8bit ? HY_SPOOL_8BIT : 0) |
                      (hy_str_is_ascii(d->to) ? 0 : HY_SPOOL_UTF8)),
        .received = d->date,
        .from_domain = hy_str_of(l->from_domain),
        .message_id = hy_str_of(l->message_id),
        .who = HY_STR("hayauma"),
        .header_bytes = (uint32_t)made->header_bytes,
        .content = content,
        .rcpts = &l->rcpt,
        .n_rcpts = 1,
    };
}

int dsn_letter_write(const struct hy_config *c, struct hy_deliver *deliver, uint32_t tenant,
                     struct hy_str from_domain, struct hy_dsn *d, struct dsn_letter *ret)
{
    uint64_t random = 0;
    char id[HY_ID_TEXT_MAX], full_id[HY_SPOOL_MESSAGE_ID_MAX - 2], from[HY_ADDRESS_MAX + 1];
    struct hy_dsn_output made;
    int err = hy_rand_bytes(&random, sizeof random);
    if (err != HY_OK)
        return err;
    choose_from(c, deliver, tenant, from_domain, from);
    snprintf(full_id, sizeof full_id, "%s.dsn@%.200s", hy_id_format(random, id), c->node.hostname);
    snprintf(ret->message_id, sizeof ret->message_id, "<%s>", full_id);
    snprintf(ret->from_domain, sizeof ret->from_domain, "%.*s",
             HY_STR_ARG(hy_wire_domain(hy_str_of(from))));
    d->from = (struct hy_header_mailbox){.name = HY_STR("Mail Delivery System"),
                                         .address = hy_str_of(from)};
    d->host = hy_str_of(c->node.hostname);
    d->id = hy_str_of(full_id);
    d->date = hy_clock_wall_ms();
    d->utc_offset_min = daemon_utc_offset_min();
    ret->content = HY_BUF_INIT(REPORT_ROOM + (d->header.n + d->body.n) * 3 / 2);
    err = hy_dsn_write(d, &ret->content, &made);
    if (err == HY_OK)
        fill_letter(ret, tenant, d, &made);
    return err;
}

/* ---- writing ---- */

/* The message as far as it is returned or looked at, into `raw`. */
static int read_original(const struct gathering *g, struct hy_dsn *dsn, struct hy_buf *raw)
{
    uint64_t full_max = g->c->config->dsn.return_max_bytes;
    dsn->is_full = g->has_failed && g->m.ret != HY_DSN_RET_HDRS && g->m.content_bytes <= full_max;
    uint64_t want = dsn->is_full ? g->m.content_bytes : (uint64_t)g->m.header_bytes + LOOKED_AT;
    raw->max = (size_t)want + 1;
    int err = hy_spool_content_head(g->c->t, &g->m, want, raw);
    if (err == HY_ENOTFOUND) { /* came back after all was over */
        dsn->is_full = false;
        return HY_OK;
    }
    dsn->header = hy_str_slice(hy_buf_str(raw), 0, g->m.header_bytes);
    dsn->body = hy_str_slice(hy_buf_str(raw), g->m.header_bytes, raw->len);
    return err;
}

static int fill(const struct gathering *g, struct dsn_report *r)
{
    char id[HY_ID_TEXT_MAX];
    struct hy_buf raw = HY_BUF_INIT(0);
    struct hy_dsn dsn = {
        .to = g->m.sender,
        .arrival = g->m.received,
        .envid = g->m.envid,
        .message_id = g->m.message_id,
        .rcpts = g->rcpts,
        .n_rcpts = g->n,
    };
    int err = read_original(g, &dsn, &raw);
    if (err == HY_OK)
        err = dsn_letter_write(g->c->config, g->c->deliver, g->m.tenant, g->m.from_domain, &dsn,
                               &r->letter);
    hy_buf_free(&raw);
    if (err == HY_EINVAL || err == HY_ELIMIT) {
        hy_log(HY_LOG_WARNING, "dsn", "no report about message %s: it cannot be written: %s",
               hy_id_format(g->m.id, id), hy_err_text(err));
        return HY_OK;
    }
    if (err == HY_OK)
        r->job.report = r->letter.message;
    return err;
}

int dsn_report_make(const struct dsn_context *c, const struct hy_dsn_due *due,
                    struct dsn_report **ret)
{
    struct gathering g = {.c = c, .now = hy_clock_wall_ms()};
    struct dsn_report *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    hy_dsn_job_init(&r->job);
    r->job.of = *due;
    int err = hy_spool_message(c->t, due->message, &g.m);
    if (err == HY_OK)
        err = hy_spool_each_of_message(c->t, due->message, gather, &g);
    if (err == 1) /* enough of them, or g.err */
        err = g.err;
    if (err == HY_OK && g.n)
        err = fill(&g, r);
    free(g.rcpts);
    r->told = g.told;
    r->job.told = g.told;
    r->job.n_told = g.n;
    if (err != HY_OK) {
        dsn_report_free(r);
        return err;
    }
    *ret = r;
    return HY_OK;
}

void dsn_report_free(struct dsn_report *r)
{
    if (!r)
        return;
    hy_buf_free(&r->letter.content);
    free(r->told);
    free(r);
}
