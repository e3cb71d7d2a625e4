/* Patterns on replies: those that never act, those that act on everything, those that an earlier
 * one takes all of. */
#include "hayauma/shape/reply_check.h"
#include "shaping_check.h"

/* One that says nothing of the words of a refusal acts on that of every full or unknown mailbox. */
static void check_wild(const struct shaping_checking *c, const struct hy_reply_rule *p,
                       unsigned takes)
{
    bool is_all = takes == (HY_REPLY_TAKES_TEMPORARY | HY_REPLY_TAKES_PERMANENT);
    unsigned class = takes & HY_REPLY_TAKES_TEMPORARY ? 4 : 5;
    switch (p->action) {
    case HY_REPLY_BOUNCE:
        if (takes & HY_REPLY_TAKES_TEMPORARY)
            hy_problems_error(c->problems, p->file, p->line, 0,
                              "on: '%s' gives mail up at every temporary refusal, whatever it "
                              "says: write the words that it is for",
                              p->pattern);
        break;
    case HY_REPLY_DEFER:
        if (takes & HY_REPLY_TAKES_PERMANENT)
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' tries mail again at every 5xx reply, also where nobody "
                                "has the address: write the words that it is for",
                                p->pattern);
        break;
    case HY_REPLY_SUSPEND:
    case HY_REPLY_FAIL_OVER:
        (is_all ? hy_problems_error : hy_problems_warning)(
            c->problems, p->file, p->line, 0,
            "on: '%s' stops all mail at every %uxx reply, also at one mailbox's: write the words "
            "that it is for",
            p->pattern, class);
        break;
    case HY_REPLY_SLOW:
        hy_problems_warning(c->problems, p->file, p->line, 0,
                            "on: '%s' slows all mail at every %uxx reply, also at one mailbox's: "
                            "write the words that it is for",
                            p->pattern, class);
        break;
    case HY_REPLY_NOTHING:
        break; /* so that the patterns of the default block are not asked */
    }
}

/* In another file: an operator's says it otherwise. */
static void check_taken(const struct shaping_checking *c, const struct hy_reply_rules *on, size_t i)
{
    const struct hy_reply_rule *p = hy_reply_rules_at(on, i);
    for (size_t k = 0; k < i; k++) {
        const struct hy_reply_rule *e = hy_reply_rules_at(on, k);
        if (strcmp(e->file, p->file) != 0 || !hy_reply_rule_covers(on, k, i))
            continue;
        if (strcmp(e->pattern, p->pattern) == 0)
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' is never reached: it stands in line %u already",
                                p->pattern, e->line);
        else
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' is never reached: '%s' in line %u comes first and is "
                                "found in all that it matches",
                                p->pattern, e->pattern, e->line);
        return;
    }
}

void shaping_check_replies(const struct shaping_checking *c, const struct hy_shape_rule *r)
{
    for (size_t i = 0; i < hy_reply_rules_count(r->on); i++) {
        const struct hy_reply_rule *p = hy_reply_rules_at(r->on, i);
        unsigned takes = hy_reply_rule_takes(r->on, i);
        if (p->for_us > r->limits.retry.expire_us)
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' suspends for longer than retry.expire: messages that "
                                "wait for it are given up",
                                p->pattern);
        if (hy_reply_rule_is_dead(r->on, i))
            hy_problems_warning(c->problems, p->file, p->line, 0,
                                "on: '%s' can never match: replies are looked at as '450 4.2.1 "
                                "text', from 400 to 599 and with a space behind the number",
                                p->pattern);
        if (takes)
            check_wild(c, p, takes);
        check_taken(c, r->on, i);
    }
}
