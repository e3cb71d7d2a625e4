/* Plans compared. */
#include "hayauma/score/plan.h"

#include "hayauma/base/hash.h"

static void add(uint64_t *print, const void *p, size_t n)
{
    struct hy_hash_key key = {*print, n};
    *print = hy_siphash(&key, p, n);
}

uint64_t hy_score_plan_print(const struct hy_score_plan *p)
{
    uint64_t print = p->n_rules;
    for (size_t i = 0; i < p->n_rules; i++) {
        add(&print, p->rules[i].name.p, p->rules[i].name.n);
        add(&print, &p->rules[i].print, sizeof p->rules[i].print);
    }
    for (size_t i = 0; i < p->n_thresholds; i++) {
        const struct hy_score_threshold *t = &p->thresholds[i];
        add(&print, t->name.p, t->name.n);
        add(&print, &t->from, sizeof t->from);
        add(&print, &t->until, sizeof t->until);
    }
    return print;
}
