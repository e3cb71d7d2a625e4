/* Segments read from their text: a lexer of one token at a time, and a parser by descent. */
#include <stdarg.h>
#include <stdio.h>

#include "segment.h"

enum token {
    END,
    NAME,
    QUOTED_NAME, /* `Company size` */
    TEXT,        /* "spring" */
    NUMBER,
    TIME,
    DATE,
    CMP, /* = != < <= > >= */
    OPEN,
    CLOSE,
    COMMA,
    COLON,
    WRONG, /* noted */
};

struct parser {
    struct segment_maker m;
    struct hy_str text;
    size_t at, next; /* the token: [at, next) */
    enum token token;
    struct hy_segment_value value; /* of TEXT, NUMBER, TIME, DATE, and the name of names */
    enum hy_segment_op op;         /* of CMP */
    unsigned depth;
    int err;
};

/* Notes the first fault, at a place; false. */
static bool wrong_at(struct parser *p, size_t at, int err, const char *fmt, ...) HY_PRINTF(4, 5);
static bool wrong_at(struct parser *p, size_t at, int err, const char *fmt, ...)
{
    char why[400];
    unsigned line = 1, column = 1;
    if (p->err != HY_OK)
        return false;
    for (size_t i = 0; i < at && i < p->text.n; i++) {
        bool is_end = p->text.p[i] == '\n';
        line += is_end;
        column = is_end ? 1 : column + (((unsigned char)p->text.p[i] & 0xc0) != 0x80);
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    p->err = hy_fail(p->m.diag, err, "%u:%u: %s", line, column, why);
    p->token = WRONG;
    return false;
}
#define wrong(p, ...) wrong_at((p), (p)->at, HY_EPARSE, __VA_ARGS__)

/* -- tokens --------------------------------------------------------------------------------- */

static char char_at(const struct parser *p, size_t at)
{
    return at < p->text.n ? p->text.p[at] : '\0';
}

static void skip_blanks(struct parser *p)
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
static void lex_quoted(struct parser *p, char quote)
{
    char *out = hy_arena_alloc(p->m.arena, p->text.n - p->at + 1);
    size_t n = 0, i = p->at + 1;
    if (!out) {
        (void)wrong_at(p, p->at, HY_ENOMEM, "no memory");
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
        (void)wrong(p, "the quote is not closed");
        return;
    }
    p->next = i + 1;
    p->token = quote == '`' ? QUOTED_NAME : TEXT;
    p->value = (struct hy_segment_value){.kind = HY_SEGMENT_TEXT, .text = {out, n}};
    if (quote == '`' && (n == 0 || n > HY_SEGMENT_NAME_MAX))
        (void)wrong(p, "a name has 1 to %d bytes", HY_SEGMENT_NAME_MAX);
}

static void lex_name(struct parser *p)
{
    size_t i = p->at;
    while (segment_is_letter(char_at(p, i)) || segment_is_digit(char_at(p, i)) ||
           char_at(p, i) == '.' || char_at(p, i) == '-')
        i++;
    p->next = i;
    p->token = NAME;
    p->value.text = hy_str_slice(p->text, p->at, i);
    if (i - p->at > HY_SEGMENT_NAME_MAX)
        (void)wrong(p, "a name has at most %d bytes", HY_SEGMENT_NAME_MAX);
}

static void lex_number(struct parser *p)
{
    size_t i = p->at + 1;
    while (segment_is_digit(char_at(p, i)) || segment_is_letter(char_at(p, i)) ||
           (char_at(p, i) && strchr(".:+-", char_at(p, i))))
        i++;
    struct hy_str word = hy_str_slice(p->text, p->at, i);
    p->next = i;
    if (segment_read_number(word, &p->value) == HY_OK)
        p->token = NUMBER;
    else if (segment_read_time(word, &p->value) == HY_OK)
        p->token = TIME;
    else if (segment_read_date(word, &p->value) == HY_OK)
        p->token = DATE;
    else
        (void)wrong(p,
                    "'%.*s' is no number, no day (2026-12-01), no moment "
                    "(2026-12-01T09:00+09:00) and no time (90s 5m 2h 30d 4w)",
                    word.n > 60 ? 60 : (int)word.n, word.p);
}

static void lex_cmp(struct parser *p)
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
        p->token = CMP;
        p->op = ops[i].op;
        p->next = p->at + op.n;
        return;
    }
    (void)wrong(p, "'%c' has no meaning here", char_at(p, p->at) > ' ' ? char_at(p, p->at) : '?');
}

