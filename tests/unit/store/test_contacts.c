#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fixture.h"
#include "hayauma/store/contacts.h"

#define HOUR 3600000LL
#define T0   1795305600000LL /* 2026-11-22 00:00 UTC */

static struct store_dir dir;
static struct hy_contacts *table;

static void setup(void)
{
    dir = store_dir_make();
    cr_assert_eq(hy_contacts_open(dir.path, 1024, &table, NULL), HY_OK);
}

static void teardown(void)
{
    hy_contacts_close(table);
    store_dir_remove(&dir);
}

TestSuite(contacts, .init = setup, .fini = teardown);

static int mail(hy_lead_no lead, const struct hy_contact_cap *cap, hy_wall_ms at)
{
    int err = hy_contacts_claim(table, lead, cap, at);
    if (err == HY_OK)
        hy_contacts_release(table, lead, at);
    return err;
}

Test(contacts, let_so_many_mails_through_in_any_period)
{
    const struct hy_contact_cap cap = {3, 168};
    static const struct {
        int hour, want;
    } cases[] = {{0, HY_OK},       {10, HY_OK},  {20, HY_OK},      {21, HY_ELIMIT},
                 {167, HY_ELIMIT}, {168, HY_OK}, {169, HY_ELIMIT}, {177, HY_ELIMIT},
                 {178, HY_OK},     {188, HY_OK}, {189, HY_ELIMIT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int got = mail(5, &cap, T0 + cases[i].hour * HOUR);
        cr_expect_eq(got, cases[i].want, "hour %d: %s", cases[i].hour, hy_err_name(got));
    }
    cr_expect_eq(mail(6, &cap, T0 + 21 * HOUR), HY_OK, "another lead has mails of its own");
}

Test(contacts, count_claims_of_others_and_forget_those_that_came_to_nothing)
{
    const struct hy_contact_cap cap = {1, 24};
    cr_expect_eq(hy_contacts_claim(table, 9, &cap, T0), HY_OK);
    cr_expect_eq(hy_contacts_claim(table, 9, &cap, T0), HY_ELIMIT, "one is on its way");
    hy_contacts_release(table, 9, 0);
    cr_expect_eq(hy_contacts_count(table, 9, 24, T0), 0, "it was not mailed");
    cr_expect_eq(hy_contacts_claim(table, 9, &cap, T0), HY_OK);
    hy_contacts_release(table, 9, T0);
    cr_expect_eq(hy_contacts_claim(table, 9, &cap, T0 + 23 * HOUR), HY_ELIMIT);
    cr_expect_eq(hy_contacts_claim(table, 9, &cap, T0 + 24 * HOUR), HY_OK);
    hy_contacts_release(table, 9, 0);
}

Test(contacts, remember_mails_but_no_claims_over_a_kill)
{
    const struct hy_contact_cap cap = {2, 24};
    cr_expect_eq(mail(70000, &cap, T0), HY_OK);
    cr_expect_eq(hy_contacts_claim(table, 70000, &cap, T0), HY_OK);
    hy_contacts_close(table); /* nothing was released: as after kill -9 */
    cr_assert_eq(hy_contacts_open(dir.path, 1024, &table, NULL), HY_OK);
    cr_expect_eq(hy_contacts_count(table, 70000, 24, T0), 1);
    cr_expect_eq(mail(70000, &cap, T0 + HOUR), HY_OK);
    cr_expect_eq(mail(70000, &cap, T0 + HOUR), HY_ELIMIT);
}

Test(contacts, keep_the_newest_sixteen_over_a_cycle_of_hours)
{
    const struct hy_contact_cap cap = {HY_CONTACTS_KEPT, HY_CONTACTS_HOURS_MAX};
    for (int i = 0; i < 16; i++)
        cr_expect_eq(mail(1, &cap, T0 + i * HOUR), HY_OK, "%d", i);
    cr_expect_eq(mail(1, &cap, T0 + 17 * HOUR), HY_ELIMIT);
    cr_expect_eq(mail(1, &cap, T0 + HY_CONTACTS_HOURS_MAX * HOUR), HY_OK, "the first is too old");
    cr_expect_eq(
        hy_contacts_count(table, 1, HY_CONTACTS_HOURS_MAX, T0 + HY_CONTACTS_HOURS_MAX * HOUR), 16);
    for (int h = 0; h < 65535 + 100; h += 7) { /* seven and a half years, through the turn */
        hy_wall_ms at = T0 + 20000 * HOUR + h * HOUR;
        cr_assert_eq(hy_contacts_claim(table, 2, &(struct hy_contact_cap){1, 7}, at), HY_OK, "%d",
                     h);
        hy_contacts_release(table, 2, at);
        cr_assert_eq(hy_contacts_count(table, 2, 8, at), h ? 2u : 1u, "%d", h);
    }
}

Test(contacts, find_every_claim_again_whatever_order_they_end_in)
{
    enum { N = 700 }; /* of 1024, in chains that cross */
    const struct hy_contact_cap cap = {1, 24};
    static hy_lead_no leads[N];
    for (hy_lead_no i = 0; i < N; i++) {
        leads[i] = i * 7919 % 1000003 + 1;
        cr_assert_eq(hy_contacts_claim(table, leads[i], &cap, T0), HY_OK, "%u", i);
    }
    for (unsigned step = 0; step < 3; step++) {
        for (hy_lead_no i = step; i < N; i += 3)
            hy_contacts_release(table, leads[i], 0);
        for (hy_lead_no i = 0; i < N; i++) {
            int want = i % 3 <= step ? HY_OK : HY_ELIMIT;
            cr_assert_eq(hy_contacts_claim(table, leads[i], &cap, T0), want, "%u", i);
            if (want == HY_OK)
                hy_contacts_release(table, leads[i], 0);
        }
    }
}

Test(contacts, say_so_when_too_many_are_on_their_way)
{
    const struct hy_contact_cap cap = {1, 24};
    hy_lead_no lead = 1;
    int err = HY_OK;
    while (lead < 100000 && (err = hy_contacts_claim(table, lead, &cap, T0)) == HY_OK)
        lead++;
    cr_expect_eq(err, HY_EBUSY, "%s", hy_err_name(err));
    cr_expect_gt(lead, 800, "only %u", lead);
}

Test(contacts, say_so_when_the_disk_is_full)
{
    struct rlimit was, l;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
    l = (struct rlimit){2 << 20, was.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
    const struct hy_contact_cap cap = {1, 24};
    cr_expect_eq(mail(40000, &cap, T0), HY_OK, "within two MiB");
    cr_expect_eq(mail(400000, &cap, T0), HY_EFULL);
    cr_expect_eq(hy_contacts_count(table, 400000, 24, T0), 0);
    cr_expect_eq(mail(40001, &cap, T0), HY_OK, "what has room goes on");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &was), 0); /* tests may share a process */
}

