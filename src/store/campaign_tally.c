/* The counts of campaigns.
 *
 * Keys: be64 campaign, what u8, be32. 'h' hour since 1970: version u8, le32 for each column. 'l'
 * link: version u8, le64 clicks by who, le64 number of the set of people who clicked (0: none yet).
 * 'g' 0: version u8, le64 for each column: counted, but the record is gone. Campaign 0, 's' 0:
 * version u8, le64 id of the first activity that was counted. */
#include "campaign_tally.h"

#include "hayauma/store/activity.h"
#include "hayauma/store/spool.h"

enum { VERSION = 1, KEY = 8 + 1 + 4, HOUR_MS = 3600 * 1000 };
enum { HOUR_VALUE = 1 + 4 * HY_TALLY_COLUMNS, GONE_VALUE = 1 + 8 * HY_TALLY_COLUMNS };
enum { LINK_VALUE = 1 + 8 * HY_TALLY_WHO + 8, SINCE_VALUE = 1 + 8, VALUE_MAX = 64 };
_Static_assert(HOUR_VALUE <= (int)VALUE_MAX && LINK_VALUE <= (int)VALUE_MAX, "fits");

struct place {
    uint8_t key[KEY];
};

static struct hy_str place(struct place *p, hy_id campaign, char what, uint32_t no)
{
    hy_put_be64(p->key, campaign);
    p->key[8] = (uint8_t)what;
    hy_put_be32(p->key + 9, no);
    return hy_str_make(p->key, KEY);
}

/* Copies the value of `n` bytes; HY_ENOTFOUND leaves a fresh one. */
static int load(struct hy_txn *t, struct hy_str key, uint8_t *value, size_t n)
{
    struct hy_str v;
    memset(value, 0, n);
    value[0] = VERSION;
    int err = hy_get(t, HY_TABLE_CAMPAIGN_TALLIES, key, &v);
    if (!err)
        err = hy_value_check(v, VERSION);
    if (!err && v.n != n)
        err = HY_ECORRUPT;
    if (!err)
        memcpy(value, v.p, n);
    return err && err != HY_ENOTFOUND && t->mode == HY_TXN_WRITE ? hy_txn_fail(t, err) : err;
}

static int save(struct hy_txn *t, struct hy_str key, const uint8_t *value, size_t n)
{
    return hy_put(t, HY_TABLE_CAMPAIGN_TALLIES, key, hy_str_make(value, n), HY_PUT_SET);
}

enum hy_tally_who hy_tally_who(uint8_t flags)
{
    return flags & HY_ACTIVITY_MACHINE ? HY_TALLY_MACHINE
           : flags & HY_ACTIVITY_HUMAN ? HY_TALLY_HUMAN
                                       : HY_TALLY_UNKNOWN;
}

static bool is_hit(const struct hy_activity *a)
{
    return a->kind == HY_ACTIVITY_OPEN || a->kind == HY_ACTIVITY_CLICK;
}

enum hy_tally_column hy_tally_column_of(const struct hy_activity *a)
{
    switch (a->kind) {
    case HY_ACTIVITY_OPEN:
        return HY_TALLY_OPENS + hy_tally_who(a->flags);
    case HY_ACTIVITY_CLICK:
        return HY_TALLY_CLICKS + hy_tally_who(a->flags);
    case HY_ACTIVITY_UNSUBSCRIBE:
        return HY_TALLY_UNSUBSCRIBES;
    case HY_ACTIVITY_COMPLAINT:
        return HY_TALLY_COMPLAINTS;
    case HY_ACTIVITY_REPLY:
        return HY_TALLY_REPLIES;
    case HY_ACTIVITY_LATE_BOUNCE:
        return HY_TALLY_LATE_BOUNCES;
    default:
        return HY_TALLY_COLUMNS;
    }
}

static uint32_t hour_of(const struct hy_activity *a)
{
    int64_t hour = a->at / HOUR_MS;
    return hour < UINT32_MAX ? (uint32_t)hour : UINT32_MAX - 1;
}

