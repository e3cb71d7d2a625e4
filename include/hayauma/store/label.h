/* Tags and groups: names with numbers, whose members are sets of leads (store/lead_set.h); and
 * which of them a lead has. */
#pragma once
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

typedef uint32_t hy_label_no; /* dense, 1..: of its kind */

/* Stored: never renumber. */
enum hy_label_kind { HY_LABEL_TAG = 1, HY_LABEL_GROUP = 2 };
enum {
    HY_LABEL_NAME_MAX = 100,   /* bytes of UTF-8, no control characters, no blanks at the ends */
    HY_LABELS_MAX = 100000,    /* names of a kind */
    HY_LEAD_LABELS_MAX = 1000, /* of a lead, both kinds together */
};

struct hy_label {
    enum hy_label_kind kind;
    hy_label_no no;
    struct hy_str name; /* a view */
};

/* HY_ENOTFOUND. */
HY_MUST_USE int hy_label_find(struct hy_txn *t, enum hy_label_kind kind, struct hy_str name,
                              hy_label_no *ret);
HY_MUST_USE int hy_label_name(struct hy_txn *t, enum hy_label_kind kind, hy_label_no no,
                              struct hy_str *ret);
/* The first with a number > `after`; HY_ENOTFOUND at the end. */
HY_MUST_USE int hy_label_next(struct hy_txn *t, enum hy_label_kind kind, hy_label_no after,
                              struct hy_label *ret);
/* Those of a lead, tags first, each kind by number; `each` as in hy_identity_each. */
HY_MUST_USE int hy_lead_labels(struct hy_txn *t, hy_lead_no lead,
                               int (*each)(void *ctx, const struct hy_label *l), void *ctx);

/* Whether it can name a tag or a group. */
bool hy_label_name_ok(struct hy_str name);
/* 0: it is there, or may be made; HY_ELIMIT. */
HY_MUST_USE int hy_label_room(struct hy_txn *t, enum hy_label_kind kind, struct hy_str name);

/* Finds or makes it. HY_EINVAL: no name; HY_ELIMIT. The writer's transaction, as all below. */
HY_MUST_USE int hy_label_intern(struct hy_txn *t, enum hy_label_kind kind, struct hy_str name,
                                hy_label_no *ret);
/* Puts it on a lead, or takes it away; *ret_changed tells whether that changed anything. The change
 * is not logged (hy_lead_changed). HY_ELIMIT. */
HY_MUST_USE int hy_lead_label(struct hy_txn *t, hy_lead_no lead, enum hy_label_kind kind,
                              hy_label_no no, bool *ret_changed);
HY_MUST_USE int hy_lead_unlabel(struct hy_txn *t, hy_lead_no lead, enum hy_label_kind kind,
                                hy_label_no no, bool *ret_changed);
