/* What changes of companies leave to do on leads. It waits in the table, with the place that was
 * reached, and is done in slices: a stop interrupts it and loses nothing. Entries: 'w' and
 *   'a': all leads, by number: what their attribute says (a store of an older version)
 *   'm', be32 company: its members, by number: they go to another, or are written anew
 *   'd', domain: all leads, by number: those of the domain that belong to no company
 *   's': all companies, by number: what their members' points come to (a store of an older version)
 * Value: version; le32 the last lead (or company) that was done, le32 where members go to. */
#include "company_score.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/lead_alias.h"

enum {
    AT_ONCE = 500,         /* leads that are changed between two looks at the clock */
    LOOKED_AT_ONCE = 5000, /* leads that are looked at */
    VALUE = 9,
    WHAT_MAX = 2 + HY_DOMAIN_MAX,
};

struct work {
    struct hy_txn *t;
    char key[WHAT_MAX];
    size_t key_n;
    hy_lead_no place;
    hy_company_no into;
    hy_lead_no leads[AT_ONCE];
    size_t n;
    hy_lead_no changed[AT_ONCE];
    size_t n_changed;
};

static struct hy_str key_of(const struct work *w)
{
    return hy_str_make(w->key, w->key_n);
}

static hy_company_no company_of(const struct work *w)
{
    return hy_get_be32(w->key + 2);
}

static struct hy_str domain_of(const struct work *w)
{
    return hy_str_slice(key_of(w), 2, w->key_n);
}

static int put(struct work *w)
{
    uint8_t value[VALUE] = {COMPANY_VERSION};
    hy_put_le32(value + 1, w->place);
    hy_put_le32(value + 5, w->into);
    return hy_put(w->t, HY_TABLE_COMPANIES, key_of(w), hy_str_make(value, sizeof value),
                  HY_PUT_SET);
}

static void start(struct work *w, struct hy_txn *t, enum company_work kind, const void *what,
                  size_t n)
{
    w->t = t;
    w->key[0] = COMPANY_WORK;
    w->key[1] = (char)kind;
    if (n)
        memcpy(w->key + 2, what, n);
    w->key_n = 2 + n;
    w->place = w->into = 0;
    w->n = w->n_changed = 0;
}

/* The first entry whose key is >= `from`. HY_ENOTFOUND. */
static int seek(struct work *w, struct hy_str from)
{
    struct hy_cursor c;
    int err = hy_cursor_open(w->t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, from);
    if (!err && c.key.p[0] != COMPANY_WORK)
        err = HY_ENOTFOUND;
    if (!err)
        err = hy_value_check(c.value, COMPANY_VERSION);
    if (!err && (c.value.n != VALUE || c.key.n < 2 || c.key.n > WHAT_MAX ||
                 (c.key.p[1] == COMPANY_WORK_MOVE && c.key.n != 6)))
        err = HY_ECORRUPT;
    if (!err) {
        memcpy(w->key, c.key.p, c.key.n);
        w->key_n = c.key.n;
        w->place = hy_get_le32(c.value.p + 1);
        w->into = hy_get_le32(c.value.p + 5);
        w->n = w->n_changed = 0;
    }
    hy_cursor_close(&c);
    return err;
}

/* Whether leads can be given the attribute of their company: it may be one name too many. */
static int has_room(struct hy_txn *t, bool *ret)
{
    hy_attr_no attr;
    size_t n = 0;
    int err = hy_company_attr(t, &attr);
    if (err == HY_ENOTFOUND)
        err = hy_attr_count(t, &n);
    if (!err)
        *ret = n < HY_ATTR_MAX;
    return err;
}

/* The first entry that can be done now: those of domains wait for room. HY_ENOTFOUND. */
static int seek_first(struct work *w)
{
    static const char first = COMPANY_WORK,
                      behind_domains[] = {COMPANY_WORK, COMPANY_WORK_DOMAIN + 1};
    bool can_join = true;
    int err = seek(w, hy_str_make(&first, 1));
    if (!err && w->key[1] == COMPANY_WORK_DOMAIN)
        err = has_room(w->t, &can_join);
    return err || can_join ? err : seek(w, hy_str_make(behind_domains, sizeof behind_domains));
}

/* ---- noting ---- */

