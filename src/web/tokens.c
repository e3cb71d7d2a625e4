/* The file of tokens. A secret of 256 random bits needs no slow hash: HMAC-SHA256 over a salt of
 * its own keeps a file that leaks from being used, and costs a request next to nothing. */
#include "hayauma/web/tokens.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <time.h>

#include "hayauma/base/arena.h"
#include "hayauma/base/codec.h"
#include "hayauma/base/names.h"
#include "hayauma/base/rand.h"
#include "hayauma/receive/users.h"

/*  token = "hy_" id "_" secret          id, secret: base32 of 8 and 32 bytes
 *  hash  = "hmac-sha256$" hex(salt) "$" hex(HMAC-SHA256(salt, secret)) */

enum { ID_BYTES = 8, SECRET_BYTES = 32, ID_CHARS = 13, SECRET_CHARS = 52 };
#define PREFIX "hy_"
#define METHOD "hmac-sha256$"

struct hy_api_tokens {
    struct hy_arena arena;
    struct hy_api_token *items;
    size_t n, cap;
    struct hy_names names;
};

static const struct {
    enum hy_scope scope;
    const char *name;
} scopes[] = {
    {HY_SCOPE_MESSAGES_SEND, "messages:send"},
    {HY_SCOPE_MESSAGES_READ, "messages:read"},
    {HY_SCOPE_SUPPRESSIONS_READ, "suppressions:read"},
    {HY_SCOPE_SUPPRESSIONS_WRITE, "suppressions:write"},
    {HY_SCOPE_LEADS_READ, "leads:read"},
    {HY_SCOPE_LEADS_WRITE, "leads:write"},
    {HY_SCOPE_EVENTS_READ, "events:read"},
    {HY_SCOPE_TEMPLATES_READ, "templates:read"},
    {HY_SCOPE_TEMPLATES_WRITE, "templates:write"},
    {HY_SCOPE_ADMIN, "admin"},
};
enum { N_SCOPES = sizeof scopes / sizeof *scopes };

const char *hy_scope_name(enum hy_scope s)
{
    for (size_t i = 0; i < N_SCOPES; i++)
        if (scopes[i].scope == s)
            return scopes[i].name;
    return "?";
}

int hy_scopes_parse(struct hy_str text, unsigned *ret_scopes)
{
    unsigned all = 0;
    struct hy_str word;
    while (text.n && hy_str_split(&text, ',', &word)) {
        unsigned found = 0;
        for (size_t i = 0; i < N_SCOPES; i++)
            if (hy_str_eq(word, hy_str_of(scopes[i].name)))
                found = scopes[i].scope;
        if (!found)
            return HY_EINVAL;
        all |= found;
    }
    if (!all)
        return HY_EINVAL;
    *ret_scopes = all;
    return HY_OK;
}

void hy_scopes_put(unsigned set, struct hy_buf *out)
{
    const char *between = "";
    for (size_t i = 0; i < N_SCOPES; i++) {
        if (!(set & scopes[i].scope))
            continue;
        hy_buf_printf(out, "%s%s", between, scopes[i].name);
        between = ",";
    }
}

/* ---- finding ---- */

static const struct hy_api_token *find_id(const struct hy_api_tokens *t, struct hy_str id)
{
    size_t at = hy_names_find(&t->names, id);
    return at == SIZE_MAX ? NULL : &t->items[at];
}

static bool make_hash(const uint8_t salt[16], struct hy_str secret, uint8_t out[32])
{
    unsigned n = 32;
    return HMAC(EVP_sha256(), salt, 16, (const unsigned char *)secret.p, secret.n, out, &n) != NULL;
}

const struct hy_api_token *hy_api_tokens_find(const struct hy_api_tokens *t, struct hy_str shown,
                                              hy_wall_ms now)
{
    static const uint8_t no_salt[16], nobody[32];
    const size_t prefix_n = sizeof PREFIX - 1;
    uint8_t got[32];
    if (!t || t->n == 0 || shown.n != prefix_n + ID_CHARS + 1 + SECRET_CHARS ||
        !hy_str_starts(shown, HY_STR(PREFIX)) || shown.p[prefix_n + ID_CHARS] != '_')
        return NULL;
    struct hy_str id = hy_str_slice(shown, prefix_n, prefix_n + ID_CHARS);
    struct hy_str secret = hy_str_slice(shown, prefix_n + ID_CHARS + 1, shown.n);
    const struct hy_api_token *x = find_id(t, id);
    bool good = make_hash(x ? x->salt : no_salt, secret, got) &&
                CRYPTO_memcmp(got, x ? x->hash : nobody, sizeof got) == 0;
    if (!x || !good || (x->expires && x->expires <= now))
        return NULL;
    return x;
}

bool hy_api_token_may_use(const struct hy_api_token *t, struct hy_str domain)
{
    return hy_domain_rules_have(t->domains, domain);
}

