/* Bounds a mail before it is parsed.
 *
 * A MIME parser recurses into what nests and compares each line with every boundary that is open:
 * a hostile megabyte can cost it minutes or its stack. What nests announces itself by the words
 * "boundary" and "message/", what splits by lines that begin with "--", what sorts by header lines:
 * each is counted, and where there is too much of it the mail ends. Reports have a handful, and
 * stand in front of what they return. */
#include "fence.h"

#include "hayauma/bounce/report.h"

enum {
    NESTING_MAX = 48,        /* "boundary", "message/": three in a usual report */
    DASHES_MAX = 1000,       /* lines that begin with "--" */
    COLONS_MAX = 20000,      /* lines that may be header fields */
    HEADER_MAX = 128 * 1024, /* bytes of one field with its folded lines */
    SEMICOLONS_MAX = 2000,   /* of one field: parameters */
};

struct counts {
    unsigned nesting, dashes, colons, semicolons;
    size_t field; /* bytes of the field under way */
};

static bool has_word(struct hy_str line, struct hy_str word)
{
    const char *end = line.p + line.n;
    for (const char *p = line.p; (size_t)(end - p) >= word.n; p++) {
        p = memchr(p, word.p[word.n - 1], (size_t)(end - p)); /* '/' or 'y': rare letters */
        if (!p)
            return false;
        if ((size_t)(p - line.p) + 1 >= word.n &&
            hy_str_ieq(hy_str_make(p + 1 - word.n, word.n), word))
            return true;
    }
    return false;
}

static bool may_pass(struct counts *c, struct hy_str line)
{
    bool is_folded = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
    if (!is_folded) {
        c->field = 0;
        c->semicolons = 0;
        c->colons += memchr(line.p, ':', line.n < 80 ? line.n : 80) != NULL;
    }
    c->field += line.n;
    for (const char *p = line.p; (p = memchr(p, ';', (size_t)(line.p + line.n - p))); p++)
        c->semicolons++;
    c->dashes += line.n > 1 && line.p[0] == '-' && line.p[1] == '-';
    c->nesting += has_word(line, HY_STR("boundary")) || has_word(line, HY_STR("BOUNDARY"));
    c->nesting += has_word(line, HY_STR("message/"));
    return c->nesting <= NESTING_MAX && c->dashes <= DASHES_MAX && c->colons <= COLONS_MAX &&
           c->field <= HEADER_MAX && c->semicolons <= SEMICOLONS_MAX;
}

int bounce_fence(struct hy_str mail, struct hy_buf *out)
{
    struct counts c = {0};
    if (mail.n > HY_BOUNCE_MAIL_MAX)
        mail.n = HY_BOUNCE_MAIL_MAX;
    if (hy_buf_reserve(out, mail.n + 1) != HY_OK)
        return HY_ENOMEM;
    size_t lf = 0; /* the next line feed, looked for once: lines may end in CR alone */
    if (hy_str_starts(mail, HY_STR("\xef\xbb\xbf"))) /* as editors mark UTF-8 */
        mail = hy_str_slice(mail, 3, mail.n);
    for (size_t i = 0; i < mail.n;) {
        size_t start = out->len;
        if (lf < i || i == 0) {
            lf = hy_str_find(mail, '\n', i);
            lf = lf == SIZE_MAX ? mail.n : lf;
        }
        size_t end = lf;
        const char *cr = memchr(mail.p + i, '\r', end - i);
        if (cr)
            end = (size_t)(cr - mail.p);
        for (size_t k = i; k < end; k++)
            if (mail.p[k])
                out->data[out->len++] = mail.p[k];
        if (!may_pass(&c, hy_str_make(out->data + start, out->len - start))) {
            out->len = start;
            break;
        }
        out->data[out->len++] = '\n';
        i = end + 1;
        if (cr && i < mail.n && mail.p[i] == '\n')
            i++;
    }
    return HY_OK;
}
