/* Noting what came back.
 *
 * Key of the table: week since 1970 be16, hash of the mail (16 bytes). Value: version u8. Weeks
 * that are over go with the mails that come: a few with each, so nothing has to sweep. */
#include "hayauma/store/returned.h"

#include "hayauma/base/list.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/activity.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/dsn.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/spool.h"
#include "hayauma/store/suppress.h"
#include "lead_priv.h"
#include "suppress_priv.h"

enum { VERSION = 1, KEY_BYTES = 2 + HY_RETURNED_HASH_LEN, FORGET_MAX = 8 };
enum { WEEKS = HY_RETURNED_KEPT_DAYS / 7 };

/* ---- mails that came before ---- */

static uint16_t week_of(hy_wall_ms t)
{
    return (uint16_t)(t / ((hy_wall_ms)7 * 24 * 3600 * 1000));
}

static struct hy_str seen_key(uint8_t out[KEY_BYTES], uint16_t week, const uint8_t *hash)
{
    hy_put_be16(out, week);
    memcpy(out + 2, hash, HY_RETURNED_HASH_LEN);
    return hy_str_make(out, KEY_BYTES);
}

/* HY_EEXIST: it came before. */
static int remember(struct hy_txn *t, const uint8_t *hash)
{
    uint8_t key[KEY_BYTES];
    struct hy_str value;
    uint16_t week = week_of(t->now);
    for (uint16_t i = 0; i <= WEEKS; i++) {
        int err = hy_get(t, HY_TABLE_RETURNED, seen_key(key, (uint16_t)(week - i), hash), &value);
        if (err != HY_ENOTFOUND)
            return err ? err : HY_EEXIST;
    }
    static const uint8_t version = VERSION;
    return hy_put(t, HY_TABLE_RETURNED, seen_key(key, week, hash), hy_str_make(&version, 1),
                  HY_PUT_SET);
}

