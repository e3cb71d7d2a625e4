/* Pattern rules: sets of patterns, each with what it makes hayauma do. */
#include "hayauma/shape/reply_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reply_priv.h"

enum { SUBJECT_MAX = HY_OUTCOME_TEXT_MAX + 8 };

struct hy_reply_rules {
    struct hy_patterns *patterns;
    const struct hy_reply_rule *rules[HY_REPLY_RULES_MAX];
};

const char *hy_reply_action_name(enum hy_reply_action a)
{
    static const char *const names[] = {"nothing",   "slow",  "suspend",
                                        "fail_over", "defer", "bounce"};
    return (size_t)a < sizeof names / sizeof *names ? names[a] : "?";
}

int hy_reply_rules_new(struct hy_reply_rules **ret)
{
    static const struct hy_patterns_limits limits = {.n_max = HY_REPLY_RULES_MAX,
                                                     .pattern_max = HY_REPLY_PATTERN_MAX};
    struct hy_reply_rules *s = calloc(1, sizeof *s);
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

void hy_reply_rules_free(struct hy_reply_rules *s)
{
    if (!s)
        return;
    hy_patterns_free(s->patterns);
    free(s);
}

int hy_reply_rules_add(struct hy_reply_rules *s, const struct hy_reply_rule *rule,
                       struct hy_diag *diag)
{
    int err = hy_patterns_add(s->patterns, rule->pattern, diag);
    if (err == HY_OK)
        s->rules[hy_patterns_count(s->patterns) - 1] = rule;
    return err;
}

const struct hy_patterns *reply_patterns(const struct hy_reply_rules *s)
{
    return s->patterns;
}

size_t hy_reply_rules_count(const struct hy_reply_rules *s)
{
    return s ? hy_patterns_count(s->patterns) : 0;
}

const struct hy_reply_rule *hy_reply_rules_at(const struct hy_reply_rules *s, size_t i)
{
    return s->rules[i];
}

const struct hy_reply_rule *hy_reply_rules_find(const struct hy_reply_rules *s, unsigned code,
                                                struct hy_str words)
{
    char text[SUBJECT_MAX];
    size_t most = words.n < HY_OUTCOME_TEXT_MAX ? words.n : HY_OUTCOME_TEXT_MAX;
    int n = snprintf(text, sizeof text, "%u ", code % 1000);
    if (most)
        memcpy(text + n, words.p, most);
    size_t found = hy_patterns_find(s->patterns, hy_str_make(text, (size_t)n + most));
    return found == SIZE_MAX ? NULL : s->rules[found];
}

const struct hy_reply_rule *hy_reply_rules_match(const struct hy_reply_rules *s,
                                                 const struct hy_outcome *o)
{
    bool is_refusal = o->code / 100 == 4 || o->code / 100 == 5;
    if (hy_reply_rules_count(s) == 0 || !o->from_server || !is_refusal)
        return NULL;
    return hy_reply_rules_find(s, o->code, o->text);
}
