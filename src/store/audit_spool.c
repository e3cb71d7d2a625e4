/* The audit of spools: rows, with those that were trimmed, against the ledger; messages against
 * their blocks; contents against messages. */
#include <inttypes.h>
#include <stdio.h>

#include "audit_priv.h"
#include "dsn_mark.h"
#include "due.h"
#include "progress.h"
#include "spool_message.h"
#include "spool_priv.h"

/* The message whose blocks are being walked. */
struct open_message {
    hy_id id;
    uint32_t blocks, open;
};

struct counting {
    struct audit *a;
    struct hy_audit_campaign c;
    struct hy_spool spool;
    struct hy_block_key last;
    struct open_message m;
    const char *name; /* the id as text */
};

static void problem(struct counting *n, uint32_t block, const char *what)
{
    hy_audit_problem(n->a, "spool %s, block %" PRIu32 ": %s", n->name, block, what);
}

static void check_message(struct counting *n, uint32_t block)
{
    struct hy_spool_message m;
    if (!n->m.id)
        return;
    if (hy_spool_message(&n->a->t, n->m.id, &m) != 0)
        problem(n, block, "its message cannot be read");
    else if (m.spool != n->last.campaign || m.n_blocks != n->m.blocks || m.open_blocks != n->m.open)
        problem(n, block, "its message counts other blocks");
    else if (!(m.flags & HY_SPOOL_EMPTIED) && m.open_blocks == 0 && m.dsn_due_s == 0)
        problem(n, block, "the content of its message is kept too long");
    else if (m.flags & HY_SPOOL_EMPTIED && m.open_blocks > 0)
        problem(n, block, "the content of its message is gone too early");
    else if (m.dsn_due_s && !hy_dsn_is_marked(&n->a->t, m.id, m.dsn_due_s))
        problem(n, block, "what its sender is to be told is not in the index");
}

static void check_row(struct counting *n, const struct hy_queue_row *row)
{
    struct hy_due due = {row->due_s, row->ref.campaign, row->ref.domain, row->ref.block};
    struct hy_attempt at;
    if (row->state == HY_RCPT_FRESH && (row->ref.attempts || row->last_attempt))
        problem(n, row->ref.block, "a fresh row with attempts");
    if (row->state == HY_RCPT_FRESH && row->ref.block < n->spool.floor)
        problem(n, row->ref.block, "a fresh row before the floor");
    if (row->state == HY_RCPT_DEFERRED && !hy_due_exists(&n->a->t, &due))
        problem(n, row->ref.block, "a deferred row that is not in the due index");
    if (row->state != HY_RCPT_DEFERRED && row->due_s)
        problem(n, row->ref.block, "a row with a due time that is not deferred");
    if (row->last_attempt == 0 || row->last_attempt < n->a->attempt_floor)
        return;
    if (hy_attempt_get(&n->a->t, row->last_attempt, &at) != 0)
        problem(n, row->ref.block, "a row whose last attempt is not in the log");
    else if (at.ref.campaign != row->ref.campaign || at.ref.block != row->ref.block ||
             at.ref.lead != row->ref.lead)
        problem(n, row->ref.block, "a row whose last attempt is another's");
}

