/* The thread that writes reports.
 *
 * Happy path: the next messages that are due, each in one report; told and report are stored in one
 * transaction, then the feeder is told. How it fails: the mark of a message stays in the store, and
 * the next look tries again; a report that can never be stored is given up with a line in the log,
 * and its recipients count as told. */
#include "dsn_sender.h"

#include <stdlib.h>
#include <time.h>

#include "desk.h"
#include "dsn_write.h"
#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

enum { AT_ONCE = 128, LOOK_US = 1000000, AGAIN_US = 5000000 };
enum { MSG_STORED = 1, MSG_STOP };

struct dsn_sender {
    struct hy_daemon *d;
    struct desk desk;
    unsigned n_out; /* reports at the writer */
    bool is_stopping, is_full;
    hy_count sent, given_up;
};

static struct hy_config *newest_config(struct hy_daemon *d)
{
    pthread_mutex_lock(&d->plan_lock);
    struct hy_config *c = hy_config_ref(d->plan_config);
    pthread_mutex_unlock(&d->plan_lock);
    return c;
}

/* The writer's thread. */
static void on_done(struct hy_write_req *req, int err)
{
    struct hy_dsn_job *job = hy_container_of(req, struct hy_dsn_job, req);
    struct dsn_report *r = hy_container_of(job, struct dsn_report, job);
    struct dsn_sender *s = r->owner;
    r->err = err;
    r->msg.kind = MSG_STORED;
    int posted = hy_mailbox_post_answer(s->desk.mailbox, &r->msg);
    (void)posted; /* open as long as a report is out */
}

static void submit(struct dsn_sender *s, struct dsn_report *r)
{
    r->owner = s;
    r->job.req.done = on_done;
    if (hy_writer_submit(s->d->writer, &r->job.req) == HY_OK) {
        s->n_out++;
        return;
    }
    s->is_full = true; /* its mark stays */
    dsn_report_free(r);
}

static void stored(struct dsn_sender *s, struct dsn_report *r)
{
    char id[HY_ID_TEXT_MAX];
    bool is_hopeless = r->err == HY_EINVAL || r->err == HY_ELIMIT;
    s->n_out--;
    if (r->err == HY_OK && r->job.report.n_rcpts) {
        hy_count_add(&s->sent, 1);
        hy_deliver_spooled(s->d->deliver);
    }
    if (r->err == HY_OK && r->job.report.n_rcpts == 0 && r->job.n_told)
        hy_count_add(&s->given_up, 1); /* told, by the log alone */
    if (is_hopeless && r->job.report.n_rcpts && !s->is_stopping) {
        hy_log(HY_LOG_WARNING, "dsn", "no report about message %s: it cannot be stored: %s",
               hy_id_format(r->job.of.message, id), hy_err_text(r->err));
        r->job.report.n_rcpts = 0;
        submit(s, r);
        return;
    }
    s->is_full |= r->err != HY_OK && r->err != HY_ENOTFOUND;
    dsn_report_free(r);
}

/* Whether there may be more at once. */
static bool look(struct dsn_sender *s)
{
    struct hy_txn t = {0};
    struct hy_dsn_due due = {0};
    struct hy_config *c = newest_config(s->d);
    struct dsn_context context = {.config = c, .deliver = s->d->deliver};
    uint32_t now_s = (uint32_t)(hy_clock_wall_ms() / 1000);
    int err = hy_txn_read(s->d->env, &t);
    if (err == HY_OK)
        context.t = &t;
    while (err == HY_OK && s->n_out < AT_ONCE && !s->is_full) {
        struct dsn_report *r = NULL;
        err = hy_dsn_next(&t, &due, now_s);
        if (err == HY_OK)
            err = dsn_report_make(&context, &due, &r);
        if (err == HY_OK)
            submit(s, r);
    }
    hy_txn_end(&t);
    hy_config_unref(c);
    s->is_full |= err != HY_OK && err != HY_ENOTFOUND;
    if (err != HY_OK && err != HY_ENOTFOUND)
        hy_log(HY_LOG_ERROR, "dsn", "reports to senders wait: %s", hy_err_text(err));
    return err == HY_OK && s->n_out > 0;
}

static void run(void *arg)
{
    struct dsn_sender *s = arg;
    while (!s->is_stopping || s->n_out) {
        if (s->n_out == 0) {
            s->is_full = false;
            (void)look(s);
        }
        hy_us wait = s->n_out ? HY_US_NEVER : s->is_full ? AGAIN_US : LOOK_US;
        for (struct hy_msg *m = hy_mailbox_wait(s->desk.mailbox, wait), *next; m; m = next) {
            next = m->next;
            if (m->kind == MSG_STOP)
                s->is_stopping = true;
            else
                stored(s, hy_container_of(m, struct dsn_report, msg));
        }
    }
}

void dsn_sender_apply(struct hy_daemon *d, const struct hy_config *c)
{
    hy_dsn_set_times(d->env, (uint32_t)(c->dsn.gather_us / HY_US_PER_SEC),
                     (uint32_t)(c->dsn.delay_us / HY_US_PER_SEC));
}

int dsn_sender_start(struct hy_daemon *d, struct dsn_sender **ret)
{
    struct dsn_sender *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->d = d;
    int err = desk_open(&s->desk, "dsn", AT_ONCE, run, s);
    if (err != HY_OK) {
        free(s);
        return err;
    }
    *ret = s;
    return HY_OK;
}

void dsn_sender_stop(struct dsn_sender *s)
{
    if (!s)
        return;
    desk_close(&s->desk, MSG_STOP);
    free(s);
}

void dsn_sender_counts(const struct dsn_sender *s, uint64_t *ret_sent, uint64_t *ret_given_up)
{
    *ret_sent = s ? hy_count_read(&s->sent) : 0;
    *ret_given_up = s ? hy_count_read(&s->given_up) : 0;
}
