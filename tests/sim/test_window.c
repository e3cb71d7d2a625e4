/* The goals of the window, in virtual time: the same for the same seed on every machine. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "models.h"

static const struct sim_model *model(const char *name)
{
    for (size_t i = 0; i < sim_n_models; i++) {
        if (hy_str_eq(hy_str_of(sim_models[i].name), hy_str_of(name)))
            return &sim_models[i];
    }
    cr_assert_fail("no model %s", name);
    return NULL;
}

static uint32_t run(const struct sim_model *m, enum sim_who who, uint64_t seed,
                    struct sim_phase phases[PROVIDER_PHASES_MAX])
{
    struct provider_model parsed;
    struct sim_result r;
    cr_assert_eq(sim_model_run(m, who, seed, &parsed, &r), HY_OK, "%s", m->name);
    uint32_t n = sim_phases(m, &parsed, &r, phases);
    free(r.second);
    return n;
}

Test(window, reaches_what_each_provider_allows_with_few_deferrals)
{
    for (size_t i = 0; i < sim_n_models; i++) {
        const struct sim_model *m = &sim_models[i];
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct sim_phase p[PROVIDER_PHASES_MAX];
            uint32_t n = run(m, SIM_WINDOW, seed, p);
            for (uint32_t k = 0; k < n; k++) {
                cr_expect_geq(p[k].goodput, m->goodput_least, "%s, seed %lu, from %u s: %.1f %%",
                              m->name, seed, p[k].from, 100 * p[k].goodput);
                cr_expect_leq(p[k].deferred, m->deferred_most, "%s, seed %lu, from %u s: %.2f %%",
                              m->name, seed, p[k].from, 100 * p[k].deferred);
            }
        }
    }
}

Test(window, does_not_knock_at_a_full_door_all_the_time)
{
    struct sim_phase p[PROVIDER_PHASES_MAX];
    run(model("connections"), SIM_WINDOW, 1, p);
    cr_assert_leq(p[0].refused, 10, "%u connections refused in half an hour", p[0].refused);
}

Test(window, does_better_than_fixed_limits_and_than_concurrency_feedback)
{
    static const char *const names[] = {"rate", "tarpit"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct sim_phase w[PROVIDER_PHASES_MAX], other[PROVIDER_PHASES_MAX];
        struct sim_model m = *model(names[i]);
        m.seconds = 300;
        run(&m, SIM_WINDOW, 1, w);
        for (int who = SIM_FIXED; who < SIM_WHO; who++) {
            run(&m, (enum sim_who)who, 1, other);
            bool is_better =
                w[0].deferred + 0.1 < other[0].deferred || w[0].goodput > 1.3 * other[0].goodput;
            cr_assert(is_better, "%s: %.2f deferred, %.2f goodput, against %.2f and %.2f", names[i],
                      w[0].deferred, w[0].goodput, other[0].deferred, other[0].goodput);
        }
    }
}

Test(window, the_same_seed_gives_the_same_course)
{
    struct sim_phase a[PROVIDER_PHASES_MAX], b[PROVIDER_PHASES_MAX];
    struct sim_model m = *model("noise");
    m.seconds = 400;
    run(&m, SIM_WINDOW, 7, a);
    run(&m, SIM_WINDOW, 7, b);
    cr_assert_eq(a[0].goodput, b[0].goodput);
    cr_assert_eq(a[0].deferred, b[0].deferred);
}
