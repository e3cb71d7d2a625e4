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
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "letters.h"
#include "opt_in_mail.h"

enum {
    LOOK_US = 1000000,
    ROUND_US = 5 * 1000000, /* before those that could not be made are tried again */
    AGAIN_US = 60 * 1000000,
    EXPIRE_US = 60 * 1000000,
    EXPIRE_AT_ONCE = 256,
    AT_ONCE = 32,    /* mails on their way into the spool */
    LOOKED_AT = 256, /* requests of one look */
};

struct opt_in_sender {
    struct letters letters;
    hy_list_no list; /* the request that was looked at last */
    hy_lead_no lead;
    bool has_failed;     /* some of this round could not be made */
    hy_us again, expire; /* not before; 0 = at once */
};

/* A mail on its way into the spool. */
struct question {
    struct letter letter;
    struct hy_opt_in asked; /* without its texts */
};

static void complain(struct opt_in_sender *s, const char *list, const char *why)
{
    if (letters_may_complain(&s->letters))
        hy_log(HY_LOG_WARNING, "opt-in", "mails that ask whether to join %s wait: %s", list, why);
}

/* ---- handing in ---- */

static int mark(struct system_mail *m, struct hy_txn *t)
{
    struct letter *l = hy_container_of(m, struct letter, mail);
    return hy_opt_in_mailed(t, &hy_container_of(l, struct question, letter)->asked);
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
    int err = hy_writer_run(s->letters.d->writer, &f.req);
    (void)err; /* then with the next look */
}

static int send_letter(struct opt_in_sender *s, const struct hy_opt_in *o, struct opt_in_mail *m,
                       struct hy_diag *diag)
{
    struct hy_daemon *d = s->letters.d;
    struct question *q = calloc(1, sizeof *q);
    if (!q)
        return HY_ENOMEM;
    q->asked = (struct hy_opt_in){.id = o->id,
                                  .list = o->list,
                                  .lead = o->lead,
                                  .address = hy_opt_in_address(d->env, hy_address_wire(&m->to))};
    letters_prepare(&s->letters, &q->letter, mark);
    q->letter.mail.is_urgent = true;
    int err = system_mail_put(d, &m->from, &m->to, &m->rendered, &q->letter.mail, diag);
    if (err == HY_OK)
        letters_sent(&s->letters);
    else
        free(q);
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
    err = opt_in_mail_make(t, c, &s->letters.d->tokens, &o, &m, &diag);
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

static void ask_all(struct opt_in_sender *s)
{
    struct hy_config *c = daemon_config(s->letters.d);
    struct hy_txn t = {0};
    if (hy_txn_read(s->letters.d->env, &t) == HY_OK)
        for (int n = 0; n < LOOKED_AT && s->letters.n_out < AT_ONCE && ask_next(s, c, &t); n++)
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
    int err = hy_writer_run(s->letters.d->writer, &req);
    (void)err; /* the next time */
}

static void stored(struct letters *letters, struct letter *l)
{
    struct opt_in_sender *s = hy_container_of(letters, struct opt_in_sender, letters);
    if (l->err != HY_OK && l->err != HY_ENOTFOUND) { /* it was answered or withdrawn meanwhile */
        complain(s, "a list", hy_err_text(l->err));
        s->again = hy_clock_us() + AGAIN_US;
    }
    free(hy_container_of(l, struct question, letter));
}

static void look(struct letters *letters)
{
    struct opt_in_sender *s = hy_container_of(letters, struct opt_in_sender, letters);
    if (hy_clock_us() >= s->again)
        ask_all(s);
    if (hy_clock_us() >= s->expire)
        expire(s);
}

int opt_in_sender_start(struct hy_daemon *d, struct opt_in_sender **ret)
{
    struct opt_in_sender *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->letters = (struct letters){
        .d = d, .name = "opt-in", .look_us = LOOK_US, .look = look, .stored = stored};
    int err = letters_start(&s->letters, AT_ONCE);
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
    letters_stop(&s->letters);
    free(s);
}
