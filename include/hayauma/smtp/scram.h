/* SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677): what is kept of a password for it, and the server's
 * side of an exchange. Pure: salts and nonces come in.
 *
 *     client_first -> whose verifier? -> challenge -> client_final
 *
 * Names and passwords are taken as the bytes that they are: SASLprep (RFC 4013) leaves printable
 * ASCII as it is, and a verifier is made of no other password. */
#pragma once
#include "hayauma/base/str.h"

enum {
    HY_SCRAM_KEY_BYTES = 32,
    HY_SCRAM_SALT_MIN = 8,
    HY_SCRAM_SALT_MAX = 64,
    HY_SCRAM_ITERATIONS_MIN = 4096, /* RFC 7677 section 4 */
    HY_SCRAM_ITERATIONS_MAX = 1000000,
    HY_SCRAM_VERIFIER_TEXT_MAX = 256,
    HY_SCRAM_USER_MAX = 255,
    HY_SCRAM_NONCE_MAX = 256,  /* of the client */
    HY_SCRAM_FIRST_MAX = 1536, /* what the client says first */
    HY_SCRAM_BINDING_MAX = 64,
    HY_SCRAM_CHALLENGE_MAX = 512,
    HY_SCRAM_LAST_MAX = 64,
};

/* ---- verifiers ---- */

struct hy_scram_verifier {
    uint32_t iterations; /* HY_SCRAM_ITERATIONS_MIN..MAX */
    uint8_t salt_n;      /* HY_SCRAM_SALT_MIN..MAX */
    uint8_t salt[HY_SCRAM_SALT_MAX];
    uint8_t stored_key[HY_SCRAM_KEY_BYTES], server_key[HY_SCRAM_KEY_BYTES];
};
/* Whether the text claims to be a verifier: "$scram-sha-256$...". */
bool hy_scram_is_verifier(struct hy_str text);
/* "$scram-sha-256$ITERATIONS$SALT$STOREDKEY$SERVERKEY", all but the number in base64. HY_EPARSE;
 * HY_ELIMIT: too few or many iterations, too short or long a salt. */
HY_MUST_USE int hy_scram_verifier_parse(struct hy_str text, struct hy_scram_verifier *ret);
/* The same as text, with its NUL. */
void hy_scram_verifier_format(const struct hy_scram_verifier *v,
                              char out[HY_SCRAM_VERIFIER_TEXT_MAX]);
/* HY_EINVAL: the password is empty or has something else than printable ASCII; HY_ELIMIT as above;
 * HY_ECRYPTO. Costs `iterations` HMACs. */
HY_MUST_USE int hy_scram_verifier_make(struct hy_str password, struct hy_str salt,
                                       uint32_t iterations, struct hy_scram_verifier *ret);
/* Whether it was made of this password; costs as much as making it. */
bool hy_scram_verifier_has(const struct hy_scram_verifier *v, struct hy_str password);
/* What `user`, who does not exist, is told: the salt is always the same for the same key and as
 * long as that of `like`, the iterations are those of `like`, and no password is right. */
HY_MUST_USE int hy_scram_verifier_pretend(struct hy_str key, struct hy_str user,
                                          const struct hy_scram_verifier *like,
                                          struct hy_scram_verifier *ret);

/* ---- an exchange ---- */

/* To what of the TLS session the client ties its proof. */
enum hy_scram_binding {
    HY_SCRAM_BINDING_NONE = 0,
    HY_SCRAM_BINDING_UNIQUE,    /* tls-unique (RFC 5929), TLS 1.2 */
    HY_SCRAM_BINDING_END_POINT, /* tls-server-end-point (RFC 5929) */
    HY_SCRAM_BINDING_EXPORTER,  /* tls-exporter (RFC 9266) */
};

struct hy_scram { /* private, but for user and binding */
    enum hy_scram_binding binding;
    uint16_t user_n, first_n, gs2_n, nonce_n, challenge_n;
    uint8_t data_n;
    uint8_t data[HY_SCRAM_BINDING_MAX]; /* of the binding */
    struct hy_scram_verifier verifier;
    char user[HY_SCRAM_USER_MAX + 1];
    char first[HY_SCRAM_FIRST_MAX];
    char challenge[HY_SCRAM_CHALLENGE_MAX];
    char last[HY_SCRAM_LAST_MAX];
};

/* `is_plus`: the mechanism was SCRAM-SHA-256-PLUS, which is always offered beside the other.
 * HY_EPARSE: the message follows no grammar, or is too long; HY_EUNSUPPORTED: another identity, an
 * extension that we must know, an unknown binding; HY_EAUTH: the binding and the mechanism
 * contradict each other, so that somebody between us changed what is offered. */
HY_MUST_USE int hy_scram_client_first(struct hy_scram *x, struct hy_str message, bool is_plus);
/* What the server says then; a view that lives as long as `x`. `nonce`: 18..64 printable characters
 * without comma, never used before. `data`: of the binding, empty without one. */
struct hy_str hy_scram_challenge(struct hy_scram *x, const struct hy_scram_verifier *v,
                                 struct hy_str nonce, struct hy_str data);
/* HY_OK: the client knows the password, and *ret_last is to be said, a view as above. HY_EPARSE;
 * HY_EAUTH: it does not, or the nonce or the binding is another; HY_ECRYPTO. */
HY_MUST_USE int hy_scram_client_final(struct hy_scram *x, struct hy_str message,
                                      struct hy_str *ret_last);
