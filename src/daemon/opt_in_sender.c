/* A thread that looks once a second who has still to be asked.
 *
 * Happy path: a request has a mark in the store; its mail is made, and handed into the spool in the
 * transaction that takes the mark away: so it is written once, also across a kill. How it fails:
 * what cannot be made keeps its mark, is passed over until its turn comes again, and said once an
 * hour; so a list whose template is missing holds up no other. What cannot be handed in waits a
 * minute. A request whose lead is gone is forgotten. */
#include "opt_in_sender.h"

#include <stdlib.h>

#include "daemon.h"
#include "desk.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "opt_in_mail.h"
#include "system_mail.h"

enum {
    LOOK_US = 1000000,
    ROUND_US = 5 * 1000000, /* before those that could not be made are tried again */
    AGAIN_US = 60 * 1000000,
    EXPIRE_US = 60 * 1000000,
    EXPIRE_AT_ONCE = 256,
    AT_ONCE = 32,    /* mails on their way into the spool */
    LOOKED_AT = 256, /* requests of one look */
    COMPLAIN_MS = 3600 * 1000,
};
enum { MSG_STORED = 1, MSG_STOP };

struct opt_in_sender {
    struct hy_daemon *d;
    struct desk desk;
    atomic_bool is_stopping;
    unsigned n_out;
    hy_list_no list; /* the request that was looked at last */
    hy_lead_no lead;
    bool has_failed;       /* some of this round could not be made */
    hy_us again, expire;   /* not before; 0 = at once */
    hy_wall_ms complained; /* when that was last said */
};

/* A mail on its way into the spool. */
struct letter {
    struct system_mail mail;
    struct hy_msg msg;
    struct opt_in_sender *s;
    struct hy_opt_in asked; /* without its texts */
    int err;
};

static void complain(struct opt_in_sender *s, const char *list, const char *why)
{
    hy_wall_ms now = hy_clock_wall_ms();
    if (now - s->complained < COMPLAIN_MS)
        return;
    s->complained = now;
    hy_log(HY_LOG_WARNING, "opt-in", "mails that ask whether to join %s wait: %s", list, why);
}

/* ---- handing in ---- */

static int mark(struct system_mail *m, struct hy_txn *t)
{
    const struct letter *l = hy_container_of(m, struct letter, mail);
    return hy_opt_in_mailed(t, &l->asked);
}

/* The writer's thread. */
static void on_handed_in(struct system_mail *m, int err)
{
    struct letter *l = hy_container_of(m, struct letter, mail);
    l->err = err;
    l->msg.kind = MSG_STORED;
    int posted = hy_mailbox_post_answer(l->s->desk.mailbox, &l->msg);
    (void)posted; /* open as long as a letter is out */
}

struct forgetting {
    struct hy_write_req req;
    hy_list_no list;
    hy_lead_no lead;
};

static int apply_forget(struct hy_write_req *r, struct hy_txn *t)
{
    const struct forgetting *f = hy_container_of(r, struct forgetting, req);
    return hy_opt_in_drop(t, f->list, f->lead);
}

static void forget(struct opt_in_sender *s, const struct hy_opt_in *o)
{
    struct forgetting f = {
        .req = {.class = HY_WRITE_ADMIN, .apply = apply_forget}, .list = o->list, .lead = o->lead};
    int err = hy_writer_run(s->d->writer, &f.req);
    (void)err; /* then with the next look */
}

static int send_letter(struct opt_in_sender *s, const struct hy_opt_in *o, struct opt_in_mail *m,
                       struct hy_diag *diag)
{
    struct letter *l = calloc(1, sizeof *l);
    if (!l)
        return HY_ENOMEM;
    *l = (struct letter){
        .s = s,
        .asked = {.id = o->id,
                  .list = o->list,
                  .lead = o->lead,
                  .address = hy_opt_in_address(s->d->env, hy_address_wire(&m->to))}};
    l->mail.also = mark;
    l->mail.done = on_handed_in;
    l->mail.is_urgent = true;
    int err = system_mail_put(s->d, &m->from, &m->to, &m->rendered, &l->mail, diag);
    if (err == HY_OK)
        s->n_out++;
    else
        free(l);
    return err;
}

