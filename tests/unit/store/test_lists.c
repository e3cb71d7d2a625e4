#include <criterion/criterion.h>
#include <stdlib.h>

#include "fixture.h"
#include "hayauma/base/rand.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"

static hy_list_no create(struct hy_txn *t, const char *name)
{
    hy_list_no no = 0;
    cr_assert_eq(hy_list_create(t, hy_str_of(name), 1, &no), HY_OK, "%s", name);
    return no;
}

static uint64_t add_one(struct hy_txn *t, hy_list_no list, hy_domain_no domain, hy_lead_no lead)
{
    uint64_t joined = 0;
    cr_assert_eq(hy_list_add(t, list, domain, &lead, 1, &joined), HY_OK);
    return joined;
}

Test(lists, have_names_that_are_unique_and_printable)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_txn t;
    hy_list_no no = 0;
    struct hy_list_view l;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(create(&t, "会員"), 1);
    cr_expect_eq(create(&t, "news"), 2);
    cr_expect_eq(hy_list_create(&t, HY_STR("news"), 1, &no), HY_EEXIST);
    cr_expect_eq(hy_list_create(&t, HY_STR(""), 1, &no), HY_EINVAL);
    cr_expect_eq(hy_list_create(&t, HY_STR("a\nb"), 1, &no), HY_EINVAL);
    cr_expect_eq(hy_list_create(&t, HY_STR("a\xff"), 1, &no), HY_EINVAL);
    cr_expect_eq(hy_list_find(&t, HY_STR("会員"), &no), HY_OK);
    cr_expect_eq(no, 1);
    cr_expect_eq(hy_list_find(&t, HY_STR("none"), &no), HY_ENOTFOUND);
    cr_expect_eq(hy_list_next(&t, 0, &l), HY_OK);
    cr_expect(l.no == 1 && l.members == 0 && hy_str_eq(l.name, HY_STR("会員")));
    cr_expect_eq(hy_list_next(&t, 1, &l), HY_OK);
    cr_expect(l.no == 2 && hy_str_eq(l.name, HY_STR("news")));
    cr_expect_eq(hy_list_next(&t, 2, &l), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(lists, count_a_member_once_and_forget_it_when_asked)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_txn t;
    struct hy_list_view l;
    bool has = false;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    hy_list_no a = create(&t, "a"), b = create(&t, "b");
    cr_expect_eq(add_one(&t, a, 5, 50), 1);
    cr_expect_eq(add_one(&t, a, 5, 50), 0);
    cr_expect_eq(add_one(&t, a, 5, 40), 1);
    cr_expect_eq(add_one(&t, b, 5, 50), 1);
    cr_assert_eq(hy_list_read(&t, a, &l), HY_OK);
    cr_expect_eq(l.members, 2);
    static const struct {
        hy_domain_no domain;
        hy_lead_no lead;
        bool want;
    } cases[] = {{5, 50, true}, {5, 40, true}, {5, 45, false}, {5, 0, false}, {6, 50, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(hy_list_has(&t, a, cases[i].domain, cases[i].lead, &has), HY_OK);
        cr_expect_eq(has, cases[i].want, "domain %u lead %u", cases[i].domain, cases[i].lead);
    }
    cr_expect_eq(hy_list_drop(&t, a, 5, 45), HY_ENOTFOUND);
    cr_expect_eq(hy_list_drop(&t, a, 5, 40), HY_OK);
    cr_expect_eq(hy_list_drop(&t, a, 5, 50), HY_OK);
    cr_expect_eq(hy_list_drop(&t, a, 5, 50), HY_ENOTFOUND);
    cr_assert_eq(hy_list_read(&t, a, &l), HY_OK);
    cr_expect_eq(l.members, 0);
    cr_assert_eq(hy_list_has(&t, b, 5, 50, &has), HY_OK);
    cr_expect(has, "other lists are not touched");
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    hy_env_close(env);
    store_dir_remove(&d);
}

enum { LEADS = 9000, DOMAIN_A = 3, DOMAIN_B = 9, LISTS = 3 };

/* The same memberships in plain arrays. */
struct model {
    bool has[LISTS][2][LEADS + 1];
};

static void check_against(struct hy_txn *t, const struct model *m, const hy_list_no *lists)
{
    const struct hy_list_set all = {{lists[0], lists[1], lists[2]}, LISTS};
    const hy_domain_no domains[2] = {DOMAIN_A, DOMAIN_B};
    for (int d = 0; d < 2; d++) {
        hy_lead_no out[77], after = 0;
        size_t n = 0;
        do {
            cr_assert_eq(hy_list_set_leads(t, &all, domains[d], after, out, 77, &n), HY_OK);
            for (size_t i = 0; i < n; i++) {
                for (hy_lead_no gap = after + 1; gap < out[i]; gap++)
                    cr_assert(!m->has[0][d][gap] && !m->has[1][d][gap] && !m->has[2][d][gap],
                              "lead %u was left out", gap);
                cr_assert_gt(out[i], after);
                after = out[i];
                cr_assert(m->has[0][d][after] || m->has[1][d][after] || m->has[2][d][after]);
            }
        } while (n == 77);
        for (hy_lead_no gap = after + 1; gap <= LEADS; gap++)
            cr_assert(!m->has[0][d][gap] && !m->has[1][d][gap] && !m->has[2][d][gap]);
    }
    for (int l = 0; l < LISTS; l++) {
        struct hy_list_view v;
        uint64_t want = 0, size = 0, sum = 0;
        for (int d = 0; d < 2; d++) {
            const struct hy_list_set one = {{lists[l]}, 1};
            for (int i = 0; i <= LEADS; i++)
                want += m->has[l][d][i];
            cr_assert_eq(hy_list_set_domain_size(t, &one, domains[d], &size), HY_OK);
            sum += size;
        }
        cr_assert_eq(hy_list_read(t, lists[l], &v), HY_OK);
        cr_expect_eq(v.members, want);
        cr_expect_eq(sum, want);
    }
}

Test(lists, hold_what_a_plain_array_would_after_random_changes)
{
    static struct model m;
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_rng r;
    struct hy_txn t;
    hy_list_no lists[LISTS];
    static hy_lead_no run[LEADS];
    hy_rng_seed(&r, 42);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    lists[0] = create(&t, "a");
    lists[1] = create(&t, "b");
    lists[2] = create(&t, "c");
    for (int round = 0; round < 120; round++) {
        size_t l = hy_rng_below(&r, LISTS), dom = hy_rng_below(&r, 2), n = 0;
        size_t step = 1 + hy_rng_below(&r, 40);
        uint64_t want = 0, joined = 0;
        for (hy_lead_no i = 1 + (hy_lead_no)hy_rng_below(&r, LEADS); i <= LEADS && n < 3000;
             i += 1 + (hy_lead_no)hy_rng_below(&r, step)) {
            want += !m.has[l][dom][i];
            m.has[l][dom][i] = true;
            run[n++] = i;
        }
        hy_domain_no domain = dom ? DOMAIN_B : DOMAIN_A;
        cr_assert_eq(hy_list_add(&t, lists[l], domain, run, n, &joined), HY_OK);
        cr_assert_eq(joined, want);
        hy_lead_no gone = run[hy_rng_below(&r, n)];
        cr_assert_eq(hy_list_drop(&t, lists[l], domain, gone), HY_OK);
        m.has[l][dom][gone] = false;
    }
    check_against(&t, &m, lists);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    check_against(&t, &m, lists);
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(list_set, goes_from_domain_to_domain_over_all_its_lists)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_txn t;
    hy_domain_no domain = 77;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    hy_list_no a = create(&t, "a"), b = create(&t, "b"), other = create(&t, "other");
    add_one(&t, a, 2, 20);
    add_one(&t, a, 9, 90);
    add_one(&t, b, 4, 40);
    add_one(&t, b, 9, 91);
    add_one(&t, other, 3, 30);
    const struct hy_list_set both = {{a, b}, 2}, none = {{0}, 0};
    static const hy_domain_no want[] = {2, 4, 9};
    hy_domain_no at = 0;
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(hy_list_set_next_domain(&t, &both, at, &at), HY_OK);
        cr_expect_eq(at, want[i]);
    }
    cr_expect_eq(hy_list_set_next_domain(&t, &both, at, &domain), HY_ENOTFOUND);
    cr_expect_eq(hy_list_set_next_domain(&t, &none, 0, &domain), HY_ENOTFOUND);
    cr_expect_eq(hy_list_set_next_domain(&t, &both, UINT32_MAX, &domain), HY_ENOTFOUND);
    cr_expect_eq(domain, 77);
    hy_txn_end(&t);
    hy_env_close(env);
    store_dir_remove(&d);
}

