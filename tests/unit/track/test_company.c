#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/track/company.h"

static struct hy_diag diag;

static int read_table(const char *text, struct hy_companies **ret)
{
    static const struct hy_str words[] = {{"denwa", 5}};
    diag.text[0] = '\0';
    return hy_companies_read(hy_str_of(text), words, 1, "table.csv", &diag, ret);
}

/* "NAME", "NAME (provider)" or "" */
static const char *find(const struct hy_companies *c, const char *ip)
{
    static char out[300];
    uint8_t key[16];
    struct hy_company found;
    cr_assert_eq(hy_company_ip(hy_str_of(ip), key), HY_OK, "%s", ip);
    if (hy_companies_find(c, key, &found) != HY_OK)
        return "";
    snprintf(out, sizeof out, "%.*s%s%.*s%s", HY_STR_ARG(found.name), found.domain.n ? " " : "",
             HY_STR_ARG(found.domain), found.is_provider ? " (provider)" : "");
    return out;
}

Test(company, is_that_of_the_narrowest_network)
{
    struct hy_companies *c;
    cr_assert_eq(read_table("network,company,domain,isp\n"
                            "192.0.2.0/24,Acme,acme.example\n"
                            "192.0.2.128/25,Branch\n"
                            "192.0.2.130,One desk,,\n"
                            "192.0.2.192/26,Line,line.example,yes\n"
                            "2001:db8::/32,六社,six.example,0\n"
                            "2001:db8:1::/48,Inner\n"
                            "# a comment\n"
                            "198.51.100.0/24,Denwa KK\n"
                            "203.0.113.0/24,Asahi Broadband\n"
                            "203.0.113.0/32,First\n"
                            "255.255.255.255,Last\n",
                            &c),
                 HY_OK, "%s", diag.text);
    static const struct {
        const char *ip, *want;
    } cases[] = {
        {"192.0.1.255", ""},
        {"192.0.2.0", "Acme acme.example"},
        {"192.0.2.127", "Acme acme.example"},
        {"192.0.2.128", "Branch"},
        {"192.0.2.130", "One desk"},
        {"192.0.2.131", "Branch"},
        {"192.0.2.192", "Line line.example (provider)"},
        {"192.0.2.255", "Line line.example (provider)"},
        {"192.0.3.0", ""},
        {"198.51.100.7", "Denwa KK (provider)"},
        {"203.0.113.0", "First"},
        {"203.0.113.1", "Asahi Broadband (provider)"},
        {"255.255.255.255", "Last"},
        {"0.0.0.0", ""},
        {"::", ""},
        {"2001:db8::1", "六社 six.example"},
        {"2001:db8:1:ffff::", "Inner"},
        {"2001:db8:2::", "六社 six.example"},
        {"2001:db9::", ""},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_str_eq(find(c, cases[i].ip), cases[i].want, "%s", cases[i].ip);
    cr_assert_eq(hy_companies_count(c), 10);
    hy_companies_free(c);
}

Test(company, that_stands_twice_is_the_later_one)
{
    struct hy_companies *c;
    cr_assert_eq(read_table("10.0.0.0/8,Old\n10.0.0.0/8,New\n::/0,All\n", &c), HY_OK);
    cr_assert_str_eq(find(c, "10.1.2.3"), "New");
    cr_assert_str_eq(find(c, "11.0.0.0"), "All", "IPv4 lies within");
    cr_assert_str_eq(find(c, "ffff::"), "All");
    hy_companies_free(c);
}

Test(company, names_that_only_contain_a_word_are_no_providers)
{
    struct hy_companies *c;
    cr_assert_eq(read_table("10.0.0.0/8,Cloudberry Foods\n11.0.0.0/8,Acme Cloud Services\n"
                            "12.0.0.0/8,Socnet Trading\n13.0.0.0/8,OCN\n14.0.0.0/8,東日本通信\n",
                            &c),
                 HY_OK);
    cr_assert_str_eq(find(c, "10.0.0.1"), "Cloudberry Foods");
    cr_assert_str_eq(find(c, "11.0.0.1"), "Acme Cloud Services (provider)");
    cr_assert_str_eq(find(c, "12.0.0.1"), "Socnet Trading");
    cr_assert_str_eq(find(c, "13.0.0.1"), "OCN (provider)");
    cr_assert_str_eq(find(c, "14.0.0.1"), "東日本通信 (provider)");
    hy_companies_free(c);
}

Test(company, a_table_that_is_wrong_says_where)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"10.0.0.0/8,A\n10.0.0.0/33,B\n", "table.csv:2: '10.0.0.0/33' is no network"},
        {"network,company\nx,y\n", "table.csv:2: 'x' is no network"},
        {"10.0.0.0/8,A\n\n10.0.0.1\n", "table.csv:3: a company has"},
        {"10.0.0.0/8,A\xff\n", "table.csv:1: a company has"},
        {"10.0.0.0/8,\"A\n", "table.csv:1: "},
        {"10.0.0.0/8,A\n10.0.0.0/-1,B\n", "table.csv:2: '10.0.0.0/-1' is no network"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hy_companies *c = NULL;
        cr_assert_eq(read_table(cases[i].text, &c), HY_EPARSE, "%s", cases[i].text);
        cr_assert(strncmp(diag.text, cases[i].want, strlen(cases[i].want)) == 0, "%s: got %s",
                  cases[i].text, diag.text);
        cr_assert_null(c);
    }
}

