/* The audit of consents: each record can be read, is of a lead, and names words that are there;
 * words are what their id says, and as many records name them as they count. */
#include <inttypes.h>

#include "audit_priv.h"
#include "consent_priv.h"
#include "lead_priv.h"

struct counting {
    struct audit *a;
    uint64_t naming, counted; /* records that name words; what the words count */
};

static void check_consent(struct counting *n, const struct hy_cursor *c)
{
    struct hy_consent x;
    struct lead_record lead;
    struct hy_str words = {0}, value;
    if (hy_consent_decode(c->key, c->value, &x, &words) != 0) {
        hy_audit_problem(n->a, "a consent of lead %" PRIu32 " cannot be read",
                         c->key.n >= 4 ? hy_get_be32(c->key.p) : 0);
        return;
    }
    n->naming += words.n != 0;
    if (hy_lead_record_get(&n->a->t, x.lead, &lead) != 0)
        hy_audit_problem(n->a, "lead %" PRIu32 ", which is not there, has a consent", x.lead);
    if (words.n && hy_get(&n->a->t, HY_TABLE_CONSENT_TEXTS, words, &value) != 0)
        hy_audit_problem(n->a, "a consent of lead %" PRIu32 " names words that are not there",
                         x.lead);
}

static void check_words(struct counting *n, const struct hy_cursor *c)
{
    uint32_t users = 0;
    if (hy_consent_words_decode(n->a->t.env, c->key, c->value, &users) != 0 || users == 0)
        hy_audit_problem(n->a, "words that people consented to cannot be read");
    n->counted += users;
}

static int walk(struct counting *n, enum hy_table table,
                void (*check)(struct counting *n, const struct hy_cursor *c))
{
    struct hy_cursor c;
    int err = hy_cursor_open(&n->a->t, table, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (; !err; err = hy_cursor_next(&c))
        check(n, &c);
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? n->a->t.err : err;
}

int hy_audit_consents(struct audit *a)
{
    struct counting n = {.a = a};
    int err = walk(&n, HY_TABLE_CONSENTS, check_consent);
    if (!err)
        err = walk(&n, HY_TABLE_CONSENT_TEXTS, check_words);
    if (!err && n.naming != n.counted)
        hy_audit_problem(a, "%" PRIu64 " consents name words, whose counts come to %" PRIu64,
                         n.naming, n.counted);
    return err;
}
