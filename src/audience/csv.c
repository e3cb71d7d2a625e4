/* Splits text into rows and fields. Text is appended to one buffer; a row is scanned as a whole
 * once all of it is there, its fields are views into the buffer, unquoted in place.
 *
 * A fault never costs more than its own line: after a quote that does not close, or text behind a
 * closing quote, reading goes on at the next physical line. */
#include "hayauma/audience/csv.h"

#include <stdlib.h>

#include "csv_sniff.h"

struct hy_csv {
    struct hy_buf in;
    size_t at;     /* start of the next row in `in` */
    uint64_t line; /* of `at` */
    char delimiter;
    bool is_ended;
    bool is_skipping; /* the rest of a row that was too long is being thrown away */
    size_t row_max, columns_max;
    struct hy_str fields[HY_CSV_COLUMNS_MAX];
    bool has_pairs[HY_CSV_COLUMNS_MAX]; /* the field is quoted and holds doubled quotes */
};

const char *hy_csv_fault_text(enum hy_csv_fault f)
{
    switch (f) {
    case HY_CSV_OK:
        return "the row is good";
    case HY_CSV_UNCLOSED:
        return "a quote that opens in this row does not close";
    case HY_CSV_STRAY:
        return "text stands between a closing quote and the next delimiter";
    case HY_CSV_LONG_FIELD:
        return "a field has more than 65535 bytes";
    case HY_CSV_LONG_ROW:
        return "the row is too long";
    case HY_CSV_MANY_COLUMNS:
        return "the row has too many columns";
    }
    return "?";
}

int hy_csv_new(const struct hy_csv_options *o, struct hy_csv **ret)
{
    char d = o->delimiter;
    if (d == '"' || d == '\r' || d == '\n' || ((unsigned char)d & 0x80))
        return HY_EINVAL;
    struct hy_csv *c = calloc(1, sizeof *c);
    if (!c)
        return HY_ENOMEM;
    c->in = HY_BUF_INIT(HY_CSV_INPUT_MAX);
    c->line = 1;
    c->delimiter = d;
    c->row_max =
        o->row_max_bytes && o->row_max_bytes < HY_CSV_ROW_MAX ? o->row_max_bytes : HY_CSV_ROW_MAX;
    c->columns_max =
        o->columns_max && o->columns_max < HY_CSV_COLUMNS_MAX ? o->columns_max : HY_CSV_COLUMNS_MAX;
    *ret = c;
    return HY_OK;
}

void hy_csv_free(struct hy_csv *c)
{
    if (!c)
        return;
    hy_buf_free(&c->in);
    free(c);
}

struct hy_buf *hy_csv_input(struct hy_csv *c)
{
    hy_buf_consume(&c->in, c->at);
    c->at = 0;
    return &c->in;
}

void hy_csv_end(struct hy_csv *c)
{
    c->is_ended = true;
}

char hy_csv_delimiter(const struct hy_csv *c)
{
    return c->delimiter;
}

/* ---- one row ---- */

/* Where the scan of a row stands. All places are in c->in. */
struct scan {
    const char *p;
    size_t n;      /* text there is, cut to the longest row and one byte */
    size_t at;     /* next byte */
    bool is_whole; /* the text ends there and no more will come */
    size_t lines;  /* line ends inside quoted fields */
    enum hy_csv_fault fault;
    size_t n_fields;
};

enum step { STEP_FIELD, STEP_ROW, STEP_MORE, STEP_FAULT };

/* Length of the line end at `at`: 0 = none; SIZE_MAX = cannot be said before more text is there. */
static size_t line_end(const struct scan *s, size_t at)
{
    if (at >= s->n)
        return 0;
    if (s->p[at] == '\n')
        return 1;
    if (s->p[at] != '\r')
        return 0;
    if (at + 1 == s->n)
        return s->is_whole ? 1 : SIZE_MAX;
    return s->p[at + 1] == '\n' ? 2 : 1;
}

static bool is_blank(const struct hy_csv *c, char ch)
{
    return (ch == ' ' || ch == '\t') && ch != c->delimiter;
}

