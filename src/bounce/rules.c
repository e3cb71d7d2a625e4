/* Sets of bounce rules, and the class of one refusal. */
#include "hayauma/bounce/rules.h"

#include <stdlib.h>

#include "hayauma/base/patterns.h"
#include "status_reason.h"

struct hy_bounce_rules {
    struct hy_patterns *patterns;
    const struct hy_bounce_rule *rules[HY_BOUNCE_RULES_MAX];
};

int hy_bounce_rules_new(struct hy_bounce_rules **ret)
{
    static const struct hy_patterns_limits limits = {
        .n_max = HY_BOUNCE_RULES_MAX, .pattern_max = HY_BOUNCE_PATTERN_MAX, .is_bytes = true};
    struct hy_bounce_rules *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    int err = hy_patterns_new(&limits, &s->patterns);
    if (err != HY_OK) {
        free(s);
        return err;
    }
    *ret = s;
    return HY_OK;
}

void hy_bounce_rules_free(struct hy_bounce_rules *s)
{
    if (!s)
        return;
    hy_patterns_free(s->patterns);
    free(s);
}

int hy_bounce_rules_add(struct hy_bounce_rules *s, const struct hy_bounce_rule *rule,
                        struct hy_diag *diag)
{
    int err = hy_patterns_add(s->patterns, rule->pattern, diag);
    if (err == HY_OK)
        s->rules[hy_patterns_count(s->patterns) - 1] = rule;
    return err;
}

size_t hy_bounce_rules_count(const struct hy_bounce_rules *s)
{
    return s ? hy_patterns_count(s->patterns) : 0;
}

const struct hy_bounce_rule *hy_bounce_rules_at(const struct hy_bounce_rules *s, size_t i)
{
    return s->rules[i];
}

const struct hy_bounce_rule *hy_bounce_rules_match(const struct hy_bounce_rules *s,
                                                   struct hy_str subject)
{
    size_t found = s ? hy_patterns_find(s->patterns, subject) : SIZE_MAX;
    return found == SIZE_MAX ? NULL : s->rules[found];
}

/* 2, 4, 5; 0 = not known. The status knows better: a 5.x.x quoted behind "450" was given up. */
static unsigned class_of(const struct hy_bounce_words *w)
{
    return w->status.class ? w->status.class : w->code / 100;
}

static bool say(enum hy_bounce_say said, bool otherwise)
{
    return said == HY_BOUNCE_AUTO ? otherwise : said == HY_BOUNCE_YES;
}

struct hy_bounce_class hy_bounce_classify(const struct hy_bounce_rules *set,
                                          const struct hy_bounce_words *w)
{
    char room[HY_BOUNCE_SUBJECT_MAX + 24];
    unsigned class = class_of(w);
    if (class == 2)
        return (struct hy_bounce_class){.reason = HY_BOUNCE_DELIVERED};
    const struct hy_bounce_rule *rule = hy_bounce_rules_match(set, hy_bounce_subject(w, room));
    struct hy_bounce_class c = {
        .reason = rule ? rule->reason : bounce_reason_of_status(w->code, w->status),
        .rule = rule,
    };
    bool is_for_good = class != 4;
    bool is_passing = !is_for_good || hy_bounce_reason_is_passing(c.reason);
    c.is_hard = hy_bounce_reason_is_of_address(c.reason) && is_for_good;
    if (rule) {
        c.is_hard = say(rule->hard, c.is_hard);
        is_passing = say(rule->retry, is_passing);
    }
    c.is_suppress = c.is_hard;
    c.may_retry = is_passing && !c.is_hard;
    return c;
}
