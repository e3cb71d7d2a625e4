/* Table attr_types: be16 attr -> version u8, type u8; an attribute that is not there is text. */
#include "hayauma/store/attr_type.h"

#include "hayauma/base/bytes.h"

enum { VERSION = 1 };

static struct hy_str type_key(hy_attr_no no, uint8_t room[2])
{
    hy_put_be16(room, no);
    return hy_str_make(room, 2);
}

int hy_attr_type_get(struct hy_txn *t, hy_attr_no no, enum hy_attr_type *ret)
{
    uint8_t key[2];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_ATTR_TYPES, type_key(no, key), &value);
    if (err == HY_ENOTFOUND) {
        *ret = HY_ATTR_TEXT;
        return 0;
    }
    if (!err)
        err = hy_value_check(value, VERSION);
    if (err)
        return err;
    if (value.n != 2 || (uint8_t)value.p[1] >= HY_ATTR_TYPES)
        return HY_ECORRUPT;
    *ret = (enum hy_attr_type)value.p[1];
    return 0;
}

int hy_attr_type_set(struct hy_txn *t, hy_attr_no no, enum hy_attr_type type)
{
    uint8_t key[2], value[2] = {VERSION, (uint8_t)type};
    if ((unsigned)type >= HY_ATTR_TYPES || no >= HY_ATTR_MAX)
        return HY_EINVAL;
    return hy_put(t, HY_TABLE_ATTR_TYPES, type_key(no, key), hy_str_make(value, sizeof value),
                  HY_PUT_SET);
}
