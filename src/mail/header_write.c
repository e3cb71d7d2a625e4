/* Writing header fields: values are made clean first, then folded; whatever ASCII cannot carry
 * goes through encoded words (header_word.c) or RFC 2231. */
#include "hayauma/mail/header.h"

#include "header_word.h"

enum {
    /* A word of ASCII longer than this is encoded, since nothing else could break its line before
     * the 998 characters of RFC 5322 section 2.1.1. */
    PLAIN_WORD_MAX = 900,
    /* A quoted parameter value may make its line this much longer than the others: readers know
     * quoted strings better than RFC 2231. */
    PLAIN_PARAM_MAX = 200,
    CLEAN_MAX = 3 * HY_HEADER_VALUE_MAX, /* a bad byte grows to the 3 bytes of U+FFFD */
};

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Also the C1 controls, and the line separators that some readers take for line ends. */
static bool is_control_point(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* RFC 5322 atext without what is no letter. */
static bool is_atom(char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

bool hy_header_name_ok(struct hy_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':')
            return false;
    return name.n > 0 && name.n <= HY_HEADER_NAME_MAX;
}

static bool is_clean(struct hy_str s)
{
    unsigned char high = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (is_control(s.p[i]))
            return false;
        high |= (unsigned char)s.p[i];
    }
    if (high < 0x80)
        return true;
    for (size_t pos = 0; pos < s.n;) {
        uint32_t cp = hy_utf8_next(s, &pos);
        if (cp == UINT32_MAX || is_control_point(cp))
            return false;
    }
    return true;
}

static void add_clean(struct hy_buf *out, struct hy_str s)
{
    for (size_t pos = 0; pos < s.n;) {
        uint32_t cp = hy_utf8_next(s, &pos);
        if (is_control_point(cp)) {
            if (out->len && out->data[out->len - 1] != ' ')
                hy_buf_add_c(out, ' ');
            continue;
        }
        char bytes[4];
        hy_buf_add(out, bytes, hy_utf8_put(cp, bytes));
    }
}

/* The value without spaces at its ends, control characters and bytes that are not UTF-8: itself
 * where it is clean already, else a copy in `scratch`. */
static int make_clean(struct hy_str s, struct hy_buf *scratch, struct hy_str *ret)
{
    if (s.n > HY_HEADER_VALUE_MAX)
        return HY_ELIMIT;
    s = hy_str_trim(s);
    if (!is_clean(s)) {
        hy_buf_reset(scratch);
        add_clean(scratch, s);
        if (scratch->err)
            return scratch->err;
        s = hy_str_trim(hy_buf_str(scratch));
    }
    *ret = s;
    return HY_OK;
}

/* Ends the field, or takes back what was written of it. */
static int finish(struct hy_buf *out, size_t start)
{
    hy_buf_add_lit(out, "\r\n");
    if (out->err)
        out->len = start;
    return out->err;
}

static struct hy_header_line begin(struct hy_buf *out, struct hy_str name)
{
    struct hy_header_line line = {.out = out};
    hy_line_add(&line, name);
    hy_line_add(&line, HY_STR(": "));
    return line;
}

/* Takes the spaces and the word behind them off the front of `*rest`. */
static bool next_word(struct hy_str *rest, struct hy_str *ret_spaces, struct hy_str *ret_word)
{
    size_t spaces = 0;
    while (spaces < rest->n && rest->p[spaces] == ' ')
        spaces++;
    size_t end = spaces;
    while (end < rest->n && rest->p[end] != ' ')
        end++;
    if (end == 0)
        return false;
    *ret_spaces = hy_str_slice(*rest, 0, spaces);
    *ret_word = hy_str_slice(*rest, spaces, end);
    *rest = hy_str_slice(*rest, end, rest->n);
    return true;
}

/* Adds clean text as it stands, folding before words that would pass the end of the line. The fold
 * goes before the spaces, so unfolding gives the very text back. */
static void add_plain(struct hy_header_line *line, struct hy_str text)
{
    struct hy_str spaces, word;
    while (next_word(&text, &spaces, &word)) {
        if (line->column + spaces.n + word.n > HY_HEADER_LINE_MAX && spaces.n && word.n) {
            hy_buf_add_lit(line->out, "\r\n");
            line->column = 0;
        }
        hy_line_add(line, spaces);
        hy_line_add(line, word);
    }
}

static bool word_needs_encoding(struct hy_str word)
{
    return word.n > PLAIN_WORD_MAX || !hy_str_is_ascii(word) ||
           hy_str_find_str(word, HY_STR("=?"), 0) != SIZE_MAX;
}

/* The stretch from the first word that needs encoding to the last; from == to when none does. It
 * takes in the spaces beside it but for one, which stays outside as the separator, because readers
 * drop white space there or keep it as they like. */