/* Members that were on their way to it go on to where its own go. */
static int redirect(struct hy_txn *t, hy_company_no from, hy_company_no to)
{
    char at[7] = {COMPANY_WORK, COMPANY_WORK_MOVE};
    struct work w = {.t = t};
    int err = seek(&w, hy_str_make(at, 2));
    while (!err && w.key[1] == COMPANY_WORK_MOVE) {
        if (w.into == from && company_of(&w) != from) {
            w.into = to;
            err = put(&w);
        }
        memcpy(at, w.key, 6);
        at[6] = 0; /* behind it */
        if (!err)
            err = seek(&w, hy_str_make(at, 7));
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_work_move(struct hy_txn *t, hy_company_no no, hy_company_no into)
{
    struct work w;
    uint8_t be[4];
    hy_put_be32(be, no);
    int err = no == into ? 0 : redirect(t, no, into);
    start(&w, t, COMPANY_WORK_MOVE, be, sizeof be);
    w.into = into;
    return err ? err : put(&w);
}

int hy_company_work_domain(struct hy_txn *t, struct hy_str domain)
{
    struct work w;
    start(&w, t, COMPANY_WORK_DOMAIN, domain.p, domain.n);
    return put(&w);
}

static int adopt_scores(struct hy_txn *t)
{
    struct work w;
    struct hy_str value;
    uint8_t key[5];
    int err = hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_SUMS, 0, key), &value);
    if (err != HY_ENOTFOUND)
        return err;
    start(&w, t, COMPANY_WORK_SCORES, NULL, 0);
    err = hy_get(t, HY_TABLE_COMPANIES, key_of(&w), &value); /* begun before a stop */
    return err == HY_ENOTFOUND ? put(&w) : err;
}

int hy_company_adopt(struct hy_txn *t)
{
    struct work w;
    hy_attr_no attr = 0;
    uint64_t n = 0;
    int err = hy_table_count(t, HY_TABLE_COMPANIES, &n);
    if (!err && n)
        return adopt_scores(t);
    if (!err)
        err = hy_company_attr(t, &attr);
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    start(&w, t, COMPANY_WORK_ADOPT, NULL, 0);
    return put(&w);
}

int hy_company_has_work(struct hy_txn *t, bool *ret)
{
    struct work w = {.t = t};
    int err = seek_first(&w);
    if (!err || err == HY_ENOTFOUND)
        *ret = !err;
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_waiting(struct hy_txn *t, unsigned *ret_domains)
{
    static const char domains[] = {COMPANY_WORK, COMPANY_WORK_DOMAIN};
    struct hy_cursor c;
    unsigned n = 0;
    bool can_join = true;
    int err = has_room(t, &can_join);
    if (err || can_join) {
        *ret_domains = err ? *ret_domains : 0;
        return err;
    }
    err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_str_make(domains, sizeof domains));
    for (; !err && n < HY_COMPANY_WAITING_MAX; n++)
        err = hy_cursor_prefix_next(&c, hy_str_make(domains, sizeof domains));
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret_domains = n;
    return 0;
}

/* ---- doing: each takes some leads, HY_ENOTFOUND when there are no more ---- */

static int move_some(struct work *w)
{
    struct hy_company_record c = {.no = 0};
    char name[HY_COMPANY_NAME_MAX];
    hy_company_no no = company_of(w);
    int err = w->into ? hy_company_read(w->t, w->into, &c) : 0;
    if (!err && c.name.n)
        memcpy(name, c.name.p, c.name.n);
    struct hy_str text = hy_str_make(name, c.name.n);
    if (!err)
        err = hy_lead_set_next(w->t, hy_company_members(no), w->place, w->leads, AT_ONCE, &w->n);
    for (size_t i = 0; i < w->n && !err; i++) {
        bool changed;
        w->place = w->leads[i];
        err = hy_company_write_lead(w->t, w->leads[i], text, &changed);
        if (!err)
            err = hy_company_follow(w->t, w->leads[i], w->into);
        w->changed[w->n_changed++] = w->leads[i];
    }
    if (err)
        return err == HY_ENOTFOUND ? HY_ECORRUPT : err;
    return w->n < AT_ONCE ? HY_ENOTFOUND : 0;
}

static bool is_at(struct hy_str address, struct hy_str domain)
{
    struct hy_str host = hy_wire_domain(address);
    return address.n && hy_str_ends(host, domain) &&
           (host.n == domain.n || host.p[host.n - domain.n - 1] == '.');
}

