/* The parts of an import job: the report of refused rows, and the feed of batches to the writer. */
#pragma once
#include <jansson.h>
#include <pthread.h>

#include "hayauma/base/arena.h"
#include "hayauma/daemon/import_job.h"

/* ---- import_report.c: the job's thread only ---- */

struct import_report {
    int fd; /* -1 = none */
    int err;
    struct hy_buf out;
    struct hy_arena arena; /* of the kept ones */
    struct hy_import_reject *kept;
    size_t n_kept, max_kept;
};
HY_MUST_USE int import_report_open(struct import_report *r, int fd, size_t max_kept);
/* A row that was refused, or (`is_warning`) went in with a doubt. */
void import_report_add(struct import_report *r, const struct hy_import_row *row, bool is_warning);
/* Writes what is left, closes the descriptor; the kept rejects stay until free. */
void import_report_finish(struct import_report *r);
void import_report_free(struct import_report *r);

/* ---- import_file.c: likewise ---- */

struct hy_daemon;
struct hy_control_call;
/* Waits for the next bytes of the file; *ret_n is 0 at its end. HY_ECANCELED: the client is gone,
 * or the daemon stops; HY_EIO. */
HY_MUST_USE int import_file_read(struct hy_daemon *d, struct hy_control_call *call, int fd,
                                 char *room, size_t max, size_t *ret_n);
/* [{"line","column","reason","value"}]: those that were kept. */
json_t *import_rejects_json(const struct import_report *report);

/* ---- import_feed.c ---- */

enum { IMPORT_BATCHES = 3 }; /* one being filled, one waiting, one at the writer */

struct import_batch {
    struct hy_write_req req;
    struct import_feed *feed;
    struct hy_lead_batch *rows;
    struct hy_lead_upsert_result result;
    uint64_t first_line; /* of its first row */
    bool is_out;         /* the writer has it */
};

struct import_feed {
    struct hy_writer *writer;
    struct hy_lead_upsert how;
    struct import_batch batches[IMPORT_BATCHES];
    struct import_batch *filling;           /* NULL = none taken */
    uint16_t column_of[HY_CSV_COLUMNS_MAX]; /* column of the file -> column of the batches */
    /* between the job's thread and the writer's */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct hy_lead_upsert_result total;
    int err;              /* of the first batch that failed */
    uint64_t failed_line; /* its first line */
};

HY_MUST_USE int import_feed_open(struct import_feed *f, struct hy_env *env, struct hy_writer *w,
                                 const struct hy_lead_upsert *how,
                                 const struct hy_import_column *columns, size_t n_columns);
/* Takes a row into the batch that is being filled and gives full ones to the writer. HY_EMORE: all
 * batches are out; call import_feed_wait and again. Otherwise an error ends the import. */
HY_MUST_USE int import_feed_add(struct import_feed *f, const struct hy_import_row *row);
/* Gives the last batch to the writer; HY_EMORE: the writer is busy, wait and try again. */
HY_MUST_USE int import_feed_flush(struct import_feed *f);
/* Waits up to 200 ms for a batch to come back. Returns whether all are back. */
bool import_feed_wait(struct import_feed *f);
/* Counts into *p; p->next_line is left or lowered to the first line that is not committed. Returns
 * the error of the first batch that failed. */
int import_feed_progress(struct import_feed *f, struct hy_import_progress *p);
/* No batch may be out. */
void import_feed_close(struct import_feed *f);
