/* Who may use the HTTP API: a file of tokens, salted hashes of what clients send as "Bearer". */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/shape/tenant.h"

enum {
    HY_TOKENS_MAX = 65536,
    HY_TOKEN_DOMAINS_MAX = 256,
    HY_API_TOKEN_MAX = 80, /* bytes of a token with its NUL */
    HY_API_TOKEN_ID_MAX = 16,
    HY_API_TOKEN_NAME_MAX = 100,
};

/* What a token may do; a set. Names are stored: never renumber, never rename. */
enum hy_scope {
    HY_SCOPE_MESSAGES_SEND = 1u << 0,
    HY_SCOPE_MESSAGES_READ = 1u << 1,
    HY_SCOPE_SUPPRESSIONS_READ = 1u << 2,
    HY_SCOPE_SUPPRESSIONS_WRITE = 1u << 3,
    HY_SCOPE_LEADS_READ = 1u << 4,
    HY_SCOPE_LEADS_WRITE = 1u << 5,
    HY_SCOPE_EVENTS_READ = 1u << 6,
    HY_SCOPE_TEMPLATES_READ = 1u << 7,
    HY_SCOPE_TEMPLATES_WRITE = 1u << 8,
    HY_SCOPE_ADMIN = 1u << 31, /* all of them */
};
const char *hy_scope_name(enum hy_scope s); /* "messages:send" */
/* "messages:send,messages:read". HY_EINVAL: a word is none, or there is none. */
HY_MUST_USE int hy_scopes_parse(struct hy_str text, unsigned *ret_scopes);
void hy_scopes_put(unsigned scopes, struct hy_buf *out);

struct hy_api_token {
    const char *id;             /* public: in logs and in the list */
    const char *name;           /* for people */
    unsigned scopes;            /* of enum hy_scope */
    const char *const *domains; /* that From may have, ended by NULL; "*" = any, "*.example.net" =
                                   below it */
    const char *tenant_text;    /* as written: a name or a number */
    const struct hy_tenant *tenant; /* NULL when it was read without tenants */
    hy_wall_ms expires;             /* 0 = never */
    uint8_t salt[16], hash[32];
};
struct hy_api_tokens; /* immutable */

/* Lines "ID HASH SCOPES DOMAINS TENANT EXPIRES NAME", apart by spaces; NAME is the rest of the
 * line, TENANT a name or number, EXPIRES a day ("2027-04-01", at its beginning in UTC) or "-";
 * empty lines and those that begin with # are passed over. `file` is for the notes; `tenants` must
 * outlive it, NULL: nobody looks whether there is such a tenant. HY_EINVAL: a line is wrong, an id
 * is there twice, there is no such tenant; HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_api_tokens_read(struct hy_str text, const struct hy_tenants *tenants,
                                   const char *file, struct hy_diag *diag,
                                   struct hy_api_tokens **ret);
void hy_api_tokens_free(struct hy_api_tokens *t);
size_t hy_api_tokens_count(const struct hy_api_tokens *t);
const struct hy_api_token *hy_api_tokens_at(const struct hy_api_tokens *t, size_t i);
/* The token that a client showed. The same work whether there is such an id or not. NULL: it is
 * none, or has expired. Any thread. */
const struct hy_api_token *hy_api_tokens_find(const struct hy_api_tokens *t, struct hy_str shown,
                                              hy_wall_ms now);
/* By its own rules; that its tenant may, too, is asked of hy_tenant_may_use. Any thread. */
bool hy_api_token_may_use(const struct hy_api_token *t, struct hy_str domain);

/* What a new token is to be. */
struct hy_api_token_plan {
    struct hy_str scopes, domains, name; /* as in the file */
    struct hy_str tenant, expires;       /* empty: 0, never */
};
/* Makes a token: `token` (HY_API_TOKEN_MAX bytes) is what the client gets and nobody stores, `line`
 * (appended, with its line end) what the file gets. HY_EINVAL with a note; HY_EIO, HY_ECRYPTO. */
HY_MUST_USE int hy_api_token_make(const struct hy_api_token_plan *p, char *token,
                                  struct hy_buf *line, struct hy_diag *diag);
