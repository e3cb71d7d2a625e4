/* Who belongs to a company. The lead's attribute names it, an entry by lead leads to it, and the
 * set of its members has the lead: the three change together. */
#include <stdlib.h>

#include "company_score.h"
#include "hayauma/store/lead_alias.h"

/* ---- the attribute ---- */

int hy_company_attr(struct hy_txn *t, hy_attr_no *ret)
{
    return hy_attr_find(t, HY_STR(HY_COMPANY_ATTRIBUTE), ret);
}

int hy_company_read_lead(struct hy_txn *t, hy_lead_no lead, struct hy_str *ret)
{
    hy_attr_no no = 0;
    struct lead_record r;
    struct hy_lead_attr a = {0};
    int err = hy_lead_record_get(t, lead, &r);
    if (err)
        return err;
    err = hy_company_attr(t, &no);
    while (!err && (err = hy_lead_attr_next(&r.attrs, &a)) == 0 && a.no < no)
        ;
    if (err && err != HY_ENOTFOUND)
        return err;
    *ret = !err && a.no == no ? a.value : HY_STR("");
    return 0;
}

struct rewriting {
    struct hy_buf copy; /* of the record: views die with the first write */
    struct lead_record r;
    struct hy_lead_attr a[HY_ATTR_MAX + 1];
    size_t n;
};

static int read_all(struct hy_txn *t, hy_lead_no lead, struct rewriting *w)
{
    uint8_t key[4];
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_LEADS, lead_key(lead, key), &v);
    if (err)
        return err;
    hy_buf_add_str(&w->copy, v);
    err = w->copy.err ? w->copy.err : hy_lead_record_read(hy_buf_str(&w->copy), &w->r);
    while (!err && w->r.attrs.n) {
        if (w->n == HY_ATTR_MAX)
            return HY_ECORRUPT;
        err = hy_lead_attr_next(&w->r.attrs, &w->a[w->n++]);
    }
    return err;
}

/* Puts `name` under `no` (empty: takes it away), keeping the order. */
static void set(struct rewriting *w, hy_attr_no no, struct hy_str name)
{
    size_t at = 0;
    while (at < w->n && w->a[at].no < no)
        at++;
    bool has = at < w->n && w->a[at].no == no;
    if (name.n == 0) {
        memmove(&w->a[at], &w->a[at + 1], (w->n - at - 1) * sizeof *w->a);
        w->n--;
        return;
    }
    if (!has)
        memmove(&w->a[at + 1], &w->a[at], (w->n++ - at) * sizeof *w->a);
    w->a[at] = (struct hy_lead_attr){no, name};
}

int hy_company_write_lead(struct hy_txn *t, hy_lead_no lead, struct hy_str name, bool *ret_changed)
{
    hy_attr_no no = 0;
    struct hy_str now;
    char kept[HY_COMPANY_NAME_MAX]; /* the name may be a view */
    int err = hy_company_read_lead(t, lead, &now);
    if (err)
        return err;
    *ret_changed = !hy_str_eq(now, name);
    if (!*ret_changed)
        return 0;
    if (name.n)
        memcpy(kept, name.p, name.n);
    name.p = kept;
    err = hy_attr_intern(t, HY_STR(HY_COMPANY_ATTRIBUTE), &no);
    struct rewriting *w = err ? NULL : calloc(1, sizeof *w);
    if (!w)
        return err ? err : HY_ENOMEM;
    w->copy = HY_BUF_INIT(LEAD_RECORD_MAX);
    err = read_all(t, lead, w);
    if (!err) {
        set(w, no, name);
        err = hy_lead_record_put(t, lead, &w->r, w->a, w->n, HY_PUT_SET);
    }
    hy_buf_free(&w->copy);
    free(w);
    return err;
}

/* ---- membership ---- */

/* A company that was made because a lead named it goes with its last member. */
static int drop_if_empty(struct hy_txn *t, hy_company_no no)
{
    struct hy_company_record c;
    uint64_t n = 0;
    int err = hy_lead_set_count(t, hy_company_members(no), &n);
    if (!err && n == 0)
        err = hy_company_read(t, no, &c);
    if (err || n)
        return err == HY_ENOTFOUND ? 0 : err;
    return c.is_found ? hy_company_forget(t, no) : 0;
}

