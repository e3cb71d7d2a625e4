/* Intake as a thread: takes mails in order, reads each, hands what it says to the writer.
 *
 * Happy path: give -> read -> the writer's commit -> done. It goes on to the next mail while the
 * writer commits, so that many share a commit. How it fails: memory and a full disk fail that mail
 * alone, and whoever brought it tries again. */
#include "intake.h"

#include <stdlib.h>
#include <time.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"
#include "hayauma/io/thread.h"

enum { MSG_MAIL = 1, MSG_RULES };

struct rules_msg {
    struct hy_msg msg;
    struct hy_intake_rules rules;
};

struct hy_intake {
    struct hy_intake_settings settings;
    struct hy_mailbox *mailbox;
    struct hy_thread *thread;
    struct hy_intake_rules rules;
    struct hy_bounce_reader *reader;
    struct hy_intake_counters counters;
};

static void count(_Atomic uint64_t *n, uint64_t by)
{
    atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

const char *hy_intake_result_name(enum hy_intake_result r)
{
    static const char *const names[] = {"noted", "not_for_us", "known", "failed"};
    return (unsigned)r < HY_INTAKE_RESULTS ? names[r] : "?";
}

/* The mail is its owner's again, and intake may end. */
static void finish(struct hy_intake_mail *m, enum hy_intake_result result, int err)
{
    struct hy_intake *in = m->in;
    count(&in->counters.mails[result][m->kind], 1);
    hy_arena_free(&m->arena);
    m->done(m, err);
    atomic_fetch_sub_explicit(&in->counters.waiting, 1, memory_order_release);
}

static void tell(const struct hy_intake *in, const struct hy_returned *r)
{
    if (r->n_bad && in->settings.on_bad)
        in->settings.on_bad(in->settings.ctx, r->campaign,
                            r->items[0].kind == HY_ACTIVITY_COMPLAINT, r->bad_sent);
}

/* The writer's thread. */
static void on_stored(struct hy_write_req *req, int err)
{
    struct hy_returned_job *job = hy_container_of(req, struct hy_returned_job, req);
    struct hy_intake_mail *m = hy_container_of(job, struct hy_intake_mail, job);
    struct hy_intake *in = m->in;
    const struct hy_returned *r = &job->mail;
    if (err != HY_OK) {
        finish(m, HY_INTAKE_FAILED, err);
        return;
    }
    count(&in->counters.activities, r->n_noted);
    count(&in->counters.suppressed, r->n_suppressed);
    tell(in, r);
    finish(m,
           r->is_known  ? HY_INTAKE_KNOWN
           : r->n_noted ? HY_INTAKE_NOTED
                        : HY_INTAKE_NOT_OURS,
           HY_OK);
}

static void take_mail(struct hy_intake *in, struct hy_intake_mail *m)
{
    m->arena = HY_ARENA_INIT(INTAKE_ARENA_MAX);
    m->kind = 0;
    hy_returned_job_init(&m->job);
    int err = in->reader ? intake_read(in->reader, in->settings.tokens, m) : HY_ENOMEM;
    if (err != HY_OK) {
        finish(m, HY_INTAKE_FAILED, err);
        return;
    }
    m->job.req.done = on_stored;
    m->job.mail.suppressor = in->settings.suppressor;
    m->job.mail.suppressor_ctx = in->settings.ctx;
    err = hy_writer_submit(in->settings.writer, &m->job.req);
    if (err != HY_OK)
        finish(m, HY_INTAKE_FAILED, err);
}

static void drop_rules(struct hy_intake_rules *r)
{
    if (r->release)
        r->release(r->owner);
}

/* Without memory the old ones stay. */
static void take_rules(struct hy_intake *in, struct hy_intake_rules rules)
{
    struct hy_bounce_reader *reader = NULL;
    if (hy_bounce_reader_new(rules.rules, &reader) != HY_OK) {
        hy_log(HY_LOG_ERROR, "intake", "out of memory: bounces are read by the rules of before");
        drop_rules(&rules);
        return;
    }
    hy_bounce_reader_free(in->reader);
    drop_rules(&in->rules);
    in->reader = reader;
    in->rules = rules;
}

static void run(void *arg)
{
    struct hy_intake *in = arg;
    for (struct hy_msg *m; (m = hy_mailbox_wait(in->mailbox, HY_US_NEVER));) {
        for (struct hy_msg *next; m; m = next) {
            next = m->next;
            if (m->kind == MSG_MAIL) {
                take_mail(in, hy_container_of(m, struct hy_intake_mail, msg));
            } else {
                struct rules_msg *r = hy_container_of(m, struct rules_msg, msg);
                take_rules(in, r->rules);
                free(r);
            }
        }
    }
}

int hy_intake_give(struct hy_intake *in, struct hy_intake_mail *m)
{
    m->in = in;
    m->msg.kind = MSG_MAIL;
    atomic_fetch_add_explicit(&in->counters.waiting, 1, memory_order_relaxed);
    int err = hy_mailbox_post(in->mailbox, &m->msg);
    if (err != HY_OK)
        atomic_fetch_sub_explicit(&in->counters.waiting, 1, memory_order_release);
    return err == HY_ELIMIT ? HY_EBUSY : err;
}

void hy_intake_set_rules(struct hy_intake *in, struct hy_intake_rules rules)
{
    struct rules_msg *r = calloc(1, sizeof *r);
    if (!r) {
        hy_log(HY_LOG_ERROR, "intake", "out of memory: bounces are read by the rules of before");
        drop_rules(&rules);
        return;
    }
    *r = (struct rules_msg){.msg.kind = MSG_RULES, .rules = rules};
    if (hy_mailbox_post_answer(in->mailbox, &r->msg) != HY_OK) {
        drop_rules(&rules);
        free(r);
    }
}

static void intake_free(struct hy_intake *in)
{
    hy_mailbox_free(in->mailbox);
    hy_bounce_reader_free(in->reader);
    drop_rules(&in->rules);
    free(in);
}

int hy_intake_start(const struct hy_intake_settings *settings, struct hy_intake_rules rules,
                    struct hy_intake **ret)
{
    struct hy_intake *in = calloc(1, sizeof *in);
    if (!in) {
        drop_rules(&rules);
        return HY_ENOMEM;
    }
    in->settings = *settings;
    in->rules = rules;
    int err = hy_mailbox_create(HY_INTAKE_WAITING_MAX, &in->mailbox);
    if (err == HY_OK)
        err = hy_bounce_reader_new(rules.rules, &in->reader);
    if (err == HY_OK)
        err = hy_thread_start("intake", run, in, &in->thread);
    if (err != HY_OK) {
        intake_free(in);
        return err;
    }
    *ret = in;
    return HY_OK;
}

void hy_intake_stop(struct hy_intake *in)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    if (!in)
        return;
    hy_mailbox_close(in->mailbox);
    hy_thread_join(in->thread);
    while (atomic_load_explicit(&in->counters.waiting, memory_order_acquire))
        nanosleep(&moment, NULL);
    intake_free(in);
}

const struct hy_intake_counters *hy_intake_counters_of(const struct hy_intake *in)
{
    return &in->counters;
}
