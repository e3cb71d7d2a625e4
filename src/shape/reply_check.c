/* What pattern rules can match. Whether a rule never acts is asked of PCRE2 with the beginnings
 * that replies have; whether it acts on everything, with refusals that have nothing in common;
 * whether one takes all of another, with the texts that everything the other matches must contain.
 */
#include "hayauma/shape/reply_check.h"

#include <stdio.h>
#include <string.h>

#include "reply_priv.h"

/* ---- never, and always ---- */

bool hy_reply_rule_is_dead(const struct hy_reply_rules *set, size_t i)
{
    char head[16];
    for (unsigned code = 400; code < 600; code++) {
        int n = snprintf(head, sizeof head, "%u ", code);
        if (hy_patterns_one_may_begin(reply_patterns(set), i, hy_str_make(head, (size_t)n)))
            return false;
    }
    return true;
}

/* Refusals that have nothing in common; a class stands before each status. */
static const struct {
    const char *status, *words;
} samples[] = {
    {".2.1 ", "The mailbox is busy"},
    {".7.1 ", "Greylisted for 300 seconds"},
    {"", "Requested action aborted: local error in processing"},
    {"", "Zu viele Verbindungen, bitte warten"},
    {".1.1 ", "<user@example.jp>: unknown"},
    {"", "[TSS09] see https://www.example.com/help"},
    {".7.0 ", "Unusual rate / of mail"},
    {".3.2 ", "no"},
};

static bool takes_class(const struct hy_reply_rules *set, size_t i, unsigned class)
{
    static const unsigned codes[] = {0, 21, 50, 51, 54};
    for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
        for (size_t k = 0; k < sizeof samples / sizeof *samples; k++) {
            const char *status = samples[k].status;
            char text[128], digit[] = {(char)('0' + class), '\0'};
            int n = snprintf(text, sizeof text, "%u %s%s%s", class * 100 + codes[c],
                             status[0] ? digit : "", status, samples[k].words);
            if (!hy_patterns_one_is_in(reply_patterns(set), i, hy_str_make(text, (size_t)n)))
                return false;
        }
    return true;
}

unsigned hy_reply_rule_takes(const struct hy_reply_rules *set, size_t i)
{
    return (takes_class(set, i, 4) ? HY_REPLY_TAKES_TEMPORARY : 0u) |
           (takes_class(set, i, 5) ? HY_REPLY_TAKES_PERMANENT : 0u);
}

/* ---- one takes all of another ---- */

/* Pieces of a pattern, read from the left. */
enum piece {
    PIECE_END,
    PIECE_LETTER,    /* that and no other, in either case */
    PIECE_ANY,       /* one of several letters: a class, a dot, \d */
    PIECE_GROUP,     /* ( ... ) */
    PIECE_OR,        /* | */
    PIECE_START,     /* ^ */
    PIECE_MAYBE,     /* a quantifier that allows none of what stands before it */
    PIECE_REPEATED,  /* one that asks for one at least */
    PIECE_CONDITION, /* $, \b: looks at what stands beside */
    PIECE_NOT_READ,  /* settings, references: nothing is said of such a pattern */
};

struct reading {
    const char *p;
    char letter; /* of PIECE_LETTER */
};

/* Behind the class that begins at `p`; NULL: it has no end. */
static const char *skip_class(const char *p)
{
    p += p[1] == '^' ? 2 : 1;
    if (*p == ']')
        p++;
    for (; *p && *p != ']'; p++) {
        const char *end;
        if (*p == '\\' && p[1])
            p++;
        else if (p[0] == '[' && p[1] == ':' && (end = strstr(p, ":]")) != NULL)
            p = end + 1;
    }
    return *p ? p + 1 : NULL;
}

/* Behind the group that begins at `p`; NULL: it has no end. */
static const char *skip_group(const char *p)
{
    size_t depth = 0;
    while (p && *p) {
        if (*p == '\\' && p[1])
            p += 2;
        else if (*p == '[')
            p = skip_class(p);
        else if (*p == '(' && ++depth)
            p++;
        else if (*p == ')' && --depth == 0)
            return p + 1;
        else
            p++;
    }
    return NULL;
}

static enum piece read_escape(struct reading *r)
{
    char c = r->p[1];
    r->p += c ? 2 : 1;
    r->letter = c;
    bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c && !is_word)
        return PIECE_LETTER;
    if (c && strchr("dDsSwWhHvV", c))
        return PIECE_ANY;
    return c == 'b' || c == 'B' ? PIECE_CONDITION : PIECE_NOT_READ;
}

