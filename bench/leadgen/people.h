/* Words that made-up people are put together from. */
#pragma once
#include <stdint.h>

struct word {
    const char *romaji, *kanji, *kana;
};
extern const struct word family_names[];
extern const struct word given_names[];
extern const char *const western_first[];
extern const char *const western_last[];
extern const char *const companies[];
extern const char *const prefectures[];
extern const char *const plans[];
extern const char *const notes[];

/* How many of each. */
enum {
    N_FAMILY = 48,
    N_GIVEN = 48,
    N_WESTERN_FIRST = 32,
    N_WESTERN_LAST = 32,
    N_COMPANIES = 24,
    N_PREFECTURES = 47,
    N_PLANS = 4,
    N_NOTES = 6,
};
