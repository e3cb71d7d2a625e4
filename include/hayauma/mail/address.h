/* One mail address as people type it, made into what RFC 5321 wants between < and >. Pure. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/model/lead.h"

/* Why an address was refused; texts for people in hy_address_reason_text. Never renumber: reports
 * and tests count them. */
enum hy_address_reason {
    HY_ADDRESS_OK = 0,
    HY_ADDRESS_EMPTY,         /* nothing there */
    HY_ADDRESS_TOO_LONG,      /* more than 254 bytes */
    HY_ADDRESS_NOT_UTF8,      /* bytes that are no text */
    HY_ADDRESS_CONTROL,       /* CR, LF, NUL, other control or invisible characters inside */
    HY_ADDRESS_NO_AT,         /* no @ */
    HY_ADDRESS_SEVERAL,       /* more than one @ or more than one address */
    HY_ADDRESS_NO_LOCAL,      /* nothing before the @ */
    HY_ADDRESS_LOCAL_LONG,    /* local part of more than 64 bytes */
    HY_ADDRESS_LOCAL_CHAR,    /* a character that a local part cannot have unquoted */
    HY_ADDRESS_LOCAL_DOTS,    /* dot at the start or end of the local part, or two in a row */
    HY_ADDRESS_LOCAL_QUOTE,   /* quotes that do not close, or that cover only a piece */
    HY_ADDRESS_COMMENT,       /* comment inside, or one that does not close */
    HY_ADDRESS_NO_DOMAIN,     /* nothing after the @ */
    HY_ADDRESS_DOMAIN_LONG,   /* domain of more than 253 bytes, or a label of more than 63 */
    HY_ADDRESS_DOMAIN_CHAR,   /* a character that host names cannot have, or a hyphen at an end */
    HY_ADDRESS_DOMAIN_DOTS,   /* an empty label */
    HY_ADDRESS_DOMAIN_SINGLE, /* no dot: not a name of the public internet */
    HY_ADDRESS_DOMAIN_IDN,    /* not a valid internationalised name (IDNA2008) */
    HY_ADDRESS_LITERAL,       /* [192.0.2.1]: no mail is sent to bare addresses, or malformed */
    HY_ADDRESS_REASONS,
};
/* "two @ signs, or several addresses in one field" */
const char *hy_address_reason_text(enum hy_address_reason r);
/* "several": a word for counters and JSON. */
const char *hy_address_reason_name(enum hy_address_reason r);

/* All false: the rules for campaigns. */
struct hy_address_rules {
    bool allow_literal; /* accept [IPv4] and [IPv6:...] (RFC 5321 4.1.3) */
    bool allow_single;  /* accept a domain without a dot (hosts file, tests) */
};

enum { HY_ADDRESS_KEY_MAX = 512 };

/* An accepted address; no pointers, so it may be copied. */
struct hy_address {
    uint8_t n;                     /* length of wire */
    uint8_t at;                    /* place of the @ that ends the local part */
    bool needs_smtputf8;           /* the local part is not ASCII (RFC 6531) */
    bool repaired;                 /* differs from the field by more than letter case of the domain:
                                      full-width letters, a name around it, missing quotes, ... */
    uint16_t key_n;                /* length of key */
    char wire[HY_ADDRESS_MAX + 2]; /* NUL-terminated; local part in its simplest form, quoted only
                                      where it must be; domain in lower-case A-labels */
    char key[HY_ADDRESS_KEY_MAX];  /* for comparing only: unquoted local part, NFC and case-folded,
                                      @, domain */
};

static inline struct hy_str hy_address_wire(const struct hy_address *a)
{
    return hy_str_make(a->wire, a->n);
}
static inline struct hy_str hy_address_local(const struct hy_address *a)
{
    return hy_str_make(a->wire, a->at);
}
static inline struct hy_str hy_address_domain(const struct hy_address *a)
{
    return hy_str_make(a->wire + a->at + 1, (size_t)a->n - a->at - 1);
}
/* What stands behind the last @ of an address in wire form; all of it without one. */
static inline struct hy_str hy_wire_domain(struct hy_str wire)
{
    size_t n = wire.n;
    while (n && wire.p[n - 1] != '@')
        n--;
    return hy_str_slice(wire, n, wire.n);
}
static inline struct hy_str hy_address_key(const struct hy_address *a)
{
    return hy_str_make(a->key, a->key_n);
}

/* Reads one address (RFC 5321 4.1.2, RFC 6531 3.3; IDNA2008 with UTS 46 non-transitional mapping)
 * from a field: `Name <a@b>`, `mailto:a@b?...`, spaces around it, one trailing , or ; and a comment
 * before or after it are taken off; full-width forms become ASCII; dots in forbidden places of the
 * local part are quoted for the Japanese carriers that gave such addresses out, and refused for
 * everybody else. `rules` NULL = campaigns. HY_EPARSE: *ret_reason tells why and *ret is untouched.
 * Any thread. */
HY_MUST_USE int hy_address_parse(struct hy_str field, const struct hy_address_rules *rules,
                                 struct hy_address *ret, enum hy_address_reason *ret_reason);

/* The dedupe key of an address that is in wire form already (as stored). HY_EPARSE when it is not.
 * `out` holds HY_ADDRESS_KEY_MAX bytes; not NUL-terminated. */
HY_MUST_USE int hy_address_wire_key(struct hy_str wire, char *out, size_t *ret_n);

/* What the person may have meant: "gmial.com" -> "gmail.com" in ret (NUL-terminated, at least
 * HY_DOMAIN_MAX + 1 bytes). HY_ENOTFOUND when the domain is a known mail domain or far from all of
 * them. 1 us, up to 30 for names that are close. Any thread. */
HY_MUST_USE int hy_address_suggest(struct hy_str domain, char *ret);

/* Whether the (lower-case ASCII) domain, or one above it, gives out addresses to be thrown away:
 * data/disposable-domains.txt, which is built in. Under 1 us. Any thread. */
bool hy_address_is_disposable(struct hy_str domain);

/* Whether the (lower-case ASCII) domain belongs to a Japanese carrier that gave out local parts
 * with dots in forbidden places. */
bool hy_address_is_carrier(struct hy_str domain);

/* Whether addresses at the (lower-case ASCII) domain belong to anybody: free mail, access
 * providers, carriers, addresses to be thrown away. So does a domain above such ones ("ne.jp"). Any
 * thread. */
bool hy_address_is_shared(struct hy_str domain);
