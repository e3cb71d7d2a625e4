/* One lead joins a list or leaves it: with its place, the count, the activity and, after a double
 * opt-in, the proof of how it was asked and answered. */
#include <arpa/inet.h>

#include "hayauma/base/json_put.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/consent.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_change.h"
#include "hayauma/store/opt_in.h"
#include "lead_priv.h"

enum { META_MAX = HY_ACTIVITY_META_MAX, PROVEN_URL_MAX = HY_CONSENT_SOURCE_MAX, UNSUBSCRIBES = 64 };

static int note(struct hy_txn *t, enum hy_activity_kind kind, hy_list_no list, hy_lead_no lead,
                const struct hy_list_deed *d)
{
    char name[HY_LIST_NAME_MAX];
    struct hy_list_view l;
    int err = hy_list_read(t, list, &l);
    if (err)
        return err;
    memcpy(name, l.name.p, l.name.n); /* the view dies with the write */
    struct hy_activity a = {
        .kind = kind,
        .lead = lead,
        .text = hy_str_make(name, l.name.n),
        .source = d->by,
        .url = d->url,
        .agent = d->agent,
        .meta = d->meta,
    };
    memcpy(a.ip, d->ip, sizeof a.ip);
    return hy_activity_put(t, &a);
}

int hy_list_enter(struct hy_txn *t, hy_list_no list, hy_lead_no lead, const struct hy_list_deed *d,
                  bool *ret_changed)
{
    struct lead_record r;
    uint64_t joined = 0;
    int err = hy_lead_record_get(t, lead, &r);
    if (!err)
        err = hy_list_add(t, list, r.domain, &lead, 1, &joined);
    if (!err && joined)
        err = note(t, HY_ACTIVITY_LIST_JOINED, list, lead, d);
    if (!err)
        err = hy_opt_in_end(t, list, lead); /* nobody has to be asked any more */
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_changed = joined > 0;
    return 0;
}

int hy_list_leave(struct hy_txn *t, hy_list_no list, hy_lead_no lead, const struct hy_list_deed *d,
                  bool *ret_changed)
{
    struct lead_record r;
    int err = hy_lead_record_get(t, lead, &r);
    if (!err)
        err = hy_list_drop(t, list, r.domain, lead);
    bool was_in = err == 0;
    if (!err)
        err = note(t, HY_ACTIVITY_LIST_LEFT, list, lead, d);
    if (err && err != HY_ENOTFOUND)
        return err;
    err = hy_opt_in_end(t, list, lead);
    bool waited = err == 0;
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_changed = was_in || waited;
    return 0;
}

/* ---- the answer to a double opt-in ---- */

static void put_ip(struct hy_buf *out, const uint8_t ip[16])
{
    static const uint8_t none[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    bool is_v4 = memcmp(ip, mapped, sizeof mapped) == 0;
    if (memcmp(ip, none, sizeof none) != 0 &&
        inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? ip + 12 : ip, text, sizeof text))
        hy_buf_printf(out, ",\"asked_from\":\"%s\"", text);
}

/* How it was asked and how answered, as JSON. */
static void put_proof(struct hy_buf *out, const struct hy_opt_in *o,
                      const struct hy_list_confirmation *how)
{
    char at[32];
    hy_buf_printf(out, "{\"opt_in\":\"double\",\"asked\":\"%s\",\"asked_by\":",
                  hy_wall_format(hy_id_time(o->id), at));
    hy_json_put_str(out, o->by);
    hy_buf_add_str(out, HY_STR(",\"form\":"));
    hy_json_put_str(out, o->url);
    put_ip(out, o->ip);
    hy_buf_add_str(out, HY_STR(",\"token\":"));
    hy_json_put_str(out, how->token);
    if (o->proof.n) { /* a JSON object: its asker saw to that */
        hy_buf_add_str(out, HY_STR(",\"proof\":"));
        hy_buf_add_str(out, o->proof);
    }
    hy_buf_add_str(out, HY_STR("}"));
}

struct unsubscribes {
    hy_list_no list;
    struct hy_suppress_key keys[UNSUBSCRIBES];
    size_t n;
};

static int add_unsubscribe(void *ctx, const struct hy_suppress_entry *e)
{
    struct unsubscribes *u = ctx;
    if (e->key.scope == HY_SUPPRESS_LIST && e->key.no == u->list &&
        e->key.reason == HY_SUPPRESS_UNSUBSCRIBE)
        u->keys[u->n++] = e->key;
    return u->n == UNSUBSCRIBES;
}

