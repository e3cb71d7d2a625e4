/* The audit of leads on their way to sales: entries that cannot be read, which nobody is told of.
 */
#include <stdio.h>

#include "audit_priv.h"
#include "hayauma/store/handoff.h"

static void damaged(void *ctx, struct hy_str key)
{
    char hex[2 * 16 + 1] = "";
    for (size_t i = 0; i < key.n && i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(unsigned char)key.p[i]);
    hy_audit_problem(ctx, "handoffs: the entry %s is damaged: nobody is told of its lead", hex);
}

int hy_audit_handoffs(struct audit *a)
{
    uint64_t n = 0;
    return hy_handoff_damaged(&a->t, damaged, a, &n);
}
