/* One message: checked, edited as relays do, handed to delivery. */
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/rand.h"
#include "hayauma/deliver/deliver.h"
#include "hayauma/mail/address.h"
#include "hayauma/mail/relay.h"
#include "receive.h"

static struct hy_smtp_server_answer refusal(uint16_t code, uint16_t subject, uint16_t detail,
                                            const char *text)
{
    return (struct hy_smtp_server_answer){.code = code,
                                          .enhanced = {(uint8_t)(code / 100), subject, detail},
                                          .text = hy_str_of(text)};
}

const char *hy_receive_refusal_name(enum hy_receive_refusal r)
{
    static const char *const names[HY_RECEIVE_REFUSALS] = {"content", "loop", "sender",  "unsigned",
                                                           "busy",    "disk", "closing", "quota"};
    return (unsigned)r < HY_RECEIVE_REFUSALS ? names[r] : "?";
}

static void count_refusal(struct inbound *s, enum hy_receive_refusal why)
{
    atomic_fetch_add_explicit(&s->r->counters.refused[why], 1, memory_order_relaxed);
}

static int edit(struct inbound *s, const struct hy_smtp_server_message *m,
                struct hy_relay_output *facts, enum hy_relay_fault *fault)
{
    uint64_t random = 0;
    char id[HY_ID_TEXT_MAX];
    int err = hy_rand_bytes(&random, sizeof random);
    if (err != HY_OK)
        return err;
    struct hy_relay_input in = {
        .message = m->content,
        .helo = hy_str_of(hy_smtp_server_helo(&s->smtp)),
        .client = hy_str_of(s->client),
        .host = s->policy->host,
        .protocol = hy_str_of(hy_smtp_server_protocol(&s->smtp)),
        .id = hy_str_of(hy_id_format(random, id)),
        .recipient =
            m->n_rcpts == 1 ? hy_smtp_server_rcpt(&s->smtp, 0).address : (struct hy_str){0},
        .message_id = hy_str_of(id),
        .now = hy_clock_wall_ms(),
        .utc_offset_min = s->policy->utc_offset_min,
    };
    hy_buf_reset(&s->edited);
    s->edited.max = m->content.n + HY_RELAY_HEADER_MAX;
    return hy_relay_edit(&in, &s->edited, facts, fault);
}

static uint32_t tenant_of(const struct inbound *s)
{
    return s->user ? s->user->tenant->number : 0;
}

/* ---- tenants whose hour or day is full, so that they need not send what is refused anyway ---- */

static void shut_note(struct hy_receive *r, uint32_t tenant, const struct hy_quota_verdict *v)
{
    r->shut[tenant % SHUT_MAX] = (struct shut){tenant, *v};
}

bool message_is_shut(struct inbound *s, struct hy_smtp_server_answer *ret, char *room,
                     size_t room_n)
{
    struct shut *x = &s->r->shut[tenant_of(s) % SHUT_MAX];
    char text[HY_QUOTA_TEXT_MAX];
    if (x->tenant != tenant_of(s) || x->verdict.until <= hy_clock_wall_ms())
        return false;
    snprintf(room, room_n, "%s", hy_quota_text(&x->verdict, text));
    *ret = refusal(452, 7, 1, room);
    return true;
}

static bool may_use(const struct inbound *s, struct hy_str domain)
{
    return hy_user_may_use(s->user, domain) &&
           hy_tenant_may_use(s->policy->tenants, s->user->tenant, domain);
}

/* What From and the sender may be is the user's and its tenant's; clients that are trusted by their
 * address may be anybody. */
static bool may_be(const struct inbound *s, const struct hy_smtp_server_message *m,
                   const struct hy_relay_output *facts)
{
    if (!s->user)
        return s->is_trusted;
    return may_use(s, hy_str_of(facts->from_domain)) &&
           (m->sender.n == 0 || may_use(s, hy_wire_domain(m->sender)));
}

static bool copy_rcpts(struct inbound *s, size_t n)
{
    s->rcpts = malloc(n * sizeof *s->rcpts);
    for (size_t i = 0; s->rcpts && i < n; i++) {
        struct hy_smtp_server_rcpt r = hy_smtp_server_rcpt(&s->smtp, i);
        s->rcpts[i] = (struct hy_spool_rcpt){r.address, r.orcpt, r.notify};
    }
    return s->rcpts != NULL;
}

/* The writer's thread. */
static void on_stored(struct hy_submit *submit, int err)
{
    struct inbound *s = hy_container_of(submit, struct inbound, submit);
    s->stored_err = err;
    s->stored.kind = MSG_STORED;
    int posted = hy_mailbox_post_answer(s->r->mailbox, &s->stored);
    (void)posted; /* open as long as a session waits */
}

