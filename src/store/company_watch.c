/* Companies that are followed. Keys of the table: 'f', be32 company: what was seen of it; of
 * company 0xffffffff: somebody watches. 'c', be32 company: it changed. 'u', be32 second, be32
 * company: it is due. 'r', be32 company: its members are gone through. Values begin with a version;
 * of 'f': le64 print, le32 second; of 'r': u8 whether the end was passed, le32 the last member,
 * le32 up to which the beginning is done again. */
#include "hayauma/store/company_watch.h"

#include "company_priv.h"

enum { SEEN = 13, ROUND = 10 };
#define WATCHED UINT32_MAX /* the mark of it: behind all companies */
static const uint8_t only_version[] = {COMPANY_VERSION};

/* ---- watching ---- */

int hy_company_watch(struct hy_txn *t)
{
    uint8_t key[5];
    return hy_put(t, HY_TABLE_COMPANIES, company_key(COMPANY_SEEN, WATCHED, key),
                  hy_str_make(only_version, 1), HY_PUT_SET);
}

int hy_company_is_watched(struct hy_txn *t, bool *ret)
{
    uint8_t key[5];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_SEEN, WATCHED, key), &value);
    if (!err || err == HY_ENOTFOUND)
        *ret = !err;
    return err == HY_ENOTFOUND ? 0 : err;
}

/* What is left of one part. */
static int forget_part(struct hy_txn *t, char part, size_t max, size_t *done)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, hy_str_make(&part, 1));
    while (!err && c.key.p[0] == part) {
        if (*done == max) {
            err = HY_EMORE;
            break;
        }
        ++*done;
        err = hy_cursor_delete(&c);
        if (!err)
            err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_unwatch(struct hy_txn *t, size_t max)
{
    static const char parts[] = {COMPANY_CHANGED, COMPANY_ROUND, COMPANY_DUE, COMPANY_SEEN};
    size_t done = 0;
    int err = 0; /* the mark that somebody watches goes last: then nothing is left */
    for (size_t i = 0; i < sizeof parts && !err; i++)
        err = forget_part(t, parts[i], max, &done);
    return err;
}

int hy_company_touched(struct hy_txn *t, hy_company_no no)
{
    uint8_t key[5];
    bool is_watched = false;
    int err = no ? hy_company_is_watched(t, &is_watched) : 0;
    if (err || !is_watched)
        return err;
    return hy_put(t, HY_TABLE_COMPANIES, company_key(COMPANY_CHANGED, no, key),
                  hy_str_make(only_version, 1), HY_PUT_SET);
}

/* ---- what is to be looked at ---- */

static struct hy_str due_key(uint32_t second, hy_company_no no, uint8_t room[9])
{
    room[0] = COMPANY_DUE;
    hy_put_be32(room + 1, second);
    hy_put_be32(room + 5, no);
    return hy_str_make(room, 9);
}

static int take_changed(struct hy_txn *t, hy_company_no *ret)
{
    static const char part = COMPANY_CHANGED;
    struct hy_cursor c;
    hy_company_no no = 0;
    int err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_str_make(&part, 1));
    if (!err && c.key.n != 5)
        err = HY_ECORRUPT;
    if (!err) {
        no = hy_get_be32(c.key.p + 1);
        err = hy_cursor_delete(&c);
    }
    hy_cursor_close(&c);
    if (!err)
        *ret = no;
    return err;
}

static int take_due(struct hy_txn *t, uint32_t now_s, hy_company_no *ret)
{
    static const char part = COMPANY_DUE;
    struct hy_company_seen seen;
    struct hy_cursor c;
    hy_company_no no = 0;
    int err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_str_make(&part, 1));
    if (!err && c.key.n != 9)
        err = HY_ECORRUPT;
    if (!err && hy_get_be32(c.key.p + 1) > now_s)
        err = HY_ENOTFOUND;
    if (!err) {
        no = hy_get_be32(c.key.p + 5);
        err = hy_cursor_delete(&c);
    }
    hy_cursor_close(&c);
    if (!err)
        err = hy_company_seen_get(t, no, &seen);
    if (err)
        return err;
    seen.due_s = 0;
    *ret = no;
    return hy_company_seen_put(t, no, &seen);
}

int hy_company_watch_take(struct hy_txn *t, uint32_t now_s, hy_company_no *ret)
{
    int err = take_changed(t, ret);
    return err == HY_ENOTFOUND ? take_due(t, now_s, ret) : err;
}

/* ---- what was seen ---- */

int hy_company_seen_get(struct hy_txn *t, hy_company_no no, struct hy_company_seen *ret)
{
    uint8_t key[5];
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_SEEN, no, key), &v);
    *ret = (struct hy_company_seen){0};
    if (err)
        return err == HY_ENOTFOUND ? 0 : err;
    err = hy_value_check(v, COMPANY_VERSION);
    if (!err && v.n != SEEN)
        err = HY_ECORRUPT;
    if (!err)
        *ret = (struct hy_company_seen){hy_get_le64(v.p + 1), hy_get_le32(v.p + 9)};
    return err;
}