Test(company, an_empty_table_knows_nobody)
{
    struct hy_companies *c;
    cr_assert_eq(read_table("", &c), HY_OK);
    cr_assert_str_eq(find(c, "10.0.0.1"), "");
    hy_companies_free(c);
}

Test(company, looking_up_agrees_with_looking_at_every_row)
{
    enum { ROWS = 400, ASKED = 4000 };
    struct {
        uint32_t first, last;
        unsigned bits;
    } rows[ROWS];
    char *text = malloc(ROWS * 40);
    size_t n = 0;
    uint32_t seed = 12345;
    for (int i = 0; i < ROWS; i++) {
        seed = seed * 1664525 + 1013904223;
        rows[i].bits = 8 + (seed >> 20) % 25;
        uint32_t mask = rows[i].bits == 32 ? UINT32_MAX : ~(UINT32_MAX >> rows[i].bits);
        seed = seed * 1664525 + 1013904223;
        rows[i].first = (10u << 24 | (seed >> 8 & 0x3ffff)) & mask;
        rows[i].last = rows[i].first | ~mask;
        uint32_t a = rows[i].first;
        n += (size_t)sprintf(text + n, "%u.%u.%u.%u/%u,row%d\n", a >> 24, a >> 16 & 255,
                             a >> 8 & 255, a & 255, rows[i].bits, i);
    }
    struct hy_companies *c;
    cr_assert_eq(read_table(text, &c), HY_OK, "%s", diag.text);
    for (int k = 0; k < ASKED; k++) {
        char ip[20], want[20] = "";
        seed = seed * 1664525 + 1013904223;
        uint32_t a = 10u << 24 | (seed >> 8 & 0x3ffff);
        unsigned best = 0;
        for (int i = 0; i < ROWS; i++)
            if (rows[i].first <= a && a <= rows[i].last && rows[i].bits >= best) {
                best = rows[i].bits;
                snprintf(want, sizeof want, "row%d", i);
            }
        snprintf(ip, sizeof ip, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
        cr_assert_str_eq(find(c, ip), want, "%s", ip);
    }
    hy_companies_free(c);
    free(text);
}

/* ---- MaxMind's format: a tree of one node, whose left half (0.0.0.0/1) has a record ---- */

struct file {
    uint8_t b[600];
    size_t n;
};
static void add(struct file *f, const void *p, size_t n)
{
    memcpy(f->b + f->n, p, n);
    f->n += n;
}
static void text(struct file *f, const char *s)
{
    uint8_t head[2] = {(uint8_t)(2 << 5 | strlen(s))};
    if (strlen(s) < 29) {
        add(f, head, 1);
    } else {
        head[0] = 2 << 5 | 29;
        head[1] = (uint8_t)(strlen(s) - 29);
        add(f, head, 2);
    }
    add(f, s, strlen(s));
}
static void map(struct file *f, unsigned members)
{
    uint8_t head = (uint8_t)(7 << 5 | members);
    add(f, &head, 1);
}
static void number(struct file *f, const char *name, uint8_t v)
{
    uint8_t value[] = {6 << 5 | 1, v};
    text(f, name);
    add(f, value, 2);
}

/* `left`: what the left half of the tree says, 1 = nobody; 17 = the record at the data's start. */
static struct file mmdb(const char *type, unsigned bits, uint32_t left)
{
    struct file f = {.n = 0};
    const uint8_t tree24[] = {0, 0, (uint8_t)left, 0, 0, 1};
    const uint8_t tree28[] = {0, 0, (uint8_t)left, 0, 0, 0, 1};
    const uint8_t tree32[] = {0, 0, 0, (uint8_t)left, 0, 0, 0, 1};
    add(&f, bits == 24 ? tree24 : bits == 28 ? tree28 : tree32, bits / 4);
    static const uint8_t zeros[16];
    add(&f, zeros, 16);
    map(&f, 4);
    text(&f, "autonomous_system_number");
    add(&f, "\xc2\x12\x34", 3);
    text(&f, "isp");
    text(&f, "Big Telephone");
    text(&f, "organization");
    text(&f, "Acme Manufacturing of the whole wide world");
    text(&f, "domain");
    text(&f, "acme.example");
    add(&f, "\xab\xcd\xefMaxMind.com", 14);
    map(&f, 4);
    number(&f, "node_count", 1);
    number(&f, "record_size", (uint8_t)bits);
    number(&f, "ip_version", 4);
    text(&f, "database_type");
    text(&f, type);
    return f;
}

static int read_mmdb(const struct file *f, struct hy_companies **ret)
{
    diag.text[0] = '\0';
    return hy_companies_read(hy_str_make(f->b, f->n), NULL, 0, "x.mmdb", &diag, ret);
}

Test(company, is_read_from_maxminds_format_in_every_size_of_record)
{
    for (unsigned bits = 24; bits <= 32; bits += 4) {
        struct file f = mmdb("GeoIP2-ISP", bits, 17);
        struct hy_companies *c;
        cr_assert_eq(read_mmdb(&f, &c), HY_OK, "%s", diag.text);
        cr_assert_str_eq(find(c, "10.0.0.1"),
                         "Acme Manufacturing of the whole wide world acme.example", "%u", bits);
        cr_assert_str_eq(find(c, "200.0.0.1"), "", "%u", bits);
        cr_assert_str_eq(find(c, "2001:db8::1"), "", "%u", bits);
        hy_companies_free(c);
    }
}

Test(company, a_file_of_maxminds_that_is_of_no_use_is_refused)
{
    struct hy_companies *c = NULL;
    struct file city = mmdb("GeoLite2-City", 24, 17);
    cr_assert_eq(read_mmdb(&city, &c), HY_EUNSUPPORTED);
    cr_assert(strstr(diag.text, "GeoLite2-City"), "%s", diag.text);
    struct file damaged = mmdb("GeoIP2-ISP", 24, 17);
    damaged.b[damaged.n - 1 - strlen("GeoIP2-ISP")] = 0xff;
    cr_assert_eq(read_mmdb(&damaged, &c), HY_EPARSE);
}

Test(company, any_byte_of_maxminds_format_may_be_wrong)
{
    struct file whole = mmdb("GeoIP2-ISP", 28, 17);
    uint8_t key[16];
    cr_assert_eq(hy_company_ip(HY_STR("10.0.0.1"), key), HY_OK);
    for (size_t at = 0; at < whole.n; at++) {
        for (unsigned v = 0; v < 256; v += 5) {
            struct hy_companies *c;
            struct hy_company found;
            struct file f = whole;
            f.b[at] = (uint8_t)v;
            if (read_mmdb(&f, &c) != HY_OK)
                continue;
            if (hy_companies_find(c, key, &found) == HY_OK)
                cr_assert_leq(found.name.n, (size_t)HY_COMPANY_NAME_MAX);
            hy_companies_free(c);
        }
    }
}
