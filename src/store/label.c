/* Names of tags and groups, and who has them. Table labels: kind u8, 'n', be32 number -> version,
 * name; kind u8, 't', name -> version, le32 number. Table lead_labels: be32 lead, kind u8, be32
 * number -> version. The sets of leads are store/lead_set.h's. */
#include "hayauma/store/label.h"

#include "hayauma/store/lead_set.h"
#include "lead_priv.h"

enum { BY_NUMBER = 'n', BY_NAME = 't', OF_LEAD_KEY = 9, OF_LEAD_VERSION = 1 };

bool hy_label_name_ok(struct hy_str name)
{
    if (name.n == 0 || name.n > HY_LABEL_NAME_MAX || !hy_str_is_utf8(name) ||
        hy_str_trim(name).n != name.n)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 32 || name.p[i] == 127)
            return false;
    return true;
}

static struct hy_str number_key(enum hy_label_kind kind, hy_label_no no, uint8_t room[6])
{
    room[0] = (uint8_t)kind;
    room[1] = BY_NUMBER;
    hy_put_be32(room + 2, no);
    return hy_str_make(room, 6);
}

static struct hy_str name_key(enum hy_label_kind kind, struct hy_str name,
                              char room[2 + HY_LABEL_NAME_MAX])
{
    room[0] = (char)kind;
    room[1] = BY_NAME;
    memcpy(room + 2, name.p, name.n);
    return hy_str_make(room, 2 + name.n);
}

int hy_label_find(struct hy_txn *t, enum hy_label_kind kind, struct hy_str name, hy_label_no *ret)
{
    char room[2 + HY_LABEL_NAME_MAX];
    struct hy_str value;
    if (name.n == 0 || name.n > HY_LABEL_NAME_MAX)
        return HY_ENOTFOUND;
    int err = hy_get(t, HY_TABLE_LABELS, name_key(kind, name, room), &value);
    return err ? err : hy_name_number(value, ret);
}

int hy_label_name(struct hy_txn *t, enum hy_label_kind kind, hy_label_no no, struct hy_str *ret)
{
    uint8_t room[6];
    struct hy_str value;
    int err = hy_get(t, HY_TABLE_LABELS, number_key(kind, no, room), &value);
    return err ? err : hy_name_text(value, ret);
}

int hy_label_next(struct hy_txn *t, enum hy_label_kind kind, hy_label_no after,
                  struct hy_label *ret)
{
    uint8_t room[6];
    struct hy_cursor c;
    if (after == UINT32_MAX)
        return HY_ENOTFOUND;
    int err = hy_cursor_open(t, HY_TABLE_LABELS, &c);
    if (!err)
        err = hy_cursor_seek(&c, number_key(kind, after + 1, room));
    if (!err && (c.key.n != sizeof room || memcmp(c.key.p, room, 2) != 0))
        err = HY_ENOTFOUND;
    struct hy_label l = {.kind = kind};
    if (!err) {
        l.no = hy_get_be32(c.key.p + 2);
        err = hy_name_text(c.value, &l.name);
    }
    hy_cursor_close(&c);
    if (!err)
        *ret = l;
    return err;
}

/* The number behind the last one given. */
static int next_no(struct hy_txn *t, enum hy_label_kind kind, hy_label_no *ret)
{
    uint8_t room[6];
    struct hy_cursor c;
    hy_label_no last = 0;
    int err = hy_cursor_open(t, HY_TABLE_LABELS, &c);
    if (!err)
        err = hy_cursor_seek(&c, number_key(kind, UINT32_MAX, room));
    if (!err)
        err = hy_cursor_prev(&c);
    else if (err == HY_ENOTFOUND)
        err = hy_cursor_last(&c);
    if (!err && c.key.n == sizeof room && memcmp(c.key.p, room, 2) == 0)
        last = hy_get_be32(c.key.p + 2);
    hy_cursor_close(&c);
    if (err && err != HY_ENOTFOUND)
        return err;
    if (last >= HY_LABELS_MAX)
        return HY_ELIMIT;
    *ret = last + 1;
    return 0;
}

int hy_label_room(struct hy_txn *t, enum hy_label_kind kind, struct hy_str name)
{
    hy_label_no no = 0;
    int err = hy_label_find(t, kind, name, &no);
    return err == HY_ENOTFOUND ? next_no(t, kind, &no) : err;
}

