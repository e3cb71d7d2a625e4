/* The audit's main part: every campaign's rows are counted and held against its ledger. Blocks and
 * ledgers lie in the order of campaigns, so both are walked side by side, once. */
#include <inttypes.h>

#include "attempt.h"
#include "audit_priv.h"
#include "due.h"
#include "progress.h"

struct counting {
    struct audit *a;
    struct hy_cursor blocks;
    bool at_block; /* the cursor stands on one */
    struct hy_audit_campaign c;
    struct hy_block_key last; /* the block before */
    hy_lead_no last_lead;
    const char *name; /* the id as text */
};

static void problem_row(struct counting *n, const struct hy_queue_row *row, const char *what)
{
    hy_audit_problem(
        n->a, "campaign %s, domain %" PRIu32 ", block %" PRIu32 ", row %u (lead %" PRIu32 "): %s",
        n->name, row->ref.domain, row->ref.block, row->ref.slot, row->ref.lead, what);
}

static bool due_exists(struct counting *n, const struct hy_queue_row *row)
{
    struct hy_due due = {row->due_s, row->ref.campaign, row->ref.domain, row->ref.block};
    return hy_due_exists(&n->a->t, &due);
}

static void check_attempt(struct counting *n, const struct hy_queue_row *row)
{
    struct hy_attempt at;
    int err = hy_attempt_get(&n->a->t, row->last_attempt, &at);
    if (err == HY_ENOTFOUND && row->last_attempt < n->a->attempt_floor)
        return;
    if (err)
        problem_row(n, row, "its last attempt is not in the log");
    else if (at.ref.campaign != row->ref.campaign || at.ref.lead != row->ref.lead ||
             at.ref.attempts + (at.started != 0) != row->ref.attempts)
        problem_row(n, row, "its last attempt is another row's");
}

static void check_row(struct counting *n, const struct hy_queue_row *row)
{
    if (row->ref.lead <= n->last_lead)
        problem_row(n, row, "leads do not ascend");
    n->last_lead = row->ref.lead;
    if (row->state == HY_RCPT_FRESH && (row->ref.attempts || row->last_attempt))
        problem_row(n, row, "fresh, but with attempts");
    if (row->state == HY_RCPT_DEFERRED && !due_exists(n, row))
        problem_row(n, row, "deferred, but not in the due index");
    if (row->state != HY_RCPT_DEFERRED && row->due_s)
        problem_row(n, row, "not deferred, but with a due time");
    if (row->ref.attempts > 0 && row->last_attempt == 0)
        problem_row(n, row, "attempts, but no last one");
    if (row->last_attempt)
        check_attempt(n, row);
}

static void count_block(struct counting *n, struct hy_block_key k, const uint8_t *b)
{
    uint64_t by_state[HY_RCPT_STATES] = {0};
    bool new_domain = k.domain != n->last.domain;
    if (k.block != (new_domain ? 0 : n->last.block + 1))
        hy_audit_problem(n->a,
                         "campaign %s, domain %" PRIu32 ": block %" PRIu32 " follows %" PRIu32,
                         n->name, k.domain, k.block, n->last.block);
    if (new_domain)
        n->last_lead = 0;
    n->c.domains += new_domain;
    n->c.blocks++;
    n->last = k;
    for (unsigned i = 0; i < block_count(b); i++) {
        struct hy_queue_row row = hy_block_row(b, k, i);
        if ((unsigned)row.state >= HY_RCPT_STATES) {
            problem_row(n, &row, "a state that there is not");
            continue;
        }
        by_state[row.state]++;
        n->c.counted.queued++;
        n->c.counted.attempts += row.ref.attempts;
        check_row(n, &row);
    }
    for (unsigned s = 0; s < HY_RCPT_STATES; s++) {
        n->c.counted.by_state[s] += by_state[s];
        if (by_state[s] != block_of_state(b, (enum hy_rcpt_state)s))
            hy_audit_problem(n->a,
                             "campaign %s, domain %" PRIu32 ", block %" PRIu32
                             ": the header counts %u %s, there are %" PRIu64,
                             n->name, k.domain, k.block, block_of_state(b, (enum hy_rcpt_state)s),
                             hy_rcpt_state_name((enum hy_rcpt_state)s), by_state[s]);
    }
}

static int step(struct counting *n, int err)
{
    n->at_block = err == 0;
    return err == HY_ENOTFOUND ? 0 : err;
}

