/* Problems as the text a person sees, for comparing. */
#pragma once
#include <criterion/criterion.h>
#include <stdlib.h>

#include "hayauma/config/problems.h"

static inline char *problems_text(const struct hy_problems *p)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    hy_problems_print(p, f);
    fclose(f);
    return text;
}

#define expect_problems(p, want)                                                                   \
    do {                                                                                           \
        char *got_ = problems_text(p);                                                             \
        cr_expect_str_eq(got_, want, "\n--- got\n%s--- want\n%s", got_, want);                     \
        free(got_);                                                                                \
    } while (0)
