/* Bounded queues between threads: a mailbox has one reader (a loop or a thread that waits), a job
 * queue has many.
 *
 * Mailbox: writers push with one compare-and-swap; the reader takes everything at once. A writer
 * makes a system call only when the reader sleeps, and only one writer does. Messages of one writer
 * arrive in the order they were posted. Nodes are part of the caller's structs: no allocation. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"

struct hy_loop;
struct hy_mailbox;

/* First member of a message, or found with hy_container_of. `kind` is the caller's. */
struct hy_msg {
    struct hy_msg *next;
    uint32_t kind;
};

/* At most `max` messages wait in it. HY_ENOMEM, HY_EIO (no eventfd). */
HY_MUST_USE int hy_mailbox_create(uint32_t max, struct hy_mailbox **ret_mb);
/* The reader, when no writer has it any more. What is left in it was taken out before. */
void hy_mailbox_free(struct hy_mailbox *mb);

/* Any thread. HY_ELIMIT when it is full, HY_ECLOSED after hy_mailbox_close; the message then still
 * belongs to the caller. */
HY_MUST_USE int hy_mailbox_post(struct hy_mailbox *mb, struct hy_msg *m);
/* As above but past the maximum: for answers, whose number the reader itself bounded by what it
 * asked for, and for orders such as "stop". */
HY_MUST_USE int hy_mailbox_post_answer(struct hy_mailbox *mb, struct hy_msg *m);
/* The same for a chain linked by `next`, oldest first, not empty: the reader is woken once and
 * finds all of it. */
HY_MUST_USE int hy_mailbox_post_answers(struct hy_mailbox *mb, struct hy_msg *first);
/* From now on posts fail with HY_ECLOSED. Any thread. What was posted can still be taken. */
void hy_mailbox_close(struct hy_mailbox *mb);
/* How many wait, roughly. Any thread. */
uint32_t hy_mailbox_count(const struct hy_mailbox *mb);

/* The reader's side: one thread. All that wait, oldest first, linked by `next`; NULL when none. */
struct hy_msg *hy_mailbox_take(struct hy_mailbox *mb);
/* Sleeps until there is something or `max_wait_us` is over (HY_US_NEVER = without end), then takes
 * it. NULL: nothing came, or it was closed and is empty. Not for a mailbox on a loop. */
struct hy_msg *hy_mailbox_wait(struct hy_mailbox *mb, hy_us max_wait_us);

/* Lets a loop read it: `fn` gets the whole chain, oldest first, and owns the messages (read
 * `next` before you give one away). The loop's thread, or any while the loop does not run. */
typedef void hy_mailbox_fn(void *arg, struct hy_msg *first);
HY_MUST_USE int hy_mailbox_attach(struct hy_mailbox *mb, struct hy_loop *loop, hy_mailbox_fn *fn,
                                  void *arg);
void hy_mailbox_detach(struct hy_mailbox *mb);

/* ---- a queue of jobs for a pool of threads ---- */

struct hy_jobs;

/* At most `max` jobs wait; `n_workers` threads take from it. HY_ENOMEM. */
HY_MUST_USE int hy_jobs_create(uint32_t max, uint32_t n_workers, struct hy_jobs **ret_jobs);
void hy_jobs_free(struct hy_jobs *jobs);
/* Adds a chain linked by `next`, all of it or nothing: HY_ELIMIT when it does not fit, HY_ECLOSED.
 * Any thread. */
HY_MUST_USE int hy_jobs_push(struct hy_jobs *jobs, struct hy_msg *first);
/* The same, before all that were not pushed by this. */
HY_MUST_USE int hy_jobs_push_urgent(struct hy_jobs *jobs, struct hy_msg *first);
/* Sleeps until there are jobs; takes a fair share of them, urgent ones or others, at most
 * `max`, oldest first, linked by `next`. NULL once the queue is closed and empty. Any of the pool's
 * threads. */
struct hy_msg *hy_jobs_pop(struct hy_jobs *jobs, uint32_t max);
/* Wakes everybody; jobs that wait are still handed out. */
void hy_jobs_close(struct hy_jobs *jobs);
uint32_t hy_jobs_count(struct hy_jobs *jobs);
