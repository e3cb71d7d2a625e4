#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../src/dns/packet.h"
#include "hayauma/base/rand.h"

/* Packets as they are on the wire: "\xc0\x0c" points to the question's name at offset 12. */
#define HEADER(flags, answers, authority)                                                          \
    "\x12\x34" flags "\x00\x01\x00" answers "\x00" authority "\x00\x00"
#define QUESTION(type)                                                                             \
    "\x01q\x04test\x00\x00" type "\x00\x01" /* q.test, 12 bytes in the packet                      \
                                             */
#define RR(owner, type, ttl, length) owner "\x00" type "\x00\x01\x00\x00\x00" ttl "\x00" length
#define OK                           "\x81\x80"
#define MX                           "\x0f"
#define A                            "\x01"
#define CNAME                        "\x05"
#define AAAA                         "\x1c"
#define TXT                          "\x10"
#define TLSA                         "\x34"
#define SELF                         "\xc0\x0c"
#define SOA                                                                                        \
    RR("\xc0\x0e", "\x06", "\x3c", "\x16")                                                         \
    "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02"                                                     \
    "\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x1e"

struct wire {
    const char *what;
    const char *bytes;
    size_t n;
    enum dns_type type;
    int err;
    enum dns_status status;
    const char *want; /* "10 mx.test, 0 ." for MX; "192.0.2.1" as hex for A; alias as "-> name" */
    long ttl_s;       /* -1: none */
};
#define W(s) s, sizeof(s) - 1

