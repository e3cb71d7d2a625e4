/* Threads that look who is to be written to, and hand mail of hayauma's own into the spool. They
 * look again once all that is on its way has been stored. */
#pragma once
#include "desk.h"
#include "hayauma/base/clock.h"
#include "system_mail.h"

struct letters;

/* A mail on its way; embedded in the caller's object. */
struct letter {
    struct system_mail mail; /* `done` is taken */
    struct letters *of;
    int err; /* what became of it */
    struct hy_msg msg;
};

/* Embedded in the sender; zeroed, then the first five filled in. */
struct letters {
    struct hy_daemon *d;
    const char *name; /* of the thread */
    hy_us look_us;    /* how often it looks */
    /* Both on the thread. `look` runs while none is on its way; `stored` frees the letter. */
    void (*look)(struct letters *s);
    void (*stored)(struct letters *s, struct letter *l);
    /* private, but for n_out and is_stopping, which `look` may read */
    struct desk desk;
    atomic_bool is_stopping;
    unsigned n_out; /* on their way */
    hy_wall_ms complained;
};

/* Starts the thread, which has up to `at_once` letters out. HY_ENOMEM, HY_EIO. */
HY_MUST_USE int letters_start(struct letters *s, uint32_t at_once);
/* Waits for those on their way; delivery and the writer must still run. */
void letters_stop(struct letters *s);
/* Before a letter is handed in, and when that worked. */
void letters_prepare(struct letters *s, struct letter *l,
                     int (*also)(struct system_mail *m, struct hy_txn *t));
static inline void letters_sent(struct letters *s)
{
    s->n_out++;
}
/* Whether a trouble is to be told: once an hour. */
bool letters_may_complain(struct letters *s);
