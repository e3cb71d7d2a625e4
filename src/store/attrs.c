/* Attribute names and their numbers, both ways in one small table: 'n' no -> name, 't' name -> no.
 */
#include "lead_priv.h"

enum { BY_NUMBER = 'n', BY_NAME = 't' };

static struct hy_str number_key(hy_attr_no no, uint8_t room[3])
{
    room[0] = BY_NUMBER;
    hy_put_be16(room + 1, no);
    return hy_str_make(room, 3);
}

static struct hy_str name_key(struct hy_str name, char room[1 + HY_ATTR_NAME_MAX])
{
    room[0] = BY_NAME;
    memcpy(room + 1, name.p, name.n);
    return hy_str_make(room, 1 + name.n);
}

int hy_attr_find(struct hy_txn *t, struct hy_str name, hy_attr_no *ret_no)
{
    char room[1 + HY_ATTR_NAME_MAX];
    struct hy_str value;
    uint32_t no = 0;
    if (!hy_attr_name_ok(name))
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_ATTRS, name_key(name, room), &value);
    if (err == 0)
        err = hy_name_number(value, &no);
    if (err)
        return err;
    if (no >= HY_ATTR_MAX)
        return HY_ECORRUPT;
    *ret_no = (hy_attr_no)no;
    return 0;
}

int hy_attr_name(struct hy_txn *t, hy_attr_no no, struct hy_str *ret_name)
{
    uint8_t room[3];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_ATTRS, number_key(no, room), &value);
    return err ? err : hy_name_text(value, ret_name);
}

int hy_attr_count(struct hy_txn *t, size_t *ret_n)
{
    uint64_t entries = 0;
    int err = hy_table_count(t, HY_TABLE_ATTRS, &entries);
    if (err == 0)
        *ret_n = (size_t)(entries / 2); /* one each way */
    return err;
}

int hy_attr_intern(struct hy_txn *t, struct hy_str name, hy_attr_no *ret_no)
{
    size_t n = 0;
    if (!hy_attr_name_ok(name))
        return HY_EINVAL;
    int err = hy_attr_find(t, name, ret_no);
    if (err != HY_ENOTFOUND)
        return err;
    err = hy_attr_count(t, &n);
    if (err)
        return err;
    if (n >= HY_ATTR_MAX)
        return HY_ELIMIT;
    uint8_t by_number[3], number[5] = {NAME_VERSION};
    char by_name[1 + HY_ATTR_NAME_MAX], text[1 + HY_ATTR_NAME_MAX] = {NAME_VERSION};
    hy_put_le32(number + 1, (uint32_t)n);
    memcpy(text + 1, name.p, name.n);
    err = hy_put(t, HY_TABLE_ATTRS, number_key((hy_attr_no)n, by_number),
                 hy_str_make(text, 1 + name.n), HY_PUT_NEW);
    if (err == 0)
        err =
            hy_put(t, HY_TABLE_ATTRS, name_key(name, by_name), hy_str_make(number, 5), HY_PUT_NEW);
    if (err)
        return err;
    *ret_no = (hy_attr_no)n;
    return 0;
}