static void count_rows(struct counting *n, const uint8_t *b)
{
    uint64_t by_state[HY_RCPT_STATES] = {0};
    for (unsigned i = 0; i < block_count(b); i++) {
        struct hy_queue_row row = hy_block_row(b, n->last, i);
        if ((unsigned)row.state >= HY_RCPT_STATES) {
            problem(n, n->last.block, "a row in a state that there is not");
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
            problem(n, n->last.block, "its header counts its rows wrongly");
    }
}

static void count_block(struct counting *n, struct hy_str key, struct hy_str value)
{
    struct hy_spool_tail tail = {0};
    const uint8_t *b;
    if (hy_block_check(key, value, &b) != 0 || hy_spool_tail(b, value.n, &tail) != 0) {
        hy_audit_problem(n->a, "spool %s holds a block that cannot be read", n->name);
        return;
    }
    if (tail.message != n->m.id) {
        check_message(n, n->last.block);
        n->m = (struct open_message){.id = tail.message};
    }
    n->m.blocks++;
    n->m.open += block_pending(b) > 0;
    n->last = block_key_get(key, b);
    n->c.blocks++;
    if (n->last.block >= n->spool.next)
        problem(n, n->last.block, "its number was never given");
    count_rows(n, b);
}

static void compare(struct counting *n)
{
    struct hy_audit_campaign *c = &n->c;
    for (unsigned s = 0; s < HY_RCPT_STATES; s++) {
        c->counted.queued += n->spool.trimmed[s];
        c->counted.by_state[s] += n->spool.trimmed[s];
    }
    c->counted.attempts += n->spool.trimmed_attempts;
    c->counted.resent_in_doubt = c->ledger.resent_in_doubt;
    bool same = c->ledger.queued == c->counted.queued &&
                c->ledger.attempts == c->counted.attempts &&
                memcmp(c->ledger.by_state, c->counted.by_state, sizeof c->ledger.by_state) == 0;
    c->holds = same && hy_ledger_sum(&c->ledger) == c->ledger.queued;
    if (hy_ledger_sum(&c->ledger) != c->ledger.queued)
        hy_audit_problem(n->a, "spool %s: the ledger's states do not add up to its rows", n->name);
    if (!same)
        hy_audit_problem(n->a, "spool %s: the ledger and the rows differ", n->name);
}

static int count_blocks(struct counting *n, hy_id spool)
{
    uint8_t key[8];
    struct hy_cursor c;
    struct hy_str prefix = spool_key(key, spool);
    int err = hy_cursor_open(&n->a->t, HY_TABLE_SPOOL_BLOCKS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    for (; !err; err = hy_cursor_prefix_next(&c, prefix))
        count_block(n, c.key, c.value);
    hy_cursor_close(&c);
    check_message(n, n->last.block);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int audit_spool(struct audit *a, hy_id spool)
{
    char text[HY_ID_TEXT_MAX], name[64];
    struct counting n = {.a = a, .name = hy_id_format(spool, text)};
    struct hy_progress p;
    int err = hy_spool_get(&a->t, spool, &n.spool);
    if (!err)
        err = hy_progress_get(&a->t, spool, &p);
    if (err) {
        hy_audit_problem(a, "spool %s: its records cannot be read", n.name);
        return 0;
    }
    n.c.ledger = p.p.ledger;
    err = count_blocks(&n, spool);
    if (err)
        return err;
    a->report.spools++;
    a->report.blocks += n.c.blocks;
    a->report.rows += n.c.counted.queued;
    compare(&n); /* adds those that were trimmed */
    enum hy_spool_priority priority = hy_spool_priority(spool);
    bool is_usual = priority == HY_SPOOL_TRANSACTIONAL;
    snprintf(name, sizeof name, "relay, tenant %" PRIu32 "%s%s", hy_spool_tenant(spool),
             is_usual ? "" : ", ", is_usual ? "" : hy_spool_priority_name(priority));
    n.c.campaign = (struct hy_campaign){.id = spool, .name = hy_str_of(name), .state = p.state};
    if (a->sink->campaign)
        a->sink->campaign(a->sink->ctx, &n.c);
    return 0;
}

/* Each piece belongs to a message that is not over, in order, and together they are as long as it
 * says. Messages and their pieces lie in the same order. */
static int audit_contents(struct audit *a)
{
    struct hy_cursor c;
    struct hy_spool_message m = {0};
    uint64_t bytes = 0;
    uint32_t next = 0;
    bool is_bad = false;
    int err = hy_cursor_open(&a->t, HY_TABLE_SPOOL_CONTENTS, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c)) {
        hy_id id = c.key.n == 12 ? hy_get_be64(c.key.p) : 0;
        if (id != m.id || !id) {
            is_bad |= m.id && bytes != m.content_bytes;
            bytes = next = 0;
            m = (struct hy_spool_message){0};
            if (hy_spool_message(&a->t, id, &m) != 0 || m.flags & HY_SPOOL_EMPTIED)
                hy_audit_problem(a, "content of message %" PRIx64 ", which is over", id);
            m.id = id;
        }
        is_bad |= c.key.n != 12 || hy_get_be32(c.key.p + 8) != next++ || c.value.n < 2;
        bytes += c.value.n - 1;
    }
    is_bad |= m.id && bytes != m.content_bytes;
    hy_cursor_close(&c);
    if (is_bad)
        hy_audit_problem(a, "the content of a message in a spool is not as long as it should be");
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_audit_spools(struct audit *a)
{
    hy_id spool = 0;
    int err;
    while ((err = hy_spool_next(&a->t, spool, &spool)) == 0) {
        err = audit_spool(a, spool);
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? audit_contents(a) : err;
}
