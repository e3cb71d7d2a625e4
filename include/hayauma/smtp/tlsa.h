/* TLSA records as SMTP uses them (RFC 6698, RFC 7672): which count, and what an answer of the DNS
 * means. Pure. */
#pragma once
#include "hayauma/base/str.h"

enum { HY_TLSA_MAX = 16 }; /* records of one host that are looked at */

struct hy_tlsa {
    uint8_t usage;      /* 2 = DANE-TA, 3 = DANE-EE; others are not for SMTP */
    uint8_t selector;   /* 0 = the certificate, 1 = its public key */
    uint8_t matching;   /* 0 = all of it, 1 = SHA-256, 2 = SHA-512 */
    struct hy_str data; /* a view */
};
/* From the bytes of a record. HY_EPARSE when they end too early. */
HY_MUST_USE int hy_tlsa_read(struct hy_str rdata, struct hy_tlsa *ret);
/* RFC 7672 section 3.1: usage 2 or 3, a selector and matching type that we know, and as much data
 * as that has. */
bool hy_tlsa_is_usable(const struct hy_tlsa *r);

/* What to do about a host, by the answer for its TLSA records. */
enum hy_dane {
    HY_DANE_NONE = 0,     /* no DANE: no proven record */
    HY_DANE_RECORDS = 1,  /* TLS, with a certificate that one of the records names */
    HY_DANE_UNUSABLE = 2, /* TLS, with any certificate (RFC 7672 section 2.2) */
    HY_DANE_FAILED = 3,   /* the answer cannot be had or is forged: leave the host alone for now */
};
/* `is_failure`: SERVFAIL, time-out ...; `is_secure`: DNSSEC proves the answer. */
enum hy_dane hy_dane_judge(bool is_failure, bool is_secure, const struct hy_str *records, size_t n);
