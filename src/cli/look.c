/* How things look: widths, numbers, times, bars, tables. Pure but for the terminal's width. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* UAX #11 wide and fullwidth, by blocks: enough for names, subjects and replies. */
static size_t width_of(uint32_t cp)
{
    static const uint32_t wide[][2] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
        {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
        {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
        {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };
    static const uint32_t none[][2] = {{0x300, 0x36f},   {0x200b, 0x200f}, {0x202a, 0x202e},
                                       {0x2060, 0x2064}, {0x3099, 0x309a}, {0xfe00, 0xfe0f},
                                       {0xfeff, 0xfeff}};
    if (cp < 0x300)
        return 1;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (cp >= none[i][0] && cp <= none[i][1])
            return 0;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (cp >= wide[i][0] && cp <= wide[i][1])
            return 2;
    return 1;
}

/* What must not reach a terminal: controls, and marks that turn the direction of writing. */
static bool is_unsafe(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == UINT32_MAX ||
           (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

size_t cli_columns(struct hy_str s)
{
    size_t n = 0;
    for (size_t pos = 0; pos < s.n;) {
        uint32_t cp = hy_utf8_next(s, &pos);
        n += is_unsafe(cp) ? 1 : width_of(cp);
    }
    return n;
}

void cli_put_cell(struct hy_buf *out, struct hy_str s, size_t columns, bool pad)
{
    size_t all = cli_columns(s), room = all > columns && columns ? columns - 1 : columns, used = 0;
    for (size_t pos = 0; pos < s.n;) {
        uint32_t cp = hy_utf8_next(s, &pos);
        size_t w = is_unsafe(cp) ? 1 : width_of(cp);
        char bytes[4];
        if (used + w > room)
            break;
        hy_buf_add(out, is_unsafe(cp) ? "?" : bytes, is_unsafe(cp) ? 1 : hy_utf8_put(cp, bytes));
        used += w;
    }
    if (all > columns && columns) {
        hy_buf_add_lit(out, "…");
        used++;
    }
    while (pad && used++ < columns)
        hy_buf_add_c(out, ' ');
}

void cli_put_right(struct hy_buf *out, struct hy_str s, size_t columns)
{
    size_t n = cli_columns(s);
    for (size_t i = n; i < columns; i++)
        hy_buf_add_c(out, ' ');
    cli_put_cell(out, s, n, false);
}

void cli_put_name(struct hy_buf *out, struct hy_str s, size_t columns)
{
    size_t n = cli_columns(s), pos = 0;
    if (n > columns) {
        while (pos < s.n && cli_columns(hy_str_slice(s, pos, s.n)) > columns - 1)
            (void)hy_utf8_next(s, &pos);
        hy_buf_add_lit(out, "…");
        columns--;
    }
    cli_put_cell(out, hy_str_slice(s, pos, s.n), columns, true);
}

void cli_put_line(struct cli *c, const char *prefix, const char *text)
{
    struct hy_buf b = HY_BUF_INIT(1u << 20);
    struct hy_str s = hy_str_of(text);
    cli_put_cell(&b, s, cli_columns(s), false);
    fprintf(c->out, "%s%s\n", prefix, hy_buf_cstr(&b));
    hy_buf_free(&b);
}

const char *cli_number(int64_t n, char out[32])
{
    char digits[24];
    uint64_t v = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    int len = snprintf(digits, sizeof digits, "%" PRIu64, v);
    char *p = out;
    if (n < 0)
        *p++ = '-';
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return out;
}

const char *cli_bytes(int64_t n, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double v = (double)n;
    size_t u = 0;
    while (v >= 1000 && u + 1 < sizeof units / sizeof units[0]) {
        v /= 1024;
        u++;
    }
    snprintf(out, 32, u && v < 100 ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}

const char *cli_duration(int64_t s, char out[32])
{
    if (s < 0)
        snprintf(out, 32, "-");
    else if (s < 60)
        snprintf(out, 32, "%" PRId64 " s", s);
    else if (s < 3600)
        snprintf(out, 32, "%" PRId64 " m %" PRId64 " s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, 32, "%" PRId64 " h %" PRId64 " m", s / 3600, s % 3600 / 60);
    else
        snprintf(out, 32, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
    return out;
}

const char *cli_time(const char *rfc3339, char out[32])
{
    struct tm tm = {0};
    const char *end = rfc3339 ? strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    struct tm local;
    time_t t = end ? timegm(&tm) : 0;
    if (!end || !localtime_r(&t, &local) || strftime(out, 32, "%Y-%m-%d %H:%M:%S", &local) == 0)
        snprintf(out, 32, "-");
    return out;
}

void cli_put_bar(struct hy_buf *out, double share, size_t columns, bool is_fancy)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (!(share > 0))
        share = 0;
    if (share > 1)
        share = 1;
    if (!is_fancy) {
        size_t full = (size_t)(share * (double)columns);
        hy_buf_add_c(out, '[');
        for (size_t i = 0; i < columns; i++)
            hy_buf_add_c(out, i < full ? '#' : '-');
        hy_buf_add_c(out, ']');
        return;
    }
    size_t parts = (size_t)(share * (double)columns * 8), used = (parts + 7) / 8;
    for (size_t i = 0; i < parts / 8; i++)
        hy_buf_add_lit(out, "█");
    hy_buf_add_str(out, hy_str_of(eighths[parts % 8]));
    for (size_t i = used; i < columns; i++)
        hy_buf_add_lit(out, "░");
}

/* -- tables --------------------------------------------------------------------------------- */

void cli_table_init(struct cli_table *t, const char *const *heads, const char *align)
{
    *t = (struct cli_table){.cells = HY_BUF_INIT(256u << 20),
                            .heads = heads,
                            .align = align,
                            .n_columns = strlen(align)};
}

void cli_table_add(struct cli_table *t, const char *text)
{
    hy_buf_add(&t->cells, text, strlen(text) + 1);
    t->n_cells++;
}

void cli_table_add_n(struct cli_table *t, int64_t n)
{
    char text[32];
    cli_table_add(t, cli_number(n, text));
}

enum { COLUMNS_MAX = 16 };

static void put_row(struct hy_buf *line, const struct cli_table *t, const char *const *cells,
                    const size_t *widths, size_t last_width)
{
    for (size_t k = 0; k < t->n_columns; k++) {
        struct hy_str s = hy_str_of(cells[k]);
        size_t n = cli_columns(s);
        bool is_last = k + 1 == t->n_columns;
        if (is_last && last_width)
            cli_put_cell(line, s, n > last_width ? last_width : n, false);
        else if (t->align[k] == 'r')
            cli_put_right(line, s, widths[k]);
        else
            cli_put_cell(line, s, is_last ? n : widths[k], true);
        hy_buf_add_str(line, is_last ? HY_STR("\n") : HY_STR("  "));
    }
}

void cli_table_print(struct cli_table *t, struct cli *c, size_t width)
{
    size_t widths[COLUMNS_MAX] = {0}, before = 0;
    const char *p = t->cells.data, *row[COLUMNS_MAX], *heads[COLUMNS_MAX];
    struct hy_buf line = HY_BUF_INIT(1u << 20);
    for (size_t k = 0; k < t->n_columns; k++) {
        heads[k] = cli_text(c, t->heads[k]);
        widths[k] = cli_columns(hy_str_of(heads[k]));
    }
    for (size_t i = 0; i < t->n_cells; i++, p += strlen(p) + 1) {
        size_t n = cli_columns(hy_str_of(p));
        if (n > widths[i % t->n_columns])
            widths[i % t->n_columns] = n;
    }
    for (size_t k = 0; k + 1 < t->n_columns; k++)
        before += widths[k] + 2;
    size_t last = width > before + 8 ? width - before : 0;
    if (c->is_color)
        hy_buf_add_lit(&line, "\033[1m");
    put_row(&line, t, heads, widths, last);
    if (c->is_color)
        hy_buf_add_lit(&line, "\033[0m");
    fwrite(line.data, 1, line.len, c->out);
    p = t->cells.data;
    for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns) {
        for (size_t k = 0; k < t->n_columns; k++, p += strlen(p) + 1)
            row[k] = p;
        hy_buf_reset(&line);
        put_row(&line, t, row, widths, last);
        fwrite(line.data, 1, line.len, c->out);
    }
    hy_buf_free(&line);
    hy_buf_free(&t->cells);
}

size_t cli_width(const struct cli *c)
{
    struct winsize w;
    if (!c->is_tty)
        return 0;
    if (ioctl(fileno(c->out), TIOCGWINSZ, &w) == 0 && w.ws_col)
        return w.ws_col;
    return 80;
}
