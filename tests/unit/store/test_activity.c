#include <criterion/criterion.h>
#include <stdio.h>

#include "activity.h"
#include "case.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/retention.h"
#include "hayauma/store/spool.h"

TestSuite(activity, .init = case_open, .fini = case_close);

static hy_id put(struct hy_activity a)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_put(&t, &a), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return a.id;
}

static int try_put(struct hy_activity a)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    int err = hy_activity_put(&t, &a);
    cr_assert_eq(t.writes, 0, "a refused one writes nothing");
    hy_txn_end(&t);
    return err;
}

static uint64_t entries(enum hy_table table)
{
    struct hy_txn t;
    uint64_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_table_count(&t, table, &n), 0);
    hy_txn_end(&t);
    return n;
}

static char problem_text[400];
static void keep(void *ctx, const char *text)
{
    (void)ctx;
    snprintf(problem_text, sizeof problem_text, "%s", text);
}
static struct hy_audit_report audit(void)
{
    struct hy_audit_sink sink = {.problem = keep};
    struct hy_audit_report r;
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r;
}

Test(activity, what_was_noted_is_read_back_whole)
{
    struct hy_activity a = {
        .kind = HY_ACTIVITY_COMPLAINT,
        .flags = HY_ACTIVITY_HARD,
        .reason = 14,
        .at = 1700000000123,
        .tenant = 7,
        .campaign = 0x1234,
        .message = 99,
        .lead = 5,
        .domain = 3,
        .link = 2,
        .visitor = UINT64_MAX - 1,
        .ip = {0x20, 0x01, [15] = 1},
        .address = HY_STR("a@example.jp"),
        .source = HY_STR("fbl"),
        .text = HY_STR("abuse"),
        .agent = HY_STR("agent/1"),
        .url = HY_STR("https://example.jp/"),
        .meta = HY_STR("{\"k\":1}"),
        .ref = HY_STR("shop:17"),
    };
    struct hy_activity got;
    struct hy_txn t;
    hy_id id = put(a);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, id, &got), 0);
    cr_assert_eq(got.id, id);
    cr_assert_eq(got.kind, a.kind);
    cr_assert_eq(got.flags, a.flags);
    cr_assert_eq(got.reason, a.reason);
    cr_assert_eq(got.at, a.at);
    cr_assert_eq(got.tenant, a.tenant);
    cr_assert_eq(got.campaign, a.campaign);
    cr_assert_eq(got.message, a.message);
    cr_assert_eq(got.lead, a.lead);
    cr_assert_eq(got.domain, a.domain);
    cr_assert_eq(got.link, a.link);
    cr_assert_eq(got.visitor, a.visitor);
    cr_assert_arr_eq(got.ip, a.ip, 16);
    cr_assert(hy_str_eq(got.address, a.address));
    cr_assert(hy_str_eq(got.source, a.source));
    cr_assert(hy_str_eq(got.text, a.text));
    cr_assert(hy_str_eq(got.agent, a.agent));
    cr_assert(hy_str_eq(got.url, a.url));
    cr_assert(hy_str_eq(got.meta, a.meta));
    cr_assert(hy_str_eq(got.ref, a.ref));
    cr_assert_eq(hy_activity_get(&t, id + 1, &got), HY_ENOTFOUND);
    hy_txn_end(&t);
    cr_assert_eq(audit().problems, 0, "%s", problem_text);
    cr_assert_eq(audit().activities, 1);
}

Test(activity, what_says_no_time_happened_when_it_was_noted)
{
    struct hy_activity got;
    struct hy_txn t;
    hy_wall_ms before = hy_clock_wall_ms();
    hy_id id = put((struct hy_activity){.kind = HY_ACTIVITY_REPLY});
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, id, &got), 0);
    hy_txn_end(&t);
    cr_assert_geq(got.at, before);
    cr_assert_leq(got.at, hy_clock_wall_ms());
}

