/* Batches of an import on their way to the writer and back. Happy path: rows fill a batch, a full
 * one is submitted, `came_back` counts it after its commit and it is filled again. The first batch
 * that fails ends the import: nothing is submitted after it was seen, and its first line is where
 * to go on. */
#include "import_priv.h"

#include <time.h>

#include "hayauma/base/list.h"

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct import_batch *b = hy_container_of(r, struct import_batch, req);
    struct hy_lead_upsert how = b->feed->how;
    how.created = hy_txn_new_id(t);
    return hy_lead_upsert(t, b->rows, &how, &b->result);
}

static void came_back(struct hy_write_req *r, int err)
{
    struct import_batch *b = hy_container_of(r, struct import_batch, req);
    struct import_feed *f = b->feed;
    pthread_mutex_lock(&f->lock);
    if (err == HY_OK) {
        f->total.added += b->result.added;
        f->total.updated += b->result.updated;
        f->total.unchanged += b->result.unchanged;
        f->total.duplicates += b->result.duplicates;
        f->total.joined += b->result.joined;
        f->total.untagged += b->result.untagged;
    } else if (f->err == HY_OK || b->first_line < f->failed_line) {
        f->err = f->err ? f->err : err;
        f->failed_line = b->first_line;
    }
    b->is_out = false;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

int import_feed_open(struct import_feed *f, struct hy_env *env, struct hy_writer *w,
                     const struct hy_lead_upsert *how, const struct hy_import_column *columns,
                     size_t n_columns)
{
    struct hy_str names[HY_CSV_COLUMNS_MAX];
    size_t n = 0;
    *f = (struct import_feed){.writer = w, .how = *how};
    for (size_t i = 0; i < n_columns; i++) {
        f->column_of[i] = (uint16_t)n;
        if (columns[i].attr.n && !hy_str_eq(columns[i].attr, HY_STR("email")))
            names[n++] = columns[i].attr;
    }
    for (size_t i = 0; i < IMPORT_BATCHES; i++) {
        struct import_batch *b = &f->batches[i];
        b->feed = f;
        b->req = (struct hy_write_req){
            .class = HY_WRITE_INTAKE, .when = HY_WRITE_GROUPED, .apply = apply, .done = came_back};
        int err = hy_lead_batch_new(env, names, n, &b->rows);
        if (err) {
            while (i > 0)
                hy_lead_batch_free(f->batches[--i].rows);
            return err;
        }
    }
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    return HY_OK;
}

void import_feed_close(struct import_feed *f)
{
    for (size_t i = 0; i < IMPORT_BATCHES; i++)
        hy_lead_batch_free(f->batches[i].rows);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->changed);
}

/* A batch to fill; HY_EMORE when all are out. */
static int take(struct import_feed *f)
{
    if (f->filling)
        return HY_OK;
    pthread_mutex_lock(&f->lock);
    int err = f->err;
    for (size_t i = 0; i < IMPORT_BATCHES && err == HY_OK && !f->filling; i++)
        if (!f->batches[i].is_out)
            f->filling = &f->batches[i];
    pthread_mutex_unlock(&f->lock);
    if (err)
        return err;
    if (!f->filling)
        return HY_EMORE;
    hy_lead_batch_reset(f->filling->rows);
    return HY_OK;
}

int import_feed_flush(struct import_feed *f)
{
    struct import_batch *b = f->filling;
    if (!b || hy_lead_batch_rows(b->rows) == 0)
        return HY_OK;
    pthread_mutex_lock(&f->lock);
    int err = f->err;
    b->is_out = err == HY_OK;
    pthread_mutex_unlock(&f->lock);
    if (err == HY_OK)
        err = hy_writer_submit(f->writer, &b->req);
    if (err == HY_OK) {
        f->filling = NULL;
        return HY_OK;
    }
    pthread_mutex_lock(&f->lock);
    b->is_out = false;
    if (err != HY_EBUSY && f->err == HY_OK) {
        f->err = err;
        f->failed_line = b->first_line;
    }
    pthread_mutex_unlock(&f->lock);
    return err == HY_EBUSY ? HY_EMORE : err;
}

int import_feed_add(struct import_feed *f, const struct hy_import_row *row)
{
    struct hy_lead_batch_attr attrs[HY_CSV_COLUMNS_MAX];
    for (size_t i = 0; i < row->n_attrs; i++)
        attrs[i] =
            (struct hy_lead_batch_attr){f->column_of[row->attrs[i].column], row->attrs[i].value};
    for (;;) {
        int err = take(f);
        if (err)
            return err;
        if (hy_lead_batch_rows(f->filling->rows) == 0)
            f->filling->first_line = row->line;
        err = hy_lead_batch_add(f->filling->rows, hy_address_wire(row->address),
                                hy_address_key(row->address), attrs, row->n_attrs);
        if (err != HY_ELIMIT)
            return err;
        err = import_feed_flush(f);
        if (err)
            return err;
    }
}

static bool is_any_out(const struct import_feed *f)
{
    for (size_t i = 0; i < IMPORT_BATCHES; i++)
        if (f->batches[i].is_out)
            return true;
    return false;
}

bool import_feed_wait(struct import_feed *f)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200 * 1000 * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&f->lock);
    if (is_any_out(f)) /* woken early or late: the caller looks again */
        (void)pthread_cond_timedwait(&f->changed, &f->lock, &until);
    bool all_back = !is_any_out(f);
    pthread_mutex_unlock(&f->lock);
    return all_back;
}

int import_feed_progress(struct import_feed *f, struct hy_import_progress *p)
{
    pthread_mutex_lock(&f->lock);
    p->added = f->total.added;
    p->updated = f->total.updated;
    p->unchanged = f->total.unchanged;
    p->duplicates = f->total.duplicates;
    p->joined = f->total.joined;
    p->untagged = f->total.untagged;
    for (size_t i = 0; i < IMPORT_BATCHES; i++) {
        const struct import_batch *b = &f->batches[i];
        bool is_waiting = b->is_out || (b == f->filling && hy_lead_batch_rows(b->rows) > 0);
        if (is_waiting && b->first_line < p->next_line)
            p->next_line = b->first_line;
    }
    if (f->err && f->failed_line < p->next_line)
        p->next_line = f->failed_line;
    int err = f->err;
    pthread_mutex_unlock(&f->lock);
    return err;
}
