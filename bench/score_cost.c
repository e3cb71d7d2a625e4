/* What scores cost: the ledger of an activity, trying and giving anew all leads, and giving anew
 * one that did very much. Makes LEADS leads with EACH activities at random, half of which get their
 * points as they come. Usage: score_cost DIR RULES [LEADS [EACH [OF_ONE]]]; DIR is empty; prints
 * JSON. About 2 KB of disk a lead at 5 activities each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "hayauma/base/rand.h"
#include "hayauma/config/scoring.h"
#include "hayauma/react/scores.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_edit.h"

enum {
    LEADS_MAX = 2000000,
    EACH_MAX = 20,
    OF_ONE_MAX = 1000000,
    A_COMMIT = 1000,
    DAYS = 200,
    SLICE_US = 5000,
};

struct world {
    struct hy_env *env;
    struct hy_rng rng;
    struct hy_scorer *scorer;
    const struct hy_score_plan *plan;
    hy_lead_no leads;
    uint64_t each, of_one;
    hy_wall_ms now;
};

static void must(int err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "score_cost: %s: %s\n", what, hy_err_name(err));
    exit(1);
}

static double since(hy_us began)
{
    return (double)(hy_clock_us() - began) / 1e6;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long memory_mb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss / 1024;
}

static void make_leads(struct world *w)
{
    for (uint32_t i = 1; i <= w->leads;) {
        struct hy_txn t;
        must(hy_txn_write(w->env, &t), "transaction");
        for (unsigned k = 0; k < A_COMMIT && i <= w->leads; k++, i++) {
            char address[40];
            struct hy_diag diag = {""};
            struct hy_lead_edit_result r;
            snprintf(address, sizeof address, "p%" PRIu32 "@d%" PRIu32 ".test", i, i % 997);
            struct hy_lead_edit e = {.address = hy_str_of(address), .by = HY_STR("bench")};
            must(hy_lead_edit(&t, &e, &r, &diag), diag.text);
        }
        must(hy_txn_commit(&t), "commit");
    }
}

/* Three of four are for rules with a limit. */
static struct hy_activity deed(struct world *w, hy_lead_no lead)
{
    static const enum hy_activity_kind kinds[] = {HY_ACTIVITY_CLICK, HY_ACTIVITY_KEY_PAGE,
                                                  HY_ACTIVITY_FORM_POST, HY_ACTIVITY_OFFLINE};
    return (struct hy_activity){.kind = kinds[hy_rng_below(&w->rng, 4)],
                                .flags = HY_ACTIVITY_COUNTED,
                                .lead = lead,
                                .text = HY_STR("pricing"),
                                .at = w->now -
                                      (hy_wall_ms)hy_rng_below(&w->rng, DAYS * UINT64_C(86400000))};
}

/* Their CPU each, in us, commits included. */
static double make_activities(struct world *w, uint64_t n, hy_lead_no only, bool is_noted)
{
    double began = cpu_s();
    for (uint64_t i = 0; i < n;) {
        struct hy_txn t;
        must(hy_txn_write(w->env, &t), "transaction");
        for (unsigned k = 0; k < A_COMMIT && i < n; k++, i++) {
            hy_lead_no lead = only ? only : 1 + (hy_lead_no)hy_rng_below(&w->rng, w->leads);
            struct hy_activity a = deed(w, lead);
            must(hy_activity_put(&t, &a), "activity");
            if (is_noted)
                must(hy_scorer_note(w->scorer, &t, &a, 1, NULL), "points");
        }
        must(hy_txn_commit(&t), "commit");
    }
    return (cpu_s() - began) * 1e6 / (double)n;
}

static double try_all(struct world *w)
{
    struct hy_txn t;
    double began = cpu_s();
    must(hy_txn_read(w->env, &t), "snapshot");
    for (hy_lead_no lead = 1; lead <= w->leads; lead++) {
        struct hy_score s;
        struct hy_score_tried tried;
        must(hy_scorer_try(w->scorer, &t, lead, w->now, &tried), "try");
        must(hy_score_read(&t, w->plan, lead, w->now, &s), "score");
    }
    hy_txn_end(&t);
    return cpu_s() - began;
}