static const struct wire cases[] = {
    {"one MX",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX)
           RR(SELF, MX, "\x3c", "\x07") "\x00\x0a\x02mx\xc0\x0e"),
     DNS_MX, 0, DNS_OK, "10 mx.test, ", 60},
    {"null MX",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX) RR(SELF, MX, "\x3c", "\x03") "\x00\x00\x00"), DNS_MX,
     0, DNS_OK, "0 ., ", 60},
    {"upper case is folded",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX)
           RR("\x01Q\x04TeSt\x00", MX, "\x3c", "\x07") "\x00\x0a\x02Mx\xc0\x0e"),
     DNS_MX, 0, DNS_OK, "10 mx.test, ", 60},
    {"a label with a dot is odd",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX) RR(SELF, MX, "\x3c", "\x09") "\x00\x0a\x04"
                                                                            "a.b\x01\xc0\x0e"),
     DNS_MX, 0, DNS_OK, "10 odd a?b?.test, ", 60},
    {"an address",
     W(HEADER(OK, "\x01", "\x00") QUESTION(A) RR(SELF, A, "\x1e", "\x04") "\xc0\x00\x02\x01"),
     DNS_A, 0, DNS_OK, "c0000201, ", 30},
    {"the smallest time counts",
     W(HEADER(OK, "\x02", "\x00") QUESTION(A) RR(SELF, A, "\x1e", "\x04") "\xc0\x00\x02\x01" RR(
         SELF, A, "\x05", "\x04") "\xc0\x00\x02\x02"),
     DNS_A, 0, DNS_OK, "c0000201, c0000202, ", 5},
    {"a CNAME and its address",
     W(HEADER(OK, "\x02", "\x00") QUESTION(A) RR(SELF, CNAME, "\x0a", "\x04") "\x01x\xc0\x0e" RR(
         "\x01x\xc0\x0e", A, "\x1e", "\x04") "\xc0\x00\x02\x09"),
     DNS_A, 0, DNS_OK, "c0000209, ", 10},
    {"a CNAME that leads away",
     W(HEADER(OK, "\x01", "\x00") QUESTION(A) RR(SELF, CNAME, "\x0a", "\x04") "\x01x\xc0\x0e"),
     DNS_A, 0, DNS_OK, "-> x.test", 10},
    {"a CNAME to itself",
     W(HEADER(OK, "\x01", "\x00") QUESTION(A) RR(SELF, CNAME, "\x0a", "\x02") SELF), DNS_A,
     HY_EPARSE, DNS_OK, "", -1},
    {"a CNAME to nothing",
     W(HEADER("\x81\x83", "\x01", "\x01") QUESTION(A)
           RR(SELF, CNAME, "\x0a", "\x04") "\x01x\xc0\x0e" SOA),
     DNS_A, 0, DNS_NXDOMAIN, "", 10},
    {"records of other names and classes are not ours",
     W(HEADER(OK, "\x02", "\x01") QUESTION(A)
           RR("\x01x\xc0\x0e", A, "\x1e",
              "\x04") "\xc0\x00\x02\x01" SELF
                      "\x00\x01\x00\x03\x00\x00\x00\x1e\x00\x04\xc0\x00\x02\x01" SOA),
     DNS_A, 0, DNS_NODATA, "", 30},
    {"a text of two strings",
     W(HEADER(OK, "\x01", "\x00") QUESTION(TXT) RR(SELF, TXT, "\x3c", "\x05") "\x01"
                                                                              "a\x02"
                                                                              "bc"),
     DNS_TXT, 0, DNS_OK, "5 bytes, ", 60},
    {"a text whose string runs past its data",
     W(HEADER(OK, "\x01", "\x00") QUESTION(TXT) RR(SELF, TXT, "\x3c", "\x03") "\x03"
                                                                              "ab"),
     DNS_TXT, HY_EPARSE, DNS_OK, "", -1},
    {"an empty text", W(HEADER(OK, "\x01", "\x00") QUESTION(TXT) RR(SELF, TXT, "\x3c", "\x00")),
     DNS_TXT, HY_EPARSE, DNS_OK, "", -1},
    {"a TLSA record",
     W(HEADER(OK, "\x01", "\x00") QUESTION(TLSA) RR(SELF, TLSA, "\x3c", "\x05") "\x03\x01\x01xy"),
     DNS_TLSA, 0, DNS_OK, "5 bytes, ", 60},
    {"a TLSA record without data",
     W(HEADER(OK, "\x01", "\x00") QUESTION(TLSA) RR(SELF, TLSA, "\x3c", "\x03") "\x03\x01\x01"),
     DNS_TLSA, HY_EPARSE, DNS_OK, "", -1},
    {"no data, with the SOA's time", W(HEADER(OK, "\x00", "\x01") QUESTION(MX) SOA), DNS_MX, 0,
     DNS_NODATA, "", 30},
    {"no data without an SOA is not to be kept", W(HEADER(OK, "\x00", "\x00") QUESTION(MX)), DNS_MX,
     0, DNS_NODATA, "", -1},
    {"NXDOMAIN", W(HEADER("\x81\x83", "\x00", "\x01") QUESTION(MX) SOA), DNS_MX, 0, DNS_NXDOMAIN,
     "", 30},
    {"no data, but the SOA that it announces is missing",
     W(HEADER(OK, "\x00", "\x01") QUESTION(MX)), DNS_MX, HY_EPARSE, DNS_OK, "", -1},
    {"SERVFAIL", W(HEADER("\x81\x82", "\x00", "\x00") QUESTION(MX)), DNS_MX, 0, DNS_FAILED, "", -1},
    {"REFUSED", W(HEADER("\x81\x85", "\x00", "\x00") QUESTION(MX)), DNS_MX, 0, DNS_FAILED, "", -1},
    {"NXDOMAIN with a record for the name",
     W(HEADER("\x81\x83", "\x01", "\x00") QUESTION(A)
           RR(SELF, A, "\x1e", "\x04") "\xc0\x00\x02\x01"),
     DNS_A, 0, DNS_FAILED, "c0000201, ", 30},
    {"truncated by TC", W(HEADER("\x83\x80", "\x00", "\x00") QUESTION(MX)), DNS_MX, HY_EPARSE,
     DNS_OK, "", -1},
    {"a question, not an answer", W(HEADER("\x01\x00", "\x00", "\x00") QUESTION(MX)), DNS_MX,
     HY_EPARSE, DNS_OK, "", -1},
    {"a header and a bit", W("\x12\x34\x81\x80\x00\x01\x00\x01\x00"), DNS_MX, HY_EPARSE, DNS_OK, "",
     -1},
    {"an answer is announced but missing", W(HEADER(OK, "\x01", "\x00") QUESTION(MX)), DNS_MX,
     HY_EPARSE, DNS_OK, "", -1},
    {"a name that points at itself",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX) RR("\xc0\x18", MX, "\x3c", "\x03") "\x00\x00\x00"),
     DNS_MX, HY_EPARSE, DNS_OK, "", -1},
    {"a name that points forwards",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX) RR("\xc0\x26", MX, "\x3c", "\x03") "\x00\x00\x00"),
     DNS_MX, HY_EPARSE, DNS_OK, "", -1},
    {"data longer than the packet",
     W(HEADER(OK, "\x01", "\x00") QUESTION(A) RR(SELF, A, "\x1e", "\x05") "\xc0\x00\x02\x01"),
     DNS_A, HY_EPARSE, DNS_OK, "", -1},
    {"an address of five bytes",
     W(HEADER(OK, "\x01", "\x00") QUESTION(A) RR(SELF, A, "\x1e", "\x05") "\xc0\x00\x02\x01\x02"),
     DNS_A, HY_EPARSE, DNS_OK, "", -1},
    {"an MX with bytes behind its name",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX)
           RR(SELF, MX, "\x3c", "\x08") "\x00\x0a\x02mx\xc0\x0e\x00"),
     DNS_MX, HY_EPARSE, DNS_OK, "", -1},
    {"an MX whose name runs past its data",
     W(HEADER(OK, "\x01", "\x00") QUESTION(MX)
           RR(SELF, MX, "\x3c", "\x05") "\x00\x0a\x02mx\xc0\x0e"),
     DNS_MX, HY_EPARSE, DNS_OK, "", -1},
};