static uint32_t link_of(const struct hy_activity *a)
{
    return a->link <= HY_TALLY_LINK_MAX ? a->link : 0;
}

/* ---- who ---- */

static struct hy_lead_set deed_set(hy_id campaign, enum hy_lead_set_deed deed)
{
    return (struct hy_lead_set){
        .kind = HY_LEAD_SET_CAMPAIGN, .no = campaign, .what = (uint8_t)deed};
}

static struct hy_lead_set link_set(uint64_t no)
{
    return (struct hy_lead_set){.kind = HY_LEAD_SET_LINK, .no = no};
}

static int join(struct hy_txn *t, const struct hy_activity *a, enum hy_lead_set_deed deed)
{
    return a->lead ? hy_lead_set_add(t, deed_set(a->campaign, deed), a->lead, NULL) : 0;
}

static int leave(struct hy_txn *t, const struct hy_activity *a, enum hy_lead_set_deed deed)
{
    return a->lead ? hy_lead_set_remove(t, deed_set(a->campaign, deed), a->lead, NULL) : 0;
}

static enum hy_lead_set_deed person_set(const struct hy_activity *a)
{
    return a->kind == HY_ACTIVITY_OPEN ? HY_LEAD_SET_OPENED : HY_LEAD_SET_CLICKED;
}

static int join_by_kind(struct hy_txn *t, const struct hy_activity *a)
{
    switch (a->kind) {
    case HY_ACTIVITY_OPEN:
        return join(t, a, HY_LEAD_SET_OPENED_ANY);
    case HY_ACTIVITY_CLICK:
        return join(t, a, HY_LEAD_SET_CLICKED_ANY);
    case HY_ACTIVITY_UNSUBSCRIBE:
        return join(t, a, HY_LEAD_SET_UNSUBSCRIBED);
    case HY_ACTIVITY_COMPLAINT:
        return join(t, a, HY_LEAD_SET_COMPLAINED);
    case HY_ACTIVITY_REPLY:
        return join(t, a, HY_LEAD_SET_REPLIED);
    case HY_ACTIVITY_LATE_BOUNCE:
        return join(t, a, HY_LEAD_SET_BOUNCED);
    default:
        return 0;
    }
}

int hy_campaign_tally_trace(struct hy_txn *t, const struct hy_activity *like,
                            struct tally_traces *ret)
{
    const struct hy_activity_who who = {
        .by = HY_ACTIVITY_BY_LEAD, .lead = like->lead, .kind = (uint8_t)like->kind};
    struct tally_traces found = {.any = false};
    struct hy_activity a = {.id = 0};
    bool is_click = like->kind == HY_ACTIVITY_CLICK;
    int err = 0;
    for (unsigned looks = 0;; looks++) {
        err = hy_activity_prev_of(t, &who, a.id, &a);
        if (err || a.id < like->campaign) /* ids are of one source: nothing lies before it */
            break;
        if (looks >= TALLY_LOOKS_MAX) {
            found.is_cut = true;
            break;
        }
        if (a.id == like->id || a.campaign != like->campaign ||
            hy_tally_who(a.flags) != HY_TALLY_HUMAN)
            continue;
        found.any = true;
        found.of_link |= link_of(&a) == link_of(like);
        if (!is_click || found.of_link)
            break;
    }
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret = found;
    return 0;
}

/* ---- counting ---- */

static int add_link(struct hy_txn *t, const struct hy_activity *a)
{
    uint8_t v[LINK_VALUE];
    struct place p;
    struct hy_str key = place(&p, a->campaign, 'l', link_of(a));
    enum hy_tally_who who = hy_tally_who(a->flags);
    int err = load(t, key, v, sizeof v);
    if (err && err != HY_ENOTFOUND)
        return err;
    uint8_t *n = v + 1 + 8 * who, *people = v + 1 + 8 * HY_TALLY_WHO;
    hy_put_le64(n, hy_get_le64(n) + 1);
    if (who == HY_TALLY_HUMAN && hy_get_le64(people) == 0)
        hy_put_le64(people, hy_txn_new_id(t));
    err = save(t, key, v, sizeof v);
    if (!err && who == HY_TALLY_HUMAN && a->lead)
        err = hy_lead_set_add(t, link_set(hy_get_le64(people)), a->lead, NULL);
    return err;
}