int hy_company_follow(struct hy_txn *t, hy_lead_no lead, hy_company_no to)
{
    uint8_t key[5], value[5] = {NAME_VERSION};
    hy_company_no from = 0;
    int err = hy_company_of(t, lead, &from);
    if (err || from == to)
        return err;
    if (to) {
        hy_put_le32(value + 1, to);
        err = hy_put(t, HY_TABLE_COMPANIES, company_key(COMPANY_LEAD, lead, key),
                     hy_str_make(value, sizeof value), HY_PUT_SET);
        if (!err)
            err = hy_lead_set_add(t, hy_company_members(to), lead, NULL);
    } else {
        err = hy_del(t, HY_TABLE_COMPANIES, company_key(COMPANY_LEAD, lead, key));
    }
    if (!err)
        err = hy_company_score_follow(t, lead, from, to);
    if (!err && from)
        err = hy_lead_set_remove(t, hy_company_members(from), lead, NULL);
    return err || !from ? err : drop_if_empty(t, from);
}

int hy_company_named(struct hy_txn *t, struct hy_str value, char room[HY_COMPANY_NAME_MAX],
                     hy_company_no *ret, struct hy_str *ret_name)
{
    struct hy_company_record c;
    hy_company_no no = 0;
    int err = hy_company_find(t, value, &no);
    if (!err)
        err = hy_company_read(t, no, &c);
    if (err)
        return err;
    memcpy(room, c.name.p, c.name.n);
    *ret = no;
    *ret_name = hy_str_make(room, c.name.n);
    return 0;
}

int hy_company_intern(struct hy_txn *t, struct hy_str value, char room[HY_COMPANY_NAME_MAX],
                      hy_company_no *ret, struct hy_str *ret_name)
{
    char key[HY_COMPANY_KEY_MAX];
    size_t n = 0;
    struct hy_company_record c = {.is_found = true, .changed = t->now};
    *ret = 0;
    *ret_name = value;
    if (hy_company_fold(value, key, &n) != 0)
        return 0;
    int err = hy_company_named(t, value, room, ret, ret_name);
    if (err != HY_ENOTFOUND)
        return err;
    memcpy(room, value.p, value.n); /* it may be a view */
    c.name = *ret_name = hy_str_make(room, value.n);
    err = hy_company_next_no(t, &c.no);
    if (err)
        return err == HY_ELIMIT ? 0 : err;
    c.created = hy_txn_new_id(t);
    err = hy_company_put_key(t, COMPANY_NAME, hy_str_make(key, n), c.no);
    if (!err)
        err = hy_company_record_put(t, &c);
    if (!err)
        *ret = c.no;
    return err;
}

int hy_company_sync(struct hy_txn *t, hy_lead_no lead, bool *ret_changed)
{
    char room[HY_COMPANY_NAME_MAX];
    hy_company_no no = 0;
    hy_lead_no kept = 0;
    struct hy_str value, name;
    *ret_changed = false;
    int err = hy_lead_kept(t, lead, &kept);
    if (!err && kept != lead) /* a part of another stands for nobody */
        return hy_company_follow(t, lead, 0);
    if (!err)
        err = hy_company_read_lead(t, lead, &value);
    if (!err && value.n == 0)
        return hy_company_follow(t, lead, 0);
    if (!err)
        err = hy_company_intern(t, value, room, &no, &name);
    if (!err && no)
        err = hy_company_write_lead(t, lead, name, ret_changed);
    return err ? err : hy_company_follow(t, lead, no);
}

int hy_company_put_lead(struct hy_txn *t, hy_lead_no lead, hy_company_no to, bool *ret_changed)
{
    struct hy_company_record c = {.no = 0};
    bool changed = false;
    hy_company_no from = 0;
    int err = to ? hy_company_read(t, to, &c) : 0;
    if (!err)
        err = hy_company_of(t, lead, &from);
    if (!err)
        err = hy_company_write_lead(t, lead, c.name, &changed);
    if (err)
        return err;
    changed = changed || from != to;
    err = hy_company_follow(t, lead, to);
    if (!err && changed)
        err = hy_lead_changed(t, HY_LEAD_ATTRIBUTES, &lead, 1);
    if (!err && ret_changed)
        *ret_changed = changed;
    return err ? hy_txn_fail(t, err) : 0;
}
