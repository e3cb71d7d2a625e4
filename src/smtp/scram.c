/* One exchange of SCRAM-SHA-256, the server's side (RFC 5802 sections 5 to 7):
 *
 *     client-first = ("n" / "y" / "p=" cb-name) "," ["a=" saslname] "," bare
 *     bare         = "n=" saslname ",r=" nonce ["," extensions]
 *     challenge    = "r=" nonce server-nonce ",s=" salt ",i=" iterations
 *     client-final = "c=" base64 ",r=" nonce ["," extensions] ",p=" proof
 *     last         = "v=" signature */
#include "hayauma/smtp/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>

#include "hayauma/base/codec.h"

enum { KEY = HY_SCRAM_KEY_BYTES, FINAL_MAX = 3072, AUTH_MAX = 5200 };
_Static_assert(HY_SCRAM_FIRST_MAX + HY_SCRAM_CHALLENGE_MAX + FINAL_MAX + 2 <= AUTH_MAX,
               "what is signed has room");
_Static_assert(2 + HY_SCRAM_NONCE_MAX + 64 + 3 + HY_SCRAM_SALT_MAX * 4 / 3 + 4 + 3 + 10 <
                   HY_SCRAM_CHALLENGE_MAX,
               "a challenge has room");

/* "X=value" at the front of `*rest`, up to the next comma. */
static bool take_attribute(struct hy_str *rest, char name, struct hy_str *ret)
{
    struct hy_str piece;
    if (!rest->p || !hy_str_split(rest, ',', &piece) || piece.n < 2 || piece.p[0] != name ||
        piece.p[1] != '=')
        return false;
    *ret = hy_str_slice(piece, 2, piece.n);
    return true;
}

/* "=2C" is a comma, "=3D" an equals sign, any other is a mistake. 1..HY_SCRAM_USER_MAX bytes. */
static bool take_name(struct hy_str s, char out[HY_SCRAM_USER_MAX + 1], uint16_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        struct hy_str code = hy_str_slice(s, i, i + 3);
        if (n == HY_SCRAM_USER_MAX)
            return false;
        if (hy_str_eq(code, HY_STR("=2C")))
            c = ',';
        else if (c == '=' && !hy_str_eq(code, HY_STR("=3D")))
            return false;
        i += s.p[i] == '=' ? 2 : 0;
        out[n++] = c;
    }
    out[n] = '\0';
    *ret_n = (uint16_t)n;
    return n > 0;
}

static bool is_nonce(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ',')
            return false;
    return s.n > 0 && s.n <= HY_SCRAM_NONCE_MAX;
}

static int take_binding(struct hy_scram *x, struct hy_str flag, bool is_plus)
{
    static const struct {
        const char *name;
        enum hy_scram_binding binding;
    } known[] = {{"tls-exporter", HY_SCRAM_BINDING_EXPORTER},
                 {"tls-server-end-point", HY_SCRAM_BINDING_END_POINT},
                 {"tls-unique", HY_SCRAM_BINDING_UNIQUE}};
    /* "y": the client would bind, but saw no PLUS among what we offer, where it always is. */
    if (hy_str_eq(flag, HY_STR("y")))
        return HY_EAUTH;
    if (hy_str_eq(flag, HY_STR("n")))
        return is_plus ? HY_EAUTH : HY_OK;
    if (!hy_str_starts(flag, HY_STR("p=")))
        return HY_EPARSE;
    if (!is_plus)
        return HY_EAUTH;
    struct hy_str name = hy_str_slice(flag, 2, flag.n);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!hy_str_eq(name, hy_str_of(known[i].name)))
            continue;
        x->binding = known[i].binding;
        return HY_OK;
    }
    return HY_EUNSUPPORTED;
}

int hy_scram_client_first(struct hy_scram *x, struct hy_str message, bool is_plus)
{
    char other[HY_SCRAM_USER_MAX + 1];
    uint16_t other_n = 0;
    struct hy_str rest = message, flag, identity, value;
    *x = (struct hy_scram){0};
    if (message.n > HY_SCRAM_FIRST_MAX || memchr(message.p ? message.p : "", '\0', message.n))
        return HY_EPARSE;
    if (!hy_str_split(&rest, ',', &flag) || !rest.p || !hy_str_split(&rest, ',', &identity) ||
        !rest.p)
        return HY_EPARSE;
    int err = take_binding(x, flag, is_plus);
    if (err != HY_OK)
        return err;
    x->gs2_n = (uint16_t)(message.n - rest.n);
    if (hy_str_starts(rest, HY_STR("m=")))
        return HY_EUNSUPPORTED;
    if (!take_attribute(&rest, 'n', &value) || !take_name(value, x->user, &x->user_n) ||
        !take_attribute(&rest, 'r', &value) || !is_nonce(value))
        return HY_EPARSE;
    x->nonce_n = (uint16_t)value.n;
    if (identity.n && !hy_str_starts(identity, HY_STR("a=")))
        return HY_EPARSE;
    identity = hy_str_slice(identity, 2, identity.n); /* some clients say that it is empty */
    if (identity.n && !take_name(identity, other, &other_n))
        return HY_EPARSE;
    if (identity.n && !hy_str_eq(hy_str_make(other, other_n), hy_str_make(x->user, x->user_n)))
        return HY_EUNSUPPORTED;
    memcpy(x->challenge, "r=", 2);
    memcpy(x->challenge + 2, value.p, value.n);
    memcpy(x->first, message.p, message.n);
    x->first_n = (uint16_t)message.n;
    return HY_OK;
}