Test(activity, what_is_too_long_is_cut_or_refused)
{
    static char longest[HY_ACTIVITY_META_MAX + 2];
    struct hy_activity got;
    struct hy_txn t;
    memset(longest, 'x', sizeof longest);
    struct hy_str s = hy_str_make(longest, sizeof longest);
    hy_id id = put((struct hy_activity){
        .kind = HY_ACTIVITY_CLICK,
        .source = s,
        .text = s,
        .agent = s,
        .address = hy_str_slice(s, 0, HY_ADDRESS_MAX),
        .url = hy_str_slice(s, 0, HY_ACTIVITY_URL_MAX),
        .meta = hy_str_slice(s, 0, HY_ACTIVITY_META_MAX),
        .ref = hy_str_slice(s, 0, HY_ACTIVITY_REF_MAX),
        .at = INT64_MAX,
        .tenant = UINT32_MAX,
        .campaign = UINT64_MAX,
        .message = UINT64_MAX,
        .lead = UINT32_MAX,
        .domain = UINT32_MAX,
        .link = UINT32_MAX,
        .visitor = UINT64_MAX,
        .ip = {1, 2, 3},
    });
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, id, &got), 0, "the largest record of all");
    cr_assert_eq(got.source.n, (size_t)HY_ACTIVITY_SOURCE_MAX);
    cr_assert_eq(got.text.n, (size_t)HY_ACTIVITY_TEXT_MAX);
    cr_assert_eq(got.agent.n, (size_t)HY_ACTIVITY_AGENT_MAX);
    cr_assert_eq(got.meta.n, (size_t)HY_ACTIVITY_META_MAX);
    hy_txn_end(&t);
    const struct hy_activity bad[] = {
        {.kind = HY_ACTIVITY_CLICK, .address = hy_str_slice(s, 0, HY_ADDRESS_MAX + 1)},
        {.kind = HY_ACTIVITY_CLICK, .url = hy_str_slice(s, 0, HY_ACTIVITY_URL_MAX + 1)},
        {.kind = HY_ACTIVITY_CLICK, .meta = hy_str_slice(s, 0, HY_ACTIVITY_META_MAX + 1)},
        {.kind = HY_ACTIVITY_CLICK, .ref = hy_str_slice(s, 0, HY_ACTIVITY_REF_MAX + 1)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(try_put(bad[i]), HY_ELIMIT, "case %zu", i);
}

Test(activity, kinds_that_other_logs_tell_are_not_stored)
{
    static const enum hy_activity_kind not_these[] = {
        (enum hy_activity_kind)0,  HY_ACTIVITY_ACCEPTED,      HY_ACTIVITY_DELIVERED,
        HY_ACTIVITY_BOUNCED,       HY_ACTIVITY_SUPPRESSED,    HY_ACTIVITY_CANCELLED,
        HY_ACTIVITY_HELD,          (enum hy_activity_kind)15, HY_ACTIVITY_KINDS,
        (enum hy_activity_kind)255};
    for (size_t i = 0; i < sizeof not_these / sizeof *not_these; i++)
        cr_assert_eq(try_put((struct hy_activity){.kind = not_these[i]}), HY_EINVAL, "case %zu", i);
}

static struct hy_activity_who by_lead(hy_lead_no lead)
{
    return (struct hy_activity_who){.by = HY_ACTIVITY_BY_LEAD, .lead = lead};
}

/* The ids that somebody's activities have, newest first. */
static size_t ids_of(struct hy_activity_who who, hy_id out[8])
{
    struct hy_activity a = {0};
    struct hy_txn t;
    size_t n = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (n < 8 && hy_activity_prev_of(&t, &who, a.id, &a) == 0)
        out[n++] = a.id;
    hy_txn_end(&t);
    return n;
}

Test(activity, is_found_by_lead_by_message_and_else_by_address)
{
    hy_id ids[8];
    hy_id a = put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 1});
    hy_id b = put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 2, .message = 8});
    hy_id c = put((struct hy_activity){.kind = HY_ACTIVITY_CLICK, .lead = 1});
    hy_id d = put((struct hy_activity){.kind = HY_ACTIVITY_CLICK, .message = 8});
    hy_id e =
        put((struct hy_activity){.kind = HY_ACTIVITY_COMPLAINT, .address = HY_STR("X@example.jp")});
    cr_assert_eq(ids_of(by_lead(1), ids), 2);
    cr_assert_eq(ids[0], c, "the newest first");
    cr_assert_eq(ids[1], a);
    cr_assert_eq(ids_of(by_lead(2), ids), 1);
    cr_assert_eq(ids_of(by_lead(3), ids), 0);
    cr_assert_eq(ids_of(by_lead(UINT32_MAX), ids), 0);
    cr_assert_eq(ids_of((struct hy_activity_who){.by = HY_ACTIVITY_BY_MESSAGE, .message = 8}, ids),
                 2);
    cr_assert_eq(ids[0], d);
    cr_assert_eq(ids[1], b);
    cr_assert_eq(ids_of((struct hy_activity_who){.by = HY_ACTIVITY_BY_ADDRESS,
                                                 .address = HY_STR("x@EXAMPLE.jp")},
                        ids),
                 1);
    cr_assert_eq(ids[0], e);
}

