#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"

TestSuite(campaign, .init = case_open, .fini = case_close);

static int create(struct hy_campaign *c, struct hy_str bundle)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    int err = hy_campaign_create(&t, c, bundle);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

Test(campaign, reads_back_as_it_was_made)
{
    static char settings[HY_CAMPAIGN_SETTINGS_MAX];
    memset(settings, 's', sizeof settings);
    struct hy_campaign got, c = {
                                .name = HY_STR("春のお知らせ"),
                                .start_at = 1800000000000,
                                .n_lists = 3,
                                .lists = {5, 9, 4000000000u},
                                .settings = {settings, sizeof settings},
                            };
    struct hy_txn t;
    hy_id id = 0;
    cr_assert_eq(create(&c, HY_STR("x")), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_find(&t, c.name, &id), 0);
    cr_assert_eq(id, c.id);
    cr_assert_eq(hy_campaign_get(&t, id, &got), 0);
    cr_assert(hy_str_eq(got.name, c.name));
    cr_assert(hy_str_eq(got.settings, c.settings));
    cr_assert_eq(got.start_at, c.start_at);
    cr_assert_eq(got.state, HY_CAMPAIGN_DRAFT);
    cr_assert_eq(got.n_lists, 3);
    cr_assert_eq(got.lists[2], 4000000000u);
    cr_assert_eq(got.bundle_bytes, 1);
    cr_assert_gt(got.created, 0);
    cr_assert_eq(hy_campaign_next(&t, 0, &got), 0);
    cr_assert_eq(got.id, id);
    cr_assert_eq(hy_campaign_next(&t, id, &got), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(campaign, bad_fields_are_refused)
{
    static char big[HY_CAMPAIGN_SETTINGS_MAX + 1];
    char long_name[HY_CAMPAIGN_NAME_MAX + 1];
    memset(long_name, 'n', sizeof long_name);
    const struct {
        struct hy_campaign c;
        int want;
    } cases[] = {
        {{.name = HY_STR("")}, HY_EINVAL},
        {{.name = HY_STR("a\nb")}, HY_EINVAL},
        {{.name = HY_STR("\xff")}, HY_EINVAL},
        {{.name = HY_STR("a"), .start_at = -1}, HY_EINVAL},
        {{.name = {long_name, sizeof long_name}}, HY_ELIMIT},
        {{.name = HY_STR("a"), .n_lists = HY_CAMPAIGN_LISTS_MAX + 1}, HY_ELIMIT},
        {{.name = HY_STR("a"), .settings = {big, sizeof big}}, HY_ELIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_campaign c = cases[i].c;
        int got = create(&c, HY_STR(""));
        cr_assert_eq(got, cases[i].want, "case %zu: got %s", i, hy_err_name(got));
    }
}

Test(campaign, names_are_unique)
{
    struct hy_campaign a = {.name = HY_STR("same")}, b = a;
    cr_assert_eq(create(&a, HY_STR("")), 0);
    cr_assert_eq(create(&b, HY_STR("")), HY_EEXIST);
}

Test(campaign, a_bundle_of_any_size_comes_back_whole)
{
    static const size_t sizes[] = {0, 1, 65518, 65519, 65520, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[16], *bytes = malloc(sizes[i] + 1);
        struct hy_buf out = HY_BUF_INIT(4 << 20);
        struct hy_txn t;
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(k * 31 + k / 65519);
        snprintf(name, sizeof name, "c%zu", i);
        struct hy_campaign c = {.name = hy_str_of(name)};
        cr_assert_eq(create(&c, hy_str_make(bytes, sizes[i])), 0);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        cr_assert_eq(hy_campaign_bundle(&t, c.id, &out), 0);
        hy_txn_end(&t);
        cr_assert_eq(out.len, sizes[i]);
        cr_assert(sizes[i] == 0 || memcmp(out.data, bytes, sizes[i]) == 0);
        hy_buf_free(&out);
        free(bytes);
    }
}

Test(campaign, states_follow_each_other_as_the_table_says)
{
    /* rows: from; columns: to, in the order of the enum */
    static const char table[7][8] = {
        ".xx..x.", /* draft */
        "x.x.xx.", /* scheduled */
        "...xxxx", /* queueing */
        "....xxx", /* running */
        "..xx.xx", /* paused */
        ".......", /* cancelled */
        ".......", /* done */
    };
    for (int from = 0; from < 7; from++)
        for (int to = 0; to < 7; to++)
            cr_assert_eq(
                hy_campaign_may_become((enum hy_campaign_state)from, (enum hy_campaign_state)to),
                table[from][to] == 'x', "%s to %s",
                hy_campaign_state_name((enum hy_campaign_state)from),
                hy_campaign_state_name((enum hy_campaign_state)to));
    cr_assert_not(hy_campaign_may_become((enum hy_campaign_state)99, HY_CAMPAIGN_DONE));
}

Test(campaign, moves_are_stamped_and_wrong_ones_refused)
{
    struct hy_campaign c = {.name = HY_STR("c")};
    struct hy_txn t;
    cr_assert_eq(create(&c, HY_STR("")), 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_campaign_move(&t, c.id, HY_CAMPAIGN_RUNNING), HY_EINVAL);
    cr_assert_eq(hy_campaign_move(&t, c.id, HY_CAMPAIGN_QUEUEING), 0);
    cr_assert_eq(hy_campaign_move(&t, c.id, HY_CAMPAIGN_QUEUEING), 0, "the same is no move");
    cr_assert_eq(hy_campaign_move(&t, c.id + 1, HY_CAMPAIGN_QUEUEING), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_get(&t, c.id, &c), 0);
    cr_assert_gt(c.started, 0);
    cr_assert_eq(c.ended, 0);
    hy_txn_end(&t);
}

Test(campaign, settings_can_be_changed_until_it_starts)
{
    struct hy_campaign got, c = {.name = HY_STR("c"), .settings = HY_STR("old")};
    struct hy_txn t;
    cr_assert_eq(create(&c, HY_STR("bundle")), 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_campaign_edit(&t, c.id, HY_STR("new, longer than before"), 77), 0);
    cr_assert_eq(hy_campaign_get(&t, c.id, &got), 0);
    cr_assert(hy_str_eq(got.settings, HY_STR("new, longer than before")));
    cr_assert(hy_str_eq(got.name, HY_STR("c")));
    cr_assert_eq(got.start_at, 77);
    cr_assert_eq(got.bundle_bytes, 6);
    cr_assert_eq(hy_campaign_move(&t, c.id, HY_CAMPAIGN_QUEUEING), 0);
    cr_assert_eq(hy_campaign_edit(&t, c.id, HY_STR("late"), 0), HY_EINVAL);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

Test(campaign, more_ledgers_than_the_cache_holds_move_in_one_transaction)
{
    hy_id ids[20];
    struct hy_queue_row rows[20];
    struct people p = {.n_domains = 1, .per_domain = 2};
    struct hy_txn t;
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%d", i);
        ids[i] = campaign_queue(env, name, &p);
        cr_assert_eq(read_all_fresh(env, ids[i], &rows[i], 1), 1);
    }
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (int i = 0; i < 20; i++) {
        struct hy_settle s = settle_of(&rows[i].ref, HY_RCPT_DELIVERED, 0);
        cr_assert_eq(hy_settle_apply(&t, &s), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(campaign_progress(env, ids[i]).ledger.by_state[HY_RCPT_DELIVERED], 1);
}

Test(campaign, what_a_dropped_transaction_changed_in_a_ledger_is_forgotten)
{
    struct people p = {.n_domains = 1, .per_domain = 2};
    struct hy_queue_row row;
    struct hy_txn t;
    hy_id id = campaign_queue(env, "c", &p);
    cr_assert_eq(read_all_fresh(env, id, &row, 1), 1);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    struct hy_settle s = settle_of(&row.ref, HY_RCPT_DELIVERED, 0);
    cr_assert_eq(hy_settle_apply(&t, &s), 0);
    hy_txn_end(&t);
    cr_assert_eq(campaign_progress(env, id).ledger.by_state[HY_RCPT_DELIVERED], 0);
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
    cr_assert_eq(campaign_progress(env, id).ledger.by_state[HY_RCPT_DELIVERED], 1);
}

Test(campaign, what_paused_it_is_known_until_it_goes_on)
{
    struct people p = {.n_domains = 1, .per_domain = 2};
    hy_id id = campaign_queue(env, "c", &p);
    struct hy_campaign c;
    struct hy_txn t;
    enum hy_campaign_state state;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_campaign_hold(&t, id, HY_BRAKE_BOUNCES, HY_STR("too many")), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_get(&t, id, &c), 0);
    cr_assert_str_eq(hy_campaign_brake_name(c.brake), "bounces");
    cr_assert(hy_str_eq(c.note, HY_STR("too many")));
    hy_txn_end(&t);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_campaign_resume(&t, id, &state), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_campaign_get(&t, id, &c), 0);
    cr_assert_eq(c.brake, HY_BRAKE_NONE);
    hy_txn_end(&t);
}