/* The other way round; the lead leaves the link's people unless `stays`. */
static int take_link(struct hy_txn *t, const struct hy_activity *a, bool stays)
{
    uint8_t v[LINK_VALUE];
    struct place p;
    struct hy_str key = place(&p, a->campaign, 'l', link_of(a));
    enum hy_tally_who who = hy_tally_who(a->flags);
    int err = load(t, key, v, sizeof v);
    if (err)
        return err == HY_ENOTFOUND ? hy_txn_fail(t, HY_ECORRUPT) : err;
    uint8_t *n = v + 1 + 8 * who, *people = v + 1 + 8 * HY_TALLY_WHO;
    if (hy_get_le64(n) == 0)
        return hy_txn_fail(t, HY_ECORRUPT);
    hy_put_le64(n, hy_get_le64(n) - 1);
    err = save(t, key, v, sizeof v);
    if (!err && who == HY_TALLY_HUMAN && a->lead && !stays)
        err = hy_lead_set_remove(t, link_set(hy_get_le64(people)), a->lead, NULL);
    return err;
}

static int add_person(struct hy_txn *t, const struct hy_activity *a)
{
    return is_hit(a) && hy_tally_who(a->flags) == HY_TALLY_HUMAN ? join(t, a, person_set(a)) : 0;
}

/* The first of all that are counted is remembered. */
static int mark_since(struct hy_txn *t, hy_id id)
{
    uint8_t v[SINCE_VALUE];
    struct place p;
    struct hy_str key = place(&p, 0, 's', 0);
    int err = load(t, key, v, sizeof v);
    if (err != HY_ENOTFOUND)
        return err;
    hy_put_le64(v + 1, id);
    return save(t, key, v, sizeof v);
}

/* Whether activities of a campaign are counted that has nothing in this hour yet. */
static int begin_hour(struct hy_txn *t, const struct hy_activity *a)
{
    uint8_t key[8];
    struct hy_str record;
    hy_put_be64(key, a->campaign);
    int err = hy_get(t, HY_TABLE_CAMPAIGNS, hy_str_make(key, sizeof key), &record);
    return err ? err : mark_since(t, a->id);
}

int hy_campaign_tally_put(struct hy_txn *t, const struct hy_activity *a)
{
    uint8_t v[HOUR_VALUE];
    struct place p;
    enum hy_tally_column column = hy_tally_column_of(a);
    if (a->campaign == 0 || hy_id_is_spool(a->campaign))
        return 0;
    if (a->kind == HY_ACTIVITY_RESUBSCRIBE)
        return leave(t, a, HY_LEAD_SET_UNSUBSCRIBED);
    if (column == HY_TALLY_COLUMNS)
        return 0;
    struct hy_str key = place(&p, a->campaign, 'h', hour_of(a));
    int err = load(t, key, v, sizeof v);
    if (err == HY_ENOTFOUND)
        err = begin_hour(t, a);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err; /* the campaign is gone */
    hy_put_le32(v + 1 + 4 * column, hy_get_le32(v + 1 + 4 * column) + 1);
    err = save(t, key, v, sizeof v);
    if (!err && a->kind == HY_ACTIVITY_CLICK)
        err = add_link(t, a);
    if (!err)
        err = join_by_kind(t, a);
    return err ? err : add_person(t, a);
}

