/* What rules say against each other, and what of them can never have an effect. A mistake that no
 * order of files could make right is an error; one that may come with an upgrade of the presets is
 * a warning, so that an operator's own file goes on working. */
#include "shaping_check.h"

const char *shaping_place(const struct hy_shape_origin *o, char out[SHAPING_PLACE_MAX])
{
    if (o->line)
        snprintf(out, SHAPING_PLACE_MAX, "%.360s:%u", o->file, o->line);
    else
        snprintf(out, SHAPING_PLACE_MAX, "built in");
    return out;
}

void shaping_check(const struct hy_shape_rules *set, struct hy_problems *problems)
{
    struct shaping_checking c = {set, problems};
    shaping_check_limits(&c, set->base);
    shaping_check_replies(&c, set->base);
    for (size_t i = 0; i < set->n_rules; i++) {
        shaping_check_limits(&c, &set->rules[i]);
        shaping_check_replies(&c, &set->rules[i]);
        shaping_check_names(&c, i);
    }
}
