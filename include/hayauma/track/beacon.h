/* What the web tag sends: a batch of things that a visitor did, as JSON. Bytes of strangers: kinds
 * are of a fixed list, texts have limits, an event that makes no sense is left out and counted.
 * Pure. docs/guides/site.md has the format. */
#pragma once
#include <jansson.h>

#include "hayauma/model/activity.h"

enum {
    HY_BEACON_BYTES_MAX = 16384,
    HY_BEACON_EVENTS_MAX = 32,
    HY_BEACON_NAME_MAX = 254,      /* bytes */
    HY_BEACON_META_MAX = 2048,     /* bytes of what a page says with an event of its own */
    HY_BEACON_MEMBERS_MAX = 20,    /* of it */
    HY_BEACON_AGE_MAX_MS = 600000, /* how long a browser kept an event; what says more is now */
};

struct hy_beacon_event {
    /* kind, at, text, url, link (percent). An IDENTIFY is a claim: its address is in text. */
    struct hy_activity activity;
    json_t *meta; /* the batch's; NULL: none */
};

struct hy_beacon {
    uint64_t visitor;    /* 0: none */
    struct hy_str token; /* of a mail link, not looked at yet; may be empty */
    struct hy_beacon_event events[HY_BEACON_EVENTS_MAX];
    size_t n;
    size_t left_out;
    json_t *json; /* what all that points into */
};

/* HY_EPARSE: it is no batch; HY_ELIMIT: it is too long; HY_ENOMEM. Otherwise *ret is to be ended
 * with hy_beacon_end. */
HY_MUST_USE int hy_beacon_read(struct hy_str text, hy_wall_ms now, struct hy_beacon *ret);
void hy_beacon_end(struct hy_beacon *b);

/* Whether the path of a page matches a pattern: '*' stands for anything, all else for itself; a
 * pattern that begins with http is held against the whole address, and none against a query that it
 * does not have. */
bool hy_page_matches(struct hy_str pattern, struct hy_str url);
