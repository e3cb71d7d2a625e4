/* What the words of a reply make a lane do: the patterns of its rule, then those of the default
 * block; the first that is found decides. */
#include "lane.h"

#include "hayauma/base/log.h"
#include "hayauma/shape/reply_rules.h"

static const struct hy_reply_rule *find(const struct lane *l, const struct hy_outcome *o)
{
    const struct hy_shape_rules *set = l->worker->policy->rules;
    const struct hy_reply_rule *r = l->rule ? hy_reply_rules_match(l->rule->on, o) : NULL;
    return r || !set->base ? r : hy_reply_rules_match(set->base->on, o);
}

/* "shaping.yaml:12: 421 4.7.0 too fast", for people. */
static struct hy_str reason(const struct hy_reply_rule *r, const struct hy_outcome *o,
                            char out[HY_WINDOW_WHY_MAX])
{
    const char *slash = strrchr(r->file, '/');
    int n = snprintf(out, HY_WINDOW_WHY_MAX, "%.40s:%u: %u %.*s", slash ? slash + 1 : r->file,
                     r->line, o->code, (int)(o->text.n < 60 ? o->text.n : 60), o->text.p);
    return hy_str_make(out, n < 0 ? 0 : n < HY_WINDOW_WHY_MAX ? (size_t)n : HY_WINDOW_WHY_MAX - 1);
}

/* Another source of the pool may send what waits; true, too, when nothing does. */
static bool has_others(const struct lane *l)
{
    hy_list_for_each (it, &l->shares) {
        const struct lane_share *s = hy_container_of(it, struct lane_share, link);
        if (!hy_list_empty(&s->feeds))
            return deal_may(l->worker,
                            hy_container_of(s->feeds.next, struct feed_part, link)->feed);
    }
    return true;
}

static void tell(const struct lane *l, const struct hy_reply_rule *r, struct hy_str why)
{
    const char *what = r->action == HY_REPLY_SUSPEND ? "suspended"
                       : r->action == HY_REPLY_SLOW  ? "slowed"
                       : has_others(l)               ? "left to other sources"
                                                     : "left, but to nobody: its mail waits";
    hy_log(HY_LOG_NOTICE, "lane", "%s from %s: %s by %.*s", l->mx->site.name.p, l->source->name,
           what, HY_STR_ARG(why));
}

void lane_heed_reply(struct lane *l, struct hy_outcome *o, hy_us now)
{
    if (o->kind == HY_OUTCOME_DELIVERED)
        return;
    const struct hy_reply_rule *r = find(l, o);
    if (!r)
        return;
    char room[HY_WINDOW_WHY_MAX];
    struct hy_str why = reason(r, o, room);
    switch (r->action) {
    case HY_REPLY_BOUNCE: /* one that was returned untouched is nobody's last word */
        o->kind = o->kind == HY_OUTCOME_RETURNED ? o->kind : HY_OUTCOME_BOUNCED;
        break;
    case HY_REPLY_DEFER:
        o->kind = o->kind == HY_OUTCOME_RETURNED ? o->kind : HY_OUTCOME_DEFERRED;
        break;
    case HY_REPLY_SLOW:
        if (now - l->heeded_at > HY_US_PER_SEC)
            tell(l, r, why);
        l->heeded_at = now;
        hy_window_slow(&l->joint->window, r->keep_percent, why, now);
        break;
    case HY_REPLY_SUSPEND:
        if (now - l->heeded_at > HY_US_PER_SEC)
            tell(l, r, why);
        l->heeded_at = now;
        hy_window_suspend(&l->joint->window, now + r->for_us, why, now);
        break;
    case HY_REPLY_FAIL_OVER:
        o->kind = o->kind == HY_OUTCOME_RETURNED ? o->kind : HY_OUTCOME_DEFERRED;
        hy_window_suspend(&l->joint->window, now + r->for_us, why, now);
        if (now - l->heeded_at > HY_US_PER_SEC)
            tell(l, r, why);
        l->heeded_at = now;
        lane_wake(l); /* and leaves to the others */
        break;
    case HY_REPLY_NOTHING:
        break;
    }
}