/* The person wants mail of this list again, whoever's mail it was that it unsubscribed by. */
static int withdraw_unsubscribes(struct hy_txn *t, hy_list_no list, struct hy_str address)
{
    char what[HY_ADDRESS_MAX];
    struct unsubscribes u = {.list = list};
    struct hy_suppress_id id;
    if (address.n == 0 || address.n > sizeof what)
        return 0;
    memcpy(what, address.p, address.n); /* the view dies with the write */
    if (hy_suppress_id_of(t->env, hy_str_make(what, address.n), &id) != 0)
        return 0;
    int err;
    do {
        u.n = 0;
        err = hy_suppress_each(t, id, add_unsubscribe, &u);
        for (size_t i = 0; i < u.n && err >= 0; i++) {
            int did = hy_suppress_del(t, &u.keys[i], HY_STR("opt-in"),
                                      HY_STR("confirmed that they join the list"));
            err = did ? did : err;
        }
    } while (err == 1);
    return err;
}

/* The proof that stays when activities are trimmed. */
static int note_consent(struct hy_txn *t, const struct hy_opt_in *o,
                        const struct hy_list_confirmation *how)
{
    struct hy_consent c = {
        .lead = o->lead,
        .what = HY_CONSENT_GIVEN,
        .how = HY_CONSENT_DOUBLE_OPT_IN,
        .list = o->list,
        .purpose = HY_STR("marketing"),
        .by = hy_str_slice(o->by, 0, HY_CONSENT_BY_MAX),
        .source = hy_str_slice(o->url.n ? o->url : how->url, 0, PROVEN_URL_MAX),
        .agent = how->agent,
        .token = hy_str_slice(how->token, 0, HY_CONSENT_TOKEN_MAX),
    };
    char room[HY_CONSENT_BY_MAX + PROVEN_URL_MAX];
    memcpy(c.ip, how->ip, sizeof c.ip);
    if (c.by.n) /* views into the store die with the first write */
        memcpy(room, c.by.p, c.by.n);
    if (c.source.n)
        memcpy(room + c.by.n, c.source.p, c.source.n);
    c.source.p = room + c.by.n;
    c.by.p = room;
    return hy_consent_put(t, &c);
}

static int answer(struct hy_txn *t, const struct hy_opt_in *o,
                  const struct hy_list_confirmation *how)
{
    struct hy_buf proof = HY_BUF_INIT(META_MAX);
    struct lead_record r;
    bool changed = false;
    put_proof(&proof, o, how);
    struct hy_list_deed d = {
        .by = HY_STR("opt-in"),
        .url = how->url,
        .agent = how->agent,
        .meta = proof.err ? HY_STR("{\"opt_in\":\"double\"}") : hy_buf_str(&proof),
    };
    memcpy(d.ip, how->ip, sizeof d.ip);
    hy_list_no list = o->list;
    hy_lead_no lead = o->lead;
    int err = note_consent(t, o, how); /* the views in *o die here */
    if (!err)
        err = hy_opt_in_end(t, list, lead);
    if (!err)
        err = hy_lead_kept(t, lead, &lead); /* it may be a part of another by now */
    if (!err)
        err = hy_list_enter(t, list, lead, &d, &changed);
    if (!err)
        err = hy_lead_record_get(t, lead, &r);
    if (!err)
        err = withdraw_unsubscribes(t, list, r.address);
    if (!err && changed)
        err = hy_lead_changed(t, HY_LEAD_LISTS, &lead, 1);
    hy_buf_free(&proof);
    return err;
}

int hy_list_was_confirmed(struct hy_txn *t, const struct hy_token *token, bool *ret)
{
    struct lead_record r;
    hy_lead_no lead;
    int err = hy_lead_kept(t, token->lead, &lead);
    if (!err)
        err = hy_lead_record_get(t, lead, &r);
    return err ? err : hy_list_has(t, token->link, r.domain, lead, ret);
}

int hy_list_confirm(struct hy_txn *t, const struct hy_token *token,
                    const struct hy_list_confirmation *how, hy_list_no *ret_list)
{
    struct hy_opt_in o;
    bool has = false;
    int err = hy_opt_in_of_token(t, token, &o);
    if (!err) {
        err = answer(t, &o, how);
    } else if (err == HY_ENOTFOUND) {
        err = hy_list_was_confirmed(t, token, &has);
        if (!err && !has)
            err = HY_ENOTFOUND;
    }
    if (!err)
        *ret_list = token->link;
    return err;
}
