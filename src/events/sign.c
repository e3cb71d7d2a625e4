/* Signatures of webhooks, as Standard Webhooks (www.standardwebhooks.com) has them: HMAC-SHA256
 * over the id, the time and the body, so that none of them can be replaced by itself. */
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <stdio.h>

#include "events.h"
#include "hayauma/base/codec.h"

enum { DIGEST = 32 };

static bool digest(EVP_MAC *mac, const struct hy_events_secret *s, struct hy_str head,
                   struct hy_str body, uint8_t out[DIGEST])
{
    char name[] = "SHA256";
    size_t n = 0;
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    bool is_good = ctx && EVP_MAC_init(ctx, s->bytes, s->n, params) &&
                   EVP_MAC_update(ctx, (const uint8_t *)head.p, head.n) &&
                   EVP_MAC_update(ctx, (const uint8_t *)body.p, body.n) &&
                   EVP_MAC_final(ctx, out, &n, DIGEST) && n == DIGEST;
    EVP_MAC_CTX_free(ctx);
    return is_good;
}

int hook_sign(const struct hy_events_webhook *w, struct hy_str id, int64_t timestamp_s,
              struct hy_str body, struct hy_buf *out)
{
    char head[128], text[(DIGEST + 2) / 3 * 4];
    uint8_t mac_bytes[DIGEST];
    int n = snprintf(head, sizeof head, "%.*s.%ld.", HY_STR_ARG(id), timestamp_s);
    if (n < 0 || (size_t)n >= sizeof head)
        return HY_EINVAL;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    bool is_good = mac != NULL;
    for (size_t i = 0; i < w->n_secrets && is_good; i++) {
        is_good = digest(mac, &w->secrets[i], hy_str_make(head, (size_t)n), body, mac_bytes);
        hy_buf_add_str(out, i ? HY_STR(" v1,") : HY_STR("v1,"));
        hy_buf_add(out, text, hy_base64_encode(mac_bytes, DIGEST, text));
    }
    EVP_MAC_free(mac);
    return is_good ? out->err : HY_ECRYPTO;
}
