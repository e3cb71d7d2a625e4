/* What is read from MaxMind's files, held against MaxMind's own library (decision 0186). */
#include <criterion/criterion.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hayauma/base/buf.h"
#include "hayauma/track/company.h"

enum { NETWORKS = 300, RECORDS = 40, NODES_MAX = NETWORKS * 128, NOBODY = -1, ASKED = 4000 };

struct tree {
    int32_t child[NODES_MAX][2]; /* a node; NOBODY; below that -2 - number of the record */
    uint32_t nodes;
};
struct network {
    uint8_t ip[16];
    unsigned bits;
};

static uint32_t seed;
static uint32_t some(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static unsigned bit_of(const uint8_t ip[16], unsigned i)
{
    return ip[i / 8] >> (7 - i % 8) & 1;
}

/* Networks that lie within one another are left out: the first stays. */
static void plant(struct tree *t, const struct network *w, unsigned record)
{
    uint32_t at = 0;
    for (unsigned i = 0; i + 1 < w->bits; i++) {
        int32_t *c = &t->child[at][bit_of(w->ip, i)];
        if (*c < NOBODY)
            return;
        if (*c == NOBODY) {
            t->child[t->nodes][0] = t->child[t->nodes][1] = NOBODY;
            *c = (int32_t)t->nodes++;
        }
        at = (uint32_t)*c;
    }
    int32_t *leaf = &t->child[at][bit_of(w->ip, w->bits - 1)];
    if (*leaf == NOBODY)
        *leaf = -2 - (int32_t)record;
}

/* ---- writing MaxMind's format ---- */

static void add_byte(struct hy_buf *b, unsigned v)
{
    const char c = (char)v;
    hy_buf_add(b, &c, 1);
}
static void add_text(struct hy_buf *b, const char *s)
{
    const size_t n = strlen(s);
    add_byte(b, 2 << 5 | (n < 29 ? (unsigned)n : 29));
    if (n >= 29)
        add_byte(b, (unsigned)n - 29);
    hy_buf_add(b, s, n);
}
static void add_number(struct hy_buf *b, const char *name, unsigned type, uint32_t v)
{
    add_text(b, name);
    add_byte(b, type << 5 | 4);
    for (int i = 3; i >= 0; i--)
        add_byte(b, v >> (8 * i) & 255);
}
static void add_u16(struct hy_buf *b, const char *name, unsigned v)
{
    add_text(b, name);
    add_byte(b, 5 << 5 | 2);
    add_byte(b, v >> 8);
    add_byte(b, v & 255);
}

/* A text that some of the records point to, then the records; `at`: where they begin. */
static void add_records(struct hy_buf *b, size_t at[RECORDS])
{
    const size_t from = b->len;
    char name[80];
    add_text(b, "Shared Works");
    for (unsigned i = 0; i < RECORDS; i++) {
        at[i] = b->len - from;
        add_byte(b, 7 << 5 | 4);
        add_number(b, "autonomous_system_number", 6, i);
        add_text(b, "names"); /* a map and an array that are passed over */
        add_byte(b, 7 << 5 | 1);
        add_text(b, "ja");
        add_byte(b, 2);
        add_byte(b, 11 - 7);
        add_text(b, "one");
        add_text(b, "two");
        add_text(b, "organization");
        snprintf(name, sizeof name, "Acme %u %.*s", i, (int)i,
                 "of the whole wide world, and of all that is beyond it");
        if (i % 3 == 0)
            hy_buf_add(b, "\x20\x00", 2);
        else
            add_text(b, name);
        snprintf(name, sizeof name, "acme%u.example", i);
        add_text(b, "domain");
        add_text(b, name);
    }
}

static void add_node(struct hy_buf *b, unsigned bits, const uint32_t v[2])
{
    for (int side = 0; side < 2; side++) {
        if (bits == 28 && side)
            add_byte(b, (v[0] >> 24) << 4 | v[1] >> 24);
        for (int i = bits == 32 ? 3 : 2; i >= 0; i--)
            add_byte(b, v[side] >> (8 * i) & 255);
    }
}

static void write_file(struct hy_buf *b, const struct tree *t, unsigned bits, unsigned version)
{
    static const char separator[16];
    size_t at[RECORDS];
    struct hy_buf data = HY_BUF_INIT(1 << 20);
    add_records(&data, at);
    for (uint32_t i = 0; i < t->nodes; i++) {
        uint32_t v[2];
        for (int side = 0; side < 2; side++) {
            const int32_t c = t->child[i][side];
            v[side] = c == NOBODY  ? t->nodes
                      : c < NOBODY ? t->nodes + 16 + (uint32_t)at[-2 - c]
                                   : (uint32_t)c;
        }
        add_node(b, bits, v);
    }
    hy_buf_add(b, separator, sizeof separator);
    hy_buf_add_str(b, hy_buf_str(&data));
    hy_buf_free(&data);
    hy_buf_add(b, "\xab\xcd\xefMaxMind.com", 14);
    add_byte(b, 7 << 5 | 9);
    add_number(b, "node_count", 6, t->nodes);
    add_u16(b, "record_size", bits);
    add_u16(b, "ip_version", version);
    add_u16(b, "binary_format_major_version", 2);
    add_u16(b, "binary_format_minor_version", 0);
    add_text(b, "build_epoch");
    hy_buf_add(b, "\x04\x02\x68\x00\x00\x00", 6);
    add_text(b, "languages");
    hy_buf_add(b, "\x00\x04", 2);
    add_text(b, "description");
    add_byte(b, 7 << 5);
    add_text(b, "database_type");
    add_text(b, "GeoIP2-ISP");
    cr_assert_eq(b->err, HY_OK);
}

/* ---- both of them ---- */

static void open_theirs(const struct hy_buf *b, MMDB_s *ret)
{
    const struct hy_str bytes = hy_buf_str(b);
    char path[64];
    int fd = memfd_create("mmdb", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int err = MMDB_open(path, MMDB_MODE_MMAP, ret);
    cr_assert_eq(err, MMDB_SUCCESS, "%s", MMDB_strerror(err));
    close(fd);
}

static struct hy_str text_of(MMDB_entry_s *entry, const char *name)
{
    const char *const path[] = {name, NULL};
    MMDB_entry_data_s d;
    int err = MMDB_aget_value(entry, &d, path);
    cr_assert_eq(err, MMDB_SUCCESS, "%s", MMDB_strerror(err));
    cr_assert(d.has_data && d.type == MMDB_DATA_TYPE_UTF8_STRING);
    return hy_str_make(d.utf8_string, d.data_size);
}

static bool find_theirs(const MMDB_s *db, const uint8_t ip[16], struct hy_company *ret)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to = {.v6 = {.sin6_family = AF_INET6}};
    int err;
    if (memcmp(ip, mapped, sizeof mapped) == 0) {
        to.v4 = (struct sockaddr_in){.sin_family = AF_INET};
        memcpy(&to.v4.sin_addr, ip + 12, 4);
    } else {
        memcpy(&to.v6.sin6_addr, ip, 16);
    }
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(db, &to.any, &err);
    if (err == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR)
        return false;
    cr_assert_eq(err, MMDB_SUCCESS, "%s", MMDB_strerror(err));
    if (!found.found_entry)
        return false;
    ret->name = text_of(&found.entry, "organization");
    ret->domain = text_of(&found.entry, "domain");
    return true;
}

static struct network some_network(bool is_v4)
{
    struct network w = {.ip = {[10] = 0xff, [11] = 0xff}};
    if (!is_v4)
        memcpy(w.ip, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0", 12);
    for (int i = is_v4 ? 12 : 4; i < (is_v4 ? 14 : 8); i++)
        w.ip[i] = (uint8_t)some(is_v4 ? 8 : 4);
    for (int i = is_v4 ? 14 : 8; i < 16; i++)
        w.ip[i] = (uint8_t)some(256);
    w.bits = is_v4 ? 12 + some(21) : 36 + some(93);
    return w;
}

/* IPv4 stands in a tree of IPv6 at ::/96. */
static struct network in_tree(struct network w, bool is_v4, unsigned version)
{
    const uint8_t low[4] = {w.ip[12], w.ip[13], w.ip[14], w.ip[15]};
    if (!is_v4)
        return w;
    memset(w.ip, 0, sizeof w.ip);
    memcpy(w.ip + (version == 4 ? 0 : 12), low, 4);
    w.bits += version == 4 ? 0 : 96;
    return w;
}

static void compare(unsigned bits, unsigned version)
{
    struct tree *t = calloc(1, sizeof *t);
    struct hy_buf b = HY_BUF_INIT(8 << 20);
    static struct network known[NETWORKS];
    struct hy_companies *ours;
    struct hy_diag diag = {""};
    MMDB_s theirs;
    size_t n_found = 0, n_missing = 0;
    cr_assert(t);
    *t = (struct tree){.child[0] = {NOBODY, NOBODY}, .nodes = 1};
    seed = bits * 8 + version;
    for (unsigned i = 0; i < NETWORKS; i++) {
        const bool is_v4 = version == 4 || some(2);
        known[i] = some_network(is_v4);
        const struct network w = in_tree(known[i], is_v4, version);
        plant(t, &w, some(RECORDS));
    }
    write_file(&b, t, bits, version);
    free(t);
    cr_assert_eq(hy_companies_read(hy_buf_str(&b), NULL, 0, "x.mmdb", &diag, &ours), HY_OK, "%s",
                 diag.text);
    open_theirs(&b, &theirs);
    for (unsigned i = 0; i < ASKED; i++) {
        struct hy_company want = {{0}}, got = {{0}};
        struct network w = i < NETWORKS ? known[i] : some_network(some(2));
        const bool is_found = find_theirs(&theirs, w.ip, &want);
        cr_assert_eq(hy_companies_find(ours, w.ip, &got) == HY_OK, is_found,
                     "%u bits, version %u, address %u", bits, version, i);
        cr_assert(hy_str_eq(got.name, want.name), "got %.*s, want %.*s", HY_STR_ARG(got.name),
                  HY_STR_ARG(want.name));
        cr_assert(hy_str_eq(got.domain, want.domain), "got %.*s, want %.*s", HY_STR_ARG(got.domain),
                  HY_STR_ARG(want.domain));
        n_found += is_found;
        n_missing += !is_found;
    }
    cr_assert(n_found > NETWORKS / 2 && n_missing > NETWORKS, "%zu, %zu", n_found, n_missing);
    MMDB_close(&theirs);
    hy_companies_free(ours);
    hy_buf_free(&b);
}

Test(mmdb_oracle, addresses_belong_to_whom_maxminds_own_library_says)
{
    for (unsigned bits = 24; bits <= 32; bits += 4) {
        compare(bits, 4);
        compare(bits, 6);
    }
}

/* The nesting that kills libmaxminddb 1.7 (decision 0186), in front of what is looked for. */
Test(mmdb_oracle, maps_within_maps_without_end_are_no_harm)
{
    enum { DEEP = 1000000 };
    static const char tree[] = {0, 0, 17, 0, 0, 17};
    static const char separator[16];
    struct hy_buf b = HY_BUF_INIT(8 << 20);
    struct hy_companies *c;
    struct hy_company found;
    struct hy_diag diag = {""};
    const uint8_t ip[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};
    hy_buf_add(&b, tree, sizeof tree);
    hy_buf_add(&b, separator, sizeof separator);
    add_byte(&b, 7 << 5 | 2);
    add_text(&b, "names");
    for (int i = 0; i < DEEP; i++)
        hy_buf_add(&b, "\xe1\x41x", 3);
    add_text(&b, "the innermost");
    add_text(&b, "organization");
    add_text(&b, "Acme");
    hy_buf_add(&b, "\xab\xcd\xefMaxMind.com", 14);
    add_byte(&b, 7 << 5 | 4);
    add_number(&b, "node_count", 6, 1);
    add_u16(&b, "record_size", 24);
    add_u16(&b, "ip_version", 4);
    add_text(&b, "database_type");
    add_text(&b, "GeoIP2-ISP");
    cr_assert_eq(b.err, HY_OK);
    cr_assert_eq(hy_companies_read(hy_buf_str(&b), NULL, 0, "x.mmdb", &diag, &c), HY_OK, "%s",
                 diag.text);
    cr_assert_eq(hy_companies_find(c, ip, &found), HY_ENOTFOUND);
    hy_companies_free(c);
    hy_buf_free(&b);
}
