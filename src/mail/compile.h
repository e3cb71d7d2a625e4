/* Compiling a message, shared by the files that do it: options, header fields, and the rest. */
#pragma once
#include "message_priv.h"

struct hy_compile {
    struct hy_message *m;
    const struct hy_message_source *source;
    const struct hy_message_options *options;
    struct hy_arena arena; /* for what only compiling needs */
    struct hy_buf fixed;   /* header fields that are the same for everybody, under way */
    struct hy_diag *diag;
};

/* A copy that lives as long as the message; HY_ENOMEM is noted. */
HY_MUST_USE int hy_compile_keep(struct hy_compile *c, struct hy_str s, struct hy_str *ret);
/* The template of a header field; `name` is what notes call it. */
HY_MUST_USE int hy_compile_value(struct hy_compile *c, struct hy_str name, struct hy_str value,
                                 struct hy_program *ret);
/* Checks and copies the options. */
HY_MUST_USE int hy_compile_options(struct hy_compile *c);
/* All header fields, in their order, and the frame of the parts. The parts are compiled. */
HY_MUST_USE int hy_compile_fields(struct hy_compile *c);
/* Whether hayauma writes this field itself, or nobody may; `flags` of enum hy_message_flag. */
bool hy_compile_is_reserved(struct hy_str name, unsigned flags);
