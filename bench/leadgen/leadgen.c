/* bench/leadgen: writes a CSV of made-up leads, the same for the same options on every machine.
 * Every row is a function of (seed, row number): which person, which domain, and whether the row
 * is good, odd or bad, so that the counts an import must come to are known beforehand. */
#include <errno.h>
#include <getopt.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/base/buf.h"
#include "people.h"
#include "world.h"

enum { DOMAINS_MAX = 1000000, CHUNK = 1 << 18, ROW_BYTES = 4096 };

/* What is special about a row. Up to KIND_NAMED_ADDRESS the row is a good lead. */
enum kind {
    KIND_PLAIN,
    KIND_WIDE_ADDRESS,  /* full-width letters: repaired */
    KIND_QUOTED_LINES,  /* line ends inside a quoted field */
    KIND_NAMED_ADDRESS, /* Name <address>: repaired */
    KIND_DUPLICATE,     /* an earlier row's address in capitals */
    KIND_NO_ADDRESS,
    KIND_NO_AT,
    KIND_TWO_ATS,
    KIND_TWO_DOTS,
    KIND_BAD_DOMAIN,
    KIND_SPACE,
    KIND_MANY_FIELDS,
    KIND_FEW_FIELDS,
    KIND_STRAY_QUOTE,
    KIND_OPEN_QUOTE,
    KINDS,
};

struct options {
    uint64_t n, seed;
    double odd_rate;
    const char *charset, *out, *domains;
    bool counts, crlf, english;
};

struct domain {
    char name[64], unicode[64];
    uint64_t before; /* sum of the weights before it */
};

struct gen {
    struct options o;
    struct domain *domains;
    size_t n_domains;
    uint64_t total_weight;
    uint64_t odd_below; /* a row is odd when its dice are below */
    uint64_t counts[KINDS];
    struct hy_buf out, converted;
    iconv_t cd;
    int fd;
};

/* splitmix64: the dice of a row; `what` tells throws of one row apart. */
static uint64_t dice(const struct gen *g, uint64_t row, uint64_t what)
{
    uint64_t z = g->o.seed + (row * 16 + what + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t pick(uint64_t random, uint64_t n)
{
    return ((random >> 32) * n) >> 32;
}

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "leadgen: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- domains ---- */

static void add_domain(struct gen *g, const char *name, const char *unicode, uint64_t weight)
{
    if (g->n_domains == DOMAINS_MAX || weight == 0)
        return;
    struct domain *d = &g->domains[g->n_domains++];
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->unicode, sizeof d->unicode, "%s", unicode);
    d->before = g->total_weight;
    g->total_weight += weight;
}

/* Lines "name weight"; weight 1 when it is left out. */
static void read_domains(struct gen *g)
{
    char line[256], name[64];
    FILE *f = fopen(g->o.domains, "re");
    if (!f)
        fail(g->o.domains);
    while (fgets(line, sizeof line, f)) {
        unsigned long long weight = 1;
        if (line[0] != '#' && sscanf(line, "%63s %llu", name, &weight) >= 1)
            add_domain(g, name, name, weight);
    }
    fclose(f);
    if (g->n_domains == 0) {
        fprintf(stderr, "leadgen: %s: no domains\n", g->o.domains);
        exit(1);
    }
}

static void make_domains(struct gen *g)
{
    g->domains = calloc(DOMAINS_MAX, sizeof *g->domains);
    if (!g->domains)
        fail("memory");
    if (g->o.domains) {
        read_domains(g);
        return;
    }
    static struct world w;
    world_init(&w);
    for (size_t i = 0; i < WORLD_DOMAINS; i++)
        add_domain(g, w.domain[i].name, w.domain[i].unicode, w.domain[i].weight);
}

static const struct domain *domain_of(const struct gen *g, uint64_t row)
{
    uint64_t at = pick(dice(g, row, 0), g->total_weight);
    size_t low = 0, high = g->n_domains - 1;
    while (low < high) {
        size_t mid = (low + high + 1) / 2;
        if (g->domains[mid].before <= at)
            low = mid;
        else
            high = mid - 1;
    }
    return &g->domains[low];
}

/* ---- one row ---- */

static enum kind kind_of(const struct gen *g, uint64_t row)
{
    if (dice(g, row, 1) >= g->odd_below)
        return KIND_PLAIN;
    return (enum kind)(1 + pick(dice(g, row, 2), KINDS - 1));
}

/* The row whose address a duplicate repeats; `row` itself when there is none near. */
static uint64_t original_of(const struct gen *g, uint64_t row)
{
    if (row == 0)
        return row;
    uint64_t from = pick(dice(g, row, 3), row);
    for (uint64_t i = 0; i < 64 && from + i < row; i++)
        if (kind_of(g, from + i) < KIND_DUPLICATE)
            return from + i;
    return row;
}

struct person {
    bool western;
    const struct word *family, *given;
    const char *first, *last;
};

static struct person person_of(const struct gen *g, uint64_t row)
{
    uint64_t d = dice(g, row, 4);
    return (struct person){
        .western = d % 5 == 0,
        .family = &family_names[(d >> 8) % N_FAMILY],
        .given = &given_names[(d >> 16) % N_GIVEN],
        .first = western_first[(d >> 24) % N_WESTERN_FIRST],
        .last = western_last[(d >> 32) % N_WESTERN_LAST],
    };
}

static void put(struct hy_buf *b, const char *s)
{
    hy_buf_add(b, s, strlen(s));
}

static void put_number(struct hy_buf *b, uint64_t v, unsigned base, int width)
{
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % base];
        v /= base;
        width--;
    } while (v || width > 0);
    hy_buf_add(b, text + at, sizeof text - at);
}

