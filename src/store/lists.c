/* Lists: names, records, and members as packed postings. A posting record holds up to 1016
 * ascending lead numbers of one (list, domain); its key ends with the first of them, so the record
 * that may hold a lead is the last one whose key is not greater. */
#include "lead_priv.h"
#include "postings.h"
#include "record.h"

enum {
    LIST_VERSION = 2,
    LIST_HEAD = 20, /* version, opt-in, 0, 0, created le64, members le64; of version 2 then seconds
                       to confirm, varint; From, template (length, bytes); then the name */
    LIST_MAX = LIST_HEAD + 5 + 2 + HY_ADDRESS_MAX + 1 + HY_LIST_TEMPLATE_MAX + HY_LIST_NAME_MAX,
};

static struct hy_str list_key(hy_list_no no, uint8_t room[4])
{
    hy_put_be32(room, no);
    return hy_str_make(room, 4);
}

static int read_record(struct hy_str key, struct hy_str value, struct hy_list_view *ret)
{
    int err = hy_value_check(value, LIST_VERSION);
    if (err)
        return err;
    if (key.n != 4 || value.n <= LIST_HEAD)
        return HY_ECORRUPT;
    struct hy_list_view l = {
        .no = hy_get_be32(key.p),
        .created = hy_get_le64(value.p + 4),
        .members = hy_get_le64(value.p + 12),
        .rules = {.confirm_s = HY_LIST_CONFIRM_S},
    };
    struct hy_rec_in in = rec_in(hy_str_slice(value, LIST_HEAD, value.n));
    if (value.p[0] > 1) {
        l.rules.opt_in = (enum hy_list_opt_in)value.p[1];
        l.rules.confirm_s = (uint32_t)rec_get_varint(&in, HY_LIST_CONFIRM_MAX_S);
        l.rules.from = rec_get_str(&in, HY_ADDRESS_MAX);
        l.rules.template = rec_get_str(&in, HY_LIST_TEMPLATE_MAX);
    }
    l.name = hy_str_make(in.p, in.n);
    if (in.bad || in.n == 0 || l.rules.opt_in > HY_LIST_OPT_IN_DOUBLE)
        return HY_ECORRUPT;
    *ret = l;
    return 0;
}

static int write_record(struct hy_txn *t, const struct hy_list_view *l, enum hy_put_mode mode)
{
    uint8_t key[4], value[LIST_MAX] = {LIST_VERSION, (uint8_t)l->rules.opt_in};
    struct hy_rec_out o = {.p = value, .n = LIST_HEAD, .max = sizeof value};
    hy_put_le64(value + 4, l->created);
    hy_put_le64(value + 12, l->members);
    rec_put_varint(&o, l->rules.confirm_s);
    rec_put_str(&o, l->rules.from);
    rec_put_str(&o, l->rules.template);
    rec_put(&o, l->name.p, l->name.n);
    if (o.bad)
        return HY_ECORRUPT;
    return hy_put(t, HY_TABLE_LISTS, list_key(l->no, key), hy_str_make(value, o.n), mode);
}

int hy_list_find(struct hy_txn *t, struct hy_str name, hy_list_no *ret_no)
{
    struct hy_str value;
    if (name.n == 0 || name.n > HY_LIST_NAME_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_LIST_NAMES, name, &value);
    return err ? err : hy_name_number(value, ret_no);
}

int hy_list_read(struct hy_txn *t, hy_list_no no, struct hy_list_view *ret)
{
    uint8_t room[4];
    struct hy_str key = list_key(no, room), value;
    int err = hy_get(t, HY_TABLE_LISTS, key, &value);
    return err ? err : read_record(key, value, ret);
}

int hy_list_next(struct hy_txn *t, hy_list_no after, struct hy_list_view *ret)
{
    struct hy_cursor c;
    uint8_t room[4];
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_LISTS, &c);
    if (err)
        return err;
    err = hy_cursor_seek(&c, list_key(after + 1, room));
    if (err == 0)
        err = read_record(c.key, c.value, ret);
    hy_cursor_close(&c);
    return err;
}

static bool name_ok(struct hy_str name)
{
    if (name.n == 0 || name.n > HY_LIST_NAME_MAX || !hy_str_is_utf8(name))
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 32 || name.p[i] == 127)
            return false;
    return true;
}

static int next_list_no(struct hy_txn *t, hy_list_no *ret_no)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_LISTS, &c);
    if (err)
        return err;
    err = hy_cursor_last(&c);
    uint32_t last = err == 0 && c.key.n == 4 ? hy_get_be32(c.key.p) : 0;
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (last == UINT32_MAX)
        return HY_ELIMIT;
    *ret_no = last + 1;
    return 0;
}

