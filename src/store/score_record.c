/* The record of a lead's points. Key: lead be32. Value: version u8; varints: second of its entry in
 * score_due, number of sums; for each sum: group, half-life (s), entries, moment (ms), value (le64,
 * a double); number of thresholds; for each: threshold, flags u8 (1 it is over, 2 sales closed it),
 * since, last handed over (ms). Version 2, while all of it is being given anew: and then u8 whether
 * the old entries are gone, le64 print of the rules, be64 the activity that was given last. */
#include "company_score.h"
#include "hayauma/base/bytes.h"
#include "meta.h"
#include "record.h"

enum { OVER = 1, CLOSED = 2 };
enum {
    VERSION = 1,
    VERSION_HELD = 2,
    HELD = 1 + 8 + 8,
    RECORD_MAX = 16 + HELD + SCORE_SUMS_MAX * (3 + 5 + 5 + 10 + 8) + SCORE_OVERS_MAX * (3 + 1 + 20),
};

static struct hy_str key_of(hy_lead_no lead, uint8_t room[4])
{
    hy_put_be32(room, lead);
    return hy_str_make(room, 4);
}

static void put_double(struct hy_rec_out *o, double d)
{
    uint64_t bits;
    uint8_t le[8];
    memcpy(&bits, &d, sizeof bits);
    hy_put_le64(le, bits);
    rec_put(o, le, sizeof le);
}

static double get_double(struct hy_rec_in *in)
{
    uint64_t bits = hy_get_le64(rec_get(in, 8));
    double d;
    memcpy(&d, &bits, sizeof d);
    if (!(d > -1e15 && d < 1e15))
        in->bad = true;
    return d;
}

static void decode(struct hy_rec_in *in, struct score_record *r)
{
    r->due_s = (uint32_t)rec_get_varint(in, UINT32_MAX);
    r->n_sums = (size_t)rec_get_varint(in, SCORE_SUMS_MAX);
    for (size_t i = 0; i < r->n_sums; i++) {
        struct score_sum *s = &r->sums[i];
        s->group = (uint16_t)rec_get_varint(in, UINT16_MAX);
        s->sum.half_life_s = (uint32_t)rec_get_varint(in, UINT32_MAX);
        s->n = (uint32_t)rec_get_varint(in, UINT32_MAX);
        s->sum.at = (hy_wall_ms)rec_get_varint(in, INT64_MAX);
        s->sum.value = get_double(in);
    }
    r->n_overs = (size_t)rec_get_varint(in, SCORE_OVERS_MAX);
    for (size_t i = 0; i < r->n_overs; i++) {
        struct score_over *o = &r->overs[i];
        o->threshold = (uint16_t)rec_get_varint(in, UINT16_MAX);
        uint8_t flags = rec_get_u8(in);
        o->is_over = flags & OVER;
        o->is_closed = flags & CLOSED;
        o->since = (hy_wall_ms)rec_get_varint(in, INT64_MAX);
        o->handed = (hy_wall_ms)rec_get_varint(in, INT64_MAX);
    }
    if (!r->redo.is_held)
        return;
    const uint8_t *held = rec_get(in, HELD);
    r->redo.is_giving = held[0];
    r->redo.print = hy_get_le64(held + 1);
    r->redo.after = hy_get_be64(held + 9);
}

static int get(struct hy_txn *t, enum hy_table table, struct hy_str key, struct score_record *ret)
{
    struct hy_str value;
    ret->due_s = 0;
    ret->n_sums = ret->n_overs = 0;
    ret->redo.is_held = ret->redo.is_giving = false;
    int err = hy_get(t, table, key, &value);
    if (err == HY_ENOTFOUND)
        return 0;
    if (!err)
        err = hy_value_check(value, VERSION_HELD);
    if (err)
        return err;
    ret->redo.is_held = value.p[0] == VERSION_HELD;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    decode(&in, ret);
    return in.bad || in.n ? hy_txn_fail(t, HY_ECORRUPT) : 0;
}

