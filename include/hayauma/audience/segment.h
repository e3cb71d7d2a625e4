/* Segments: which leads are meant, in words that people read and write:
 *
 *   score >= 50 and clicked(campaign: "spring", within 30d) and not ordered(within 90d)
 *
 * A text, or the same as JSON, becomes a tree; a tree becomes its text or JSON again. What a tree
 * is true of is another's work. The language: docs/guides/segments.md. Pure. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/zone.h"
#include "hayauma/model/activity.h"

enum {
    HY_SEGMENT_TEXT_MAX = 16384, /* bytes of a text; JSON may have four times as many */
    HY_SEGMENT_NODES_MAX = 1000, /* conditions of a tree, with what joins them */
    HY_SEGMENT_DEPTH_MAX = 32,   /* conditions inside conditions */
    HY_SEGMENT_VALUES_MAX = 1000,
    HY_SEGMENT_FILTERS_MAX = 16, /* of one activity */
    HY_SEGMENT_NAME_MAX = 255,   /* bytes of a name */
    HY_SEGMENT_FAULTS_MAX = 10,  /* that are told of one text */
};

enum hy_segment_kind {
    HY_SEGMENT_ALL,     /* and: items */
    HY_SEGMENT_ANY,     /* or: items */
    HY_SEGMENT_NOT,     /* items[0] */
    HY_SEGMENT_COMPARE, /* an attribute with values */
    HY_SEGMENT_MEMBER,  /* has a tag, is on a list ... */
    HY_SEGMENT_DID,     /* activities of a kind, counted */
};

enum hy_segment_op {
    HY_SEGMENT_EQ,
    HY_SEGMENT_NE,
    HY_SEGMENT_LT,
    HY_SEGMENT_LE,
    HY_SEGMENT_GT,
    HY_SEGMENT_GE,
    HY_SEGMENT_IN, /* one of the values */
    HY_SEGMENT_CONTAINS,
    HY_SEGMENT_STARTS,
    HY_SEGMENT_ENDS,
    HY_SEGMENT_SET,    /* there is a value: no operand */
    HY_SEGMENT_BEFORE, /* a moment */
    HY_SEGMENT_AFTER,  /* that moment or later */
    HY_SEGMENT_WITHIN, /* a time: not longer ago */
    HY_SEGMENT_OLDER,  /* a time: longer ago */
    HY_SEGMENT_OPS,
};

enum hy_segment_value_kind {
    HY_SEGMENT_TEXT,
    HY_SEGMENT_NUMBER,
    HY_SEGMENT_BOOL,
    HY_SEGMENT_DATE, /* a day in the installation's zone, or a moment */
    HY_SEGMENT_TIME, /* a length of time: 30d */
};

struct hy_segment_value {
    enum hy_segment_value_kind kind;
    struct hy_str text; /* as it is written; of a TEXT without its quotes */
    union {
        double number;
        bool yes;
        uint32_t seconds; /* of a TIME, 1 s to 100 years */
        struct {
            hy_wall_ms at; /* of a DATE; of a day, its midnight in UTC */
            bool is_day;
        };
    };
};

enum hy_segment_group {
    HY_SEGMENT_TAG,
    HY_SEGMENT_LIST,
    HY_SEGMENT_GROUP,
    HY_SEGMENT_SEGMENT,
    HY_SEGMENT_GROUPS
};

/* campaign: "spring", amount >= 5000 */
struct hy_segment_filter {
    struct hy_str key;     /* of those of the kind, or "meta.NAME" */
    enum hy_segment_op op; /* EQ: with a text also by a pattern of * ; or a comparison */
    struct hy_segment_value value;
};

