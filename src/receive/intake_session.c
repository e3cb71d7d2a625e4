/* The message of a session that brings mail back: given to intake, and answered for when it is
 * noted. No relay, and nothing is ever sent in answer to it. */
#include <stdio.h>
#include <stdlib.h>

#include "receive.h"

struct returning {
    struct hy_intake_mail mail;
    struct inbound *s;
};

static struct hy_smtp_server_answer answer(uint16_t code, uint16_t subject, uint16_t detail,
                                           const char *text)
{
    return (struct hy_smtp_server_answer){.code = code,
                                          .enhanced = {(uint8_t)(code / 100), subject, detail},
                                          .text = hy_str_of(text)};
}

bool returning_accepts(const struct inbound *s, struct hy_str address,
                       struct hy_smtp_server_answer *ret)
{
    if (!s->policy->intake || hy_intake_accepts(s->policy->addresses, address))
        return true;
    *ret = answer(550, 1, 1, "No such address here");
    return false;
}

/* The writer's thread, or that of intake. */
static void on_noted(struct hy_intake_mail *m, int err)
{
    struct inbound *s = hy_container_of(m, struct returning, mail)->s;
    s->stored_err = err;
    s->stored.kind = MSG_STORED;
    int posted = hy_mailbox_post_answer(s->r->mailbox, &s->stored);
    (void)posted; /* open as long as a session waits */
}

bool returning_take(struct inbound *s, struct hy_smtp_server_answer *ret)
{
    struct hy_smtp_server_message m;
    struct returning *r = calloc(1, sizeof *r);
    int err = r ? HY_OK : HY_ENOMEM;
    hy_smtp_server_message(&s->smtp, &m);
    if (r) {
        r->s = s;
        r->mail.content = m.content;
        r->mail.done = on_noted;
        for (size_t i = 0; i < m.n_rcpts && i < HY_INTAKE_TO_MAX; i++)
            r->mail.to[r->mail.n_to++] = hy_smtp_server_rcpt(&s->smtp, i).address;
        s->returning = r;
        s->is_storing = true;
        err = hy_intake_give(s->policy->intake, &r->mail);
    }
    if (err == HY_OK)
        return false;
    s->is_storing = false;
    *ret = returning_answer(s, err);
    return true;
}

struct hy_smtp_server_answer returning_answer(struct inbound *s, int err)
{
    struct hy_receive_counters *c = &s->r->counters;
    bool is_known = s->returning && s->returning->mail.job.mail.is_known;
    free(s->returning);
    s->returning = NULL;
    if (err == HY_OK) {
        struct hy_smtp_server_message m;
        hy_smtp_server_message(&s->smtp, &m);
        atomic_fetch_add_explicit(&c->messages, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->recipients, m.n_rcpts, memory_order_relaxed);
        atomic_fetch_add_explicit(&c->bytes, m.content.n, memory_order_relaxed);
        return answer(250, 0, 0, is_known ? "Noted before" : "Noted");
    }
    enum hy_receive_refusal why = err == HY_ECLOSED ? HY_REFUSED_CLOSING
                                  : err == HY_EFULL ? HY_REFUSED_DISK
                                                    : HY_REFUSED_BUSY;
    atomic_fetch_add_explicit(&c->refused[why], 1, memory_order_relaxed);
    switch (why) {
    case HY_REFUSED_CLOSING:
        return answer(421, 3, 2, "Shutting down, try again later");
    case HY_REFUSED_DISK:
        return answer(452, 3, 1, "The disk is full, try again later");
    default:
        return answer(451, 3, 0, "Too busy, try again later");
    }
}
