/* Private keys: reading, making, publishing, and the counted sets that signers hold. */
#include "dkim_key.h"

#include "hayauma/base/codec.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum {
    DER_MAX = 1024,       /* bytes of a public key: RSA-4096 takes 550 */
    ZONE_STRING_MAX = 255 /* bytes of a character-string (RFC 1035 section 3.3) */
};

/* Letters, digits, "-" and "_" in labels of 1..63 bytes: what both d= and s= are made of. */
static bool is_dns_name(struct hy_str s, size_t max)
{
    struct hy_str label;
    if (s.n == 0 || s.n > max)
        return false;
    while (hy_str_split(&s, '.', &label)) {
        if (label.n == 0 || label.n > 63)
            return false;
        for (size_t i = 0; i < label.n; i++) {
            char c = hy_ascii_lower(label.p[i]);
            if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_')
                return false;
        }
    }
    return true;
}

static char *copy_lower(struct hy_str s)
{
    char *copy = malloc(s.n + 1);
    for (size_t i = 0; copy && i < s.n; i++)
        copy[i] = hy_ascii_lower(s.p[i]);
    if (copy)
        copy[s.n] = '\0';
    return copy;
}

/* An encrypted key is refused: a daemon has nobody to ask for the pass phrase. */
static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

static EVP_PKEY *read_pem(struct hy_str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return pkey;
}

static int check_kind(struct hy_dkim_key *key, struct hy_diag *diag)
{
    key->bits = (unsigned)EVP_PKEY_get_bits(key->pkey);
    if (EVP_PKEY_is_a(key->pkey, "ED25519")) {
        key->algorithm = HY_DKIM_ED25519_SHA256;
        key->bits = 256;
        return HY_OK;
    }
    if (!EVP_PKEY_is_a(key->pkey, "RSA"))
        return hy_fail(diag, HY_EINVAL, "the key is neither RSA nor Ed25519");
    key->algorithm = HY_DKIM_RSA_SHA256;
    if (key->bits < HY_DKIM_RSA_BITS_MIN)
        return hy_fail(diag, HY_EINVAL,
                       "the key has %u bits; receivers ignore RSA keys of fewer than %d (RFC 8301)",
                       key->bits, HY_DKIM_RSA_BITS_MIN);
    if (key->bits > HY_DKIM_RSA_BITS_MAX)
        return hy_fail(diag, HY_EINVAL, "the key has %u bits; more than %d is not usable in DKIM",
                       key->bits, HY_DKIM_RSA_BITS_MAX);
    return HY_OK;
}

int hy_dkim_key_load(struct hy_str domain, struct hy_str selector, struct hy_str pem,
                     struct hy_dkim_key **ret, struct hy_diag *diag)
{
    if (!is_dns_name(domain, 253))
        return hy_fail(diag, HY_EINVAL, "\"%.*s\" is no domain for a signature (d=)",
                       (int)(domain.n > 100 ? 100 : domain.n), domain.p ? domain.p : "");
    if (!is_dns_name(selector, HY_DKIM_SELECTOR_MAX))
        return hy_fail(diag, HY_EINVAL, "\"%.*s\" is no selector (s=)",
                       (int)(selector.n > 100 ? 100 : selector.n), selector.p ? selector.p : "");
    if (pem.n == 0 || pem.n > HY_DKIM_PEM_MAX)
        return hy_fail(diag, HY_EINVAL, "a key file has between 1 and %d bytes", HY_DKIM_PEM_MAX);
    struct hy_dkim_key *key = calloc(1, sizeof *key);
    if (!key)
        return hy_fail(diag, HY_ENOMEM, "no memory for a key");
    atomic_init(&key->refs, 1);
    key->domain = copy_lower(domain);
    key->selector = copy_lower(selector);
    key->pkey = read_pem(pem);
    int err = key->domain && key->selector ? HY_OK : HY_ENOMEM;
    if (err == HY_OK && !key->pkey)
        err = hy_fail(diag, HY_EINVAL,
                      "no private key in PEM form without a pass phrase in the file");
    if (err == HY_OK)
        err = check_kind(key, diag);
    if (err) {
        hy_dkim_key_unref(key);
        return err;
    }
    *ret = key;
    return HY_OK;
}

