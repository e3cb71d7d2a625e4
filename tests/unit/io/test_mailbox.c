#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/io/thread.h"

struct letter {
    struct hy_msg m;
    uint32_t writer, number;
};

static struct hy_mailbox *mailbox_make(uint32_t max)
{
    struct hy_mailbox *mb;
    cr_assert_eq(hy_mailbox_create(max, &mb), 0);
    return mb;
}

static struct letter *letter_of(struct hy_msg *m)
{
    return hy_container_of(m, struct letter, m);
}

/* ---- one thread ---- */

Test(mailbox, hands_out_the_oldest_first_and_all_at_once)
{
    struct hy_mailbox *mb = mailbox_make(10);
    struct letter l[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    cr_assert_null(hy_mailbox_take(mb));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(hy_mailbox_post(mb, &l[i].m), 0);
    cr_assert_eq(hy_mailbox_count(mb), 3);
    uint32_t n = 0;
    for (struct hy_msg *m = hy_mailbox_take(mb); m; m = m->next)
        cr_assert_eq(letter_of(m)->number, n++);
    cr_assert_eq(n, 3);
    cr_assert_eq(hy_mailbox_count(mb), 0);
    cr_assert_null(hy_mailbox_take(mb));
    hy_mailbox_free(mb);
}

Test(mailbox, is_bounded_but_takes_answers)
{
    struct hy_mailbox *mb = mailbox_make(2);
    struct letter l[4];
    cr_assert_eq(hy_mailbox_post(mb, &l[0].m), 0);
    cr_assert_eq(hy_mailbox_post(mb, &l[1].m), 0);
    cr_assert_eq(hy_mailbox_post(mb, &l[2].m), HY_ELIMIT);
    cr_assert_eq(hy_mailbox_post_answer(mb, &l[3].m), 0);
    cr_assert_eq(hy_mailbox_count(mb), 3);
    cr_assert_not_null(hy_mailbox_take(mb));
    cr_assert_eq(hy_mailbox_post(mb, &l[2].m), 0);
    cr_assert_not_null(hy_mailbox_take(mb));
    hy_mailbox_free(mb);
}

Test(mailbox, takes_a_chain_of_answers_in_its_order_between_others)
{
    struct hy_mailbox *mb = mailbox_make(1);
    struct letter l[5];
    for (uint32_t i = 0; i < 5; i++)
        l[i] = (struct letter){.number = i, .m.next = i >= 1 && i < 3 ? &l[i + 1].m : NULL};
    cr_assert_eq(hy_mailbox_post(mb, &l[0].m), 0);
    cr_assert_eq(hy_mailbox_post_answers(mb, &l[1].m), 0, "1 to 3, past the maximum");
    cr_assert_eq(hy_mailbox_post_answers(mb, &l[4].m), 0);
    cr_assert_eq(hy_mailbox_count(mb), 5);
    uint32_t n = 0;
    for (struct hy_msg *m = hy_mailbox_take(mb); m; m = m->next)
        cr_assert_eq(letter_of(m)->number, n++);
    cr_assert_eq(n, 5);
    cr_assert_eq(hy_mailbox_count(mb), 0);
    hy_mailbox_close(mb);
    l[0].m.next = NULL;
    cr_assert_eq(hy_mailbox_post_answers(mb, &l[0].m), HY_ECLOSED);
    hy_mailbox_free(mb);
}

Test(mailbox, refuses_letters_once_closed_but_hands_out_the_old_ones)
{
    struct hy_mailbox *mb = mailbox_make(5);
    struct letter a, b;
    cr_assert_eq(hy_mailbox_post(mb, &a.m), 0);
    hy_mailbox_close(mb);
    cr_assert_eq(hy_mailbox_post(mb, &b.m), HY_ECLOSED);
    cr_assert_eq(hy_mailbox_post_answer(mb, &b.m), HY_ECLOSED);
    cr_assert_eq(hy_mailbox_wait(mb, HY_US_NEVER), &a.m);
    cr_assert_null(hy_mailbox_wait(mb, HY_US_NEVER), "does not sleep for ever");
    hy_mailbox_free(mb);
}

Test(mailbox, waits_no_longer_than_asked)
{
    struct hy_mailbox *mb = mailbox_make(5);
    hy_us start = hy_clock_us();
    cr_assert_null(hy_mailbox_wait(mb, 30 * HY_US_PER_MS));
    hy_us took = hy_clock_us() - start;
    cr_assert(took >= 30 * HY_US_PER_MS && took < HY_US_PER_SEC, "%lld us", (long long)took);
    cr_assert_null(hy_mailbox_wait(mb, 0));
    struct letter a;
    cr_assert_eq(hy_mailbox_post(mb, &a.m), 0);
    cr_assert_eq(hy_mailbox_wait(mb, HY_US_NEVER), &a.m);
    hy_mailbox_free(mb);
}

/* ---- many writers ---- */

enum { WRITERS = 4, LETTERS = 20000 };

struct writer {
    struct hy_mailbox *mb;
    struct letter *letters;
    uint32_t number;
    uint32_t pause_every;
};

static void write_letters(void *arg)
{
    struct writer *w = arg;
    for (uint32_t i = 0; i < LETTERS; i++) {
        w->letters[i].writer = w->number;
        w->letters[i].number = i;
        while (hy_mailbox_post(w->mb, &w->letters[i].m) == HY_ELIMIT)
            usleep(50);
        if (i % w->pause_every == 0)
            usleep(20); /* so that the reader falls asleep now and then */
    }
}

struct reader {
    uint32_t next[WRITERS];
    uint32_t n;
    struct hy_loop *loop;
};

static void read_letters(void *arg, struct hy_msg *first)
{
    struct reader *r = arg;
    for (struct hy_msg *m = first, *next; m; m = next) {
        next = m->next;
        struct letter *l = letter_of(m);
        cr_assert_eq(l->number, r->next[l->writer]++, "out of order");
        r->n++;
    }
    if (r->loop && r->n == WRITERS * LETTERS)
        hy_loop_stop(r->loop);
}

static void many_writers(bool with_loop)
{
    struct hy_mailbox *mb = mailbox_make(1000);
    struct writer w[WRITERS];
    struct hy_thread *t[WRITERS];
    struct reader r = {0};
    if (with_loop) {
        cr_assert_eq(hy_loop_create(&r.loop), 0);
        cr_assert_eq(hy_mailbox_attach(mb, r.loop, read_letters, &r), 0);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){mb, calloc(LETTERS, sizeof(struct letter)), i, 37 + i * 100};
        cr_assert_eq(hy_thread_start("writer", write_letters, &w[i], &t[i]), 0);
    }
    if (with_loop)
        cr_assert_eq(hy_loop_run(r.loop), 0);
    while (r.n < WRITERS * LETTERS) {
        struct hy_msg *first = hy_mailbox_wait(mb, 10 * HY_US_PER_SEC);
        cr_assert_not_null(first, "a wake-up was lost after %u letters", r.n);
        read_letters(&r, first);
    }
    for (int i = 0; i < WRITERS; i++) {
        hy_thread_join(t[i]);
        free(w[i].letters);
        cr_assert_eq(r.next[i], LETTERS);
    }
    cr_assert_eq(hy_mailbox_count(mb), 0);
    hy_mailbox_free(mb);
    hy_loop_free(r.loop);
}