size_t hy_api_tokens_count(const struct hy_api_tokens *t)
{
    return t ? t->n : 0;
}

const struct hy_api_token *hy_api_tokens_at(const struct hy_api_tokens *t, size_t i)
{
    return &t->items[i];
}

/* ---- reading ---- */

/* "2027-04-01": its beginning in UTC; "-": never. */
static int read_day(struct hy_str text, hy_wall_ms *ret)
{
    struct tm tm = {0};
    char room[16];
    if (hy_str_eq(text, HY_STR("-"))) {
        *ret = 0;
        return HY_OK;
    }
    if (text.n != 10)
        return HY_EINVAL;
    snprintf(room, sizeof room, "%.*s", HY_STR_ARG(text));
    const char *end = strptime(room, "%Y-%m-%d", &tm);
    if (!end || *end)
        return HY_EINVAL;
    *ret = (hy_wall_ms)timegm(&tm) * 1000;
    return *ret > 0 ? HY_OK : HY_EINVAL;
}

static int read_hash(struct hy_str text, struct hy_api_token *t)
{
    struct hy_str rest = text, salt;
    size_t n = 0;
    if (!hy_str_starts(text, HY_STR(METHOD)))
        return HY_EINVAL;
    rest = hy_str_slice(rest, sizeof METHOD - 1, rest.n);
    if (!hy_str_split(&rest, '$', &salt) || salt.n != 2 * sizeof t->salt ||
        rest.n != 2 * sizeof t->hash)
        return HY_EINVAL;
    if (hy_hex_decode(salt, t->salt, &n) != HY_OK || hy_hex_decode(rest, t->hash, &n) != HY_OK)
        return HY_EINVAL;
    return HY_OK;
}

static int read_domains(struct hy_arena *arena, struct hy_str text, struct hy_api_token *t)
{
    const char *list[HY_TOKEN_DOMAINS_MAX + 1];
    size_t n = 0;
    struct hy_str piece;
    while (text.n && hy_str_split(&text, ',', &piece)) {
        if (piece.n == 0)
            return HY_EINVAL;
        if (n == HY_TOKEN_DOMAINS_MAX)
            return HY_ELIMIT;
        list[n] = hy_arena_str(arena, piece).p;
        if (!list[n++])
            return HY_ENOMEM;
    }
    list[n] = NULL;
    const char **kept = hy_arena_alloc(arena, (n + 1) * sizeof *kept);
    if (!kept)
        return HY_ENOMEM;
    memcpy(kept, list, (n + 1) * sizeof *kept);
    t->domains = kept;
    return n ? HY_OK : HY_EINVAL;
}

static struct hy_str next_word(struct hy_str *rest)
{
    struct hy_str word = {0};
    *rest = hy_str_trim(*rest);
    if (rest->n && !hy_str_split(rest, ' ', &word))
        return (struct hy_str){0};
    return word;
}

static int read_token(struct hy_arena *arena, const struct hy_tenants *tenants, struct hy_str line,
                      struct hy_diag *diag, struct hy_api_token *ret)
{
    struct hy_api_token t = {0};
    struct hy_str rest = line, id = next_word(&rest), hash = next_word(&rest),
                  words = next_word(&rest), domains = next_word(&rest), no = next_word(&rest),
                  day = next_word(&rest), name = hy_str_trim(rest);
    if (name.n == 0)
        return hy_fail(diag, HY_EINVAL,
                       "a line is ID HASH SCOPES DOMAINS TENANT EXPIRES NAME: make one with "
                       "'hayauma token create'");
    if (id.n != ID_CHARS)
        return hy_fail(diag, HY_EINVAL, "'%.*s' is no id of a token", HY_STR_ARG(id));
    if (name.n > HY_API_TOKEN_NAME_MAX || !hy_str_is_utf8(name))
        return hy_fail(diag, HY_EINVAL, "the name is too long or not UTF-8");
    if (read_hash(hash, &t) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "the hash is none that 'hayauma token create' makes");
    if (hy_scopes_parse(words, &t.scopes) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "'%.*s': scopes are messages:send,messages:read ...",
                       HY_STR_ARG(words));
    if (tenants && !(t.tenant = hy_tenant_find(tenants, no)))
        return hy_fail(diag, HY_EINVAL, "there is no tenant '%.*s' under 'tenants' in hayauma.yaml",
                       HY_STR_ARG(no));
    if (read_day(day, &t.expires) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "'%.*s': it expires on a day such as 2027-04-01, or '-'",
                       HY_STR_ARG(day));
    int err = read_domains(arena, domains, &t);
    if (err == HY_EINVAL || err == HY_ELIMIT)
        return hy_fail(diag, err, "it may use no domain, or more than %d", HY_TOKEN_DOMAINS_MAX);
    t.tenant_text = hy_arena_str(arena, no).p;
    t.id = hy_arena_str(arena, id).p;
    t.name = hy_arena_str(arena, name).p;
    if (err != HY_OK || !t.id || !t.name || !t.tenant_text)
        return HY_ENOMEM;
    *ret = t;
    return HY_OK;
}

