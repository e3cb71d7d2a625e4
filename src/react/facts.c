/* One lead as segments see it. Its record is copied, so that writes in the same transaction do no
 * harm; its activities of a kind are read back from the newest, as far as somebody asks, and
 * remembered. */
#include "facts_priv.h"

#include <stdlib.h>

#include "hayauma/store/label.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/list.h"
#include "hayauma/store/score.h"
#include "hayauma/store/segments.h"

enum {
    KEPT_MAX = 4096,     /* activities that are remembered; older ones are read again each time */
    RANKS_MAX = 64,      /* of hy_segment_facts.nth that are told exactly */
    TEXT_MAX = 70 << 20, /* all attributes there can be */
};

struct kept {
    hy_id id;
    hy_wall_ms moment;
    bool counts;
};

/* What it did of one kind. */
struct past {
    struct kept *kept; /* the newest first */
    size_t n, cap;
    bool is_all; /* there are no older ones */
};

/* The score, or that of a group, as it was asked for last: many segments ask for the same. */
struct score {
    bool is_read;
    struct hy_str group;
    struct hy_score_sum sums[HY_SCORE_SUMS_MAX];
    size_t n;
    struct hy_str text; /* empty: not made yet */
    char room[FACT_ROOM];
};

struct hy_facts {
    struct hy_segment_facts ask;
    struct hy_facts_options o;
    struct hy_txn *t;
    struct hy_deed *deed;
    hy_lead_no lead;
    hy_domain_no domain;
    hy_id created;
    enum hy_lead_status status;
    int err;
    struct hy_str address;
    struct hy_buf text; /* address and values, copied */
    struct hy_lead_attr attrs[HY_ATTR_MAX];
    size_t n_attrs;
    char room[FACT_ROOM];
    struct past past[HY_ACTIVITY_KINDS];
    size_t n_kept; /* of all kinds */
    struct score score;
    struct fact_shop shop;
    struct fact_company company;
    uint64_t steps;
};

static void *fail(struct hy_facts *f, int err)
{
    if (!f->err)
        f->err = err;
    return NULL;
}

/* ---- attributes ---- */

static struct hy_str stored(struct hy_facts *f, struct hy_str name)
{
    hy_attr_no no;
    int err = hy_attr_find(f->t, name, &no);
    if (err && err != HY_ENOTFOUND)
        fail(f, err);
    for (size_t i = 0; !err && i < f->n_attrs; i++)
        if (f->attrs[i].no == no)
            return f->attrs[i].value;
    return HY_STR("");
}

/* The score, or that of a group; NULL: it is no name of one. */
static struct score *score_of(struct hy_facts *f, struct hy_str name)
{
    struct score *s = &f->score;
    struct hy_str group;
    if (!fact_is_score(f->o.plan, name, &group))
        return NULL;
    if (s->is_read && hy_str_eq(s->group, group))
        return s;
    s->is_read = true;
    s->group = group;
    s->n = 0;
    s->text = HY_STR("");
    int err = hy_score_sums(f->t, f->lead, group, s->sums, &s->n);
    if (err)
        fail(f, err);
    return s;
}

static struct hy_str of_shop(struct hy_facts *f, struct hy_str name)
{
    enum hy_segment_given given = hy_segment_given_of(name);
    int err = fact_shop_read(f->t, f->lead, given, &f->shop);
    if (err)
        fail(f, err);
    return fact_shop_value(err ? &fact_shop_none : &f->shop, given, f->room);
}

static struct hy_str of_company(struct hy_facts *f, struct hy_str name)
{
    struct hy_str value;
    int err = f->company.is_read ? HY_OK : fact_company_of(f->t, f->lead, &f->company);
    if (!err)
        err = fact_company_value(f->t, &f->company, name, f->ask.now, &value);
    if (!err)
        return value;
    fail(f, err);
    return HY_STR("");
}

static struct hy_str more(void *ctx)
{
    struct hy_facts *f = ctx;
    return fact_company_more(&f->company);
}