static double read_all(struct world *w)
{
    struct hy_txn t;
    struct hy_score s;
    hy_lead_no lead = 0;
    double began = cpu_s();
    must(hy_txn_read(w->env, &t), "snapshot");
    while (hy_score_next_lead(&t, lead, &lead) == HY_OK)
        must(hy_score_read(&t, w->plan, lead, w->now, &s), "score");
    hy_txn_end(&t);
    return cpu_s() - began;
}

/* Leads [from, to], in slices as the writer has them while others are in a hurry. */
static void redo(struct world *w, const char *name, hy_lead_no from, hy_lead_no to)
{
    double began = cpu_s();
    hy_us longest = 0;
    unsigned slices = 0;
    for (hy_lead_no lead = from; lead <= to; slices++) {
        struct hy_txn t;
        int err = HY_OK;
        hy_us start = hy_clock_us();
        must(hy_txn_write(w->env, &t), "transaction");
        t.yield_at = t.yield_by = start + SLICE_US;
        while (lead <= to && err == HY_OK && !hy_txn_should_yield(&t)) {
            err = hy_scorer_redo(w->scorer, &t, lead, true, NULL);
            lead += err == HY_OK;
        }
        must(err == HY_EMORE ? HY_OK : err, "anew");
        hy_us took = hy_clock_us() - start;
        longest = took > longest ? took : longest;
        must(hy_txn_commit(&t), "commit");
    }
    printf(",\"%s\":{\"cpu_s\":%.2f,\"slices\":%u,\"longest_ms\":%.1f}", name, cpu_s() - began,
           slices, (double)longest / 1000);
    fflush(stdout);
}

static uint64_t number(int argc, char **argv, int i, uint64_t usual, uint64_t max)
{
    uint64_t n = argc > i ? strtoull(argv[i], NULL, 10) : usual;
    if (n == 0 || n > max) {
        fprintf(stderr, "score_cost: %s is not from 1 to %" PRIu64 "\n", argv[i], max);
        exit(2);
    }
    return n;
}

static void run(struct world *w)
{
    hy_us began = hy_clock_us();
    uint64_t half = w->leads * w->each / 2;
    make_leads(w);
    printf("{\"leads\":%" PRIu32 ",\"activities\":%" PRIu64 ",\"leads_made_s\":%.1f", w->leads,
           2 * half, since(began));
    double alone = make_activities(w, half, 0, false);
    double both = make_activities(w, half, 0, true);
    printf(",\"activity_us\":%.2f,\"with_points_us\":%.2f", alone, both);
    fflush(stdout);
    printf(",\"try_cpu_s\":%.2f", try_all(w));
    redo(w, "anew", 1, w->leads);
    printf(",\"read_cpu_s\":%.2f", read_all(w));
    (void)make_activities(w, w->of_one, 1, false);
    redo(w, "one_for_the_first_time", 1, 1);
    redo(w, "one_anew", 1, 1);
    struct hy_env_stats s;
    must(hy_env_stats(w->env, &s), "stats");
    printf(",\"of_one\":%" PRIu64 ",\"store_mb\":%" PRIu64 ",\"memory_mb\":%ld}\n", w->of_one,
           s.file_bytes / 1048576, memory_mb());
}

int main(int argc, char **argv)
{
    struct hy_env_options o = {.data_dir = argc > 1 ? argv[1] : "", .mode = HY_ENV_OWNER};
    struct hy_problems problems = {0};
    struct hy_scoring *scoring = NULL;
    struct hy_diag diag = {""};
    struct world w = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: score_cost DIR RULES [LEADS [EACH [OF_ONE]]]\n");
        return 2;
    }
    w.leads = (hy_lead_no)number(argc, argv, 3, 100000, LEADS_MAX);
    w.each = number(argc, argv, 4, 5, EACH_MAX);
    w.of_one = number(argc, argv, 5, 100000, OF_ONE_MAX);
    must(hy_scoring_load(argv[2], &problems, &scoring), argv[2]);
    w.plan = hy_scoring_plan(scoring);
    must(hy_env_open(&o, &w.env, &diag), diag.text);
    must(hy_scorer_new(&(struct hy_scorer_options){.plan = w.plan}, &w.scorer), "scorer");
    hy_rng_seed(&w.rng, 3);
    w.now = hy_clock_wall_ms();
    run(&w);
    hy_scorer_free(w.scorer);
    hy_env_close(w.env);
    hy_scoring_free(scoring);
    hy_problems_free(&problems);
    return 0;
}
