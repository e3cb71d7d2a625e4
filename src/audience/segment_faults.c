/* All that is wrong with the text of a segment: behind a fault the parser begins anew at the next
 * "and" or "or", where a condition begins for sure. */
#include <stdio.h>

#include "segment_lex.h"

struct finder {
    struct segment_lexer p;
    struct hy_diag diag;
    struct hy_segment_fault *faults;
    size_t n, max;
};

/* Takes what was noted down. False: no more can be found. */
static bool take_fault(struct finder *f)
{
    struct hy_segment_fault *to = &f->faults[f->n];
    const char *why = f->diag.text;
    bool has_place = f->p.wrong_at != SIZE_MAX;
    *to = (struct hy_segment_fault){0};
    if (has_place)
        segment_place_of(f->p.text, f->p.wrong_at, &to->line, &to->column);
    for (int colons = 0; has_place && colons < 2;) /* LINE:COLUMN: */
        colons += *why++ == ':';
    snprintf(to->why, sizeof to->why, "%s", *why == ' ' ? why + 1 : why);
    f->n++;
    return has_place && f->p.err == HY_EPARSE && f->n < f->max;
}

static void forget_fault(struct finder *f)
{
    f->p.err = HY_OK;
    f->p.wrong_at = SIZE_MAX;
    f->p.depth = 0;
    f->diag.text[0] = '\0';
}

/* From the token at which the parser stopped to behind the next "and" or "or". False: there is
 * none, or no more can be found. */
static bool skip(struct finder *f)
{
    size_t known = f->p.wrong_at;
    forget_fault(f);
    f->p.next = f->p.at;
    for (;;) {
        segment_advance(&f->p);
        if (f->p.err != HY_OK) { /* no token; the rest of an open quote is none, either */
            size_t behind = f->p.next;
            char first = f->p.text.p[f->p.at];
            if (f->p.wrong_at != known && !take_fault(f))
                return false;
            if (first == '"' || first == '\'' || first == '`')
                return false;
            forget_fault(f);
            f->p.next = behind;
        } else if (f->p.token == TOKEN_END) {
            return false;
        } else if (segment_take_word(&f->p, "and") || segment_take_word(&f->p, "or")) {
            return true;
        }
    }
}

/* Conditions behind a fault may be inside parentheses that were opened before it. */
static bool goes_on(struct segment_lexer *p)
{
    while (p->err == HY_OK && p->token == TOKEN_CLOSE)
        segment_advance(p);
    return segment_take_word(p, "and") || segment_take_word(p, "or");
}

size_t hy_segment_faults(struct hy_str text, struct hy_segment_fault *ret, size_t max)
{
    struct hy_arena arena = HY_ARENA_INIT(64 << 20);
    struct finder f = {.faults = ret, .max = max};
    bool is_open = false, more = max > 0;
    if (segment_lex_open(&f.p, text, &arena, &f.diag) != HY_OK)
        more = more && take_fault(&f);
    while (more) {
        if (f.p.err == HY_OK)
            (void)segment_parse_any(&f.p);
        if (f.p.err == HY_OK && is_open && goes_on(&f.p))
            continue;
        if (f.p.err == HY_OK && f.p.token != TOKEN_END)
            (void)segment_wrong(&f.p, "expected and, or, or the end");
        more = f.p.err != HY_OK && take_fault(&f) && skip(&f);
        is_open = true;
    }
    hy_arena_free(&arena);
    return f.n;
}
