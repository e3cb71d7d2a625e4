/* Keys and values of stored templates, for templates.c and the audit. */
#pragma once
#include "hayauma/store/templates.h"

enum {
    TEMPLATES_VERSION = 1,
    TEMPLATES_HEAD = 'h',
    TEMPLATES_SUMS = 's',
    TEMPLATES_PIECE = 'v',
    TEMPLATES_PIECE_BYTES = 16 * 4096 - 17, /* with its version byte and LMDB's header: 16 pages */
};
struct templates_key {
    uint8_t bytes[4 + 1 + HY_TEMPLATE_NAME_MAX + 1 + 4 + 2];
};

/* Views; `name` is not touched. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int templates_head_read(struct hy_str value, struct hy_stored_template *ret);
HY_MUST_USE int templates_sums_read(struct hy_str value, struct hy_templates_used *ret);
