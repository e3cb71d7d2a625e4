/* Companies by address. A table is cut into ranges that do not overlap, each with the narrowest row
 * that covers it, so that a look-up is one bisection. */
#include "hayauma/track/company.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "hayauma/audience/csv.h"
#include "hayauma/base/arena.h"
#include "mmdb.h"

struct row {
    uint8_t first[16], last[16];
    struct hy_company company;
    uint64_t line;
};
struct range {
    uint8_t first[16]; /* up to the next one's */
    uint32_t row;      /* from 1; 0: nobody's */
};

struct hy_companies {
    const struct hy_str *words;
    size_t n_words;
    bool is_mmdb;
    struct mmdb mmdb;
    struct hy_arena arena;
    struct row *rows;
    size_t n_rows, rows_cap;
    struct range *ranges;
    size_t n_ranges;
};

/* Providers of lines, mail and machines: what is in their networks is seldom they themselves. */
static const char *const provider_words[] = {
    "telecom",
    "broadband",
    "mobile",
    "cable",
    "wireless",
    "internet",
    "hosting",
    "cloud",
    "amazon",
    "google",
    "akamai",
    "cloudflare",
    "fastly",
    "microsoft",
    "oracle",
    "linode",
    "ovh",
    "hetzner",
    "vultr",
    "sakura",
    "data center",
    "datacenter",
    "vpn",
    "digitalocean",
    "communications",
    "ntt",
    "kddi",
    "softbank",
    "rakuten mobile",
    "biglobe",
    "nifty",
    "so-net",
    "ocn",
    "plala",
    "asahi net",
    "iij",
    "jcom",
    "j:com",
    "通信",
    "プロバイダ",
    "ケーブルテレビ",
};

static bool is_alnum(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9');
}

/* Whether the word is in the name, without letters of ASCII beside its own. */
static bool has_word(struct hy_str name, struct hy_str word)
{
    for (size_t i = 0; word.n && word.n <= name.n && i <= name.n - word.n; i++) {
        const size_t end = i + word.n;
        if (hy_str_ieq(hy_str_slice(name, i, end), word) &&
            !(i && is_alnum(name.p[i - 1]) && is_alnum(word.p[0])) &&
            !(end < name.n && is_alnum(name.p[end]) && is_alnum(word.p[word.n - 1])))
            return true;
    }
    return false;
}

static bool is_provider_name(const struct hy_companies *c, struct hy_str name)
{
    for (size_t i = 0; i < c->n_words; i++)
        if (has_word(name, c->words[i]))
            return true;
    for (size_t i = 0; i < sizeof provider_words / sizeof *provider_words; i++)
        if (has_word(name, hy_str_of(provider_words[i])))
            return true;
    return false;
}

int hy_company_ip(struct hy_str text, uint8_t ret[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char z[INET6_ADDRSTRLEN + 1];
    uint8_t ip[16];
    if (text.n == 0 || text.n >= sizeof z)
        return HY_EPARSE;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET, z, ip + 12) == 1)
        memcpy(ip, mapped, sizeof mapped);
    else if (inet_pton(AF_INET6, z, ip) != 1)
        return HY_EPARSE;
    memcpy(ret, ip, 16);
    return HY_OK;
}

/* ---- reading a table ---- */

