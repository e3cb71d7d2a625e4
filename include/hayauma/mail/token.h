/* Signed per-recipient tokens: which campaign, lead and link a click, open, visit, unsubscribe,
 * bounce or Message-ID is about, without a lookup and without a way to forge one. A token never
 * holds a URL: the link number is looked up in the campaign, so a token cannot redirect elsewhere.
 */
#pragma once
#include "hayauma/base/hash.h"
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"

/* Also in the signed bytes: never renumber. */
enum hy_token_kind {
    HY_TOKEN_CLICK = 1,       /* base64url, with a link number */
    HY_TOKEN_OPEN = 2,        /* base64url */
    HY_TOKEN_UNSUBSCRIBE = 3, /* base64url */
    HY_TOKEN_RETURN = 4,      /* VERP local part: base32, any case when read */
    HY_TOKEN_MESSAGE = 5,     /* left part of a Message-ID: base32, any case when read */
    HY_TOKEN_VISIT = 6,       /* base64url, with a link number: who comes from a mail to the site */
    HY_TOKEN_CONFIRM = 7,     /* base64url, `campaign` is a request to join list `link` */
};

enum {
    HY_TOKEN_TEXT_MAX = 40,   /* characters of any token; fits a local part with room to spare */
    HY_TOKEN_KEYS = 16,       /* keys of a store, named 0..15 */
    HY_TOKEN_SECRET_MIN = 16, /* bytes of a store's secret */
};

struct hy_token {
    hy_id campaign;
    hy_lead_no lead;
    uint32_t link; /* number of the link in its campaign, or of a list; 0 of kinds that have none */
};

/* The keys of a store. New tokens use the current one; the others still verify, so a key can be
 * replaced while old mail is around. Immutable once filled: any thread. */
struct hy_token_keys {
    struct hy_hash_key key[HY_TOKEN_KEYS];
    uint16_t present; /* bit i: key[i] verifies */
    uint8_t current;  /* signs */
};

/* Derives key `no` (0..15) from the store's secret by HMAC-SHA256, and makes it current. HY_EINVAL
 * when the secret is shorter than HY_TOKEN_SECRET_MIN or `no` is out of range; HY_ECRYPTO. */
HY_MUST_USE int hy_token_keys_add(struct hy_token_keys *keys, unsigned no, struct hy_str secret);

/* What all tokens of one kind and campaign share, encoded once. Immutable: any thread. */
struct hy_token_stem {
    struct hy_hash_key key;
    uint8_t head[9]; /* campaign, then kind and key number */
    uint8_t kind;
    char text[12]; /* head in base64url: 9 bytes are 12 characters */
};
void hy_token_stem_init(struct hy_token_stem *stem, const struct hy_token_keys *keys,
                        enum hy_token_kind kind, hy_id campaign);
/* Writes the token of a lead (and link, for kinds that have one; otherwise ignored) to `out`, of at
 * least HY_TOKEN_TEXT_MAX bytes, without a NUL; returns its length. Hot path. */
size_t hy_token_write(const struct hy_token_stem *stem, hy_lead_no lead, uint32_t link, char *out);

/* Reads a token of the kind expected at that place. HY_EPARSE when it is no token or of another
 * kind, HY_EAUTH when its key is not present or its signature is wrong (compared in constant
 * time). Any thread. */
HY_MUST_USE int hy_token_read(const struct hy_token_keys *keys, enum hy_token_kind kind,
                              struct hy_str text, struct hy_token *ret);