/* ---- looking ---- */

/* The request behind the last one looked at; false: there is none, or it has to wait. */
static bool ask_next(struct opt_in_sender *s, const struct hy_config *c, struct hy_txn *t)
{
    struct hy_diag diag = {""};
    struct opt_in_mail m = {.list = "a list"};
    struct hy_opt_in o;
    int err = hy_opt_in_next_mail(t, s->list, s->lead, &o);
    if (err != HY_OK) { /* the next round begins */
        s->again = s->has_failed ? hy_clock_us() + ROUND_US : 0;
        s->has_failed = false;
        s->list = 0;
        s->lead = 0;
        return false;
    }
    s->list = o.list;
    s->lead = o.lead;
    err = opt_in_mail_make(t, c, &s->d->tokens, &o, &m, &diag);
    if (err == HY_ENOTFOUND) {
        forget(s, &o);
        return true;
    }
    if (err == HY_OK) {
        err = send_letter(s, &o, &m, &diag);
        opt_in_mail_free(&m);
    }
    if (err == HY_OK)
        return true;
    complain(s, m.list, diag.text[0] ? diag.text : hy_err_text(err));
    s->has_failed = true;
    if (err != HY_EINVAL)
        s->again = hy_clock_us() + AGAIN_US;
    return err == HY_EINVAL;
}

static void look(struct opt_in_sender *s)
{
    struct hy_config *c = daemon_config(s->d);
    struct hy_txn t = {0};
    if (hy_txn_read(s->d->env, &t) == HY_OK)
        for (int n = 0; n < LOOKED_AT && s->n_out < AT_ONCE && ask_next(s, c, &t); n++)
            ;
    hy_txn_end(&t);
    hy_config_unref(c);
}

static int apply_expire(struct hy_write_req *r, struct hy_txn *t)
{
    (void)r;
    return hy_opt_in_expire(t, t->now, EXPIRE_AT_ONCE);
}

static void expire(struct opt_in_sender *s)
{
    struct hy_write_req req = {.class = HY_WRITE_ADMIN, .apply = apply_expire};
    s->expire = hy_clock_us() + EXPIRE_US;
    int err = hy_writer_run(s->d->writer, &req);
    (void)err; /* the next time */
}

static void handed_in(struct opt_in_sender *s, struct letter *l)
{
    s->n_out--;
    if (l->err != HY_OK && l->err != HY_ENOTFOUND) { /* it was answered or withdrawn meanwhile */
        complain(s, "a list", hy_err_text(l->err));
        s->again = hy_clock_us() + AGAIN_US;
    }
    free(l);
}

static void run(void *arg)
{
    struct opt_in_sender *s = arg;
    while (!atomic_load(&s->is_stopping) || s->n_out) {
        if (s->n_out == 0 && !atomic_load(&s->is_stopping)) {
            if (hy_clock_us() >= s->again)
                look(s);
            if (hy_clock_us() >= s->expire)
                expire(s);
        }
        for (struct hy_msg *m = hy_mailbox_wait(s->desk.mailbox, s->n_out ? HY_US_NEVER : LOOK_US),
                           *next;
             m; m = next) {
            next = m->next;
            if (m->kind == MSG_STORED)
                handed_in(s, hy_container_of(m, struct letter, msg));
        }
    }
}

int opt_in_sender_start(struct hy_daemon *d, struct opt_in_sender **ret)
{
    struct opt_in_sender *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->d = d;
    int err = desk_open(&s->desk, "opt-in", AT_ONCE + 1, run, s);
    if (err != HY_OK) {
        free(s);
        return err;
    }
    *ret = s;
    return HY_OK;
}

void opt_in_sender_stop(struct opt_in_sender *s)
{
    if (!s)
        return;
    atomic_store(&s->is_stopping, true);
    desk_close(&s->desk, MSG_STOP);
    free(s);
}