/* HY_ENOTFOUND: it was never counted. */
static int move_hour(struct hy_txn *t, const struct hy_activity *from, const struct hy_activity *to)
{
    uint8_t v[HOUR_VALUE];
    struct place p;
    struct hy_str key = place(&p, from->campaign, 'h', hour_of(from));
    int err = load(t, key, v, sizeof v);
    if (err)
        return err;
    uint8_t *less = v + 1 + 4 * hy_tally_column_of(from),
            *more = v + 1 + 4 * hy_tally_column_of(to);
    if (hy_get_le32(less) == 0)
        return hy_txn_fail(t, HY_ECORRUPT);
    hy_put_le32(less, hy_get_le32(less) - 1);
    hy_put_le32(more, hy_get_le32(more) + 1);
    return save(t, key, v, sizeof v);
}

int hy_campaign_tally_judge(struct hy_txn *t, const struct hy_activity *a, uint8_t flags)
{
    struct hy_activity now = *a;
    struct tally_traces traces = {.any = false};
    hy_id since = 0;
    now.flags = flags;
    if (a->campaign == 0 || hy_id_is_spool(a->campaign) || !is_hit(a) ||
        hy_tally_who(a->flags) == hy_tally_who(flags))
        return 0;
    int err = hy_campaign_tally_since(t, &since);
    if (err || since == 0 || a->id < since)
        return err;
    err = move_hour(t, a, &now);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    bool leaves = hy_tally_who(a->flags) == HY_TALLY_HUMAN;
    if (leaves && a->lead)
        err = hy_campaign_tally_trace(t, a, &traces);
    if (!err && leaves && !traces.any)
        err = leave(t, a, person_set(a));
    if (!err && a->kind == HY_ACTIVITY_CLICK)
        err = take_link(t, a, traces.of_link);
    if (!err && a->kind == HY_ACTIVITY_CLICK)
        err = add_link(t, &now);
    return err ? err : add_person(t, &now);
}

int hy_campaign_tally_lose(struct hy_txn *t, const struct hy_activity *a)
{
    uint8_t v[GONE_VALUE];
    struct place p;
    hy_id since = 0;
    enum hy_tally_column column = hy_tally_column_of(a);
    if (a->campaign == 0 || hy_id_is_spool(a->campaign) || column == HY_TALLY_COLUMNS)
        return 0;
    int err = hy_campaign_tally_since(t, &since);
    if (err || since == 0 || a->id < since)
        return err;
    struct hy_tally_hour hour;
    err = hy_campaign_tally_hour(t, a->campaign, hour_of(a), &hour);
    if (err || hour.hour != hour_of(a)) /* the campaign went before */
        return err == HY_ENOTFOUND ? 0 : err;
    struct hy_str key = place(&p, a->campaign, 'g', 0);
    err = load(t, key, v, sizeof v);
    if (err && err != HY_ENOTFOUND)
        return err;
    hy_put_le64(v + 1 + 8 * column, hy_get_le64(v + 1 + 8 * column) + 1);
    return save(t, key, v, sizeof v);
}

/* ---- reading ---- */

int hy_campaign_tally_since(struct hy_txn *t, hy_id *ret)
{
    uint8_t v[SINCE_VALUE];
    struct place p;
    int err = load(t, place(&p, 0, 's', 0), v, sizeof v);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret = hy_get_le64(v + 1);
    return 0;
}

int hy_campaign_tally_gone(struct hy_txn *t, hy_id campaign, uint64_t ret[HY_TALLY_COLUMNS])
{
    uint8_t v[GONE_VALUE];
    struct place p;
    int err = load(t, place(&p, campaign, 'g', 0), v, sizeof v);
    if (err && err != HY_ENOTFOUND)
        return err;
    for (unsigned i = 0; i < HY_TALLY_COLUMNS; i++)
        ret[i] = hy_get_le64(v + 1 + 8 * i);
    return 0;
}

