/* What follows from a lead's points: over which thresholds it is, what is noted when that changes,
 * and when it is to be looked at again. Keys of score_due: second be32, lead be32. */
#include <stdio.h>

#include "hayauma/base/bytes.h"
#include "hayauma/base/json_put.h"
#include "hayauma/store/lead_set.h"
#include "score_priv.h"

enum {
    VERSION = 1,
    REASONS = 3,
    META_MAX = 4096,
    MIXED_STEP_MS = 60000, /* good and bad points fade at once: the estimate only comes nearer */
};

int hy_score_book_open(struct hy_txn *t, const struct hy_score_plan *plan, hy_lead_no lead,
                       struct score_book *ret)
{
    ret->t = t;
    ret->plan = plan;
    ret->lead = lead;
    ret->is_changed = false;
    return hy_score_record_get(t, lead, &ret->r);
}

/* ---- thresholds ---- */

static struct score_over *over_of(struct score_record *r, uint16_t threshold)
{
    for (size_t i = 0; i < r->n_overs; i++)
        if (r->overs[i].threshold == threshold)
            return &r->overs[i];
    return NULL;
}

static struct score_over *make_over(struct score_record *r, uint16_t threshold)
{
    if (r->n_overs == SCORE_OVERS_MAX) /* one that it left, and whose threshold is likely gone */
        for (size_t i = 0; i < r->n_overs; i++)
            if (!r->overs[i].is_over) {
                r->overs[i] = r->overs[--r->n_overs];
                break;
            }
    if (r->n_overs == SCORE_OVERS_MAX)
        return NULL;
    struct score_over *o = &r->overs[r->n_overs++];
    *o = (struct score_over){.threshold = threshold};
    return o;
}

/* {"score":61.5,"reasons":[{"rule":"click","points":12}]} */
static int put_meta(struct score_book *b, int64_t total, struct hy_buf *out)
{
    struct hy_score_reason why[REASONS];
    size_t n = 0;
    int err = hy_score_reasons(b->t, b->lead, b->t->now, why, REASONS, &n);
    hy_buf_printf(out, "{\"score\":%.3f,\"reasons\":[", (double)total / 1000);
    for (size_t i = 0; i < n && !err; i++) {
        hy_buf_printf(out, "%s{\"rule\":", i ? "," : "");
        hy_json_put_str(out, why[i].rule);
        hy_buf_printf(out, ",\"points\":%.3f,\"times\":%u}", why[i].worth, why[i].times);
    }
    hy_buf_add_str(out, HY_STR("]}"));
    return err ? err : out->err;
}

static int tell(struct score_book *b, const struct hy_score_threshold *threshold, bool is_over,
                int64_t total)
{
    struct hy_buf meta = HY_BUF_INIT(META_MAX);
    int err = put_meta(b, total, &meta);
    struct hy_activity a = {
        .kind = is_over ? HY_ACTIVITY_SCORE_REACHED : HY_ACTIVITY_SCORE_LEFT,
        .lead = b->lead,
        .source = HY_STR("scoring"),
        .text = threshold->name,
        .meta = hy_buf_str(&meta),
    };
    if (!err)
        err = hy_activity_put(b->t, &a);
    hy_buf_free(&meta);
    return err;
}

static int change(struct score_book *b, uint16_t no, bool is_over)
{
    struct hy_lead_set set = {.kind = HY_LEAD_SET_THRESHOLD, .no = no};
    struct score_over *o = over_of(&b->r, no);
    if (!o)
        o = make_over(&b->r, no);
    if (!o)
        return HY_ELIMIT;
    o->is_over = is_over;
    o->is_closed = false;
    o->since = b->t->now;
    return is_over ? hy_lead_set_add(b->t, set, b->lead, NULL)
                   : hy_lead_set_remove(b->t, set, b->lead, NULL);
}

static int look_at(struct score_book *b, size_t i, int64_t total, bool is_silent)
{
    const struct hy_score_threshold *threshold = &b->plan->thresholds[i];
    uint16_t no = 0;
    int err = hy_score_name_find(b->t, SCORE_THRESHOLD, threshold->name, &no);
    if (err && err != HY_ENOTFOUND)
        return err;
    struct score_over *o = err ? NULL : over_of(&b->r, no);
    bool was = o && o->is_over, is_over = hy_score_is_over(threshold, was, total);
    if (was == is_over)
        return 0;
    if (err)
        err = hy_score_name_intern(b->t, SCORE_THRESHOLD, threshold->name, &no);
    if (!err)
        err = change(b, no, is_over);
    if (!err && !is_silent)
        err = tell(b, threshold, is_over, total);
    if (!err && !is_silent && is_over)
        err = hy_score_hand_over(b, i, over_of(&b->r, no));
    return err;
}

/* Whether a threshold that is over no. `no` is still in the plan. */
static bool is_planned(struct score_book *b, uint16_t no)
{
    struct hy_str name;
    if (hy_score_name_text(b->t, SCORE_THRESHOLD, no, &name) != 0)
        return false;
    for (size_t i = 0; i < b->plan->n_thresholds; i++)
        if (hy_str_eq(b->plan->thresholds[i].name, name))
            return true;
    return false;
}

