#include "hayauma/store/lead_set.h"

#include <criterion/criterion.h>
#include <roaring/roaring.h>

#include "case.h"

TestSuite(lead_set, .init = case_open, .fini = case_close);

static const struct hy_lead_set tag = {.kind = HY_LEAD_SET_TAG, .no = 7};

static void edit(struct hy_lead_set s, hy_lead_no first, hy_lead_no last, hy_lead_no step,
                 int (*how)(struct hy_txn *, struct hy_lead_set, hy_lead_no, bool *))
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    for (hy_lead_no i = first; i <= last; i += step)
        cr_assert_eq(how(&t, s, i, NULL), HY_OK);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
}

static uint64_t count_of(struct hy_lead_set s)
{
    struct hy_txn t;
    uint64_t n = 99;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_lead_set_count(&t, s, &n), HY_OK);
    hy_txn_end(&t);
    return n;
}

static bool has(struct hy_lead_set s, hy_lead_no lead)
{
    struct hy_txn t;
    bool is_in = false;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_lead_set_has(&t, s, lead, &is_in), HY_OK);
    hy_txn_end(&t);
    return is_in;
}

static roaring_bitmap_t *loaded(struct hy_lead_set s)
{
    struct hy_txn t;
    roaring_bitmap_t *b = NULL;
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_lead_set_load(&t, s, &b), HY_OK);
    hy_txn_end(&t);
    return b;
}

/* In slices of the least length; how many it took. */
static unsigned store_sliced(struct hy_lead_set s, const roaring_bitmap_t *b, uint32_t *block)
{
    unsigned slices = 0;
    int err;
    do {
        struct hy_txn t;
        cr_assert_eq(hy_txn_write(env, &t), HY_OK);
        t.yield_at = t.yield_by = 1;
        err = hy_lead_set_store(&t, s, b, block);
        cr_assert(err == HY_OK || err == HY_EMORE);
        cr_assert_eq(hy_txn_commit(&t), HY_OK);
        slices++;
    } while (err == HY_EMORE);
    return slices;
}

Test(lead_set, knows_who_is_in_and_how_many)
{
    bool changed;
    struct hy_txn t;
    cr_expect_eq(count_of(tag), 0u);
    cr_expect_not(has(tag, 1));
    cr_assert_eq(hy_txn_write(env, &t), HY_OK);
    cr_expect_eq(hy_lead_set_add(&t, tag, 0, NULL), HY_EINVAL);
    cr_assert_eq(hy_lead_set_add(&t, tag, 4095, &changed), HY_OK);
    cr_expect(changed);
    cr_assert_eq(hy_lead_set_add(&t, tag, 4095, &changed), HY_OK);
    cr_expect_not(changed);
    cr_assert_eq(hy_lead_set_add(&t, tag, 4096, &changed), HY_OK);
    cr_assert_eq(hy_lead_set_add(&t, tag, UINT32_MAX - 1, &changed), HY_OK);
    cr_expect(changed);
    cr_assert_eq(hy_lead_set_remove(&t, tag, 5, &changed), HY_OK);
    cr_expect_not(changed);
    cr_assert_eq(hy_txn_commit(&t), HY_OK);
    cr_expect_eq(count_of(tag), 3u);
    cr_expect(has(tag, 4095) && has(tag, 4096) && has(tag, UINT32_MAX - 1));
    cr_expect_not(has(tag, 4094));
    edit(tag, 4095, 4096, 1, hy_lead_set_remove);
    edit(tag, UINT32_MAX - 1, UINT32_MAX - 1, 1, hy_lead_set_remove);
    cr_expect_eq(count_of(tag), 0u);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    uint64_t entries = 1;
    cr_assert_eq(hy_table_count(&t, HY_TABLE_LEAD_SETS, &entries), HY_OK);
    cr_expect_eq(entries, 0u, "nothing is left of an empty set");
    hy_txn_end(&t);
}

Test(lead_set, a_block_is_the_same_as_places_and_as_bits)
{
    for (hy_lead_no n = 1; n <= 4096; n = n < 250 || n > 260 ? n * 3 : n + 1) {
        struct hy_lead_set s = {.kind = HY_LEAD_SET_CAMPAIGN, .no = n, .what = HY_LEAD_SET_OPENED};
        edit(s, 4096, 4096 + n - 1, 1, hy_lead_set_add);
        cr_expect_eq(count_of(s), n);
        roaring_bitmap_t *b = loaded(s);
        cr_expect_eq(roaring_bitmap_get_cardinality(b), n);
        cr_expect_eq(roaring_bitmap_minimum(b), 4096u);
        cr_expect_eq(roaring_bitmap_maximum(b), 4096u + n - 1);
        roaring_bitmap_free(b);
        edit(s, 4096, 4096 + n - 1, 2, hy_lead_set_remove);
        cr_expect_eq(count_of(s), n / 2);
    }
}