/* The next leads: of the domain, or (empty) all. */
static int gather(struct work *w, struct hy_str domain)
{
    uint8_t key[4];
    struct hy_cursor c;
    struct lead_record r;
    if (w->place == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(w->t, HY_TABLE_LEADS, &c);
    if (!err)
        err = hy_cursor_seek(&c, lead_key(w->place + 1, key));
    for (size_t i = 0; i < LOOKED_AT_ONCE && w->n < AT_ONCE && !err; i++) {
        err = hy_lead_record_read(c.value, &r);
        if (err)
            break;
        w->place = hy_get_be32(c.key.p);
        if (!domain.n || is_at(r.address, domain))
            w->leads[w->n++] = w->place;
        err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err;
}

static int adopt_some(struct work *w)
{
    int end = gather(w, HY_STR(""));
    int err = end == HY_ENOTFOUND ? 0 : end;
    for (size_t i = 0; i < w->n && !err; i++) {
        hy_company_no has = 0;
        struct hy_str value;
        bool changed = false;
        err = hy_company_of(w->t, w->leads[i], &has);
        if (!err && !has)
            err = hy_company_read_lead(w->t, w->leads[i], &value);
        if (!err && !has && value.n)
            err = hy_company_sync(w->t, w->leads[i], &changed);
        if (changed)
            w->changed[w->n_changed++] = w->leads[i];
    }
    return err ? err : end;
}

/* A lead of the domain that says nothing of a company, and belongs to itself. */
static int join_one(struct work *w, hy_lead_no lead)
{
    struct hy_str address, value = {0};
    struct hy_company_record c;
    hy_domain_no domain;
    hy_company_no to = 0, has = 0;
    hy_lead_no kept = 0;
    bool changed = false;
    int err = hy_lead_kept(w->t, lead, &kept);
    if (!err)
        err = hy_company_of(w->t, lead, &has);
    if (!err)
        err = hy_company_read_lead(w->t, lead, &value);
    if (err || kept != lead || has || value.n)
        return err;
    err = hy_lead_address(w->t, lead, &address, &domain);
    if (!err)
        err = hy_company_of_domain(w->t, hy_wire_domain(address), &to);
    if (!err)
        err = hy_company_read(w->t, to, &c);
    if (!err)
        err = hy_company_write_lead(w->t, lead, c.name, &changed);
    if (!err)
        err = hy_company_follow(w->t, lead, to);
    if (!err)
        w->changed[w->n_changed++] = lead;
    return err == HY_ENOTFOUND ? 0 : err; /* the domain is nobody's any more */
}

static int join_some(struct work *w)
{
    int end = gather(w, domain_of(w));
    int err = end == HY_ENOTFOUND ? 0 : end;
    for (size_t i = 0; i < w->n && !err; i++)
        err = join_one(w, w->leads[i]);
    return err ? err : end;
}

static int mark_counted(struct hy_txn *t)
{
    uint8_t key[5], value[] = {COMPANY_VERSION};
    int err = hy_put(t, HY_TABLE_COMPANIES, company_key(COMPANY_SUMS, 0, key),
                     hy_str_make(value, sizeof value), HY_PUT_SET);
    return err ? err : HY_ENOTFOUND;
}

/* A company; HY_ENOTFOUND: that was the last. */
static int count_one(struct work *w)
{
    struct hy_company_record c;
    struct score_record sums;
    int err = hy_company_next(w->t, w->place, &c);
    if (err)
        return err == HY_ENOTFOUND ? mark_counted(w->t) : err;
    w->place = c.no;
    err = hy_company_sums_count(w->t, w->place, &sums);
    if (!err)
        err = hy_company_sums_put(w->t, w->place, &sums);
    return err ? err : hy_company_touched(w->t, w->place);
}

/* Some leads of the first entry that can be done; HY_ENOTFOUND: there is none. */
static int step(struct work *w)
{
    int err = seek_first(w);
    if (err)
        return err;
    switch ((enum company_work)w->key[1]) {
    case COMPANY_WORK_ADOPT:
        err = adopt_some(w);
        break;
    case COMPANY_WORK_MOVE:
        err = move_some(w);
        break;
    case COMPANY_WORK_DOMAIN:
        err = join_some(w);
        break;
    case COMPANY_WORK_SCORES:
        err = count_one(w);
        break;
    default:
        err = HY_ECORRUPT;
    }
    bool is_over = err == HY_ENOTFOUND;
    if (is_over)
        err = 0;
    if (!err && w->n_changed)
        err = hy_lead_changed(w->t, HY_LEAD_ATTRIBUTES, w->changed, w->n_changed);
    if (!err)
        err = is_over ? hy_del(w->t, HY_TABLE_COMPANIES, key_of(w)) : put(w);
    return err ? hy_txn_fail(w->t, err == HY_ENOTFOUND ? HY_ECORRUPT : err) : 0;
}

int hy_company_work(struct hy_txn *t)
{
    struct work w = {.t = t};
    int err;
    while ((err = step(&w)) == 0)
        if (hy_txn_should_yield(t))
            return HY_EMORE;
    return err == HY_ENOTFOUND ? 0 : err;
}
