/* Recipient domains and their numbers: domains (no -> name) and domain_names (name -> no). */
#include "lead_priv.h"

int hy_name_number(struct hy_str value, uint32_t *ret)
{
    int err = hy_value_check(value, NAME_VERSION);
    if (err)
        return err;
    if (value.n != 5)
        return HY_ECORRUPT;
    *ret = hy_get_le32(value.p + 1);
    return 0;
}

int hy_name_text(struct hy_str value, struct hy_str *ret)
{
    int err = hy_value_check(value, NAME_VERSION);
    if (err)
        return err;
    *ret = hy_str_slice(value, 1, value.n);
    return 0;
}

int hy_domain_find(struct hy_txn *t, struct hy_str name, hy_domain_no *ret_no)
{
    struct hy_str value;
    if (name.n == 0 || name.n > HY_DOMAIN_MAX + 2)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_DOMAIN_NAMES, name, &value);
    return err ? err : hy_name_number(value, ret_no);
}

int hy_domain_name(struct hy_txn *t, hy_domain_no no, struct hy_str *ret_name)
{
    uint8_t key[4];
    struct hy_str value;
    hy_put_be32(key, no);
    int err = hy_get(t, HY_TABLE_DOMAINS, hy_str_make(key, sizeof key), &value);
    return err ? err : hy_name_text(value, ret_name);
}

/* The number behind the last one given. */
static int next_domain_no(struct hy_txn *t, hy_domain_no *ret_no)
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_DOMAINS, &c);
    if (err)
        return err;
    err = hy_cursor_last(&c);
    if (err == HY_ENOTFOUND) {
        *ret_no = 1;
        err = 0;
    } else if (err == 0) {
        uint32_t last = c.key.n == 4 ? hy_get_be32(c.key.p) : 0;
        err = last == 0 ? HY_ECORRUPT : last == UINT32_MAX ? HY_ELIMIT : 0;
        if (err == 0)
            *ret_no = last + 1;
    }
    hy_cursor_close(&c);
    return err;
}

int hy_domain_intern(struct hy_txn *t, struct hy_str name, hy_domain_no *ret_no)
{
    int err = hy_domain_find(t, name, ret_no);
    if (err != HY_ENOTFOUND)
        return err;
    if (name.n == 0 || name.n > HY_DOMAIN_MAX + 2) /* a literal has brackets */
        return HY_EINVAL;
    hy_domain_no no = 0;
    err = next_domain_no(t, &no);
    if (err)
        return err;
    uint8_t key[4], number[5] = {NAME_VERSION};
    char text[1 + HY_DOMAIN_MAX + 2] = {NAME_VERSION};
    hy_put_be32(key, no);
    hy_put_le32(number + 1, no);
    memcpy(text + 1, name.p, name.n);
    err = hy_put(t, HY_TABLE_DOMAINS, hy_str_make(key, 4), hy_str_make(text, 1 + name.n),
                 HY_PUT_APPEND);
    if (err == 0)
        err = hy_put(t, HY_TABLE_DOMAIN_NAMES, name, hy_str_make(number, 5), HY_PUT_NEW);
    if (err)
        return err;
    *ret_no = no;
    return 0;
}