Test(activity, is_found_by_visitor_whether_or_not_the_lead_is_known_and_by_its_ref)
{
    const struct hy_activity_who v = {.by = HY_ACTIVITY_BY_VISITOR, .visitor = 77};
    hy_id ids[8];
    hy_id a = put((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = 77});
    put((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = 78});
    hy_id c = put((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .visitor = 77, .lead = 3});
    hy_id d = put((struct hy_activity){
        .kind = HY_ACTIVITY_IDENTIFY, .visitor = 77, .address = HY_STR("claims@example.jp")});
    put((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .lead = 3});
    hy_id f = put((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .ref = HY_STR("shop:17")});
    put((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .ref = HY_STR("shop:18")});
    cr_assert_eq(ids_of(v, ids), 3);
    cr_assert_eq(ids[0], d);
    cr_assert_eq(ids[1], c);
    cr_assert_eq(ids[2], a);
    cr_assert_eq(ids_of(by_lead(3), ids), 2);
    cr_assert_eq(ids_of((struct hy_activity_who){.by = HY_ACTIVITY_BY_ADDRESS,
                                                 .address = HY_STR("claims@example.jp")},
                        ids),
                 1);
    cr_assert_eq(
        ids_of((struct hy_activity_who){.by = HY_ACTIVITY_BY_REF, .ref = HY_STR("shop:17")}, ids),
        1);
    cr_assert_eq(ids[0], f);
    cr_assert_eq(audit().problems, 0, "%s", problem_text);
    struct hy_trim_job job;
    hy_trim_job_init(&job, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(entries(HY_TABLE_ACTIVITY_INDEX), 0);
}

/* Files it as a store did before kinds were in the key. */
static void file_as_before(hy_id id, hy_lead_no lead, enum hy_activity_kind kind)
{
    uint8_t key[14] = {'y'}, old[13] = {'l'};
    static const uint8_t value = 1;
    struct hy_txn t;
    hy_put_be32(key + 1, lead);
    key[5] = (uint8_t)kind;
    hy_put_be64(key + 6, id);
    hy_put_be32(old + 1, lead);
    hy_put_be64(old + 5, id);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_del(&t, HY_TABLE_ACTIVITY_INDEX, hy_str_make(key, sizeof key)), 0);
    hy_put(&t, HY_TABLE_ACTIVITY_INDEX, hy_str_make(old, sizeof old), hy_str_make(&value, 1),
           HY_PUT_NEW);
    cr_assert_eq(hy_txn_commit(&t), 0);
}

static struct hy_activity_who by_kind(hy_lead_no lead, enum hy_activity_kind kind)
{
    return (struct hy_activity_who){.by = HY_ACTIVITY_BY_LEAD, .lead = lead, .kind = (uint8_t)kind};
}

