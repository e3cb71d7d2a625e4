/* What is true of one lead, as the store has it: what segments and rules of scores ask. */
#pragma once
#include "hayauma/audience/segment.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/env.h"

struct hy_score_plan;

/* ---- what an activity says of itself: the values of keys ---- */

/* The keys, with where they are in an activity: campaign (its name), source, url; name and form
 * (text); link, list, reason; amount, quantity, product and category (of orders and carts: those of
 * any item, quantity is the sum); meta.NAME. */
struct hy_deed;
/* HY_ENOMEM. */
HY_MUST_USE int hy_deed_new(struct hy_deed **ret);
void hy_deed_free(struct hy_deed *d);
/* Makes it tell of an activity, whose strings must live as long as it is asked; names of campaigns
 * are read with `t`. Good until the next call. */
const struct hy_segment_deed *hy_deed_of(struct hy_deed *d, struct hy_txn *t,
                                         const struct hy_activity *a);

/* Whether an activity counts for segments: an open or a click once its hold is over, a placed order
 * (not what became of it later), an open cart; nothing that a machine did. */
bool hy_deed_counts(struct hy_deed *d, const struct hy_activity *a);
/* When it happened, as segments see it: what is dated later than it was noted, then. */
hy_wall_ms hy_deed_moment(const struct hy_activity *a);

/* ---- a lead ---- */

/* Attributes by their names; besides those that are stored: created (a moment), email, domain,
 * mail_status (active, unsubscribed, dead, complained), score and score.GROUP, and what is known of
 * its cart, orders and company (enum hy_segment_given). Activities are those that are kept; mail
 * received is told from the rows of campaigns, mail that came back from these and from notices. */
struct hy_facts;

struct hy_facts_options {
    const struct hy_score_plan *plan; /* NULL: score and its groups are ordinary attributes */
    const struct hy_zone *zone;       /* in which days begin; NULL: UTC */
};
/* What `o` points to must outlive it. HY_ENOMEM. */
HY_MUST_USE int hy_facts_new(const struct hy_facts_options *o, struct hy_facts **ret);
void hy_facts_free(struct hy_facts *f);

/* Makes it tell of a lead as it is at `now`. Good until the next call or the end of the
 * transaction; writes in it to what was asked already are not seen, but for who is in which set.
 * HY_ENOTFOUND: there is no such lead, or it was merged into another; HY_ECORRUPT, HY_EVERSION,
 * HY_ENOMEM. Any thread. */
HY_MUST_USE int hy_facts_of(struct hy_facts *f, struct hy_txn *t, hy_lead_no lead, hy_wall_ms now);
/* To be asked with hy_segment_is_true() or hy_segment_next_change(). */
const struct hy_segment_facts *hy_facts_ask(struct hy_facts *f);
/* The first thing that could not be read while it was asked; 0. What was answered is then not to be
 * believed. */
int hy_facts_err(const struct hy_facts *f);
/* How often an activity was read since it was made to tell of the lead: what asking cost. */
uint64_t hy_facts_steps(const struct hy_facts *f);
/* What it knows of the lead's record. */
hy_domain_no hy_facts_domain(const struct hy_facts *f);
