/* Imports running in the daemon: each reads a file descriptor in a thread of its own, gives batches
 * of leads to the writer, and writes a report of the rows it refused. */
#pragma once
#include "hayauma/audience/import.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"
#include "hayauma/store/writer.h"

enum {
    HY_IMPORT_JOBS_MAX = 4,       /* at once */
    HY_IMPORT_REJECTS_MAX = 1000, /* that may be kept for the answer */
    HY_IMPORT_TAGS_MAX = 16,
};

/* Counts so far. Rows that are in the store: added + updated + unchanged + duplicates. */
struct hy_import_progress {
    uint64_t rows;       /* read, good and bad */
    uint64_t refused;    /* rows that did not go in */
    uint64_t added;      /* new leads */
    uint64_t updated;    /* leads that existed and changed */
    uint64_t unchanged;  /* leads that existed and did not */
    uint64_t duplicates; /* rows for an address that an earlier row of this import added */
    uint64_t joined;     /* new members of the list */
    uint64_t untagged;   /* rows whose lead has as many tags as it may */
    uint64_t suggested;  /* rows whose domain looks like a slip: they went in, or were refused when
                            that was asked for */
    uint64_t disposable; /* rows with an address to be thrown away: likewise */
    uint64_t kept_addresses; /* rows whose lead, known by an id, has another address: see
                                move_addresses */
    uint64_t repaired; /* addresses written otherwise than in the file (full-width letters, ...) */
    uint64_t by_reason[HY_ADDRESS_REASONS]; /* refused for their address */
    uint64_t bytes;                         /* read */
    uint64_t bytes_total;                   /* of the file; 0 = not known (a pipe) */
    uint64_t next_line; /* everything before this line was committed or refused */
    hy_us elapsed_us;
    enum hy_charset charset;
    char delimiter;
};

struct hy_import_reject {
    uint64_t line;
    const char *field, *reason, *value; /* NUL-terminated, as in the report */
};

/* The end. err: 0; HY_ECANCELED; HY_EFULL, HY_EIO, HY_EINVAL ... with the note in diag, which says
 * at which line to go on: what was committed stays. */
struct hy_import_end {
    int err;
    struct hy_diag diag;
    struct hy_import_progress progress;
    const struct hy_import_column *columns; /* what each column became */
    size_t n_columns;
    const struct hy_import_reject *rejects; /* the first ones */
    size_t n_rejects;
    int report_err; /* HY_EIO, HY_EFULL: the report is not complete */
};

struct hy_import_job_options {
    int fd;           /* the file; closed by the job, also when the start fails */
    int report_fd;    /* gets "line,field,reason,value,kind" as CSV, safe to open in a spreadsheet;
                         closed likewise; -1 = none */
    const char *list; /* NULL or "" = into no list */
    bool create_list; /* when there is none of that name */
    const char *tags; /* NULL or "", or names with commas between them: every lead gets them */
    const char *source; /* NULL or "", or the value of `source` of new leads that have none */
    enum hy_lead_merge merge;
    bool refuse_slips;      /* refuse rows whose domain looks like a slip, instead of a warning */
    bool refuse_disposable; /* refuse rows with an address to be thrown away, likewise */
    bool move_addresses;    /* leads known by an id get the row's address; otherwise those without
                               one do, and the others keep theirs, with a warning */
    bool only_check;        /* store nothing */
    uint64_t first_line;    /* leave out rows that start before this line (but read the header) */
    size_t rejects_max;     /* kept for the end, at most HY_IMPORT_REJECTS_MAX */
    struct hy_import_options import; /* copied, with the mapping; the types are the store's */
    /* All of these on the job's thread. */
    void (*progress)(void *ctx, const struct hy_import_progress *p); /* about five times a second */
    bool (*is_cancelled)(void *ctx); /* asked several times a second; may be NULL */
    void (*done)(void *ctx, const struct hy_import_end *end); /* once, and the last of all */
    void *ctx;
};

struct hy_import_jobs; /* all imports of a daemon */

/* Both must outlive it. HY_ENOMEM. */
HY_MUST_USE int hy_import_jobs_new(struct hy_env *env, struct hy_writer *w,
                                   struct hy_import_jobs **ret);
/* Cancels what runs (done gets HY_ECLOSED), waits for it and frees. The writer must still run. */
void hy_import_jobs_free(struct hy_import_jobs *jobs);
/* How many run. Any thread. */
size_t hy_import_jobs_running(struct hy_import_jobs *jobs);
/* Starts an import. 0: `done` will be called. HY_EBUSY (HY_IMPORT_JOBS_MAX run), HY_EINVAL (a bad
 * list name or mapping), HY_ENOTFOUND (no such list), HY_EFULL, HY_ENOMEM with a note: it will not.
 * Any thread but the writer; waits for the list to be made. */
HY_MUST_USE int hy_import_job_start(struct hy_import_jobs *jobs,
                                    const struct hy_import_job_options *o, struct hy_diag *diag);
