/* Writes fields of CSV. */
#include "hayauma/audience/csv.h"

/* What makes a spreadsheet take a value for a formula. */
static bool is_formula(struct hy_str v)
{
    if (v.n == 0)
        return false;
    if (strchr("=+-@\t\r", v.p[0]))
        return v.p[0] != 0;
    static const char *const wide[] = {"＝", "＋", "－", "＠"};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (hy_str_starts(v, hy_str_of(wide[i])))
            return true;
    return false;
}

static bool needs_quotes(struct hy_str v)
{
    if (v.n == 0)
        return false;
    if (v.p[0] == ' ' || v.p[v.n - 1] == ' ')
        return true;
    for (size_t i = 0; i < v.n; i++)
        if (strchr(",\"\r\n\t;", v.p[i]))
            return true;
    return false;
}

void hy_csv_put(struct hy_buf *out, struct hy_str v, bool first, bool safe)
{
    if (!first)
        hy_buf_add_c(out, ',');
    bool escape = safe && is_formula(v), quoted = needs_quotes(v);
    if (quoted)
        hy_buf_add_c(out, '"');
    if (escape)
        hy_buf_add_c(out, '\'');
    while (quoted && v.n) {
        size_t q = hy_str_find(v, '"', 0);
        size_t n = q == SIZE_MAX ? v.n : q + 1;
        hy_buf_add(out, v.p, n);
        if (q != SIZE_MAX)
            hy_buf_add_c(out, '"');
        v = hy_str_slice(v, n, v.n);
    }
    if (quoted)
        hy_buf_add_c(out, '"');
    else
        hy_buf_add_str(out, v);
}
