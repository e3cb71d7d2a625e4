/* Changing picked rows by hand: a long job of the writer, place by place: a domain of a campaign,
 * or a block of a spool.
 *
 * A slice begins at the place that the last commit left (`at`) and sets the next one (`next`), so
 * it may be applied twice; the act in the log of acts is written anew by each slice with what is
 * done by then. A slice that finds the campaign gone, or over, ends the job. */
#include <stdlib.h>

#include "attempt.h"
#include "dsn_mark.h"
#include "due.h"
#include "hayauma/base/list.h"
#include "hayauma/store/operator.h"
#include "pick_priv.h"
#include "progress.h"
#include "spool_priv.h"
#include "walk.h"

const char *hy_alter_name(enum hy_alter a)
{
    static const char *const names[] = {"retry", "postpone", "cancel", "bounce"};
    return (unsigned)a < sizeof names / sizeof *names ? names[a] : "?";
}

struct altering {
    struct hy_alter_job *j;
    struct hy_txn *t;
    struct hy_progress *p; /* good until the next edit, and there is none */
    struct hy_block_walk w;
    size_t n;
    bool takes[HY_QUEUE_BLOCK_ROWS];
    uint8_t b[BLOCK_MAX_BYTES]; /* a copy of the block */
};

/* Whether this row can be altered so; what the feeder may have read as due is not its business. */
static bool may_alter(const struct altering *a, const struct hy_queue_row *row)
{
    switch (a->j->what) {
    case HY_ALTER_RETRY:
        return row->state == HY_RCPT_HELD ||
               (row->state == HY_RCPT_DEFERRED && row->due_s > hy_due_round(a->t, 0));
    case HY_ALTER_POSTPONE:
        return row->state != HY_RCPT_HELD;
    default:
        return true;
    }
}

static enum hy_rcpt_state next_state(const struct hy_alter_job *j)
{
    return j->what == HY_ALTER_CANCEL   ? HY_RCPT_CANCELLED
           : j->what == HY_ALTER_BOUNCE ? HY_RCPT_BOUNCED
                                        : HY_RCPT_DEFERRED;
}

/* Why it was given up, for those who ask for its life later. */
static int append_reason(struct altering *a, const struct hy_queue_row *row)
{
    struct hy_attempt at = {
        .id = hy_txn_new_id(a->t),
        .previous = row->last_attempt,
        .ref = row->ref,
        .state = next_state(a->j),
        .outcome = {.kind = HY_OUTCOME_BOUNCED,
                    .spoils = HY_SPOILS_RECIPIENT,
                    .phase = HY_PHASE_POLICY,
                    .enhanced = {5, 7, 1},
                    .text = a->j->reason},
    };
    hy_block_set_attempt(a->b, row->ref.slot, row->ref.attempts, at.id);
    return hy_attempt_append(a->t, &at);
}

static int change_row(struct altering *a, const struct hy_queue_row *row)
{
    struct hy_due due = {0, row->ref.campaign, row->ref.domain, row->ref.block};
    enum hy_rcpt_state to = next_state(a->j);
    uint32_t due_s = 0;
    int err = 0;
    if (to == HY_RCPT_DEFERRED)
        due_s = hy_due_round(a->t, a->j->what == HY_ALTER_RETRY ? 0 : a->j->due_s);
    if (row->state == to && row->due_s == due_s)
        return 0;
    hy_block_set_state(a->b, row->ref.slot, to, due_s);
    a->p->p.ledger.by_state[row->state]--;
    a->p->p.ledger.by_state[to]++;
    if (row->state == HY_RCPT_DEFERRED && hy_block_due_at(a->b, row->due_s) == 0) {
        due.due_s = row->due_s;
        err = hy_due_del(a->t, &due);
    }
    if (!err && to == HY_RCPT_DEFERRED && hy_block_due_at(a->b, due_s) == 1) {
        due.due_s = due_s;
        err = hy_due_put(a->t, &due);
    }
    if (err || to == HY_RCPT_DEFERRED)
        return err;
    err = append_reason(a, row);
    if (!err && hy_id_is_spool(row->ref.campaign))
        err = hy_dsn_note(a->t, a->b, a->n, row->ref.slot, false);
    return err;
}

