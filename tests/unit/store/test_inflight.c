#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case.h"
#include "hayauma/store/inflight.h"

static struct hy_inflight *table;
static struct hy_queue_row rows[16];
static hy_id campaign;

static void setup(void)
{
    const struct people p = {.n_domains = 2, .per_domain = 8};
    cr_assert_eq(case_open_queued(p, &campaign, rows, 16), 16);
    cr_assert_eq(hy_inflight_open(dir.path, 64, 4, &table, NULL), 0);
}

static void teardown(void)
{
    hy_inflight_close(table);
    case_close();
}

TestSuite(inflight, .init = setup, .fini = teardown);

/* What a killed process leaves: the mapping goes, the file stays. */
static struct hy_recovery crash(enum hy_doubt_policy policy)
{
    struct hy_recovery r;
    hy_inflight_close(table);
    hy_env_close(env);
    env = store_open(&dir);
    cr_assert_eq(hy_inflight_open(dir.path, 64, 4, &table, NULL), 0);
    cr_assert_eq(hy_recover(env, table, policy, &r), 0);
    return r;
}

static uint32_t dot(int row)
{
    uint32_t slot = hy_inflight_claim(table, 1);
    cr_assert_neq(slot, HY_INFLIGHT_NONE);
    hy_inflight_dot(table, slot, &rows[row].ref, 1700000000000);
    return slot;
}

static void answer(uint32_t slot, int row, enum hy_rcpt_state state)
{
    struct hy_settle s = settle_of(&rows[row].ref, state, 0);
    hy_inflight_answered(table, slot, &s.attempt);
}

Test(inflight, a_worker_gets_its_share_and_no_more)
{
    uint32_t got[64];
    for (int i = 0; i < 16; i++) {
        got[i] = hy_inflight_claim(table, 2);
        cr_assert_neq(got[i], HY_INFLIGHT_NONE);
        for (int k = 0; k < i; k++)
            cr_assert_neq(got[i], got[k]);
    }
    cr_assert_eq(hy_inflight_claim(table, 2), HY_INFLIGHT_NONE);
    cr_assert_eq(hy_inflight_used(table), 16);
    cr_assert_neq(hy_inflight_claim(table, 3), HY_INFLIGHT_NONE);
    hy_inflight_free(table, got[5]);
    cr_assert_eq(hy_inflight_claim(table, 2), got[5]);
}

Test(inflight, every_slot_is_in_somebodys_share)
{
    struct hy_inflight *odd;
    unsigned n = 0;
    hy_inflight_close(table);
    cr_assert_eq(hy_inflight_open(dir.path, 67, 4, &odd, NULL), 0);
    for (unsigned w = 0; w < 4; w++)
        while (hy_inflight_claim(odd, w) != HY_INFLIGHT_NONE)
            n++;
    cr_assert_eq(n, 67);
    hy_inflight_close(odd);
    cr_assert_eq(hy_inflight_open(dir.path, 64, 4, &table, NULL), 0);
}

