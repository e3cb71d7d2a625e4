/* A party: recipients of one ready message that travel in one transaction. Its worker's thread, but
 * while the press has it.
 *
 * The first of them stands for all: it has the message and the place in lists, at the press, among
 * those that are ready and on the wire. On the wire each leaves with its own result, and the next
 * one stands in the place of the first. Those that come back untouched wait for the end of the
 * transaction, and are a party again. A delivery without a party stands for itself alone; every
 * function here takes it, too, unless it says otherwise. */
#pragma once
#include "parts.h"

struct party {
    uint32_t n;          /* members; on the wire NULL where one has left */
    uint32_t first;      /* on the wire: the index of the one that stands for the rest */
    uint32_t n_returned; /* of them, those that came back; */
    struct hy_list back; /* where they wait */
    bool is_told;        /* the window heard a sign against us; it hears of one only */
    struct hy_smtp_message smtp;
    struct hy_smtp_dsn dsn;
    struct delivery *members[HY_SMTP_RECIPIENTS_MAX];
    struct hy_str recipients[HY_SMTP_RECIPIENTS_MAX];
    struct hy_smtp_dsn_rcpt rcpts[HY_SMTP_RECIPIENTS_MAX];
    char sender[HY_ADDRESS_MAX + 1]; /* the first may be gone before MAIL is written */
    char envid[HY_SMTP_ENVID_MAX + 1];
};

static inline uint32_t party_size(const struct delivery *d)
{
    return d->party ? d->party->n : 1;
}
/* `i` < party_size; on the wire NULL where one has left. */
static inline struct delivery *party_member(struct delivery *d, uint32_t i)
{
    return d->party ? d->party->members[i] : d;
}

/* `first`, which stands for itself, is a party that others may join. HY_ENOMEM. */
HY_MUST_USE int party_found(struct delivery *first);
/* Another row of the same message; at most HY_SMTP_RECIPIENTS_MAX in all. */
void party_join(struct party *p, struct delivery *d);
/* Those behind the first `n` (1 .. size - 1) leave, without the message, as a party of their own,
 * and the first of them is returned. Without memory only the last leaves. Not on the wire. */
struct delivery *party_part(struct party *p, uint32_t n);
/* Each stands for itself, in the list `to`. None is in a list, nor on the wire. */
void party_scatter(struct delivery *first, struct hy_list *to);
/* As delivery_free, for all. */
void party_free(struct delivery *first);
/* Back from the press: those that get no message are settled. The first of those that do; NULL:
 * there is none. */
struct delivery *party_pressed(struct delivery *first);

/* ---- on the wire; not for deliveries without a party ---- */

/* What its session says: `first`->smtp with all recipients. Valid until the last result. */
const struct hy_smtp_message *party_envelope(struct delivery *first);
/* Whose event it is; NULL: that of a delivery without a party, which is ev->opaque. */
struct party *party_of(const struct hy_smtp_event *ev);
/* The member that result `i` is for; it leaves, and is in the list of its session only when it is
 * the last. */
struct delivery *party_take(struct party *p, size_t i);
/* How many of those before member `i` the server has taken so far. */
uint32_t party_accepted(const struct party *p, size_t i);
/* Whether the window is to hear this result: one transaction is one unit, so it hears the last,
 * unless one before was a sign against our pace: then that. */
bool party_tells(struct party *p, const struct hy_outcome *o, bool is_last);
/* A member that left came back untouched: it waits for the end. */
void party_keep_back(struct party *p, struct delivery *d);
/* The transaction is over. The first of those that came back, as a party again; NULL: none did. The
 * party is no more what it was. */
struct delivery *party_over(struct party *p);