/* All blocks of campaigns up to `id`; those before it belong to nobody. */
static int count_blocks(struct counting *n, hy_id id, bool dropping)
{
    int err = 0;
    while (!err && n->at_block) {
        const uint8_t *b;
        if (hy_block_check(n->blocks.key, n->blocks.value, &b) != 0) {
            hy_audit_problem(n->a, "the queue holds a block that cannot be read");
        } else {
            struct hy_block_key k = block_key_get(n->blocks.key, b);
            if (k.campaign > id)
                return 0;
            if (k.campaign < id)
                hy_audit_problem(n->a, "rows of campaign %" PRIx64 ", which there is not",
                                 k.campaign);
            else if (!dropping)
                count_block(n, k, b);
        }
        err = step(n, hy_cursor_next(&n->blocks));
    }
    return err;
}

static void compare(struct counting *n)
{
    struct hy_audit_campaign *c = &n->c;
    bool same = c->ledger.queued == c->counted.queued &&
                c->ledger.attempts == c->counted.attempts &&
                memcmp(c->ledger.by_state, c->counted.by_state, sizeof c->ledger.by_state) == 0;
    bool equation = hy_ledger_sum(&c->ledger) == c->ledger.queued;
    c->holds = same && equation;
    if (!equation)
        hy_audit_problem(n->a, "campaign %s: the ledger's states do not add up to its rows",
                         n->name);
    if (!same)
        hy_audit_problem(n->a, "campaign %s: the ledger and the rows differ", n->name);
    if (c->campaign.state == HY_CAMPAIGN_DONE && hy_ledger_pending(&c->counted))
        hy_audit_problem(n->a, "campaign %s is done, but rows are pending", n->name);
}

static int audit_campaign(struct counting *n, hy_id id)
{
    char text[HY_ID_TEXT_MAX];
    struct hy_progress p;
    struct audit *a = n->a;
    n->name = hy_id_format(id, text);
    n->c = (struct hy_audit_campaign){0};
    n->last = (struct hy_block_key){0};
    int err = hy_progress_get(&a->t, id, &p);
    if (err) {
        hy_audit_problem(a, "campaign %s: its ledger cannot be read", n->name);
        return 0;
    }
    err = hy_campaign_get(&a->t, id, &n->c.campaign);
    bool dropping = err == HY_ENOTFOUND;
    if (err && !dropping) {
        hy_audit_problem(a, "campaign %s: its record cannot be read", n->name);
        return 0;
    }
    n->c.ledger = p.p.ledger;
    n->c.counted.resent_in_doubt = p.p.ledger.resent_in_doubt;
    err = count_blocks(n, id, dropping);
    if (err || dropping)
        return err;
    compare(n);
    if (p.p.cancelled_all && hy_ledger_pending(&n->c.counted))
        hy_audit_problem(a, "campaign %s is cancelled, but rows are pending", n->name);
    a->report.campaigns++;
    a->report.blocks += n->c.blocks;
    a->report.rows += n->c.counted.queued;
    if (a->sink->campaign)
        a->sink->campaign(a->sink->ctx, &n->c);
    n->name = NULL;
    return 0;
}

int hy_audit_queue(struct audit *a)
{
    struct counting n = {.a = a};
    struct hy_cursor ledgers;
    int err = hy_cursor_open(&a->t, HY_TABLE_LEDGERS, &ledgers);
    if (!err)
        err = hy_cursor_open(&a->t, HY_TABLE_QUEUE, &n.blocks);
    if (!err)
        err = step(&n, hy_cursor_first(&n.blocks));
    if (!err)
        err = hy_cursor_first(&ledgers);
    while (!err) {
        if (ledgers.key.n == 8 && hy_id_is_spool(hy_get_be64(ledgers.key.p)))
            break; /* the rest is audit_spool.c's */
        if (ledgers.key.n == 8)
            err = audit_campaign(&n, hy_get_be64(ledgers.key.p));
        else
            hy_audit_problem(a, "a ledger has a key that cannot be read");
        if (!err)
            err = hy_cursor_next(&ledgers);
    }
    if (!err || err == HY_ENOTFOUND)
        err = count_blocks(&n, UINT64_MAX, false); /* behind the last campaign: nobody's */
    hy_cursor_close(&n.blocks);
    hy_cursor_close(&ledgers);
    return err;
}
