/* The steps of an erasure, and who else has to know that somebody was erased. */
#pragma once
#include "hayauma/store/activity.h"
#include "hayauma/store/attempt.h"
#include "hayauma/store/erase.h"
#include "hayauma/store/lead_alias.h"
#include "scrub.h"

/* What of an erasure is in the store. */
struct erase_record {
    uint8_t step; /* of those in erase.c; ERASE_OVER */
    hy_wall_ms started, finished;
    uint64_t pos[2]; /* where the step is: its own business, zeroed at its beginning */
    struct hy_scrub scrub;
    uint64_t cancelled, attempts, activities, messages, masked;
    char by[HY_ERASE_BY_MAX];
    uint8_t by_n;
};

struct erasing {
    struct hy_txn *t;
    struct hy_erase_job *j;
    hy_lead_no lead;
    struct erase_record r;
    hy_lead_no parts[HY_LEAD_PARTS_MAX]; /* none once the records are gone */
    size_t n_parts;
    struct hy_erase_names names; /* likewise */
    bool has_written;
};

/* All of these: 0: it is done; HY_EMORE: the slice should end, r.pos says where it goes on; another
 * error ends the job. They may be called again for what they have done already. */

/* erase_mail.c */
HY_MUST_USE int hy_erase_rows(struct erasing *e);  /* of campaigns, with their attempts */
HY_MUST_USE int hy_erase_spool(struct erasing *e); /* ready messages */
/* erase_text.c: in all tables that keep words, addresses become others of the same length */
HY_MUST_USE int hy_erase_words(struct erasing *e);
/* erase_rest.c */
HY_MUST_USE int hy_erase_suppress(struct erasing *e);
HY_MUST_USE int hy_erase_activities(struct erasing *e);
/* All that are found by one thing. */
HY_MUST_USE int hy_erase_activities_of(struct erasing *e, const struct hy_activity_who *who);
HY_MUST_USE int hy_erase_lead(struct erasing *e); /* the lead's own tables: the last */

/* Notes that a part of the person is gone. */
int hy_erase_note(struct erasing *e, hy_lead_no part);

/* Writes ~ over the local parts of the names wherever they stand in `text`, as they are, or with
 * "%40" or "=" in place of "@". Returns how many. */
unsigned hy_erase_mask(const struct hy_erase_names *names, char *text, size_t n);
/* Whether it is an address that was masked as a whole. */
bool hy_erase_is_masked(struct hy_str address);

/* ---- for who writes later of somebody who was erased ---- */

/* Takes the words out of an attempt of such a row. Asked at each settle: nothing is looked up while
 * nobody was erased. The writer's transaction. */
void hy_erase_hush(struct hy_txn *t, struct hy_attempt *a);
/* Takes out of an activity what names or describes such a person; it is counted still. */
void hy_erase_strip(struct hy_txn *t, struct hy_activity *a);