Test(list_set, is_an_audience_that_tells_each_leads_status)
{
    struct store_dir d = store_dir_make();
    struct hy_env *env = store_open(&d);
    struct hy_txn t;
    struct hy_lead_batch *batch = NULL;
    struct hy_lead_upsert_result got;
    static const struct hy_str rows[] = {HY_STR("a@x.test"), HY_STR("b@x.test"),
                                         HY_STR("c@y.test")};
    cr_assert_eq(hy_lead_batch_new(env, NULL, 0, &batch), HY_OK);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(hy_lead_batch_add(batch, rows[i], rows[i], NULL, 0), HY_OK);
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    struct hy_lead_upsert how = {.list = create(&t, "a")};
    cr_assert_eq(hy_lead_upsert(&t, batch, &how, &got), HY_OK);
    hy_lead_no gone = 0;
    cr_assert_eq(hy_lead_find(&t, HY_STR("b@x.test"), &gone), HY_OK);
    cr_assert_eq(hy_lead_set_status(&t, gone, HY_LEAD_UNSUBSCRIBED), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);

    struct hy_list_audience s = {.lists = {{how.list}, 1}};
    struct hy_audience audience;
    struct hy_audience_pos pos = {0};
    size_t n = 0, total = 0, unsubscribed = 0;
    struct hy_audience_lead out[1]; /* one at a time: every place must be one to go on from */
    hy_list_set_audience(&s, &audience);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    int err;
    while ((err = audience.next(audience.ctx, &t, pos, &pos.domain, out, 1, &n)) == HY_OK) {
        cr_assert_eq(n, 1);
        pos.lead = out[0].lead;
        total++;
        unsubscribed += out[0].status == HY_LEAD_UNSUBSCRIBED;
        cr_expect_eq(out[0].status == HY_LEAD_UNSUBSCRIBED, out[0].lead == gone);
    }
    cr_expect_eq(err, HY_ENOTFOUND);
    cr_expect_eq(total, 3);
    cr_expect_eq(unsubscribed, 1);
    hy_txn_end(&t);
    hy_lead_batch_free(batch);
    hy_env_close(env);
    store_dir_remove(&d);
}