static void find_encoded(struct hy_str text, size_t *ret_from, size_t *ret_to)
{
    size_t from = SIZE_MAX, to = 0, at = 0;
    struct hy_str rest = text, spaces, word;
    while (next_word(&rest, &spaces, &word)) {
        size_t begins = at + spaces.n;
        at = begins + word.n;
        if (!word_needs_encoding(word))
            continue;
        if (from == SIZE_MAX)
            from = begins;
        to = at;
    }
    if (from == SIZE_MAX)
        from = 0;
    while (from >= 2 && text.p[from - 2] == ' ')
        from--;
    while (to && to + 1 < text.n && text.p[to + 1] == ' ')
        to++;
    *ret_from = from;
    *ret_to = to;
}

static void add_text(struct hy_header_line *line, struct hy_str text, enum hy_mail_charset charset)
{
    size_t from, to;
    find_encoded(text, &from, &to);
    if (from == to) {
        add_plain(line, text);
        return;
    }
    add_plain(line, hy_str_slice(text, 0, from ? from - 1 : 0));
    if (from)
        hy_line_add(line, HY_STR(" "));
    hy_words_add(line, hy_str_slice(text, from, to), charset, HY_WORD_IN_TEXT);
    add_plain(line, hy_str_slice(text, to, text.n));
}

int hy_header_text(struct hy_buf *out, struct hy_str name, struct hy_str text,
                   enum hy_mail_charset charset)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf scratch = HY_BUF_INIT(CLEAN_MAX);
    if (!hy_header_name_ok(name))
        return HY_EINVAL;
    int err = make_clean(text, &scratch, &text);
    if (err)
        return err;
    const size_t start = out->len;
    struct hy_header_line line = begin(out, name);
    add_text(&line, text, charset);
    return finish(out, start);
}

static bool is_atoms(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_atom(s.p[i]) && (s.p[i] != ' ' || s.p[i - 1] == ' '))
            return false;
    return true;
}

/* A display name that is clean and not empty. */
static int add_phrase(struct hy_header_line *line, struct hy_str name, enum hy_mail_charset charset)
{
    size_t from, to;
    find_encoded(name, &from, &to);
    if (from != to) {
        hy_words_add(line, name, charset, HY_WORD_IN_PHRASE);
        return HY_OK;
    }
    if (is_atoms(name)) {
        add_plain(line, name);
        return HY_OK;
    }
    HY_CLEANUP(hy_buf_free)
    struct hy_buf quoted = HY_BUF_INIT(2 * CLEAN_MAX);
    hy_buf_add_c(&quoted, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            hy_buf_add_c(&quoted, '\\');
        hy_buf_add_c(&quoted, name.p[i]);
    }
    hy_buf_add_c(&quoted, '"');
    add_plain(line, hy_buf_str(&quoted));
    return quoted.err;
}

/* Nothing that could end the address early; what makes an address is address.h's business. */
static bool address_ok(struct hy_str a)
{
    bool quoted = false;
    for (size_t i = 0; i < a.n; i++) {
        char c = a.p[i];
        if (is_control(c))
            return false;
        if (quoted && c == '\\') {
            if (++i >= a.n || is_control(a.p[i]))
                return false;
            continue;
        }
        if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ' ' || c == '<' || c == '>' || c == ',' || c == ';'))
            return false;
    }
    return a.n > 0 && a.n <= HY_HEADER_VALUE_MAX / 16 && !quoted && hy_str_is_utf8(a);
}

static int add_mailbox(struct hy_header_line *line, const struct hy_header_mailbox *box,
                       enum hy_mail_charset charset)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf scratch = HY_BUF_INIT(CLEAN_MAX);
    struct hy_str name;
    if (!address_ok(box->address))
        return HY_EINVAL;
    int err = make_clean(box->name, &scratch, &name);
    if (err)
        return err;
    if (name.n) {
        err = add_phrase(line, name, charset);
        if (err)
            return err;
        hy_line_add(line, HY_STR(" "));
    }
    const size_t length = box->address.n + (name.n ? 2 : 0);
    if (line->column + length + 1 > HY_HEADER_LINE_MAX) /* 1: room for a comma */
        hy_line_fold(line);
    hy_line_add(line, name.n ? HY_STR("<") : HY_STR(""));
    hy_line_add(line, box->address);
    hy_line_add(line, name.n ? HY_STR(">") : HY_STR(""));
    return HY_OK;
}

/* The comma before a mailbox, with a fold when the first word of its name has no room. */
static void add_comma(struct hy_header_line *line, struct hy_str name)
{
    size_t first = hy_str_find(name, ' ', 0);
    if (first > name.n)
        first = name.n;
    hy_line_add(line, HY_STR(", "));
    if (line->column + first + 2 > HY_HEADER_LINE_MAX) /* 2: it may get quotes */
        hy_line_fold(line);
}