static enum piece read_group(struct reading *r)
{
    bool is_plain = r->p[1] != '*' && (r->p[1] != '?' || r->p[2] == ':');
    bool is_condition = r->p[1] == '?' && r->p[2] && strchr("=!<", r->p[2]);
    r->p = skip_group(r->p);
    if (!r->p || (!is_plain && !is_condition))
        return PIECE_NOT_READ;
    return is_plain ? PIECE_GROUP : PIECE_CONDITION;
}

/* With what makes it lazy or possessive. "{x" is no quantifier, but letters. */
static enum piece read_quantifier(struct reading *r)
{
    char c = *r->p++;
    if (c == '{') {
        r->p += strspn(r->p, "0123456789,");
        if (*r->p++ != '}')
            return PIECE_NOT_READ;
    }
    if (*r->p == '?' || *r->p == '+')
        r->p++;
    return c == '+' ? PIECE_REPEATED : PIECE_MAYBE;
}

static enum piece read_piece(struct reading *r)
{
    switch (*r->p) {
    case '\0':
        return PIECE_END;
    case '\\':
        return read_escape(r);
    case '(':
        return read_group(r);
    case '[':
        r->p = skip_class(r->p);
        return r->p ? PIECE_ANY : PIECE_NOT_READ;
    case '?':
    case '*':
    case '+':
    case '{':
        return read_quantifier(r);
    case '|':
        r->p++;
        return PIECE_OR;
    case '^':
        r->p++;
        return PIECE_START;
    case '$':
        r->p++;
        return PIECE_CONDITION;
    case '.':
        r->p++;
        return PIECE_ANY;
    default:
        r->letter = *r->p++;
        return PIECE_LETTER;
    }
}

/* Whether the pattern is found in every text that contains one in which it is found; `ret_starts`:
 * only where that text stands at the beginning. */
static bool is_found_within(const char *pattern, bool *ret_starts)
{
    struct reading r = {.p = pattern};
    *ret_starts = false;
    /* inside of groups, too: those hold nothing that the outside may not */
    for (const char *p = pattern; *p; p++) {
        bool is_class = *p == '[';
        if (*p == '(' && (p[1] == '*' || (p[1] == '?' && p[2] != ':')))
            return false;
        *ret_starts |= *p == '^';
        if (*p == '$')
            return false;
        if (is_class && !(p = skip_class(p)))
            return false;
        if (is_class)
            p--;
        else if (*p == '\\') {
            r.p = p;
            enum piece escape = read_escape(&r);
            if (escape != PIECE_LETTER && escape != PIECE_ANY)
                return false;
            p = r.p - 1;
        }
    }
    return true;
}

/* Letters one after the other that whatever the pattern matches contains. */
struct run {
    char text[HY_REPLY_PATTERN_MAX];
    size_t n;
    bool is_start; /* stands at the beginning */
};

struct cover {
    const struct hy_reply_rules *set;
    size_t a;
    bool a_starts;
    bool is_covered; /* by a run of the alternative that is read */
};

static void end_run(struct cover *c, struct run *run)
{
    if (run->n && (run->is_start || !c->a_starts))
        c->is_covered |=
            hy_patterns_one_is_in(reply_patterns(c->set), c->a, hy_str_make(run->text, run->n));
    *run = (struct run){.n = 0};
}

/* The last letter may be missing: as a whole, where it has several bytes. */
static void drop_letter(struct run *run)
{
    while (run->n && ((unsigned char)run->text[--run->n] & 0xc0) == 0x80) {
    }
}

/* Every alternative contains what `a` is found in. */
static bool all_are_covered(struct cover *c, const char *pattern)
{
    struct reading r = {.p = pattern};
    struct run run = {.n = 0};
    for (bool is_first = true;; is_first = false) {
        const char *at = r.p;
        enum piece piece = read_piece(&r);
        if (piece == PIECE_NOT_READ)
            return false;
        if (piece == PIECE_LETTER && run.n < sizeof run.text) {
            run.text[run.n++] = r.letter;
            continue;
        }
        if (piece == PIECE_MAYBE)
            drop_letter(&run);
        end_run(c, &run);
        run.is_start = piece == PIECE_START && (is_first || at[-1] == '|');
        if (piece != PIECE_OR && piece != PIECE_END)
            continue;
        if (!c->is_covered || piece == PIECE_END)
            return c->is_covered;
        c->is_covered = false;
    }
}

bool hy_reply_rule_covers(const struct hy_reply_rules *set, size_t a, size_t b)
{
    const char *one = hy_reply_rules_at(set, a)->pattern;
    const char *other = hy_reply_rules_at(set, b)->pattern;
    struct cover c = {.set = set, .a = a};
    if (strcmp(one, other) == 0)
        return true;
    if (strstr(one, "\\Q") || strstr(other, "\\Q"))
        return false; /* nothing of what stands behind means what it seems */
    return is_found_within(one, &c.a_starts) && all_are_covered(&c, other);
}
