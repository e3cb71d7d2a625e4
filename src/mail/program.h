/* A template as a list of steps to render it by. */
#pragma once
#include "piece.h"
#include "plan.h"

enum hy_ref_kind {
    HY_REF_SLOT,
    HY_REF_ITEM,   /* "." or ".field" of the innermost section that has it */
    HY_REF_EITHER, /* "field" inside a section: of an item when one has it, else of the slot */
    HY_REF_SYSTEM, /* `slot` is of enum hy_system_value */
};

enum hy_system_value {
    HY_SYSTEM_EMAIL,
    HY_SYSTEM_CAMPAIGN,
    HY_SYSTEM_UNSUBSCRIBE_URL,
    HY_SYSTEM_VIEW_URL,
    HY_SYSTEM_VALUES,
};

/* Where a value comes from. */
struct hy_ref {
    enum hy_ref_kind kind;
    uint16_t slot;
    struct hy_str field; /* of an item; empty = the item itself */
};

enum hy_op_kind {
    HY_OP_TEXT,     /* `text`, and `piece` as it goes out */
    HY_OP_VALUE,    /* `ref` or `fallback`, by `escape` */
    HY_OP_CLICK,    /* the token of link `link` */
    HY_OP_OPEN,     /* the token of the beacon */
    HY_OP_LINK,     /* what follows up to `end` is a URL: when it is http(s), tracked instead */
    HY_OP_SECTION,  /* what follows up to `end` is for each element of `ref`, or when it is true */
    HY_OP_INVERTED, /* ... is for when it is not */
};

struct hy_op {
    enum hy_op_kind kind;
    uint8_t escape;
    bool is_bare; /* an empty value is written "" */
    uint32_t end; /* index behind what belongs to this step */
    uint32_t link;
    struct hy_ref ref;
    struct hy_str text, fallback;
    struct hy_piece *piece;
};

struct hy_program {
    struct hy_op *ops; /* owned */
    size_t n, cap;
};
void hy_program_free(struct hy_program *p);
/* Whether it renders to the same text for everybody. */
bool hy_program_is_fixed(const struct hy_program *p);

/* A link of a campaign. */
struct hy_link {
    struct hy_str target;      /* as its template */
    struct hy_program program; /* the same, compiled */
    bool is_personal, in_text;
    bool uses_item; /* its URL depends on the turn of a loop, which goes into the token */
    struct hy_ref chain[HY_MESSAGE_DEPTH_MAX]; /* the sections around it, outermost first */
    size_t n_chain;
};

struct hy_link_list {
    struct hy_link *v; /* owned */
    size_t n, cap;
};
void hy_link_list_free(struct hy_link_list *l);

/* What templates of one message have in common. */
struct hy_program_env {
    struct hy_arena *arena; /* lives as long as the programs */
    hy_message_slot_fn *slot;
    void *slot_ctx;
    struct hy_str base_url;     /* ends with a slash; empty = nothing tracked */
    struct hy_link_list *links; /* NULL = links are left alone */
    bool has_beacon;
    bool in_text; /* for the links */
    struct hy_diag *diag;
};

/* Compiles tags by their plan. HY_EINVAL with a note, HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_program_build(const struct hy_program_env *env, const struct hy_tags *tags,
                                 const struct hy_plan *plan, struct hy_program *ret_program);

/* Where tokens stand behind base_url. */
#define HY_PATH_CLICK       "c/"
#define HY_PATH_OPEN        "o/"
#define HY_PATH_UNSUBSCRIBE "u/"
#define HY_PATH_VIEW        "v/"
