/* A campaign as a person writes it (YAML, with files beside it), and the bundle: the same with
 * every file read, as the CLI hands it to the daemon and the store keeps it. */
#pragma once
#include "hayauma/config/config.h"
#include "hayauma/shape/brakes.h"
#include "hayauma/track/target.h"

enum {
    HY_BUNDLE_MAX = 48 * 1024 * 1024, /* bytes encoded */
    HY_BUNDLE_VERSION = 1,
    HY_BUNDLE_PARTS_MAX = 64,   /* inline images and attachments */
    HY_BUNDLE_LISTS_MAX = 64,   /* lists a campaign may name */
    HY_BUNDLE_HEADERS_MAX = 64, /* further header fields */
    HY_BUNDLE_VARS_MAX = 256,   /* variables with a value for those who have none */
    HY_BUNDLE_GOALS_MAX = 16,   /* what counts as a success of the campaign */
    HY_BUNDLE_BODY_MAX = 4 * 1024 * 1024,
    HY_BUNDLE_PART_MAX = 16 * 1024 * 1024,
};

/* One file that goes along. */
struct hy_bundle_part {
    struct hy_str cid;  /* "logo@example": inline, named by cid: in the HTML; empty = attachment */
    struct hy_str name; /* file name shown to the reader */
    struct hy_str content_type; /* "image/png" */
    struct hy_str data;
};

/* From when on an activity counts for a goal. Stored: never renumber. */
enum hy_goal_after { HY_GOAL_AFTER_CLICK = 1, HY_GOAL_AFTER_OPEN = 2, HY_GOAL_AFTER_DELIVERY = 3 };
/* A named success: a lead did this, within so long of a person's click, say. */
struct hy_bundle_goal {
    struct hy_str name;
    struct hy_str activity; /* one activity in the language of segments: ordered(amount >= 3000) */
    hy_us within_us;
    enum hy_goal_after after;
};

enum hy_bundle_charset { HY_BUNDLE_UTF8 = 0, HY_BUNDLE_ISO2022JP = 1 };
/* Stored: never renumber. */
enum hy_bundle_transfer {
    HY_BUNDLE_TRANSFER_AUTO = 0,
    HY_BUNDLE_TRANSFER_QP = 1,
    HY_BUNDLE_TRANSFER_BASE64 = 2,
    HY_BUNDLE_TRANSFER_8BIT = 3,
};
enum hy_tristate { HY_UNSET = -1, HY_NO = 0, HY_YES = 1 };

/* Everything the daemon needs to know of a campaign; texts are templates in UTF-8 where said so.
 * Views into the bytes it was decoded from, or into the loader's arena. */
struct hy_bundle {
    struct hy_str name;         /* of the campaign */
    const struct hy_str *lists; /* names of lists; none: everybody in the segment */
    size_t n_lists;
    struct hy_str segment;      /* only those of them who are in it; empty = all */
    struct hy_str exclude;      /* not those in this segment; empty = nobody is left out */
    struct hy_str from_address; /* as written; may lack the domain when mail.from_domain is set */
    struct hy_str from_name;    /* template */
    struct hy_str to_name;      /* template; empty = only the address */
    struct hy_str reply_to;     /* empty = none */
    struct hy_str subject;      /* template */
    struct hy_str html, text;   /* templates; one may be empty */
    struct hy_str html_name, text_name; /* what messages about them call them */
    struct hy_pairs headers;            /* values are templates */
    struct hy_pairs vars;               /* values of variables that a lead has no attribute for */
    const struct hy_bundle_part *parts;
    size_t n_parts;
    const struct hy_bundle_goal *goals;
    size_t n_goals;
    enum hy_bundle_charset charset;
    enum hy_bundle_transfer transfer;
    enum hy_tristate track_links; /* unset: what hayauma.yaml says */
    enum hy_tristate beacon;
    bool list_unsubscribe; /* the header pair of RFC 2369 and RFC 8058 */
    hy_wall_ms start_at;   /* 0 = when told to */
    enum hy_priority priority;
    uint32_t weight;       /* 1..100 */
    struct hy_rate speed;  /* count 0 = no limit */
    bool has_hours;        /* false: what hayauma.yaml says */
    struct hy_hours hours; /* without closed days */
    bool has_closed;
    struct hy_closed_days closed;
    bool has_release;
    hy_us release_us;
    struct hy_str time_zone; /* of the hours; empty = what hayauma.yaml says */
    bool is_by_lead, is_uncapped;
    bool has_bounce_limit;   /* false: what hayauma.yaml says */
    uint32_t bounce_percent; /* 0 = never paused for them */
    bool has_complaint_limit;
    uint32_t complaint_share;    /* hundredths of a percent; 0 = never */
    struct hy_str pool;          /* of sources, or one source; empty = what hayauma.yaml says */
    struct hy_str tenant;        /* whose it is, by name; empty = the installation's */
    struct hy_str tracking_host; /* in its links; empty = that of tracking.base_url */
    struct hy_utm utm;
    hy_us expire_us; /* given up this long after its start; 0 = by the site's rule */
};

/* A bundle and the memory behind it. */
struct hy_campaign_file {
    struct hy_bundle bundle;
    struct hy_arena arena;
};

/* Reads a campaign file and everything it names, relative to its folder. Every fault goes to
 * `problems` with its place: HY_EINVAL, HY_EIO, HY_ENOMEM. Any thread; reads files. */
HY_MUST_USE int hy_campaign_file_load(const char *path, struct hy_problems *problems,
                                      struct hy_campaign_file **ret_file);
void hy_campaign_file_free(struct hy_campaign_file *f);

/* Appends the encoded form: a version byte and fields as tag, length, bytes. HY_ELIMIT past
 * HY_BUNDLE_MAX, HY_ENOMEM. */
HY_MUST_USE int hy_bundle_encode(const struct hy_bundle *b, struct hy_buf *out);
/* Checks everything and points into `bytes`; lists and pairs are made in `arena`. HY_ECORRUPT,
 * HY_EVERSION, HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_bundle_decode(struct hy_str bytes, struct hy_arena *arena,
                                 struct hy_bundle *ret_bundle);
