/* Signed tokens. Bytes: campaign (8, big-endian), kind << 4 | key number (1), lead (varint), link
 * (varint, clicks, visits and confirmations only), SipHash-2-4 of all before it (8).
 * docs/decisions/0020 says why.
 */
#include "hayauma/mail/token.h"

#include "hayauma/base/bytes.h"
#include "hayauma/base/codec.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { HEAD = 9, MAC = 8, BODY_MAX = HEAD + 5 + 5, TOKEN_MAX = BODY_MAX + MAC };

static bool is_base32(enum hy_token_kind kind)
{
    return kind == HY_TOKEN_RETURN || kind == HY_TOKEN_MESSAGE;
}

static bool has_link(enum hy_token_kind kind)
{
    return kind == HY_TOKEN_CLICK || kind == HY_TOKEN_VISIT || kind == HY_TOKEN_CONFIRM;
}

int hy_token_keys_add(struct hy_token_keys *keys, unsigned no, struct hy_str secret)
{
    if (no >= HY_TOKEN_KEYS || secret.n < HY_TOKEN_SECRET_MIN || secret.n > 4096)
        return HY_EINVAL;
    uint8_t label[] = "hayauma token key 00", digest[EVP_MAX_MD_SIZE];
    label[sizeof label - 3] = (uint8_t)('0' + no / 10);
    label[sizeof label - 2] = (uint8_t)('0' + no % 10);
    unsigned digest_len = 0;
    if (!HMAC(EVP_sha256(), secret.p, (int)secret.n, label, sizeof label - 1, digest, &digest_len))
        return HY_ECRYPTO;
    keys->key[no] = (struct hy_hash_key){hy_get_le64(digest), hy_get_le64(digest + 8)};
    keys->present = (uint16_t)(keys->present | 1u << no);
    keys->current = (uint8_t)no;
    OPENSSL_cleanse(digest, sizeof digest);
    return HY_OK;
}

void hy_token_stem_init(struct hy_token_stem *stem, const struct hy_token_keys *keys,
                        enum hy_token_kind kind, hy_id campaign)
{
    stem->key = keys->key[keys->current];
    stem->kind = (uint8_t)kind;
    hy_put_be64(stem->head, campaign);
    stem->head[8] = (uint8_t)((unsigned)kind << 4 | keys->current);
    hy_base64url_encode(stem->head, HEAD, stem->text);
}

size_t hy_token_write(const struct hy_token_stem *stem, hy_lead_no lead, uint32_t link, char *out)
{
    uint8_t raw[TOKEN_MAX];
    memcpy(raw, stem->head, HEAD);
    size_t n = HEAD + hy_varint_put(raw + HEAD, lead);
    if (has_link(stem->kind))
        n += hy_varint_put(raw + n, link);
    hy_put_le64(raw + n, hy_siphash(&stem->key, raw, n));
    n += MAC;
    if (is_base32(stem->kind))
        return hy_base32_encode(raw, n, out);
    memcpy(out, stem->text, sizeof stem->text);
    return sizeof stem->text + hy_base64url_encode(raw + HEAD, n - HEAD, out + sizeof stem->text);
}

/* A number of up to 32 bits in its shortest form; 0 when it is none. */
static size_t take_u32(const uint8_t *p, size_t n, uint32_t *ret)
{
    uint64_t v;
    size_t used = hy_varint_get(p, n, &v);
    if (!used || v > UINT32_MAX || (used > 1 && p[used - 1] == 0))
        return 0;
    *ret = (uint32_t)v;
    return used;
}

int hy_token_read(const struct hy_token_keys *keys, enum hy_token_kind kind, struct hy_str text,
                  struct hy_token *ret)
{
    uint8_t raw[HY_TOKEN_TEXT_MAX + 3];
    size_t n;
    if (text.n > HY_TOKEN_TEXT_MAX)
        return HY_EPARSE;
    int err = is_base32(kind) ? hy_base32_decode(text, raw, &n) : hy_base64_decode(text, raw, &n);
    if (err)
        return err;
    if (n < HEAD + 1 + MAC || raw[8] >> 4 != (uint8_t)kind)
        return HY_EPARSE;
    size_t signed_len = n - MAC, at = HEAD;
    struct hy_token t = {.campaign = hy_get_be64(raw)};
    size_t used = take_u32(raw + at, signed_len - at, &t.lead);
    if (!used)
        return HY_EPARSE;
    at += used;
    if (has_link(kind)) {
        used = take_u32(raw + at, signed_len - at, &t.link);
        if (!used)
            return HY_EPARSE;
        at += used;
    }
    if (at != signed_len)
        return HY_EPARSE;
    unsigned no = raw[8] & 15;
    if (!(keys->present >> no & 1))
        return HY_EAUTH;
    uint64_t want = hy_siphash(&keys->key[no], raw, signed_len);
    if ((want ^ hy_get_le64(raw + signed_len)) != 0) /* one word: no early exit to time */
        return HY_EAUTH;
    *ret = t;
    return HY_OK;
}
