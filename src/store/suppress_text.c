/* Entries of the suppression list as people write and read them. */
#include "hayauma/store/suppress_text.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- reading ---- */

static enum hy_suppress_scope scope_meant(const struct hy_suppress_words *w,
                                          enum hy_suppress_scope fallback)
{
    return w->list.n     ? HY_SUPPRESS_LIST
           : w->stream.n ? HY_SUPPRESS_STREAM
           : w->tenant.n ? HY_SUPPRESS_TENANT
                         : fallback;
}

static int read_tenant(struct hy_suppress_names *n, const struct hy_suppress_words *w,
                       uint32_t *ret, struct hy_diag *diag)
{
    const struct hy_tenant *t = hy_tenant_by_number(n->tenants, 0);
    if (w->tenant.n)
        t = hy_tenant_find(n->tenants, w->tenant);
    if (!t)
        return hy_fail(diag, HY_ENOTFOUND, "there is no tenant '%.*s'", HY_STR_ARG(w->tenant));
    *ret = t->number;
    return HY_OK;
}

int hy_suppress_no_list(struct hy_str name, struct hy_diag *diag)
{
    return hy_fail(diag, HY_ENOTFOUND, "there is no list '%.*s'", HY_STR_ARG(name));
}

static int read_list(struct hy_suppress_names *n, struct hy_txn *t,
                     const struct hy_suppress_words *w, uint32_t *ret, struct hy_diag *diag)
{
    if (w->list.n == 0 || w->list.n > HY_LIST_NAME_MAX)
        return hy_fail(diag, HY_EINVAL, "scope 'list' needs the name of a list");
    if (n->list == 0 || !hy_str_eq(w->list, hy_str_of(n->list_name))) {
        hy_list_no no = 0;
        int err = hy_list_find(t, w->list, &no);
        if (err)
            return err == HY_ENOTFOUND ? hy_suppress_no_list(w->list, diag) : err;
        n->list = no;
        snprintf(n->list_name, sizeof n->list_name, "%.*s", HY_STR_ARG(w->list));
    }
    *ret = n->list;
    return HY_OK;
}

static int read_number(struct hy_suppress_names *n, struct hy_txn *t,
                       const struct hy_suppress_words *w, struct hy_suppress_key *k,
                       const char **word, struct hy_diag *diag)
{
    enum hy_stream stream = HY_STREAM_MARKETING;
    if (k->scope == HY_SUPPRESS_LIST) {
        *word = "list";
        return read_list(n, t, w, &k->no, diag);
    }
    if (k->scope != HY_SUPPRESS_STREAM)
        return HY_OK;
    *word = "stream";
    if (hy_stream_find(w->stream, &stream) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "a stream is marketing or transactional, not '%.*s'",
                       HY_STR_ARG(w->stream));
    k->no = stream;
    return HY_OK;
}

int hy_suppress_key_read(struct hy_suppress_names *n, struct hy_txn *t,
                         const struct hy_suppress_words *w, enum hy_suppress_scope fallback,
                         enum hy_suppress_reason reason, struct hy_suppress_key *ret,
                         const char **ret_word, struct hy_diag *diag)
{
    struct hy_suppress_key k = {.scope = scope_meant(w, fallback), .reason = reason};
    *ret_word = "scope";
    if (w->scope.n && hy_suppress_scope_find(w->scope, &k.scope) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "a scope is all, tenant, stream or list, not '%.*s'",
                       HY_STR_ARG(w->scope));
    *ret_word = "reason";
    if (w->reason.n && hy_suppress_reason_find(w->reason, &k.reason) != HY_OK)
        return hy_fail(diag, HY_EINVAL,
                       "a reason is hard-bounce, soft-bounces, complaint, unsubscribe, manual, "
                       "imported or erased, not '%.*s'",
                       HY_STR_ARG(w->reason));
    *ret_word = "tenant";
    if (k.scope == HY_SUPPRESS_ALL && w->tenant.n)
        return hy_fail(diag, HY_EINVAL, "scope 'all' is of every tenant: name none");
    int err = k.scope == HY_SUPPRESS_ALL ? HY_OK : read_tenant(n, w, &k.tenant, diag);
    if (err == HY_OK)
        err = read_number(n, t, w, &k, ret_word, diag);
    if (err == HY_OK)
        *ret = k;
    return err;
}

