/* Reading rules in tests: a text, or a file. */
#pragma once
#include "check.h"
#include "hayauma/config/shaping.h"

static inline int parse(const char *text, struct hy_problems *p, struct hy_shape_rules **ret)
{
    struct hy_shaping_layer layer = {"s.yaml", hy_str_of(text)};
    return hy_shaping_parse(&layer, 1, p, ret);
}

static inline int load(const char *path, struct hy_problems *p, struct hy_shape_rules **ret)
{
    return hy_shaping_load(&path, 1, p, ret);
}