int hy_label_intern(struct hy_txn *t, enum hy_label_kind kind, struct hy_str name, hy_label_no *ret)
{
    hy_label_no no = 0;
    if (!hy_label_name_ok(name))
        return HY_EINVAL;
    int err = hy_label_find(t, kind, name, ret);
    if (err != HY_ENOTFOUND)
        return err;
    err = next_no(t, kind, &no);
    if (err)
        return err;
    uint8_t by_number[6], number[5] = {NAME_VERSION};
    char by_name[2 + HY_LABEL_NAME_MAX], text[1 + HY_LABEL_NAME_MAX] = {NAME_VERSION};
    hy_put_le32(number + 1, no);
    memcpy(text + 1, name.p, name.n);
    err = hy_put(t, HY_TABLE_LABELS, number_key(kind, no, by_number), hy_str_make(text, 1 + name.n),
                 HY_PUT_NEW);
    if (!err)
        err = hy_put(t, HY_TABLE_LABELS, name_key(kind, name, by_name), hy_str_make(number, 5),
                     HY_PUT_NEW);
    if (err)
        return err;
    *ret = no;
    return 0;
}

/* ---- of a lead ---- */

static struct hy_str lead_label_key(hy_lead_no lead, enum hy_label_kind kind, hy_label_no no,
                                    uint8_t room[OF_LEAD_KEY])
{
    hy_put_be32(room, lead);
    room[4] = (uint8_t)kind;
    hy_put_be32(room + 5, no);
    return hy_str_make(room, OF_LEAD_KEY);
}

int hy_lead_labels(struct hy_txn *t, hy_lead_no lead,
                   int (*each)(void *ctx, const struct hy_label *l), void *ctx)
{
    uint8_t prefix[4];
    struct hy_cursor c;
    hy_put_be32(prefix, lead);
    int err = hy_cursor_open(t, HY_TABLE_LEAD_LABELS, &c);
    if (!err)
        err = hy_cursor_prefix_first(&c, hy_str_make(prefix, sizeof prefix));
    while (!err) {
        struct hy_label l = {0};
        err = hy_value_check(c.value, OF_LEAD_VERSION);
        if (!err && c.key.n != OF_LEAD_KEY)
            err = HY_ECORRUPT;
        if (!err) {
            l.kind = (enum hy_label_kind)c.key.p[4];
            l.no = hy_get_be32(c.key.p + 5);
            err = hy_label_name(t, l.kind, l.no, &l.name);
            if (err == HY_ENOTFOUND)
                err = HY_ECORRUPT;
        }
        if (!err)
            err = each(ctx, &l);
        if (!err)
            err = hy_cursor_prefix_next(&c, hy_str_make(prefix, sizeof prefix));
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

static int count_one(void *ctx, const struct hy_label *l)
{
    (void)l;
    ++*(size_t *)ctx;
    return 0;
}

static struct hy_lead_set set_of(enum hy_label_kind kind, hy_label_no no)
{
    return (struct hy_lead_set){.kind = kind == HY_LABEL_TAG ? HY_LEAD_SET_TAG : HY_LEAD_SET_GROUP,
                                .no = no};
}

int hy_lead_label(struct hy_txn *t, hy_lead_no lead, enum hy_label_kind kind, hy_label_no no,
                  bool *ret_changed)
{
    uint8_t key[OF_LEAD_KEY];
    static const char version = OF_LEAD_VERSION;
    bool has = false;
    size_t n = 0;
    int err = hy_lead_set_has(t, set_of(kind, no), lead, &has);
    if (err)
        return err;
    if (has) {
        *ret_changed = false;
        return 0;
    }
    err = hy_lead_labels(t, lead, count_one, &n);
    if (!err && n >= HY_LEAD_LABELS_MAX)
        err = HY_ELIMIT;
    if (!err)
        err = hy_put(t, HY_TABLE_LEAD_LABELS, lead_label_key(lead, kind, no, key),
                     hy_str_make(&version, 1), HY_PUT_SET);
    return err ? err : hy_lead_set_add(t, set_of(kind, no), lead, ret_changed);
}

int hy_lead_unlabel(struct hy_txn *t, hy_lead_no lead, enum hy_label_kind kind, hy_label_no no,
                    bool *ret_changed)
{
    uint8_t key[OF_LEAD_KEY];
    int err = hy_del(t, HY_TABLE_LEAD_LABELS, lead_label_key(lead, kind, no, key));
    if (err && err != HY_ENOTFOUND)
        return err;
    return hy_lead_set_remove(t, set_of(kind, no), lead, ret_changed);
}
