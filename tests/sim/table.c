/* Prints what each sender makes of each model; with a directory, also the course of each second,
 * for the plots of docs/internals/window.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"

static const char *const who_names[SIM_WHO] = {"window", "fixed", "postfix"};

static int write_course(const char *dir, const struct sim_model *m, enum sim_who who,
                        const struct sim_result *r)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%s.csv", dir, m->name, who_names[who]);
    FILE *f = fopen(path, "we");
    if (!f) {
        perror(path);
        return 1;
    }
    fputs("second,taken,attempts,deferred,refused,open,connections,rate\n", f);
    for (uint32_t i = 0; i < m->seconds; i++) {
        const struct sim_second *s = &r->second[i];
        fprintf(f, "%u,%u,%u,%u,%u,%u,%.0f,%.4g\n", i, s->taken, s->attempts, s->deferred,
                s->refused, s->open, (double)s->connections, (double)s->rate);
    }
    return fclose(f) != 0;
}

static void print_phase(const char *model, const char *who, const struct sim_phase *p)
{
    char when[32];
    if (p->converged >= p->to - p->from)
        snprintf(when, sizeof when, "never");
    else
        snprintf(when, sizeof when, "%u s", p->converged);
    printf("%-17s %-8s %5u %8.4g %7.1f %% %8.2f %% %8.2f %% %8s %8u\n", model, who, p->from,
           p->allowed, 100 * p->goodput, 100 * p->deferred, 100 * p->deferred_all, when,
           p->refused);
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    const char *only = argc > 2 ? argv[2] : NULL;
    printf("%-17s %-8s %5s %8s %9s %10s %10s %8s %8s\n", "model", "sender", "from", "allows",
           "goodput", "deferred", "in all", "found", "refused");
    for (size_t i = 0; i < sim_n_models; i++) {
        const struct sim_model *m = &sim_models[i];
        if (only && strcmp(only, m->name) != 0)
            continue;
        for (int who = 0; who < SIM_WHO; who++) {
            struct provider_model parsed;
            struct sim_result r;
            struct sim_phase phases[PROVIDER_PHASES_MAX];
            int err = sim_model_run(m, (enum sim_who)who, 1, &parsed, &r);
            if (err != HY_OK) {
                fprintf(stderr, "%s: %s\n", m->name, hy_err_text(err));
                return 1;
            }
            uint32_t n = sim_phases(m, &parsed, &r, phases);
            for (uint32_t k = 0; k < n; k++)
                print_phase(m->name, who_names[who], &phases[k]);
            if (dir && write_course(dir, m, (enum sim_who)who, &r))
                return 1;
            free(r.second);
        }
    }
    return 0;
}
