#include <criterion/criterion.h>
#include <stdlib.h>

#include "feeder.h"

enum { CAMPAIGN = 7, ROWS = 3, WORKERS = 2 };

/* A feeder that waits for two workers to stop the run of one campaign. */
struct bed {
    struct hy_deliver d;
    struct feeder f;
    struct camp *camp;
    struct run *run;
};

static struct bed *bed_make(void)
{
    struct bed *b = calloc(1, sizeof *b);
    b->camp = calloc(1, sizeof *b->camp);
    b->run = calloc(1, sizeof *b->run);
    waits_init(&b->d.waits);
    b->f.d = &b->d;
    hy_list_init(&b->f.camps);
    hy_list_init(&b->camp->quiets);
    hy_list_push(&b->f.camps, &b->camp->link);
    atomic_init(&b->run->refs, 1 + WORKERS); /* the campaign's, and one an order */
    b->run->campaign = b->camp->id = CAMPAIGN;
    b->camp->old_run = b->run;
    b->camp->stops_pending = WORKERS;
    return b;
}

static void bed_free(struct bed *b)
{
    run_unref(b->run);
    free(b->camp->lingering);
    free(b->camp);
    waits_close(&b->d.waits);
    free(b);
}

static void keep_answer(void *ctx, int err)
{
    *(int *)ctx = err;
}

static void hold_still(struct bed *b, int *answer)
{
    struct quiet_order *q = calloc(1, sizeof *q);
    *answer = 1;
    q->campaign = CAMPAIGN;
    q->fn = keep_answer;
    q->ctx = answer;
    camp_quiet(&b->f, q);
}

static void worker_answers(struct bed *b, size_t n, bool is_lost)
{
    struct stop_order *o = calloc(1, sizeof *o);
    o->run = b->run;
    o->is_lost = is_lost;
    o->n_lingering = n;
    o->lingering = n ? calloc(n, sizeof *o->lingering) : NULL;
    camp_stopped(&b->f, o);
}

Test(stop, a_campaign_is_still_when_each_worker_has_said_what_it_has_on_the_wire)
{
    struct bed *b = bed_make();
    int answer;
    hold_still(b, &answer);
    worker_answers(b, ROWS, false);
    cr_assert_eq(answer, 1, "not before the last of them");
    worker_answers(b, 0, false);
    cr_assert_eq(answer, HY_OK);
    cr_assert_eq(b->camp->n_lingering, ROWS);
    bed_free(b);
}

Test(stop, a_campaign_whose_rows_on_the_wire_are_not_known_rests_whoever_answers_first)
{
    for (int lost = 0; lost < WORKERS; lost++) {
        struct bed *b = bed_make();
        int answer;
        hold_still(b, &answer);
        for (int i = 0; i < WORKERS; i++)
            worker_answers(b, i == lost ? 0 : ROWS, i == lost);
        cr_assert_eq(answer, HY_ENOMEM, "worker %d", lost);
        cr_assert_eq(b->camp->n_quiet, 0);
        cr_assert_eq(b->camp->stops_pending, UINT32_MAX, "no run is begun again");
        hold_still(b, &answer);
        cr_assert_eq(answer, HY_ENOMEM);
        bed_free(b);
    }
}