int hy_list_create(struct hy_txn *t, struct hy_str name, hy_id id, hy_list_no *ret_no)
{
    hy_list_no no = 0;
    uint8_t number[5] = {NAME_VERSION};
    if (!name_ok(name))
        return HY_EINVAL;
    int err = next_list_no(t, &no);
    if (err)
        return err;
    hy_put_le32(number + 1, no);
    err = hy_put(t, HY_TABLE_LIST_NAMES, name, hy_str_make(number, 5), HY_PUT_NEW);
    if (err == 0)
        err = write_record(
            t,
            &(struct hy_list_view){
                .no = no, .created = id, .name = name, .rules = {.confirm_s = HY_LIST_CONFIRM_S}},
            HY_PUT_APPEND);
    if (err)
        return err;
    *ret_no = no;
    return 0;
}

/* A record whose views outlive the write that puts it back. */
struct list_copy {
    struct hy_list_view l;
    char text[LIST_MAX];
};

static int copy_record(struct hy_txn *t, hy_list_no no, struct list_copy *c)
{
    int err = hy_list_read(t, no, &c->l);
    size_t at = 0;
    struct hy_str *const texts[] = {&c->l.name, &c->l.rules.from, &c->l.rules.template};
    for (size_t i = 0; i < sizeof texts / sizeof *texts && err == 0; i++) {
        if (texts[i]->n > sizeof c->text - at)
            return HY_ECORRUPT;
        if (texts[i]->n)
            memcpy(c->text + at, texts[i]->p, texts[i]->n);
        texts[i]->p = c->text + at;
        at += texts[i]->n;
    }
    return err;
}

int hy_list_count(struct hy_txn *t, hy_list_no list, int64_t change)
{
    struct list_copy c;
    int err = copy_record(t, list, &c);
    if (err || change == 0)
        return err;
    if (change < 0 && c.l.members < (uint64_t)-change)
        return hy_txn_fail(t, HY_ECORRUPT);
    c.l.members += (uint64_t)change;
    return write_record(t, &c.l, HY_PUT_SET);
}

int hy_list_set_rules(struct hy_txn *t, hy_list_no no, const struct hy_list_rules *r)
{
    struct list_copy c;
    if ((unsigned)r->opt_in > HY_LIST_OPT_IN_DOUBLE || r->confirm_s == 0 ||
        r->confirm_s > HY_LIST_CONFIRM_MAX_S || r->from.n > HY_ADDRESS_MAX ||
        r->template.n > HY_LIST_TEMPLATE_MAX)
        return HY_EINVAL;
    int err = copy_record(t, no, &c);
    if (err)
        return err;
    c.l.rules = *r;
    return write_record(t, &c.l, HY_PUT_SET);
}

/* ---- members ---- */

/* A posting record on its way to be changed. */
struct chunk {
    bool is_stored;
    hy_lead_no first; /* of its key, when stored */
    size_t n;
    hy_lead_no leads[2 * POSTING_MAX]; /* room for a whole merge */
};

static int load(struct posting p, struct chunk *c)
{
    c->is_stored = true;
    c->first = p.first;
    c->n = p.n;
    for (size_t i = 0; i < p.n; i++)
        c->leads[i] = posting_at(p, i);
    return 0;
}

