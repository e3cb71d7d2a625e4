/* What the files of the client share: states, steps, and who calls whom.
 *
 *   client.c           entry points, the table of states, the loop over replies
 *   client_banner.c    BANNER              client_ehlo.c   EHLO, HELO
 *   client_starttls.c  STARTTLS, TLS       client_quit.c   QUIT
 *   client_txn.c       the table of steps, submit, the pump that writes what may be written
 *   client_check.c     CHECK               client_mail.c   RSET, MAIL, RCPT
 *   client_data.c      DATA, BODY, END     client_output.c bytes out
 *   client_event.c     events out          client_end.c    the end, and what it does to messages */
#pragma once
#include "classify.h"
#include "content.h"
#include "hayauma/smtp/client.h"
#include "recipients.h"

enum hy_smtp_state {
    HY_SMTP_ST_NEW = 0,
    HY_SMTP_ST_BANNER,
    HY_SMTP_ST_EHLO,
    HY_SMTP_ST_HELO,
    HY_SMTP_ST_STARTTLS,
    HY_SMTP_ST_TLS,     /* the driver shakes hands */
    HY_SMTP_ST_SESSION, /* transactions go by their steps */
    HY_SMTP_ST_QUIT,
    HY_SMTP_ST_CLOSED,
    HY_SMTP_STATES,
};

/* A transaction goes through these, each cursor only forwards. `send` rests at what is to be
 * written next, `wait` at the reply that comes next; wait < send means a reply is outstanding. */
enum hy_smtp_step {
    HY_SMTP_STEP_CHECK = 0, /* our own checks */
    HY_SMTP_STEP_RSET,
    HY_SMTP_STEP_MAIL,
    HY_SMTP_STEP_RCPT,
    HY_SMTP_STEP_DATA,
    HY_SMTP_STEP_BODY,
    HY_SMTP_STEP_END, /* the final dot; with BDAT the last byte of content */
    HY_SMTP_STEP_OVER,
    HY_SMTP_STEPS,
};

/* client.c */
void hy_smtp_move(struct hy_smtp_client *c, enum hy_smtp_state to);
void hy_smtp_arm(struct hy_smtp_client *c); /* the deadline for what we wait for, from now */
enum hy_phase hy_smtp_state_phase(const struct hy_smtp_client *c);

/* One per state: the reply is in c->reply, its code not 421. */
void hy_smtp_on_banner(struct hy_smtp_client *c);
void hy_smtp_on_ehlo(struct hy_smtp_client *c);
void hy_smtp_on_helo(struct hy_smtp_client *c);
void hy_smtp_on_starttls(struct hy_smtp_client *c);
void hy_smtp_on_session(struct hy_smtp_client *c);
void hy_smtp_on_ehlo_line(struct hy_smtp_client *c); /* each line of a 250 to EHLO but the last */
void hy_smtp_put_ehlo(struct hy_smtp_client *c);
void hy_smtp_put_quit(struct hy_smtp_client *c);
void hy_smtp_open_session(struct hy_smtp_client *c);

