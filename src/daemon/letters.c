/* The thread of who writes mail of hayauma's own: it looks, and takes what the writer stored. */
#include "letters.h"

#include "hayauma/base/list.h"

enum { COMPLAIN_MS = 3600 * 1000 };
enum { MSG_STORED = 1, MSG_STOP };

/* The writer's thread. */
static void on_handed_in(struct system_mail *m, int err)
{
    struct letter *l = hy_container_of(m, struct letter, mail);
    l->err = err;
    l->msg.kind = MSG_STORED;
    int posted = hy_mailbox_post_answer(l->of->desk.mailbox, &l->msg);
    (void)posted; /* open as long as a letter is out */
}

void letters_prepare(struct letters *s, struct letter *l,
                     int (*also)(struct system_mail *m, struct hy_txn *t))
{
    l->of = s;
    l->mail.also = also;
    l->mail.done = on_handed_in;
}

bool letters_may_complain(struct letters *s)
{
    hy_wall_ms now = hy_clock_wall_ms();
    if (now - s->complained < COMPLAIN_MS)
        return false;
    s->complained = now;
    return true;
}

static void run(void *arg)
{
    struct letters *s = arg;
    while (!atomic_load(&s->is_stopping) || s->n_out) {
        if (s->n_out == 0 && !atomic_load(&s->is_stopping))
            s->look(s);
        hy_us wait = s->n_out ? HY_US_NEVER : s->look_us;
        for (struct hy_msg *m = hy_mailbox_wait(s->desk.mailbox, wait), *next; m; m = next) {
            next = m->next;
            if (m->kind != MSG_STORED)
                continue;
            s->n_out--;
            s->stored(s, hy_container_of(m, struct letter, msg));
        }
    }
}

int letters_start(struct letters *s, uint32_t at_once)
{
    return desk_open(&s->desk, s->name, at_once + 1, run, s);
}

void letters_stop(struct letters *s)
{
    atomic_store(&s->is_stopping, true);
    desk_close(&s->desk, MSG_STOP);
}
