/* What time does to segments, and mail that campaigns sent. */
#include "hayauma/store/attempt.h"
#include "hayauma/store/log_reader.h"
#include "hayauma/store/spool.h"
#include "segment_edit.h"
#include "segments_priv.h"

enum {
    TAKE = 256,      /* leads of the wheel at once */
    COMPANIES = 256, /* companies */
    MEMBERS = 512,   /* of companies of which something else is true */
};

static int take_due(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now, unsigned max,
                    unsigned *done)
{
    hy_lead_no leads[TAKE];
    hy_segment_no no;
    size_t n, room = max - *done < TAKE ? max - *done : TAKE;
    int err = hy_segment_due_take(t, (uint32_t)(now / 1000), &no, leads, room, &n);
    if (err)
        return err;
    size_t place = segment_plan_find(&s->plan, no);
    for (size_t i = 0; i < n && place != SIZE_MAX && !err; i++) {
        err = segments_turn_to(t, s, leads[i]);
        if (!err)
            segments_concern(s, place);
    }
    *done += (unsigned)n;
    return err;
}

/* Of campaigns' mail, what is a final state that somebody asks for. */
static bool is_final(const struct hy_attempt *a, enum hy_activity_kind *ret_kind)
{
    if (hy_id_is_spool(a->ref.campaign))
        return false;
    *ret_kind = a->state == HY_RCPT_DELIVERED ? HY_ACTIVITY_DELIVERED : HY_ACTIVITY_BOUNCED;
    return a->state == HY_RCPT_DELIVERED || a->state == HY_RCPT_BOUNCED;
}

static int follow_one(struct hy_txn *t, struct hy_segments *s, const struct hy_attempt *attempt)
{
    enum hy_activity_kind kind;
    if (!is_final(attempt, &kind))
        return HY_OK;
    struct hy_activity a = {.id = attempt->id,
                            .kind = kind,
                            .lead = attempt->ref.lead,
                            .campaign = attempt->ref.campaign,
                            .at = hy_id_time(attempt->id),
                            .reason = attempt->outcome.reason};
    int err = segments_turn_to(t, s, a.lead);
    if (err)
        return err;
    segments_concern_kind(s, t, kind, &a);
    if (kind == HY_ACTIVITY_BOUNCED) /* and is delivered no more, when it came back later */
        segments_concern_kind(s, t, HY_ACTIVITY_DELIVERED, &a);
    return HY_OK;
}

/* Mail is told by the attempts, which are no activities: they are read only while a segment asks
 * for it. The place is made with the first such segment (segment_edit.c). */
static int follow_mail(struct hy_txn *t, struct hy_segments *s, unsigned max, unsigned *done)
{
    struct hy_log_reader r;
    struct hy_attempt a;
    int err = hy_log_reader_get(t, HY_STR(SEGMENT_MAIL_READER), &r);
    if (err)
        return err;
    if (!s->plan.n_by_kind[HY_ACTIVITY_DELIVERED] && !s->plan.n_by_kind[HY_ACTIVITY_BOUNCED]) {
        err = hy_log_reader_del(t, HY_STR(SEGMENT_MAIL_READER));
        return err ? err : HY_ENOTFOUND;
    }
    hy_id at = r.cursor, from = at;
    while (!err && *done < max && !hy_txn_should_yield(t)) {
        err = hy_attempt_next(t, at, &a);
        if (err)
            break;
        at = a.id;
        ++*done;
        err = follow_one(t, s, &a);
    }
    if (err && err != HY_ENOTFOUND)
        return err;
    r = (struct hy_log_reader){.name = HY_STR(SEGMENT_MAIL_READER), .cursor = at, .holds = true};
    int stored = at != from ? hy_log_reader_put(t, &r) : HY_OK;
    return stored ? stored : err;
}

/* HY_ENOTFOUND: nothing is due any more. */
static int take(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now, unsigned max)
{
    unsigned done = 0;
    int err = follow_mail(t, s, max, &done);
    while ((err == HY_ENOTFOUND || !err) && done < max && s->concerns.n < TAKE &&
           !hy_txn_should_yield(t)) {
        err = take_due(t, s, now, max, &done);
        if (err == HY_ENOTFOUND)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int hy_segments_due(struct hy_txn *t, struct hy_segments *s, hy_wall_ms now, unsigned max,
                    struct hy_segments_fault *f, bool *ret_more)
{
    int err = segments_follow(t, s);
    if (!err)
        err = take(t, s, now, max);
    if (err && err != HY_ENOTFOUND)
        return err;
    int companies = segments_companies(t, s, now, COMPANIES, MEMBERS);
    if (companies && companies != HY_EMORE)
        return companies;
    int looked = segments_look_at_all(t, s, now, f);
    if (!looked)
        *ret_more = err != HY_ENOTFOUND || companies == HY_EMORE;
    return looked;
}