/* The block under the cursor; *ret_rows: how many of its rows changed. A message's content goes
 * with its last recipient. */
static int alter_block(struct altering *a, uint64_t *ret_rows)
{
    struct hy_block_walk *w = &a->w;
    uint64_t rows = 0;
    unsigned picked;
    int err = hy_pick_block(a->t, a->j->pick, w->k, w->b, w->c.value.n, a->takes, &picked);
    if (err || picked == 0) {
        *ret_rows = 0;
        return err;
    }
    a->n = w->c.value.n;
    memcpy(a->b, w->b, a->n);
    for (unsigned i = 0; i < block_count(a->b) && !err; i++) {
        struct hy_queue_row row = hy_block_row(a->b, w->k, i);
        if (!a->takes[i] || !may_alter(a, &row))
            continue;
        err = change_row(a, &row);
        rows++;
    }
    *ret_rows = rows;
    if (err || rows == 0)
        return err;
    err = hy_cursor_replace(&w->c, hy_str_make(a->b, a->n));
    if (!err && hy_id_is_spool(w->campaign) && block_pending(a->b) == 0)
        err = hy_spool_block_over(a->t, a->b, a->n);
    return err;
}

static int alter_here(struct altering *a)
{
    struct hy_alter_job *j = a->j;
    uint64_t rows = 0;
    int err = alter_block(a, &rows);
    j->next.rows += rows;
    j->next.places += rows && !j->next_counted;
    j->next_counted |= rows > 0;
    return err;
}

static void go_on(struct hy_alter_job *j)
{
    j->next.at++;
    j->next.block = 0;
    j->next_counted = false;
}