static void advance(struct parser *p)
{
    if (p->err != HY_OK)
        return;
    skip_blanks(p);
    p->at = p->next;
    char c = char_at(p, p->at);
    p->next = p->at + 1;
    if (p->at >= p->text.n)
        p->token = END;
    else if (c == '"' || c == '\'' || c == '`')
        lex_quoted(p, c);
    else if (segment_is_digit(c) || (c == '-' && segment_is_digit(char_at(p, p->at + 1))))
        lex_number(p);
    else if (segment_is_letter(c))
        lex_name(p);
    else if (c == '(' || c == ')')
        p->token = c == '(' ? OPEN : CLOSE;
    else if (c == ',' || c == ':')
        p->token = c == ',' ? COMMA : COLON;
    else
        lex_cmp(p);
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->token == NAME && hy_str_ieq(p->value.text, hy_str_of(word));
}

/* Goes on when the token is that word. */
static bool take_word(struct parser *p, const char *word)
{
    if (!is_word(p, word))
        return false;
    advance(p);
    return true;
}

static bool take(struct parser *p, enum token token, const char *what)
{
    if (p->token != token)
        return wrong(p, "expected %s", what);
    advance(p);
    return p->err == HY_OK;
}

/* -- values --------------------------------------------------------------------------------- */

static bool read_value(struct parser *p, struct hy_segment_value *ret)
{
    bool is_true = is_word(p, "true") || is_word(p, "yes");
    if (is_true || is_word(p, "false") || is_word(p, "no")) {
        *ret = (struct hy_segment_value){
            .kind = HY_SEGMENT_BOOL, .text = hy_str_of(is_true ? "true" : "false"), .yes = is_true};
    } else if (p->token == TEXT || p->token == NUMBER || p->token == DATE || p->token == TIME) {
        *ret = p->value;
    } else if (p->token == NAME) {
        return wrong(p, "a text stands in quotes: \"%.*s\"", HY_STR_ARG(p->value.text));
    } else {
        return wrong(p, "expected a value");
    }
    advance(p);
    return p->err == HY_OK;
}

/* A value for the operator, which stood at `at`. */
static bool read_operand(struct parser *p, enum hy_segment_op op, struct hy_segment_value *ret)
{
    static const char *const wants[HY_SEGMENT_OPS] = {
        [HY_SEGMENT_LT] = "a number or a day",
        [HY_SEGMENT_LE] = "a number or a day",
        [HY_SEGMENT_GT] = "a number or a day",
        [HY_SEGMENT_GE] = "a number or a day",
        [HY_SEGMENT_CONTAINS] = "a text",
        [HY_SEGMENT_STARTS] = "a text",
        [HY_SEGMENT_ENDS] = "a text",
        [HY_SEGMENT_BEFORE] = "a day: 2026-12-01",
        [HY_SEGMENT_AFTER] = "a day: 2026-12-01",
        [HY_SEGMENT_WITHIN] = "a time: 30d",
        [HY_SEGMENT_OLDER] = "a time: 30d",
    };
    size_t at = p->at;
    if (!read_value(p, ret))
        return false;
    if (segment_op_takes(op, ret->kind))
        return true;
    return wrong_at(p, at, HY_EPARSE, "expected %s",
                    wants[op] ? wants[op] : "a text, a number, a day, true or false");
}

/* -- conditions ----------------------------------------------------------------------------- */

static const struct hy_segment_node *parse_any(struct parser *p);

static struct hy_segment_node *new_node(struct parser *p, enum hy_segment_kind kind)
{
    return p->err == HY_OK ? segment_new(&p->m, kind, &p->err) : NULL;
}

