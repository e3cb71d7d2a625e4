/* Reading an answer of a DNS server (RFC 1035 section 4): outside bytes. Pure. */
#pragma once
#include "hayauma/base/str.h"

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52
};
enum dns_status {
    DNS_OK = 0,       /* records, or an alias to ask for */
    DNS_NODATA = 1,   /* the name exists, but has no such records */
    DNS_NXDOMAIN = 2, /* no such name */
    DNS_FAILED = 3,   /* SERVFAIL, REFUSED ...: ask again later */
};

enum {
    DNS_NAME_MAX = 253,
    DNS_RECORDS_MAX = 64, /* of one answer; more are ignored */
    DNS_ALIASES_MAX = 8,  /* CNAME after CNAME */
};

struct dns_name {
    uint8_t n;                   /* 0: the root */
    char text[DNS_NAME_MAX + 1]; /* lower-case, no final dot, NUL-ended */
};

struct dns_record {
    uint16_t preference; /* MX */
    bool odd_host;  /* MX: no host name at all (a dot inside a label, control characters ...) */
    uint8_t ip[16]; /* A, AAAA */
    struct dns_name host; /* MX */
    size_t data, n_data;  /* TXT, TLSA, SOA: its place in the packet */
};

struct dns_answer {
    enum dns_status status;
    unsigned rcode;
    bool has_ttl; /* negative answers without an SOA have none (RFC 2308 section 5) */
    uint32_t ttl_s;
    bool is_secure;        /* the server says that DNSSEC proves the answer (AD, RFC 4035 3.2.3) */
    struct dns_name owner; /* of the records: the asked name, or where its CNAMEs led */
    struct dns_name alias; /* n > 0: no records yet, the chain of CNAMEs leads to this name */
    size_t n_records;
    struct dns_record records[DNS_RECORDS_MAX];
};

/* The records of `type` for `name` (lower-case), through the CNAMEs that the packet holds.
 * HY_EPARSE when the bytes are no such answer, when they are truncated (TC), or when the CNAMEs run
 * in a circle; *ret_answer is then undefined. */
HY_MUST_USE int dns_parse(const uint8_t *packet, size_t n, struct hy_str name, enum dns_type type,
                          struct dns_answer *ret_answer);
/* Whether it can be asked for: 1..253 bytes, labels of 1..63 letters, digits, "-" and "_", and a
 * last label that is not a number (that would be an address). */
bool dns_name_is_host(struct hy_str name);
