/* Erasing one person: its addresses in words that tell of other things. Bytes keep their places, so
 * that a record stays what it was whatever it is. */
#include "erase.h"

#include "hayauma/base/buf.h"

enum { VALUE_MAX = 16 << 20, MASK = '~' };

static bool is_word(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (uint8_t)c >= 0x80;
}

/* "%3A" is one character, however it looks. */
static bool is_escape(const char *text, size_t end)
{
    return end >= 3 && text[end - 3] == '%';
}

/* Whether the address, with `sep` for its @ at text[at], stands there, and as a whole. */
static bool stands_at(struct hy_str local, struct hy_str domain, const char *text, size_t n,
                      size_t at, size_t sep)
{
    if (at < local.n || n - at < sep + domain.n)
        return false;
    size_t from = at - local.n, to = at + sep + domain.n;
    if (!hy_str_ieq(hy_str_make(text + from, local.n), local) ||
        !hy_str_ieq(hy_str_make(text + at + sep, domain.n), domain))
        return false;
    if (from > 0 && !is_escape(text, from)) {
        char before = text[from - 1];
        if (is_word(before) || before == '.' || before == '_' ||
            (sep == 1 && text[at] == '@' && (before == '+' || before == '-')))
            return false;
    }
    if (to < n && (is_word(text[to]) || text[to] == '-' ||
                   (text[to] == '.' && to + 1 < n && is_word(text[to + 1]))))
        return false;
    return true;
}

static bool is_of(const char *address, const char *text, size_t n, size_t at, size_t sep,
                  size_t *ret_local)
{
    struct hy_str whole = hy_str_of(address);
    const char *last = strrchr(address, '@');
    if (!last)
        return false;
    size_t local = (size_t)(last - address);
    *ret_local = local;
    return stands_at(hy_str_slice(whole, 0, local), hy_str_slice(whole, local + 1, whole.n), text,
                     n, at, sep);
}

/* Signs are looked for, and addresses around them: most texts have none. */
unsigned hy_erase_mask(const struct hy_erase_names *names, char *text, size_t n)
{
    static const struct hy_str signs[] = {HY_STR("@"), HY_STR("%40"), HY_STR("=")};
    const struct hy_str hay = hy_str_make(text, n);
    unsigned did = 0;
    for (size_t s = 0; s < sizeof signs / sizeof *signs; s++) {
        for (size_t at = 0; (at = hy_str_find_str(hay, signs[s], at)) != SIZE_MAX;
             at += signs[s].n) {
            size_t local = 0, i = 0;
            while (i < names->n && !is_of(names->address[i], text, n, at, signs[s].n, &local))
                i++;
            if (i == names->n)
                continue;
            memset(text + at - local, MASK, local);
            did++;
        }
    }
    return did;
}

bool hy_erase_is_masked(struct hy_str address)
{
    size_t n = 0;
    while (n < address.n && address.p[n] == MASK)
        n++;
    return n > 0 && n < address.n && address.p[n] == '@';
}

/* ---- every table with words ---- */

/* Not those of numbers alone, of hashes, of other leads' own records, of the operator's own texts;
 * messages are erase_mail.c's. */
static bool has_words(enum hy_table table)
{
    switch (table) {
    case HY_TABLE_META:
    case HY_TABLE_LEDGERS:
    case HY_TABLE_BUNDLES:
    case HY_TABLE_QUEUE:
    case HY_TABLE_DUE:
    case HY_TABLE_LEADS:
    case HY_TABLE_LEAD_ADDRESSES:
    case HY_TABLE_LIST_LEADS:
    case HY_TABLE_DOMAINS:
    case HY_TABLE_DOMAIN_NAMES:
    case HY_TABLE_TLS_TALLIES:
    case HY_TABLE_DAILY:
    case HY_TABLE_SPOOL_BLOCKS:
    case HY_TABLE_SPOOL_CONTENTS:
    case HY_TABLE_SPOOL_INDEX:
    case HY_TABLE_WARMUP:
    case HY_TABLE_WINDOWS:
    case HY_TABLE_ACTIVITY_INDEX:
    case HY_TABLE_ACTIVITY_COUNTS:
    case HY_TABLE_CAMPAIGN_TALLIES:
    case HY_TABLE_RETURNED:
    case HY_TABLE_SUPPRESS_EXPIRY:
    case HY_TABLE_DSN_DUE:
    case HY_TABLE_ENDINGS:
    case HY_TABLE_TEMPLATES:
    case HY_TABLE_LEAD_SETS:
    case HY_TABLE_CONSENT_TEXTS:
    case HY_TABLE_LEAD_ALIASES:
    case HY_TABLE_ERASURES:
        return false;
    default:
        return true;
    }
}

/* pos: table, and the first eight bytes of the key where the slice before ended: records that share
 * them are looked at again, which changes nothing. */
static int mask_table(struct erasing *e, enum hy_table table, struct hy_buf *copy)
{
    struct hy_cursor c;
    uint8_t from[8];
    uint64_t last = e->r.pos[1];
    hy_put_be64(from, last);
    int err = hy_cursor_open(e->t, table, &c);
    if (!err)
        err = last ? hy_cursor_seek(&c, hy_str_make(from, sizeof from)) : hy_cursor_first(&c);
    while (!err) {
        uint8_t head[8] = {0};
        memcpy(head, c.key.p, c.key.n < 8 ? c.key.n : 8);
        uint64_t here = hy_get_be64(head);
        if (here != last && hy_txn_should_yield(e->t)) {
            e->r.pos[1] = here;
            err = HY_EMORE;
            break;
        }
        last = here;
        hy_buf_reset(copy);
        hy_buf_add_str(copy, c.value);
        err = copy->err;
        if (!err && hy_erase_mask(&e->names, copy->data, copy->len)) {
            err = hy_cursor_replace(&c, hy_buf_str(copy));
            e->r.masked++;
        }
        if (!err)
            err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_erase_words(struct erasing *e)
{
    struct hy_buf copy = HY_BUF_INIT(VALUE_MAX);
    int err = 0;
    if (e->names.n == 0)
        return 0;
    while (!err && e->r.pos[0] < HY_TABLE_COUNT) {
        if (has_words((enum hy_table)e->r.pos[0]))
            err = mask_table(e, (enum hy_table)e->r.pos[0], &copy);
        if (!err) {
            e->r.pos[0]++;
            e->r.pos[1] = 0;
        }
    }
    if (copy.data)
        explicit_bzero(copy.data, copy.cap);
    hy_buf_free(&copy);
    return err;
}
