/* Asking the suppression list: whose hash it is, whether mail may go there, what is known. */
#include <stdio.h>

#include "env_priv.h"
#include "hayauma/base/codec.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/list.h"

/* ---- ids ---- */

static struct hy_suppress_id id_of_key(const struct suppress_state *s, struct hy_str key)
{
    return (struct hy_suppress_id){hy_siphash(&s->keys[0], key.p, key.n),
                                   hy_siphash(&s->keys[1], key.p, key.n)};
}

int hy_suppress_id_of(const struct hy_env *env, struct hy_str what, struct hy_suppress_id *ret)
{
    char key[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    if (what.n > 1 && what.p[0] == '@') { /* no local part begins so, unless it is quoted */
        *ret = id_of_key(&env->suppress, what);
        return what.n <= HY_DOMAIN_MAX + 1 ? 0 : HY_EPARSE;
    }
    int err = hy_address_wire_key(what, key, &n);
    if (!err)
        *ret = id_of_key(&env->suppress, hy_str_make(key, n));
    return err;
}

/* Tells keys apart without telling anything of them. */
static uint32_t key_print(const struct hy_env *env)
{
    static const char label[] = "whose hash it is";
    return (uint32_t)hy_siphash(&env->suppress.keys[0], label, sizeof label);
}

const char *hy_suppress_token(const struct hy_env *env, struct hy_suppress_id id,
                              char out[HY_SUPPRESS_TOKEN_MAX])
{
    snprintf(out, HY_SUPPRESS_TOKEN_MAX, "h1:%08x:%016llx%016llx", key_print(env),
             (unsigned long long)id.a, (unsigned long long)id.b);
    return out;
}

static int read_hex(struct hy_str s, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = hy_ascii_lower(s.p[i]);
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return HY_EPARSE;
        v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret = v;
    return 0;
}

int hy_suppress_token_read(const struct hy_env *env, struct hy_str text, struct hy_suppress_id *ret)
{
    struct hy_suppress_id id;
    uint64_t print = 0;
    if (text.n != 3 + 8 + 1 + 32 || !hy_str_starts(text, HY_STR("h1:")) || text.p[11] != ':' ||
        read_hex(hy_str_slice(text, 3, 11), &print) ||
        read_hex(hy_str_slice(text, 12, 28), &id.a) || read_hex(hy_str_slice(text, 28, 44), &id.b))
        return HY_EPARSE;
    if (print != key_print(env))
        return HY_EAUTH;
    *ret = id;
    return 0;
}

int hy_suppress_what_parse(struct hy_str text, char out[HY_SUPPRESS_WHAT_MAX], struct hy_diag *diag)
{
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    struct hy_address a;
    enum hy_address_reason why = HY_ADDRESS_OK;
    char probe[HY_SUPPRESS_WHAT_MAX + 1];
    text = hy_str_trim(text);
    bool is_domain = text.n && text.p[0] == '@';
    if (text.n > HY_ADDRESS_MAX)
        return hy_fail(diag, HY_EPARSE, "%s", hy_address_reason_text(HY_ADDRESS_TOO_LONG));
    if (is_domain)
        snprintf(probe, sizeof probe, "x%.*s", HY_STR_ARG(text));
    int err = hy_address_parse(is_domain ? hy_str_of(probe) : text, &rules, &a, &why);
    if (err)
        return hy_fail(diag, HY_EPARSE, "%s", hy_address_reason_text(why));
    struct hy_str s = hy_address_wire(&a);
    if (is_domain)
        s = hy_str_slice(s, a.at, s.n);
    snprintf(out, HY_SUPPRESS_WHAT_MAX, "%.*s", HY_STR_ARG(s));
    return 0;
}

/* ---- may mail go there? ---- */

struct question {
    struct hy_txn *t;
    const struct hy_suppress_ask *ask;
    struct hy_suppress_rules rules;
    hy_wall_ms now;
};

static bool is_on_list(const struct hy_list_set *lists, hy_list_no no)
{
    for (size_t i = 0; i < lists->n; i++)
        if (lists->lists[i] == no)
            return true;
    return false;
}

/* Whether the lead has left this list of the campaign: an entry of this id for it counts. */
static int has_left(const struct question *q, struct hy_suppress_id id, hy_list_no list, bool *ret)
{
    struct hy_suppress_key k = {
        .id = id, .scope = HY_SUPPRESS_LIST, .tenant = q->ask->tenant, .no = list};
    uint8_t key[SUPPRESS_ENTRY_KEY_BYTES];
    *ret = false;
    for (unsigned reason = 1; reason < HY_SUPPRESS_REASONS && !*ret; reason++) {
        struct hy_suppress_entry e;
        struct hy_str value, ks;
        if (!(q->rules.reasons[q->ask->stream] >> reason & 1))
            continue;
        k.reason = (enum hy_suppress_reason)reason;
        ks = suppress_entry_key(key, &k);
        int err = hy_get(q->t, HY_TABLE_SUPPRESSIONS, ks, &value);
        if (!err)
            err = suppress_entry_read(ks, value, &e);
        if (err && err != HY_ENOTFOUND)
            return err;
        *ret = !err && (e.expires == 0 || e.expires > q->now);
    }
    return 0;
}

/* Whether the campaign reaches the lead over another list, too. */
static int has_another(const struct question *q, const struct hy_suppress_key *k, bool *ret)
{
    const struct hy_suppress_ask *ask = q->ask;
    *ret = false;
    for (size_t i = 0; i < ask->lists->n && ask->lead && !*ret; i++) {
        hy_list_no no = ask->lists->lists[i];
        bool is_member = false, left = false;
        if (no == k->no)
            continue;
        int err = hy_list_has(q->t, no, ask->domain, ask->lead, &is_member);
        if (!err && is_member)
            err = has_left(q, k->id, no, &left);
        if (err)
            return err;
        *ret = is_member && !left;
    }
    return 0;
}

static int applies(const struct question *q, const struct hy_suppress_entry *e, bool *ret)
{
    const struct hy_suppress_ask *ask = q->ask;
    const struct hy_suppress_key *k = &e->key;
    *ret = false;
    if ((e->expires && e->expires <= q->now) || !(q->rules.reasons[ask->stream] >> k->reason & 1) ||
        (k->scope != HY_SUPPRESS_ALL && k->tenant != ask->tenant) ||
        (k->scope == HY_SUPPRESS_STREAM && k->no != (uint32_t)ask->stream))
        return 0;
    if (k->scope != HY_SUPPRESS_LIST) {
        *ret = true;
        return 0;
    }
    if (ask->lists && ask->lists->n == 0) {
        *ret = true;
        return 0;
    }
    if (!ask->lists || !is_on_list(ask->lists, k->no))
        return 0;
    bool another = false;
    int err = has_another(q, k, &another);
    *ret = !err && !another;
    return err;
}

static int find_of(const struct question *q, struct hy_suppress_id id,
                   struct hy_suppress_entry *ret)
{
    uint8_t key[SUPPRESS_PREFIX_BYTES];
    struct hy_str prefix = suppress_prefix(key, id, SUPPRESS_ENTRY);
    struct hy_suppress_entry e;
    struct hy_cursor c;
    bool found = false;
    int err = hy_cursor_open(q->t, HY_TABLE_SUPPRESSIONS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        err = suppress_entry_read(c.key, c.value, &e);
        if (!err)
            err = applies(q, &e, &found);
        if (err || found)
            break;
        err = hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    if (found)
        *ret = e;
    return err;
}

/* The part behind the last @, with it. */
static struct hy_str domain_of(struct hy_str address)
{
    size_t n = address.n;
    while (n && address.p[n - 1] != '@')
        n--;
    return hy_str_slice(address, n ? n - 1 : 0, address.n);
}

static uint64_t hash_a(const struct suppress_state *s, struct hy_str key)
{
    return hy_siphash(&s->keys[0], key.p, key.n);
}

int hy_suppress_find(struct hy_txn *t, struct hy_str address, const struct hy_suppress_ask *ask,
                     struct hy_suppress_entry *ret)
{
    const struct suppress_state *s = &t->env->suppress;
    char room[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    if (suppress_filter_is_empty(s))
        return HY_ENOTFOUND;
    int err = hy_address_wire_key(address, room, &n);
    if (err)
        return err;
    struct hy_str key = hy_str_make(room, n), domain = domain_of(key);
    bool has = suppress_filter_has(s, hash_a(s, key));
    bool has_domain =
        (!s->is_filtering || atomic_load_explicit(&s->has_domains, memory_order_acquire)) &&
        suppress_filter_has(s, hash_a(s, domain));
    if (!has && !has_domain)
        return HY_ENOTFOUND;
    struct question q = {t, ask, suppress_rules(t->env),
                         t->mode == HY_TXN_WRITE ? t->now : hy_clock_wall_ms()};
    err = has ? find_of(&q, id_of_key(s, key), ret) : HY_ENOTFOUND;
    if (err == HY_ENOTFOUND && has_domain)
        err = find_of(&q, id_of_key(s, domain), ret);
    return err;
}

enum hy_lead_status hy_suppress_lead_status(struct hy_txn *t, const struct hy_lead_view *lead)
{
    const struct hy_suppress_ask ask = {.stream = HY_STREAM_MARKETING};
    struct hy_suppress_entry e;
    if (lead->status == HY_LEAD_ACTIVE && hy_suppress_find(t, lead->address, &ask, &e) == 0)
        return hy_suppress_status(e.key.reason);
    return lead->status;
}

bool hy_suppress_may_have(const struct hy_env *env, struct hy_str address)
{
    const struct suppress_state *s = &env->suppress;
    char room[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    if (suppress_filter_is_empty(s) || hy_address_wire_key(address, room, &n) != 0)
        return false;
    return suppress_filter_has(s, hash_a(s, hy_str_make(room, n)));
}

/* ---- all that is known ---- */

int hy_suppress_each(struct hy_txn *t, struct hy_suppress_id id, hy_suppress_each_fn *each,
                     void *ctx)
{
    uint8_t key[SUPPRESS_PREFIX_BYTES];
    struct hy_str prefix = suppress_prefix(key, id, SUPPRESS_ENTRY);
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_SUPPRESSIONS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        struct hy_suppress_entry e;
        err = suppress_entry_read(c.key, c.value, &e);
        if (!err)
            err = each(ctx, &e);
        if (!err)
            err = hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_suppress_walk(struct hy_txn *t, struct hy_suppress_key *at, size_t rows,
                     hy_suppress_each_fn *each, void *ctx)
{
    uint8_t key[SUPPRESS_ENTRY_KEY_BYTES + 1];
    struct hy_cursor c;
    (void)suppress_entry_key(key, at);
    key[SUPPRESS_ENTRY_KEY_BYTES] = 0;
    if (at->scope == HY_SUPPRESS_SCOPES) /* behind all that is known of the id */
        key[SUPPRESS_ID_BYTES] = UINT8_MAX;
    int err = hy_cursor_open(t, HY_TABLE_SUPPRESSIONS, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    for (; !err && rows; rows--) {
        struct hy_suppress_entry e;
        if (c.key.n == SUPPRESS_ENTRY_KEY_BYTES && c.key.p[16] == SUPPRESS_ENTRY) {
            err = suppress_entry_read(c.key, c.value, &e);
            if (err)
                break;
            *at = e.key;
            err = each(ctx, &e);
        } else if (c.key.n > SUPPRESS_ID_BYTES) { /* its entries were before this */
            *at = (struct hy_suppress_key){.id = {hy_get_be64(c.key.p), hy_get_be64(c.key.p + 8)},
                                           .scope = HY_SUPPRESS_SCOPES};
        }
        if (!err)
            err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err;
}

int hy_suppress_history(struct hy_txn *t, struct hy_suppress_id id,
                        int (*each)(void *ctx, const struct hy_suppress_act *a), void *ctx)
{
    uint8_t key[SUPPRESS_PREFIX_BYTES];
    struct hy_str prefix = suppress_prefix(key, id, SUPPRESS_ACT);
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_SUPPRESSIONS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        struct hy_suppress_act a;
        err = suppress_act_read(c.key, c.value, &a);
        if (!err)
            err = each(ctx, &a);
        if (!err)
            err = hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}