static const struct hy_segment_node *negate(struct parser *p, const struct hy_segment_node *item)
{
    if (!item)
        return NULL;
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_NOT);
    const struct hy_segment_node **items = hy_arena_alloc(p->m.arena, sizeof *items);
    if (!n || !items) {
        p->err = p->err == HY_OK ? HY_ENOMEM : p->err;
        return NULL;
    }
    *items = item;
    n->items = items;
    n->n_items = 1;
    return n;
}

/* ("JP", "FR") */
static bool read_values(struct parser *p, struct hy_segment_node *n)
{
    struct segment_list list = {
        .item_size = sizeof *n->values, .max = HY_SEGMENT_VALUES_MAX, .what = "values"};
    bool is_good = take(p, OPEN, "( and the values");
    while (is_good) {
        struct hy_segment_value *v = segment_list_add(&list, &p->m, &p->err);
        is_good = v && read_operand(p, HY_SEGMENT_IN, v);
        if (!is_good || p->token != COMMA)
            break;
        advance(p);
    }
    is_good = is_good && take(p, CLOSE, ", or )");
    n->n_values = (uint16_t)list.n;
    n->values = segment_list_take(&list, &p->m, &p->err);
    return is_good && p->err == HY_OK;
}

static bool read_one_value(struct parser *p, struct hy_segment_node *n)
{
    struct hy_segment_value *v = hy_arena_alloc(p->m.arena, sizeof *v);
    if (!v)
        return wrong_at(p, p->at, HY_ENOMEM, "no memory");
    n->values = v;
    n->n_values = 1;
    return read_operand(p, n->op, v);
}

/* The word operators; false: none of them. */
static bool take_word_op(struct parser *p, enum hy_segment_op *ret)
{
    static const struct {
        const char *word, *second;
        enum hy_segment_op op;
    } ops[] = {
        {"in", NULL, HY_SEGMENT_IN},           {"contains", NULL, HY_SEGMENT_CONTAINS},
        {"starts", "with", HY_SEGMENT_STARTS}, {"ends", "with", HY_SEGMENT_ENDS},
        {"before", NULL, HY_SEGMENT_BEFORE},   {"after", NULL, HY_SEGMENT_AFTER},
        {"within", NULL, HY_SEGMENT_WITHIN},   {"older", "than", HY_SEGMENT_OLDER},
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!take_word(p, ops[i].word))
            continue;
        if (ops[i].second && !take_word(p, ops[i].second))
            return wrong(p, "expected '%s %s'", ops[i].word, ops[i].second);
        *ret = ops[i].op;
        return true;
    }
    return false;
}

/* is set, is not set, is empty */
static const struct hy_segment_node *read_is(struct parser *p, struct hy_segment_node *n)
{
    bool is_not = take_word(p, "not");
    bool is_empty = is_word(p, "empty");
    n->op = HY_SEGMENT_SET;
    if (!is_empty && !is_word(p, "set")) {
        (void)wrong(p, "expected 'is set', 'is not set' or 'is empty'");
        return NULL;
    }
    advance(p);
    return is_not != is_empty ? negate(p, n) : n;
}

/* score >= 50; the name has been read. */
static const struct hy_segment_node *parse_compare(struct parser *p, struct hy_str name)
{
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_COMPARE);
    if (!n)
        return NULL;
    n->name = name;
    if (take_word(p, "is"))
        return read_is(p, n);
    bool is_not = take_word(p, "not");
    bool is_good;
    if (p->token == CMP && !is_not) {
        n->op = p->op;
        advance(p);
        is_good = read_one_value(p, n);
    } else if (take_word_op(p, &n->op)) {
        is_good = n->op == HY_SEGMENT_IN ? read_values(p, n) : read_one_value(p, n);
    } else {
        is_good = wrong(p,
                        "expected what '%.*s' is asked for: = != < <= > >=, in (...), contains, "
                        "starts with, ends with, is set, before, after, within, older than",
                        HY_STR_ARG(name));
    }
    if (!is_good)
        return NULL;
    return is_not ? negate(p, n) : n;
}

