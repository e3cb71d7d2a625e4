#include "hayauma/store/suppress.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"
#include "hayauma/store/spool.h"

TestSuite(suppress, .init = case_open, .fini = case_close);

#define DAY ((hy_wall_ms)24 * 3600 * 1000)

static struct hy_txn write_txn(void)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_write(env, &t), 0);
    return t;
}

static struct hy_suppress_entry entry(const char *what, enum hy_suppress_scope scope,
                                      uint32_t tenant, uint32_t no, enum hy_suppress_reason reason)
{
    return (struct hy_suppress_entry){
        .key = {.scope = scope, .tenant = tenant, .no = no, .reason = reason},
        .what = hy_str_of(what),
        .source = HY_STR("550 5.1.1 <taro@example.jp> unknown"),
        .by = HY_STR("test"),
    };
}

static enum hy_suppress_did put_entry(const struct hy_suppress_entry *e)
{
    struct hy_txn t = write_txn();
    enum hy_suppress_did did = 0;
    cr_assert_eq(hy_suppress_put(&t, e, &did), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return did;
}

static void put(const char *what, enum hy_suppress_scope scope, uint32_t tenant, uint32_t no,
                enum hy_suppress_reason reason)
{
    struct hy_suppress_entry e = entry(what, scope, tenant, no, reason);
    put_entry(&e);
}

static struct hy_suppress_id id_of(const char *what)
{
    struct hy_suppress_id id = {0};
    cr_assert_eq(hy_suppress_id_of(env, hy_str_of(what), &id), 0, "%s", what);
    return id;
}

static int del(const char *what, enum hy_suppress_scope scope, uint32_t tenant, uint32_t no,
               enum hy_suppress_reason reason)
{
    struct hy_suppress_key k = {id_of(what), scope, tenant, no, reason};
    struct hy_txn t = write_txn();
    int err = hy_suppress_del(&t, &k, HY_STR("test"), HY_STR("a mistake"));
    cr_assert_eq(hy_txn_commit(&t), 0);
    return err;
}

static int find(const char *address, const struct hy_suppress_ask *ask)
{
    struct hy_txn t;
    struct hy_suppress_entry e = {0};
    cr_assert_eq(hy_txn_read(env, &t), 0);
    int err = hy_suppress_find(&t, hy_str_of(address), ask, &e);
    hy_txn_end(&t);
    return err ? err : (int)e.key.reason;
}

static int find_for(const char *address, uint32_t tenant, enum hy_stream stream)
{
    struct hy_suppress_ask ask = {.tenant = tenant, .stream = stream};
    return find(address, &ask);
}

static uint64_t problems(void)
{
    struct hy_audit_report r = {0};
    struct hy_audit_sink sink = {0};
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r.problems;
}

Test(suppress, an_empty_list_keeps_nobody)
{
    cr_expect_eq(find_for("taro@example.jp", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
    cr_expect_not(hy_suppress_may_have(env, HY_STR("taro@example.jp")));
    cr_expect_eq(problems(), 0);
}

Test(suppress, scopes_reach_as_far_as_they_say)
{
    put("all@x.test", HY_SUPPRESS_ALL, 0, 0, HY_SUPPRESS_MANUAL);
    put("tenant@x.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_COMPLAINT);
    put("own@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_COMPLAINT);
    put("stream@x.test", HY_SUPPRESS_STREAM, 3, HY_STREAM_MARKETING, HY_SUPPRESS_HARD_BOUNCE);
    put("@wide.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_MANUAL);
    put("both@x.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_UNSUBSCRIBE);
    put("both@x.test", HY_SUPPRESS_TENANT, 3, 0, HY_SUPPRESS_HARD_BOUNCE);
    static const struct {
        const char *address;
        uint32_t tenant;
        enum hy_stream stream;
        int want;
    } cases[] = {
        {"all@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
        {"all@x.test", 9, HY_STREAM_TRANSACTIONAL, HY_SUPPRESS_MANUAL},
        {"tenant@x.test", 3, HY_STREAM_MARKETING, HY_SUPPRESS_COMPLAINT},
        {"tenant@x.test", 4, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"tenant@x.test", 0, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"own@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_COMPLAINT},
        {"own@x.test", 3, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"stream@x.test", 3, HY_STREAM_MARKETING, HY_SUPPRESS_HARD_BOUNCE},
        {"stream@x.test", 3, HY_STREAM_TRANSACTIONAL, HY_ENOTFOUND},
        {"any.body@wide.test", 3, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
        {"any.body@sub.wide.test", 3, HY_STREAM_MARKETING, HY_ENOTFOUND},
        {"any.body@wide.test", 4, HY_STREAM_MARKETING, HY_ENOTFOUND},
        /* transactional mail does not heed unsubscribes, but the other entry */
        {"both@x.test", 3, HY_STREAM_TRANSACTIONAL, HY_SUPPRESS_HARD_BOUNCE},
        {"stranger@x.test", 3, HY_STREAM_MARKETING, HY_ENOTFOUND},
        /* however it is written */
        {"ALL@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
        {"\"all\"@x.test", 0, HY_STREAM_MARKETING, HY_SUPPRESS_MANUAL},
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int got = find_for(cases[i].address, cases[i].tenant, cases[i].stream);
            cr_expect_eq(got, cases[i].want, "round %d, %s for %u: got %d, want %d", round,
                         cases[i].address, cases[i].tenant, got, cases[i].want);
        }
        hy_env_close(env); /* and after a restart, when the filter is read from the store */
        env = store_open(&dir);
    }
    cr_expect_eq(problems(), 0);
}

Test(suppress, rules_say_which_reasons_a_stream_heeds)
{
    struct hy_suppress_rules r = hy_suppress_rules_default;
    put("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_UNSUBSCRIBE);
    cr_expect_eq(find_for("a@x.test", 0, HY_STREAM_TRANSACTIONAL), HY_ENOTFOUND);
    r.reasons[HY_STREAM_TRANSACTIONAL] |= 1u << HY_SUPPRESS_UNSUBSCRIBE;
    r.reasons[HY_STREAM_MARKETING] = 0;
    hy_suppress_rules_set(env, &r);
    cr_expect_eq(find_for("a@x.test", 0, HY_STREAM_TRANSACTIONAL), HY_SUPPRESS_UNSUBSCRIBE);
    cr_expect_eq(find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
}

Test(suppress, the_same_entry_again_changes_nothing_but_its_end)
{
    struct hy_suppress_entry e = entry("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    hy_wall_ms now = hy_clock_wall_ms();
    e.expires = now + DAY;
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_ADDED);
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_SAME);
    e.expires = now + DAY / 2;
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_SAME, "an earlier end does not count");
    e.expires = now + 2 * DAY;
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_CHANGED);
    e.expires = 0;
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_CHANGED);
    e.expires = now + DAY;
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_SAME, "no end is the latest");
    cr_expect_eq(problems(), 0);
}

Test(suppress, what_is_no_entry_is_refused)
{
    struct hy_suppress_entry cases[] = {
        entry("no address", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL),
        entry("a@x.test", HY_SUPPRESS_ALL, 1, 0, HY_SUPPRESS_MANUAL),
        entry("a@x.test", HY_SUPPRESS_STREAM, 0, HY_STREAMS, HY_SUPPRESS_MANUAL),
        entry("a@x.test", HY_SUPPRESS_LIST, 0, 0, HY_SUPPRESS_MANUAL),
        entry("a@x.test", HY_SUPPRESS_TENANT, 0, 5, HY_SUPPRESS_MANUAL),
        entry("a@x.test", HY_SUPPRESS_TENANT, 0, 0, 0),
        entry("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_REASONS),
        entry("", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_txn t = write_txn();
        int err = hy_suppress_put(&t, &cases[i], NULL);
        cr_expect(err == HY_EINVAL || err == HY_EPARSE, "case %zu: %d", i, err);
        hy_txn_end(&t);
    }
}

struct told {
    int n;
    enum hy_suppress_op ops[HY_SUPPRESS_HISTORY_MAX + 1];
    char source[256];
};

static int tell(void *ctx, const struct hy_suppress_act *a)
{
    struct told *told = ctx;
    told->ops[told->n++] = a->op;
    snprintf(told->source, sizeof told->source, "%.*s", HY_STR_ARG(a->source));
    return 0;
}

static struct told history(const char *what)
{
    struct told told = {0};
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_suppress_history(&t, id_of(what), tell, &told), 0);
    hy_txn_end(&t);
    return told;
}

Test(suppress, the_history_stays_when_the_entry_goes)
{
    put("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE);
    cr_expect_eq(del("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE), 0);
    cr_expect_eq(del("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE), HY_ENOTFOUND);
    cr_expect_eq(find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
    struct told h = history("a@x.test");
    cr_expect_eq(h.n, 2);
    cr_expect_eq(h.ops[0], HY_SUPPRESS_OP_ADDED);
    cr_expect_eq(h.ops[1], HY_SUPPRESS_OP_REMOVED);
    cr_expect_str_eq(h.source, "a mistake");
    for (int i = 0; i < HY_SUPPRESS_HISTORY_MAX; i++) {
        put("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE);
        cr_expect_eq(del("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE), 0);
    }
    cr_expect_eq(history("a@x.test").n, HY_SUPPRESS_HISTORY_MAX);
    cr_expect_eq(problems(), 0);
}

static int count_hashed(void *ctx, const struct hy_suppress_entry *e)
{
    int *n = ctx;
    *n += e->is_hashed && e->what.n == 0 && e->source.n == 0;
    return 0;
}

Test(suppress, a_hash_alone_still_stops_mail_and_tells_no_address)
{
    int hashed = 0;
    struct hy_txn t;
    put("taro@example.jp", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_HARD_BOUNCE);
    put("taro@example.jp", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_UNSUBSCRIBE);
    struct hy_suppress_entry e =
        entry("taro@example.jp", HY_SUPPRESS_ALL, 0, 0, HY_SUPPRESS_ERASED);
    e.is_hashed = true;
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_ADDED);
    cr_expect_eq(find_for("taro@example.jp", 5, HY_STREAM_MARKETING), HY_SUPPRESS_ERASED);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_suppress_each(&t, id_of("taro@example.jp"), count_hashed, &hashed), 0);
    /* nothing in the table has the address any more */
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_SUPPRESSIONS, &c), 0);
    for (int err = hy_cursor_first(&c); !err; err = hy_cursor_next(&c))
        cr_expect_eq(hy_str_find_str(c.value, HY_STR("taro"), 0), SIZE_MAX);
    hy_cursor_close(&c);
    hy_txn_end(&t);
    cr_expect_eq(hashed, 3);
    cr_expect_eq(history("taro@example.jp").n, 3);
    /* what comes later is kept as a hash, too */
    put("taro@example.jp", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_UNSUBSCRIBE);
    cr_expect_eq(problems(), 0);
}

Test(suppress, a_token_names_an_id_of_this_store_only)
{
    char token[HY_SUPPRESS_TOKEN_MAX];
    struct hy_suppress_id id = id_of("a@x.test"), back = {0};
    struct store_dir other_dir = store_dir_make();
    struct hy_env *other = store_open(&other_dir);
    hy_suppress_token(env, id, token);
    cr_expect_eq(hy_suppress_token_read(env, hy_str_of(token), &back), 0);
    cr_expect(hy_suppress_id_eq(id, back));
    cr_expect_eq(hy_suppress_token_read(other, hy_str_of(token), &back), HY_EAUTH);
    token[20] = 'x';
    cr_expect_eq(hy_suppress_token_read(env, hy_str_of(token), &back), HY_EPARSE);
    cr_expect_eq(hy_suppress_token_read(env, HY_STR("h1:"), &back), HY_EPARSE);
    hy_env_close(other);
    store_dir_remove(&other_dir);
}

Test(suppress, people_may_write_addresses_and_domains_as_they_do)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } cases[] = {
        {" Taro <Taro@Example.JP> ", "Taro@example.jp"},
        {"@Example.JP", "@example.jp"},
        {"@日本.example", "@xn--wgv71a.example"},
        {"@", NULL},
        {"@a@b", NULL},
        {"taro", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[HY_SUPPRESS_WHAT_MAX] = "";
        struct hy_diag diag = {""};
        int err = hy_suppress_what_parse(hy_str_of(cases[i].text), out, &diag);
        cr_expect_eq(err, cases[i].want ? 0 : HY_EPARSE, "%s", cases[i].text);
        if (cases[i].want)
            cr_expect_str_eq(out, cases[i].want);
        else
            cr_expect_neq(diag.text[0], '\0', "%s", cases[i].text);
    }
}

/* ---- lists ---- */

static hy_lead_no add_lead(const char *address, hy_list_no list, hy_domain_no *ret_domain)
{
    struct hy_lead_batch *b = NULL;
    struct hy_lead_upsert_result got;
    struct hy_lead_upsert how = {.list = list, .merge = HY_LEAD_MERGE_KEEP};
    struct hy_lead_attr attrs[4];
    struct hy_lead_view v = {0};
    hy_lead_no no = 0;
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_lead_batch_new(env, NULL, 0, &b), 0);
    cr_assert_eq(hy_lead_batch_add(b, hy_str_of(address), hy_str_of(address), NULL, 0), 0);
    cr_assert_eq(hy_lead_upsert(&t, b, &how, &got), 0);
    cr_assert_eq(hy_lead_find(&t, hy_str_of(address), &no), 0);
    cr_assert_eq(hy_lead_read(&t, no, attrs, 4, &v), 0);
    *ret_domain = v.domain_no;
    cr_assert_eq(hy_txn_commit(&t), 0);
    hy_lead_batch_free(b);
    return no;
}

static hy_list_no make_list(const char *name)
{
    hy_list_no no = 0;
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_list_create(&t, hy_str_of(name), 1, &no), 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return no;
}

Test(suppress, who_left_one_list_still_gets_mail_of_another)
{
    hy_list_no news = make_list("news"), shop = make_list("shop");
    hy_domain_no domain = 0;
    hy_lead_no a = add_lead("a@x.test", news, &domain), same = add_lead("a@x.test", shop, &domain);
    cr_assert_eq(a, same);
    hy_lead_no b = add_lead("b@x.test", news, &domain);
    put("a@x.test", HY_SUPPRESS_LIST, 0, news, HY_SUPPRESS_UNSUBSCRIBE);
    put("b@x.test", HY_SUPPRESS_LIST, 0, news, HY_SUPPRESS_UNSUBSCRIBE);
    struct hy_list_set only_news = {{news}, 1}, only_shop = {{shop}, 1}, both = {{news, shop}, 2};
    const struct {
        const char *address;
        hy_lead_no lead;
        const struct hy_list_set *lists;
        int want;
    } cases[] = {
        {"a@x.test", a, &only_news, HY_SUPPRESS_UNSUBSCRIBE},
        {"a@x.test", a, &only_shop, HY_ENOTFOUND},
        {"a@x.test", a, &both, HY_ENOTFOUND}, /* shop still has it */
        {"b@x.test", b, &both, HY_SUPPRESS_UNSUBSCRIBE},
        {"a@x.test", 0, NULL, HY_ENOTFOUND}, /* a ready message belongs to no list */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_suppress_ask ask = {
            .lists = cases[i].lists, .domain = domain, .lead = cases[i].lead};
        cr_expect_eq(find(cases[i].address, &ask), cases[i].want, "case %zu", i);
    }
    put("a@x.test", HY_SUPPRESS_LIST, 0, shop, HY_SUPPRESS_UNSUBSCRIBE);
    struct hy_suppress_ask ask = {.lists = &both, .domain = domain, .lead = a};
    cr_expect_eq(find("a@x.test", &ask), HY_SUPPRESS_UNSUBSCRIBE, "it left both");
}

/* ---- ends ---- */

Test(suppress, an_end_counts_at_once_and_is_swept_later)
{
    hy_wall_ms now = hy_clock_wall_ms();
    struct hy_suppress_entry e = entry("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    struct hy_suppress_counts n;
    struct hy_suppress_sweep_job j;
    struct hy_txn t;
    e.expires = now - 5000;
    put_entry(&e);
    e.what = HY_STR("b@x.test");
    e.expires = now + DAY;
    put_entry(&e);
    cr_expect_eq(find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_ENOTFOUND);
    cr_expect_eq(find_for("b@x.test", 0, HY_STREAM_MARKETING), HY_SUPPRESS_MANUAL);
    hy_suppress_sweep_init(&j);
    cr_assert_eq(run_request(env, &j.req), 0);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_suppress_counts(&t, &n), 0);
    hy_txn_end(&t);
    cr_expect_eq(n.by_reason[HY_SUPPRESS_MANUAL], 1);
    struct told h = history("a@x.test");
    cr_assert_eq(h.n, 2);
    cr_expect_eq(h.ops[1], HY_SUPPRESS_OP_EXPIRED);
    cr_expect_eq(problems(), 0);
}

Test(suppress, one_that_was_over_begins_anew)
{
    hy_wall_ms now = hy_clock_wall_ms();
    struct hy_suppress_entry e = entry("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    e.expires = now - 5000;
    put_entry(&e);
    e.expires = now + DAY;
    cr_expect_eq(put_entry(&e), HY_SUPPRESS_CHANGED);
    cr_expect_eq(find_for("a@x.test", 0, HY_STREAM_MARKETING), HY_SUPPRESS_MANUAL);
    cr_expect_eq(problems(), 0);
}

/* ---- soft bounces ---- */

/* As if so many days had passed since the first. */
static bool soft(const char *address, int days)
{
    struct hy_txn t = write_txn();
    bool suppressed = false;
    t.now += days * DAY;
    cr_assert_eq(hy_suppress_soft(&t, hy_str_of(address), 2, HY_STR("452 4.2.2 full"), &suppressed),
                 0);
    cr_assert_eq(hy_txn_commit(&t), 0);
    return suppressed;
}

Test(suppress, soft_bounces_need_their_number_and_their_days)
{
    for (int i = 0; i < 10; i++)
        cr_expect_not(soft("quick@x.test", 0), "ten in a day are not enough");
    cr_expect(soft("quick@x.test", 8));
    cr_expect_eq(find_for("quick@x.test", 2, HY_STREAM_MARKETING), HY_SUPPRESS_SOFT_BOUNCES);
    cr_expect_eq(find_for("quick@x.test", 1, HY_STREAM_MARKETING), HY_ENOTFOUND);
    for (int i = 0; i < 4; i++)
        cr_expect_not(soft("slow@x.test", 30 * i), "four are not enough");
    cr_expect(soft("slow@x.test", 150));
    cr_expect_eq(problems(), 0);
}

Test(suppress, a_delivery_makes_soft_bounces_begin_anew)
{
    struct hy_suppress_soft s;
    for (int i = 0; i < 4; i++)
        cr_expect_not(soft("a@x.test", 10 * i));
    cr_expect(hy_suppress_may_have(env, HY_STR("a@x.test")));
    struct hy_txn t = write_txn();
    cr_assert_eq(hy_suppress_soft_get(&t, id_of("a@x.test"), 2, &s), 0);
    cr_expect_eq(s.count, 4);
    cr_assert_eq(hy_suppress_soft_reset(&t, HY_STR("a@x.test"), 2), 0);
    cr_assert_eq(hy_suppress_soft_reset(&t, HY_STR("a@x.test"), 2), 0, "as often as one likes");
    cr_expect_eq(hy_suppress_soft_get(&t, id_of("a@x.test"), 2, &s), HY_ENOTFOUND);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_not(soft("a@x.test", 50));
}

/* ---- settles ---- */

static void settle_row(const struct hy_queue_row *row, enum hy_rcpt_state state,
                       enum hy_attempt_effect effect)
{
    struct hy_settle s = settle_of(&row->ref, state, 0);
    s.attempt.effect = effect;
    s.attempt.tenant = 6;
    s.attempt.outcome.text = HY_STR("550 5.1.1 no such user");
    cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED);
}

static hy_id spool_one(const char *address, struct hy_queue_row *ret_row)
{
    struct hy_spool_rcpt r = {.address = hy_str_of(address)};
    struct hy_spool_job j;
    size_t n = 0;
    uint32_t block;
    struct hy_txn t;
    hy_spool_job_init(&j);
    j.message = (struct hy_spool_message){.tenant = 6,
                                          .priority = HY_SPOOL_TRANSACTIONAL,
                                          .received = 1,
                                          .content = HY_STR("A: b\r\n\r\nc\r\n"),
                                          .header_bytes = 8,
                                          .rcpts = &r,
                                          .n_rcpts = 1};
    cr_assert_eq(run_request(env, &j.req), 0);
    block = j.message.first_block;
    struct hy_queue_row rows[HY_QUEUE_BLOCK_ROWS];
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_spool_read_fresh(&t, j.message.spool, &block, 1, rows, HY_QUEUE_BLOCK_ROWS, &n),
                 0);
    hy_txn_end(&t);
    cr_assert_eq(n, 1);
    *ret_row = rows[0];
    return j.message.id;
}

Test(suppress, the_settle_of_a_hard_refusal_suppresses_the_address_for_its_tenant)
{
    struct hy_queue_row row;
    spool_one("dead@x.test", &row);
    settle_row(&row, HY_RCPT_BOUNCED, HY_EFFECT_HARD);
    cr_expect_eq(find_for("dead@x.test", 6, HY_STREAM_TRANSACTIONAL), HY_SUPPRESS_HARD_BOUNCE);
    cr_expect_eq(find_for("dead@x.test", 0, HY_STREAM_TRANSACTIONAL), HY_ENOTFOUND);
    spool_one("full@x.test", &row);
    settle_row(&row, HY_RCPT_BOUNCED, HY_EFFECT_SOFT);
    cr_expect(hy_suppress_may_have(env, HY_STR("full@x.test")));
    spool_one("full@x.test", &row);
    settle_row(&row, HY_RCPT_DELIVERED, HY_EFFECT_RESET);
    struct hy_suppress_soft s;
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_expect_eq(hy_suppress_soft_get(&t, id_of("full@x.test"), 6, &s), HY_ENOTFOUND);
    hy_txn_end(&t);
    cr_expect_eq(problems(), 0);
}

static int count_entry(void *ctx, const struct hy_suppress_entry *e)
{
    (void)e;
    ++*(int *)ctx;
    return 0;
}

static int stop_at_once(void *ctx, const struct hy_suppress_entry *e)
{
    (void)e;
    ++*(int *)ctx;
    return 1;
}

Test(suppress, a_walk_gets_past_rows_that_are_no_entries_however_few_it_looks_at)
{
    struct hy_txn t = write_txn();
    char address[64];
    for (int i = 0; i < 60; i++) {
        snprintf(address, sizeof address, "user%d@x.test", i);
        cr_assert_eq(hy_suppress_soft(&t, hy_str_of(address), (uint32_t)i % 3, HY_STR("450"), NULL),
                     0);
        cr_assert_eq(hy_suppress_soft(&t, hy_str_of(address), 7, HY_STR("450"), NULL), 0);
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
    for (int i = 0; i < 60; i += 20) {
        snprintf(address, sizeof address, "user%d@x.test", i);
        put(address, HY_SUPPRESS_TENANT, 1, 0, HY_SUPPRESS_MANUAL);
        put(address, HY_SUPPRESS_TENANT, 2, 0, HY_SUPPRESS_COMPLAINT);
    }
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (size_t rows = 1; rows < 9; rows++) {
        struct hy_suppress_key at = {0};
        int found = 0, err = 0, steps = 0;
        for (; !err && steps < 1000; steps++)
            err = hy_suppress_walk(&t, &at, rows, count_entry, &found);
        cr_expect_eq(err, HY_ENOTFOUND, "%zu rows at a time", rows);
        cr_expect_eq(found, 6, "%zu rows at a time: %d", rows, found);
    }
    struct hy_suppress_key at = {0};
    int found = 0, err;
    while ((err = hy_suppress_walk(&t, &at, 1000, stop_at_once, &found)) == 1)
        ;
    cr_expect_eq(err, HY_ENOTFOUND);
    cr_expect_eq(found, 6, "each is seen once where the caller stops: %d", found);
    hy_txn_end(&t);
}

Test(suppress, ten_thousand_entries_are_found_and_walked_after_the_filter_grew)
{
    enum { N = 10000 };
    char address[64];
    for (int i = 0; i < N;) {
        struct hy_txn t = write_txn();
        for (int end = i + 1000; i < end; i++) {
            snprintf(address, sizeof address, "user%d@d%d.test", i, i % 77);
            struct hy_suppress_entry e =
                entry(address, HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_IMPORTED);
            cr_assert_eq(hy_suppress_put(&t, &e, NULL), 0);
        }
        cr_assert_eq(hy_txn_commit(&t), 0);
    }
    int strangers = 0;
    for (int i = 0; i < N; i++) {
        snprintf(address, sizeof address, "user%d@d%d.test", i, i % 77);
        cr_assert_eq(find_for(address, 0, HY_STREAM_MARKETING), HY_SUPPRESS_IMPORTED, "%s",
                     address);
        snprintf(address, sizeof address, "stranger%d@d%d.test", i, i % 77);
        strangers += hy_suppress_may_have(env, hy_str_of(address));
    }
    cr_expect_lt(strangers, N / 20, "%d of %d strangers pass the filter", strangers, (int)N);
    struct hy_txn t;
    struct hy_suppress_key at = {0};
    int n = 0, err = 0;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    while (!err)
        err = hy_suppress_walk(&t, &at, 777, count_entry, &n);
    cr_expect_eq(err, HY_ENOTFOUND);
    hy_txn_end(&t);
    cr_expect_eq(n, N);
    cr_expect_eq(problems(), 0);
}

Test(suppress, the_audit_finds_what_does_not_fit)
{
    struct hy_suppress_entry e = entry("a@x.test", HY_SUPPRESS_TENANT, 0, 0, HY_SUPPRESS_MANUAL);
    e.expires = hy_clock_wall_ms() + DAY;
    put_entry(&e);
    cr_expect_eq(problems(), 0);
    struct hy_txn t = write_txn();
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(&t, HY_TABLE_SUPPRESS_EXPIRY, &c), 0);
    cr_assert_eq(hy_cursor_first(&c), 0);
    cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(problems(), 2, "an entry without its end, and the number of ends");
    t = write_txn();
    hy_put(&t, HY_TABLE_SUPPRESSIONS, HY_STR("0123456789abcdefe"), HY_STR("\x01xxx"), HY_PUT_SET);
    cr_assert_eq(hy_txn_commit(&t), 0);
    cr_expect_eq(problems(), 3);
}