static int put(struct hy_txn *t, enum hy_table table, struct hy_str key,
               const struct score_record *r)
{
    uint8_t room[RECORD_MAX];
    struct hy_rec_out o = {.p = room, .max = sizeof room};
    if (r->n_sums == 0 && r->n_overs == 0 && r->due_s == 0 && !r->redo.is_held) {
        int err = hy_del(t, table, key);
        return err == HY_ENOTFOUND ? 0 : err;
    }
    rec_put_u8(&o, r->redo.is_held ? VERSION_HELD : VERSION);
    rec_put_varint(&o, r->due_s);
    rec_put_varint(&o, r->n_sums);
    for (size_t i = 0; i < r->n_sums; i++) {
        const struct score_sum *s = &r->sums[i];
        rec_put_varint(&o, s->group);
        rec_put_varint(&o, s->sum.half_life_s);
        rec_put_varint(&o, s->n);
        rec_put_varint(&o, (uint64_t)s->sum.at);
        put_double(&o, s->sum.value);
    }
    rec_put_varint(&o, r->n_overs);
    for (size_t i = 0; i < r->n_overs; i++) {
        const struct score_over *over = &r->overs[i];
        rec_put_varint(&o, over->threshold);
        rec_put_u8(&o, (uint8_t)((over->is_over ? OVER : 0) | (over->is_closed ? CLOSED : 0)));
        rec_put_varint(&o, (uint64_t)over->since);
        rec_put_varint(&o, (uint64_t)over->handed);
    }
    if (r->redo.is_held) {
        uint8_t held[HELD] = {r->redo.is_giving};
        hy_put_le64(held + 1, r->redo.print);
        hy_put_be64(held + 9, r->redo.after);
        rec_put(&o, held, sizeof held);
    }
    return hy_put(t, table, key, hy_str_make(room, o.n), HY_PUT_SET);
}

int hy_score_record_get(struct hy_txn *t, hy_lead_no lead, struct score_record *ret)
{
    uint8_t key[4];
    return get(t, HY_TABLE_SCORES, key_of(lead, key), ret);
}

int hy_score_record_put(struct hy_txn *t, hy_lead_no lead, const struct score_record *r)
{
    uint8_t key[4];
    int err = hy_company_scored(t, lead, r);
    return err ? err : put(t, HY_TABLE_SCORES, key_of(lead, key), r);
}

int hy_company_sums_get(struct hy_txn *t, hy_company_no no, struct score_record *ret)
{
    uint8_t key[5];
    return get(t, HY_TABLE_COMPANIES, company_key(COMPANY_SUMS, no, key), ret);
}

int hy_company_sums_put(struct hy_txn *t, hy_company_no no, const struct score_record *r)
{
    uint8_t key[5];
    return put(t, HY_TABLE_COMPANIES, company_key(COMPANY_SUMS, no, key), r);
}

struct score_sum *hy_score_record_sum(struct score_record *r, uint16_t group, uint32_t half_life_s)
{
    for (size_t i = 0; i < r->n_sums; i++)
        if (r->sums[i].group == group && r->sums[i].sum.half_life_s == half_life_s)
            return &r->sums[i];
    if (r->n_sums == SCORE_SUMS_MAX)
        return NULL;
    struct score_sum *s = &r->sums[r->n_sums++];
    *s = (struct score_sum){.group = group, .sum = {.half_life_s = half_life_s}};
    return s;
}

int64_t hy_score_record_total(const struct score_record *r, hy_wall_ms now)
{
    struct hy_score_sum sums[SCORE_SUMS_MAX];
    for (size_t i = 0; i < r->n_sums; i++)
        sums[i] = r->sums[i].sum;
    return hy_score_total_milli(sums, r->n_sums, now);
}

/* ---- how far all are given anew: `scores_applied` of meta ---- */

static const char applied_name[] = "scores_applied";

int hy_scores_applied(struct hy_txn *t, struct hy_score_applied *ret)
{
    const uint8_t *v;
    int err = hy_meta_get(t, applied_name, 20, &v);
    if (!err)
        *ret = (struct hy_score_applied){.print = hy_get_le64(v),
                                         .next = hy_get_le32(v + 8),
                                         .at = (hy_wall_ms)hy_get_le64(v + 12)};
    return err;
}

int hy_scores_apply_mark(struct hy_txn *t, const struct hy_score_applied *a)
{
    uint8_t v[20];
    hy_put_le64(v, a->print);
    hy_put_le32(v + 8, a->next);
    hy_put_le64(v + 12, (uint64_t)a->at);
    hy_meta_put(t, applied_name, v, sizeof v);
    return t->err;
}