struct hy_str hy_scram_challenge(struct hy_scram *x, const struct hy_scram_verifier *v,
                                 struct hy_str nonce, struct hy_str data)
{
    char salt[HY_SCRAM_SALT_MAX * 4 / 3 + 4];
    size_t salt_n = hy_base64_encode(v->salt, v->salt_n, salt);
    size_t at = 2 + (size_t)x->nonce_n;
    nonce = hy_str_slice(nonce, 0, 64);
    data = hy_str_slice(data, 0, sizeof x->data);
    x->verifier = *v;
    x->data_n = (uint8_t)data.n;
    if (data.n)
        memcpy(x->data, data.p, data.n);
    at += (size_t)snprintf(x->challenge + at, sizeof x->challenge - at, "%.*s,s=%.*s,i=%u",
                           HY_STR_ARG(nonce), (int)salt_n, salt, v->iterations);
    x->nonce_n = (uint16_t)(x->nonce_n + nonce.n);
    x->challenge_n = (uint16_t)at;
    return hy_str_make(x->challenge, at);
}

/* The client says again how it began, and what it is bound to. */
static bool is_bound(const struct hy_scram *x, struct hy_str text)
{
    uint8_t got[FINAL_MAX];
    size_t n = 0;
    return hy_base64_decode(text, got, &n) == HY_OK && n == (size_t)x->gs2_n + x->data_n &&
           memcmp(got, x->first, x->gs2_n) == 0 &&
           CRYPTO_memcmp(got + x->gs2_n, x->data, x->data_n) == 0;
}

static bool sign(const uint8_t key[KEY], struct hy_str text, uint8_t out[KEY])
{
    unsigned n = KEY;
    return HMAC(EVP_sha256(), key, KEY, (const unsigned char *)text.p, text.n, out, &n) != NULL;
}

/* Who has the client's key can have made `proof`; the server's signature shows that we have ours.
 */
static int judge(struct hy_scram *x, struct hy_str said, const uint8_t proof[KEY])
{
    char all[AUTH_MAX], text[KEY * 4 / 3 + 4];
    uint8_t client[KEY], stored[KEY], server[KEY];
    int n = snprintf(all, sizeof all, "%.*s,%.*s,%.*s", x->first_n - x->gs2_n, x->first + x->gs2_n,
                     x->challenge_n, x->challenge, HY_STR_ARG(said));
    struct hy_str auth = hy_str_make(all, (size_t)n);
    if (!sign(x->verifier.stored_key, auth, client) || !sign(x->verifier.server_key, auth, server))
        return HY_ECRYPTO;
    for (size_t i = 0; i < KEY; i++)
        client[i] ^= proof[i];
    bool knows =
        SHA256(client, KEY, stored) && CRYPTO_memcmp(stored, x->verifier.stored_key, KEY) == 0;
    OPENSSL_cleanse(client, KEY);
    if (!knows)
        return HY_EAUTH;
    size_t text_n = hy_base64_encode(server, KEY, text);
    snprintf(x->last, sizeof x->last, "v=%.*s", (int)text_n, text);
    return HY_OK;
}

int hy_scram_client_final(struct hy_scram *x, struct hy_str message, struct hy_str *ret_last)
{
    struct hy_str rest, binding, nonce;
    uint8_t proof[KEY * 2];
    size_t at = message.n, proof_n = 0;
    if (message.n > FINAL_MAX || memchr(message.p ? message.p : "", '\0', message.n))
        return HY_EPARSE;
    while (at > 0 && message.p[at - 1] != ',')
        at--;
    struct hy_str tail = hy_str_slice(message, at, message.n);
    if (at == 0 || !hy_str_starts(tail, HY_STR("p=")) || tail.n > 2 + 4 * (KEY + 2) / 3 ||
        hy_base64_decode(hy_str_slice(tail, 2, tail.n), proof, &proof_n) != HY_OK || proof_n != KEY)
        return HY_EPARSE;
    struct hy_str said = hy_str_slice(message, 0, at - 1);
    rest = said;
    if (!take_attribute(&rest, 'c', &binding) || !take_attribute(&rest, 'r', &nonce))
        return HY_EPARSE;
    if (!is_bound(x, binding) || !hy_str_eq(nonce, hy_str_make(x->challenge + 2, x->nonce_n)))
        return HY_EAUTH;
    int err = judge(x, said, proof);
    if (err == HY_OK)
        *ret_last = hy_str_of(x->last);
    return err;
}
