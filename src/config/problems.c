/* The list of what is wrong with a file: bounded, sorted by place, printed one a line. */
#include "hayauma/config/problems.h"

#include <stdarg.h>
#include <stdlib.h>

enum { TEXT_MAX = 1024, ARENA_MAX = HY_PROBLEMS_MAX * (2 * TEXT_MAX + 4352) };

void hy_problems_free(struct hy_problems *p)
{
    hy_arena_free(&p->arena);
    free(p->items);
    *p = (struct hy_problems){0};
}

/* What a stranger wrote may stand in the text: control characters must not reach a terminal. */
static void make_printable(char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f)
            *s = '?';
        else if (c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0)
            s[0] = s[1] = '?'; /* C1 */
    }
}

/* Never cuts a character of UTF-8 in two. */
static void cut_utf8(char *s, size_t n)
{
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    s[n] = '\0';
}

static void add(struct hy_problems *p, const struct hy_problem *where, const char *fmt, va_list ap)
{
    if (!where->is_warning)
        p->n_errors++;
    if (!p->items) {
        p->arena.max_bytes = ARENA_MAX;
        p->items = calloc(HY_PROBLEMS_MAX, sizeof *p->items);
    }
    char text[TEXT_MAX + 4];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n > TEXT_MAX)
        cut_utf8(text, TEXT_MAX);
    make_printable(text);
    struct hy_str copy = {0}, file = {0};
    if (p->items && p->n < HY_PROBLEMS_MAX) {
        copy = hy_arena_str(&p->arena, hy_str_of(text));
        file = hy_arena_str(&p->arena, hy_str_of(where->file ? where->file : ""));
    }
    if (!copy.p || !file.p) {
        p->n_dropped++;
        return;
    }
    p->items[p->n] = *where;
    p->items[p->n].text = copy.p;
    p->items[p->n].file = file.p;
    p->n++;
}

void hy_problems_error(struct hy_problems *p, const char *file, uint32_t line, uint32_t column,
                       const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(p, &(struct hy_problem){.file = file, .line = line, .column = column}, fmt, ap);
    va_end(ap);
}

void hy_problems_warning(struct hy_problems *p, const char *file, uint32_t line, uint32_t column,
                         const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(p, &(struct hy_problem){.file = file, .line = line, .column = column, .is_warning = true},
        fmt, ap);
    va_end(ap);
}

static int by_place(const struct hy_problem *a, const struct hy_problem *b)
{
    int c = strcmp(a->file, b->file);
    if (c)
        return c;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return 0;
}

/* Insertion: stable, and the list is short. */
void hy_problems_sort(struct hy_problems *p)
{
    for (size_t i = 1; i < p->n; i++) {
        struct hy_problem x = p->items[i];
        size_t k = i;
        for (; k > 0 && by_place(&p->items[k - 1], &x) > 0; k--)
            p->items[k] = p->items[k - 1];
        p->items[k] = x;
    }
}

const char *hy_problem_place(const struct hy_problem *p, char out[HY_PROBLEM_PLACE_MAX])
{
    int n = snprintf(out, HY_PROBLEM_PLACE_MAX - 24, "%s", p->file);
    size_t len = n < HY_PROBLEM_PLACE_MAX - 24 ? (size_t)n : HY_PROBLEM_PLACE_MAX - 25;
    if (p->line)
        snprintf(out + len, 24, ":%u:%u", p->line, p->column);
    return out;
}

void hy_problems_print(const struct hy_problems *p, FILE *out)
{
    char place[HY_PROBLEM_PLACE_MAX];
    for (size_t i = 0; i < p->n; i++) {
        const struct hy_problem *x = &p->items[i];
        fprintf(out, "%s: %s: %s\n", hy_problem_place(x, place),
                x->is_warning ? "warning" : "error", x->text);
    }
    if (p->n_dropped)
        fprintf(out, "... and %zu more\n", p->n_dropped);
}