/* What follows a field at s->at: a delimiter, a line end, or the end of all. */
static enum step after_field(const struct hy_csv *c, struct scan *s)
{
    if (s->at == s->n)
        return s->is_whole ? STEP_ROW : STEP_MORE;
    if (s->p[s->at] == c->delimiter) {
        s->at++;
        return STEP_FIELD;
    }
    size_t end = line_end(s, s->at);
    if (end == SIZE_MAX)
        return STEP_MORE;
    if (end == 0)
        return STEP_FAULT;
    s->at += end;
    return STEP_ROW;
}

/* After a fault the fields that follow are passed over: the one at fault stays the last. */
static void put_field(struct hy_csv *c, struct scan *s, size_t from, size_t to, bool has_pairs)
{
    if (s->fault)
        return;
    if (s->n_fields == c->columns_max) {
        s->fault = HY_CSV_MANY_COLUMNS;
        return;
    }
    if (to - from > HY_CSV_FIELD_MAX) {
        s->fault = HY_CSV_LONG_FIELD;
        to = from + HY_CSV_FIELD_MAX;
    }
    c->has_pairs[s->n_fields] = has_pairs;
    c->fields[s->n_fields++] = hy_str_make(s->p + from, to - from);
}

static void put_fault(struct hy_csv *c, struct scan *s, size_t from, size_t to,
                      enum hy_csv_fault fault)
{
    put_field(c, s, from, to, false);
    s->fault = fault;
}

static size_t count_lines(const char *p, size_t n)
{
    size_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += p[i] == '\n' || (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n'));
    return lines;
}

/* Doubled quotes become one, in place. */
static size_t unquote(char *p, size_t n)
{
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        p[to++] = p[i];
        i += p[i] == '"';
    }
    return to;
}

/* The place of the quote that closes a field whose text starts at `from`; s->n when there is none
 * yet. Sets *ret_pairs when there are doubled quotes before it. */
static size_t closing_quote(const struct scan *s, size_t from, bool *ret_pairs)
{
    for (size_t i = from; i < s->n; i += 2) {
        const char *q = memchr(s->p + i, '"', s->n - i);
        if (!q)
            break;
        i = (size_t)(q - s->p);
        if (i + 1 == s->n)
            return s->is_whole ? i : s->n; /* the next byte might be its twin */
        if (s->p[i + 1] != '"')
            return i;
        *ret_pairs = true;
    }
    return s->n;
}

/* Where the text behind a closing quote ends, to be shown: at a delimiter or line end. */
static size_t stray_end(const struct hy_csv *c, const struct scan *s)
{
    size_t i = s->at;
    while (i < s->n && s->p[i] != c->delimiter && s->p[i] != '\n' && s->p[i] != '\r')
        i++;
    return i;
}

/* A field whose opening quote is at s->at. */
static enum step quoted_field(struct hy_csv *c, struct scan *s)
{
    bool has_pairs = false;
    size_t from = s->at + 1, close = closing_quote(s, from, &has_pairs);
    if (close == s->n) {
        if (!s->is_whole && s->n <= c->row_max)
            return STEP_MORE;
        put_fault(c, s, from, s->n, HY_CSV_UNCLOSED);
        return STEP_FAULT;
    }
    s->at = close + 1;
    while (s->at < s->n && is_blank(c, s->p[s->at]))
        s->at++;
    struct scan behind = *s;
    enum step step = after_field(c, &behind);
    if (step == STEP_FAULT) {
        size_t end = stray_end(c, s);
        if (end == s->n && !s->is_whole && s->n <= c->row_max)
            return STEP_MORE;
        put_fault(c, s, from, end, HY_CSV_STRAY);
        return step;
    }
    put_field(c, s, from, close, has_pairs);
    s->lines += count_lines(s->p + from, close - from);
    s->at = behind.at;
    return step;
}

static enum step plain_field(struct hy_csv *c, struct scan *s)
{
    size_t from = s->at, i = from;
    const char *p = s->p;
    const char d = c->delimiter;
    while (i < s->n && p[i] != d && p[i] != '\n' && p[i] != '\r')
        i++;
    s->at = i;
    put_field(c, s, from, i, false);
    return after_field(c, s);
}

