/* What a template needs to be compiled outside of a campaign: the names that it uses, each with the
 * slot that is its place. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/mail/message.h"

enum { HY_TEMPLATE_VARIABLES_MAX = 1024 }; /* names in a template */

struct hy_template_names {
    struct hy_str items[HY_TEMPLATE_VARIABLES_MAX];
    size_t n;
    struct hy_arena *arena;
};
/* hy_message_options.slot; ctx is the names. HY_ELIMIT, HY_ENOMEM. Any thread. */
int hy_template_slot(void *ctx, struct hy_str name, uint16_t *ret, struct hy_diag *diag);
