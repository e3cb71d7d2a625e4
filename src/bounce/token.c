/* Tokens of ours among the clues of a report. */
#include "hayauma/bounce/report.h"

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static int read_any(const struct hy_token_keys *keys, struct hy_str text, struct hy_token *ret)
{
    static const enum hy_token_kind kinds[] = {HY_TOKEN_MESSAGE, HY_TOKEN_RETURN,
                                               HY_TOKEN_UNSUBSCRIBE, HY_TOKEN_OPEN, HY_TOKEN_CLICK};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (hy_token_read(keys, kinds[i], text, ret) == HY_OK)
            return HY_OK;
    return HY_ENOTFOUND;
}

/* A run of letters as a whole, and what stands behind a mark within it: "bounce-TOKEN". */
static int read_run(const struct hy_token_keys *keys, struct hy_str run, struct hy_token *ret)
{
    enum { SHORTEST = 18, RUN_MAX = 200 };
    if (run.n < SHORTEST || run.n > RUN_MAX)
        return HY_ENOTFOUND;
    if (read_any(keys, run, ret) == HY_OK)
        return HY_OK;
    for (size_t i = 0; i + SHORTEST <= run.n; i++)
        if ((run.p[i] == '-' || run.p[i] == '_') &&
            read_any(keys, hy_str_slice(run, i + 1, run.n), ret) == HY_OK)
            return HY_OK;
    return HY_ENOTFOUND;
}

int hy_bounce_find_token(const struct hy_bounce_report *report, const struct hy_token_keys *keys,
                         struct hy_token *ret)
{
    for (size_t k = 0; k < report->n_clues; k++) {
        struct hy_str s = report->clues[k];
        for (size_t i = 0; i < s.n; i++) {
            size_t end = i;
            while (end < s.n && is_token_char(s.p[end]))
                end++;
            if (end > i && read_run(keys, hy_str_slice(s, i, end), ret) == HY_OK)
                return HY_OK;
            if (end > i)
                i = end;
        }
    }
    return HY_ENOTFOUND;
}
