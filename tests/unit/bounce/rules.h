/* The rules that come with hayauma, for tests. */
#pragma once
#include <criterion/criterion.h>

#include "hayauma/config/bounces.h"

/* Loaded once per process of a test. */
static inline const struct hy_bounce_rules *shipped_rules(void)
{
    static struct hy_bounces *all;
    const char *presets = HY_BOUNCES_PRESETS;
    struct hy_problems problems = {0};
    if (!all)
        cr_assert_eq(hy_bounces_load(&presets, 1, &problems, &all), HY_OK);
    return hy_bounces_rules(all);
}