/* Nobody is over a threshold that is gone. */
static int drop_gone(struct score_book *b)
{
    int err = 0;
    for (size_t i = b->r.n_overs; i-- > 0 && !err;) {
        struct hy_lead_set set = {.kind = HY_LEAD_SET_THRESHOLD, .no = b->r.overs[i].threshold};
        if (is_planned(b, b->r.overs[i].threshold))
            continue;
        err = hy_lead_set_remove(b->t, set, b->lead, NULL);
        b->r.overs[i] = b->r.overs[--b->r.n_overs];
    }
    return err;
}

/* ---- when to look again ---- */

static hy_wall_ms next_look(struct score_book *b)
{
    struct hy_score_sum sums[SCORE_SUMS_MAX];
    hy_wall_ms next = INT64_MAX, now = b->t->now;
    bool is_good = false, is_bad = false, is_fading = false;
    for (size_t i = 0; i < b->r.n_sums; i++) {
        sums[i] = b->r.sums[i].sum;
        is_good = is_good || sums[i].value > 0;
        is_bad = is_bad || sums[i].value < 0;
        is_fading = is_fading || sums[i].half_life_s != 0;
    }
    if (!is_fading)
        return next;
    for (size_t i = 0; i < b->plan->n_thresholds; i++) {
        const struct hy_score_threshold *threshold = &b->plan->thresholds[i];
        uint16_t no;
        struct score_over *o = hy_score_name_find(b->t, SCORE_THRESHOLD, threshold->name, &no) == 0
                                   ? over_of(&b->r, no)
                                   : NULL;
        hy_wall_ms at = hy_score_stays_until(threshold, o && o->is_over, sums, b->r.n_sums, now);
        next = at < next ? at : next;
    }
    if (is_good && is_bad && next < now + MIXED_STEP_MS)
        next = now + MIXED_STEP_MS;
    return next;
}

static struct hy_str due_key(uint32_t second, hy_lead_no lead, uint8_t room[8])
{
    hy_put_be32(room, second);
    hy_put_be32(room + 4, lead);
    return hy_str_make(room, 8);
}

int hy_score_due_set(struct hy_txn *t, hy_lead_no lead, struct score_record *r, hy_wall_ms at)
{
    static const uint8_t value = VERSION;
    uint8_t key[8];
    uint32_t second = at / 1000 + 1 >= UINT32_MAX ? 0 : (uint32_t)(at / 1000 + 1);
    if (r->due_s == second)
        return 0;
    if (r->due_s) {
        int err = hy_del(t, HY_TABLE_SCORE_DUE, due_key(r->due_s, lead, key));
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    r->due_s = second;
    return second ? hy_put(t, HY_TABLE_SCORE_DUE, due_key(second, lead, key),
                           hy_str_make(&value, 1), HY_PUT_SET)
                  : 0;
}

int hy_score_settle(struct score_book *b, bool is_silent)
{
    for (size_t i = b->r.n_sums; i-- > 0;)
        if (b->r.sums[i].n == 0)
            b->r.sums[i] = b->r.sums[--b->r.n_sums];
    if (b->r.redo.is_held) /* half a score is over nothing, nor below it */
        return hy_score_record_put(b->t, b->lead, &b->r);
    int64_t total = hy_score_record_total(&b->r, b->t->now);
    int err = drop_gone(b);
    for (size_t i = 0; i < b->plan->n_thresholds && !err; i++)
        err = look_at(b, i, total, is_silent);
    if (!err)
        err = hy_score_due_set(b->t, b->lead, &b->r, next_look(b));
    return err ? err : hy_score_record_put(b->t, b->lead, &b->r);
}

int hy_scores_due(struct hy_txn *t, const struct hy_score_plan *plan, hy_wall_ms now, unsigned max,
                  bool *ret_more)
{
    struct hy_cursor c;
    int err = 0;
    for (unsigned i = 0; i < max && !err; i++) {
        err = hy_cursor_open(t, HY_TABLE_SCORE_DUE, &c);
        if (!err)
            err = hy_cursor_first(&c);
        if (!err && c.key.n != 8)
            err = hy_txn_fail(t, HY_ECORRUPT);
        uint32_t second = err ? 0 : hy_get_be32(c.key.p);
        hy_lead_no lead = err ? 0 : hy_get_be32(c.key.p + 4);
        if (!err && (hy_wall_ms)second * 1000 > now)
            err = HY_ENOTFOUND;
        if (!err)
            err = hy_cursor_delete(&c);
        hy_cursor_close(&c);
        struct score_book b;
        if (!err)
            err = hy_score_book_open(t, plan, lead, &b);
        if (!err) {
            b.r.due_s = b.r.due_s == second ? 0 : b.r.due_s;
            err = hy_score_settle(&b, false);
        }
    }
    if (!err || err == HY_ENOTFOUND)
        *ret_more = !err;
    return err == HY_ENOTFOUND ? 0 : err;
}