static struct hy_str attribute(void *ctx, struct hy_str name)
{
    struct hy_facts *f = ctx;
    f->company.next = SIZE_MAX;
    enum fact_name is = fact_name_of(name);
    struct score *s = is == FACT_SCORE ? score_of(f, name) : NULL;
    if (s && s->text.n == 0)
        s->text = fact_score(hy_score_total_milli(s->sums, s->n, f->ask.now), s->room);
    if (s)
        return s->text;
    if (is == FACT_SHOP)
        return of_shop(f, name);
    if (is == FACT_COMPANY)
        return of_company(f, name);
    if (is == FACT_NONE || is == FACT_SCORE)
        return stored(f, name);
    return fact_value(is, f->created, f->address, f->status, f->room);
}

/* The next time that a fading score passes one of the values it is compared with. */
static hy_wall_ms stays_until(void *ctx, const struct hy_segment_node *n)
{
    struct hy_facts *f = ctx;
    const struct score *s = fact_name_of(n->name) == FACT_SCORE ? score_of(f, n->name) : NULL;
    return s ? fact_score_stays(n, s->sums, s->n, f->ask.now) : INT64_MAX;
}

/* ---- belonging ---- */

static bool is_in_set(struct hy_facts *f, struct hy_lead_set s)
{
    bool has = false;
    int err = hy_lead_set_has(f->t, s, f->lead, &has);
    if (err)
        fail(f, err);
    return has;
}

static bool has_label(struct hy_facts *f, enum hy_label_kind kind, struct hy_str name)
{
    hy_label_no no;
    int err = hy_label_find(f->t, kind, name, &no);
    if (err && err != HY_ENOTFOUND)
        fail(f, err);
    return !err && is_in_set(f, fact_label_set(kind, no));
}

static bool is_on_list(struct hy_facts *f, struct hy_str name)
{
    hy_list_no no;
    bool has = false;
    int err = hy_list_find(f->t, name, &no);
    if (!err)
        err = hy_list_has(f->t, no, f->domain, f->lead, &has);
    if (err && err != HY_ENOTFOUND)
        fail(f, err);
    return has;
}

static bool is_in_segment(struct hy_facts *f, struct hy_str name)
{
    uint32_t no;
    int err = hy_segment_find(f->t, name, &no);
    if (err && err != HY_ENOTFOUND)
        fail(f, err);
    return !err && is_in_set(f, hy_segment_set_of(no));
}

static bool is_member(void *ctx, enum hy_segment_group group, struct hy_str name)
{
    struct hy_facts *f = ctx;
    switch (group) {
    case HY_SEGMENT_TAG:
        return has_label(f, HY_LABEL_TAG, name);
    case HY_SEGMENT_GROUP:
        return has_label(f, HY_LABEL_GROUP, name);
    case HY_SEGMENT_LIST:
        return is_on_list(f, name);
    case HY_SEGMENT_SEGMENT:
        return is_in_segment(f, name);
    case HY_SEGMENT_GROUPS:
        break;
    }
    return false;
}

/* ---- activities ---- */

/* Reads one activity of the kind behind the oldest that is known. HY_ENOTFOUND: there is none. */
static int read_older(struct hy_facts *f, uint8_t kind, hy_id before, struct kept *ret)
{
    struct hy_activity_who who = {.by = HY_ACTIVITY_BY_LEAD, .lead = f->lead, .kind = kind};
    struct hy_activity a;
    f->steps++;
    int err = hy_activity_prev_of(f->t, &who, before, &a);
    if (err)
        return err;
    *ret = (struct kept){.id = a.id, .moment = hy_deed_moment(&a)};
    hy_deed_of(f->deed, f->t, &a);
    ret->counts = hy_deed_counts(f->deed, &a);
    return HY_OK;
}

static int remember(struct hy_facts *f, struct past *p, const struct kept *k)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        struct kept *more = realloc(p->kept, cap * sizeof *more);
        if (!more)
            return HY_ENOMEM;
        p->kept = more;
        p->cap = cap;
    }
    p->kept[p->n++] = *k;
    f->n_kept++;
    return HY_OK;
}

