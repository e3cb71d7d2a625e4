#include <criterion/criterion.h>
#include <stdio.h>

#include "lane.h"

enum { LANES = 100, MESSAGES = 400 };

/* Lanes of two workers that send by one rate; what a lane's turn would do is `turn`. */
struct bed {
    struct hy_deliver *d;
    struct pace_line *lines;
    struct hy_rate_shared used;
    struct hy_rate rate;
    struct lane lanes[LANES];
    unsigned turns, sent[LANES], all, most;
    bool is_idle[LANES]; /* it takes none */
};

static void turn(void *arg)
{
    struct lane *l = arg;
    struct bed *b = hy_container_of(l - l->next_host, struct bed, lanes[0]);
    unsigned i = l->next_host;
    b->turns++;
    while (!b->is_idle[i] && b->all < b->most &&
           pace_take(&b->lines[l->worker->index], &l->token, &b->used, b->rate,
                     hy_loop_now(l->worker->loop))) {
        b->sent[i]++;
        b->all++;
    }
    pace_return(&l->granted);
}

static struct bed *bed_open(struct hy_rate rate)
{
    struct bed *b = calloc(1, sizeof *b);
    b->d = calloc(1, sizeof *b->d);
    b->d->n_workers = 2;
    for (unsigned i = 0; i < 2; i++) {
        b->d->workers[i].index = i;
        cr_assert_eq(hy_loop_create(&b->d->workers[i].loop), HY_OK);
    }
    b->lines = pace_lines_new(b->d->workers, 2);
    b->rate = rate;
    b->most = MESSAGES;
    for (unsigned i = 0; i < LANES; i++) {
        struct lane *l = &b->lanes[i];
        l->worker = &b->d->workers[i % 2];
        l->next_host = i; /* its number here */
        hy_list_init(&l->granted);
        pace_place_init(&l->token, l);
        hy_defer_init(&l->pump, turn, l);
        lane_wake(l);
    }
    return b;
}

static void bed_run(struct bed *b)
{
    for (unsigned i = 0; b->all < b->most; i++) {
        int err = hy_loop_turn(b->d->workers[i % 2].loop, 1000);
        cr_assert_eq(err, HY_OK);
    }
}

static void bed_close(struct bed *b)
{
    for (unsigned i = 0; i < LANES; i++) {
        pace_leave(&b->lanes[i].token);
        hy_loop_undefer(&b->lanes[i].pump);
    }
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_not(hy_timer_armed(&b->lines[i].timer), "nobody waits");
        hy_loop_free(b->d->workers[i].loop);
    }
    free(b->lines);
    free(b->d);
    free(b);
}

Test(pace, a_token_wakes_one_lane_and_all_have_their_turn)
{
    struct bed *b = bed_open((struct hy_rate){1000, HY_US_PER_SEC});
    bed_run(b);
    /* each lane was woken once to begin with, and a message wakes one: it takes its token, and
     * finds that there is no second one */
    cr_expect_leq(b->turns, LANES + MESSAGES, "%u turns for %u messages", b->turns, b->all);
    unsigned least = MESSAGES, most = 0;
    for (unsigned i = 0; i < LANES; i++) {
        least = b->sent[i] < least ? b->sent[i] : least;
        most = b->sent[i] > most ? b->sent[i] : most;
    }
    /* the burst that may go at once is one lane's, a fiftieth of the count */
    cr_expect(least >= 2 && most <= MESSAGES / LANES + 25, "%u..%u of %u", least, most, b->all);
    bed_close(b);
}

Test(pace, a_token_that_its_lane_has_no_use_for_goes_to_the_next)
{
    struct bed *b = bed_open((struct hy_rate){1000, HY_US_PER_SEC});
    b->most = LANES; /* all have asked, and most stand in line */
    bed_run(b);
    for (unsigned i = 0; i < LANES; i++)
        b->is_idle[i] = i % 10 != 0;
    b->most += MESSAGES;
    bed_run(b);
    cr_expect_eq(b->all, LANES + MESSAGES);
    bed_close(b);
}

Test(pace, a_rate_that_is_lifted_lets_those_go_that_wait)
{
    struct bed *b = bed_open((struct hy_rate){1, 3600 * HY_US_PER_SEC});
    b->most = 1;
    bed_run(b);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(hy_loop_turn(b->d->workers[i].loop, 0), HY_OK);
    b->most = 1 + MESSAGES;
    b->rate = (struct hy_rate){0};
    for (unsigned i = 0; i < LANES; i++)
        lane_wake(&b->lanes[i]); /* as another policy does */
    bed_run(b);
    cr_expect_eq(b->all, 1 + MESSAGES);
    bed_close(b);
}
