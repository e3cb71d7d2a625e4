/* What the signer sees of keys and key sets. */
#pragma once
#include "hayauma/mail/dkim.h"

#include <openssl/evp.h>
#include <stdatomic.h>

struct hy_dkim_key {
    atomic_uint refs;
    enum hy_dkim_algorithm algorithm;
    unsigned bits;
    EVP_PKEY *pkey;
    char *domain; /* lower case, NUL-ended, owned */
    char *selector;
};

struct hy_dkim_keyset {
    atomic_uint refs;
    size_t n;
    struct hy_dkim_key *keys[]; /* by domain, then in the order of the configuration */
};

/* The keys of a domain (any case) stand together: where they begin, and how many. */
size_t hy_dkim_keyset_find(const struct hy_dkim_keyset *set, struct hy_str domain, size_t *ret_n);
