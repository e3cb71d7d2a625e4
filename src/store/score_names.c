/* Names of rules, groups and thresholds and their numbers. Keys of score_names: 't' kind name ->
 * version u8, no be16; 'n' kind no be16 -> version u8, name. */
#include "hayauma/base/bytes.h"
#include "score_priv.h"

enum { VERSION = 1 };

struct name_key {
    size_t n;
    char b[2 + HY_SCORE_NAME_MAX];
};

static struct hy_str by_name(enum score_name kind, struct hy_str name, struct name_key *k)
{
    k->b[0] = 't';
    k->b[1] = (char)kind;
    memcpy(k->b + 2, name.p, name.n);
    return hy_str_make(k->b, 2 + name.n);
}

static struct hy_str by_number(enum score_name kind, uint16_t no, struct name_key *k)
{
    k->b[0] = 'n';
    k->b[1] = (char)kind;
    hy_put_be16(k->b + 2, no);
    return hy_str_make(k->b, 4);
}

int hy_score_name_find(struct hy_txn *t, enum score_name kind, struct hy_str name, uint16_t *ret_no)
{
    struct name_key k;
    struct hy_str value;
    if (name.n == 0 || name.n > HY_SCORE_NAME_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_SCORE_NAMES, by_name(kind, name, &k), &value);
    if (!err)
        err = hy_value_check(value, VERSION);
    if (!err && value.n != 3)
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err)
        *ret_no = hy_get_be16(value.p + 1);
    return err;
}

/* The greatest number of a kind; 0: there is none. */
static int newest(struct hy_txn *t, enum score_name kind, uint16_t *ret)
{
    struct name_key k;
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_SCORE_NAMES, &c);
    if (!err)
        err = hy_cursor_seek(&c, by_number(kind, UINT16_MAX, &k));
    if (!err)
        err = hy_cursor_prev(&c);
    else if (err == HY_ENOTFOUND)
        err = hy_cursor_last(&c);
    *ret = 0;
    if (!err && c.key.n == 4 && c.key.p[0] == 'n' && c.key.p[1] == (char)kind)
        *ret = hy_get_be16(c.key.p + 2);
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

int hy_score_name_intern(struct hy_txn *t, enum score_name kind, struct hy_str name,
                         uint16_t *ret_no)
{
    struct name_key k;
    uint8_t number[3] = {VERSION};
    char text[1 + HY_SCORE_NAME_MAX] = {VERSION};
    uint16_t no;
    int err = hy_score_name_find(t, kind, name, ret_no);
    if (err != HY_ENOTFOUND)
        return err;
    if (name.n == 0 || name.n > HY_SCORE_NAME_MAX)
        return HY_EINVAL;
    err = newest(t, kind, &no);
    if (err)
        return err;
    if (no >= SCORE_NAMES_MAX - 1) /* the last is the end that newest() looks from */
        return HY_ELIMIT;
    no++;
    hy_put_be16(number + 1, no);
    memcpy(text + 1, name.p, name.n);
    err = hy_put(t, HY_TABLE_SCORE_NAMES, by_name(kind, name, &k),
                 hy_str_make(number, sizeof number), HY_PUT_NEW);
    if (!err)
        err = hy_put(t, HY_TABLE_SCORE_NAMES, by_number(kind, no, &k),
                     hy_str_make(text, 1 + name.n), HY_PUT_NEW);
    if (!err)
        *ret_no = no;
    return err;
}

int hy_score_name_text(struct hy_txn *t, enum score_name kind, uint16_t no, struct hy_str *ret_name)
{
    struct name_key k;
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_SCORE_NAMES, by_number(kind, no, &k), &value);
    if (!err)
        err = hy_value_check(value, VERSION);
    if (!err)
        *ret_name = hy_str_slice(value, 1, value.n);
    return err;
}

int hy_score_threshold_no(struct hy_txn *t, struct hy_str name, uint32_t *ret_no)
{
    uint16_t no;
    int err = hy_score_name_find(t, SCORE_THRESHOLD, name, &no);
    if (!err)
        *ret_no = no;
    return err;
}
