/* Names of files whose messages were taken. Key: the name; value: version u8, message be64. */
#include "hayauma/store/maildrop.h"

#include "env_priv.h"
#include "hayauma/base/list.h"

enum { VERSION = 1 };

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_spool_job *spool = hy_container_of(r, struct hy_spool_job, req);
    struct hy_maildrop_job *j = hy_container_of(spool, struct hy_maildrop_job, spool);
    struct hy_str key = hy_str_of(j->name), value;
    uint8_t room[9] = {VERSION};
    if (key.n == 0 || key.n > HY_MAILDROP_NAME_MAX)
        return HY_EINVAL;
    int err = hy_get(t, HY_TABLE_MAILDROP, key, &value);
    if (err != HY_ENOTFOUND)
        return err ? err : HY_EEXIST;
    err = hy_spool_job_put(spool, t);
    hy_put_be64(room + 1, spool->message.id);
    if (!err)
        err = hy_put(t, HY_TABLE_MAILDROP, key, hy_str_make(room, sizeof room), HY_PUT_NEW);
    return err;
}

void hy_maildrop_job_init(struct hy_maildrop_job *j)
{
    *j = (struct hy_maildrop_job){0};
    hy_spool_job_init(&j->spool);
    j->spool.req.apply = apply;
}

static int forget(struct hy_write_req *r, struct hy_txn *t)
{
    struct hy_maildrop_forget *f = hy_container_of(r, struct hy_maildrop_forget, req);
    const char *name = f->names;
    int err = 0;
    for (size_t i = 0; i < f->n && !err; i++, name += strlen(name) + 1) {
        err = hy_del(t, HY_TABLE_MAILDROP, hy_str_of(name));
        err = err == HY_ENOTFOUND ? 0 : err;
    }
    return err;
}

void hy_maildrop_forget_init(struct hy_maildrop_forget *f, const char *names, size_t n)
{
    *f = (struct hy_maildrop_forget){
        .req = {.class = HY_WRITE_ADMIN, .on_full = HY_WRITE_FULL_WAIT, .apply = forget},
        .names = names,
        .n = n};
}

int hy_maildrop_next(struct hy_txn *t, const char *after, char ret[HY_MAILDROP_NAME_MAX + 1])
{
    struct hy_cursor c;
    int err = hy_cursor_open(t, HY_TABLE_MAILDROP, &c);
    if (!err) /* the NUL behind it makes it the next key */
        err = after[0] ? hy_cursor_seek(&c, hy_str_make(after, strlen(after) + 1))
                       : hy_cursor_first(&c);
    if (!err && (c.key.n == 0 || c.key.n > HY_MAILDROP_NAME_MAX))
        err = hy_txn_fail(t, HY_ECORRUPT);
    if (!err) {
        memcpy(ret, c.key.p, c.key.n);
        ret[c.key.n] = '\0';
    }
    hy_cursor_close(&c);
    return err;
}