Test(mailbox, loses_no_letter_and_no_wake_up_of_many_writers)
{
    many_writers(false);
}

Test(mailbox, feeds_a_loop_from_many_writers)
{
    many_writers(true);
}

static void post_once(void *arg)
{
    static struct letter l;
    usleep(30000);
    cr_assert_eq(hy_mailbox_post(arg, &l.m), 0);
}

static void note_one(void *arg, struct hy_msg *first)
{
    (void)first;
    ++*(int *)arg;
}

Test(mailbox, wakes_a_sleeping_loop_and_leaves_it_when_detached)
{
    struct hy_loop *loop;
    struct hy_mailbox *mb = mailbox_make(10), *other = mailbox_make(10);
    struct hy_thread *t;
    int n = 0, n_other = 0;
    cr_assert_eq(hy_loop_create(&loop), 0);
    cr_assert_eq(hy_mailbox_attach(mb, loop, note_one, &n), 0);
    cr_assert_eq(hy_mailbox_attach(mb, loop, note_one, &n), HY_EEXIST);
    cr_assert_eq(hy_mailbox_attach(other, loop, note_one, &n_other), 0);
    for (int i = 1; i <= 3; i++) {
        cr_assert_eq(hy_thread_start("poster", post_once, mb, &t), 0);
        hy_us start = hy_clock_us();
        while (n < i) {
            cr_assert_eq(hy_loop_turn(loop, 5 * HY_US_PER_SEC), 0);
            cr_assert_lt(hy_clock_us() - start, 4 * HY_US_PER_SEC, "slept through it");
        }
        hy_thread_join(t);
    }
    hy_mailbox_detach(mb);
    struct letter late;
    cr_assert_eq(hy_mailbox_post(mb, &late.m), 0);
    cr_assert_eq(hy_loop_turn(loop, 0), 0);
    cr_assert_eq(n, 3);
    cr_assert_eq(n_other, 0);
    hy_mailbox_free(mb);
    hy_mailbox_free(other);
    hy_loop_free(loop);
}