static const char *describe(const struct dns_answer *a, enum dns_type type, char *out)
{
    char *p = out;
    *p = '\0';
    if (a->alias.n)
        p += sprintf(p, "-> %s", a->alias.text);
    for (size_t i = 0; i < a->n_records; i++) {
        const struct dns_record *r = &a->records[i];
        if (type == DNS_MX)
            p += sprintf(p, "%u %s%s, ", r->preference, r->odd_host ? "odd " : "",
                         r->host.n ? r->host.text : ".");
        else if (type == DNS_TXT || type == DNS_TLSA)
            p += sprintf(p, "%zu bytes, ", r->n_data);
        else
            p += sprintf(p, "%02x%02x%02x%02x, ", r->ip[0], r->ip[1], r->ip[2], r->ip[3]);
    }
    return out;
}

Test(packet, is_read_or_refused_as_a_whole)
{
    static struct dns_answer a;
    static char text[DNS_RECORDS_MAX * 300];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wire *c = &cases[i];
        uint8_t *exact = malloc(c->n); /* so that a byte too far is seen */
        memcpy(exact, c->bytes, c->n);
        int err = dns_parse(exact, c->n, HY_STR("q.test"), c->type, &a);
        free(exact);
        cr_expect_eq(err, c->err, "%s: got %s", c->what, hy_err_name(err));
        if (err || c->err)
            continue;
        cr_expect_eq(a.status, c->status, "%s: got status %d", c->what, (int)a.status);
        cr_expect_str_eq(describe(&a, c->type, text), c->want, "%s: got %s", c->what, text);
        cr_expect_eq(a.has_ttl ? (long)a.ttl_s : -1, c->ttl_s, "%s: got %ld", c->what,
                     a.has_ttl ? (long)a.ttl_s : -1);
    }
}

Test(packet, tells_what_the_server_says_is_proven)
{
    static const char proven[] = HEADER("\x81\xa0", "\x01", "\x00") QUESTION(A)
        RR(SELF, A, "\x1e", "\x04") "\xc0\x00\x02\x01";
    static const char plain[] =
        HEADER(OK, "\x01", "\x00") QUESTION(A) RR(SELF, A, "\x1e", "\x04") "\xc0\x00\x02\x01";
    static struct dns_answer a;
    const uint8_t *p = (const uint8_t *)proven, *q = (const uint8_t *)plain;
    cr_assert_eq(dns_parse(p, sizeof proven - 1, HY_STR("q.test"), DNS_A, &a), 0);
    cr_expect(a.is_secure);
    cr_expect_str_eq(a.owner.text, "q.test");
    cr_assert_eq(dns_parse(q, sizeof plain - 1, HY_STR("q.test"), DNS_A, &a), 0);
    cr_expect_not(a.is_secure);
}

Test(packet, survives_every_cut_and_every_wrong_byte)
{
    static struct dns_answer a;
    struct hy_rng rng;
    hy_rng_seed(&rng, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wire *c = &cases[i];
        for (size_t n = 0; n < c->n; n++) {
            uint8_t *cut = malloc(n + 1);
            memcpy(cut, c->bytes, n);
            int err = dns_parse(cut, n, HY_STR("q.test"), c->type, &a);
            cr_assert(err == 0 || err == HY_EPARSE);
            cr_expect(err || (a.status != DNS_NODATA && a.status != DNS_NXDOMAIN),
                      "%s: %zu of %zu bytes say that there is nothing", c->what, n, c->n);
            free(cut);
        }
        for (int k = 0; k < 2000; k++) {
            uint8_t bent[256];
            memcpy(bent, c->bytes, c->n);
            for (int m = 0; m < 3; m++)
                bent[hy_rng_below(&rng, c->n)] = (uint8_t)hy_rng_u64(&rng);
            if (dns_parse(bent, c->n, HY_STR("q.test"), c->type, &a) == 0)
                cr_assert_leq(a.n_records, DNS_RECORDS_MAX);
        }
    }
}

Test(packet, names_of_hosts_are_told_from_other_names)
{
    static const struct {
        const char *name;
        bool want;
    } names[] = {
        {"mx.example.com", true},
        {"localhost", true},
        {"_dc-mx.example.com", true},
        {"1.example", true},
        {"3com", true},
        {"xn--fsqu00a", true},
        {"", false},
        {".", false},
        {"a..b", false},
        {"a.", false},
        {".a", false},
        {"192.0.2.1", false},
        {"12", false},
        {"sp ace.test", false},
        {"a/b.test", false},
        {"[192.0.2.1]", false},
        {"\xe6\x97\xa5.jp", false},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_assert_eq(dns_name_is_host(hy_str_of(names[i].name)), names[i].want, "%s",
                     names[i].name);
    char label[65], name[300];
    memset(label, 'a', sizeof label);
    cr_assert(dns_name_is_host(hy_str_make(label, 63)));
    cr_assert_not(dns_name_is_host(hy_str_make(label, 64)));
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    cr_assert(dns_name_is_host(hy_str_make(name, 253)));
    cr_assert_not(dns_name_is_host(hy_str_make(name, 255)));
}