int hy_suppress_end_read(struct hy_str text, hy_wall_ms now, hy_wall_ms *ret, struct hy_diag *diag)
{
    static const struct {
        char unit;
        hy_wall_ms ms;
    } units[] = {{'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 7 * 86400000}};
    uint64_t n = 0;
    hy_wall_ms at = 0;
    text = hy_str_trim(text);
    if (text.n == 0 || hy_str_eq(text, HY_STR("never"))) {
        *ret = 0;
        return HY_OK;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text.p[text.n - 1] == units[i].unit &&
            hy_str_to_u64(hy_str_slice(text, 0, text.n - 1), 100000, &n) == 0 && n > 0)
            at = now + (hy_wall_ms)n * units[i].ms;
    if (!at && hy_wall_parse(text, &at) != HY_OK)
        return hy_fail(diag, HY_EINVAL,
                       "an end is 12h, 30d, a time with its zone such as "
                       "2026-12-01T09:00:00+09:00, or never, not '%.*s'",
                       HY_STR_ARG(text));
    if (at <= now)
        return hy_fail(diag, HY_EINVAL, "'%.*s' is over already", HY_STR_ARG(text));
    *ret = at;
    return HY_OK;
}

/* ---- writing ---- */

static struct hy_str tenant_text(struct hy_suppress_names *n, const struct hy_suppress_key *k,
                                 char room[16])
{
    if (k->scope == HY_SUPPRESS_ALL)
        return HY_STR("");
    const struct hy_tenant *t = hy_tenant_by_number(n->tenants, k->tenant);
    if (t)
        return hy_str_of(t->name);
    snprintf(room, 16, "%" PRIu32, k->tenant);
    return hy_str_of(room);
}

static struct hy_str list_text(struct hy_suppress_names *n, struct hy_txn *t,
                               const struct hy_suppress_key *k)
{
    if (k->scope != HY_SUPPRESS_LIST)
        return HY_STR("");
    if (n->list != k->no) {
        struct hy_list_view v = {0};
        if (hy_list_read(t, k->no, &v) != 0)
            return HY_STR("?");
        n->list = k->no;
        snprintf(n->list_name, sizeof n->list_name, "%.*s", HY_STR_ARG(v.name));
    }
    return hy_str_of(n->list_name);
}

static struct hy_str time_text(hy_wall_ms at, char room[32])
{
    return at ? hy_str_of(hy_wall_format(at, room)) : HY_STR("");
}

void hy_suppress_fields_of(struct hy_suppress_names *n, struct hy_txn *t,
                           const struct hy_suppress_entry *e, struct hy_suppress_fields *ret)
{
    const struct hy_suppress_key *k = &e->key;
    memset(ret, 0, sizeof *ret);
    if (e->is_hashed) {
        ret->hash[0] = '@';
        hy_suppress_token(t->env, k->id, ret->hash + e->is_domain);
    }
    ret->f[HY_SUPPRESS_COL_ADDRESS] = e->what;
    ret->f[HY_SUPPRESS_COL_HASH] = hy_str_of(ret->hash);
    ret->f[HY_SUPPRESS_COL_SCOPE] = hy_str_of(hy_suppress_scope_name(k->scope));
    ret->f[HY_SUPPRESS_COL_TENANT] = tenant_text(n, k, ret->tenant);
    if (k->scope == HY_SUPPRESS_STREAM)
        ret->f[HY_SUPPRESS_COL_STREAM] = hy_str_of(hy_stream_name((enum hy_stream)k->no));
    ret->f[HY_SUPPRESS_COL_LIST] = list_text(n, t, k);
    ret->f[HY_SUPPRESS_COL_REASON] = hy_str_of(hy_suppress_reason_name(k->reason));
    ret->f[HY_SUPPRESS_COL_CREATED] = time_text(e->created, ret->created);
    ret->f[HY_SUPPRESS_COL_EXPIRES] = time_text(e->expires, ret->expires);
    ret->f[HY_SUPPRESS_COL_SOURCE] = e->source;
    ret->f[HY_SUPPRESS_COL_BY] = e->by;
}

/* ---- places in a listing: the key's numbers in hexadecimal ---- */

const char *hy_suppress_cursor(const struct hy_suppress_key *k, char out[HY_SUPPRESS_CURSOR_MAX])
{
    snprintf(out, HY_SUPPRESS_CURSOR_MAX,
             "%016" PRIx64 "%016" PRIx64 "%x%08" PRIx32 "%08" PRIx32 "%x", k->id.a, k->id.b,
             (unsigned)k->scope, k->tenant, k->no, (unsigned)k->reason);
    return out;
}

int hy_suppress_cursor_read(struct hy_str text, struct hy_suppress_key *ret)
{
    struct hy_suppress_key k;
    unsigned scope = 0, reason = 0;
    char copy[HY_SUPPRESS_CURSOR_MAX];
    int n = 0;
    if (text.n != 50)
        return HY_EPARSE;
    snprintf(copy, sizeof copy, "%.*s", HY_STR_ARG(text));
    if (strspn(copy, "0123456789abcdef") != 50 ||
        sscanf(copy, "%16" SCNx64 "%16" SCNx64 "%1x%8" SCNx32 "%8" SCNx32 "%1x%n", &k.id.a, &k.id.b,
               &scope, &k.tenant, &k.no, &reason, &n) != 6 ||
        n != 50)
        return HY_EPARSE;
    k.scope = (enum hy_suppress_scope)scope;
    k.reason = (enum hy_suppress_reason)reason;
    *ret = k;
    return HY_OK;
}