/* "yamada.taro.1f": unique by the row's number. */
static void put_local(struct hy_buf *b, const struct person *p, uint64_t row)
{
    if (p->western) {
        hy_buf_add_c(b, hy_ascii_lower(p->first[0]));
        for (const char *s = p->last; *s; s++)
            if (*s != '\'')
                hy_buf_add_c(b, hy_ascii_lower(*s));
    } else {
        put(b, p->family->romaji);
        hy_buf_add_c(b, '.');
        put(b, p->given->romaji);
    }
    hy_buf_add_c(b, '.');
    put_number(b, row, 36, 1);
}

static void put_domain(const struct gen *g, struct hy_buf *b, uint64_t row)
{
    const struct domain *d = domain_of(g, row);
    put(b, row & 1 ? d->unicode : d->name);
}

/* Makes the bytes from `from` on full-width (ASCII only: all addresses but those of IDNs are). */
static void widen(struct hy_buf *b, size_t from)
{
    char text[256];
    size_t n = b->len - from < sizeof text ? b->len - from : sizeof text;
    memcpy(text, b->data + from, n);
    b->len = from;
    for (size_t i = 0; i < n; i++) {
        char wide[4];
        unsigned char c = (unsigned char)text[i];
        if (c > ' ' && c < 127)
            hy_buf_add(b, wide, hy_utf8_put(0xff01u + c - '!', wide));
        else
            hy_buf_add_c(b, text[i]);
    }
}

static void put_address(const struct gen *g, struct hy_buf *b, uint64_t row, enum kind kind)
{
    struct person p = person_of(g, row);
    size_t from = b->len;
    if (kind == KIND_NO_ADDRESS)
        return;
    if (kind == KIND_DUPLICATE) {
        uint64_t original = original_of(g, row);
        p = person_of(g, original);
        put_local(b, &p, original);
        for (size_t i = from; i < b->len; i++)
            if (b->data[i] >= 'a' && b->data[i] <= 'z')
                b->data[i] = (char)(b->data[i] - 32);
        hy_buf_add_c(b, '@');
        put(b, domain_of(g, original)->name);
        return;
    }
    if (kind == KIND_NAMED_ADDRESS) {
        put(b, p.western ? p.first : p.family->kanji);
        put(b, " <");
    }
    put_local(b, &p, row);
    if (kind == KIND_TWO_DOTS)
        put(b, "..x");
    if (kind == KIND_SPACE)
        put(b, " x");
    put(b, kind == KIND_NO_AT ? "." : kind == KIND_TWO_ATS ? "@@" : "@");
    put_domain(g, b, row);
    if (kind == KIND_BAD_DOMAIN)
        put(b, "_x.test");
    if (kind == KIND_NAMED_ADDRESS)
        hy_buf_add_c(b, '>');
    if (kind == KIND_WIDE_ADDRESS)
        widen(b, from);
}

static void put_name(struct hy_buf *b, const struct person *p, enum kind kind)
{
    if (kind == KIND_STRAY_QUOTE || kind == KIND_OPEN_QUOTE)
        hy_buf_add_c(b, '"');
    put(b, p->western ? p->first : p->family->kanji);
    if (kind == KIND_STRAY_QUOTE)
        hy_buf_add_c(b, '"');
    hy_buf_add_c(b, ' ');
    put(b, p->western ? p->last : p->given->kanji);
    hy_buf_add_c(b, ',');
    if (!p->western) {
        put(b, p->family->kana);
        hy_buf_add_c(b, ' ');
        put(b, p->given->kana);
    }
}

