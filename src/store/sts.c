/* The table of MTA-STS policies. Key: domain. Value: version u8; varints: fetched, expires (wall
 * ms); id, text (length, bytes). */
#include "hayauma/store/sts.h"

#include <stdlib.h>

#include "hayauma/base/list.h"
#include "record.h"

enum { VERSION = 1, ID_MAX = 32, HEAD_MAX = 1 + 4 * 10 + ID_MAX };

static int decode(struct hy_str value, struct hy_sts_stored *ret)
{
    int err = hy_value_check(value, VERSION);
    if (err)
        return err;
    struct hy_rec_in in = rec_in(hy_str_slice(value, 1, value.n));
    struct hy_sts_stored s;
    s.fetched = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    s.expires = (hy_wall_ms)rec_get_varint(&in, INT64_MAX);
    s.id = rec_get_str(&in, ID_MAX);
    s.text = rec_get_str(&in, HY_STS_TEXT_MAX);
    if (in.bad || in.n)
        return HY_ECORRUPT;
    *ret = s;
    return 0;
}

int hy_sts_stored_get(struct hy_txn *t, struct hy_str domain, struct hy_sts_stored *ret)
{
    struct hy_str value;
    int err = domain.n ? hy_get(t, HY_TABLE_STS, domain, &value) : HY_ENOTFOUND;
    return err ? err : decode(value, ret);
}

static int put(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_sts_put *p = hy_container_of(r, struct hy_sts_put, req);
    const struct hy_sts_stored *s = &p->policy;
    uint8_t *room;
    if (p->domain.n == 0 || p->domain.n > HY_STS_DOMAIN_MAX || s->text.n > HY_STS_TEXT_MAX ||
        s->id.n > ID_MAX)
        return HY_EINVAL;
    uint8_t head[HEAD_MAX];
    struct hy_rec_out o = {.p = head, .max = sizeof head};
    rec_put_u8(&o, VERSION);
    rec_put_varint(&o, (uint64_t)s->fetched);
    rec_put_varint(&o, (uint64_t)s->expires);
    rec_put_str(&o, s->id);
    rec_put_varint(&o, s->text.n);
    int err = hy_put_reserve(t, HY_TABLE_STS, p->domain, o.n + s->text.n, HY_PUT_SET, &room);
    if (err)
        return err;
    memcpy(room, head, o.n);
    if (s->text.n)
        memcpy(room + o.n, s->text.p, s->text.n);
    return 0;
}

void hy_sts_put_init(struct hy_sts_put *p)
{
    *p = (struct hy_sts_put){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_FAIL, .apply = put}};
}

static int trim(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_sts_trim *j = hy_container_of(r, struct hy_sts_trim, req);
    struct hy_cursor c;
    struct hy_sts_stored s;
    int err = hy_cursor_open(t, HY_TABLE_STS, &c);
    if (!err)
        err = j->n_key ? hy_cursor_seek(&c, hy_str_make(j->key, j->n_key)) : hy_cursor_first(&c);
    while (!err) {
        /* what cannot be read is fetched anew */
        if (decode(c.value, &s) != 0 || s.expires <= t->now)
            err = hy_cursor_delete(&c);
        if (!err)
            err = hy_cursor_next(&c);
        if (!err && hy_txn_should_yield(t) && c.key.n <= sizeof j->key) {
            memcpy(j->key, c.key.p, c.key.n);
            j->n_key = c.key.n;
            err = HY_EMORE;
        }
    }
    hy_cursor_close(&c);
    return err == HY_ENOTFOUND ? 0 : err;
}

void hy_sts_trim_init(struct hy_sts_trim *j)
{
    *j = (struct hy_sts_trim){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = trim}};
}
