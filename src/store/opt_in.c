/* Who waits to be confirmed. Table list_pending: 'p', be32 list, be32 lead -> the request, or (its
 * id is 0) how many mails there were of one that is over; 'm', list, lead -> version: its mail has
 * still to be written; 'x', be32 second, list, lead -> version: when it is forgotten. */
#include "hayauma/store/opt_in.h"

#include "hayauma/mail/address.h"
#include "lead_priv.h"
#include "opt_in_priv.h"
#include "record.h"

enum {
    VERSION = 2,
    REQUEST = 'p',
    MAIL = 'm',
    EXPIRY = 'x',
    PAIR_KEY = OPT_IN_PAIR_KEY,
    EXPIRY_KEY = OPT_IN_EXPIRY_KEY,
    BY_MAX = 255,
    PROOF_MAX = 2 * HY_OPT_IN_TEXT_MAX,
    RECORD_MAX = 2 + 4 * 10 + 17 + 3 * 3 + BY_MAX + HY_OPT_IN_TEXT_MAX + PROOF_MAX,
};

/* ---- keys and values ---- */

static struct hy_str pair_key(char what, hy_list_no list, hy_lead_no lead, uint8_t room[PAIR_KEY])
{
    room[0] = (uint8_t)what;
    hy_put_be32(room + 1, list);
    hy_put_be32(room + 5, lead);
    return hy_str_make(room, PAIR_KEY);
}

struct hy_str hy_opt_in_expiry_key(const struct hy_opt_in *o, uint8_t room[EXPIRY_KEY])
{
    room[0] = EXPIRY;
    hy_put_be32(room + 1, (uint32_t)((o->until + 999) / 1000));
    hy_put_be32(room + 5, o->list);
    hy_put_be32(room + 9, o->lead);
    return hy_str_make(room, EXPIRY_KEY);
}

int hy_opt_in_read(struct hy_str key, struct hy_str value, struct hy_opt_in *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (key.n != PAIR_KEY)
        return HY_ECORRUPT;
    struct hy_opt_in o = {.list = hy_get_be32(key.p + 1), .lead = hy_get_be32(key.p + 5)};
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    o.mails = rec_get_u8(&in);
    o.id = rec_get_varint(&in, UINT64_MAX);
    o.until = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    o.mailed = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    rec_get_ip(&in, o.ip);
    o.by = rec_get_str(&in, BY_MAX);
    o.url = rec_get_str(&in, HY_OPT_IN_TEXT_MAX);
    o.proof = rec_get_str(&in, PROOF_MAX);
    if (value.p[0] > 1)
        o.address = rec_get_varint(&in, UINT64_MAX);
    if (in.bad || in.n)
        return HY_ECORRUPT;
    *ret = o;
    return 0;
}

static int put_request(struct hy_txn *t, const struct hy_opt_in *o)
{
    uint8_t key[PAIR_KEY], value[RECORD_MAX];
    struct hy_rec_out out = {.p = value, .max = sizeof value};
    rec_put_u8(&out, VERSION);
    rec_put_u8(&out, o->mails);
    rec_put_varint(&out, o->id);
    rec_put_varint(&out, (uint64_t)o->until);
    rec_put_varint(&out, (uint64_t)o->mailed);
    rec_put_ip(&out, o->ip);
    rec_put_str(&out, o->by);
    rec_put_str(&out, o->url);
    rec_put_str(&out, o->proof);
    rec_put_varint(&out, o->address);
    if (out.bad)
        return HY_ELIMIT;
    return hy_put(t, HY_TABLE_LIST_PENDING, pair_key(REQUEST, o->list, o->lead, key),
                  hy_str_make(value, out.n), HY_PUT_SET);
}

static int put_mark(struct hy_txn *t, struct hy_str key)
{
    static const char version = VERSION;
    return hy_put(t, HY_TABLE_LIST_PENDING, key, hy_str_make(&version, 1), HY_PUT_SET);
}

/* ---- reading ---- */

uint64_t hy_opt_in_address(const struct hy_env *env, struct hy_str address)
{
    const struct hy_hash_key hash = hy_lead_hash_key(env);
    char key[HY_ADDRESS_KEY_MAX];
    size_t n = 0;
    if (address.n == 0 || hy_address_wire_key(address, key, &n) != 0)
        return 0;
    uint64_t x = hy_lead_hash(&hash, hy_str_make(key, n));
    return x ? x : 1;
}

/* Also one that is over. */
static int get(struct hy_txn *t, hy_list_no list, hy_lead_no lead, struct hy_opt_in *ret)
{
    uint8_t room[PAIR_KEY];
    struct hy_str key = pair_key(REQUEST, list, lead, room), value;
    int err = hy_get(t, HY_TABLE_LIST_PENDING, key, &value);
    return err ? err : hy_opt_in_read(key, value, ret);
}