struct hy_dkim_key *hy_dkim_key_ref(struct hy_dkim_key *key)
{
    atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void hy_dkim_key_unref(struct hy_dkim_key *key)
{
    if (!key || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(key->pkey);
    free(key->domain);
    free(key->selector);
    free(key);
}

struct hy_str hy_dkim_key_domain(const struct hy_dkim_key *key)
{
    return hy_str_of(key->domain);
}

struct hy_str hy_dkim_key_selector(const struct hy_dkim_key *key)
{
    return hy_str_of(key->selector);
}

enum hy_dkim_algorithm hy_dkim_key_algorithm(const struct hy_dkim_key *key)
{
    return key->algorithm;
}

unsigned hy_dkim_key_bits(const struct hy_dkim_key *key)
{
    return key->bits;
}

/* Appends the key and frees it; NULL is OpenSSL's failure to make one. */
static int put_pem(EVP_PKEY *pkey, struct hy_buf *ret_pem)
{
    const size_t start = ret_pem->len;
    BIO *bio = BIO_new(BIO_s_mem());
    int err = HY_ECRYPTO;
    if (pkey && bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1) {
        char *pem;
        long n = BIO_get_mem_data(bio, &pem);
        hy_buf_add(ret_pem, pem, (size_t)n);
        OPENSSL_cleanse(pem, (size_t)n);
        err = ret_pem->err;
    }
    if (err)
        ret_pem->len = start;
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return err;
}

static EVP_PKEY *make_rsa(unsigned bits, unsigned primes)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, (int)primes) != 1 ||
        EVP_PKEY_generate(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

int hy_dkim_key_generate_rsa(unsigned bits, unsigned primes, struct hy_buf *ret_pem)
{
    const bool is_usual = primes == 2 && (bits == 2048 || bits == 3072 || bits == 4096);
    if (!is_usual && !(primes == 3 && bits == 3072))
        return HY_EINVAL;
    return put_pem(make_rsa(bits, primes), ret_pem);
}

int hy_dkim_key_generate(enum hy_dkim_algorithm algorithm, unsigned bits, struct hy_buf *ret_pem)
{
    return algorithm == HY_DKIM_RSA_SHA256
               ? hy_dkim_key_generate_rsa(bits, 2, ret_pem)
               : put_pem(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), ret_pem);
}

/* The public key as p= has it: SubjectPublicKeyInfo for RSA (RFC 6376 section 3.6.1), the 32 bytes
 * themselves for Ed25519 (RFC 8463 section 4.2). 0 when OpenSSL fails. */
static size_t public_bytes(const struct hy_dkim_key *key, unsigned char out[DER_MAX])
{
    if (key->algorithm == HY_DKIM_ED25519_SHA256) {
        size_t n = DER_MAX;
        return EVP_PKEY_get_raw_public_key(key->pkey, out, &n) == 1 ? n : 0;
    }
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key->pkey, &der);
    if (n > 0 && n <= DER_MAX)
        memcpy(out, der, (size_t)n);
    OPENSSL_free(der);
    return n > 0 && n <= DER_MAX ? (size_t)n : 0;
}

int hy_dkim_key_txt(const struct hy_dkim_key *key, struct hy_buf *out)
{
    unsigned char bytes[DER_MAX];
    char text[(DER_MAX + 2) / 3 * 4];
    const size_t start = out->len, n = public_bytes(key, bytes);
    if (n == 0)
        return HY_ECRYPTO;
    hy_buf_printf(out, "v=DKIM1; k=%s; p=%.*s",
                  key->algorithm == HY_DKIM_RSA_SHA256 ? "rsa" : "ed25519",
                  (int)hy_base64_encode(bytes, n, text), text);
    if (out->err)
        out->len = start;
    return out->err;
}