static int add(struct hy_api_tokens *t, const struct hy_api_token *x)
{
    if (t->n == HY_TOKENS_MAX)
        return HY_ELIMIT;
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct hy_api_token *more = realloc(t->items, cap * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        t->items = more;
        t->cap = cap;
    }
    t->items[t->n++] = *x;
    return HY_OK;
}

static int index_all(struct hy_api_tokens *t, const char *file, struct hy_diag *diag)
{
    size_t twice = 0;
    if (t->n == 0)
        return HY_OK;
    int err = hy_names_build(&t->names, &t->items[0].id, sizeof *t->items, t->n, &twice);
    if (err == HY_EEXIST)
        return hy_fail(diag, HY_EINVAL, "%s: %s is there twice", file, t->items[twice].id);
    return err;
}

int hy_api_tokens_read(struct hy_str text, const struct hy_tenants *tenants, const char *file,
                       struct hy_diag *diag, struct hy_api_tokens **ret)
{
    struct hy_api_tokens *t = calloc(1, sizeof *t);
    struct hy_str line;
    unsigned no = 0;
    int err = t ? HY_OK : HY_ENOMEM;
    if (t)
        t->arena = HY_ARENA_INIT(64 << 20);
    while (err == HY_OK && text.n && hy_str_split(&text, '\n', &line)) {
        struct hy_api_token x;
        struct hy_diag why = {""};
        no++;
        line = hy_str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        err = read_token(&t->arena, tenants, line, &why, &x);
        if (err != HY_OK && why.text[0])
            hy_fail(diag, err, "%s:%u: %s", file, no, why.text);
        if (err == HY_OK)
            err = add(t, &x);
    }
    if (err == HY_OK)
        err = index_all(t, file, diag);
    if (err != HY_OK) {
        hy_api_tokens_free(t);
        return err;
    }
    *ret = t;
    return HY_OK;
}

void hy_api_tokens_free(struct hy_api_tokens *t)
{
    if (!t)
        return;
    hy_arena_free(&t->arena);
    free(t->items);
    hy_names_free(&t->names);
    free(t);
}

/* ---- making ---- */

int hy_api_token_make(const struct hy_api_token_plan *p, char *token, struct hy_buf *line,
                      struct hy_diag *diag)
{
    uint8_t id[ID_BYTES], secret[SECRET_BYTES], salt[16], hash[32];
    char id_text[ID_CHARS + 1], secret_text[SECRET_CHARS + 1], salt_text[33], hash_text[65];
    struct hy_buf text = HY_BUF_INIT(HY_API_TOKEN_NAME_MAX + 64 * 1024);
    if (hy_rand_bytes(id, sizeof id) != HY_OK || hy_rand_bytes(secret, sizeof secret) != HY_OK ||
        hy_rand_bytes(salt, sizeof salt) != HY_OK)
        return HY_EIO;
    id_text[hy_base32_encode(id, sizeof id, id_text)] = '\0';
    struct hy_str shown =
        hy_str_make(secret_text, hy_base32_encode(secret, sizeof secret, secret_text));
    secret_text[shown.n] = '\0';
    explicit_bzero(secret, sizeof secret);
    int err = make_hash(salt, shown, hash) ? HY_OK : HY_ECRYPTO;
    salt_text[hy_hex_encode(salt, sizeof salt, salt_text)] = '\0';
    hash_text[hy_hex_encode(hash, sizeof hash, hash_text)] = '\0';
    hy_buf_printf(&text, "%s " METHOD "%s$%s %.*s %.*s %.*s %.*s %.*s\n", id_text, salt_text,
                  hash_text, HY_STR_ARG(p->scopes), HY_STR_ARG(p->domains),
                  HY_STR_ARG(p->tenant.n ? p->tenant : HY_STR(HY_TENANT_DEFAULT)),
                  HY_STR_ARG(p->expires.n ? p->expires : HY_STR("-")), HY_STR_ARG(p->name));
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_api_token check;
    struct hy_str whole = hy_str_slice(hy_buf_str(&text), 0, text.len ? text.len - 1 : 0);
    for (size_t i = 0; i < p->name.n && err == HY_OK; i++)
        if ((unsigned char)p->name.p[i] < ' ' || p->name.p[i] == 0x7f)
            err = hy_fail(diag, HY_EINVAL, "a name has no control characters");
    if (err == HY_OK)
        err = text.err ? text.err : read_token(&arena, NULL, whole, diag, &check);
    if (err == HY_OK) {
        snprintf(token, HY_API_TOKEN_MAX, PREFIX "%s_%s", id_text, secret_text);
        hy_buf_add_str(line, hy_buf_str(&text));
        err = line->err;
    }
    explicit_bzero(secret_text, sizeof secret_text);
    hy_arena_free(&arena);
    hy_buf_free(&text);
    return err;
}
