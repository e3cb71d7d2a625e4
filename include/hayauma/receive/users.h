/* Who may hand messages in: a file of names and salted hashes. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/str.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/smtp/scram.h"

enum { HY_USERS_MAX = 65536, HY_USER_HASH_MAX = 300, HY_USER_DOMAINS_MAX = 256 };
_Static_assert((int)HY_SCRAM_VERIFIER_TEXT_MAX <= (int)HY_USER_HASH_MAX, "verifiers have room");

struct hy_user {
    const char *name; /* 1..255 bytes of UTF-8 without ':' */
    const char *hash; /* as crypt(5) writes it: yescrypt, scrypt, bcrypt, SHA-512 ...;
                         or a verifier of smtp/scram.h, */
    const struct hy_scram_verifier *scram; /* and then this, else NULL */
    const char *const *domains; /* that From and the sender may have, ended by NULL; "*" = any,
                                   "*.example.net" = below it */
    const struct hy_tenant *tenant;
};
struct hy_users; /* immutable */

/* Lines "name:hash:domain,domain:tenant"; the tenant, by its name or number, may be left out (0);
 * empty ones and those that begin with # are passed over. `file` is for the notes; `tenants` must
 * outlive them. HY_EINVAL: a line is wrong, a name is there twice, a hash is of a method that is
 * too weak or not known, there is no such tenant; HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_users_read(struct hy_str text, const struct hy_tenants *tenants,
                              const char *file, struct hy_diag *diag, struct hy_users **ret);
void hy_users_free(struct hy_users *u);
/* How many there are, and how many of them have a verifier. Any thread. */
void hy_users_count(const struct hy_users *u, size_t *ret_all, size_t *ret_scram);
/* Whether each of them has a verifier. Clients choose SCRAM whenever it is offered, and nobody
 * whose password is kept otherwise could get in. NULL: false. Any thread. */
bool hy_users_know_scram(const struct hy_users *u);
/* Somebody who is there, for work in the name of one who is not: the same for the same key, name
 * and file. NULL: there is nobody. Any thread. */
const struct hy_user *hy_users_like(const struct hy_users *u, const struct hy_hash_key *key,
                                    struct hy_str name);
/* NULL when there is none. Any thread. */
const struct hy_user *hy_users_find(const struct hy_users *u, struct hy_str name);
/* Whether its own line allows the domain; that its tenant may, too, is asked of hy_tenant_may_use.
 * Any thread. */
bool hy_user_may_use(const struct hy_user *u, struct hy_str domain);
/* Whether one of the rules, ended by NULL, allows the domain: see hy_user.domains. Any thread. */
bool hy_domain_rules_have(const char *const *rules, struct hy_str domain);
/* A new hash of a password by the best method the system has; `out` holds HY_USER_HASH_MAX bytes.
 * HY_EINVAL: it cannot be hashed (empty, a NUL inside, > 512 bytes). Takes tens of milliseconds. */
HY_MUST_USE int hy_user_hash(struct hy_str password, char *out);
/* The same for SCRAM; HY_EINVAL also when the password is not all printable ASCII. */
HY_MUST_USE int hy_user_scram(struct hy_str password, char *out);
/* Whether it is the user's. Takes tens of milliseconds. `room` is overwritten. Any thread. */
struct crypt_data;
bool hy_user_has(const struct hy_user *u, const char *password, struct crypt_data *room);
