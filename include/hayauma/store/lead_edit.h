/* Making or changing one lead, all of it in one transaction: what the API, the command line, forms
 * and merging do. Imports of rows without ids take the way of hy_lead_upsert (lead.h). Every change
 * is logged (lead_change.h). */
#pragma once
#include "hayauma/store/identity.h"
#include "hayauma/store/label.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/list.h"

enum {
    HY_LEAD_EDIT_MAX = 256, /* of each of the arrays below, but for */
    HY_LEAD_EDIT_IDS_MAX = 32,
};

struct hy_lead_edit_attr {
    struct hy_str name;
    struct hy_str value; /* empty: it is unset */
};
struct hy_lead_edit_label {
    enum hy_label_kind kind;
    bool is_removed;
    struct hy_str name;
};
struct hy_lead_edit_identity {
    struct hy_identity identity; /* as people write it */
    bool is_removed;
};
struct hy_lead_edit_list {
    struct hy_str name;
    bool is_left;
    bool is_confirmed; /* who asks vouches for it: no double opt-in */
};

enum hy_lead_edit_mode {
    HY_LEAD_EDIT_ANY,    /* change it, or make it when it is not there */
    HY_LEAD_EDIT_NEW,    /* HY_EEXIST when it is there */
    HY_LEAD_EDIT_CHANGE, /* HY_ENOTFOUND when it is not */
};

struct hy_lead_edit {
    enum hy_lead_edit_mode mode;
    /* Which lead: all that is given must mean the same one. */
    hy_lead_no lead;       /* 0: not said */
    struct hy_str address; /* empty: not said. A lead found otherwise gets it as its address */
    const struct hy_lead_edit_attr *attrs; /* a name twice: the later one counts */
    const struct hy_lead_edit_label *labels;
    const struct hy_lead_edit_identity *identities; /* those not removed are looked for, too */
    const struct hy_lead_edit_list *lists;
    size_t n_attrs, n_labels, n_identities, n_lists;
    bool is_filling;   /* attributes that have a value keep it */
    struct hy_str by;  /* who: "uid 0", "api shop", "form /contact" */
    uint8_t ip[16];    /* whence the person who joins a list came; zeroed: not known */
    struct hy_str url; /* the page of a form that joined lists; may be empty */
    /* A JSON object: how the person agreed, kept with the activities of lists; may be empty. */
    struct hy_str proof;
};

struct hy_lead_edit_result {
    hy_lead_no lead;
    bool is_new;
    uint8_t what;     /* what changed: bits of enum hy_lead_what; 0: nothing */
    uint32_t pending; /* lists that wait for the person to confirm */
};

/* HY_EINVAL, HY_EPARSE (a value, an address, a name: the note says which and why), HY_ENOTFOUND
 * (the lead, a list), HY_EEXIST (it is there; or what was given means two leads), HY_ELIMIT (too
 * many of something). Nothing was written then. The writer's transaction. */
HY_MUST_USE int hy_lead_edit(struct hy_txn *t, const struct hy_lead_edit *e,
                             struct hy_lead_edit_result *ret, struct hy_diag *diag);

/* Only finds out what hy_lead_edit would say: its errors, and of *ret `lead` (0: none yet) and
 * `is_new`. Any transaction. */
HY_MUST_USE int hy_lead_edit_look(struct hy_txn *t, const struct hy_lead_edit *e,
                                  struct hy_lead_edit_result *ret, struct hy_diag *diag);

/* Takes all away that the tables of leads have of it: record, address, identities, tags and groups,
 * lists and what waits to be confirmed. Its number is never given again. Its activities, scores and
 * segments are others'. Not logged. HY_ENOTFOUND. The writer's transaction. */
int hy_lead_delete(struct hy_txn *t, hy_lead_no lead);