/* tag("vip") */
static const struct hy_segment_node *parse_member(struct parser *p, enum hy_segment_group group)
{
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_MEMBER);
    if (!n || !take(p, OPEN, "("))
        return NULL;
    n->group = group;
    n->name = p->value.text;
    if (p->token == TEXT && (n->name.n == 0 || n->name.n > HY_SEGMENT_NAME_MAX)) {
        (void)wrong(p, "a name has 1 to %d bytes", HY_SEGMENT_NAME_MAX);
        return NULL;
    }
    return take(p, TEXT, "a name in quotes") && take(p, CLOSE, ")") ? n : NULL;
}

static bool read_date_of(struct parser *p, struct hy_segment_value *to)
{
    if (to->text.n)
        return wrong(p, "is said twice");
    return read_operand(p, HY_SEGMENT_BEFORE, to);
}

/* campaign: "spring", amount >= 5000 */
static bool read_filter(struct parser *p, const struct segment_verb *verb,
                        struct hy_segment_filter *f)
{
    if (p->token != NAME && p->token != QUOTED_NAME)
        return wrong(p, "expected what is asked: campaign: \"...\", within 30d, ... or )");
    f->key = p->value.text;
    if (!segment_verb_knows(verb, f->key))
        return wrong(p, "%s knows no '%.*s'; it knows campaign, source, meta.NAME%s%s", verb->word,
                     HY_STR_ARG(f->key), *verb->keys ? "," : "", verb->keys);
    advance(p);
    if (p->token != COLON && p->token != CMP)
        return wrong(p, "expected : and a value");
    f->op = p->token == COLON ? HY_SEGMENT_EQ : p->op;
    advance(p);
    return read_operand(p, f->op, &f->value);
}

static bool read_argument(struct parser *p, const struct segment_verb *verb,
                          struct hy_segment_node *n, struct segment_list *filters)
{
    size_t at = p->at;
    if (take_word(p, "since"))
        return read_date_of(p, &n->since);
    if (take_word(p, "before"))
        return read_date_of(p, &n->before);
    if (!take_word(p, "within")) {
        struct hy_segment_filter *f = segment_list_add(filters, &p->m, &p->err);
        return f && read_filter(p, verb, f);
    }
    struct hy_segment_value time;
    if (n->within_s)
        return wrong_at(p, at, HY_EPARSE, "within is said twice");
    if (!read_operand(p, HY_SEGMENT_WITHIN, &time))
        return false;
    n->within_s = time.seconds;
    return true;
}

/* >= 3 behind an activity */
static bool read_count(struct parser *p, struct hy_segment_node *n)
{
    n->op = HY_SEGMENT_GE;
    n->count = 1;
    if (p->token != CMP)
        return true;
    n->op = p->op;
    advance(p);
    double number = p->value.number;
    if (p->token != NUMBER || number < 0 || number > 1e6 || number != (double)(uint32_t)number)
        return wrong(p, "expected how often: a whole number up to 1,000,000");
    n->count = (uint32_t)number;
    advance(p);
    return p->err == HY_OK;
}

/* clicked(campaign: "spring", within 30d) >= 2 */
static const struct hy_segment_node *parse_did(struct parser *p, const struct segment_verb *verb)
{
    struct segment_list filters = {.item_size = sizeof(struct hy_segment_filter),
                                   .max = HY_SEGMENT_FILTERS_MAX,
                                   .what = "filters of one activity"};
    struct hy_segment_node *n = new_node(p, HY_SEGMENT_DID);
    if (!n || !take(p, OPEN, "("))
        return NULL;
    n->did = verb->kind;
    bool is_good = true;
    while (is_good && p->token != CLOSE) {
        is_good = read_argument(p, verb, n, &filters);
        if (is_good && p->token != CLOSE)
            is_good = take(p, COMMA, ", or )");
    }
    n->n_filters = (uint16_t)filters.n;
    n->filters = segment_list_take(&filters, &p->m, &p->err);
    return is_good && take(p, CLOSE, ")") && read_count(p, n) ? n : NULL;
}

