/* Endings: rows that were over without an attempt: suppressed when they were made, cancelled with
 * their campaign, or decided by a person. The third log of what became of recipients, beside
 * attempts and activities: one record tells of all rows of a block that one transaction ended, two
 * bytes each, and every row has an id of its own in the timeline (store/timeline.h). */
#pragma once
#include "hayauma/model/recipient.h"
#include "hayauma/store/env.h"

/* Stored: never renumber. */
enum hy_ending_cause {
    HY_ENDING_LEFT_OUT = 1,  /* the lead was to get no mail when the rows were made */
    HY_ENDING_CANCELLED = 2, /* the campaign was cancelled */
    HY_ENDING_DECIDED = 3,   /* in doubt after a crash, and a person decided */
    HY_ENDING_CAUSES,
};

struct hy_ending {
    hy_id id; /* of this row's end */
    hy_wall_ms at;
    enum hy_ending_cause cause;
    enum hy_rcpt_state state;   /* what the row became: final */
    enum hy_lead_status status; /* of the lead, when it was LEFT_OUT */
    struct hy_rcpt_ref ref;     /* attempts: not kept, 0 */
};

/* A record that is read row by row; its fields are private. Zeroed: none. */
struct hy_ending_reader {
    struct hy_ending next; /* .id: of the row that comes next */
    unsigned left;         /* rows */
    struct hy_str rest;    /* a view of the record */
};