static void put_birthday(struct hy_buf *b, uint64_t d)
{
    put_number(b, 1945 + (d >> 8) % 60, 10, 4);
    hy_buf_add_c(b, '-');
    put_number(b, 1 + (d >> 16) % 12, 10, 2);
    hy_buf_add_c(b, '-');
    put_number(b, 1 + (d >> 24) % 28, 10, 2);
}

static void put_row(struct gen *g, uint64_t row)
{
    struct hy_buf *b = &g->out;
    enum kind kind = kind_of(g, row);
    struct person p = person_of(g, row);
    uint64_t d = dice(g, row, 5);
    const char *end = g->o.crlf ? "\r\n" : "\n";
    if (kind == KIND_DUPLICATE && original_of(g, row) == row)
        kind = KIND_PLAIN;
    g->counts[kind]++;
    put_address(g, b, row, kind);
    hy_buf_add_c(b, ',');
    put_name(b, &p, kind);
    hy_buf_add_c(b, ',');
    put(b, companies[d % N_COMPANIES]);
    if (kind == KIND_MANY_FIELDS)
        put(b, ", x");
    hy_buf_add_c(b, ',');
    if (kind != KIND_FEW_FIELDS) {
        put(b, prefectures[(d >> 8) % N_PREFECTURES]);
        hy_buf_add_c(b, ',');
    }
    put_number(b, (d >> 16) % 20000, 10, 1);
    hy_buf_add_c(b, ',');
    put(b, plans[(d >> 32) % N_PLANS]);
    hy_buf_add_c(b, ',');
    put_birthday(b, d >> 20);
    hy_buf_add_c(b, ',');
    if (kind == KIND_QUOTED_LINES) {
        hy_buf_add_c(b, '"');
        put(b, notes[(d >> 40) % N_NOTES]);
        put(b, end);
        put(b, "\"\"");
        put(b, notes[(d >> 44) % N_NOTES]);
        put(b, "\"\"\"");
    } else if ((d >> 48) % 8 == 0) {
        put(b, notes[(d >> 40) % N_NOTES]);
    }
    put(b, end);
}

/* ---- output ---- */

static void write_all(struct gen *g, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t m = write(g->fd, p, n);
        if (m < 0 && errno != EINTR)
            fail(g->o.out ? g->o.out : "standard output");
        if (m > 0) {
            p += m;
            n -= (size_t)m;
        }
    }
}

static void flush(struct gen *g)
{
    if (g->out.err || g->converted.err) {
        errno = ENOMEM;
        fail("memory");
    }
    if (g->cd == (iconv_t)-1) {
        write_all(g, g->out.data, g->out.len);
    } else {
        char *in = g->out.data;
        size_t left = g->out.len;
        while (left > 0) {
            char *to = g->converted.data;
            size_t room = g->converted.cap;
            if (iconv(g->cd, &in, &left, &to, &room) == (size_t)-1 && errno != E2BIG)
                fail("a character that the charset does not have");
            write_all(g, g->converted.data, g->converted.cap - room);
        }
    }
    hy_buf_reset(&g->out);
}

static void open_charset(struct gen *g)
{
    static const struct {
        const char *name, *iconv, *mark;
    } charsets[] = {
        {"utf-8", NULL, ""},
        {"utf-8-bom", NULL, "\xef\xbb\xbf"},
        {"shift_jis", "CP932", ""},
        {"euc-jp", "EUC-JP-MS", ""},
        {"utf-16", "UTF-16LE", "\xef\xbb\xbf"},
        {"utf-16be", "UTF-16BE", "\xef\xbb\xbf"},
    };
    for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++) {
        if (strcasecmp(g->o.charset, charsets[i].name) != 0)
            continue;
        put(&g->out, charsets[i].mark);
        if (charsets[i].iconv)
            g->cd = iconv_open(charsets[i].iconv, "UTF-8");
        if (charsets[i].iconv && g->cd == (iconv_t)-1)
            fail(charsets[i].iconv);
        return;
    }
    fprintf(stderr, "leadgen: charsets: utf-8 utf-8-bom shift_jis euc-jp utf-16 utf-16be\n");
    exit(2);
}

