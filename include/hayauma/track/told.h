/* One activity as an application tells of it: a JSON object read, checked field by field. The HTTP
 * API and the files of `hayauma activity import` say the same things. Pure. */
#pragma once
#include <jansson.h>

#include "hayauma/base/arena.h"
#include "hayauma/model/activity.h"

enum {
    HY_TOLD_AHEAD_MS = 600000, /* how far in the future it may lie: clocks differ */
    HY_TOLD_WHO_MAX = 320,     /* bytes of what a lead is known by */
    HY_TOLD_NAME_MAX = 255,
};

/* Whose it is: the field that said so, and its value. */
enum hy_told_by {
    HY_TOLD_NOBODY = 0, /* then a visitor is known */
    HY_TOLD_LEAD,       /* "lead": a number */
    HY_TOLD_EMAIL,      /* "email" */
    HY_TOLD_EXTERNAL,   /* "external_id": "crm:123" */
    HY_TOLD_LINE,       /* "line_id" */
    HY_TOLD_PHONE,      /* "phone" */
};
const char *hy_told_by_name(enum hy_told_by by); /* the field's name; "visitor" for NOBODY */

struct hy_told {
    enum hy_activity_kind kind;
    enum hy_told_by by;
    hy_lead_no lead;   /* when it was said by number */
    struct hy_str who; /* otherwise, as given */
    uint64_t visitor;  /* 0: none was named */
    hy_wall_ms at;     /* 0: now */
    uint32_t percent;  /* of a page or a video, 0..100 */
    struct hy_str name, url, source, ref;
    struct hy_str meta; /* a JSON object, compact; empty: none */
};

struct hy_told_fault {
    const char *code; /* stable: "missing_field", "invalid_value", "unknown_kind" ... */
    char field[80];   /* "" = the whole of it */
    char message[240];
};

/* Strings of *ret are the object's or the arena's. HY_EINVAL: something is wrong, and `fault` says
 * what; HY_ENOMEM. */
HY_MUST_USE int hy_told_read(json_t *object, hy_wall_ms now, struct hy_arena *arena,
                             struct hy_told *ret, struct hy_told_fault *fault);
/* The activity that it is; the lead is to be found yet. */
struct hy_activity hy_told_activity(const struct hy_told *x);