struct hy_segment_node {
    enum hy_segment_kind kind;
    enum hy_segment_op op;                 /* COMPARE; of DID that of its count */
    enum hy_segment_group group;           /* MEMBER */
    enum hy_activity_kind did;             /* DID */
    uint32_t count;                        /* DID: how often; "at least once" is GE 1 */
    uint32_t within_s;                     /* DID: not longer ago; 0: whenever */
    struct hy_segment_value since, before; /* DID: DATE; with an empty text: not said */
    struct hy_str name;                    /* COMPARE: the attribute; MEMBER: of what */
    const struct hy_segment_node *const *items;
    const struct hy_segment_value *values;   /* COMPARE */
    const struct hy_segment_filter *filters; /* DID */
    uint16_t n_items, n_values, n_filters;
};

/* Names with a point in them that mean something else than an attribute of the lead: they begin
 * with "cart.", "orders." or "company.", and mean what is known of its open cart, of its orders and
 * of the company that it belongs to. */
enum hy_segment_given {
    HY_SEGMENT_GIVEN_NONE, /* an attribute */
    HY_SEGMENT_CART_VALUE, /* of the open cart that changed last */
    HY_SEGMENT_CART_PIECES,
    HY_SEGMENT_CART_OPENED,
    HY_SEGMENT_CART_CHANGED,
    HY_SEGMENT_ORDERS_COUNT, /* of orders that stand: placed, not cancelled nor refunded */
    HY_SEGMENT_ORDERS_TOTAL,
    HY_SEGMENT_ORDERS_FIRST,
    HY_SEGMENT_ORDERS_LAST,
    HY_SEGMENT_COMPANY_SCORE, /* of the company that the lead belongs to */
    HY_SEGMENT_COMPANY_NAME,
    HY_SEGMENT_COMPANY_DOMAIN,    /* several */
    HY_SEGMENT_COMPANY_ATTRIBUTE, /* company.NAME: hy_segment_company_attribute() */
};
enum hy_segment_given hy_segment_given_of(struct hy_str name);
/* Of a COMPANY_ATTRIBUTE: the name that the company's record knows it by. */
struct hy_str hy_segment_company_attribute(struct hy_str name);

/* Reads a text; the tree and what it points to are the arena's. HY_EPARSE: it is none, noted as
 * "LINE:COLUMN: why"; HY_ELIMIT: too much of something (noted); HY_ENOMEM. */
HY_MUST_USE int hy_segment_parse(struct hy_str text, struct hy_arena *arena, struct hy_diag *diag,
                                 const struct hy_segment_node **ret);
/* One thing that is wrong with a text, and where: both from 1, columns in characters. */
struct hy_segment_fault {
    unsigned line, column; /* 0: of the whole */
    char why[512];
};
/* All that is wrong with a text, in its order, as far as it can be told apart: the first is the one
 * that hy_segment_parse() notes, the others are looked for behind the next "and" or "or". Up to
 * `max`, HY_SEGMENT_FAULTS_MAX are enough; 0: nothing. */
size_t hy_segment_faults(struct hy_str text, struct hy_segment_fault *ret, size_t max);
/* Reads JSON; errors are noted as "and[1].value: why". */
HY_MUST_USE int hy_segment_parse_json(struct hy_str json, struct hy_arena *arena,
                                      struct hy_diag *diag, const struct hy_segment_node **ret);
/* Appends the text, on one line, with no parentheses but those it needs. Reads back as the same
 * tree. */
void hy_segment_put(struct hy_buf *out, const struct hy_segment_node *node);
void hy_segment_put_json(struct hy_buf *out, const struct hy_segment_node *node);

/* -- what is true of one lead ------------------------------------------------------------------ */

/* What somebody did: the value of a key ("url", "amount", "meta.seat"), empty when it has none. */
struct hy_segment_deed {
    struct hy_str (*value)(void *ctx, struct hy_str key);
    void *ctx;
    /* NULL, or: of how many items it is (an order of several products), and which of them value()
     * is to speak of from now on, 0 .. n - 1. */
    unsigned (*items)(void *ctx);
    void (*choose)(void *ctx, unsigned item);
};
/* Whether it, or one of its items, passes all filters of a DID node. Kind and time are not looked
 * at. A text is compared without regard to the case of Latin letters; a * in the filter stands for
 * anything. */