Test(activity, is_found_by_kind_and_in_the_order_of_time_whichever_way_a_store_filed_it)
{
    static const enum hy_activity_kind kinds[] = {HY_ACTIVITY_ORDER, HY_ACTIVITY_PAGE_VIEW,
                                                  HY_ACTIVITY_CLICK, HY_ACTIVITY_PAGE_VIEW,
                                                  HY_ACTIVITY_ORDER, HY_ACTIVITY_CUSTOM};
    hy_id made[6], ids[8];
    for (size_t i = 0; i < 6; i++) {
        made[i] = put((struct hy_activity){.kind = kinds[i], .lead = 5});
        put((struct hy_activity){.kind = HY_ACTIVITY_ORDER, .lead = 4});
        put((struct hy_activity){.kind = HY_ACTIVITY_PAGE_VIEW, .lead = 6});
    }
    for (size_t old = 0; old <= 6; old++) { /* the first of them are of an older store */
        struct hy_activity a = {.id = 0};
        struct hy_activity_who who = by_lead(5);
        struct hy_txn t;
        if (old)
            file_as_before(made[old - 1], 5, kinds[old - 1]);
        cr_assert_eq(ids_of(by_lead(5), ids), 6);
        for (size_t i = 0; i < 6; i++)
            cr_expect_eq(ids[i], made[5 - i], "number %zu from the newest, %zu old ones", i, old);
        cr_assert_eq(hy_txn_read(env, &t), 0);
        for (size_t i = 0; i < 6; i++) {
            cr_assert_eq(hy_activity_next_of(&t, &who, a.id, &a), 0);
            cr_expect_eq(a.id, made[i], "number %zu from the oldest, %zu old ones", i, old);
        }
        cr_expect_eq(hy_activity_next_of(&t, &who, a.id, &a), HY_ENOTFOUND);
        hy_txn_end(&t);
        cr_assert_eq(ids_of(by_kind(5, HY_ACTIVITY_ORDER), ids), 2);
        cr_expect_eq(ids[0], made[4]);
        cr_expect_eq(ids[1], made[0]);
        cr_assert_eq(ids_of(by_kind(5, HY_ACTIVITY_CUSTOM), ids), 1);
        cr_expect_eq(ids[0], made[5]);
        cr_expect_eq(ids_of(by_kind(5, HY_ACTIVITY_OPEN), ids), 0);
        cr_expect_eq(audit().problems, 0, "%s", problem_text);
    }
    struct hy_trim_job job;
    hy_trim_job_init(&job, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_expect_eq(entries(HY_TABLE_ACTIVITY_INDEX), 0);
}

/* version, kind, flags, reason; at, tenant, campaign, message, lead, domain, link; ip; recipient,
 * source, text, agent, url, meta */
Test(activity, a_record_of_the_first_version_is_read)
{
    static const uint8_t old[] = {
        1, HY_ACTIVITY_CLICK, 4, 0, 9, 0, 5, 0, 6, 7, 2, 0, 1, 'a', 1, 's', 1, 't', 0, 1, 'u', 0};
    struct hy_activity got;
    struct hy_txn t;
    uint8_t key[8];
    hy_put_be64(key, 1234);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    hy_put(&t, HY_TABLE_ACTIVITIES, hy_str_make(key, 8), hy_str_make(old, sizeof old), HY_PUT_SET);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, 1234, &got), 0);
    cr_assert_eq(got.kind, HY_ACTIVITY_CLICK);
    cr_assert_eq(got.flags, HY_ACTIVITY_HUMAN);
    cr_assert_eq(got.at, 9);
    cr_assert_eq(got.campaign, 5);
    cr_assert_eq(got.lead, 6);
    cr_assert_eq(got.domain, 7);
    cr_assert_eq(got.link, 2);
    cr_assert_eq(got.visitor, 0);
    cr_assert(hy_str_eq(got.address, HY_STR("a")));
    cr_assert(hy_str_eq(got.url, HY_STR("u")));
    hy_txn_end(&t);
}

Test(activity, a_damaged_record_is_passed_over_and_counted)
{
    uint8_t key[8];
    struct hy_activity a = {0};
    struct hy_txn t;
    uint64_t damaged = 0;
    hy_id first = put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 1});
    hy_id bad = put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 1});
    hy_id last = put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 1});
    hy_put_be64(key, bad);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    hy_put(&t, HY_TABLE_ACTIVITIES, hy_str_make(key, 8), HY_STR("\1xyz"), HY_PUT_SET);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_next(&t, 0, &a, &damaged), 0);
    cr_assert_eq(a.id, first);
    cr_assert_eq(hy_activity_next(&t, first, &a, &damaged), 0);
    cr_assert_eq(a.id, last);
    cr_assert_eq(damaged, 1);
    cr_assert_eq(hy_activity_next(&t, last, &a, NULL), HY_ENOTFOUND);
    cr_assert_eq(hy_activity_next(&t, UINT64_MAX, &a, NULL), HY_ENOTFOUND);
    hy_txn_end(&t);
    hy_id ids[8];
    cr_assert_eq(ids_of(by_lead(1), ids), 2);
    cr_assert_eq(audit().problems, 1);
    cr_assert(strstr(problem_text, "activity log"), "%s", problem_text);
}