/* client_txn.c */
static inline struct hy_smtp_txn *hy_smtp_older(struct hy_smtp_client *c)
{
    return &c->txn[c->head];
}
static inline struct hy_smtp_txn *hy_smtp_newer(struct hy_smtp_client *c)
{
    return &c->txn[c->head ^ 1];
}
static inline bool hy_smtp_results_wait(const struct hy_smtp_client *c)
{
    return !hy_smtp_set_is_empty(&c->txn[0].report) || !hy_smtp_set_is_empty(&c->txn[1].report);
}
void hy_smtp_pump(struct hy_smtp_client *c);
void hy_smtp_retire(struct hy_smtp_client *c);
enum hy_phase hy_smtp_step_phase(const struct hy_smtp_txn *t);
const char *hy_smtp_step_name(const struct hy_smtp_txn *t);
hy_us hy_smtp_step_timeout(const struct hy_smtp_client *c, const struct hy_smtp_txn *t);
/* Whether a command may be followed by another before its reply; and BDAT in the place of DATA. */
bool hy_smtp_pipelines(const struct hy_smtp_client *c);
bool hy_smtp_chunks(const struct hy_smtp_client *c);
/* The first recipient >= from that gets a RCPT, or n_recipients. */
size_t hy_smtp_next_wanted(const struct hy_smtp_txn *t, size_t from);
/* A result for one recipient, or for all that have none; results must not be waiting. */
void hy_smtp_report_one(struct hy_smtp_txn *t, size_t i, const struct hy_outcome *o);
void hy_smtp_report_all(struct hy_smtp_txn *t, const struct hy_outcome *o);
/* Nothing more is to be written for it, or no more replies come either. */
void hy_smtp_cut(struct hy_smtp_txn *t);
void hy_smtp_abandon(struct hy_smtp_client *c, struct hy_smtp_txn *t);

/* Writers of steps: false when out of room or at a stop. Handlers of replies. */
bool hy_smtp_send_check(struct hy_smtp_client *c, struct hy_smtp_txn *t);
bool hy_smtp_send_rset(struct hy_smtp_client *c, struct hy_smtp_txn *t);
bool hy_smtp_send_mail(struct hy_smtp_client *c, struct hy_smtp_txn *t);
bool hy_smtp_send_rcpt(struct hy_smtp_client *c, struct hy_smtp_txn *t);
bool hy_smtp_send_data(struct hy_smtp_client *c, struct hy_smtp_txn *t);
bool hy_smtp_send_body(struct hy_smtp_client *c, struct hy_smtp_txn *t);
bool hy_smtp_send_end(struct hy_smtp_client *c, struct hy_smtp_txn *t);
void hy_smtp_on_rset(struct hy_smtp_client *c, struct hy_smtp_txn *t);
void hy_smtp_on_mail(struct hy_smtp_client *c, struct hy_smtp_txn *t);
void hy_smtp_on_rcpt(struct hy_smtp_client *c, struct hy_smtp_txn *t);
void hy_smtp_on_data(struct hy_smtp_client *c, struct hy_smtp_txn *t);
void hy_smtp_on_end(struct hy_smtp_client *c, struct hy_smtp_txn *t);
void hy_smtp_pass_envelope(struct hy_smtp_client *c, struct hy_smtp_txn *t);

/* client_output.c: room for one command line of `n` bytes, counted as a command; NULL when full. */
char *hy_smtp_room(struct hy_smtp_client *c, size_t n);
/* Writes 1..20 digits; returns how many. */
size_t hy_smtp_put_decimal(char *p, uint64_t v);

/* client_end.c. The first cause wins. `o` is told for the connection (CLOSED) and for the message
 * it spoke about. */
void hy_smtp_doom(struct hy_smtp_client *c, enum hy_smtp_closed how, const struct hy_outcome *o);
void hy_smtp_doom_lost(struct hy_smtp_client *c, enum hy_smtp_closed how);
void hy_smtp_doom_protocol(struct hy_smtp_client *c, const char *what);
void hy_smtp_doom_bad_reply(struct hy_smtp_client *c);
void hy_smtp_doom_tls(struct hy_smtp_client *c, struct hy_enhanced status, const char *what);
/* An orderly end: QUIT, then CLOSED with this. */
void hy_smtp_bow(struct hy_smtp_client *c, enum hy_smtp_closed how, const struct hy_outcome *o);
void hy_smtp_on_421(struct hy_smtp_client *c);
void hy_smtp_on_unasked(struct hy_smtp_client *c);
/* Once doomed and drained: results for what is left. False when there is nothing left. */
bool hy_smtp_settle(struct hy_smtp_client *c);
struct hy_outcome hy_smtp_returned(enum hy_spoils spoils, const char *why);