static void print_counts(const struct gen *g)
{
    const uint64_t *c = g->counts;
    uint64_t good =
        c[KIND_PLAIN] + c[KIND_WIDE_ADDRESS] + c[KIND_QUOTED_LINES] + c[KIND_NAMED_ADDRESS];
    fprintf(stderr,
            "{\"rows\": %llu, \"leads\": %llu, \"duplicates\": %llu, \"refused\": %llu, "
            "\"quoted_newlines\": %llu, \"full_width\": %llu}\n",
            (unsigned long long)g->o.n, (unsigned long long)good,
            (unsigned long long)c[KIND_DUPLICATE],
            (unsigned long long)(g->o.n - good - c[KIND_DUPLICATE]),
            (unsigned long long)c[KIND_QUOTED_LINES], (unsigned long long)c[KIND_WIDE_ADDRESS]);
}

static const char usage[] =
    "usage: leadgen [options] > leads.csv\n"
    "  -n, --rows N         rows to write (default 1000)\n"
    "  -s, --seed S         another seed, other people (default 1)\n"
    "  -b, --bad RATE       share of bad and odd rows, 0..1 (default 0.01)\n"
    "  -d, --domains FILE   lines \"domain weight\"; default: the make-believe internet of\n"
    "                       bench/world\n"
    "  -c, --charset NAME   utf-8 (default), utf-8-bom, shift_jis, euc-jp, utf-16, utf-16be\n"
    "  -o, --output FILE    default: standard output\n"
    "      --english        English column headers\n"
    "      --crlf           CRLF line ends\n"
    "      --counts         print to standard error what an import must come to, as JSON\n";

static struct options read_options(int argc, char **argv)
{
    static const struct option longs[] = {
        {"rows", 1, NULL, 'n'},
        {"seed", 1, NULL, 's'},
        {"bad", 1, NULL, 'b'},
        {"domains", 1, NULL, 'd'},
        {"charset", 1, NULL, 'c'},
        {"output", 1, NULL, 'o'},
        {"english", 0, NULL, 'E'},
        {"crlf", 0, NULL, 'R'},
        {"counts", 0, NULL, 'C'},
        {"help", 0, NULL, 'h'},
        {0},
    };
    struct options o = {.n = 1000, .seed = 1, .odd_rate = 0.01, .charset = "utf-8"};
    for (int c; (c = getopt_long(argc, argv, "n:s:b:d:c:o:h", longs, NULL)) != -1;) {
        switch (c) {
        case 'n':
            o.n = strtoull(optarg, NULL, 10);
            break;
        case 's':
            o.seed = strtoull(optarg, NULL, 10);
            break;
        case 'b':
            o.odd_rate = strtod(optarg, NULL);
            break;
        case 'd':
            o.domains = optarg;
            break;
        case 'c':
            o.charset = optarg;
            break;
        case 'o':
            o.out = optarg;
            break;
        case 'E':
            o.english = true;
            break;
        case 'R':
            o.crlf = true;
            break;
        case 'C':
            o.counts = true;
            break;
        default:
            fputs(usage, c == 'h' ? stdout : stderr);
            exit(c == 'h' ? 0 : 2);
        }
    }
    if (optind < argc || !(o.odd_rate >= 0 && o.odd_rate <= 1)) {
        fputs(usage, stderr);
        exit(2);
    }
    return o;
}

int main(int argc, char **argv)
{
    struct gen g = {.o = read_options(argc, argv), .cd = (iconv_t)-1, .fd = STDOUT_FILENO};
    g.out = HY_BUF_INIT(CHUNK + 2 * ROW_BYTES);
    g.converted = HY_BUF_INIT(2 * CHUNK);
    if (hy_buf_reserve(&g.converted, CHUNK))
        fail("memory");
    /* without a cast of 1.0 * 2^64, which is not a number of 64 bits */
    g.odd_below = g.o.odd_rate >= 1 ? UINT64_MAX : (uint64_t)(g.o.odd_rate * 0x1p63) * 2;
    if (g.o.out && !freopen(g.o.out, "we", stdout))
        fail(g.o.out);
    g.fd = fileno(stdout);
    make_domains(&g);
    open_charset(&g);
    put(&g.out, g.o.english ? "email,name,kana,company,prefecture,points,plan,birthday,notes"
                            : "メールアドレス,氏名,フリガナ,会社名,都道府県,ポイント,プラン,"
                              "生年月日,備考");
    put(&g.out, g.o.crlf ? "\r\n" : "\n");
    for (uint64_t row = 0; row < g.o.n; row++) {
        put_row(&g, row);
        if (g.out.len >= CHUNK)
            flush(&g);
    }
    flush(&g);
    if (g.o.counts)
        print_counts(&g);
    if (g.cd != (iconv_t)-1)
        iconv_close(g.cd);
    hy_buf_free(&g.out);
    hy_buf_free(&g.converted);
    free(g.domains);
    return 0;
}
