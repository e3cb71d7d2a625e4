/* Orders and acts. Keys: number be32; id be64. Value: version u8, then the text. */
#include "hayauma/store/operator.h"

#include "hayauma/base/bytes.h"
#include "record.h"

enum { VERSION = 1 };

static int put(struct hy_txn *t, enum hy_table table, struct hy_str key, struct hy_str text)
{
    char value[HY_OPERATOR_TEXT_MAX + 1] = {VERSION};
    if (text.n > HY_OPERATOR_TEXT_MAX)
        return HY_ELIMIT;
    memcpy(value + 1, text.p, text.n);
    return hy_put(t, table, key, hy_str_make(value, text.n + 1), HY_PUT_SET);
}

static int text_of(struct hy_str value, struct hy_str *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err == HY_OK)
        *ret = hy_str_slice(value, 1, value.n);
    return err;
}

int hy_order_next(struct hy_txn *t, uint32_t after, uint32_t *ret_no, struct hy_str *ret_text)
{
    uint8_t key[4];
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    hy_put_be32(key, after + 1);
    int err = hy_cursor_open(t, HY_TABLE_ORDERS, &c);
    if (err == HY_OK)
        err = hy_cursor_seek(&c, hy_str_make(key, sizeof key));
    if (err == HY_OK && c.key.n != sizeof key)
        err = HY_ECORRUPT;
    if (err == HY_OK)
        err = text_of(c.value, ret_text);
    if (err == HY_OK)
        *ret_no = hy_get_be32(c.key.p);
    hy_cursor_close(&c);
    return err;
}

int hy_order_put(struct hy_txn *t, uint32_t no, struct hy_str text)
{
    uint8_t key[4];
    hy_put_be32(key, no);
    return put(t, HY_TABLE_ORDERS, hy_str_make(key, sizeof key), text);
}

int hy_order_del(struct hy_txn *t, uint32_t no)
{
    uint8_t key[4];
    hy_put_be32(key, no);
    return hy_del(t, HY_TABLE_ORDERS, hy_str_make(key, sizeof key));
}

int hy_act_put(struct hy_txn *t, hy_id id, struct hy_str text)
{
    uint8_t key[8];
    hy_put_be64(key, id);
    return put(t, HY_TABLE_ACTS, hy_str_make(key, sizeof key), text);
}

int hy_act_append(struct hy_txn *t, struct hy_str text, hy_id *ret_id)
{
    hy_id id = hy_txn_new_id(t);
    int err = hy_act_put(t, id, text);
    if (err == HY_OK)
        *ret_id = id;
    return err;
}

int hy_act_prev(struct hy_txn *t, hy_id before, hy_id *ret_id, struct hy_str *ret_text)
{
    uint8_t key[8];
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_ACTS, &c);
    hy_put_be64(key, before);
    if (err == HY_OK) {
        int at = before ? hy_cursor_seek(&c, hy_str_make(key, sizeof key)) : HY_ENOTFOUND;
        err = at == HY_OK ? hy_cursor_prev(&c) : at == HY_ENOTFOUND ? hy_cursor_last(&c) : at;
    }
    if (err == HY_OK && c.key.n != sizeof key)
        err = HY_ECORRUPT;
    if (err == HY_OK)
        err = text_of(c.value, ret_text);
    if (err == HY_OK)
        *ret_id = hy_get_be64(c.key.p);
    hy_cursor_close(&c);
    return err;
}
