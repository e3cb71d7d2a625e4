#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../src/audience/segment.h"

static char *guide(const char *name)
{
    char path[512];
    char *text = calloc(1, 1 << 20);
    snprintf(path, sizeof path, HY_SOURCE_ROOT "/docs/guides/%s", name);
    FILE *f = fopen(path, "r");
    cr_assert(f && text && fread(text, 1, (1 << 20) - 1, f) > 0, "%s", path);
    fclose(f);
    return text;
}

/* Whether what stands in a guide behind "`VERB(" up to the ) names the key. */
static bool has_key(const char *call, const char *key)
{
    const char *end = strchr(call, ')');
    const char *at = strstr(call, key);
    return at && end && at < end;
}

Test(segment_words, all_stand_in_the_guides)
{
    static const char *const guides[] = {"segments.md", "segments.ja.md"};
    for (size_t g = 0; g < sizeof guides / sizeof *guides; g++) {
        char *text = guide(guides[g]), word[64];
        for (size_t i = 0; i < HY_SEGMENT_GROUPS; i++) {
            snprintf(word, sizeof word, "`%s(\"", segment_group_words[i]);
            cr_expect_not_null(strstr(text, word), "%s: %s", guides[g], word);
        }
        for (size_t i = 0; i < segment_n_given; i++) {
            snprintf(word, sizeof word, "`%s`", segment_given[i].word);
            cr_expect_not_null(strstr(text, word), "%s: %s", guides[g], word);
        }
        for (size_t i = 0; i < segment_n_verbs; i++) {
            const struct segment_verb *v = &segment_verbs[i];
            struct hy_str rest = hy_str_of(v->keys), key;
            snprintf(word, sizeof word, "`%s(", v->word);
            const char *call = strstr(text, word);
            cr_expect_not_null(call, "%s: %s", guides[g], word);
            bool is_as_above = call && strncmp(call + strlen(word), "...", 3) == 0;
            while (call && !is_as_above && hy_str_split(&rest, ',', &key)) {
                snprintf(word, sizeof word, "%.*s", HY_STR_ARG(key));
                cr_expect(key.n == 0 || has_key(call, word), "%s: %s(%s:)", guides[g], v->word,
                          word);
            }
        }
        free(text);
    }
}