bool hy_segment_matches(const struct hy_segment_node *did, const struct hy_segment_deed *deed);

/* A lead, as somebody has it who asks what is true of it. */
struct hy_segment_facts {
    void *ctx;
    /* The value of an attribute, as it is kept; empty: none. Must live until the next call. */
    struct hy_str (*attribute)(void *ctx, struct hy_str name);
    /* NULL, or: the next value of what was asked last, if it has several; empty: it has no more. */
    struct hy_str (*more)(void *ctx);
    bool (*is_member)(void *ctx, enum hy_segment_group group, struct hy_str name);
    /* How many activities of the node's kind in [from, until) pass hy_segment_matches(); may stop
     * counting at `enough`. */
    uint32_t (*count)(void *ctx, const struct hy_segment_node *did, hy_wall_ms from,
                      hy_wall_ms until, uint32_t enough);
    hy_wall_ms now;
    const struct hy_zone *zone; /* in which days begin; NULL: UTC */

    /* For hy_segment_next_change() alone. When the rank-th newest (1: the newest) of those that
     * count() counts happened; INT64_MIN: there are not so many. An earlier moment than that is no
     * fault, but costs another look. */
    hy_wall_ms (*nth)(void *ctx, const struct hy_segment_node *did, hy_wall_ms from,
                      hy_wall_ms until, uint32_t rank);
    /* NULL, or: the moment up to which a COMPARE node surely stays as true or untrue as it is, if
     * its attribute changes by itself (a score fades); INT64_MAX: for ever. */
    hy_wall_ms (*stays_until)(void *ctx, const struct hy_segment_node *compare);
};
/* Exact opposites are: = and != (so that != is true also of who has no value), not and what it
 * stands before, `within` and `older than` for dates that are not in the future. */
bool hy_segment_is_true(const struct hy_segment_node *node, const struct hy_segment_facts *facts);
/* The same, and when to ask again: the first moment (> facts->now) at which the answer can be
 * another one although nothing happens to the lead, since time passes; INT64_MAX: never. It may be
 * too early, never too late. */
hy_wall_ms hy_segment_next_change(const struct hy_segment_node *node,
                                  const struct hy_segment_facts *facts, bool *ret_is_true);
/* Whether an attribute passes a COMPARE node of which `first` was just said; with several values
 * one that passes is enough, and for != none may be the same. */
bool hy_segment_compares_all(const struct hy_segment_node *compare, struct hy_str first,
                             const struct hy_segment_facts *facts);
/* Whether a value (empty: none) passes a COMPARE node. */
bool hy_segment_compares(const struct hy_segment_node *compare, struct hy_str value, hy_wall_ms now,
                         const struct hy_zone *zone);
/* The moments [*ret_from, *ret_until) in which what a DID node counts must have happened. */
void hy_segment_window(const struct hy_segment_node *did, hy_wall_ms now,
                       const struct hy_zone *zone, hy_wall_ms *ret_from, hy_wall_ms *ret_until);
/* Whether so many pass a DID node; how many it must know to tell: counting may stop there. */
bool hy_segment_is_often(const struct hy_segment_node *did, uint32_t count);
uint32_t hy_segment_enough(const struct hy_segment_node *did);
/* When what a WITHIN or OLDER node says of a value is another thing, by time; INT64_MAX: never. */
hy_wall_ms hy_segment_age_changes(const struct hy_segment_node *compare, struct hy_str value,
                                  hy_wall_ms now, const struct hy_zone *zone);
/* The rank among those that pass a DID node, from the newest, with whose leaving of a `within` the
 * answer is another one, where `count` pass now; 0: it never will be. */
uint32_t hy_segment_rank(const struct hy_segment_node *did, uint32_t count);