static int hand_in(struct inbound *s, const struct hy_smtp_server_message *m,
                   const struct hy_relay_output *facts)
{
    snprintf(s->from_domain, sizeof s->from_domain, "%s", facts->from_domain);
    snprintf(s->message_id, sizeof s->message_id, "%s", facts->message_id);
    snprintf(s->who, sizeof s->who, "%.180s%s%s", hy_smtp_server_user(&s->smtp),
             s->user ? " at " : "", s->client);
    if (!copy_rcpts(s, m->n_rcpts))
        return HY_ENOMEM;
    hy_submit_init(&s->submit);
    s->submit.done = on_stored;
    s->submit.job.message = (struct hy_spool_message){
        .tenant = tenant_of(s),
        .flags = (uint8_t)((facts->has_8bit ? HY_SPOOL_8BIT : 0) |
                           (facts->has_no_dot_line ? HY_SPOOL_NO_DOTS : 0) |
                           (m->is_smtputf8 && facts->has_utf8_header ? HY_SPOOL_UTF8 : 0) |
                           (m->needs_tls ? HY_SPOOL_NEEDS_TLS : 0)),
        .ret = (enum hy_dsn_ret)m->ret,
        .received = hy_clock_wall_ms(),
        .sender = m->sender,
        .from_domain = hy_str_of(s->from_domain),
        .envid = m->envid,
        .message_id = hy_str_of(s->message_id),
        .who = hy_str_of(s->who),
        .header_bytes = facts->header_bytes,
        .content = hy_buf_str(&s->edited),
        .rcpts = s->rcpts,
        .n_rcpts = (uint32_t)hy_spool_sort(s->rcpts, m->n_rcpts),
    };
    s->is_storing = true;
    int err = hy_deliver_submit(s->r->deliver, &s->submit);
    if (err != HY_OK)
        s->is_storing = false;
    return err;
}

bool message_take(struct inbound *s, struct hy_smtp_server_answer *ret, char *room, size_t room_n)
{
    struct hy_smtp_server_message m;
    struct hy_relay_output facts;
    enum hy_relay_fault fault = HY_RELAY_GOOD;
    hy_smtp_server_message(&s->smtp, &m);
    int err = edit(s, &m, &facts, &fault);
    if (err == HY_EINVAL) {
        count_refusal(s, fault == HY_RELAY_LOOP ? HY_REFUSED_LOOP : HY_REFUSED_CONTENT);
        *ret = refusal(554, fault == HY_RELAY_LOOP ? 4 : 6, fault == HY_RELAY_LOOP ? 6 : 0,
                       hy_relay_fault_text(fault));
        return true;
    }
    if (err == HY_OK && !may_be(s, &m, &facts)) {
        count_refusal(s, HY_REFUSED_SENDER);
        *ret = refusal(550, 7, 1, "You may not send for this domain");
        return true;
    }
    if (err == HY_OK && s->policy->is_dkim_required &&
        !hy_deliver_signs(s->r->deliver, tenant_of(s), facts.from_domain)) {
        count_refusal(s, HY_REFUSED_UNSIGNED);
        *ret = refusal(550, 7, 0, "No DKIM key signs for this domain");
        return true;
    }
    if (err == HY_OK)
        err = hand_in(s, &m, &facts);
    if (err == HY_OK)
        return false;
    *ret = message_answer(s, err, room, room_n);
    return true;
}

/* For now (RFC 5321 4.2.2, RFC 3463): 452; when it can never be taken: 552 or 550. */
static struct hy_smtp_server_answer over_quota(struct inbound *s, char *room, size_t room_n)
{
    const struct hy_quota_verdict *v = &s->submit.job.verdict;
    char text[HY_QUOTA_TEXT_MAX];
    snprintf(room, room_n, "%s", hy_quota_text(v, text));
    if (v->kind == HY_QUOTA_SIZE)
        return refusal(552, 3, 4, room);
    if (v->is_for_ever)
        return refusal(550, 5, 3, room);
    if (v->kind == HY_QUOTA_QUEUED)
        return refusal(452, 3, 1, room);
    shut_note(s->r, tenant_of(s), v);
    return refusal(452, 7, 1, room);
}

struct hy_smtp_server_answer message_answer(struct inbound *s, int err, char *room, size_t room_n)
{
    struct hy_receive_counters *c = &s->r->counters;
    char id[HY_ID_TEXT_MAX];
    switch (err) {
    case HY_OK:
        atomic_fetch_add_explicit(&c->messages, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->recipients, s->submit.job.message.n_rcpts,
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&c->bytes, s->edited.len, memory_order_relaxed);
        snprintf(room, room_n, "Stored as %s", hy_id_format(s->submit.job.message.id, id));
        return refusal(250, 0, 0, room);
    case HY_EQUOTA:
        count_refusal(s, HY_REFUSED_QUOTA);
        return over_quota(s, room, room_n);
    case HY_ELIMIT:
        count_refusal(s, HY_REFUSED_CONTENT);
        return refusal(554, 6, 0, "Something of the message is too large");
    case HY_EINVAL:
        count_refusal(s, HY_REFUSED_CONTENT);
        return refusal(554, 6, 0, "The message cannot be stored");
    case HY_ECLOSED:
        count_refusal(s, HY_REFUSED_CLOSING);
        return refusal(421, 3, 2, "Shutting down, try again later");
    case HY_EFULL:
        count_refusal(s, HY_REFUSED_DISK);
        return refusal(452, 3, 1, "The disk is full, try again later");
    default:
        count_refusal(s, HY_REFUSED_BUSY);
        return refusal(452, 3, 1, "Too busy, try again later");
    }
}