/* More than come in, so that old weeks end. */
static int forget(struct hy_txn *t)
{
    struct hy_cursor c;
    uint16_t week = week_of(t->now);
    int err = hy_cursor_open(t, HY_TABLE_RETURNED, &c);
    if (!err)
        err = hy_cursor_first(&c);
    for (int i = 0; !err && i < FORGET_MAX; i++) {
        if (c.key.n >= 2 && (uint16_t)(week - hy_get_be16(c.key.p)) <= WEEKS)
            break;
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- whose it is ---- */

struct owner {
    uint32_t tenant, suppressor;
    hy_id campaign, message;
    hy_lead_no lead;
    hy_domain_no domain;
    struct hy_rcpt_ref ref; /* of the ready message's recipient */
    bool is_proven;         /* by a token */
    size_t n;
    char address[HY_ADDRESS_MAX + 1];
};

static int keep_address(struct owner *o, struct hy_str address)
{
    if (address.n > HY_ADDRESS_MAX)
        return HY_ECORRUPT;
    memcpy(o->address, address.p, address.n);
    o->n = address.n;
    return 0;
}

static int take_lead(struct hy_txn *t, hy_lead_no no, struct owner *o)
{
    struct lead_record lead;
    int err = hy_lead_record_get(t, no, &lead);
    if (err)
        return err;
    o->lead = no;
    o->domain = lead.domain;
    return keep_address(o, lead.address);
}

struct search {
    hy_lead_no no;
    struct owner *o;
    int err;
};

static int each_row(void *ctx, const struct hy_spool_view *v)
{
    struct search *s = ctx;
    if (v->row.ref.lead != s->no)
        return 0;
    s->o->ref = v->row.ref;
    s->err = keep_address(s->o, v->rcpt.address);
    return 1;
}

static int take_message(struct hy_txn *t, hy_id id, hy_lead_no no, struct owner *o)
{
    struct hy_spool_message m;
    struct search s = {.no = no, .o = o, .err = HY_ENOTFOUND};
    int err = hy_spool_message(t, id, &m);
    if (err)
        return err;
    o->tenant = hy_spool_tenant(m.spool);
    o->campaign = m.spool;
    o->message = id;
    err = hy_spool_each_of_message(t, id, each_row, &s);
    return err < 0 ? err : s.err;
}

/* HY_ENOTFOUND: what the token names is gone. */
static int by_token(struct hy_txn *t, const struct hy_returned *r, struct owner *ret)
{
    struct owner o = {.is_proven = true};
    struct hy_campaign c;
    int err = hy_campaign_get(t, r->campaign, &c);
    if (!err) {
        o.tenant = c.tenant;
        o.campaign = c.id;
        err = take_lead(t, r->lead, &o);
    } else if (err == HY_ENOTFOUND) {
        err = take_message(t, r->campaign, r->lead, &o);
    }
    if (!err)
        *ret = o;
    return err;
}

/* HY_ENOTFOUND: nobody has the address, or there is none. */
static int by_address(struct hy_txn *t, struct hy_str address, struct owner *ret)
{
    struct owner o = {0};
    hy_lead_no no;
    int err = address.n ? hy_lead_find(t, address, &no) : HY_ENOTFOUND;
    if (!err)
        err = take_lead(t, no, &o);
    if (!err)
        *ret = o;
    return err == HY_EPARSE ? HY_ENOTFOUND : err;
}

/* ---- one item ---- */

static int put_activity(struct hy_txn *t, const struct hy_returned *r,
                        const struct hy_returned_item *i, const struct owner *o, bool is_hard)
{
    struct hy_activity a = {
        .kind = i->kind,
        .flags = (uint8_t)((is_hard ? HY_ACTIVITY_HARD : 0) |
                           (i->kind == HY_ACTIVITY_AUTO_REPLY ? HY_ACTIVITY_MACHINE : 0)),
        .reason = i->reason,
        .tenant = o->tenant,
        .campaign = o->campaign,
        .message = o->message,
        .lead = o->lead,
        .domain = o->domain,
        .address = hy_str_make(o->address, o->n),
        .source = r->source,
        .text = i->text,
        .meta = i->meta,
    };
    return hy_activity_put(t, &a);
}

static int put_entry(struct hy_txn *t, const struct owner *o, enum hy_suppress_reason reason,
                     struct hy_str words)
{
    struct hy_suppress_entry e = {
        .key = {.scope = HY_SUPPRESS_TENANT, .tenant = o->suppressor, .reason = reason},
        .what = hy_str_make(o->address, o->n),
        .source = words,
        .by = reason == HY_SUPPRESS_COMPLAINT ? HY_STR("complaint") : HY_STR("mail"),
    };
    if (reason == HY_SUPPRESS_UNSUBSCRIBE) {
        e.key.scope = HY_SUPPRESS_STREAM;
        e.key.no = HY_STREAM_MARKETING;
    }
    return hy_suppress_put(t, &e, NULL);
}

static int suppress(struct hy_txn *t, const struct hy_returned_item *i, const struct owner *o,
                    bool is_hard, bool *ret_did)
{
    struct hy_str address = hy_str_make(o->address, o->n);
    *ret_did = true;
    if (i->kind == HY_ACTIVITY_UNSUBSCRIBE)
        return put_entry(t, o, HY_SUPPRESS_UNSUBSCRIBE, i->text);
    if (i->kind == HY_ACTIVITY_COMPLAINT && i->is_suppress)
        return put_entry(t, o, HY_SUPPRESS_COMPLAINT, i->text);
    if (i->kind == HY_ACTIVITY_LATE_BOUNCE && is_hard)
        return suppress_hard(t, address, o->suppressor, i->text);
    *ret_did = false;
    if (i->kind == HY_ACTIVITY_LATE_BOUNCE && i->is_soft)
        return hy_suppress_soft(t, address, o->suppressor, i->text, ret_did);
    return 0;
}

/* The sender of a ready message learns that it did not arrive after all; once. */
static int tell_sender(struct hy_txn *t, const struct hy_returned *r,
                       const struct hy_returned_item *i, const struct owner *o)
{
    const struct hy_outcome words = {
        .kind = HY_OUTCOME_BOUNCED,
        .spoils = HY_SPOILS_RECIPIENT,
        .phase = HY_PHASE_DOT,
        .code = i->code,
        .enhanced = i->status,
        .reason = i->reason,
        .from_server = true,
        .text = hy_str_slice(i->text, 0, HY_OUTCOME_TEXT_MAX),
    };
    int err = hy_dsn_returned(t, &o->ref, &words, r->source);
    return err == HY_EEXIST || err == HY_ENOTFOUND ? 0 : err;
}

/* For the brake of a campaign. */
static bool is_bad(const struct hy_returned_item *i, const struct owner *o, bool is_hard)
{
    return o->is_proven && !o->message &&
           (i->kind == HY_ACTIVITY_COMPLAINT ? i->is_suppress
                                             : i->kind == HY_ACTIVITY_LATE_BOUNCE && is_hard);
}

/* When the mail of a campaign to its lead was tried last; 0: its row is gone. */
static hy_wall_ms sent_at(struct hy_txn *t, const struct owner *o)
{
    struct hy_queue_row row;
    int err = hy_queue_find(t, o->campaign, o->domain, o->lead, &row);
    return err == HY_OK && row.last_attempt ? hy_id_time(row.last_attempt) : 0;
}

static int note(struct hy_txn *t, struct hy_returned *r, const struct hy_returned_item *i,
                const struct owner *o, bool is_hard)
{
    bool did = false, may = o->is_proven || r->is_believed || i->kind == HY_ACTIVITY_UNSUBSCRIBE;
    int err = put_activity(t, r, i, o, is_hard);
    if (!err && o->message && i->kind == HY_ACTIVITY_LATE_BOUNCE)
        err = tell_sender(t, r, i, o);
    if (!err && may)
        err = suppress(t, i, o, is_hard, &did);
    if (err == HY_EPARSE) /* a lead whose address nothing can be sent to */
        err = 0;
    if (err)
        return err;
    r->n_noted++;
    r->n_suppressed += did;
    if (is_bad(i, o, is_hard)) {
        r->n_bad++;
        r->bad_sent = sent_at(t, o);
    }
    return 0;
}

static bool is_about(const struct hy_returned_item *i, const struct owner *o)
{
    return hy_str_ieq(i->address, hy_str_make(o->address, o->n));
}

static int note_proven(struct hy_txn *t, struct hy_returned *r, const struct owner *o)
{
    for (size_t k = 0; k < r->n; k++)
        if (is_about(&r->items[k], o))
            return note(t, r, &r->items[k], o, r->items[k].is_hard);
    return r->n ? note(t, r, &r->items[0], o, r->items[0].is_hard && r->n == 1) : 0;
}

/* What nobody's address is told of is kept for bounces and complaints only: letters of strangers
 * are no news. */
static bool is_for_strangers(enum hy_activity_kind k)
{
    return k == HY_ACTIVITY_LATE_BOUNCE || k == HY_ACTIVITY_COMPLAINT ||
           k == HY_ACTIVITY_UNSUBSCRIBE;
}

static int note_by_address(struct hy_txn *t, struct hy_returned *r,
                           const struct hy_returned_item *i)
{
    static const struct hy_address_rules rules = {.allow_single = true};
    struct owner o = {0};
    struct hy_address a;
    enum hy_address_reason reason;
    int err = by_address(t, i->address, &o);
    if (err != HY_ENOTFOUND)
        return err ? err : note(t, r, i, &o, i->is_hard);
    if (!is_for_strangers(i->kind) || hy_address_parse(i->address, &rules, &a, &reason) != HY_OK)
        return 0;
    err = keep_address(&o, hy_address_wire(&a));
    return err ? err : note(t, r, i, &o, i->is_hard);
}

int hy_returned_put(struct hy_txn *t, struct hy_returned *r)
{
    struct owner o;
    if (r->n > HY_RETURNED_ITEMS_MAX)
        return HY_ELIMIT;
    r->is_known = false;
    r->n_noted = r->n_suppressed = r->n_bad = 0;
    r->bad_sent = 0;
    int err = remember(t, r->hash);
    if (err == HY_EEXIST) {
        r->is_known = true;
        return 0;
    }
    if (!err)
        err = forget(t);
    if (err)
        return err;
    err = r->campaign ? by_token(t, r, &o) : HY_ENOTFOUND;
    if (err == HY_OK)
        o.suppressor = r->suppressor ? r->suppressor(r->suppressor_ctx, o.tenant) : o.tenant;
    if (err != HY_ENOTFOUND)
        return err ? err : note_proven(t, r, &o);
    err = 0;
    for (size_t k = 0; k < r->n && !err; k++)
        err = note_by_address(t, r, &r->items[k]);
    return err;
}

static int apply(struct hy_write_req *req, struct hy_txn *t)
{
    struct hy_returned_job *j = hy_container_of(req, struct hy_returned_job, req);
    return hy_returned_put(t, &j->mail);
}

void hy_returned_job_init(struct hy_returned_job *j)
{
    *j = (struct hy_returned_job){.req = {.class = HY_WRITE_INTAKE,
                                          .when = HY_WRITE_NOW,
                                          .on_full = HY_WRITE_FULL_FAIL,
                                          .apply = apply}};
}
