/* Pattern rules with PCRE2.
 *
 * Patterns come from an operator, texts from anybody: the length of both, the nesting of groups,
 * the steps, depth and memory of a match are limited. Code is compiled to machine code where the
 * system lets us (a service without writable code pages runs them interpreted). */
#include "hayauma/shape/reply_rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NESTING_MAX = 32,
    STEPS_MAX = 50000,
    DEPTH_MAX = 1000,
    HEAP_MAX_KIB = 256,
    SUBJECT_MAX = HY_OUTCOME_TEXT_MAX + 8,
};

struct hy_reply_rules {
    pcre2_compile_context *compiling;
    pcre2_match_context *matching;
    size_t n;
    struct {
        const struct hy_reply_rule *rule;
        pcre2_code *code;
    } items[HY_REPLY_RULES_MAX];
};

const char *hy_reply_action_name(enum hy_reply_action a)
{
    static const char *const names[] = {"nothing",   "slow",  "suspend",
                                        "fail_over", "defer", "bounce"};
    return (size_t)a < sizeof names / sizeof *names ? names[a] : "?";
}

int hy_reply_rules_new(struct hy_reply_rules **ret)
{
    struct hy_reply_rules *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->compiling = pcre2_compile_context_create(NULL);
    s->matching = pcre2_match_context_create(NULL);
    if (!s->compiling || !s->matching) {
        hy_reply_rules_free(s);
        return HY_ENOMEM;
    }
    pcre2_set_parens_nest_limit(s->compiling, NESTING_MAX);
    pcre2_set_max_pattern_length(s->compiling, HY_REPLY_PATTERN_MAX);
    pcre2_set_match_limit(s->matching, STEPS_MAX);
    pcre2_set_depth_limit(s->matching, DEPTH_MAX);
    pcre2_set_heap_limit(s->matching, HEAP_MAX_KIB);
    *ret = s;
    return HY_OK;
}

void hy_reply_rules_free(struct hy_reply_rules *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        pcre2_code_free(s->items[i].code);
    pcre2_compile_context_free(s->compiling);
    pcre2_match_context_free(s->matching);
    free(s);
}

/* PCRE2's number of matches, or its error. */
static int run(const struct hy_reply_rules *s, const pcre2_code *code, struct hy_str subject,
               pcre2_match_data *data)
{
    return pcre2_match(code, (PCRE2_SPTR)subject.p, subject.n, 0, 0, data, s->matching);
}

/* A pattern that is found in nothing at all is found everywhere. */
static int check_selects(const struct hy_reply_rules *s, const pcre2_code *code,
                         struct hy_diag *diag)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return HY_ENOMEM;
    int found = run(s, code, HY_STR(""), data);
    pcre2_match_data_free(data);
    if (found >= 0)
        return hy_fail(diag, HY_EINVAL, "matches every reply, even an empty one");
    return HY_OK;
}

int hy_reply_rules_add(struct hy_reply_rules *s, const struct hy_reply_rule *rule,
                       struct hy_diag *diag)
{
    if (s->n == HY_REPLY_RULES_MAX)
        return hy_fail(diag, HY_ELIMIT, "more than %d patterns", HY_REPLY_RULES_MAX);
    int pcre_err;
    size_t at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)rule->pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C |
                                         PCRE2_MATCH_INVALID_UTF,
                                     &pcre_err, &at, s->compiling);
    if (!code) {
        char words[160];
        pcre2_get_error_message(pcre_err, (PCRE2_UCHAR *)words, sizeof words);
        return hy_fail(diag, HY_EPARSE, "is no regular expression: %s (at character %zu)", words,
                       at + 1);
    }
    int err = check_selects(s, code, diag);
    if (err != HY_OK) {
        pcre2_code_free(code);
        return err;
    }
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without, it is interpreted */
    s->items[s->n].rule = rule;
    s->items[s->n++].code = code;
    return HY_OK;
}

size_t hy_reply_rules_count(const struct hy_reply_rules *s)
{
    return s ? s->n : 0;
}

const struct hy_reply_rule *hy_reply_rules_at(const struct hy_reply_rules *s, size_t i)
{
    return s->items[i].rule;
}

const struct hy_reply_rule *hy_reply_rules_match(const struct hy_reply_rules *s,
                                                 const struct hy_outcome *o)
{
    if (!s || s->n == 0 || !o->from_server || o->code == 0)
        return NULL;
    char text[SUBJECT_MAX];
    size_t most = o->text.n < HY_OUTCOME_TEXT_MAX ? o->text.n : HY_OUTCOME_TEXT_MAX;
    int n = snprintf(text, sizeof text, "%u ", (unsigned)(o->code % 1000));
    if (most)
        memcpy(text + n, o->text.p, most);
    struct hy_str subject = hy_str_make(text, (size_t)n + most);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return NULL;
    const struct hy_reply_rule *found = NULL;
    for (size_t i = 0; i < s->n && !found; i++)
        if (run(s, s->items[i].code, subject, data) >= 0)
            found = s->items[i].rule;
    pcre2_match_data_free(data);
    return found;
}