Test(contacts, refuse_a_file_that_is_not_theirs)
{
    char path[128];
    struct hy_contacts *other = NULL;
    struct hy_diag diag = {""};
    snprintf(path, sizeof path, "%s/contacts", dir.path);
    hy_contacts_close(table);
    int fd = open(path, O_WRONLY);
    cr_assert_eq(pwrite(fd, "GARBAGE!", 8, 0), 8);
    close(fd);
    cr_expect_eq(hy_contacts_open(dir.path, 1024, &other, &diag), HY_ECORRUPT);
    cr_expect(strstr(diag.text, "damaged"), "%s", diag.text);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(hy_contacts_open(dir.path, 1024, &table, NULL), HY_OK);
}

enum { THREADS = 4, ROUNDS = 20000 };
static atomic_uint mailed[64];

static void *mail_all(void *arg)
{
    (void)arg;
    const struct hy_contact_cap cap = {3, 24};
    for (unsigned i = 0; i < ROUNDS; i++) {
        hy_lead_no lead = 1 + i % 64;
        if (hy_contacts_claim(table, lead, &cap, T0) != HY_OK)
            continue;
        bool is_sent = i % 5 == 0;
        atomic_fetch_add(&mailed[lead - 1], is_sent);
        hy_contacts_release(table, lead, is_sent ? T0 : 0);
    }
    return NULL;
}

Test(contacts, hold_the_cap_between_threads)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, mail_all, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (hy_lead_no lead = 1; lead <= 64; lead++)
        cr_expect_eq(atomic_load(&mailed[lead - 1]), 3, "lead %u: %u", lead,
                     atomic_load(&mailed[lead - 1]));
}
