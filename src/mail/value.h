/* The values a template sees: of slots, of the system, and of the items of loops. */
#pragma once
#include "message_priv.h"

/* A run of values: views of the input, or of the scratch that render gives. */
struct hy_value {
    struct hy_str text; /* n = 0: absent */
    bool is_json;       /* an item: the text is a JSON value */
};

/* The item of a section under way. */
struct hy_frame {
    struct hy_value item;
    bool is_object;
};

struct hy_scope {
    const struct hy_message *m;
    const struct hy_render_input *in;
    struct hy_buf *scratch; /* JSON strings and system values are made here */
    struct hy_frame frames[HY_MESSAGE_DEPTH_MAX];
    size_t n_frames;
    uint32_t turn;       /* of the loop that has more than one element, from 0 */
    unsigned n_loops;    /* sections under way that loop over a list */
    uint32_t turns_left; /* of all loops of the message together */
};

struct hy_value hy_scope_find(struct hy_scope *s, const struct hy_ref *ref);
/* As text to show: JSON strings decoded, null is absent. */
struct hy_str hy_value_text(struct hy_scope *s, struct hy_value value);
/* What a section asks: absent, blank, 0, false, no, null, [] and {} are false. */
bool hy_value_is_true(struct hy_scope *s, struct hy_value value);
/* Whether it is a list to loop over: a JSON array. */
bool hy_value_is_list(struct hy_value value);
void hy_scope_push(struct hy_scope *s, struct hy_value item);
void hy_scope_pop(struct hy_scope *s);
