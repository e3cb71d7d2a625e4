/* Finds the delimiter by counting columns: the right one gives every row as many as the first. */
#include "csv_sniff.h"

enum { ROWS = 30 };

/* Columns of the row at *pos, quotes heeded; moves behind it. 0 = it is cut off by the end. */
static size_t columns(struct hy_str s, size_t *pos, char d)
{
    size_t n = 1;
    bool quoted = false, at_field = true;
    for (size_t i = *pos; i < s.n; i++) {
        char c = s.p[i];
        if (quoted) {
            quoted = c != '"'; /* a doubled quote opens again at once */
            continue;
        }
        if (c == '"' && (at_field || (i && s.p[i - 1] == '"'))) {
            quoted = true;
        } else if (c == d) {
            n++;
        } else if (c == '\n' || c == '\r') {
            *pos = i + 1;
            return n;
        }
        at_field = c == d || (at_field && c == ' ');
    }
    *pos = s.n;
    return 0;
}

/* Share of the first rows, in thousandths, that have as many columns as the very first; 0 when that
 * is one column. */
static size_t agreement(struct hy_str s, char d)
{
    size_t rows = 0, same = 0, first = 0, pos = 0;
    while (pos < s.n && rows < ROWS) {
        if (s.p[pos] == '\n' || s.p[pos] == '\r') {
            pos++;
            continue;
        }
        size_t n = columns(s, &pos, d);
        if (n == 0 && rows > 0)
            break; /* the text goes on behind the sample */
        first = rows == 0 ? n : first;
        same += n == first;
        rows++;
    }
    return first > 1 ? same * 1000 / rows : 0;
}

char hy_csv_sniff(struct hy_str s, size_t *ret_used)
{
    static const char candidates[] = {',', '\t', ';', '|'};
    *ret_used = 0;
    if (s.n >= 6 && hy_str_istarts(s, HY_STR("sep=")) && (s.p[5] == '\r' || s.p[5] == '\n') &&
        s.p[4] != '"' && !((unsigned char)s.p[4] & 0x80)) {
        *ret_used = s.p[5] == '\r' && s.n > 6 && s.p[6] == '\n' ? 7 : 6;
        return s.p[4];
    }
    char best = ',';
    size_t most = 0;
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t a = agreement(s, candidates[i]);
        if (a > most) {
            most = a;
            best = candidates[i];
        }
    }
    return best;
}
