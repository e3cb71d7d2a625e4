/* Points of companies: the sums of their members, each group and half-life as one number, so that a
 * change of a lead's points costs the same however many members there are. */
#include "company_score.h"

#include "hayauma/base/bytes.h"

enum { AT_ONCE = 256 };

static void move_sum(struct score_record *to, const struct score_sum *of, bool is_taken)
{
    struct score_sum *s = hy_score_record_sum(to, of->group, of->sum.half_life_s);
    if (!s || (is_taken && s->n < of->n))
        return;
    hy_wall_ms at = s->sum.at > of->sum.at ? s->sum.at : of->sum.at;
    double worth = hy_score_sum_at(&of->sum, at);
    s->sum.value = hy_score_sum_at(&s->sum, at) + (is_taken ? -worth : worth);
    s->sum.at = at;
    s->n = is_taken ? s->n - of->n : s->n + of->n;
}

static void move_all(struct score_record *to, const struct score_record *of, bool is_taken)
{
    for (size_t i = 0; i < of->n_sums; i++)
        move_sum(to, &of->sums[i], is_taken);
}

/* Sums of nothing go, and with them what rounding left. */
static void drop_empty(struct score_record *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_sums; i++)
        if (r->sums[i].n)
            r->sums[n++] = r->sums[i];
    r->n_sums = n;
}

static int change(struct hy_txn *t, hy_company_no no, const struct score_record *was,
                  const struct score_record *is)
{
    struct score_record sums;
    if (was->n_sums + is->n_sums == 0)
        return 0;
    int err = hy_company_sums_get(t, no, &sums);
    if (err)
        return err;
    move_all(&sums, was, true);
    move_all(&sums, is, false);
    drop_empty(&sums);
    err = hy_company_sums_put(t, no, &sums);
    return err ? err : hy_company_touched(t, no);
}

static const struct score_record nothing;

int hy_company_scored(struct hy_txn *t, hy_lead_no lead, const struct score_record *is)
{
    struct score_record was;
    hy_company_no no = 0;
    int err = hy_company_of(t, lead, &no);
    if (err || !no)
        return err;
    err = hy_score_record_get(t, lead, &was);
    return err ? err : change(t, no, &was, is);
}

int hy_company_score_follow(struct hy_txn *t, hy_lead_no lead, hy_company_no from, hy_company_no to)
{
    struct score_record r;
    int err = hy_score_record_get(t, lead, &r);
    if (!err && from)
        err = change(t, from, &r, &nothing);
    if (!err && to)
        err = change(t, to, &nothing, &r);
    return err;
}

int hy_company_sums_count(struct hy_txn *t, hy_company_no no, struct score_record *ret)
{
    hy_lead_no leads[AT_ONCE], after = 0;
    struct score_record r;
    size_t n = AT_ONCE;
    int err = 0;
    *ret = nothing;
    while (!err && n == AT_ONCE) {
        err = hy_lead_set_next(t, hy_company_members(no), after, leads, AT_ONCE, &n);
        for (size_t i = 0; i < n && !err; i++) {
            err = hy_score_record_get(t, leads[i], &r);
            if (!err)
                move_all(ret, &r, false);
        }
        after = n ? leads[n - 1] : after;
    }
    drop_empty(ret);
    return err;
}

int hy_company_score(struct hy_txn *t, hy_company_no no, hy_wall_ms now, int64_t *ret_milli)
{
    struct score_record r;
    int err = hy_company_sums_get(t, no, &r);
    if (!err)
        *ret_milli = hy_score_record_total(&r, now);
    return err;
}

int hy_company_sums(struct hy_txn *t, hy_company_no no, struct hy_score_sum ret[HY_SCORE_SUMS_MAX],
                    size_t *ret_n)
{
    struct score_record r;
    int err = hy_company_sums_get(t, no, &r);
    for (size_t i = 0; !err && i < r.n_sums; i++)
        ret[i] = r.sums[i].sum;
    if (!err)
        *ret_n = r.n_sums;
    return err;
}

int hy_company_scored_next(struct hy_txn *t, hy_company_no after, hy_company_no *ret)
{
    uint8_t key[5];
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, company_key(COMPANY_SUMS, after + 1, key));
    if (!err && (c.key.n != sizeof key || c.key.p[0] != COMPANY_SUMS))
        err = HY_ENOTFOUND;
    if (!err)
        *ret = hy_get_be32(c.key.p + 1);
    hy_cursor_close(&c);
    return err;
}