/* The blocks of a domain from next.block on. HY_EMORE: the slice should end here. */
static int alter_domain(struct altering *a)
{
    struct hy_alter_job *j = a->j;
    hy_domain_no domain = j->places[j->next.at];
    int err = hy_walk_from(a->t, (struct hy_block_key){j->campaign, domain, j->next.block}, domain,
                           &a->w);
    while (!err) {
        err = alter_here(a);
        if (err)
            break;
        j->next.block = a->w.k.block + 1;
        err = hy_txn_should_yield(a->t) ? HY_EMORE : hy_walk_next(&a->w);
    }
    hy_walk_close(&a->w);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int alter_domains(struct altering *a)
{
    int err = 0;
    while (!err && a->j->next.at < a->j->n_places) {
        err = alter_domain(a);
        if (!err)
            go_on(a->j);
    }
    return err;
}

/* Blocks that were trimmed since they were found are passed over. */
static int alter_spool(struct altering *a)
{
    struct hy_alter_job *j = a->j;
    struct hy_block_key from = {.campaign = j->campaign};
    int err = 0;
    if (j->next.at < j->n_places) {
        from.block = j->places[j->next.at];
        err = hy_walk_from(a->t, from, 0, &a->w);
    }
    while (!err && j->next.at < j->n_places) {
        if (a->w.k.block == j->places[j->next.at])
            err = alter_here(a);
        if (err)
            break;
        go_on(j);
        if (j->next.at == j->n_places)
            break;
        err = hy_txn_should_yield(a->t) ? HY_EMORE : hy_walk_to(&a->w, j->places[j->next.at]);
    }
    hy_walk_close(&a->w);
    if (err == HY_ENOTFOUND) { /* the rest is trimmed */
        j->next.at = j->n_places;
        err = 0;
    }
    return err;
}

static int log_act(struct hy_alter_job *j, struct hy_txn *t, bool is_over)
{
    char *text = j->act(j, &j->next, is_over);
    if (!text)
        return HY_ENOMEM;
    j->next_act_id = j->act_id;
    int err = j->act_id ? hy_act_put(t, j->act_id, hy_str_of(text))
                        : hy_act_append(t, hy_str_of(text), &j->next_act_id);
    free(text);
    return err;
}

static int alter_slice(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_alter_job *j = hy_container_of(r, struct hy_alter_job, req);
    struct altering a; /* not zeroed: it holds a block */
    a.w = (struct hy_block_walk){0};
    if (j->is_cancelled && j->is_cancelled(j))
        return HY_ECANCELED; /* what the slices before did is committed */
    a.j = j;
    a.t = t;
    j->next = j->at;
    j->next_counted = j->at_counted;
    int err = hy_progress_edit(t, j->campaign, &a.p);
    if (!err && (a.p->state == HY_CAMPAIGN_DONE || a.p->state == HY_CAMPAIGN_CANCELLED))
        j->next.at = j->n_places; /* nothing of it is pending any more, or will be */
    if (!err)
        err = hy_id_is_spool(j->campaign) ? alter_spool(&a) : alter_domains(&a);
    if (err && err != HY_EMORE)
        return err;
    hy_progress_finish(a.p, t->now);
    int logged = log_act(j, t, err == 0);
    return logged ? logged : err;
}

static void commit_place(struct hy_alter_job *j)
{
    j->at = j->next;
    j->at_counted = j->next_counted;
    j->act_id = j->next_act_id;
    if (j->progress)
        j->progress(j);
}

static void on_slice(struct hy_write_req *r)
{
    commit_place(hy_container_of(r, struct hy_alter_job, req));
}

static void on_done(struct hy_write_req *r, int err)
{
    struct hy_alter_job *j = hy_container_of(r, struct hy_alter_job, req);
    if (err == 0)
        commit_place(j);
    j->done(j, err);
}

void hy_alter_job_init(struct hy_alter_job *j, hy_id campaign, enum hy_alter what)
{
    *j = (struct hy_alter_job){
        .req = {.class = HY_WRITE_ADMIN,
                .on_full = HY_WRITE_FULL_WAIT,
                .apply = alter_slice,
                .slice = on_slice,
                .done = on_done},
        .campaign = campaign,
        .what = what,
    };
}

/* ---- a message that was handed in for later ---- */

static int cancel_block(struct altering *a, uint64_t *rows)
{
    struct hy_block_walk *w = &a->w;
    uint64_t before = *rows;
    a->n = w->c.value.n;
    memcpy(a->b, w->b, a->n);
    int err = 0;
    for (unsigned i = 0; i < block_count(a->b) && !err; i++) {
        struct hy_queue_row row = hy_block_row(a->b, w->k, i);
        bool is_untouched = row.state == HY_RCPT_DEFERRED && row.ref.attempts == 0 &&
                            row.due_s > hy_due_round(a->t, 0);
        if (!is_untouched)
            continue;
        err = change_row(a, &row);
        ++*rows;
    }
    if (err || *rows == before)
        return err;
    err = hy_cursor_replace(&w->c, hy_str_make(a->b, a->n));
    return !err && block_pending(a->b) == 0 ? hy_spool_block_over(a->t, a->b, a->n) : err;
}

int hy_spool_cancel(struct hy_txn *t, hy_id message, struct hy_str reason, uint64_t *ret_rows)
{
    struct hy_alter_job j = {.what = HY_ALTER_CANCEL, .reason = reason};
    struct hy_spool_message m;
    struct altering a; /* not zeroed: it holds a block */
    uint64_t rows = 0;
    int err = hy_spool_message(t, message, &m);
    if (err)
        return err;
    const uint32_t first = m.first_block, end = first + m.n_blocks; /* views die with a write */
    a.j = &j;
    a.t = t;
    a.w = (struct hy_block_walk){0};
    err = hy_progress_edit(t, m.spool, &a.p);
    if (!err)
        err = hy_walk_from(t, (struct hy_block_key){.campaign = m.spool, .block = first}, 0, &a.w);
    while (!err && a.w.k.block < end) {
        err = cancel_block(&a, &rows);
        if (!err)
            err = hy_walk_next(&a.w);
    }
    hy_walk_close(&a.w);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_rows = rows;
    return 0;
}