static enum step field(struct hy_csv *c, struct scan *s)
{
    size_t i = s->at;
    while (i < s->n && is_blank(c, s->p[i]))
        i++;
    if (i == s->n && !s->is_whole)
        return STEP_MORE;
    if (i < s->n && s->p[i] == '"') {
        s->at = i;
        return quoted_field(c, s);
    }
    return plain_field(c, s);
}

static void unquote_all(struct hy_csv *c, size_t n_fields)
{
    for (size_t i = 0; i < n_fields; i++)
        if (c->has_pairs[i])
            c->fields[i].n = unquote(c->in.data + (c->fields[i].p - c->in.data), c->fields[i].n);
}

/* ---- rows ---- */

/* Passes empty lines, and the Ctrl-Z that old programs put at the end. */
static bool skip_empty(struct hy_csv *c, struct scan *s)
{
    for (;;) {
        size_t end = line_end(s, s->at);
        if (end == SIZE_MAX)
            return false;
        if (end == 0)
            break;
        s->at += end;
        c->line++;
    }
    if (s->is_whole && s->n - s->at == 1 && s->p[s->at] == 0x1a)
        s->at = s->n;
    return s->at < s->n;
}

/* Goes on at the next physical line; false when its start is not there yet. */
static bool skip_line(struct hy_csv *c, struct scan *s)
{
    while (s->at < s->n && line_end(s, s->at) == 0)
        s->at++;
    size_t end = line_end(s, s->at);
    c->at = (size_t)(s->p - c->in.data) + s->at;
    if (end == SIZE_MAX || (end == 0 && !s->is_whole)) {
        c->is_skipping = true;
        return false;
    }
    c->at += end;
    c->line += end > 0;
    c->is_skipping = false;
    return true;
}

static struct scan scan_from(const struct hy_csv *c, size_t at)
{
    return (struct scan){
        .p = c->in.data + at,
        .n = c->in.len - at,
        .is_whole = c->is_ended,
    };
}

static bool is_known(struct hy_csv *c)
{
    if (c->delimiter)
        return true;
    struct hy_str text = hy_str_slice(hy_buf_str(&c->in), c->at, c->in.len);
    if (!c->is_ended && text.n < HY_CSV_SNIFF_BYTES)
        return false;
    size_t used = 0;
    c->delimiter = hy_csv_sniff(text, &used);
    c->at += used;
    c->line += used > 0;
    return true;
}

/* Scans the row at the start of `s`. */
static enum step scan_row(struct hy_csv *c, struct scan *s)
{
    enum step step = STEP_FIELD;
    while (step == STEP_FIELD)
        step = field(c, s);
    return step;
}

/* What became of the row that `s` scanned: moves behind it, or behind the line at fault. */
static void leave_row(struct hy_csv *c, struct scan *s, enum step step)
{
    if (step == STEP_ROW) {
        c->at += s->at;
        c->line += 1 + s->lines;
        if (s->fault == HY_CSV_OK)
            unquote_all(c, s->n_fields);
        return;
    }
    if (step == STEP_MORE) { /* longer than a row may be */
        put_fault(c, s, s->n_fields ? s->at : 0, s->n, HY_CSV_LONG_ROW);
    }
    struct scan again = scan_from(c, c->at);
    (void)skip_line(c, &again);
}

int hy_csv_next(struct hy_csv *c, struct hy_csv_row *ret)
{
    if (!is_known(c) || c->in.len == c->at)
        return HY_EMORE;
    struct scan s = scan_from(c, c->at);
    if (c->is_skipping && !skip_line(c, &s))
        return HY_EMORE;
    s = scan_from(c, c->at);
    bool is_there = skip_empty(c, &s);
    c->at += s.at;
    if (!is_there)
        return HY_EMORE;

    s = scan_from(c, c->at);
    uint64_t line = c->line;
    if (s.n > c->row_max) { /* a row that ends within the limit ends within this */
        s.n = c->row_max + 1;
        s.is_whole = false;
    }
    enum step step = scan_row(c, &s);
    if (step == STEP_MORE && s.n <= c->row_max)
        return HY_EMORE;
    leave_row(c, &s, step);
    *ret = (struct hy_csv_row){
        .line = line, .fault = s.fault, .fields = c->fields, .n_fields = s.n_fields};
    return HY_OK;
}