static int move_due(struct hy_txn *t, hy_company_no no, uint32_t from, uint32_t to)
{
    uint8_t key[9];
    int err = 0;
    if (from == to)
        return 0;
    if (from)
        err = hy_del(t, HY_TABLE_COMPANIES, due_key(from, no, key));
    if ((!err || err == HY_ENOTFOUND) && to)
        err = hy_put(t, HY_TABLE_COMPANIES, due_key(to, no, key), hy_str_make(only_version, 1),
                     HY_PUT_SET);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_company_seen_put(struct hy_txn *t, hy_company_no no, const struct hy_company_seen *seen)
{
    uint8_t key[5], value[SEEN] = {COMPANY_VERSION};
    struct hy_company_seen was;
    int err = hy_company_seen_get(t, no, &was);
    if (!err)
        err = move_due(t, no, was.due_s, seen->due_s);
    if (err || (was.print == seen->print && was.due_s == seen->due_s))
        return err;
    struct hy_str at = company_key(COMPANY_SEEN, no, key);
    if (!seen->print && !seen->due_s)
        return hy_del(t, HY_TABLE_COMPANIES, at);
    hy_put_le64(value + 1, seen->print);
    hy_put_le32(value + 9, seen->due_s);
    return hy_put(t, HY_TABLE_COMPANIES, at, hy_str_make(value, sizeof value), HY_PUT_SET);
}

/* ---- going through the members ---- */

struct round {
    bool is_again;          /* the end was passed: it goes up to `until` */
    hy_lead_no last, until; /* done; 0: none */
};

static int round_read(struct hy_str v, struct round *ret)
{
    int err = hy_value_check(v, COMPANY_VERSION);
    if (!err && v.n != ROUND)
        err = HY_ECORRUPT;
    if (!err)
        *ret = (struct round){v.p[1] != 0, hy_get_le32(v.p + 2), hy_get_le32(v.p + 6)};
    return err;
}

static int round_put(struct hy_txn *t, hy_company_no no, const struct round *r)
{
    uint8_t key[5], value[ROUND] = {COMPANY_VERSION, r->is_again};
    hy_put_le32(value + 2, r->last);
    hy_put_le32(value + 6, r->until);
    return hy_put(t, HY_TABLE_COMPANIES, company_key(COMPANY_ROUND, no, key),
                  hy_str_make(value, sizeof value), HY_PUT_SET);
}

int hy_company_round_begin(struct hy_txn *t, hy_company_no no)
{
    uint8_t key[5];
    struct hy_str v;
    struct round r = {.last = 0};
    int err = hy_get(t, HY_TABLE_COMPANIES, company_key(COMPANY_ROUND, no, key), &v);
    if (!err)
        err = round_read(v, &r);
    if (err && err != HY_ENOTFOUND)
        return err;
    return round_put(t, no, &(struct round){.last = r.last, .until = r.last});
}

static int find_round(struct hy_txn *t, hy_company_no from, hy_company_no *ret, struct round *r)
{
    uint8_t key[5];
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_COMPANIES, &c);
    if (!err)
        err = hy_cursor_seek(&c, company_key(COMPANY_ROUND, from, key));
    if (!err && c.key.p[0] != COMPANY_ROUND)
        err = HY_ENOTFOUND;
    if (!err && c.key.n != sizeof key)
        err = HY_ECORRUPT;
    if (!err)
        err = round_read(c.value, r);
    if (!err)
        *ret = hy_get_be32(c.key.p + 1);
    hy_cursor_close(&c);
    return err;
}

/* Where it is behind `n` members that were found when `max` were asked for. */
static bool advance(struct round *r, const hy_lead_no *leads, size_t n, size_t max)
{
    bool is_end = n < max || (r->is_again && leads[n - 1] >= r->until);
    if (!is_end)
        r->last = leads[n - 1];
    if (!is_end || r->is_again || r->until == 0)
        return is_end;
    *r = (struct round){.is_again = true, .until = r->until};
    return false;
}

int hy_company_round_next(struct hy_txn *t, hy_company_no after, hy_lead_no *leads, size_t max,
                          size_t *ret_n, hy_company_no *ret_no)
{
    struct round r;
    hy_company_no no;
    size_t n = 0;
    uint8_t key[5];
    int err = after < UINT32_MAX ? find_round(t, after + 1, &no, &r) : HY_ENOTFOUND;
    if (err == HY_ENOTFOUND)
        err = find_round(t, 0, &no, &r);
    if (!err)
        err = hy_lead_set_next(t, hy_company_members(no), r.last, leads, max, &n);
    if (err)
        return err;
    bool is_again = r.is_again;
    hy_lead_no until = r.until;
    err = advance(&r, leads, n, max)
              ? hy_del(t, HY_TABLE_COMPANIES, company_key(COMPANY_ROUND, no, key))
              : round_put(t, no, &r);
    while (is_again && n && leads[n - 1] > until)
        n--;
    *ret_n = n;
    *ret_no = no;
    return err;
}