int hy_opt_in_get(struct hy_txn *t, hy_list_no list, hy_lead_no lead, struct hy_opt_in *ret)
{
    struct hy_opt_in o;
    int err = get(t, list, lead, &o);
    if (!err && o.id == 0)
        err = HY_ENOTFOUND;
    if (!err)
        *ret = o;
    return err;
}

/* The first key of that sort behind a pair. */
static int next_pair(struct hy_txn *t, char what, hy_list_no list, hy_lead_no lead,
                     hy_list_no *ret_list, hy_lead_no *ret_lead)
{
    uint8_t room[PAIR_KEY];
    struct hy_cursor c;
    if (lead == UINT32_MAX && list == UINT32_MAX)
        return HY_ENOTFOUND;
    struct hy_str from = pair_key(what, lead == UINT32_MAX ? list + 1 : list, lead + 1, room);
    int err = hy_cursor_open(t, HY_TABLE_LIST_PENDING, &c);
    if (!err)
        err = hy_cursor_seek(&c, from);
    if (!err && (c.key.n != PAIR_KEY || c.key.p[0] != what))
        err = HY_ENOTFOUND;
    if (!err) {
        *ret_list = hy_get_be32(c.key.p + 1);
        *ret_lead = hy_get_be32(c.key.p + 5);
    }
    hy_cursor_close(&c);
    return err;
}

int hy_opt_in_next(struct hy_txn *t, hy_list_no list, hy_lead_no lead, struct hy_opt_in *ret)
{
    struct hy_opt_in o = {.id = 0};
    int err = 0;
    while (!err && o.id == 0) {
        err = next_pair(t, REQUEST, list, lead, &list, &lead);
        if (!err)
            err = get(t, list, lead, &o);
    }
    if (!err)
        *ret = o;
    return err;
}

int hy_opt_in_next_mail(struct hy_txn *t, hy_list_no list, hy_lead_no lead, struct hy_opt_in *ret)
{
    int err = next_pair(t, MAIL, list, lead, &list, &lead);
    if (!err)
        err = hy_opt_in_get(t, list, lead, ret);
    return err;
}

/* Whether the lead's first address is the one that is asked. */
static int is_asked(struct hy_txn *t, const struct hy_opt_in *o, bool *ret)
{
    struct lead_record r;
    int err = hy_lead_record_get(t, o->lead, &r);
    if (!err)
        *ret = o->address == 0 || o->address == hy_opt_in_address(t->env, r.address);
    return err;
}

int hy_opt_in_of_token(struct hy_txn *t, const struct hy_token *token, struct hy_opt_in *ret)
{
    struct hy_opt_in o;
    bool is_same = false;
    hy_wall_ms now = t->mode == HY_TXN_WRITE ? t->now : hy_clock_wall_ms();
    int err = hy_opt_in_get(t, token->link, token->lead, &o);
    if (!err)
        err = is_asked(t, &o, &is_same);
    if (err)
        return err;
    if (!is_same || o.id != token->campaign || o.until <= now)
        return HY_ENOTFOUND;
    *ret = o;
    return 0;
}

/* ---- changing ---- */

/* What a request goes on with, of the one before. */
static int take_over(struct hy_txn *t, struct hy_opt_in *o)
{
    uint8_t key[EXPIRY_KEY];
    struct hy_opt_in old;
    int err = get(t, o->list, o->lead, &old);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    if (old.until > t->now && (old.address == 0 || old.address == o->address)) {
        o->id = old.id;
        o->mails = old.mails;
        o->mailed = old.mailed;
    }
    return hy_del(t, HY_TABLE_LIST_PENDING, hy_opt_in_expiry_key(&old, key));
}

int hy_opt_in_ask(struct hy_txn *t, const struct hy_opt_in *asked)
{
    uint8_t key[EXPIRY_KEY];
    struct hy_opt_in o = *asked;
    struct hy_list_view list;
    struct lead_record r;
    if (o.by.n > BY_MAX || o.url.n > HY_OPT_IN_TEXT_MAX || o.proof.n > PROOF_MAX)
        return HY_ELIMIT;
    int err = hy_list_read(t, o.list, &list);
    if (!err)
        err = hy_lead_record_get(t, o.lead, &r);
    if (err)
        return err;
    o.until = t->now + (hy_wall_ms)list.rules.confirm_s * 1000; /* the views die here */
    o.address = hy_opt_in_address(t->env, r.address);
    o.id = 0;
    o.mails = 0;
    o.mailed = 0;
    err = take_over(t, &o);
    if (!err && o.id == 0)
        o.id = hy_txn_new_id(t);
    if (!err)
        err = put_request(t, &o);
    if (!err)
        err = put_mark(t, hy_opt_in_expiry_key(&o, key));
    if (!err && o.mails < HY_OPT_IN_MAILS &&
        (o.mailed == 0 || t->now - o.mailed >= HY_OPT_IN_AGAIN_MS))
        err = put_mark(t, pair_key(MAIL, o.list, o.lead, key));
    return err;
}

