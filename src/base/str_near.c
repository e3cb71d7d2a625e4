/* The word that somebody meant who made a slip of the finger. */
#include "hayauma/base/str.h"

enum { WORD_MAX = 40 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment distance (Damerau-Levenshtein without substring edits), rows rolled. */
static size_t distance(struct hy_str a, struct hy_str b)
{
    size_t rows[3][WORD_MAX + 1], *two = rows[0], *one = rows[1], *cur = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        one[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        cur[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            char x = hy_ascii_lower(a.p[i - 1]), y = hy_ascii_lower(b.p[j - 1]);
            cur[j] = min3(one[j] + 1, cur[j - 1] + 1, one[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == hy_ascii_lower(b.p[j - 2]) &&
                hy_ascii_lower(a.p[i - 2]) == y && two[j - 2] + 1 < cur[j])
                cur[j] = two[j - 2] + 1;
        }
        size_t *spare = two;
        two = one;
        one = cur;
        cur = spare;
    }
    return one[b.n];
}

const char *hy_str_nearest(struct hy_str word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t best_distance = SIZE_MAX;
    if (word.n == 0 || word.n > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct hy_str c = hy_str_of(candidates[i]);
        if (c.n == 0 || c.n > WORD_MAX)
            continue;
        size_t d = distance(word, c);
        size_t longer = word.n > c.n ? word.n : c.n;
        if (d * 3 <= longer && d < best_distance) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}
