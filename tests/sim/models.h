/* The providers that the window is judged by. */
#pragma once
#include "sim.h"

struct sim_model {
    const char *name, *says;
    const char *spec; /* see provider_model_parse */
    uint32_t seconds;
    uint32_t settle;      /* from each change on, the time in which it must find the new level */
    double deferred_most; /* share of attempts after that */
    double goodput_least; /* share of what the model allows, after that */
};
extern const struct sim_model sim_models[];
extern const size_t sim_n_models;

enum sim_who { SIM_WINDOW, SIM_FIXED, SIM_POSTFIX, SIM_WHO };

/* One sender against one model, ceiling 20 connections. */
HY_MUST_USE int sim_model_run(const struct sim_model *m, enum sim_who who, uint64_t seed,
                              struct provider_model *ret_parsed, struct sim_result *ret);

/* A stretch in which a model does not change. */
struct sim_phase {
    uint32_t from, to;
    double allowed;      /* messages a second that the model takes in the long run */
    uint32_t converged;  /* seconds from its beginning until 90 % of that; to - from: never */
    double goodput;      /* share of `allowed`, from `settle` on */
    double deferred;     /* share of attempts, from `settle` on */
    double deferred_all; /* from the beginning */
    uint32_t refused;    /* connections refused from `settle` on */
};
uint32_t sim_phases(const struct sim_model *m, const struct provider_model *parsed,
                    const struct sim_result *r, struct sim_phase ret[PROVIDER_PHASES_MAX]);