/* Sets *ret_limit to the first lead that belongs to the record behind this one. */
static int load_for(struct hy_txn *t, hy_list_no list, hy_domain_no domain, hy_lead_no lead,
                    struct chunk *c, uint64_t *ret_limit)
{
    struct hy_cursor cur;
    struct posting p;
    *ret_limit = (uint64_t)UINT32_MAX + 1;
    c->is_stored = false;
    c->n = 0;
    int err = hy_cursor_open(t, HY_TABLE_LIST_LEADS, &cur);
    if (err)
        return err;
    err = hy_posting_seek(&cur, list, domain, lead, &p);
    if (err == 0)
        err = load(p, c);
    if (err == 0) {
        err = hy_posting_next(&cur, list, domain, &p);
        if (err == 0)
            *ret_limit = p.first;
    }
    hy_cursor_close(&cur);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* Merges into the chunk, from the back so that it happens in place. Returns how many were new. */
static size_t merge(struct chunk *c, const hy_lead_no *leads, size_t n)
{
    size_t fresh = 0;
    for (size_t i = 0, j = 0; j < n; j++) {
        while (i < c->n && c->leads[i] < leads[j])
            i++;
        fresh += i == c->n || c->leads[i] != leads[j];
    }
    if (fresh == 0)
        return 0;
    size_t to = c->n + fresh, i = c->n, j = n;
    c->n = to;
    while (j > 0) {
        if (i > 0 && c->leads[i - 1] > leads[j - 1]) {
            c->leads[--to] = c->leads[--i];
        } else {
            i -= i > 0 && c->leads[i - 1] == leads[j - 1];
            c->leads[--to] = leads[--j];
        }
    }
    return fresh;
}

static int put_posting(struct hy_txn *t, hy_list_no list, hy_domain_no domain,
                       const hy_lead_no *leads, size_t n)
{
    uint8_t key[12], *out = NULL;
    int err = hy_put_reserve(t, HY_TABLE_LIST_LEADS, posting_key(list, domain, leads[0], key),
                             POSTING_HEAD + 4 * n, HY_PUT_SET, &out);
    if (err)
        return err;
    memcpy(out, (uint8_t[POSTING_HEAD]){POSTING_VERSION}, POSTING_HEAD);
    for (size_t i = 0; i < n; i++)
        hy_put_le32(out + POSTING_HEAD + 4 * i, leads[i]);
    return 0;
}

/* Writes the chunk back, as two when it got too big: filled to the brim when it grew at its end
 * (imports append), else halved. */
static int store(struct hy_txn *t, hy_list_no list, hy_domain_no domain, const struct chunk *c,
                 bool grew_at_end)
{
    uint8_t key[12];
    int err = 0;
    if (c->is_stored && (c->n == 0 || c->leads[0] != c->first))
        err = hy_del(t, HY_TABLE_LIST_LEADS, posting_key(list, domain, c->first, key));
    if (err || c->n == 0)
        return err;
    size_t first = c->n <= POSTING_MAX ? c->n : grew_at_end ? POSTING_MAX : c->n / 2;
    err = put_posting(t, list, domain, c->leads, first);
    if (err == 0 && first < c->n)
        err = put_posting(t, list, domain, c->leads + first, c->n - first);
    return err;
}

int hy_list_join(struct hy_txn *t, hy_list_no list, hy_domain_no domain, const hy_lead_no *leads,
                 size_t n, uint64_t *joined)
{
    struct chunk c;
    for (size_t i = 0, end; i < n; i = end) {
        uint64_t limit = 0;
        int err = load_for(t, list, domain, leads[i], &c, &limit);
        if (err)
            return err;
        for (end = i; end < n && leads[end] < limit && end - i < POSTING_MAX; end++)
            ;
        bool at_end = c.n == 0 || leads[i] > c.leads[c.n - 1];
        size_t fresh = merge(&c, leads + i, end - i);
        if (fresh == 0)
            continue;
        err = store(t, list, domain, &c, at_end);
        if (err)
            return err;
        *joined += fresh;
    }
    return 0;
}

int hy_list_add(struct hy_txn *t, hy_list_no list, hy_domain_no domain, const hy_lead_no *leads,
                size_t n, uint64_t *joined)
{
    uint64_t fresh = 0;
    int err = hy_list_join(t, list, domain, leads, n, &fresh);
    if (err == 0)
        err = hy_list_count(t, list, (int64_t)fresh);
    if (err == 0)
        *joined += fresh;
    return err;
}

int hy_list_drop(struct hy_txn *t, hy_list_no list, hy_domain_no domain, hy_lead_no lead)
{
    struct chunk c;
    uint64_t limit = 0;
    int err = load_for(t, list, domain, lead, &c, &limit);
    if (err)
        return err;
    size_t i = 0;
    while (i < c.n && c.leads[i] < lead)
        i++;
    if (i == c.n || c.leads[i] != lead)
        return HY_ENOTFOUND;
    memmove(c.leads + i, c.leads + i + 1, (c.n - i - 1) * sizeof c.leads[0]);
    c.n--;
    err = store(t, list, domain, &c, false);
    return err ? err : hy_list_count(t, list, -1);
}

int hy_list_move(struct hy_txn *t, hy_lead_no lead, hy_domain_no from, hy_domain_no to)
{
    struct hy_list_view l = {0};
    uint64_t joined = 0;
    int err = 0;
    while (from != to && (err = hy_list_next(t, l.no, &l)) == 0) {
        err = hy_list_drop(t, l.no, from, lead);
        if (!err)
            err = hy_list_add(t, l.no, to, &lead, 1, &joined);
        if (err && err != HY_ENOTFOUND)
            return err;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_list_has(struct hy_txn *t, hy_list_no list, hy_domain_no domain, hy_lead_no lead,
                bool *ret_has)
{
    struct hy_cursor cur;
    struct posting p;
    int err = hy_cursor_open(t, HY_TABLE_LIST_LEADS, &cur);
    if (err)
        return err;
    err = hy_posting_seek(&cur, list, domain, lead, &p);
    if (err == 0) {
        size_t i = posting_after(p, lead - 1);
        *ret_has = lead > 0 && i < p.n && posting_at(p, i) == lead;
    } else if (err == HY_ENOTFOUND) {
        *ret_has = false;
        err = 0;
    }
    hy_cursor_close(&cur);
    return err;
}