Test(inflight, nonsense_sizes_are_refused)
{
    struct hy_inflight *f;
    static const uint32_t cases[][2] = {{0, 1},
                                        {1, 0},
                                        {1, 2},
                                        {HY_INFLIGHT_SLOTS_MAX + 1, 1},
                                        {1000, HY_INFLIGHT_WORKERS_MAX + 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(hy_inflight_open(dir.path, cases[i][0], cases[i][1], &f, NULL), HY_EINVAL);
}

Test(inflight, what_was_answered_is_settled_after_a_crash)
{
    answer(dot(0), 0, HY_RCPT_DELIVERED);
    answer(dot(1), 1, HY_RCPT_BOUNCED);
    answer(dot(2), 2, HY_RCPT_DEFERRED);
    struct hy_recovery r = crash(HY_DOUBT_RESEND);
    cr_assert_eq(r.seen, 3);
    cr_assert_eq(r.applied, 3);
    cr_assert_eq(r.in_doubt, 0);
    cr_assert_eq(row_now(env, &rows[0].ref).state, HY_RCPT_DELIVERED);
    cr_assert_eq(row_now(env, &rows[1].ref).state, HY_RCPT_BOUNCED);
    cr_assert_eq(row_now(env, &rows[2].ref).state, HY_RCPT_DEFERRED);
    struct hy_txn t;
    struct hy_attempt a;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_attempt_get(&t, row_now(env, &rows[0].ref).last_attempt, &a), 0);
    cr_assert(hy_str_eq(a.outcome.text, HY_STR("2.0.0 Ok: queued as 4Tz")));
    cr_assert_eq(a.outcome.code, 250);
    cr_assert_eq(a.mx_ip[12], 192);
    cr_assert_eq(a.duration_ms, 12);
    hy_txn_end(&t);
    r = crash(HY_DOUBT_RESEND);
    cr_assert_eq(r.seen, 0, "the table is empty afterwards");
}

/* Its slot was another's before, and no dot wrote its own name over that. */
Test(inflight, a_refusal_before_the_dot_is_settled_after_a_crash_and_for_nobody_else)
{
    uint32_t slot = dot(0);
    hy_inflight_free(table, slot); /* given back untouched */
    while (hy_inflight_claim(table, 1) != slot)
        ;
    answer(slot, 1, HY_RCPT_BOUNCED);
    struct hy_recovery r = crash(HY_DOUBT_RESEND);
    cr_assert_eq(r.seen, 1);
    cr_assert_eq(r.applied, 1);
    cr_assert_eq(row_now(env, &rows[0].ref).state, HY_RCPT_FRESH);
    cr_assert_eq(row_now(env, &rows[1].ref).state, HY_RCPT_BOUNCED);
}

Test(inflight, between_dot_and_reply_is_in_doubt_and_goes_by_the_policy)
{
    static const struct {
        enum hy_doubt_policy policy;
        enum hy_rcpt_state want;
        uint64_t resent;
    } cases[] = {{HY_DOUBT_RESEND, HY_RCPT_DEFERRED, 1}, {HY_DOUBT_HOLD, HY_RCPT_HELD, 1}};
    for (int i = 0; i < 2; i++) {
        dot(i);
        struct hy_recovery r = crash(cases[i].policy);
        cr_assert_eq(r.in_doubt, 1);
        cr_assert_eq(r.applied, 0);
        struct hy_queue_row row = row_now(env, &rows[i].ref);
        cr_assert_eq(row.state, cases[i].want);
        cr_assert_eq(row.ref.attempts, 1);
        cr_assert_eq(campaign_progress(env, campaign).ledger.resent_in_doubt, cases[i].resent);
        struct hy_txn t;
        struct hy_attempt a;
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_attempt_get(&t, row.last_attempt, &a), 0);
        cr_assert(a.outcome.in_doubt);
        hy_txn_end(&t);
    }
}

Test(inflight, what_was_committed_before_the_crash_is_not_settled_twice)
{
    uint32_t a = dot(0), b = dot(1);
    answer(a, 0, HY_RCPT_DELIVERED);
    struct hy_settle s = settle_of(&rows[0].ref, HY_RCPT_DELIVERED, 0);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    s = settle_of(&rows[1].ref, HY_RCPT_DEFERRED, 0); /* its slot still says "dot" */
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    struct hy_recovery r = crash(HY_DOUBT_RESEND);
    cr_assert_eq(r.seen, 2);
    cr_assert_eq(r.stale, 2);
    struct hy_campaign_progress p = campaign_progress(env, campaign);
    cr_assert_eq(p.ledger.attempts, 2);
    cr_assert_eq(p.ledger.by_state[HY_RCPT_DELIVERED], 1);
    cr_assert_eq(p.ledger.resent_in_doubt, 0);
    (void)b;
}

Test(inflight, a_slot_claimed_or_freed_means_nothing_was_sent)
{
    hy_inflight_claim(table, 0);
    hy_inflight_free(table, dot(0));
    struct hy_recovery r = crash(HY_DOUBT_RESEND);
    cr_assert_eq(r.seen, 0);
    cr_assert_eq(row_now(env, &rows[0].ref).state, HY_RCPT_FRESH);
}

Test(inflight, a_crash_during_recovery_changes_nothing)
{
    struct hy_recovery r;
    answer(dot(0), 0, HY_RCPT_DELIVERED);
    dot(1);
    uint8_t before[4096 + 64 * HY_INFLIGHT_SLOT_BYTES];
    char path[128];
    snprintf(path, sizeof path, "%s/inflight", dir.path);
    int fd = open(path, O_RDWR);
    cr_assert_eq(pread(fd, before, sizeof before, 0), sizeof before);
    r = crash(HY_DOUBT_RESEND);
    cr_assert_eq(r.applied + r.in_doubt, 2);
    cr_assert_eq(pwrite(fd, before, sizeof before, 0),
                 sizeof before); /* the table was not emptied */
    close(fd);
    r = crash(HY_DOUBT_RESEND);
    cr_assert_eq(r.stale, 2);
    cr_assert_eq(campaign_progress(env, campaign).ledger.attempts, 2);
}