/* The activity of the kind behind number i - 1, which was `last`. HY_ENOTFOUND: there is none. */
static int activity(struct hy_facts *f, uint8_t kind, size_t i, const struct kept *last,
                    struct kept *ret)
{
    struct past *p = &f->past[kind];
    if (i < p->n) {
        *ret = p->kept[i];
        return HY_OK;
    }
    int err = p->is_all ? HY_ENOTFOUND : read_older(f, kind, i ? last->id : 0, ret);
    if (!err && i == p->n && f->n_kept < KEPT_MAX)
        err = remember(f, p, ret);
    else if (err == HY_ENOTFOUND && i == p->n)
        p->is_all = true;
    return err;
}

static bool passes(struct hy_facts *f, const struct hy_segment_node *did, hy_id id)
{
    struct hy_activity a;
    if (did->n_filters == 0)
        return true;
    f->steps++;
    int err = hy_activity_get(f->t, id, &a);
    if (err)
        return fail(f, err);
    return hy_segment_matches(did, hy_deed_of(f->deed, f->t, &a));
}

struct seen {
    hy_wall_ms newest[RANKS_MAX]; /* the newest first */
    size_t n_newest;
    hy_wall_ms oldest;
    uint32_t n;
};

static void see(void *ctx, hy_wall_ms at)
{
    struct seen *s = ctx;
    size_t i = s->n_newest < RANKS_MAX ? s->n_newest++ : RANKS_MAX;
    s->n++;
    s->oldest = s->n == 1 || at < s->oldest ? at : s->oldest;
    if (i == RANKS_MAX && s->newest[--i] >= at)
        return;
    for (; i > 0 && s->newest[i - 1] < at; i--)
        s->newest[i] = s->newest[i - 1];
    s->newest[i] = at;
}

bool fact_is_of_kind(const struct hy_segment_node *did, uint8_t kind)
{
    return kind == did->did || (did->did == HY_ACTIVITY_BOUNCED && kind == HY_ACTIVITY_LATE_BOUNCE);
}

/* Of what is asked: how many of a time there are, or when the one of a rank happened. */
struct question {
    const struct hy_segment_node *did;
    hy_wall_ms from, until;
    uint32_t enough; /* to count */
    uint32_t rank;   /* 0: only their number is asked */
};

/* Nothing happened later than it was noted: what is still to come is no newer than the one noted
 * last. */
static bool is_known(const struct question *q, const struct seen *s, hy_id last)
{
    return q->rank && q->rank <= s->n_newest && s->newest[q->rank - 1] >= hy_id_time(last);
}

static void see_activities(struct hy_facts *f, const struct question *q, struct seen *s)
{
    const struct hy_segment_node *did = q->did;
    /* mail that came back is told from rows, but for what came back late */
    uint8_t kind = (uint8_t)(did->did == HY_ACTIVITY_BOUNCED ? HY_ACTIVITY_LATE_BOUNCE : did->did);
    struct kept k = {0};
    int err = HY_OK;
    for (size_t i = 0; s->n < q->enough && !f->err; i++) {
        err = activity(f, kind, i, &k, &k);
        if (err || hy_id_time(k.id) < q->from)
            break;
        if (k.counts && k.moment >= q->from && k.moment < q->until && passes(f, did, k.id))
            see(s, k.moment);
        if (is_known(q, s, k.id))
            break;
    }
    if (err && err != HY_ENOTFOUND)
        fail(f, err);
}

static void see_all(struct hy_facts *f, const struct question *q, struct seen *s)
{
    struct fact_mail m = {.did = q->did,
                          .t = f->t,
                          .deed = f->deed,
                          .lead = f->lead,
                          .domain = f->domain,
                          .from = q->from,
                          .until = q->until,
                          .each = see,
                          .ctx = s};
    if (q->did->did == HY_ACTIVITY_DELIVERED || q->did->did == HY_ACTIVITY_BOUNCED) {
        int err = fact_mail_of(&m);
        if (err)
            fail(f, err);
    }
    if (q->did->did != HY_ACTIVITY_DELIVERED)
        see_activities(f, q, s);
}

static uint32_t count(void *ctx, const struct hy_segment_node *did, hy_wall_ms from,
                      hy_wall_ms until, uint32_t enough)
{
    const struct question q = {.did = did, .from = from, .until = until, .enough = enough};
    struct seen s = {0};
    see_all(ctx, &q, &s);
    return s.n;
}

