/* A template cut into text and tags; what the tags do is for others to say. */
#include <stdarg.h>
#include <stdio.h>

#include "tags.h"

enum { TAG_MAX = 4096, DELIMITER_MAX = 4 };

struct cutter {
    struct hy_tags *tags;
    size_t cap;
    struct hy_str open, close; /* the delimiters */
    size_t stack[HY_MESSAGE_DEPTH_MAX];
    size_t depth;
    struct hy_diag *diag;
};

int hy_tags_fail(const struct hy_tags *tags, size_t at, struct hy_diag *diag, int err,
                 const char *fmt, ...)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < tags->source.n; i++) {
        if (tags->source.p[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)tags->source.p[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct hy_str file = hy_str_slice(tags->file, 0, 100);
    return hy_fail(diag, err, "%.*s:%zu:%zu: %s", HY_STR_ARG(file), line, column, text);
}

static bool is_letter(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(struct hy_str s)
{
    if (hy_str_eq(s, HY_STR(".")))
        return true;
    if (s.n && s.p[0] == '.')
        s = hy_str_slice(s, 1, s.n);
    if (s.n == 0 || s.n > HY_ATTR_NAME_MAX || !is_letter(s.p[0]) || !hy_str_is_utf8(s))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_letter(s.p[i]) && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '.' &&
            s.p[i] != '-')
            return false;
    return true;
}

/* Without blanks at both ends, the ideographic one of Japanese keyboards included. */
static struct hy_str trim(struct hy_str s)
{
    static const struct hy_str wide = {"\xe3\x80\x80", 3};
    for (size_t n = SIZE_MAX; n != s.n;) {
        n = s.n;
        s = hy_str_trim(s);
        if (hy_str_starts(s, wide))
            s = hy_str_slice(s, wide.n, s.n);
        if (hy_str_ends(s, wide))
            s = hy_str_slice(s, 0, s.n - wide.n);
    }
    return s;
}

static void push(struct cutter *c, struct hy_tag tag)
{
    c->tags->v[c->tags->n++] = tag;
}

static int open_section(struct cutter *c, size_t at)
{
    if (c->depth == HY_MESSAGE_DEPTH_MAX)
        return hy_tags_fail(c->tags, at, c->diag, HY_EINVAL,
                            "sections stand more than %d deep inside each other",
                            HY_MESSAGE_DEPTH_MAX);
    c->stack[c->depth++] = c->tags->n;
    return 0;
}

static int end_section(struct cutter *c, struct hy_tag *tag)
{
    if (c->depth == 0)
        return hy_tags_fail(c->tags, tag->begin, c->diag, HY_EINVAL,
                            "{{/%.*s}} ends a section that was not begun", HY_STR_ARG(tag->name));
    struct hy_tag *section = &c->tags->v[c->stack[--c->depth]];
    if (!hy_str_eq(section->word, tag->name))
        return hy_tags_fail(c->tags, tag->begin, c->diag, HY_EINVAL,
                            "{{/%.*s}} stands where {{/%.*s}} must end its section",
                            HY_STR_ARG(tag->name), HY_STR_ARG(section->word));
    tag->peer = c->stack[c->depth];
    section->peer = c->tags->n;
    return 0;
}

static struct hy_str unquote(struct hy_str s)
{
    s = trim(s);
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = hy_str_slice(s, 1, s.n - 1);
    return s.p ? s : HY_STR("");
}

/* "=<% %>=": the body of a tag that changes the delimiters. */
static int set_delimiters(struct cutter *c, size_t at, struct hy_str body)
{
    struct hy_str open, close = trim(hy_str_slice(body, 1, body.n - 1));
    size_t n = hy_str_find(close, ' ', 0);
    open = hy_str_slice(close, 0, n);
    close = trim(hy_str_slice(close, n, close.n));
    bool is_good = body.n > 2 && body.p[body.n - 1] == '=' && open.n >= 1 && close.n >= 1 &&
                   open.n <= DELIMITER_MAX && close.n <= DELIMITER_MAX &&
                   hy_str_find(close, ' ', 0) == SIZE_MAX && hy_str_find(open, '=', 0) == SIZE_MAX;
    if (!is_good)
        return hy_tags_fail(c->tags, at, c->diag, HY_EINVAL,
                            "new delimiters are written like {{=<%% %%>=}}");
    c->open = open;
    c->close = close;
    return 0;
}

/* {{else}}: the end of the section under way, and its opposite. */
static int turn_section(struct cutter *c, struct hy_tag tag)
{
    struct hy_tag section = c->tags->v[c->stack[c->depth - 1]];
    tag.kind = HY_TAG_END;
    tag.name = section.word;
    int rc = end_section(c, &tag);
    if (rc)
        return rc;
    push(c, tag);
    tag.kind = section.kind == HY_TAG_SECTION ? HY_TAG_INVERTED : HY_TAG_SECTION;
    tag.name = section.name;
    tag.word = section.word;
    rc = open_section(c, tag.begin);
    if (rc == 0)
        push(c, tag);
    return rc;
}

/* "if name", "each name", "unless name" behind a "#". */
static void read_word(struct hy_tag *tag, struct hy_str *body)
{
    static const char *const words[] = {"if ", "each ", "unless ", NULL};
    for (size_t i = 0; words[i] && tag->kind == HY_TAG_SECTION; i++) {
        struct hy_str word = hy_str_of(words[i]);
        if (!hy_str_starts(*body, word))
            continue;
        tag->word = hy_str_slice(*body, 0, word.n - 1);
        *body = trim(hy_str_slice(*body, word.n, body->n));
        if (i == 2)
            tag->kind = HY_TAG_INVERTED;
        return;
    }
    tag->word = *body;
}

static int read_body(struct cutter *c, struct hy_tag tag, struct hy_str body)
{
    struct hy_str all = body = trim(body);
    char sigil = body.n ? body.p[0] : 0;
    if (tag.kind == HY_TAG_RAW)
        sigil = 0;
    switch (sigil) {
    case '#':
        tag.kind = HY_TAG_SECTION;
        break;
    case '^':
        tag.kind = HY_TAG_INVERTED;
        break;
    case '/':
        tag.kind = HY_TAG_END;
        break;
    case '&':
        tag.kind = HY_TAG_RAW;
        break;
    case '>':
        return hy_tags_fail(c->tags, tag.begin, c->diag, HY_EINVAL,
                            "a template cannot include others ({{> ...}})");
    default:
        sigil = 0;
    }
    if (sigil)
        body = trim(hy_str_slice(body, 1, body.n));
    if (tag.kind == HY_TAG_SECTION || tag.kind == HY_TAG_INVERTED)
        read_word(&tag, &body);
    if (tag.kind == HY_TAG_VALUE && c->depth && hy_str_eq(body, HY_STR("else")))
        return turn_section(c, tag);
    size_t bar = hy_str_find(body, '|', 0);
    bool takes_default = tag.kind == HY_TAG_VALUE || tag.kind == HY_TAG_RAW;
    if (takes_default && bar != SIZE_MAX)
        tag.fallback = unquote(hy_str_slice(body, bar + 1, body.n));
    tag.name = takes_default ? trim(hy_str_slice(body, 0, bar)) : body;
    if (!is_name(tag.name)) {
        all = hy_str_slice(all, 0, 60);
        return hy_tags_fail(c->tags, tag.begin, c->diag, HY_EINVAL,
                            "\"%.*s\" is no variable: a name is made of letters, digits, _ . and -",
                            HY_STR_ARG(all));
    }
    if (!hy_str_is_utf8(tag.fallback))
        return hy_tags_fail(c->tags, tag.begin, c->diag, HY_EINVAL, "the default is not UTF-8");
    int rc = 0;
    if (tag.kind == HY_TAG_SECTION || tag.kind == HY_TAG_INVERTED)
        rc = open_section(c, tag.begin);
    else if (tag.kind == HY_TAG_END)
        rc = end_section(c, &tag);
    if (rc == 0)
        push(c, tag);
    return rc;
}

/* The tag that begins at `at`; *ret_end is behind it. */
static int read_tag(struct cutter *c, size_t at, size_t *ret_end)
{
    struct hy_str s = c->tags->source;
    size_t body = at + c->open.n;
    struct hy_str close = c->close;
    struct hy_tag tag = {.kind = HY_TAG_VALUE, .begin = at};
    bool is_triple = hy_str_eq(c->open, HY_STR("{{")) && body < s.n && s.p[body] == '{';
    if (is_triple) {
        tag.kind = HY_TAG_RAW;
        body++;
        close = HY_STR("}}}");
    }
    size_t end = hy_str_find_str(s, close, body);
    bool is_note = body < s.n && s.p[body] == '!';
    struct hy_str inside = hy_str_slice(s, body, end);
    if (end == SIZE_MAX || (!is_note && hy_str_find(inside, '\n', 0) != SIZE_MAX))
        return hy_tags_fail(c->tags, at, c->diag, HY_EINVAL,
                            "a tag that begins here does not end on its line with %.*s",
                            HY_STR_ARG(close));
    if (inside.n > TAG_MAX)
        return hy_tags_fail(c->tags, at, c->diag, HY_EINVAL, "a tag longer than %d bytes", TAG_MAX);
    *ret_end = tag.end = end + close.n;
    if (is_note) {
        tag.kind = HY_TAG_NOTE;
        tag.name = trim(hy_str_slice(inside, 1, inside.n));
        push(c, tag);
        return 0;
    }
    struct hy_str trimmed = trim(inside);
    if (!is_triple && trimmed.n && trimmed.p[0] == '=') {
        tag.kind = HY_TAG_NOTE;
        push(c, tag);
        return set_delimiters(c, at, trimmed);
    }
    return read_body(c, tag, inside);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether a section, end or comment stands alone on its line, which is [*ret_begin, *ret_end). */
static bool has_own_line(struct hy_str s, const struct hy_tag *tag, size_t *ret_begin,
                         size_t *ret_end)
{
    if (tag->kind == HY_TAG_TEXT || tag->kind == HY_TAG_VALUE || tag->kind == HY_TAG_RAW)
        return false;
    size_t begin = tag->begin, end = tag->end;
    while (begin > 0 && is_blank(s.p[begin - 1]))
        begin--;
    if (begin > 0 && s.p[begin - 1] != '\n')
        return false;
    while (end < s.n && is_blank(s.p[end]))
        end++;
    if (end < s.n && s.p[end] == '\r')
        end++;
    if (end < s.n && s.p[end++] != '\n')
        return false;
    *ret_begin = begin;
    *ret_end = end;
    return true;
}

/* Tags alone on their line take its blanks and its end with them, as in the Mustache manual. */
static void drop_lines(struct hy_tags *tags)
{
    for (size_t i = 0; i < tags->n; i++) {
        size_t begin, end;
        if (!has_own_line(tags->source, &tags->v[i], &begin, &end))
            continue;
        struct hy_tag *before = i > 0 ? &tags->v[i - 1] : NULL;
        struct hy_tag *behind = i + 1 < tags->n ? &tags->v[i + 1] : NULL;
        if (before && before->kind == HY_TAG_TEXT && before->end > begin)
            before->end = begin > before->begin ? begin : before->begin;
        if (behind && behind->kind == HY_TAG_TEXT && behind->begin < end)
            behind->begin = end < behind->end ? end : behind->end;
    }
}

static size_t count(struct hy_str s, struct hy_str what)
{
    size_t n = 0;
    for (size_t at = 0; (at = hy_str_find_str(s, what, at)) != SIZE_MAX; at += what.n)
        n++;
    return n;
}

/* Room for `n` more tags; the array only grows where delimiters change. */
static bool reserve(struct cutter *c, struct hy_arena *arena, size_t n)
{
    if (c->cap - c->tags->n >= n)
        return true;
    size_t cap = c->cap * 2 + n;
    struct hy_tag *v = hy_arena_alloc(arena, cap * sizeof *v);
    if (!v)
        return false;
    if (c->tags->n)
        memcpy(v, c->tags->v, c->tags->n * sizeof *v);
    c->tags->v = v;
    c->cap = cap;
    return true;
}

int hy_tags_read(struct hy_arena *arena, struct hy_message_text text, struct hy_diag *diag,
                 struct hy_tags *ret_tags)
{
    struct hy_tags tags = {.source = text.bytes, .file = text.name};
    struct cutter c = {.tags = &tags, .open = HY_STR("{{"), .close = HY_STR("}}"), .diag = diag};
    if (text.bytes.n > HY_MESSAGE_TEXT_MAX)
        return hy_fail(diag, HY_ELIMIT, "%.*s: longer than %d bytes", HY_STR_ARG(text.name),
                       HY_MESSAGE_TEXT_MAX);
    if (!reserve(&c, arena, 2 * count(text.bytes, c.open) + 3))
        return hy_fail(diag, HY_ENOMEM, "no memory for a template");
    for (size_t at = 0; at < text.bytes.n;) {
        if (!reserve(&c, arena, 3))
            return hy_fail(diag, HY_ENOMEM, "no memory for a template");
        size_t tag = hy_str_find_str(text.bytes, c.open, at);
        size_t end = tag == SIZE_MAX ? text.bytes.n : tag;
        if (end > at)
            push(&c, (struct hy_tag){.kind = HY_TAG_TEXT, .begin = at, .end = end});
        at = end;
        if (tag == SIZE_MAX)
            break;
        int rc = read_tag(&c, tag, &at);
        if (rc)
            return rc;
    }
    if (c.depth) {
        const struct hy_tag *open = &tags.v[c.stack[c.depth - 1]];
        return hy_tags_fail(&tags, open->begin, diag, HY_EINVAL, "section {{#%.*s}} is not ended",
                            HY_STR_ARG(open->name));
    }
    drop_lines(&tags);
    *ret_tags = tags;
    return 0;
}
