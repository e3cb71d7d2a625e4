/* The file of users: read once, looked up by hash. */
#include "hayauma/receive/users.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "hayauma/base/arena.h"
#include "hayauma/base/names.h"
#include "hayauma/base/rand.h"

enum {
    NAME_MAX_BYTES = 255,
    PASSWORD_MAX = 512,
    SCRAM_SALT_BYTES = 16,
    SCRAM_ITERATIONS = 65536, /* as many as Cyrus SASL, and so Postfix, is willing to compute */
};

struct hy_users {
    struct hy_arena arena;
    const struct hy_tenants *tenants;
    struct hy_user *items;
    size_t n, cap, n_scram;
    struct hy_names names;
};

const struct hy_user *hy_users_find(const struct hy_users *u, struct hy_str name)
{
    size_t at = u ? hy_names_find(&u->names, name) : SIZE_MAX;
    return at == SIZE_MAX ? NULL : &u->items[at];
}

void hy_users_count(const struct hy_users *u, size_t *ret_all, size_t *ret_scram)
{
    *ret_all = u->n;
    *ret_scram = u->n_scram;
}

bool hy_users_know_scram(const struct hy_users *u)
{
    return u && u->n && u->n_scram == u->n;
}

const struct hy_user *hy_users_like(const struct hy_users *u, const struct hy_hash_key *key,
                                    struct hy_str name)
{
    return u && u->n ? &u->items[hy_siphash(key, name.p, name.n) % u->n] : NULL;
}

bool hy_domain_rules_have(const char *const *rules, struct hy_str domain)
{
    for (const char *const *d = rules; *d; d++) {
        struct hy_str rule = hy_str_of(*d);
        if (hy_str_eq(rule, HY_STR("*")) || hy_str_ieq(rule, domain))
            return true;
        if (!hy_str_starts(rule, HY_STR("*.")) || domain.n < rule.n)
            continue;
        struct hy_str end = hy_str_slice(domain, domain.n - (rule.n - 1), domain.n);
        if (hy_str_ieq(end, hy_str_slice(rule, 1, rule.n)))
            return true;
    }
    return false;
}

bool hy_user_may_use(const struct hy_user *u, struct hy_str domain)
{
    return hy_domain_rules_have(u->domains, domain);
}

/* Weak methods (DES, MD5) and locked accounts ("!", "*") are mistakes here. */
static bool is_hash(const char *hash)
{
    return hash[0] == '$' && strlen(hash) < HY_USER_HASH_MAX &&
           crypt_checksalt(hash) == CRYPT_SALT_OK;
}

static int read_hash(struct hy_users *u, struct hy_str text, struct hy_user *user)
{
    struct hy_scram_verifier v, *kept;
    user->hash = hy_arena_str(&u->arena, text).p;
    if (!user->hash)
        return HY_ENOMEM;
    if (!hy_scram_is_verifier(text))
        return is_hash(user->hash) ? HY_OK : HY_EINVAL;
    if (hy_scram_verifier_parse(text, &v) != HY_OK)
        return HY_EINVAL;
    user->scram = kept = hy_arena_alloc(&u->arena, sizeof *kept);
    if (kept)
        *kept = v;
    return kept ? HY_OK : HY_ENOMEM;
}

static int read_domains(struct hy_users *u, struct hy_str text, struct hy_user *user)
{
    const char *list[HY_USER_DOMAINS_MAX + 1];
    size_t n = 0;
    struct hy_str piece;
    while (text.n && hy_str_split(&text, ',', &piece)) {
        piece = hy_str_trim(piece);
        if (piece.n == 0)
            continue;
        if (n == HY_USER_DOMAINS_MAX)
            return HY_ELIMIT;
        list[n] = hy_arena_str(&u->arena, piece).p;
        if (!list[n++])
            return HY_ENOMEM;
    }
    list[n] = NULL;
    const char **kept = hy_arena_alloc(&u->arena, (n + 1) * sizeof *kept);
    if (!kept)
        return HY_ENOMEM;
    memcpy(kept, list, (n + 1) * sizeof *kept);
    user->domains = kept;
    return n ? HY_OK : HY_EINVAL;
}

