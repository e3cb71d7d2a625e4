/* A reader at work on a fresh store, with effects that sum up in the store itself. */
#pragma once
#include "case.h"
#include "hayauma/react/react.h"

extern struct hy_writer *writer;
extern struct hy_react *react;
extern const struct hy_react_effects summing;

void reacting_open(void); /* store and writer; nobody reads yet */
void reacting_close(void);
void reacting_writer(void); /* starts the writer */

/* Starts the reader; stops it. */
void reacting_start(uint32_t hold_ms);
void reacting_stop(void);

/* Notes an activity in a commit of its own. */
hy_id noted(struct hy_activity a);
/* The same of a visitor of the site (store/visitor.h). */
hy_id visited(struct hy_activity a);
/* Waits until all up to the activity took effect, held ones, too. */
void reacted(hy_id upto);
void reacted_held(hy_id upto);
void reacted_leads(hy_id upto);

/* Notes that leads first, first + 1 ... changed. */
void changed(hy_lead_no first, unsigned n);

/* What the effects of a lead summed up to: each activity's `link`, or 1, times its sign; a change
 * of leads counts a million. */
int64_t sum_of(hy_lead_no lead);
/* Activities of this lead fail. */
enum { POISON_LEAD = 666 };
/* A change of this lead takes so many transactions. */
enum { SLOW_LEAD = 777, SLOW_SLICES = 20 };
extern _Atomic unsigned due_calls;

struct hy_activity activity_now(hy_id id); /* strings are not there */
