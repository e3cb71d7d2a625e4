/* Sets of patterns with PCRE2.
 *
 * Patterns come from an operator, texts from anybody: the length of patterns, the nesting of
 * groups, the steps, depth and memory of a match are limited. Code is compiled to machine code
 * where the system lets us (a service without writable code pages runs them interpreted). */
#include "hayauma/base/patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum { NESTING_MAX = 32, STEPS_MAX = 50000, DEPTH_MAX = 1000, HEAP_MAX_KIB = 256 };

struct hy_patterns {
    pcre2_compile_context *compiling;
    pcre2_match_context *matching;
    size_t n, max;
    uint32_t options;
    struct {
        pcre2_code *code;
        bool is_direct; /* machine code that needs no check of the subject */
    } items[];
};

int hy_patterns_new(const struct hy_patterns_limits *l, struct hy_patterns **ret)
{
    struct hy_patterns *s = calloc(1, sizeof *s + l->n_max * sizeof s->items[0]);
    if (!s)
        return HY_ENOMEM;
    s->max = l->n_max;
    s->options = PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C;
    s->options |= l->is_bytes ? 0 : PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    s->compiling = pcre2_compile_context_create(NULL);
    s->matching = pcre2_match_context_create(NULL);
    if (!s->compiling || !s->matching) {
        hy_patterns_free(s);
        return HY_ENOMEM;
    }
    pcre2_set_parens_nest_limit(s->compiling, NESTING_MAX);
    pcre2_set_max_pattern_length(s->compiling, l->pattern_max);
    pcre2_set_match_limit(s->matching, STEPS_MAX);
    pcre2_set_depth_limit(s->matching, DEPTH_MAX);
    pcre2_set_heap_limit(s->matching, HEAP_MAX_KIB);
    *ret = s;
    return HY_OK;
}

void hy_patterns_free(struct hy_patterns *s)
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
static int run(const struct hy_patterns *s, const pcre2_code *code, struct hy_str subject,
               pcre2_match_data *data)
{
    return pcre2_match(code, (PCRE2_SPTR)subject.p, subject.n, 0, 0, data, s->matching);
}

bool hy_patterns_one_is_in(const struct hy_patterns *s, size_t i, struct hy_str subject)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    bool is_in = data && run(s, s->items[i].code, subject, data) >= 0;
    pcre2_match_data_free(data);
    return is_in;
}

/* Where a match may begin anywhere, it may begin behind the head. */
bool hy_patterns_one_may_begin(const struct hy_patterns *s, size_t i, struct hy_str head)
{
    uint32_t options = 0;
    const pcre2_code *code = s->items[i].code;
    (void)pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    if (!(options & PCRE2_ANCHORED))
        return true;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return true;
    int found =
        pcre2_match(code, (PCRE2_SPTR)head.p, head.n, 0, PCRE2_PARTIAL_SOFT, data, s->matching);
    pcre2_match_data_free(data);
    return found != PCRE2_ERROR_NOMATCH;
}

/* A pattern that is found in nothing at all is found everywhere. */
static int check_selects(const struct hy_patterns *s, const pcre2_code *code, struct hy_diag *diag)
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

int hy_patterns_add(struct hy_patterns *s, const char *pattern, struct hy_diag *diag)
{
    if (s->n == s->max)
        return hy_fail(diag, HY_ELIMIT, "more than %zu patterns", s->max);
    int pcre_err;
    size_t at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, s->options,
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
    bool is_jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0; /* without: interpreted */
    s->items[s->n].code = code;
    s->items[s->n++].is_direct = is_jit && !(s->options & PCRE2_UTF);
    return HY_OK;
}

size_t hy_patterns_count(const struct hy_patterns *s)
{
    return s ? s->n : 0;
}

size_t hy_patterns_find(const struct hy_patterns *s, struct hy_str subject)
{
    size_t found = SIZE_MAX;
    if (!s || s->n == 0)
        return found;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return found;
    for (size_t i = 0; i < s->n && found == SIZE_MAX; i++) {
        int matches = s->items[i].is_direct
                          ? pcre2_jit_match(s->items[i].code, (PCRE2_SPTR)subject.p, subject.n, 0,
                                            0, data, s->matching)
                          : run(s, s->items[i].code, subject, data);
        if (matches >= 0)
            found = i;
    }
    pcre2_match_data_free(data);
    return found;
}