int hy_dkim_key_zone(const struct hy_dkim_key *key, struct hy_buf *out)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf txt = HY_BUF_INIT(4096);
    const size_t start = out->len;
    int err = hy_dkim_key_txt(key, &txt);
    if (err)
        return err;
    hy_buf_printf(out, "%s._domainkey.%s. IN TXT (", key->selector, key->domain);
    for (size_t at = 0; at < txt.len; at += ZONE_STRING_MAX) {
        hy_buf_add_lit(out, "\n    \"");
        hy_buf_add_str(out, hy_str_slice(hy_buf_str(&txt), at, at + ZONE_STRING_MAX));
        hy_buf_add_lit(out, "\"");
    }
    hy_buf_add_lit(out, " )\n");
    if (out->err)
        out->len = start;
    return out->err;
}

static int by_domain(const void *a, const void *b)
{
    const struct hy_dkim_key *const *x = a, *const *y = b;
    int order = strcmp((*x)->domain, (*y)->domain);
    return order ? order : strcmp((*x)->selector, (*y)->selector);
}

static int check_set(const struct hy_dkim_keyset *set, struct hy_diag *diag)
{
    size_t same = 0; /* keys of this domain before this one */
    for (size_t i = 1; i < set->n; i++) {
        const struct hy_dkim_key *key = set->keys[i], *before = set->keys[i - 1];
        same = strcmp(key->domain, before->domain) == 0 ? same + 1 : 0;
        if (same && strcmp(key->selector, before->selector) == 0)
            return hy_fail(diag, HY_EEXIST, "two keys are named %s._domainkey.%s", key->selector,
                           key->domain);
        if (same >= HY_DKIM_SIGNATURES_MAX)
            return hy_fail(diag, HY_ELIMIT, "%s has more than %d keys", key->domain,
                           HY_DKIM_SIGNATURES_MAX);
    }
    return HY_OK;
}

int hy_dkim_keyset_new(struct hy_dkim_key *const *keys, size_t n, struct hy_dkim_keyset **ret,
                       struct hy_diag *diag)
{
    struct hy_dkim_keyset *set = malloc(sizeof *set + n * sizeof *keys);
    if (!set)
        return hy_fail(diag, HY_ENOMEM, "no memory for the keys");
    atomic_init(&set->refs, 1);
    set->n = n;
    for (size_t i = 0; i < n; i++)
        set->keys[i] = hy_dkim_key_ref(keys[i]);
    qsort(set->keys, n, sizeof *keys, by_domain);
    int err = check_set(set, diag);
    if (err) {
        hy_dkim_keyset_unref(set);
        return err;
    }
    *ret = set;
    return HY_OK;
}

struct hy_dkim_keyset *hy_dkim_keyset_ref(struct hy_dkim_keyset *set)
{
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void hy_dkim_keyset_unref(struct hy_dkim_keyset *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < set->n; i++)
        hy_dkim_key_unref(set->keys[i]);
    free(set);
}

/* Like strcmp, for a domain of any case against a key's. */
static int compare_domain(struct hy_str domain, const char *of_key)
{
    for (size_t i = 0; i < domain.n; i++) {
        int order = (unsigned char)hy_ascii_lower(domain.p[i]) - (unsigned char)of_key[i];
        if (order || !of_key[i])
            return order ? order : 1;
    }
    return of_key[domain.n] ? -1 : 0;
}

size_t hy_dkim_keyset_find(const struct hy_dkim_keyset *set, struct hy_str domain, size_t *ret_n)
{
    size_t low = 0, high = set->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_domain(domain, set->keys[middle]->domain) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = 0;
    while (low + n < set->n && compare_domain(domain, set->keys[low + n]->domain) == 0)
        n++;
    *ret_n = n;
    return low;
}

size_t hy_dkim_keyset_count(const struct hy_dkim_keyset *set, struct hy_str domain)
{
    size_t n;
    hy_dkim_keyset_find(set, domain, &n);
    return n;
}