/* Of a high rank: the oldest of so many, which is not newer. */
static hy_wall_ms nth(void *ctx, const struct hy_segment_node *did, hy_wall_ms from,
                      hy_wall_ms until, uint32_t rank)
{
    const struct question q = {.did = did,
                               .from = from,
                               .until = until,
                               .enough = rank <= RANKS_MAX ? UINT32_MAX : rank,
                               .rank = rank};
    struct seen s = {0};
    see_all(ctx, &q, &s);
    if (rank == 0 || s.n < rank)
        return INT64_MIN;
    return rank <= s.n_newest ? s.newest[rank - 1] : s.oldest;
}

/* ---- making ---- */

int hy_facts_new(const struct hy_facts_options *o, struct hy_facts **ret)
{
    struct hy_facts *f = calloc(1, sizeof *f);
    if (!f || hy_deed_new(&f->deed) != HY_OK) {
        free(f);
        return HY_ENOMEM;
    }
    f->o = *o;
    f->text = HY_BUF_INIT(TEXT_MAX);
    f->ask = (struct hy_segment_facts){.ctx = f,
                                       .attribute = attribute,
                                       .more = more,
                                       .is_member = is_member,
                                       .count = count,
                                       .nth = nth,
                                       .stays_until = stays_until,
                                       .zone = o->zone};
    *ret = f;
    return HY_OK;
}

void hy_facts_free(struct hy_facts *f)
{
    if (!f)
        return;
    hy_deed_free(f->deed);
    hy_buf_free(&f->text);
    fact_company_free(&f->company);
    for (size_t i = 0; i < HY_ACTIVITY_KINDS; i++)
        free(f->past[i].kept);
    free(f);
}

/* Takes a copy of the strings of the record. */
static int copy(struct hy_facts *f, const struct hy_lead_view *v)
{
    size_t at = 0;
    hy_buf_reset(&f->text);
    hy_buf_add_str(&f->text, v->address);
    for (size_t i = 0; i < v->n_attrs; i++)
        hy_buf_add_str(&f->text, v->attrs[i].value);
    if (f->text.err)
        return f->text.err;
    f->address = hy_str_make(f->text.data, v->address.n);
    at = v->address.n;
    for (size_t i = 0; i < v->n_attrs; i++) {
        f->attrs[i].value.p = f->text.data + at;
        at += f->attrs[i].value.n;
    }
    return HY_OK;
}

static void forget(struct hy_facts *f)
{
    for (size_t i = 0; i < HY_ACTIVITY_KINDS; i++) {
        f->past[i].n = 0;
        f->past[i].is_all = false;
    }
    f->n_kept = 0;
    f->score.is_read = false;
    f->shop.is_cart_read = f->shop.is_customer_read = f->company.is_read = false;
    f->steps = 0;
}

int hy_facts_of(struct hy_facts *f, struct hy_txn *t, hy_lead_no lead, hy_wall_ms now)
{
    struct hy_lead_view v;
    hy_lead_no kept;
    int err = hy_lead_read(t, lead, f->attrs, HY_ATTR_MAX, &v);
    if (!err)
        err = hy_lead_kept(t, lead, &kept);
    if (!err && kept != lead) /* a part of another stands for nobody */
        err = HY_ENOTFOUND;
    if (!err)
        err = copy(f, &v);
    if (err)
        return err;
    f->n_attrs = v.n_attrs;
    f->t = t;
    f->lead = lead;
    f->domain = v.domain_no;
    f->created = v.created;
    f->status = v.status;
    f->err = 0;
    forget(f);
    f->ask.now = now;
    return HY_OK;
}

const struct hy_segment_facts *hy_facts_ask(struct hy_facts *f)
{
    return &f->ask;
}

int hy_facts_err(const struct hy_facts *f)
{
    return f->err;
}

uint64_t hy_facts_steps(const struct hy_facts *f)
{
    return f->steps;
}

hy_domain_no hy_facts_domain(const struct hy_facts *f)
{
    return f->domain;
}