Test(lead_set, sets_stand_apart)
{
    static const struct hy_lead_set sets[] = {
        {.kind = HY_LEAD_SET_TAG, .no = 7, .what = 1},
        {.kind = HY_LEAD_SET_TAG, .no = 8},
        {.kind = HY_LEAD_SET_GROUP, .no = 7},
        {.kind = HY_LEAD_SET_SEGMENT, .no = UINT64_MAX, .what = 255},
    };
    struct hy_lead_set at = {0};
    struct hy_txn t;
    edit(tag, 1, 100000, 50, hy_lead_set_add);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(count_of(sets[i]), 0u);
        edit(sets[i], 10, 10, 1, hy_lead_set_add);
    }
    cr_expect_eq(count_of(tag), 2000u);
    cr_assert_eq(hy_txn_read(env, &t), HY_OK);
    cr_assert_eq(hy_lead_set_following(&t, at, &at), HY_OK);
    cr_expect_eq(at.no, 7u);
    cr_expect_eq(at.what, 0);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(hy_lead_set_following(&t, at, &at), HY_OK);
        cr_expect(at.kind == sets[i].kind && at.no == sets[i].no && at.what == sets[i].what);
    }
    cr_expect_eq(hy_lead_set_following(&t, at, &at), HY_ENOTFOUND);
    hy_txn_end(&t);
}

Test(lead_set, is_walked_in_pages_of_any_size)
{
    static const size_t pages[] = {1, 7, 4096, 5000};
    edit(tag, 1, 30000, 3, hy_lead_set_add);
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        hy_lead_no page[5000], after = 0, want = 1;
        size_t n;
        struct hy_txn t;
        cr_assert_eq(hy_txn_read(env, &t), HY_OK);
        do {
            cr_assert_eq(hy_lead_set_next(&t, tag, after, page, pages[i], &n), HY_OK);
            for (size_t k = 0; k < n; k++, want += 3)
                cr_assert_eq(page[k], want);
            if (n)
                after = page[n - 1];
        } while (n == pages[i]);
        hy_txn_end(&t);
        cr_expect_eq(want, 30001u, "pages of %zu ended at %u", pages[i], want);
    }
}

Test(lead_set, is_emptied_in_slices_with_its_count_right_at_each)
{
    int err;
    unsigned slices = 0;
    edit(tag, 1, 40960, 2, hy_lead_set_add);
    do {
        struct hy_txn t;
        cr_assert_eq(hy_txn_write(env, &t), HY_OK);
        t.yield_at = t.yield_by = 1;
        err = hy_lead_set_clear(&t, tag);
        cr_assert(err == HY_OK || err == HY_EMORE);
        cr_assert_eq(hy_txn_commit(&t), HY_OK);
        roaring_bitmap_t *b = loaded(tag);
        cr_expect_eq(roaring_bitmap_get_cardinality(b), count_of(tag));
        roaring_bitmap_free(b);
        slices++;
    } while (err == HY_EMORE);
    cr_expect_eq(count_of(tag), 0u);
    cr_expect_gt(slices, 5u);
}

Test(lead_set, is_stored_from_a_bitmap_over_what_was_there)
{
    roaring_bitmap_t *b = roaring_bitmap_create(), *other = roaring_bitmap_create();
    uint32_t block = 0;
    roaring_bitmap_add_range(b, 1, 9000);
    roaring_bitmap_add(b, 50000);
    roaring_bitmap_add(other, 12345);
    edit(tag, 5000, 100000, 500, hy_lead_set_add);
    cr_expect_gt(store_sliced(tag, b, &block), 5u);
    cr_expect_eq(count_of(tag), 9000u);
    roaring_bitmap_t *got = loaded(tag);
    cr_expect(roaring_bitmap_equals(got, b));
    roaring_bitmap_free(got);
    block = 0;
    store_sliced(tag, other, &block);
    got = loaded(tag);
    cr_expect(roaring_bitmap_equals(got, other));
    cr_expect_eq(count_of(tag), 1u);
    roaring_bitmap_free(got);
    block = 0;
    roaring_bitmap_clear(other);
    store_sliced(tag, other, &block);
    cr_expect_eq(count_of(tag), 0u);
    roaring_bitmap_free(other);
    roaring_bitmap_free(b);
}

Test(lead_set, stored_bytes_of_another_make_or_meaning_are_refused)
{
    static const struct {
        const char *bytes;
        size_t n;
        int want;
    } cases[] = {
        {"", 0, HY_ECORRUPT},         {"\x02\x01\x00", 3, HY_EVERSION}, {"\x01", 1, HY_ECORRUPT},
        {"\x01\x01", 2, HY_ECORRUPT}, {"\x01\x00\x10", 3, HY_ECORRUPT}, /* place 4,096 */
    };
    static const char key[14] = {HY_LEAD_SET_TAG, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_txn t;
        bool is_in;
        cr_assert_eq(hy_txn_write(env, &t), HY_OK);
        cr_assert_eq(hy_put(&t, HY_TABLE_LEAD_SETS, hy_str_make(key, sizeof key),
                            hy_str_make(cases[i].bytes, cases[i].n), HY_PUT_SET),
                     HY_OK);
        cr_assert_eq(hy_txn_commit(&t), HY_OK);
        cr_assert_eq(hy_txn_read(env, &t), HY_OK);
        cr_expect_eq(hy_lead_set_has(&t, tag, 4097, &is_in), cases[i].want, "case %zu", i);
        hy_txn_end(&t);
        cr_assert_eq(hy_txn_write(env, &t), HY_OK);
        cr_expect_eq(hy_lead_set_add(&t, tag, 4097, NULL), cases[i].want, "case %zu", i);
        cr_expect_eq(hy_txn_commit(&t), cases[i].want, "it sticks");
    }
}
