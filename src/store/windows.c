/* The table of what windows learned. Key: number of the worker be32. Value: version u8, bytes. */
#include "hayauma/store/windows.h"

#include "hayauma/base/bytes.h"
#include "record.h"

enum { VERSION = 1 };

int hy_windows_put(struct hy_txn *t, uint32_t worker, struct hy_str bytes)
{
    uint8_t key[4], *room;
    if (bytes.n > HY_WINDOWS_MAX)
        return HY_ELIMIT;
    hy_put_be32(key, worker);
    int err = hy_put_reserve(t, HY_TABLE_WINDOWS, hy_str_make(key, sizeof key), bytes.n + 1,
                             HY_PUT_SET, &room);
    if (err)
        return err;
    room[0] = VERSION;
    if (bytes.n)
        memcpy(room + 1, bytes.p, bytes.n);
    return HY_OK;
}

int hy_windows_get(struct hy_txn *t, uint32_t worker, struct hy_str *ret)
{
    uint8_t key[4];
    struct hy_str value;
    hy_put_be32(key, worker);
    int err = hy_get(t, HY_TABLE_WINDOWS, hy_str_make(key, sizeof key), &value);
    if (err == HY_OK)
        err = hy_value_check(value, VERSION);
    if (err == HY_OK)
        *ret = hy_str_slice(value, 1, value.n);
    return err;
}
