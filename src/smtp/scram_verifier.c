/* Verifiers of SCRAM-SHA-256 (RFC 5802 section 3):
 *
 *     SaltedPassword = PBKDF2-HMAC-SHA-256(password, salt, iterations)
 *     StoredKey      = SHA-256(HMAC(SaltedPassword, "Client Key"))
 *     ServerKey      = HMAC(SaltedPassword, "Server Key") */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "hayauma/base/codec.h"
#include "hayauma/smtp/scram.h"

#define PREFIX "$scram-sha-256$"

enum { KEY = HY_SCRAM_KEY_BYTES, PASSWORD_MAX = 1024, FIELD_MAX = 128 };

bool hy_scram_is_verifier(struct hy_str text)
{
    return hy_str_starts(text, HY_STR(PREFIX));
}

/* ---- text ---- */

/* The next field, decoded; false when it is none or too long. */
static bool take_bytes(struct hy_str *rest, uint8_t *out, size_t most, size_t *ret_n)
{
    uint8_t bytes[FIELD_MAX + 3];
    struct hy_str piece;
    size_t n = 0;
    if (!rest->p || !hy_str_split(rest, '$', &piece) || piece.n > FIELD_MAX ||
        hy_base64_decode(piece, bytes, &n) != HY_OK || n > most)
        return false;
    memcpy(out, bytes, n);
    *ret_n = n;
    return true;
}

int hy_scram_verifier_parse(struct hy_str text, struct hy_scram_verifier *ret)
{
    struct hy_scram_verifier v = {0};
    struct hy_str piece;
    uint64_t iterations;
    size_t salt_n = 0, stored_n = 0, server_n = 0;
    if (!hy_scram_is_verifier(text))
        return HY_EPARSE;
    text = hy_str_slice(text, sizeof PREFIX - 1, text.n);
    if (!hy_str_split(&text, '$', &piece) || hy_str_to_u64(piece, UINT32_MAX, &iterations) != HY_OK)
        return HY_EPARSE;
    if (!take_bytes(&text, v.salt, sizeof v.salt, &salt_n) ||
        !take_bytes(&text, v.stored_key, KEY, &stored_n) ||
        !take_bytes(&text, v.server_key, KEY, &server_n) || text.p || stored_n != KEY ||
        server_n != KEY)
        return HY_EPARSE;
    if (iterations < HY_SCRAM_ITERATIONS_MIN || iterations > HY_SCRAM_ITERATIONS_MAX ||
        salt_n < HY_SCRAM_SALT_MIN)
        return HY_ELIMIT;
    v.iterations = (uint32_t)iterations;
    v.salt_n = (uint8_t)salt_n;
    *ret = v;
    return HY_OK;
}

void hy_scram_verifier_format(const struct hy_scram_verifier *v,
                              char out[HY_SCRAM_VERIFIER_TEXT_MAX])
{
    char salt[FIELD_MAX], stored[FIELD_MAX], server[FIELD_MAX];
    size_t salt_n = hy_base64_encode(v->salt, v->salt_n, salt);
    size_t stored_n = hy_base64_encode(v->stored_key, KEY, stored);
    size_t server_n = hy_base64_encode(v->server_key, KEY, server);
    snprintf(out, HY_SCRAM_VERIFIER_TEXT_MAX, PREFIX "%u$%.*s$%.*s$%.*s", v->iterations,
             (int)salt_n, salt, (int)stored_n, stored, (int)server_n, server);
}

/* ---- passwords ---- */

static bool hmac(struct hy_str key, struct hy_str text, uint8_t out[KEY])
{
    unsigned n = KEY;
    return HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)text.p, text.n, out, &n) !=
           NULL;
}

/* SASLprep changes nothing of these, and forbids control characters. */
static bool is_plain(struct hy_str password)
{
    for (size_t i = 0; i < password.n; i++)
        if (password.p[i] < ' ' || password.p[i] > '~')
            return false;
    return password.n > 0 && password.n <= PASSWORD_MAX;
}

int hy_scram_verifier_make(struct hy_str password, struct hy_str salt, uint32_t iterations,
                           struct hy_scram_verifier *ret)
{
    struct hy_scram_verifier v = {.iterations = iterations, .salt_n = (uint8_t)salt.n};
    uint8_t salted[KEY], client[KEY];
    if (!is_plain(password))
        return HY_EINVAL;
    if (salt.n < HY_SCRAM_SALT_MIN || salt.n > HY_SCRAM_SALT_MAX ||
        iterations < HY_SCRAM_ITERATIONS_MIN || iterations > HY_SCRAM_ITERATIONS_MAX)
        return HY_ELIMIT;
    memcpy(v.salt, salt.p, salt.n);
    struct hy_str key = hy_str_make(salted, KEY);
    bool good = PKCS5_PBKDF2_HMAC(password.p, (int)password.n, v.salt, v.salt_n, (int)iterations,
                                  EVP_sha256(), KEY, salted) == 1 &&
                hmac(key, HY_STR("Client Key"), client) &&
                SHA256(client, KEY, v.stored_key) != NULL &&
                hmac(key, HY_STR("Server Key"), v.server_key);
    OPENSSL_cleanse(salted, KEY);
    OPENSSL_cleanse(client, KEY);
    if (!good)
        return HY_ECRYPTO;
    *ret = v;
    return HY_OK;
}

bool hy_scram_verifier_has(const struct hy_scram_verifier *v, struct hy_str password)
{
    struct hy_scram_verifier w;
    int err = hy_scram_verifier_make(password, hy_str_make(v->salt, v->salt_n), v->iterations, &w);
    bool has = err == HY_OK && CRYPTO_memcmp(w.stored_key, v->stored_key, KEY) == 0;
    OPENSSL_cleanse(&w, sizeof w);
    return has;
}

int hy_scram_verifier_pretend(struct hy_str key, struct hy_str user,
                              const struct hy_scram_verifier *like, struct hy_scram_verifier *ret)
{
    struct hy_scram_verifier v = {.iterations = like->iterations, .salt_n = like->salt_n};
    uint8_t base[KEY];
    struct hy_str from = hy_str_make(base, KEY);
    bool good = hmac(key, user, base) && hmac(from, HY_STR("salt 1"), v.salt) &&
                hmac(from, HY_STR("salt 2"), v.salt + KEY) &&
                hmac(from, HY_STR("no client has it"), v.stored_key) &&
                hmac(from, HY_STR("nor this"), v.server_key);
    OPENSSL_cleanse(base, KEY);
    if (!good)
        return HY_ECRYPTO;
    *ret = v;
    return HY_OK;
}