/* The first record `what` of the campaign at `from` or behind it, of `n` bytes. */
static int seek(struct hy_txn *t, struct hy_str from, size_t n, uint32_t *ret_no,
                uint8_t ret[VALUE_MAX])
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_CAMPAIGN_TALLIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, from);
    if (!err && !hy_str_starts(c.key, hy_str_slice(from, 0, 9)))
        err = HY_ENOTFOUND;
    if (!err)
        err = hy_value_check(c.value, VERSION);
    if (!err && (c.key.n != KEY || c.value.n != n))
        err = HY_ECORRUPT;
    if (!err) {
        *ret_no = hy_get_be32(c.key.p + 9);
        memcpy(ret, c.value.p, n);
    }
    hy_cursor_close(&c);
    return err;
}

int hy_campaign_tally_hour(struct hy_txn *t, hy_id campaign, uint32_t from,
                           struct hy_tally_hour *ret)
{
    uint8_t v[VALUE_MAX];
    struct place p;
    uint32_t hour = 0;
    int err = seek(t, place(&p, campaign, 'h', from), HOUR_VALUE, &hour, v);
    if (err)
        return err;
    ret->hour = hour;
    for (unsigned i = 0; i < HY_TALLY_COLUMNS; i++)
        ret->n[i] = hy_get_le32(v + 1 + 4 * i);
    return 0;
}

int hy_campaign_tally_link(struct hy_txn *t, hy_id campaign, uint32_t from,
                           struct hy_tally_link *ret)
{
    uint8_t v[VALUE_MAX];
    struct place p;
    struct hy_tally_link l = {.link = 0};
    int err = seek(t, place(&p, campaign, 'l', from), LINK_VALUE, &l.link, v);
    if (err)
        return err;
    for (unsigned i = 0; i < HY_TALLY_WHO; i++)
        l.clicks[i] = hy_get_le64(v + 1 + 8 * i);
    l.people = link_set(hy_get_le64(v + 1 + 8 * HY_TALLY_WHO));
    if (l.people.no)
        err = hy_lead_set_count(t, l.people, &l.n_people);
    if (!err)
        *ret = l;
    return err;
}

int hy_campaign_tally_next(struct hy_txn *t, hy_id after, hy_id *ret)
{
    struct place p;
    struct hy_cursor c;
    if (after == UINT64_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_CAMPAIGN_TALLIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, place(&p, after + 1, 0, 0));
    if (!err && c.key.n != KEY)
        err = HY_ECORRUPT;
    if (!err)
        *ret = hy_get_be64(c.key.p);
    hy_cursor_close(&c);
    return err;
}

/* ---- dropping ---- */

/* Hours first: while one is there hits are counted, see begin_hour(). */
static int drop_hours(struct hy_txn *t, hy_id campaign)
{
    struct place p;
    struct hy_str prefix = hy_str_slice(place(&p, campaign, 'h', 0), 0, 9);
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_CAMPAIGN_TALLIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, prefix);
    while (!err) {
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_txn_should_yield(t) ? HY_EMORE : hy_cursor_prefix_next(&c, prefix);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int drop_links(struct hy_txn *t, hy_id campaign)
{
    struct hy_tally_link l;
    struct place p;
    int err;
    while ((err = hy_campaign_tally_link(t, campaign, 0, &l)) == 0) {
        if (l.people.no)
            err = hy_lead_set_clear(t, l.people);
        if (!err)
            err = hy_del(t, HY_TABLE_CAMPAIGN_TALLIES, place(&p, campaign, 'l', l.link));
        if (!err && hy_txn_should_yield(t))
            err = HY_EMORE;
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_campaign_tally_drop(struct hy_txn *t, hy_id campaign)
{
    struct place p;
    int err = drop_hours(t, campaign);
    if (!err)
        err = drop_links(t, campaign);
    for (unsigned deed = HY_LEAD_SET_OPENED; !err && deed <= HY_LEAD_SET_BOUNCED; deed++)
        err = hy_lead_set_clear(t, deed_set(campaign, (enum hy_lead_set_deed)deed));
    if (!err)
        err = hy_del(t, HY_TABLE_CAMPAIGN_TALLIES, place(&p, campaign, 'g', 0));
    return err == HY_ENOTFOUND ? 0 : err;
}