Test(activity, the_audit_finds_an_index_that_differs)
{
    struct hy_cursor c;
    struct hy_txn t;
    put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 1});
    hy_id second = put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 1});
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_ACTIVITY_INDEX, &c), 0);
    cr_assert_eq(hy_cursor_first(&c), 0);
    cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(audit().problems, 1);
    cr_assert(strstr(problem_text, "missing in the index"), "%s", problem_text);
    uint8_t key[8];
    hy_put_be64(key, second);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_del(&t, HY_TABLE_ACTIVITIES, hy_str_make(key, 8)), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    audit();
    cr_assert(strstr(problem_text, "which is not there"), "%s", problem_text);
}

Test(activity, trimming_takes_records_with_their_index_and_leaves_the_counts)
{
    struct hy_trim_job job;
    put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .lead = 1, .campaign = 4, .message = 9});
    put((struct hy_activity){.kind = HY_ACTIVITY_OPEN, .address = HY_STR("a@b.example")});
    hy_trim_job_init(&job, hy_clock_wall_ms() + 1000);
    cr_assert_eq(run_request(env, &job.req), 0);
    cr_assert_eq(entries(HY_TABLE_ACTIVITIES), 0);
    cr_assert_eq(entries(HY_TABLE_ACTIVITY_INDEX), 0);
    cr_assert_eq(entries(HY_TABLE_ACTIVITY_COUNTS), 1);
    cr_assert_eq(audit().problems, 0, "%s", problem_text);
}

struct sums {
    uint64_t complaints, hard, domain_2;
    size_t calls;
};
static int sum(void *ctx, const struct hy_activity_count *n)
{
    struct sums *s = ctx;
    s->calls++;
    if (n->kind == HY_ACTIVITY_COMPLAINT)
        s->complaints += n->n;
    if (n->flags & HY_ACTIVITY_HARD)
        s->hard += n->n;
    if (n->domain == 2)
        s->domain_2 += n->n;
    return 0;
}

Test(activity, a_campaigns_activities_are_counted_by_kind_and_domain)
{
    struct sums s = {0};
    struct hy_txn t;
    for (hy_domain_no d = 1; d <= 3; d++)
        for (unsigned i = 0; i < d; i++)
            put((struct hy_activity){
                .kind = HY_ACTIVITY_COMPLAINT, .campaign = 4, .lead = d, .domain = d});
    put((struct hy_activity){
        .kind = HY_ACTIVITY_LATE_BOUNCE, .flags = HY_ACTIVITY_HARD, .campaign = 4, .domain = 2});
    put((struct hy_activity){.kind = HY_ACTIVITY_COMPLAINT, .campaign = 5, .domain = 2});
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_counts(&t, 4, sum, &s), 0);
    cr_assert_eq(s.complaints, 6);
    cr_assert_eq(s.hard, 1);
    cr_assert_eq(s.domain_2, 3);
    cr_assert_eq(s.calls, 4);
    cr_assert_eq(hy_activity_counts(&t, 6, sum, &s), 0, "one that has none");
    cr_assert_eq(s.calls, 4);
    hy_txn_end(&t);
}

