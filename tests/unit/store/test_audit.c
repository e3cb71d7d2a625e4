#include <criterion/criterion.h>
#include <stdio.h>

#include "case.h"
#include "hayauma/base/bytes.h"
#include "hayauma/store/audit.h"
#include "hayauma/store/explain.h"

static struct hy_queue_row rows[2000];
static hy_id campaign;
static size_t n_rows;

/* A campaign in the middle of its life: rows in all states, with chains of attempts. */
static void setup(void)
{
    const struct people p = {.n_domains = 3, .per_domain = 500, .unsubscribed_every = 9};
    struct hy_txn t;
    n_rows = case_open_queued(p, &campaign, rows, 2000);
    cr_assert_eq(hy_txn_write(env, &t), 0);
    for (size_t i = 0; i < n_rows; i++) {
        static const enum hy_rcpt_state states[] = {HY_RCPT_DELIVERED, HY_RCPT_DEFERRED,
                                                    HY_RCPT_BOUNCED, HY_RCPT_HELD, HY_RCPT_EXPIRED};
        for (uint16_t k = 0; k < i % 3; k++) {
            struct hy_rcpt_ref ref = rows[i].ref;
            ref.attempts = k;
            struct hy_settle s = settle_of(&ref, k < i % 3 - 1 ? HY_RCPT_DEFERRED : states[i % 5],
                                           4000000000u + (uint32_t)(i % 40) * 4);
            cr_assert_eq(hy_settle_apply(&t, &s), 0);
        }
    }
    cr_assert_eq(hy_txn_commit(&t), 0);
}

TestSuite(audit, .init = setup, .fini = case_close);

static char last_problem[400];
static struct hy_audit_campaign last_campaign;

static void keep_problem(void *ctx, const char *text)
{
    (void)ctx;
    snprintf(last_problem, sizeof last_problem, "%s", text);
}

static void keep_campaign(void *ctx, const struct hy_audit_campaign *c)
{
    (void)ctx;
    last_campaign = *c;
}

static struct hy_audit_report audit(void)
{
    struct hy_audit_sink sink = {.problem = keep_problem, .campaign = keep_campaign};
    struct hy_audit_report r;
    last_problem[0] = '\0';
    cr_assert_eq(hy_audit(env, &sink, &r), 0);
    return r;
}

Test(audit, a_sound_store_has_no_problems_and_the_equation_holds)
{
    struct hy_audit_report r = audit();
    cr_assert_eq(r.problems, 0, "%s", last_problem);
    cr_assert_eq(r.campaigns, 1);
    cr_assert_eq(r.rows, 1500);
    cr_assert_eq(r.blocks, 9);
    cr_assert_eq(r.attempts, last_campaign.ledger.attempts);
    cr_assert_gt(r.due_entries, 0);
    cr_assert(last_campaign.holds);
    cr_assert_eq(last_campaign.domains, 3);
    cr_assert_eq(hy_ledger_sum(&last_campaign.counted), 1500);
}

Test(audit, blocks_keep_their_keys_when_transactions_move_their_pages)
{
    struct people p = {.n_domains = 40, .per_domain = HY_QUEUE_BLOCK_ROWS};
    static struct hy_queue_row many[40 * HY_QUEUE_BLOCK_ROWS];
    hy_id id = campaign_queue(env, "many", &p);
    size_t n = read_all_fresh(env, id, many, 40 * HY_QUEUE_BLOCK_ROWS);
    for (size_t i = 0; i < n; i += 67) { /* a transaction each */
        struct hy_settle s = settle_of(&many[i].ref, HY_RCPT_DELIVERED, 0);
        cr_assert_eq(settle_now(env, &s), HY_SETTLE_APPLIED, "row %zu", i);
    }
    struct hy_audit_report r = audit();
    cr_assert_eq(r.problems, 0, "%s", last_problem);
}

/* ---- each kind of damage is found ---- */

static void get_copy(struct hy_txn *t, enum hy_table table, struct hy_str key, uint8_t *out,
                     size_t max, size_t *ret_n)
{
    struct hy_str v;
    cr_assert_eq(hy_get(t, table, key, &v), 0);
    cr_assert_leq(v.n, max);
    memcpy(out, v.p, v.n);
    *ret_n = v.n;
}

