/* Hand-offs in pages by their state, and those tried again that were given up. */
#include <criterion/criterion.h>

#include "case.h"
#include "hayauma/base/bytes.h"
#include "hayauma/web/handoffs.h"
#include "record.h"

TestSuite(handoff_json, .init = case_open, .fini = case_close);

/* As store/handoff.c keeps it. */
static void put(struct hy_txn *t, uint16_t lane, uint32_t due_s, hy_id id)
{
    uint8_t key[14], room[64];
    struct hy_rec_out o = {.p = room, .max = sizeof room};
    hy_put_be16(key, lane);
    hy_put_be32(key + 2, due_s);
    hy_put_be64(key + 6, id);
    rec_put_u8(&o, 1);
    rec_put_varint(&o, 7);
    rec_put_varint(&o, 1790000000000);
    rec_put_varint(&o, 3);
    rec_put_varint(&o, lane);
    rec_put_varint(&o, 1);
    rec_put_str(&o, HY_STR("no answer"));
    cr_assert_eq(hy_put(t, HY_TABLE_HANDOFFS, hy_str_make(key, sizeof key), hy_str_make(room, o.n),
                        HY_PUT_SET),
                 0);
}

/* Two lanes: two that wait and three that failed, then one that failed. */
static void fill(void)
{
    struct hy_txn t = case_write();
    put(&t, 1, 1790000100, 11);
    put(&t, 1, 1790000200, 12);
    for (hy_id id = 13; id <= 15; id++)
        put(&t, 1, HY_HANDOFF_FAILED, id);
    put(&t, 2, HY_HANDOFF_FAILED, 21);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

/* All pages of a state, as "11 12 ...", and how many pages there were. */
static size_t pages(enum hy_handoff_state state, size_t limit, struct hy_buf *ids)
{
    struct hy_handoff_search s = {.state = state, .limit = limit};
    struct hy_txn t = {0};
    size_t n = 0, i;
    bool has_more = true;
    hy_buf_reset(ids);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (has_more) {
        json_t *page = NULL, *x;
        cr_assert_eq(hy_handoffs_json(&t, &s, &page), 0);
        json_array_foreach(json_object_get(page, "handoffs"), i, x)
        {
            hy_id id = 0;
            bool is_failed = strcmp(json_string_value(json_object_get(x, "state")), "failed") == 0;
            cr_expect_eq(json_is_null(json_object_get(x, "due")), is_failed);
            cr_assert_eq(hy_id_parse(hy_str_of(json_string_value(json_object_get(x, "id"))), &id),
                         0);
            hy_buf_printf(ids, "%s%u", ids->len ? " " : "", (unsigned)id);
        }
        const char *after = json_string_value(json_object_get(page, "after"));
        has_more = after;
        if (after)
            cr_assert_eq(hy_handoff_place_read(hy_str_of(after), &s.after), 0);
        json_decref(page);
        n++;
    }
    hy_txn_end(&t);
    return n;
}

Test(handoff_json, each_state_is_told_whole_whatever_the_pages)
{
    static const struct {
        enum hy_handoff_state state;
        const char *ids;
        size_t n;
    } cases[] = {{HY_HANDOFF_ANY, "11 12 13 14 15 21", 6},
                 {HY_HANDOFF_WAITS, "11 12", 2},
                 {HY_HANDOFF_GIVEN_UP, "13 14 15 21", 4}};
    struct hy_buf ids = HY_BUF_INIT(1024);
    fill();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t limit = 1; limit <= 7; limit++) {
            size_t n = pages(cases[i].state, limit, &ids);
            cr_expect_str_eq(hy_buf_cstr(&ids), cases[i].ids);
            cr_expect_eq(n, (cases[i].n + limit - 1) / limit, "limit %zu: %zu pages", limit, n);
        }
    hy_buf_free(&ids);
}

Test(handoff_json, one_is_tried_again_or_all_that_were_given_up)
{
    struct hy_handoff_retry r = {.n = 0};
    struct hy_buf ids = HY_BUF_INIT(1024);
    fill();
    hy_handoff_retry_init(&r);
    struct hy_txn t = case_write();
    cr_assert_eq(hy_handoff_find(&t, 99, &r.one), HY_ENOTFOUND);
    cr_assert_eq(hy_handoff_find(&t, 14, &r.one), 0);
    cr_assert_eq(r.req.apply(&r.req, &t), 0);
    cr_expect_eq(r.n, 1);
    cr_expect_eq(r.req.apply(&r.req, &t), HY_ENOTFOUND, "it is not there any more");
    cr_assert_eq(hy_txn_commit(&t), 0);
    pages(HY_HANDOFF_GIVEN_UP, 10, &ids);
    cr_expect_str_eq(hy_buf_cstr(&ids), "13 15 21");
    r.one = (struct hy_handoff){0};
    t = case_write();
    cr_assert_eq(r.req.apply(&r.req, &t), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(r.n, 3);
    pages(HY_HANDOFF_GIVEN_UP, 10, &ids);
    cr_expect_str_eq(hy_buf_cstr(&ids), "");
    hy_buf_free(&ids);
}

Test(handoff_json, a_place_of_others_is_refused)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "1-2",
                                      "1-2-",
                                      "x-2-000000000000g",
                                      "70000-1-0000000000002",
                                      "1-5000000000-0000000000002",
                                      "1-2-3-4"};
    struct hy_handoff h = {.lane = 9};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(hy_handoff_place_read(hy_str_of(bad[i]), &h), HY_EPARSE, "%s", bad[i]);
    cr_expect_eq(h.lane, 9);
}