/* "name:hash:domains[:tenant]" */
static int read_user(struct hy_users *u, struct hy_str line, const char *file, unsigned no,
                     struct hy_diag *diag, struct hy_user *ret)
{
    struct hy_str fields[4] = {{0}}, piece;
    size_t n = 0;
    while (n < 4 && line.p && hy_str_split(&line, ':', &piece))
        fields[n++] = hy_str_trim(piece);
    struct hy_str name = fields[0];
    if (n < 3 || line.p)
        return hy_fail(diag, HY_EINVAL, "%s:%u: a line is name:hash:domain,domain[:tenant]", file,
                       no);
    if (name.n == 0 || name.n > NAME_MAX_BYTES || !hy_str_is_utf8(name))
        return hy_fail(diag, HY_EINVAL, "%s:%u: the name is empty, too long or not UTF-8", file,
                       no);
    struct hy_user user = {.tenant = fields[3].n ? hy_tenant_find(u->tenants, fields[3])
                                                 : hy_tenant_by_number(u->tenants, 0)};
    if (!user.tenant)
        return hy_fail(diag, HY_EINVAL,
                       "%s:%u: there is no tenant '%.*s' under 'tenants' in hayauma.yaml", file, no,
                       HY_STR_ARG(fields[3]));
    user.name = hy_arena_str(&u->arena, name).p;
    int err = user.name ? read_hash(u, fields[1], &user) : HY_ENOMEM;
    if (err == HY_EINVAL)
        return hy_fail(diag, HY_EINVAL,
                       "%s:%u: the hash of %s is of no method that is strong enough: make one with "
                       "'hayauma password'",
                       file, no, user.name);
    if (err == HY_OK)
        err = read_domains(u, fields[2], &user);
    if (err == HY_EINVAL || err == HY_ELIMIT)
        return hy_fail(diag, err, "%s:%u: %s may use no domain, or more than %d", file, no,
                       user.name, HY_USER_DOMAINS_MAX);
    *ret = user;
    return err;
}

static int add(struct hy_users *u, const struct hy_user *user)
{
    if (u->n == u->cap) {
        size_t cap = u->cap ? 2 * u->cap : 64;
        struct hy_user *more = realloc(u->items, cap * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        u->items = more;
        u->cap = cap;
    }
    if (u->n == HY_USERS_MAX)
        return HY_ELIMIT;
    u->items[u->n++] = *user;
    u->n_scram += user->scram != NULL;
    return HY_OK;
}

static int index_all(struct hy_users *u, const char *file, struct hy_diag *diag)
{
    size_t twice = 0;
    if (u->n == 0)
        return HY_OK;
    int err = hy_names_build(&u->names, &u->items[0].name, sizeof *u->items, u->n, &twice);
    if (err == HY_EEXIST)
        return hy_fail(diag, HY_EINVAL, "%s: %s is there twice", file, u->items[twice].name);
    return err;
}

int hy_users_read(struct hy_str text, const struct hy_tenants *tenants, const char *file,
                  struct hy_diag *diag, struct hy_users **ret)
{
    struct hy_users *u = calloc(1, sizeof *u);
    struct hy_str line;
    unsigned no = 0;
    int err = u ? HY_OK : HY_ENOMEM;
    if (u) {
        u->arena = HY_ARENA_INIT(64 << 20);
        u->tenants = tenants;
    }
    while (err == HY_OK && text.n && hy_str_split(&text, '\n', &line)) {
        struct hy_user user;
        no++;
        line = hy_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        err = read_user(u, line, file, no, diag, &user);
        if (err == HY_OK)
            err = add(u, &user);
    }
    if (err == HY_OK)
        err = index_all(u, file, diag);
    if (err != HY_OK) {
        hy_users_free(u);
        return err;
    }
    *ret = u;
    return HY_OK;
}

void hy_users_free(struct hy_users *u)
{
    if (!u)
        return;
    hy_arena_free(&u->arena);
    free(u->items);
    hy_names_free(&u->names);
    free(u);
}

int hy_user_hash(struct hy_str password, char *out)
{
    char text[PASSWORD_MAX + 1], salt[CRYPT_GENSALT_OUTPUT_SIZE];
    if (password.n == 0 || password.n > PASSWORD_MAX || memchr(password.p, '\0', password.n))
        return HY_EINVAL;
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data)
        return HY_ENOMEM;
    memcpy(text, password.p, password.n);
    text[password.n] = '\0';
    const char *hash =
        crypt_gensalt_rn(NULL, 0, NULL, 0, salt, sizeof salt) ? crypt_r(text, salt, data) : NULL;
    int err = hash && hash[0] == '$' && strlen(hash) < HY_USER_HASH_MAX ? HY_OK : HY_ECRYPTO;
    if (err == HY_OK)
        memcpy(out, hash, strlen(hash) + 1);
    explicit_bzero(text, sizeof text);
    explicit_bzero(data, sizeof *data);
    free(data);
    return err;
}

int hy_user_scram(struct hy_str password, char *out)
{
    uint8_t salt[SCRAM_SALT_BYTES];
    struct hy_scram_verifier v;
    if (password.n > PASSWORD_MAX)
        return HY_EINVAL;
    int err = hy_rand_bytes(salt, sizeof salt);
    if (err == HY_OK)
        err =
            hy_scram_verifier_make(password, hy_str_make(salt, sizeof salt), SCRAM_ITERATIONS, &v);
    if (err == HY_OK)
        hy_scram_verifier_format(&v, out);
    explicit_bzero(&v, sizeof v);
    return err;
}

bool hy_user_has(const struct hy_user *u, const char *password, struct crypt_data *room)
{
    if (u->scram)
        return hy_scram_verifier_has(u->scram, hy_str_of(password));
    const char *got = crypt_r(password, u->hash, room);
    bool has = got && got[0] == '$' && strlen(got) == strlen(u->hash) &&
               CRYPTO_memcmp(got, u->hash, strlen(got)) == 0;
    explicit_bzero(room, sizeof *room);
    return has;
}