static struct hy_str block_key(uint8_t key[16], hy_domain_no domain, uint32_t block)
{
    hy_put_be64(key, campaign);
    hy_put_be32(key + 8, domain);
    hy_put_be32(key + 12, block);
    return hy_str_make(key, 16);
}

enum { HEADER = 24, ROW = 20 };

/* Changes one byte of domain 1, block 0. */
static void poke_block(struct hy_txn *t, size_t offset, uint8_t value)
{
    uint8_t key[16], b[4096];
    size_t n;
    get_copy(t, HY_TABLE_QUEUE, block_key(key, 1, 0), b, sizeof b, &n);
    cr_assert_neq(b[offset], value);
    b[offset] = value;
    hy_put(t, HY_TABLE_QUEUE, hy_str_make(key, 16), hy_str_make(b, n), HY_PUT_SET);
}

/* The first row of domain 1, block 0 in a state. */
static size_t slot_of(enum hy_rcpt_state state)
{
    for (size_t i = 0; i < n_rows; i++) {
        struct hy_queue_row row = row_now(env, &rows[i].ref);
        if (row.state == state && row.ref.domain == 1 && row.ref.block == 0)
            return row.ref.slot;
    }
    cr_assert(false, "no such row");
    return 0;
}

static size_t slot;

static void wrong_state(struct hy_txn *t)
{
    poke_block(t, HEADER + slot * ROW + 18, HY_RCPT_DELIVERED);
}
static void impossible_state(struct hy_txn *t)
{
    poke_block(t, HEADER + slot * ROW + 18, 99);
}
static void wrong_header(struct hy_txn *t)
{
    poke_block(t, 4, 201);
}
static void wrong_lead(struct hy_txn *t)
{
    poke_block(t, HEADER + 5 * ROW, 0xff);
}
static void wrong_due(struct hy_txn *t)
{
    poke_block(t, HEADER + slot * ROW + 7, 0);
}
static void fresh_with_attempts(struct hy_txn *t)
{
    poke_block(t, HEADER + slot * ROW + 16, 1);
}
static void newer_version(struct hy_txn *t)
{
    poke_block(t, 0, 9);
}
static void lost_block(struct hy_txn *t)
{
    uint8_t key[16];
    cr_assert_eq(hy_del(t, HY_TABLE_QUEUE, block_key(key, 2, 1)), 0);
}
static void lost_due(struct hy_txn *t)
{
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(t, HY_TABLE_DUE, &c), 0);
    cr_assert_eq(hy_cursor_first(&c), 0);
    cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
}
static void stray_due(struct hy_txn *t)
{
    uint8_t key[20] = {0};
    hy_put(t, HY_TABLE_DUE, hy_str_make(key, 20), HY_STR("\1"), HY_PUT_SET);
}
static void lost_attempt(struct hy_txn *t)
{
    struct hy_cursor c;
    cr_assert_eq(hy_cursor_open(t, HY_TABLE_ATTEMPTS, &c), 0);
    cr_assert_eq(hy_cursor_last(&c), 0);
    cr_assert_eq(hy_cursor_delete(&c), 0);
    hy_cursor_close(&c);
}
static void wrong_ledger(struct hy_txn *t)
{
    uint8_t key[8], b[256];
    size_t n;
    hy_put_be64(key, campaign);
    get_copy(t, HY_TABLE_LEDGERS, hy_str_make(key, 8), b, sizeof b, &n);
    b[48]++; /* rows queued */
    hy_put(t, HY_TABLE_LEDGERS, hy_str_make(key, 8), hy_str_make(b, n), HY_PUT_SET);
}
static void rows_of_nobody(struct hy_txn *t)
{
    uint8_t key[16], b[4096];
    size_t n;
    get_copy(t, HY_TABLE_QUEUE, block_key(key, 1, 0), b, sizeof b, &n);
    hy_put_be64(key, campaign + 1);
    hy_put(t, HY_TABLE_QUEUE, hy_str_make(key, 16), hy_str_make(b, n), HY_PUT_SET);
}
static void unreadable_attempt(struct hy_txn *t)
{
    uint8_t key[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    hy_put(t, HY_TABLE_ATTEMPTS, hy_str_make(key, 8), HY_STR("\1xyz"), HY_PUT_SET);
}

Test(audit, finds_every_kind_of_damage)
{
    static const struct {
        void (*damage)(struct hy_txn *t);
        enum hy_rcpt_state of; /* which row `slot` is */
        const char *says;      /* the last problem told */
    } cases[] = {
        {wrong_state, HY_RCPT_FRESH, "differ"},
        {impossible_state, HY_RCPT_FRESH, "differ"},
        {wrong_header, HY_RCPT_FRESH, "the header counts 201"},
        {wrong_lead, HY_RCPT_FRESH, "ascend"},
        {wrong_due, HY_RCPT_DEFERRED, "where no row is due|not in the due index"},
        {fresh_with_attempts, HY_RCPT_FRESH, "differ"},
        {newer_version, HY_RCPT_FRESH, "no row is due"},
        {lost_block, HY_RCPT_FRESH, "no row is due|differ"},
        {lost_due, HY_RCPT_FRESH, "not in the due index"},
        {stray_due, HY_RCPT_FRESH, "no row is due"},
        {lost_attempt, HY_RCPT_FRESH, "not in the log"},
        {wrong_ledger, HY_RCPT_FRESH, "differ"},
        {rows_of_nobody, HY_RCPT_FRESH, "which there is not"},
        {unreadable_attempt, HY_RCPT_FRESH, "cannot be read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_txn t;
        case_close();
        setup();
        slot = slot_of(cases[i].of);
        cr_assert_eq(hy_txn_write(env, &t), 0);
        cases[i].damage(&t);
        cr_assert_eq(hy_txn_commit(&t), 0);
        struct hy_audit_report r = audit();
        cr_assert_gt(r.problems, 0, "case %zu was not found", i);
        char says[64], *rest = says, *part;
        bool found = false;
        snprintf(says, sizeof says, "%s", cases[i].says);
        while ((part = strsep(&rest, "|")))
            found |= strstr(last_problem, part) != NULL;
        cr_assert(found, "case %zu: got \"%s\", want \"%s\"", i, last_problem, cases[i].says);
    }
}

/* ---- explain ---- */

struct seen {
    int rows, attempts;
    hy_id last;
    enum hy_rcpt_state state;
};

static int see_row(void *ctx, const struct hy_campaign *c, const struct hy_queue_row *row)
{
    struct seen *s = ctx;
    cr_assert_eq(c->id, row->ref.campaign);
    s->rows++;
    s->state = row->state;
    return 0;
}

static int see_attempt(void *ctx, const struct hy_attempt *a)
{
    struct seen *s = ctx;
    cr_assert(s->last == 0 || a->id < s->last, "newest first");
    s->last = a->id;
    s->attempts++;
    return 0;
}

Test(audit, explain_tells_the_life_of_a_lead_over_all_campaigns)
{
    struct people p = {.n_domains = 3, .per_domain = 10};
    struct seen seen = {0};
    struct hy_txn t;
    hy_id other = campaign_queue(env, "other", &p);
    cr_assert_eq(hy_txn_read(env, &t), 0);
    cr_assert_eq(hy_explain_lead(&t, 2, 5, see_row, &seen), 0);
    cr_assert_eq(seen.rows, 2);
    seen = (struct seen){0};
    cr_assert_eq(hy_explain_lead(&t, 2, 2 + 3 * 400, see_row, &seen), 0);
    cr_assert_eq(seen.rows, 1, "the small campaign does not have it");
    seen = (struct seen){0};
    cr_assert_eq(hy_explain_lead(&t, 2, 3, see_row, &seen), 0);
    cr_assert_eq(seen.rows, 0);
    hy_txn_end(&t);
    (void)other;
}

Test(audit, explain_tells_every_attempt_of_a_row)
{
    struct hy_txn t;
    cr_assert_eq(hy_txn_read(env, &t), 0);
    for (size_t i = 0; i < 6; i++) {
        struct seen seen = {0};
        struct hy_queue_row row;
        bool trimmed = true;
        cr_assert_eq(hy_queue_get(&t, &rows[i].ref, &row), 0);
        cr_assert_eq(hy_explain_attempts(&t, &row, see_attempt, &seen, &trimmed), 0);
        cr_assert_eq(seen.attempts, (int)(i % 3));
        cr_assert_not(trimmed);
    }
    hy_txn_end(&t);
}
