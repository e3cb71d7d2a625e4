/* The meta table: what there is once in a store. Keys are names; values a version byte and the
 * bytes of a number (little-endian) or of the secret: "format" u32, "node" u32, "secret" 32 bytes,
 * "last_id" u64 (the newest id given out), "attempt_floor" u64 (attempts before it were trimmed),
 * "space_probe" u64 (when the disk was last asked whether it takes a commit), "retired_lead" u32
 * (the greatest number of a lead that was deleted). */
#include "meta.h"

#include "env_priv.h"
#include "hayauma/base/rand.h"

enum { VERSION = 1 };

int hy_meta_get(struct hy_txn *t, const char *name, size_t want, const uint8_t **ret)
{
    struct hy_str v;
    int err = hy_get(t, HY_TABLE_META, hy_str_of(name), &v);
    if (err)
        return err;
    err = hy_value_check(v, VERSION);
    if (err)
        return err;
    if (v.n != want + 1)
        return HY_ECORRUPT;
    *ret = (const uint8_t *)v.p + 1;
    return 0;
}

void hy_meta_put(struct hy_txn *t, const char *name, const void *p, size_t n)
{
    uint8_t value[1 + 64] = {VERSION};
    memcpy(value + 1, p, n);
    hy_put(t, HY_TABLE_META, hy_str_of(name), hy_str_make(value, n + 1), HY_PUT_SET);
}

static void meta_put_u32(struct hy_txn *t, const char *name, uint32_t v)
{
    uint8_t le[4];
    hy_put_le32(le, v);
    hy_meta_put(t, name, le, sizeof le);
}

static int make_meta(struct hy_env *env, uint32_t node, struct hy_diag *diag)
{
    struct hy_txn t;
    uint8_t secret[HY_STORE_SECRET_LEN];
    int err = hy_rand_bytes(secret, sizeof secret);
    if (err)
        return hy_fail(diag, err, "no random numbers from the system");
    err = hy_txn_write(env, &t);
    if (err)
        return hy_fail(diag, err, "cannot write to the store");
    meta_put_u32(&t, "format", HY_STORE_FORMAT);
    meta_put_u32(&t, "node", node);
    hy_meta_put(&t, "secret", secret, sizeof secret);
    explicit_bzero(secret, sizeof secret);
    err = hy_txn_commit(&t);
    return err ? hy_fail(diag, err, "cannot write to the store: %s", hy_err_text(err)) : 0;
}

static int load_meta(struct hy_env *env, struct hy_diag *diag)
{
    struct hy_txn t;
    const uint8_t *v;
    int err = hy_txn_read(env, &t);
    if (err)
        return hy_fail(diag, err, "cannot read the store: %s", hy_err_text(err));
    err = hy_meta_get(&t, "format", 4, &v);
    if (err)
        goto out;
    if (hy_get_le32(v) > HY_STORE_FORMAT) {
        err = hy_fail(diag, HY_EVERSION, "the store has format %u, this hayauma knows %u",
                      hy_get_le32(v), (unsigned)HY_STORE_FORMAT);
        goto out;
    }
    err = hy_meta_get(&t, "node", 4, &v);
    if (err)
        goto out;
    env->node = hy_get_le32(v);
    err = hy_meta_get(&t, "secret", HY_STORE_SECRET_LEN, &v);
    if (err)
        goto out;
    memcpy(env->secret, v, HY_STORE_SECRET_LEN);
    err = hy_meta_get(&t, "last_id", 8, &v);
    env->ids_stored = err ? 0 : hy_get_le64(v);
    if (err == HY_ENOTFOUND)
        err = 0;
out:
    hy_txn_end(&t);
    if (err == HY_ENOTFOUND)
        return err; /* a store just born */
    return err ? hy_fail(diag, err, "the store's meta table: %s", hy_err_text(err)) : 0;
}

int hy_meta_open(struct hy_env *env, const struct hy_env_options *o, struct hy_diag *diag)
{
    int err = load_meta(env, diag);
    if (err == HY_ENOTFOUND && o->mode == HY_ENV_OWNER) {
        err = make_meta(env, o->node, diag);
        if (!err)
            err = load_meta(env, diag);
    }
    if (err)
        return hy_fail(diag, err, "the store is empty");
    if (o->mode == HY_ENV_OWNER && env->node != o->node)
        return hy_fail(diag, HY_EINVAL, "the store was made by node %u, the configuration says %u",
                       env->node, o->node);
    hy_id_gen_init(&env->ids, env->node, env->ids_stored);
    return 0;
}

void hy_env_ids_commit(struct hy_txn *t)
{
    uint8_t le[8];
    if (t->env->ids.last == t->env->ids_stored)
        return;
    hy_put_le64(le, t->env->ids.last);
    hy_meta_put(t, "last_id", le, sizeof le);
}

void hy_space_probe_put(struct hy_txn *t)
{
    uint8_t le[8];
    hy_put_le64(le, (uint64_t)t->now);
    hy_meta_put(t, "space_probe", le, sizeof le);
}