/* ---- jobs ---- */

enum { POOL = 3, JOBS = 30000 };

struct pool {
    struct hy_jobs *jobs;
    atomic_uint done;
    atomic_uint largest;
    atomic_uchar seen[JOBS];
};

static void work(void *arg)
{
    struct pool *p = arg;
    for (struct hy_msg *m; (m = hy_jobs_pop(p->jobs, 8)) != NULL;) {
        uint32_t n = 0;
        for (struct hy_msg *next; m; m = next, n++) {
            next = m->next;
            atomic_fetch_add(&p->seen[letter_of(m)->number], 1);
        }
        atomic_fetch_add(&p->done, n);
        if (n > atomic_load(&p->largest))
            atomic_store(&p->largest, n);
    }
}

Test(jobs, gives_every_job_to_one_worker_of_the_pool)
{
    static struct pool p;
    static struct letter letters[JOBS];
    struct hy_thread *t[POOL];
    cr_assert_eq(hy_jobs_create(64, POOL, &p.jobs), 0);
    for (int i = 0; i < POOL; i++)
        cr_assert_eq(hy_thread_start("press", work, &p, &t[i]), 0);
    for (uint32_t i = 0; i < JOBS; i += 3) { /* in chains of three */
        for (uint32_t k = 0; k < 3; k++) {
            letters[i + k].number = i + k;
            letters[i + k].m.next = k < 2 ? &letters[i + k + 1].m : NULL;
        }
        while (hy_jobs_push(p.jobs, &letters[i].m) == HY_ELIMIT)
            usleep(20);
        cr_assert_leq(hy_jobs_count(p.jobs), 64);
    }
    hy_jobs_close(p.jobs);
    for (int i = 0; i < POOL; i++)
        hy_thread_join(t[i]);
    cr_assert_eq(atomic_load(&p.done), JOBS);
    cr_assert_leq(atomic_load(&p.largest), 8);
    for (int i = 0; i < JOBS; i++)
        cr_assert_eq(atomic_load(&p.seen[i]), 1);
    hy_jobs_free(p.jobs);
}

Test(jobs, shares_a_burst_and_refuses_a_chain_that_does_not_fit)
{
    struct hy_jobs *j;
    struct letter l[8];
    cr_assert_eq(hy_jobs_create(7, 2, &j), 0);
    for (int i = 0; i < 8; i++)
        l[i].m.next = i < 7 ? &l[i + 1].m : NULL;
    cr_assert_eq(hy_jobs_push(j, &l[0].m), HY_ELIMIT);
    cr_assert_eq(hy_jobs_count(j), 0, "nothing of it was taken");
    cr_assert_eq(hy_jobs_push(j, &l[2].m), 0); /* six */
    static const int want[] = {3, 2, 1};       /* half of what is there, rounded up, oldest first */
    int at = 2;
    for (int i = 0; i < 3; i++) {
        struct hy_msg *m = hy_jobs_pop(j, 8);
        for (int k = 0; k < want[i]; k++, m = m->next)
            cr_assert_eq(m, &l[at++].m);
        cr_assert_null(m);
    }
    hy_jobs_close(j);
    cr_assert_eq(hy_jobs_push(j, &l[7].m), HY_ECLOSED);
    cr_assert_null(hy_jobs_pop(j, 8));
    hy_jobs_free(j);
}

Test(jobs, hand_out_urgent_ones_before_all_others)
{
    struct hy_jobs *j;
    struct letter l[5];
    cr_assert_eq(hy_jobs_create(5, 1, &j), 0);
    for (int i = 0; i < 5; i++)
        l[i].m.next = NULL;
    cr_assert_eq(hy_jobs_push(j, &l[0].m), 0);
    cr_assert_eq(hy_jobs_push(j, &l[1].m), 0);
    cr_assert_eq(hy_jobs_push_urgent(j, &l[2].m), 0);
    cr_assert_eq(hy_jobs_push_urgent(j, &l[3].m), 0);
    static const int want[] = {2, 3, 0, 1};
    for (int i = 0; i < 4; i++)
        cr_expect_eq(hy_jobs_pop(j, 1), &l[want[i]].m, "job %d", i);
    cr_expect_eq(hy_jobs_count(j), 0);
    cr_assert_eq(hy_jobs_push_urgent(j, &l[4].m), 0);
    cr_expect_eq(hy_jobs_pop(j, 8), &l[4].m);
    hy_jobs_close(j);
    cr_expect_eq(hy_jobs_push_urgent(j, &l[0].m), HY_ECLOSED);
    hy_jobs_free(j);
}