Test(activity, the_domain_is_that_of_the_lead)
{
    struct hy_lead_batch *b;
    struct hy_lead_upsert_result r = {0};
    struct hy_lead_upsert how = {.created = 1};
    struct sums s = {0};
    struct hy_activity got;
    struct hy_txn t;
    hy_lead_no lead = 0;
    hy_domain_no domain = 0;
    cr_assert_eq(hy_lead_batch_new(env, NULL, 0, &b), 0);
    cr_assert_eq(hy_lead_batch_add(b, HY_STR("p@two.example"), HY_STR("p@two.example"), NULL, 0),
                 0);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_lead_upsert(&t, b, &how, &r), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_lead_batch_free(b);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_lead_find(&t, HY_STR("p@two.example"), &lead), 0);
    cr_assert_eq(hy_domain_find(&t, HY_STR("two.example"), &domain), 0);
    hy_txn_end(&t);
    hy_id id =
        put((struct hy_activity){.kind = HY_ACTIVITY_COMPLAINT, .campaign = 4, .lead = lead});
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_activity_get(&t, id, &got), 0);
    cr_assert_eq(got.domain, domain);
    cr_assert_eq(hy_activity_counts(&t, 4, sum, &s), 0);
    hy_txn_end(&t);
    cr_assert_eq(s.calls, 1);
}

static int first_count(void *ctx, const struct hy_activity_count *n)
{
    *(struct hy_activity_count *)ctx = *n;
    return 1;
}

Test(activity, a_judgement_moves_the_counts_and_changes_nothing_else)
{
    struct hy_activity_count n = {.n = 0};
    struct hy_activity got;
    struct hy_txn t;
    hy_id open = put((struct hy_activity){.kind = HY_ACTIVITY_OPEN,
                                          .campaign = 4,
                                          .lead = 9,
                                          .flags = HY_ACTIVITY_HARD,
                                          .text = HY_STR("t"),
                                          .meta = HY_STR("{}")});
    hy_id reply = put((struct hy_activity){.kind = HY_ACTIVITY_REPLY, .campaign = 5});
    cr_assert_eq(hy_txn_write(env, &t), 0);
    cr_assert_eq(hy_activity_judge(&t, open, HY_ACTIVITY_HUMAN | HY_ACTIVITY_COUNTED, 8), 0);
    cr_assert_eq(hy_activity_judge(&t, open, HY_ACTIVITY_MACHINE, 5), 0);
    cr_assert_eq(hy_activity_judge(&t, open, HY_ACTIVITY_MACHINE, 5), 0, "once more");
    cr_assert_eq(hy_activity_judge(&t, reply, HY_ACTIVITY_HUMAN, 0), HY_EINVAL);
    cr_assert_eq(hy_activity_judge(&t, reply + 1, HY_ACTIVITY_HUMAN, 0), HY_ENOTFOUND);
    cr_assert_eq(hy_activity_get(&t, open, &got), 0);
    cr_assert_eq(got.flags, HY_ACTIVITY_HARD | HY_ACTIVITY_MACHINE);
    cr_assert_eq(got.reason, 5);
    cr_assert(hy_str_eq(got.text, HY_STR("t")));
    cr_assert(hy_str_eq(got.meta, HY_STR("{}")));
    cr_assert_eq(hy_activity_counts(&t, 4, first_count, &n), 1);
    cr_assert_eq(n.n, 1);
    cr_assert_eq(n.flags, HY_ACTIVITY_HARD | HY_ACTIVITY_MACHINE);
    cr_assert_eq(n.reason, 5);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_assert_eq(entries(HY_TABLE_ACTIVITY_COUNTS), 2, "of each campaign one");
    cr_assert_eq(audit().problems, 0, "%s", problem_text);
}

Test(activity, kinds_have_names_that_lead_back_to_them)
{
    size_t named = 0;
    for (int i = 0; i < HY_ACTIVITY_KINDS; i++) {
        const char *name = hy_activity_kind_name((enum hy_activity_kind)i);
        enum hy_activity_kind back = (enum hy_activity_kind)0;
        if (*name == '?')
            continue;
        named++;
        cr_assert_eq(hy_activity_kind_find(hy_str_of(name), &back), 0);
        cr_assert_eq((int)back, i, "%s", name);
    }
    enum hy_activity_kind kind = HY_ACTIVITY_OPEN;
    cr_assert_eq(named, 38);
    cr_assert_eq(hy_activity_kind_find(HY_STR("opens"), &kind), HY_ENOTFOUND);
    cr_assert_eq(kind, HY_ACTIVITY_OPEN);
}