static bool is_called(const struct parser *p)
{
    struct parser look = *p;
    skip_blanks(&look);
    return char_at(&look, look.next) == '(';
}

/* A name with ( behind it. */
static const struct hy_segment_node *parse_call(struct parser *p)
{
    struct hy_str name = p->value.text;
    const struct segment_verb *verb = segment_verb_of(name);
    for (unsigned g = 0; g < HY_SEGMENT_GROUPS; g++)
        if (hy_str_ieq(name, hy_str_of(segment_group_words[g]))) {
            advance(p);
            return parse_member(p, (enum hy_segment_group)g);
        }
    if (!verb) {
        char verbs[200];
        (void)wrong(p, "there is no '%.*s'; there are %s, tag, list, group, segment",
                    HY_STR_ARG(name), segment_verb_list(verbs, sizeof verbs));
        return NULL;
    }
    advance(p);
    return parse_did(p, verb);
}

static const struct hy_segment_node *parse_one(struct parser *p)
{
    const struct hy_segment_node *n = NULL;
    struct hy_str name = p->value.text;
    if (p->depth == HY_SEGMENT_DEPTH_MAX) {
        (void)wrong_at(p, p->at, HY_ELIMIT, "more than %d conditions inside conditions",
                       HY_SEGMENT_DEPTH_MAX);
        return NULL;
    }
    p->depth++;
    if (take_word(p, "not")) {
        n = negate(p, parse_one(p));
    } else if (p->token == OPEN) {
        advance(p);
        n = parse_any(p);
        if (n && !take(p, CLOSE, "and, or, or )"))
            n = NULL;
    } else if (p->token == NAME && is_called(p)) {
        n = parse_call(p);
    } else if (p->token == QUOTED_NAME || (p->token == NAME && segment_is_plain_name(name))) {
        advance(p);
        n = parse_compare(p, name);
    } else {
        (void)wrong(p, "expected a condition, such as score >= 50 or opened(within 30d)");
    }
    p->depth--;
    return p->err == HY_OK ? n : NULL;
}

/* Conditions joined by a word. */
static const struct hy_segment_node *parse_joined(
    struct parser *p, enum hy_segment_kind kind, const char *word,
    const struct hy_segment_node *(*part)(struct parser *))
{
    const struct hy_segment_node **to;
    struct segment_list items = {
        .item_size = sizeof *to, .max = HY_SEGMENT_NODES_MAX, .what = "conditions"};
    do {
        const struct hy_segment_node *n = part(p);
        to = n ? segment_list_add(&items, &p->m, &p->err) : NULL;
        if (to)
            *to = n;
    } while (p->err == HY_OK && take_word(p, word));
    return segment_join(&p->m, kind, &items, &p->err);
}

static const struct hy_segment_node *parse_all(struct parser *p)
{
    return parse_joined(p, HY_SEGMENT_ALL, "and", parse_one);
}

static const struct hy_segment_node *parse_any(struct parser *p)
{
    return parse_joined(p, HY_SEGMENT_ANY, "or", parse_all);
}

int hy_segment_parse(struct hy_str text, struct hy_arena *arena, struct hy_diag *diag,
                     const struct hy_segment_node **ret)
{
    struct parser p = {.m = {.arena = arena, .diag = diag}, .text = text};
    if (text.n > HY_SEGMENT_TEXT_MAX)
        return hy_fail(diag, HY_ELIMIT, "is longer than %d bytes", HY_SEGMENT_TEXT_MAX);
    if (!segment_is_clean(text))
        return hy_fail(diag, HY_EPARSE, "is not UTF-8, or has control characters");
    advance(&p);
    const struct hy_segment_node *n = p.err == HY_OK ? parse_any(&p) : NULL;
    if (p.err == HY_OK && p.token != END)
        (void)wrong(&p, "expected and, or, or the end");
    if (p.err == HY_OK)
        *ret = n;
    return p.err;
}
