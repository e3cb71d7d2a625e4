/* Names of companies as they are compared: what people write in many ways is one company. */
#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

#include "hayauma/store/company.h"

enum { ROOM = 4 * HY_COMPANY_NAME_MAX }; /* more than that is no name */

struct room {
    uint8_t b[ROOM];
    size_t n;
};

static bool is_control(struct hy_str s)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t cp = hy_utf8_next(s, &at);
        if (cp < 32 || (cp >= 127 && cp < 160))
            return true;
    }
    return false;
}

/* NFKC, then without case, then NFKC again. */
static int plain(struct hy_str name, struct room *out)
{
    struct room narrow;
    narrow.n = sizeof narrow.b;
    uint8_t *got = u8_normalize(UNINORM_NFKC, (const uint8_t *)name.p, name.n, narrow.b, &narrow.n);
    if (got != narrow.b) {
        free(got);
        return HY_EPARSE;
    }
    out->n = sizeof out->b;
    got = u8_casefold(narrow.b, narrow.n, NULL, UNINORM_NFKC, out->b, &out->n);
    if (got == out->b)
        return 0;
    free(got);
    return HY_EPARSE;
}

/* Legal forms and the short ways to write them; NFKC has made "(株)" of ㈱ and of full-width
 * brackets. */
static const struct {
    struct hy_str shorter, full;
} forms[] = {
    {HY_STR("(株)"), HY_STR("株式会社")}, {HY_STR("(有)"), HY_STR("有限会社")},
    {HY_STR("(合)"), HY_STR("合同会社")}, {HY_STR("(資)"), HY_STR("合資会社")},
    {HY_STR("(名)"), HY_STR("合名会社")}, {HY_STR("(財)"), HY_STR("財団法人")},
    {HY_STR("(社)"), HY_STR("社団法人")}, {HY_STR("(学)"), HY_STR("学校法人")},
    {HY_STR("(医)"), HY_STR("医療法人")}, {HY_STR("(独)"), HY_STR("独立行政法人")},
};

/* The form that begins there, written out; *ret_used: its bytes there. Empty: none does. */
static struct hy_str form_at(struct hy_str rest, size_t *ret_used)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        bool is_short = hy_str_starts(rest, forms[i].shorter);
        if (!is_short && !hy_str_starts(rest, forms[i].full))
            continue;
        *ret_used = is_short ? forms[i].shorter.n : forms[i].full.n;
        return forms[i].full;
    }
    return HY_STR("");
}

/* "." and "," where a word ends. */
static bool is_stop(struct hy_str s, size_t at)
{
    return (s.p[at] == '.' || s.p[at] == ',') &&
           (at + 1 == s.n || s.p[at + 1] == ' ' || s.p[at + 1] == '.' || s.p[at + 1] == ',');
}

int hy_company_fold(struct hy_str name, char out[HY_COMPANY_KEY_MAX], size_t *ret_n)
{
    struct room r;
    size_t n = 0;
    bool has_blank = false, is_glued = true; /* no blank at the beginning */
    if (name.n == 0 || name.n > HY_COMPANY_NAME_MAX || !hy_str_is_utf8(name) || is_control(name) ||
        plain(name, &r) != 0)
        return HY_EPARSE;
    struct hy_str s = hy_str_make(r.b, r.n);
    for (size_t at = 0, used = 1; at < s.n; at += used) {
        struct hy_str piece = form_at(hy_str_slice(s, at, s.n), &used);
        bool is_form = piece.n > 0;
        if (!is_form) {
            used = 1;
            if (s.p[at] == ' ' || is_stop(s, at)) {
                has_blank = has_blank || s.p[at] == ' ';
                continue;
            }
            piece = hy_str_slice(s, at, at + 1);
        }
        bool put_blank = has_blank && !is_glued && !is_form;
        if (n + put_blank + piece.n > HY_COMPANY_KEY_MAX)
            return HY_EPARSE;
        if (put_blank)
            out[n++] = ' ';
        memcpy(out + n, piece.p, piece.n);
        n += piece.n;
        has_blank = false;
        is_glued = is_form;
    }
    if (n == 0)
        return HY_EPARSE;
    *ret_n = n;
    return 0;
}