/* Damages one byte of every slot that is in use, at `offset`. */
static void damage(size_t offset)
{
    char path[128];
    snprintf(path, sizeof path, "%s/inflight", dir.path);
    int fd = open(path, O_RDWR);
    for (off_t at = 4096; at < 4096 + 64 * HY_INFLIGHT_SLOT_BYTES; at += HY_INFLIGHT_SLOT_BYTES) {
        uint8_t b;
        cr_assert_eq(pread(fd, &b, 1, at), 1);
        if (b == 0)
            continue;
        cr_assert_eq(pread(fd, &b, 1, at + (off_t)offset), 1);
        b ^= 0x40;
        cr_assert_eq(pwrite(fd, &b, 1, at + (off_t)offset), 1);
    }
    close(fd);
}

Test(inflight, torn_slots_of_a_power_cut_are_ignored)
{
    static const size_t offsets[] = {0, 4, 8, 16, 36, 40, 60, 90};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        answer(dot(0), 0, HY_RCPT_DELIVERED);
        damage(offsets[i]);
        struct hy_recovery r = crash(HY_DOUBT_RESEND);
        cr_assert_eq(r.damaged, 1, "offset %zu", offsets[i]);
        cr_assert_eq(row_now(env, &rows[0].ref).state, HY_RCPT_FRESH);
    }
}

Test(inflight, slots_of_rows_that_a_restored_backup_does_not_have_are_ignored)
{
    struct hy_rcpt_ref ref = rows[0].ref;
    ref.campaign += 12345;
    hy_inflight_dot(table, hy_inflight_claim(table, 0), &ref, 1700000000000);
    cr_assert_eq(crash(HY_DOUBT_RESEND).missing, 1);
}

Test(inflight, a_smaller_table_still_recovers_the_slots_of_the_larger)
{
    struct hy_recovery r;
    for (int i = 0; i < 10; i++) {
        uint32_t slot = hy_inflight_claim(table, 3);
        hy_inflight_dot(table, slot, &rows[i].ref, 1700000000000);
    }
    hy_inflight_close(table);
    cr_assert_eq(hy_inflight_open(dir.path, 8, 2, &table, NULL), 0);
    cr_assert_eq(hy_recover(env, table, HY_DOUBT_HOLD, &r), 0);
    cr_assert_eq(r.in_doubt, 10);
    for (int i = 0; i < 4; i++)
        cr_assert_neq(hy_inflight_claim(table, 1), HY_INFLIGHT_NONE);
    cr_assert_eq(hy_inflight_claim(table, 1), HY_INFLIGHT_NONE);
}

Test(inflight, a_file_that_is_no_table_is_refused)
{
    char path[128];
    struct hy_diag diag = {0};
    struct hy_inflight *f;
    hy_inflight_close(table);
    table = NULL;
    snprintf(path, sizeof path, "%s/inflight", dir.path);
    int fd = open(path, O_RDWR);
    cr_assert_eq(pwrite(fd, "garbage!", 8, 0), 8);
    close(fd);
    cr_assert_eq(hy_inflight_open(dir.path, 64, 4, &f, &diag), HY_ECORRUPT);
    cr_assert(diag.text[0]);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 077, 0);
}

/* ---- slots go back from another thread while their worker takes new ones ---- */

enum { TURNS = 20000 };
static _Atomic uint32_t hand[64];

static void *give_back(void *arg)
{
    for (int n = 0; n < TURNS; n++) {
        uint32_t slot;
        while ((slot = atomic_exchange(&hand[n % 64], HY_INFLIGHT_NONE)) == HY_INFLIGHT_NONE)
            ;
        hy_inflight_free(table, slot);
    }
    return arg;
}

Test(inflight, slots_come_back_from_other_threads)
{
    pthread_t other;
    bool held[64] = {false};
    for (int i = 0; i < 64; i++)
        atomic_store(&hand[i], HY_INFLIGHT_NONE);
    cr_assert_eq(pthread_create(&other, NULL, give_back, NULL), 0);
    for (int n = 0; n < TURNS; n++) {
        uint32_t slot;
        while ((slot = hy_inflight_claim(table, 0)) == HY_INFLIGHT_NONE)
            ;
        cr_assert_lt(slot, 16);
        while (atomic_load(&hand[n % 64]) != HY_INFLIGHT_NONE)
            ;
        atomic_store(&hand[n % 64], slot);
    }
    pthread_join(other, NULL);
    cr_assert_eq(hy_inflight_used(table), 0);
    for (int i = 0; i < 16; i++) {
        uint32_t slot = hy_inflight_claim(table, 0);
        cr_assert_lt(slot, 16);
        cr_assert_not(held[slot], "slot %u is there twice", slot);
        held[slot] = true;
    }
}
