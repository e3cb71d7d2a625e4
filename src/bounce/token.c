/* Tokens of ours among the clues of a report, by what they prove. */
#include "hayauma/bounce/report.h"

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* The kinds of one rank. */
struct rank {
    enum hy_token_kind kinds[3];
    size_t n;
};

static int read_any(const struct hy_token_keys *keys, const struct rank *rank, struct hy_str text,
                    struct hy_token *ret)
{
    for (size_t i = 0; i < rank->n; i++)
        if (hy_token_read(keys, rank->kinds[i], text, ret) == HY_OK)
            return HY_OK;
    return HY_ENOTFOUND;
}

/* A run of letters as a whole, and what stands behind a mark within it: "bounce-TOKEN". */
static int read_run(const struct hy_token_keys *keys, const struct rank *rank, struct hy_str run,
                    struct hy_token *ret)
{
    enum { SHORTEST = 18, RUN_MAX = 200 };
    if (run.n < SHORTEST || run.n > RUN_MAX)
        return HY_ENOTFOUND;
    if (read_any(keys, rank, run, ret) == HY_OK)
        return HY_OK;
    for (size_t i = 0; i + SHORTEST <= run.n; i++)
        if ((run.p[i] == '-' || run.p[i] == '_') &&
            read_any(keys, rank, hy_str_slice(run, i + 1, run.n), ret) == HY_OK)
            return HY_OK;
    return HY_ENOTFOUND;
}

static int read_clue(const struct hy_token_keys *keys, const struct rank *rank, struct hy_str s,
                     struct hy_token *ret)
{
    for (size_t i = 0; i < s.n; i++) {
        size_t end = i;
        while (end < s.n && is_token_char(s.p[end]))
            end++;
        if (end > i && read_run(keys, rank, hy_str_slice(s, i, end), ret) == HY_OK)
            return HY_OK;
        if (end > i)
            i = end;
    }
    return HY_ENOTFOUND;
}

int hy_bounce_find_token(const struct hy_str *clues, size_t n, const struct hy_token_keys *keys,
                         struct hy_token *ret)
{
    static const struct rank ranks[] = {
        {{HY_TOKEN_RETURN}, 1},
        {{HY_TOKEN_UNSUBSCRIBE, HY_TOKEN_OPEN, HY_TOKEN_CLICK}, 3},
        {{HY_TOKEN_MESSAGE}, 1},
    };
    for (size_t r = 0; r < sizeof ranks / sizeof *ranks; r++)
        for (size_t k = 0; k < n; k++)
            if (read_clue(keys, &ranks[r], clues[k], ret) == HY_OK)
                return HY_OK;
    return HY_ENOTFOUND;
}