int hy_header_mailboxes(struct hy_buf *out, struct hy_str name,
                        const struct hy_header_mailbox *boxes, size_t n,
                        enum hy_mail_charset charset)
{
    if (!hy_header_name_ok(name) || n == 0)
        return HY_EINVAL;
    const size_t start = out->len;
    struct hy_header_line line = begin(out, name);
    for (size_t i = 0; i < n; i++) {
        if (i)
            add_comma(&line, boxes[i].name);
        int err = add_mailbox(&line, &boxes[i], charset);
        if (err) {
            out->len = start;
            return err;
        }
    }
    return finish(out, start);
}

int hy_header_raw(struct hy_buf *out, struct hy_str name, struct hy_str value)
{
    if (!hy_header_name_ok(name))
        return HY_EINVAL;
    if (value.n > HY_HEADER_VALUE_MAX)
        return HY_ELIMIT;
    if (!is_clean(value))
        return HY_EINVAL;
    const size_t start = out->len;
    struct hy_header_line line = begin(out, name);
    add_plain(&line, hy_str_trim(value));
    return finish(out, start);
}

/* RFC 2231 attribute-char: a token character without "*", "'" and "%". */
static bool is_attribute_char(char c)
{
    return is_alnum(c) || (c && strchr("!#$&+-.^_`{|}~", c));
}

static void add_percent(struct hy_header_line *line, struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        const char hex[] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
        hy_line_add(line,
                    is_attribute_char(s.p[i]) ? hy_str_make(&s.p[i], 1) : hy_str_make(hex, 3));
    }
}

static size_t percent_length(struct hy_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += is_attribute_char(s.p[i]) ? 1 : 3;
    return n;
}

/* attr*=UTF-8''..., or as many pieces attr*0*=UTF-8''... as the lines ask for; no character is cut
 * in two, for readers that decode each piece by itself. */
static void add_extended_param(struct hy_header_line *line, struct hy_str attr, struct hy_str value)
{
    const struct hy_str charset = HY_STR("UTF-8''");
    bool one_piece = 1 + attr.n + 2 + charset.n + percent_length(value) < HY_HEADER_LINE_MAX;
    for (unsigned piece = 0; piece == 0 || value.n; piece++) {
        hy_buf_add_c(line->out, ';');
        hy_line_fold(line);
        const size_t before = line->out->len;
        if (one_piece)
            hy_buf_printf(line->out, "%.*s*=", HY_STR_ARG(attr));
        else
            hy_buf_printf(line->out, "%.*s*%u*=", HY_STR_ARG(attr), piece);
        line->column += line->out->len - before;
        if (piece == 0)
            hy_line_add(line, charset);
        size_t take = 0, length = 0;
        while (take < value.n) {
            size_t behind = take;
            hy_utf8_next(value, &behind);
            size_t grows = percent_length(hy_str_slice(value, take, behind));
            if (line->column + length + grows + 1 > HY_HEADER_LINE_MAX && take)
                break;
            length += grows;
            take = behind;
        }
        add_percent(line, hy_str_slice(value, 0, take));
        value = hy_str_slice(value, take, value.n);
    }
}

static size_t column_of(const struct hy_buf *out)
{
    size_t n = 0;
    while (n < out->len && out->data[out->len - 1 - n] != '\n')
        n++;
    return n;
}

/* RFC 2045 tspecials make a value be quoted; so does being empty. */
static bool is_token(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (!s.p[i] || !strchr("!#$%&'*+-.^_`{|}~", s.p[i])))
            return false;
    return s.n > 0;
}

static void add_quoted_param(struct hy_header_line *line, struct hy_str attr, struct hy_str value)
{
    const bool bare = is_token(value);
    hy_buf_add_c(line->out, ';');
    line->column++;
    if (line->column + 1 + attr.n + 1 + value.n + 3 > HY_HEADER_LINE_MAX)
        hy_line_fold(line);
    else
        hy_line_add(line, HY_STR(" "));
    hy_line_add(line, attr);
    hy_line_add(line, bare ? HY_STR("=") : HY_STR("=\""));
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            hy_line_add(line, HY_STR("\\"));
        hy_line_add(line, hy_str_make(&value.p[i], 1));
    }
    if (!bare)
        hy_line_add(line, HY_STR("\""));
}

int hy_header_param(struct hy_buf *out, struct hy_str attr, struct hy_str value)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf scratch = HY_BUF_INIT(CLEAN_MAX);
    if (!is_token(attr) || attr.n > 32)
        return HY_EINVAL;
    int err = make_clean(value, &scratch, &value);
    if (err)
        return err;
    const size_t start = out->len;
    struct hy_header_line line = {.out = out, .column = column_of(out)};
    if (hy_str_is_ascii(value) && value.n <= PLAIN_PARAM_MAX &&
        hy_str_find_str(value, HY_STR("=?"), 0) == SIZE_MAX)
        add_quoted_param(&line, attr, value);
    else
        add_extended_param(&line, attr, value);
    if (out->err)
        out->len = start;
    return out->err;
}