/* "192.0.2.0/24" as its first and last address. */
static int read_network(struct hy_str text, struct row *r)
{
    size_t slash = hy_str_find(text, '/', 0);
    struct hy_str ip = hy_str_slice(text, 0, slash);
    const bool is_v4 = hy_str_find(ip, ':', 0) == SIZE_MAX;
    uint64_t bits = is_v4 ? 32 : 128;
    int err = hy_company_ip(ip, r->first);
    if (!err && slash != SIZE_MAX)
        err = hy_str_to_u64(hy_str_slice(text, slash + 1, text.n), bits, &bits);
    if (err)
        return HY_EPARSE;
    memcpy(r->last, r->first, 16);
    for (size_t i = (is_v4 ? 96 : 0) + bits; i < 128; i++) {
        r->first[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
        r->last[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    return HY_OK;
}

static bool is_yes(struct hy_str s)
{
    static const char *const yes[] = {"1", "yes", "true", "isp", "y"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (hy_str_ieq(s, hy_str_of(yes[i])))
            return true;
    return false;
}

static bool is_text(struct hy_str s)
{
    for (size_t at = 0; at < s.n;)
        if ((unsigned char)s.p[at] < 0x20 || s.p[at] == 0x7f || hy_utf8_next(s, &at) == UINT32_MAX)
            return false;
    return true;
}

static struct row *new_row(struct hy_companies *c)
{
    if (c->n_rows == c->rows_cap) {
        size_t cap = c->rows_cap ? c->rows_cap * 2 : 256;
        struct row *rows = reallocarray(c->rows, cap, sizeof *rows);
        if (!rows)
            return NULL;
        c->rows = rows;
        c->rows_cap = cap;
    }
    c->rows[c->n_rows] = (struct row){0};
    return &c->rows[c->n_rows];
}

static int take_row(struct hy_companies *c, const struct hy_csv_row *in, const char *file,
                    struct hy_diag *diag)
{
    const unsigned long line = in->line;
    struct hy_str field[4] = {{0}};
    for (size_t i = 0; i < in->n_fields && i < 4; i++)
        field[i] = hy_str_trim(in->fields[i]);
    if (in->fault)
        return hy_fail(diag, HY_EPARSE, "%s:%lu: %s", file, line, hy_csv_fault_text(in->fault));
    if (field[0].n && field[0].p[0] == '#')
        return HY_OK;
    struct row *r = new_row(c);
    if (!r)
        return HY_ENOMEM;
    if (read_network(field[0], r) != HY_OK)
        return c->n_rows == 0 && line == 1
                   ? HY_OK
                   : hy_fail(diag, HY_EPARSE, "%s:%lu: '%.60s' is no network such as 192.0.2.0/24",
                             file, line, field[0].n ? hy_arena_str(&c->arena, field[0]).p : "");
    if (field[1].n == 0 || field[1].n > HY_COMPANY_NAME_MAX || field[2].n > HY_COMPANY_NAME_MAX ||
        !is_text(field[1]) || !is_text(field[2]))
        return hy_fail(diag, HY_EPARSE,
                       "%s:%lu: a company has 1 to %d bytes of UTF-8, its domain no more", file,
                       line, HY_COMPANY_NAME_MAX);
    if (c->n_rows == HY_COMPANIES_MAX)
        return hy_fail(diag, HY_ELIMIT, "%s:%lu: more than %d rows", file, line, HY_COMPANIES_MAX);
    r->company.name = hy_arena_str(&c->arena, field[1]);
    r->company.domain = hy_arena_str(&c->arena, field[2]);
    r->company.is_provider = is_yes(field[3]) || is_provider_name(c, field[1]);
    r->line = in->line;
    if (!r->company.name.p || !r->company.domain.p)
        return HY_ENOMEM;
    c->n_rows++;
    return HY_OK;
}

/* Wider ones before those that they contain; of two that are the same the later one first, so that
 * the earlier is never reached. */
static int compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int d = memcmp(x->first, y->first, 16);
    if (d == 0)
        d = memcmp(y->last, x->last, 16);
    return d ? d : (x->line > y->line) - (x->line < y->line);
}

static bool next_of(uint8_t ip[16])
{
    for (int i = 15; i >= 0; i--)
        if (++ip[i])
            return true;
    return false; /* there is none behind the last */
}

static void add_range(struct hy_companies *c, const uint8_t first[16], uint32_t row)
{
    struct range *before = c->n_ranges ? &c->ranges[c->n_ranges - 1] : NULL;
    if (before && memcmp(before->first, first, 16) == 0) {
        before->row = row;
        return;
    }
    struct range *r = &c->ranges[c->n_ranges++];
    memcpy(r->first, first, 16);
    r->row = row;
}

/* Rows nest or lie apart, so those that are open are a stack, at most as deep as there are bits. */
static int cut(struct hy_companies *c)
{
    uint32_t open[130];
    size_t depth = 0;
    uint8_t at[16];
    if (c->n_rows > 1)
        qsort(c->rows, c->n_rows, sizeof *c->rows, compare);
    c->ranges = calloc(2 * c->n_rows + 1, sizeof *c->ranges);
    if (!c->ranges)
        return HY_ENOMEM;
    for (size_t i = 0; i <= c->n_rows; i++) {
        const struct row *r = i < c->n_rows ? &c->rows[i] : NULL;
        while (depth && (!r || memcmp(c->rows[open[depth - 1] - 1].last, r->first, 16) < 0)) {
            memcpy(at, c->rows[open[--depth] - 1].last, 16);
            if (next_of(at))
                add_range(c, at, depth ? open[depth - 1] : 0);
        }
        if (!r)
            break;
        if (depth && memcmp(r->first, c->rows[open[depth - 1] - 1].first, 16) == 0 &&
            memcmp(r->last, c->rows[open[depth - 1] - 1].last, 16) == 0)
            depth--; /* the same network a second time */
        open[depth++] = (uint32_t)i + 1;
        add_range(c, r->first, (uint32_t)i + 1);
    }
    return HY_OK;
}

enum { PIECE = 256 << 10 };

static int read_table(struct hy_companies *c, struct hy_str text, const char *file,
                      struct hy_diag *diag)
{
    const struct hy_csv_options options = {.columns_max = 32};
    struct hy_csv *csv;
    struct hy_csv_row row;
    int err = hy_csv_new(&options, &csv);
    if (err)
        return err;
    if (hy_str_starts(text, HY_STR("\xef\xbb\xbf")))
        text = hy_str_slice(text, 3, text.n);
    while (!err) {
        err = hy_csv_next(csv, &row);
        if (err == HY_OK) {
            err = take_row(c, &row, file, diag);
        } else if (err == HY_EMORE && text.n) {
            struct hy_str piece = hy_str_slice(text, 0, PIECE);
            hy_buf_add(hy_csv_input(csv), piece.p, piece.n);
            err = hy_csv_input(csv)->err;
            text = hy_str_slice(text, piece.n, text.n);
            if (text.n == 0)
                hy_csv_end(csv);
        }
    }
    hy_csv_free(csv);
    return err == HY_EMORE ? cut(c) : err;
}

/* ---- MaxMind's files ---- */

static const char *const organization[] = {"organization"};
static const char *const isp[] = {"isp"};
static const char *const as_name[] = {"autonomous_system_organization"};
static const char *const domain[] = {"domain"};
static const char *const traits_organization[] = {"traits", "organization"};
static const char *const traits_isp[] = {"traits", "isp"};
static const char *const traits_as[] = {"traits", "autonomous_system_organization"};
static const char *const traits_domain[] = {"traits", "domain"};
static const char *const traits_user[] = {"traits", "user_type"};

static bool first_text(const struct mmdb *m, size_t at, const char *const *const paths[3],
                       const size_t n_path[3], struct hy_str *ret)
{
    for (size_t i = 0; i < 3; i++)
        if (paths[i] && mmdb_text(m, at, paths[i], n_path[i], ret) == HY_OK && ret->n &&
            ret->n <= HY_COMPANY_NAME_MAX && is_text(*ret))
            return true;
    return false;
}

/* A line whose organization is the provider itself is a customer's, who has no name here. */
static bool is_customer_line(const struct mmdb *m, size_t at, struct hy_str name)
{
    static const char *const users[] = {"residential", "cellular", "hosting", "cafe", "traveler"};
    struct hy_str s;
    if ((mmdb_text(m, at, isp, 1, &s) == HY_OK || mmdb_text(m, at, traits_isp, 2, &s) == HY_OK) &&
        hy_str_ieq(s, name))
        return true;
    if (mmdb_text(m, at, traits_user, 2, &s) != HY_OK)
        return false;
    for (size_t i = 0; i < sizeof users / sizeof *users; i++)
        if (hy_str_eq(s, hy_str_of(users[i])))
            return true;
    return false;
}

static int find_mmdb(const struct hy_companies *c, const uint8_t ip[16], struct hy_company *ret)
{
    static const char *const *const names[] = {organization, traits_organization, as_name};
    static const size_t n_names[] = {1, 2, 1};
    static const char *const *const more[] = {traits_as, NULL, NULL};
    static const size_t n_more[] = {2, 0, 0};
    static const char *const *const domains[] = {domain, traits_domain, NULL};
    static const size_t n_domains[] = {1, 2, 0};
    struct hy_company found = {{0}};
    size_t at;
    int err = mmdb_find(&c->mmdb, ip, &at);
    if (err)
        return HY_ENOTFOUND;
    (void)first_text(&c->mmdb, at, domains, n_domains, &found.domain);
    if (!first_text(&c->mmdb, at, names, n_names, &found.name) &&
        !first_text(&c->mmdb, at, more, n_more, &found.name))
        found.name = found.domain;
    if (found.name.n == 0)
        return HY_ENOTFOUND;
    found.is_provider =
        is_customer_line(&c->mmdb, at, found.name) || is_provider_name(c, found.name);
    *ret = found;
    return HY_OK;
}

static int read_mmdb(struct hy_companies *c, struct hy_str bytes, const char *file,
                     struct hy_diag *diag)
{
    static const char *const types[] = {"ISP", "ASN", "Domain", "Enterprise", "Company"};
    int err = mmdb_open(bytes, &c->mmdb);
    c->is_mmdb = true;
    if (err)
        return hy_fail(diag, err, "%s: is damaged, or cut short", file);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (hy_str_find_str(c->mmdb.type, hy_str_of(types[i]), 0) != SIZE_MAX)
            return HY_OK;
    return hy_fail(diag, HY_EUNSUPPORTED, "%s: a file of this kind (%.*s) knows no companies", file,
                   HY_STR_ARG(hy_str_slice(c->mmdb.type, 0, 60)));
}

/* ---- */

int hy_companies_read(struct hy_str text, const struct hy_str *words, size_t n_words,
                      const char *file, struct hy_diag *diag, struct hy_companies **ret)
{
    struct hy_companies *c = calloc(1, sizeof *c);
    if (!c)
        return HY_ENOMEM;
    c->words = words;
    c->n_words = n_words;
    c->arena = HY_ARENA_INIT((size_t)2 * HY_COMPANIES_BYTES_MAX);
    int err = mmdb_is(text)                     ? read_mmdb(c, text, file, diag)
              : text.n > HY_COMPANIES_BYTES_MAX ? hy_fail(diag, HY_ELIMIT, "%s: is too large", file)
                                                : read_table(c, text, file, diag);
    if (err)
        hy_companies_free(c);
    else
        *ret = c;
    return err;
}

void hy_companies_free(struct hy_companies *c)
{
    if (!c)
        return;
    hy_arena_free(&c->arena);
    free(c->rows);
    free(c->ranges);
    free(c);
}

size_t hy_companies_count(const struct hy_companies *c)
{
    return c->is_mmdb ? c->mmdb.nodes : c->n_rows;
}

int hy_companies_find(const struct hy_companies *c, const uint8_t ip[16], struct hy_company *ret)
{
    size_t low = 0, high = c->is_mmdb ? 0 : c->n_ranges;
    if (c->is_mmdb)
        return find_mmdb(c, ip, ret);
    while (low < high) { /* the last that begins at it or before */
        size_t mid = low + (high - low) / 2;
        if (memcmp(c->ranges[mid].first, ip, 16) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0 || c->ranges[low - 1].row == 0)
        return HY_ENOTFOUND;
    *ret = c->rows[c->ranges[low - 1].row - 1].company;
    return HY_OK;
}
