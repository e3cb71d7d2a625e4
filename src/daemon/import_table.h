/* What imports of files of rows share: reading, batches to the writer, the report of refused rows,
 * progress and the answer. A kind of import has this as the first part of its job and says what a
 * row is. */
#pragma once
#include "ctl_common.h"
#include "hayauma/audience/import.h"
#include "hayauma/audience/sheet.h"
#include "hayauma/store/told.h"
#include "import_priv.h"

enum { IMPORT_TABLE_CHUNK = 256 * 1024, IMPORT_TABLE_MAP_MAX = 64 };

struct import_table;

/* Rows of the batch are numbered 0 .. t->n - 1. */
struct import_table_kind {
    const char *act;  /* as which it is logged */
    size_t rows_max;  /* of a batch */
    size_t bytes_max; /* of t->arena, which is emptied with each batch */
    /* NULL: t->sheet takes the bytes, and the columns that it knows are told. */
    int (*feed)(struct import_table *t, struct hy_str bytes);
    int (*end)(struct import_table *t);
    /* The next row becomes number t->n of the batch; it sets t->line. HY_EMORE. */
    int (*next)(struct import_table *t, struct hy_diag *diag);
    int (*put)(struct import_table *t, size_t i, struct hy_txn *txn);  /* the writer's thread; may
                                                                          be called again */
    int (*look)(struct import_table *t, size_t i, struct hy_txn *txn); /* in place of put: nothing
                                                                          is to be stored */
    void (*count)(struct import_table *t, size_t i);                   /* after the commit */
    void (*clear)(struct import_table *t, size_t i); /* NULL, or: the row is over */
    void (*set_counts)(struct import_table *t, json_t *o);
    int (*finish)(struct import_table *t);  /* NULL, or: all rows are in */
    bool (*is_any)(struct import_table *t); /* something was stored; NULL: added or changed */
    void (*free)(struct import_table *t);   /* the whole job */
};

struct import_table {
    const struct import_table_kind *kind;
    struct hy_daemon *d;
    struct hy_control_call *call;
    int fd, report_fd;
    bool is_dry;
    char by[80];
    hy_wall_ms now;
    struct import_report report;
    struct hy_write_req req;
    struct hy_arena arena;
    size_t n;
    struct hy_sheet *sheet; /* freed with the job; NULL: the kind reads in another way */
    uint64_t added, changed, same;
    uint64_t read, refused, bytes, bytes_total, line;
    char chunk[IMPORT_TABLE_CHUNK];
};

/* A new job has its kind, daemon and call. Reads `dry_run` and what all imports have. */
void import_table_init(struct import_table *t, const struct import_table_kind *kind,
                       struct hy_daemon *d, struct hy_control_call *call);
/* The argument "charset". HY_EINVAL with a note. */
HY_MUST_USE int import_table_charset(const json_t *args, enum hy_charset *ret,
                                     struct hy_diag *diag);
/* The argument "currency", three letters; "": none was given. HY_EINVAL with a note. */
HY_MUST_USE int import_table_currency(const json_t *args, char ret[4], struct hy_diag *diag);
/* "HEAD=FIELD,HEAD=FIELD" into `map`; it points into `text`. HY_EINVAL, HY_ELIMIT with a note. */
HY_MUST_USE int import_table_map(const char *text, struct hy_import_map map[IMPORT_TABLE_MAP_MAX],
                                 size_t *ret_n, struct hy_diag *diag);
/* The arguments "charset" and "map" for t->sheet, which is made. The last two are of
 * struct hy_sheet_options. HY_ENOMEM; HY_EINVAL, HY_ELIMIT with a note. */
HY_MUST_USE int import_table_sheet(struct import_table *t, const struct hy_sheet_field *fields,
                                   size_t n_fields, bool keeps_rest, struct hy_diag *diag);
/* Takes the descriptors and starts the thread; on an error (`err` may be one already) the call has
 * failed and the job is freed. Main thread. */
void import_table_start(struct import_table *t, int err, struct hy_diag *diag);
/* Counts a row as refused and reports it. */
void import_table_refuse(struct import_table *t, const struct hy_import_row *row);
/* What is known by a number or name was noted anew, changed, or stood so already. */
void import_table_note(struct import_table *t, bool is_new, bool is_changed);
/* The counts of that. */
void import_table_set_noted(const struct import_table *t, json_t *o);
/* "columns": which columns of the file were taken as what. */
void import_table_set_columns(json_t *o, const struct hy_sheet_head *heads, size_t n);
/* Why a lead could not be found: the reason of a refusal. */
struct hy_str import_table_who_reason(const struct hy_told_result *r, const struct hy_diag *why);
/* In place of hy_told_put: whether there is such a lead. */
HY_MUST_USE int import_table_look(struct hy_txn *txn, const struct hy_told *told, bool makes_leads,
                                  struct hy_told_result *ret, struct hy_diag *why);