/* Its views outlive the next write. */
struct kept {
    struct hy_opt_in o;
    char text[BY_MAX + HY_OPT_IN_TEXT_MAX + PROOF_MAX];
};

static int keep(struct hy_txn *t, hy_list_no list, hy_lead_no lead, struct kept *k)
{
    int err = get(t, list, lead, &k->o);
    if (err)
        return err;
    struct hy_str *const texts[] = {&k->o.by, &k->o.url, &k->o.proof};
    size_t at = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i]->n)
            memcpy(k->text + at, texts[i]->p, texts[i]->n);
        texts[i]->p = k->text + at;
        at += texts[i]->n;
    }
    return 0;
}

int hy_opt_in_mailed(struct hy_txn *t, const struct hy_opt_in *o)
{
    struct kept k;
    uint8_t key[PAIR_KEY];
    int err = keep(t, o->list, o->lead, &k);
    if (!err && (k.o.id != o->id || (k.o.address && k.o.address != o->address)))
        err = HY_ENOTFOUND;
    if (!err)
        err = hy_del(t, HY_TABLE_LIST_PENDING, pair_key(MAIL, o->list, o->lead, key));
    if (err)
        return err;
    k.o.address = o->address;
    k.o.mails = (uint8_t)(k.o.mails + 1);
    k.o.mailed = t->now;
    return put_request(t, &k.o);
}

static int drop_mark(struct hy_txn *t, hy_list_no list, hy_lead_no lead)
{
    uint8_t key[PAIR_KEY];
    int err = hy_del(t, HY_TABLE_LIST_PENDING, pair_key(MAIL, list, lead, key));
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_opt_in_end(struct hy_txn *t, hy_list_no list, hy_lead_no lead)
{
    struct hy_opt_in o;
    int err = hy_opt_in_get(t, list, lead, &o);
    if (err)
        return err;
    if (o.mails == 0)
        return hy_opt_in_drop(t, list, lead);
    const struct hy_opt_in over = {.list = list,
                                   .lead = lead,
                                   .address = o.address,
                                   .until = o.until,
                                   .mailed = o.mailed,
                                   .mails = o.mails};
    err = put_request(t, &over);
    return err ? err : drop_mark(t, list, lead);
}

int hy_opt_in_move(struct hy_txn *t, hy_lead_no lead)
{
    struct hy_list_view l = {0};
    struct kept k;
    int err;
    while ((err = hy_list_next(t, l.no, &l)) == 0) {
        hy_list_no list = l.no; /* the view dies */
        err = keep(t, list, lead, &k);
        if (!err)
            err = hy_opt_in_drop(t, list, lead);
        if (!err && k.o.id)
            err = hy_opt_in_ask(t, &k.o);
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_opt_in_drop(struct hy_txn *t, hy_list_no list, hy_lead_no lead)
{
    uint8_t key[EXPIRY_KEY];
    struct hy_opt_in o;
    int err = get(t, list, lead, &o);
    if (!err)
        err = hy_del(t, HY_TABLE_LIST_PENDING, hy_opt_in_expiry_key(&o, key));
    if (!err)
        err = hy_del(t, HY_TABLE_LIST_PENDING, pair_key(REQUEST, list, lead, key));
    return err ? err : drop_mark(t, list, lead);
}

int hy_opt_in_expire(struct hy_txn *t, hy_wall_ms now, size_t max)
{
    for (size_t i = 0; i < max; i++) {
        struct hy_cursor c;
        hy_list_no list = 0;
        hy_lead_no lead = 0;
        int err = hy_cursor_open(t, HY_TABLE_LIST_PENDING, &c);
        if (!err)
            err = hy_cursor_prefix_first(&c, HY_STR("x"));
        if (!err && c.key.n != EXPIRY_KEY)
            err = hy_txn_fail(t, HY_ECORRUPT);
        if (!err && (hy_wall_ms)hy_get_be32(c.key.p + 1) * 1000 > now)
            err = HY_ENOTFOUND;
        if (!err) {
            list = hy_get_be32(c.key.p + 5);
            lead = hy_get_be32(c.key.p + 9);
        }
        hy_cursor_close(&c);
        if (err)
            return err == HY_ENOTFOUND ? 0 : err;
        err = hy_opt_in_drop(t, list, lead);
        if (err)
            return hy_txn_fail(t, err == HY_ENOTFOUND ? HY_ECORRUPT : err);
    }
    return HY_EMORE;
}
