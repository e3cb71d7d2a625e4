/* Everything that is wrong with a file a person wrote, each with its place. */
#pragma once
#include <stdint.h>
#include <stdio.h>

#include "hayauma/base/arena.h"

enum {
    HY_PROBLEMS_MAX = 100, /* noted in full; further ones are only counted */
    HY_PROBLEM_PLACE_MAX = 4096 + 24,
};

struct hy_problem {
    const char *file;
    uint32_t line, column; /* 1..; 0 = the file as a whole */
    bool is_warning;       /* does not keep the file from being used */
    const char *text;      /* one line of UTF-8: what is wrong and what to do */
};

/* Zero-initialised it is an empty list. Its memory is bounded by HY_PROBLEMS_MAX. */
struct hy_problems {
    struct hy_arena arena;
    struct hy_problem *items; /* in the order of their places */
    size_t n;
    size_t n_errors;  /* those that are not warnings, the dropped ones included */
    size_t n_dropped; /* past HY_PROBLEMS_MAX */
};

void hy_problems_free(struct hy_problems *p);
/* Adds one; line 0 names no place in the file. Any thread that owns the list. */
void hy_problems_error(struct hy_problems *p, const char *file, uint32_t line, uint32_t column,
                       const char *fmt, ...) HY_PRINTF(5, 6);
void hy_problems_warning(struct hy_problems *p, const char *file, uint32_t line, uint32_t column,
                         const char *fmt, ...) HY_PRINTF(5, 6);
/* By file, line and column; what was noted first stays first. */
void hy_problems_sort(struct hy_problems *p);
/* "file:line:column", or "file" when it is the file as a whole. Returns `out`. */
const char *hy_problem_place(const struct hy_problem *p, char out[HY_PROBLEM_PLACE_MAX]);
/* "file:line:column: error: text", one a line. */
void hy_problems_print(const struct hy_problems *p, FILE *out);
