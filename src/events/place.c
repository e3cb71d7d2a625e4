/* Places: the cursor of a destination and its own state, one record in the store, written together
 * by the writer with whatever else it commits. */
#include <stdio.h>

#include "events.h"
#include "hayauma/base/list.h"

enum { CATCH_UP_US = 100 * 1000 };

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    const struct place *p = hy_container_of(r, struct place, req);
    return hy_log_reader_put(t, &(struct hy_log_reader){.name = hy_str_of(p->reader),
                                                        .cursor = p->cursor,
                                                        .holds = p->holds,
                                                        .state = hy_str_of(p->state)});
}

/* The writer's thread. Behind the unlock the place may be gone. */
static void done(struct hy_write_req *r, int err)
{
    struct place *p = hy_container_of(r, struct place, req);
    struct side *s = p->side;
    pthread_mutex_lock(&s->lock);
    atomic_store(&p->err, err);
    atomic_store(&p->is_busy, false);
    s->is_woken = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

/* "FLAGS FAILING_SINCE FAILURES OWN": flags p (paused), x (disabled) or -. */
int dest_commit(struct dest *d, const char *own)
{
    struct place *p = &d->place;
    if (atomic_load(&p->is_busy))
        return HY_EBUSY;
    snprintf(p->state, sizeof p->state, "%c %ld %u %s",
             d->is_disabled ? 'x'
             : d->is_paused ? 'p'
                            : '-',
             d->failing_since, d->failures, own);
    p->cursor = d->cursor;
    p->holds = (d->is_configured || d->side->is_over) && !d->is_disabled;
    p->req = (struct hy_write_req){.class = HY_WRITE_ADMIN,
                                   .when = HY_WRITE_GROUPED,
                                   .on_full = HY_WRITE_FULL_FAIL,
                                   .apply = apply,
                                   .done = done};
    atomic_store(&p->is_busy, true);
    int err = hy_writer_submit(d->side->all->writer, &p->req);
    if (err != HY_OK) {
        atomic_store(&p->err, err);
        atomic_store(&p->is_busy, false);
    } else {
        d->owes = false;
    }
    p->committed_at = hy_clock_us();
    return err;
}

void dest_catch_up(struct dest *d, const char *own)
{
    const struct place *p = &d->place;
    hy_us ago = hy_clock_us() - p->committed_at;
    if (!atomic_load(&p->is_busy) &&
        ((d->owes && ago > CATCH_UP_US) || (atomic_load(&p->err) && ago > HY_US_PER_SEC)))
        (void)dest_commit(d, own);
}

int dest_settle(struct dest *d)
{
    pthread_mutex_lock(&d->side->lock);
    while (atomic_load(&d->place.is_busy))
        pthread_cond_wait(&d->side->wake, &d->side->lock);
    pthread_mutex_unlock(&d->side->lock);
    return atomic_load(&d->place.err);
}

int dest_commit_wait(struct dest *d, const char *own)
{
    (void)dest_settle(d);
    int err = dest_commit(d, own);
    return err == HY_OK ? dest_settle(d) : err;
}

static void read_state(struct dest *d, struct hy_str s, char own[STATE_TEXT_MAX])
{
    char flag = '-', text[STATE_TEXT_MAX];
    long since = 0;
    unsigned failures = 0;
    int at = 0;
    snprintf(text, sizeof text, "%.*s", (int)(s.n < sizeof text ? s.n : sizeof text - 1), s.p);
    own[0] = '\0';
    if (sscanf(text, "%c %ld %u %n", &flag, &since, &failures, &at) != 3 || at == 0)
        return;
    d->is_paused = flag == 'p';
    d->is_disabled = flag == 'x';
    d->failing_since = since;
    d->failures = failures;
    snprintf(own, STATE_TEXT_MAX, "%s", text + at);
}

int dest_load(struct dest *d, char own[STATE_TEXT_MAX])
{
    struct hy_log_reader r;
    struct hy_txn t = {0};
    own[0] = '\0';
    snprintf(d->place.reader, sizeof d->place.reader, "%s:%s", d->is_webhook ? "webhook" : "file",
             d->name);
    d->place.side = d->side;
    int err = hy_txn_read(d->side->all->env, &t);
    if (err)
        return err;
    err = hy_log_reader_get(&t, hy_str_of(d->place.reader), &r);
    if (!err) {
        d->cursor = r.cursor;
        read_state(d, r.state, own);
    } else if (err == HY_ENOTFOUND) {
        err = hy_timeline_newest(&t, &d->cursor);
    }
    hy_txn_end(&t);
    d->place.cursor = d->cursor;
    return err;
}
