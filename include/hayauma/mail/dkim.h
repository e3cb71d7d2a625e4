/* DKIM signatures (RFC 6376, 8301, 8463): keys loaded once, a signer for each thread, several
 * signatures a message over one body hash. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"

enum hy_dkim_algorithm { HY_DKIM_RSA_SHA256, HY_DKIM_ED25519_SHA256 };
enum hy_dkim_canon { HY_DKIM_RELAXED, HY_DKIM_SIMPLE };

enum {
    HY_DKIM_RSA_BITS_MIN = 1024,  /* RFC 8301 section 3.2: shorter keys are refused */
    HY_DKIM_RSA_BITS_GOOD = 2048, /* shorter keys are worth a warning */
    HY_DKIM_RSA_BITS_MAX = 4096,
    HY_DKIM_PEM_MAX = 16384,
    HY_DKIM_SELECTOR_MAX = 128,
    HY_DKIM_LIST_MAX = 96,        /* names in a list of fields to sign */
    HY_DKIM_FIELDS_MAX = 256,     /* fields of a message, signed or not */
    HY_DKIM_SIGNATURES_MAX = 8,   /* signatures of one message */
    HY_DKIM_HEADER_MAX = 1 << 18, /* bytes of a message's canonical signed header */
    HY_DKIM_IDENTITY_MAX = 320,
};

/* A private key with the name it is published under. Immutable and counted: any thread. */
struct hy_dkim_key;
/* Reads a private key (PEM, PKCS#1 or PKCS#8, not encrypted). `domain` in A-labels (d=), `selector`
 * (s=). HY_EINVAL with a note in `diag` for a bad name, a key of another kind or too short;
 * HY_ENOMEM. Any thread. */
HY_MUST_USE int hy_dkim_key_load(struct hy_str domain, struct hy_str selector, struct hy_str pem,
                                 struct hy_dkim_key **ret, struct hy_diag *diag);
struct hy_dkim_key *hy_dkim_key_ref(struct hy_dkim_key *key);
void hy_dkim_key_unref(struct hy_dkim_key *key);
struct hy_str hy_dkim_key_domain(const struct hy_dkim_key *key);
struct hy_str hy_dkim_key_selector(const struct hy_dkim_key *key);
enum hy_dkim_algorithm hy_dkim_key_algorithm(const struct hy_dkim_key *key);
/* 1024.. for RSA, 256 for Ed25519. */
unsigned hy_dkim_key_bits(const struct hy_dkim_key *key);

/* Makes a private key as PEM (PKCS#8): RSA of 2048, 3072 or 4096 bits, or Ed25519 (bits ignored).
 * HY_EINVAL for other sizes, HY_ECRYPTO. RSA takes some 100 ms to seconds. Any thread. */
HY_MUST_USE int hy_dkim_key_generate(enum hy_dkim_algorithm algorithm, unsigned bits,
                                     struct hy_buf *ret_pem);
/* RSA with two primes, or with three when it has 3072 bits: that signs in half the time, and the
 * public key is like any other. HY_EINVAL for other numbers and sizes. */
HY_MUST_USE int hy_dkim_key_generate_rsa(unsigned bits, unsigned primes, struct hy_buf *ret_pem);
/* Appends the text of its DNS record: "v=DKIM1; k=rsa; p=..." (RFC 6376 section 3.6.1). */
HY_MUST_USE int hy_dkim_key_txt(const struct hy_dkim_key *key, struct hy_buf *out);
/* Appends the record as a zone file has it, its text cut into strings of at most 255 bytes. */
HY_MUST_USE int hy_dkim_key_zone(const struct hy_dkim_key *key, struct hy_buf *out);

/* All keys of one configuration. Immutable and counted: a reload makes a new one, and threads
 * change over when they like. */
struct hy_dkim_keyset;
/* Takes a reference of its own to each key. Several keys of one domain all sign. HY_EEXIST when
 * two keys have one domain and selector, HY_ELIMIT when a domain has more than
 * HY_DKIM_SIGNATURES_MAX; both with a note in `diag`. */
HY_MUST_USE int hy_dkim_keyset_new(struct hy_dkim_key *const *keys, size_t n,
                                   struct hy_dkim_keyset **ret, struct hy_diag *diag);
struct hy_dkim_keyset *hy_dkim_keyset_ref(struct hy_dkim_keyset *set);
void hy_dkim_keyset_unref(struct hy_dkim_keyset *set);
/* How many keys the domain has (any case). */
size_t hy_dkim_keyset_count(const struct hy_dkim_keyset *set, struct hy_str domain);

/* Signs with private copies of the keys of a set, so that threads share no lock and no blinding.
 * One thread at a time. */
struct hy_dkim_signer;
HY_MUST_USE int hy_dkim_signer_new(struct hy_dkim_keyset *set, struct hy_dkim_signer **ret);
void hy_dkim_signer_free(struct hy_dkim_signer *signer);

/* A field to sign: all that are there; one that is oversigned is listed once more, so that nobody
 * can add another (RFC 6376 section 8.15). */
struct hy_dkim_field {
    struct hy_str name;
    bool oversign;
};

/* The list that is signed when options name none: what readers see or act on is oversigned, what
 * lists and gateways add to is signed where it stands. Any thread. */
const struct hy_dkim_field *hy_dkim_default_fields(size_t *ret_n);

struct hy_dkim_message {
    struct hy_str headers; /* whole fields, each ended by CRLF; no empty line */
    struct hy_str body;    /* behind the empty line; lines end in CRLF */
    /* The body is in relaxed canonical form: no white space at the ends of lines, no two in a row,
     * no tabs, no empty lines at the end, CRLF at the end. It is hashed as it stands. */
    bool body_is_canonical;
};

/* Zeroes are good defaults: relaxed/relaxed, no t= and x=, no i=, the default list. */
struct hy_dkim_options {
    enum hy_dkim_canon header_canon, body_canon;
    hy_wall_ms signed_at;               /* t=; 0 leaves it out */
    uint32_t lifetime_s;                /* x= is so much later than t=; 0 leaves it out */
    struct hy_str identity;             /* i=: an address at or below the signing domain */
    const struct hy_dkim_field *fields; /* From must be among them */
    size_t n_fields;                    /* 0 takes the default list */
};

/* Appends one DKIM-Signature field, ended by CRLF, for each key of each domain, to stand before the
 * message's header. Errors, with `out` as before: HY_ENOTFOUND (a domain has no key), HY_EINVAL (no
 * From, an empty line or a bare CR or LF in a signed field, bad options), HY_ELIMIT, HY_ENOMEM,
 * HY_ECRYPTO. */
HY_MUST_USE int hy_dkim_sign(struct hy_dkim_signer *signer, const struct hy_str *domains,
                             size_t n_domains, const struct hy_dkim_message *message,
                             const struct hy_dkim_options *options, struct hy_buf *out);

/* Whether a body is in relaxed canonical form (RFC 6376 section 3.4.4), see hy_dkim_message. */
bool hy_dkim_body_is_canonical(struct hy_str body);
