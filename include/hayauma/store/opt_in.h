/* Lists with double opt-in: who asked to join waits here until the person answers the mail that
 * asks whether it was they. One waits at most once for a list, and gets at most HY_OPT_IN_MAILS
 * mails, however often it joins and leaves: a request that was answered or withdrawn stays as a
 * count of mails until its time is over. A request is of one address: an answer proves the address
 * that the mail went to, and no other that the lead may have got since. */
#pragma once
#include "hayauma/mail/token.h"
#include "hayauma/store/list.h"

enum {
    HY_OPT_IN_MAILS = 3,             /* mails to one who waits */
    HY_OPT_IN_AGAIN_MS = 10 * 60000, /* asking again within this brings no further mail */
    HY_OPT_IN_TEXT_MAX = 2048,       /* bytes of url; of proof twice as many; of by 255 */
};

struct hy_opt_in {
    hy_id id;         /* of the request: the token in its mails names it */
    uint64_t address; /* hy_opt_in_address of the one that is asked; 0: of a store of before */
    hy_list_no list;
    hy_lead_no lead;
    hy_wall_ms until;             /* it may be confirmed */
    hy_wall_ms mailed;            /* the last time; 0: not yet */
    uint8_t mails;                /* that went out */
    uint8_t ip[16];               /* whence it was asked; zeroed: not known */
    struct hy_str by, url, proof; /* as in struct hy_lead_edit; views */
};

/* A number for the address as it is compared, the same for one store; never 0, but 0 of what is no
 * address. Any thread. */
uint64_t hy_opt_in_address(const struct hy_env *env, struct hy_str address);

/* HY_ENOTFOUND: it does not wait (any more). Any thread with a transaction, as the next two. */
HY_MUST_USE int hy_opt_in_get(struct hy_txn *t, hy_list_no list, hy_lead_no lead,
                              struct hy_opt_in *ret);
/* The first, by list and lead, behind (`list`, `lead`), which may be zeros. HY_ENOTFOUND. */
HY_MUST_USE int hy_opt_in_next(struct hy_txn *t, hy_list_no list, hy_lead_no lead,
                               struct hy_opt_in *ret);
/* One whose mail has still to be written; likewise. */
HY_MUST_USE int hy_opt_in_next_mail(struct hy_txn *t, hy_list_no list, hy_lead_no lead,
                                    struct hy_opt_in *ret);

/* ---- the writer's transaction ---- */

/* Somebody asks that the lead join: o->list, lead, ip, by, url and proof count. One that waits
 * already goes on waiting, and gets another mail when its last one is long enough ago. HY_ELIMIT:
 * a text is too long; HY_ENOTFOUND: no such list, or no such lead. */
HY_MUST_USE int hy_opt_in_ask(struct hy_txn *t, const struct hy_opt_in *o);
/* The mail of the request o->id to o->address is in the spool. HY_ENOTFOUND: it waits no longer, or
 * another address is asked now: the mail must not go out. */
HY_MUST_USE int hy_opt_in_mailed(struct hy_txn *t, const struct hy_opt_in *o);
/* It waits no longer: it was answered, or withdrawn. HY_ENOTFOUND. */
int hy_opt_in_end(struct hy_txn *t, hy_list_no list, hy_lead_no lead);
/* The lead has another address now: all that it waits for is asked anew, there. Tokens of before
 * are worth nothing. */
HY_MUST_USE int hy_opt_in_move(struct hy_txn *t, hy_lead_no lead);
/* Nothing is known of it any more, not even how many mails there were. HY_ENOTFOUND. */
int hy_opt_in_drop(struct hy_txn *t, hy_list_no list, hy_lead_no lead);
/* Forgets up to `max` that waited too long. HY_EMORE: there may be others. */
HY_MUST_USE int hy_opt_in_expire(struct hy_txn *t, hy_wall_ms now, size_t max);

/* ---- the answer ---- */

/* What a token of kind HY_TOKEN_CONFIRM names: its `campaign` is the request, `link` the list. For
 * a page that asks "shall we?": changes nothing. HY_ENOTFOUND: it is used or expired. Any thread
 * with a transaction. */
HY_MUST_USE int hy_opt_in_of_token(struct hy_txn *t, const struct hy_token *token,
                                   struct hy_opt_in *ret);
struct hy_list_confirmation {
    uint8_t ip[16];      /* of the person who pressed the button; zeroed: not known */
    struct hy_str agent; /* user agent; may be empty */
    struct hy_str url;   /* of the page; may be empty */
    struct hy_str token; /* as it was written, for the proof; may be empty */
};
/* The person said yes (by POST, never by GET): joins the list, with an activity that keeps how it
 * was asked and how answered, and takes back an unsubscribe of that list. *ret_list is the list,
 * and 0 is answered again when the same person presses twice. HY_ENOTFOUND: expired or withdrawn.
 * The writer's transaction. */
HY_MUST_USE int hy_list_confirm(struct hy_txn *t, const struct hy_token *token,
                                const struct hy_list_confirmation *how, hy_list_no *ret_list);
/* Whether the person of a token is a member, by whatever number it has now. Any thread with a
 * transaction. */
HY_MUST_USE int hy_list_was_confirmed(struct hy_txn *t, const struct hy_token *token, bool *ret);

/* Joins a lead, or lets it leave, with everything that goes with it: domain, count, activity. 0 and
 * *ret_changed false when that is how it is. Not logged (hy_lead_changed). */
struct hy_list_deed {
    uint8_t ip[16];
    struct hy_str by, url, agent, meta;
};
HY_MUST_USE int hy_list_enter(struct hy_txn *t, hy_list_no list, hy_lead_no lead,
                              const struct hy_list_deed *d, bool *ret_changed);
HY_MUST_USE int hy_list_leave(struct hy_txn *t, hy_list_no list, hy_lead_no lead,
                              const struct hy_list_deed *d, bool *ret_changed);
