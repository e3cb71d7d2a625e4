/* A configuration described as a const table of rows, one a key: its type, range, default, and the
 * line that tells people what it is. Reading, dumping and the manual page all walk these tables. */
#pragma once
#include "tree.h"
#include "value.h"

enum schema_type {
    SCHEMA_BOOL,      /* bool */
    SCHEMA_INT,       /* uint16_t or uint32_t, by the field's size */
    SCHEMA_SIZE,      /* uint64_t, bytes */
    SCHEMA_DURATION,  /* hy_us */
    SCHEMA_RATE,      /* struct hy_rate */
    SCHEMA_PERCENT,   /* uint32_t */
    SCHEMA_SHARE,     /* uint32_t, hundredths of a percent: "0.3%" is 30 */
    SCHEMA_MODE,      /* mode_t */
    SCHEMA_ENUM,      /* an enum, by `names` */
    SCHEMA_STRING,    /* const char * */
    SCHEMA_PATH,      /* const char *: made absolute, from the file's folder */
    SCHEMA_PATHS,     /* struct hy_strings, as SCHEMA_PATH; `names` are words that are no path */
    SCHEMA_HOSTNAME,  /* const char *: A-labels */
    SCHEMA_IP,        /* struct hy_sockaddr without a port */
    SCHEMA_STRINGS,   /* struct hy_strings */
    SCHEMA_HOSTNAMES, /* struct hy_strings; "*." allowed with SCHEMA_WILDCARD */
    SCHEMA_ENDPOINTS, /* struct hy_sockaddrs; the port defaults to row->min */
    SCHEMA_LIST,      /* {const item *items; size_t n}: sections described by row->items */
    SCHEMA_PAIRS,     /* struct hy_pairs: names and texts chosen by the writer */
    SCHEMA_TIME,      /* hy_wall_ms: RFC 3339 */
    SCHEMA_HOURS,     /* struct hy_hours, without closed days: one text, or spans by days */
    SCHEMA_CLOSED,    /* struct hy_closed_days: dates and ranges of dates */
    SCHEMA_ZONE,      /* const char *: a time zone the system knows; "" = its own */
    SCHEMA_NODE,      /* const struct yaml_node *: read by somebody else */
};

enum schema_flags {
    SCHEMA_REQUIRED = 1, /* must be given, unless there is a default, and not be empty */
    SCHEMA_RESTART = 2,  /* a reload does not apply a change */
    SCHEMA_WILDCARD = 4,
    SCHEMA_ANY = 8, /* of host names: "*" by itself is one, too */
};

struct schema_name {
    const char *name;
    int value;
};

struct schema;
struct schema_row {
    const char *path; /* "delivery.workers" */
    enum schema_type type;
    unsigned flags;
    size_t offset, size; /* the field in the struct */
    int64_t min, max;    /* of numbers, in the field's unit; of texts, bytes */
    const char *def;     /* as written, lists as "[a, b]"; NULL = nothing (zero, empty) */
    const char *zero;    /* the word that stands for 0: "auto", "unlimited" */
    const struct schema_name *names; /* ended by a NULL name */
    const struct schema *items;
    const char *doc;     /* one sentence or two */
    const char *example; /* YAML lines for a list that is empty by default */
};

/* What the reading works with. */
struct schema_ctx {
    const struct yaml_source *src;
    struct hy_arena *arena;
    const char *base_dir; /* relative paths start here */
};

struct schema {
    const struct schema_row *rows;
    size_t n_rows;
    size_t size; /* of the struct */
    /* Further checks of one list item; may be NULL. */
    void (*check)(const struct schema_ctx *ctx, const struct yaml_node *node, void *item);
};

#define SCHEMA_FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)

/* Sets every field to its default; they must read without a fault (a unit test sees to it). */
HY_MUST_USE int schema_defaults(const struct schema *s, const struct schema_ctx *ctx, void *out);
/* Reads what `node` says into `out` and notes every fault; fields it does not name stay as they
 * are. HY_ENOMEM only: faults are in the problems. */
HY_MUST_USE int schema_read(const struct schema *s, const struct schema_ctx *ctx,
                            const struct yaml_node *node, void *out);
/* One field from one node, as schema_read does it. */
HY_MUST_USE int schema_read_value(const struct schema_row *row, const struct schema_ctx *ctx,
                                  const struct yaml_node *node, void *field);
/* Notes a fault at the place of a key, or of the nearest section above it. */
void schema_error_at(const struct schema_ctx *ctx, const struct yaml_node *root, const char *path,
                     const char *fmt, ...) HY_PRINTF(4, 5);
void schema_warn_at(const struct schema_ctx *ctx, const struct yaml_node *root, const char *path,
                    const char *fmt, ...) HY_PRINTF(4, 5);
/* The value of a field as it is written in the file (lists as "[a, b]"). */
void schema_put_value(const struct schema_row *row, const void *field, struct hy_buf *out);
/* "4 KiB to 1 GiB", "1 to 1023"; nothing for types without a range. */
void schema_put_range(const struct schema_row *row, struct hy_buf *out);
const char *schema_type_name(enum schema_type t); /* "duration" */
/* Whether two fields hold the same value. */
bool schema_same(const struct schema_row *row, const void *a, const void *b);
