/* The press for ready messages: nothing is rendered, what was handed in is read from the store and
 * signed, once for those that travel together. Others of its recipients mostly come one behind the
 * other, so that the signature of the one before is used again: it is the same content, signed by
 * the same domains. */
#include "press.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/store/spool.h"
#include "party.h"

enum { SIGNATURE_AGE_MS = 60 * 1000 }; /* its t= stays about right */

static int sign(struct press *p, struct delivery *d, const struct hy_spool_message *m,
                hy_wall_ms now)
{
    struct press_signed *last = &p->last;
    if (last->message == m->id && last->source == d->source && now - last->at < SIGNATURE_AGE_MS) {
        hy_buf_add_str(&d->signature, hy_buf_str(&last->fields));
        return d->signature.err;
    }
    char domain[HY_DOMAIN_MAX + 1];
    snprintf(domain, sizeof domain, "%.*s", HY_STR_ARG(m->from_domain));
    size_t header_n = m->header_bytes >= 2 ? m->header_bytes - 2 : 0;
    struct press_content c = {
        .tenant = m->tenant,
        .from_domain = domain,
        .headers = hy_str_slice(hy_buf_str(&d->bytes), 0, header_n),
        .body = hy_str_slice(hy_buf_str(&d->bytes), m->header_bytes, d->bytes.len),
    };
    last->message = 0;
    int err = press_sign(p, d, &c, now);
    if (err != HY_OK || m->n_rcpts < 2)
        return err;
    hy_buf_reset(&last->fields);
    hy_buf_add_str(&last->fields, hy_buf_str(&d->signature));
    if (last->fields.err == HY_OK) {
        last->message = m->id;
        last->source = d->source;
        last->at = now;
    }
    return HY_OK;
}

static int make_dsn(struct delivery *d, const struct hy_spool_message *m,
                    const struct hy_spool_rcpt *r)
{
    free(d->dsn); /* pressed before */
    d->dsn = NULL;
    if (m->envid.n == 0 && m->ret == HY_DSN_RET_UNSAID && r->notify == 0 && r->orcpt.n == 0)
        return HY_OK;
    struct delivery_dsn *dsn = malloc(sizeof *dsn + m->envid.n + r->orcpt.n);
    if (!dsn)
        return HY_ENOMEM;
    if (m->envid.n)
        memcpy(dsn->text, m->envid.p, m->envid.n);
    if (r->orcpt.n)
        memcpy(dsn->text + m->envid.n, r->orcpt.p, r->orcpt.n);
    dsn->rcpt = (struct hy_smtp_dsn_rcpt){.notify = r->notify,
                                          .orcpt = hy_str_make(dsn->text + m->envid.n, r->orcpt.n)};
    dsn->dsn = (struct hy_smtp_dsn){
        .envid = hy_str_make(dsn->text, m->envid.n), .ret = (uint8_t)m->ret, .rcpts = &dsn->rcpt};
    d->dsn = dsn;
    return HY_OK;
}

/* What comes back is to reach intake, which knows the recipient by the token; mail that must not
 * come back has no sender, and keeps none. */
static void put_return_path(const struct press *p, struct delivery *d,
                            const struct hy_spool_message *m)
{
    const struct hy_deliver_policy *policy = p->policy;
    struct hy_token_stem stem;
    char token[HY_TOKEN_TEXT_MAX];
    int n = -1;
    if (policy->return_keys && m->sender.n) {
        hy_token_stem_init(&stem, policy->return_keys, HY_TOKEN_RETURN, m->id);
        size_t len = hy_token_write(&stem, d->ref.lead, 0, token);
        n = snprintf(d->return_path, sizeof d->return_path, "%s%s%.*s@%s", policy->return_prefix,
                     policy->return_prefix[0] ? "+" : "", (int)len, token, policy->return_domain);
    }
    if (n < 0 || (size_t)n >= sizeof d->return_path) /* also for a domain that leaves no room */
        snprintf(d->return_path, sizeof d->return_path, "%.*s", HY_STR_ARG(m->sender));
}

/* The message itself, once for all of a party. */
static int make(struct press *p, struct delivery *d, const struct hy_spool_message *m,
                hy_wall_ms now)
{
    hy_buf_reset(&d->bytes);
    d->bytes.max = HY_SPOOL_CONTENT_MAX;
    int err = hy_spool_content(&p->txn, m, &d->bytes);
    if (err == HY_OK)
        err = sign(p, d, m, now);
    if (err != HY_OK)
        return err;
    d->header_bytes = m->header_bytes;
    d->size_bytes = d->signature.len + d->bytes.len;
    d->needs_8bitmime = m->flags & HY_SPOOL_8BIT;
    d->needs_smtputf8 = m->flags & HY_SPOOL_UTF8;
    d->has_no_dot_line = m->flags & HY_SPOOL_NO_DOTS;
    d->needs_tls = m->flags & HY_SPOOL_NEEDS_TLS;
    d->is_pressed = true;
    return HY_OK;
}

/* The recipient of a row, and its message into *m, unless that is there already. */
static int read_row(struct press *p, const struct delivery *d, struct hy_spool_rcpt *r,
                    struct hy_spool_message *m)
{
    hy_id id;
    int err = p->has_txn ? hy_spool_rcpt(&p->txn, &d->ref, r, &id) : HY_EIO;
    if (err == HY_OK && m->id && m->id != id)
        return HY_ECORRUPT;
    return err == HY_OK && !m->id ? hy_spool_message(&p->txn, id, m) : err;
}

/* All that one recipient has of its own; false, with the reason: it gets nothing. */
static bool address(struct press *p, struct delivery *d, struct hy_spool_message *m, hy_wall_ms now)
{
    struct hy_spool_rcpt r;
    d->refusal = (struct hy_outcome){0};
    d->refusal_due = 0;
    if (read_row(p, d, &r, m) != HY_OK) {
        press_cannot_make(d, "the message cannot be read from the store");
        return false;
    }
    d->queued = m->received;
    struct hy_suppress_ask ask = {.tenant = policy_suppressor(p->policy, m->tenant),
                                  .stream = m->priority == HY_SPOOL_TRANSACTIONAL
                                                ? HY_STREAM_TRANSACTIONAL
                                                : HY_STREAM_MARKETING};
    if (!press_is_in_time(d, now) || !press_may_send(p, d, r.address, &ask))
        return false;
    int err = make_dsn(d, m, &r);
    if (err != HY_OK) {
        press_failed(d, err);
        return false;
    }
    put_return_path(p, d, m);
    snprintf(d->address, sizeof d->address, "%.*s", HY_STR_ARG(r.address));
    snprintf(d->message_id, sizeof d->message_id, "%.*s", HY_STR_ARG(m->message_id));
    return true;
}

void press_spool(struct press *p, struct delivery *first)
{
    struct hy_spool_message m = {0};
    hy_wall_ms now = hy_clock_wall_ms();
    bool is_wanted = false;
    for (uint32_t i = 0; i < party_size(first); i++)
        is_wanted |= address(p, party_member(first, i), &m, now);
    int err = is_wanted ? make(p, first, &m, now) : HY_OK;
    for (uint32_t i = 0; err != HY_OK && i < party_size(first); i++)
        if (!party_member(first, i)->refusal.kind)
            press_failed(party_member(first, i), err);
}
