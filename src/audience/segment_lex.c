/* Segments taken apart into tokens: names, texts, numbers, days, times, signs. */
#include "segment_lex.h"

#include <stdarg.h>
#include <stdio.h>

void segment_place_of(struct hy_str text, size_t at, unsigned *ret_line, unsigned *ret_column)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < at && i < text.n; i++) {
        bool is_end = text.p[i] == '\n';
        line += is_end;
        column = is_end ? 1 : column + (((unsigned char)text.p[i] & 0xc0) != 0x80);
    }
    *ret_line = line;
    *ret_column = column;
}

bool segment_wrong_at(struct segment_lexer *p, size_t at, int err, const char *fmt, ...)
{
    char why[400];
    unsigned line, column;
    if (p->err != HY_OK)
        return false;
    segment_place_of(p->text, at, &line, &column);
    p->wrong_at = at;
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    p->err = hy_fail(p->m.diag, err, "%u:%u: %s", line, column, why);
    p->token = TOKEN_WRONG;
    return false;
}

int segment_lex_open(struct segment_lexer *p, struct hy_str text, struct hy_arena *arena,
                     struct hy_diag *diag)
{
    *p = (struct segment_lexer){
        .m = {.arena = arena, .diag = diag}, .text = text, .wrong_at = SIZE_MAX};
    if (text.n > HY_SEGMENT_TEXT_MAX)
        return hy_fail(diag, HY_ELIMIT, "is longer than %d bytes", HY_SEGMENT_TEXT_MAX);
    if (!segment_is_clean(text))
        return hy_fail(diag, HY_EPARSE, "is not UTF-8, or has control characters");
    segment_advance(p);
    return HY_OK;
}

/* -- tokens --------------------------------------------------------------------------------- */

static char char_at(const struct segment_lexer *p, size_t at)
{
    return at < p->text.n ? p->text.p[at] : '\0';
}

static void skip_blanks(struct segment_lexer *p)
{
    for (;;) {
        while (p->next < p->text.n && strchr(" \t\r\n", p->text.p[p->next]) &&
               p->text.p[p->next] != '\0')
            p->next++;
        if (char_at(p, p->next) != '#')
            return;
        while (p->next < p->text.n && p->text.p[p->next] != '\n')
            p->next++;
    }
}

/* A text in quotes, with \" \' \\ \n \r \t inside; or a name in backquotes. */
static void lex_quoted(struct segment_lexer *p, char quote)
{
    char *out = hy_arena_alloc(p->m.arena, p->text.n - p->at + 1);
    size_t n = 0, i = p->at + 1;
    if (!out) {
        (void)segment_wrong_at(p, p->at, HY_ENOMEM, "no memory");
        return;
    }
    for (; i < p->text.n && p->text.p[i] != quote; i++) {
        char c = p->text.p[i];
        if (c == '\\' && quote != '`' && i + 1 < p->text.n) {
            c = p->text.p[++i];
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        out[n++] = c;
    }
    if (i >= p->text.n) {
        (void)segment_wrong(p, "the quote is not closed");
        return;
    }
    p->next = i + 1;
    p->token = quote == '`' ? TOKEN_QUOTED_NAME : TOKEN_TEXT;
    p->value = (struct hy_segment_value){.kind = HY_SEGMENT_TEXT, .text = {out, n}};
    if (quote == '`' && (n == 0 || n > HY_SEGMENT_NAME_MAX))
        (void)segment_wrong(p, "a name has 1 to %d bytes", HY_SEGMENT_NAME_MAX);
}

static void lex_name(struct segment_lexer *p)
{
    size_t i = p->at;
    while (segment_is_letter(char_at(p, i)) || segment_is_digit(char_at(p, i)) ||
           char_at(p, i) == '.' || char_at(p, i) == '-')
        i++;
    p->next = i;
    p->token = TOKEN_NAME;
    p->value.text = hy_str_slice(p->text, p->at, i);
    if (i - p->at > HY_SEGMENT_NAME_MAX)
        (void)segment_wrong(p, "a name has at most %d bytes", HY_SEGMENT_NAME_MAX);
}

static void lex_number(struct segment_lexer *p)
{
    size_t i = p->at + 1;
    while (segment_is_digit(char_at(p, i)) || segment_is_letter(char_at(p, i)) ||
           (char_at(p, i) && strchr(".:+-", char_at(p, i))))
        i++;
    struct hy_str word = hy_str_slice(p->text, p->at, i);
    p->next = i;
    if (segment_read_number(word, &p->value) == HY_OK)
        p->token = TOKEN_NUMBER;
    else if (segment_read_time(word, &p->value) == HY_OK)
        p->token = TOKEN_TIME;
    else if (segment_read_date(word, &p->value) == HY_OK)
        p->token = TOKEN_DATE;
    else
        (void)segment_wrong(p,
                            "'%.*s' is no number, no day (2026-12-01), no moment "
                            "(2026-12-01T09:00+09:00) and no time (90s 5m 2h 30d 4w)",
                            word.n > 60 ? 60 : (int)word.n, word.p);
}

static void lex_cmp(struct segment_lexer *p)
{
    static const struct {
        const char *text;
        enum hy_segment_op op;
    } ops[] = {
        {"==", HY_SEGMENT_EQ}, {"!=", HY_SEGMENT_NE}, {"<>", HY_SEGMENT_NE}, {"<=", HY_SEGMENT_LE},
        {">=", HY_SEGMENT_GE}, {"=", HY_SEGMENT_EQ},  {"<", HY_SEGMENT_LT},  {">", HY_SEGMENT_GT},
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct hy_str op = hy_str_of(ops[i].text);
        if (!hy_str_starts(hy_str_slice(p->text, p->at, p->text.n), op))
            continue;
        p->token = TOKEN_CMP;
        p->op = ops[i].op;
        p->next = p->at + op.n;
        return;
    }
    (void)segment_wrong(p, "'%c' has no meaning here",
                        char_at(p, p->at) > ' ' ? char_at(p, p->at) : '?');
}

void segment_advance(struct segment_lexer *p)
{
    if (p->err != HY_OK)
        return;
    skip_blanks(p);
    p->at = p->next;
    char c = char_at(p, p->at);
    p->next = p->at + 1;
    if (p->at >= p->text.n)
        p->token = TOKEN_END;
    else if (c == '"' || c == '\'' || c == '`')
        lex_quoted(p, c);
    else if (segment_is_digit(c) || (c == '-' && segment_is_digit(char_at(p, p->at + 1))))
        lex_number(p);
    else if (segment_is_letter(c))
        lex_name(p);
    else if (c == '(' || c == ')')
        p->token = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
    else if (c == ',' || c == ':')
        p->token = c == ',' ? TOKEN_COMMA : TOKEN_COLON;
    else
        lex_cmp(p);
}

bool segment_is_word(const struct segment_lexer *p, const char *word)
{
    return p->token == TOKEN_NAME && hy_str_ieq(p->value.text, hy_str_of(word));
}

bool segment_take_word(struct segment_lexer *p, const char *word)
{
    if (!segment_is_word(p, word))
        return false;
    segment_advance(p);
    return true;
}

bool segment_take(struct segment_lexer *p, enum segment_token token, const char *what)
{
    if (p->token != token)
        return segment_wrong(p, "expected %s", what);
    segment_advance(p);
    return p->err == HY_OK;
}

bool segment_is_called(const struct segment_lexer *p)
{
    struct segment_lexer look = *p;
    skip_blanks(&look);
    return char_at(&look, look.next) == '(';
}
