/* Tenants of a config as delivery has them, each with its own keys. */
#include "daemon.h"

#include <stdlib.h>

/* A key and whose it is, by its number. */
struct owned {
    struct hy_dkim_key *key;
    uint32_t number;
    uint32_t place; /* in the file */
};

static int by_owner(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* The tenants by number, the installation first. */
static int list_tenants(const struct hy_config *c, struct hy_arena *arena,
                        struct hy_deliver_policy *p)
{
    struct hy_deliver_tenant *all = hy_arena_zalloc(arena, (c->tenants.n + 1) * sizeof *all);
    size_t n = 0;
    if (!all)
        return HY_ENOMEM;
    all[n++].tenant = hy_tenant_by_number(&c->tenants, 0);
    for (size_t i = 0; i < c->tenants.n; i++) {
        const struct hy_tenant *t = &c->tenants.items[c->tenants.by_number[i]];
        if (t->number)
            all[n++].tenant = t;
    }
    p->tenants = all;
    p->n_tenants = n;
    return HY_OK;
}

static int make_set(const struct owned *keys, size_t n, struct hy_dkim_key **room,
                    struct hy_dkim_keyset **ret, const struct hy_config *c,
                    struct hy_problems *problems)
{
    struct hy_diag diag = {""};
    for (size_t i = 0; i < n; i++)
        room[i] = keys[i].key;
    int err = hy_dkim_keyset_new(room, n, ret, &diag);
    if (err != HY_OK && diag.text[0])
        hy_problems_error(problems, c->file, 0, 0, "dkim.keys: %s", diag.text);
    return err;
}

/* One set for each owner: those of a tenant's own keys, and that of the installation. */
static int make_sets(const struct hy_config *c, const struct owned *keys, struct hy_dkim_key **room,
                     struct hy_problems *problems, struct hy_deliver_policy *p)
{
    struct hy_deliver_tenant *all = (struct hy_deliver_tenant *)(uintptr_t)p->tenants;
    size_t n = c->dkim.keys.n, end;
    int err = HY_OK;
    for (size_t i = 0, k = 0; i < n && err == HY_OK; i = end) {
        for (end = i; end < n && keys[end].number == keys[i].number;)
            end++;
        while (all[k].tenant->number != keys[i].number)
            k++; /* both are sorted, and the config has no key of nobody's */
        err = make_set(&keys[i], end - i, room, k ? &all[k].dkim : &p->dkim, c, problems);
    }
    return err;
}

int policy_set_tenants(const struct hy_config *c, struct hy_dkim_key *const *keys,
                       struct hy_arena *arena, struct hy_problems *problems,
                       struct hy_deliver_policy *p)
{
    size_t n = c->dkim.keys.n;
    struct owned *owned = calloc(n + 1, sizeof *owned);
    struct hy_dkim_key **room = calloc(n + 1, sizeof(struct hy_dkim_key *));
    int err = owned && room ? list_tenants(c, arena, p) : HY_ENOMEM;
    for (size_t i = 0; i < n && err == HY_OK; i++) {
        const char *name = c->dkim.keys.items[i].tenant;
        const struct hy_tenant *t =
            name[0] ? hy_tenant_by_name(&c->tenants, hy_str_of(name)) : p->tenants[0].tenant;
        owned[i] = (struct owned){keys[i], t->number, (uint32_t)i};
    }
    if (err == HY_OK && n) {
        qsort(owned, n, sizeof *owned, by_owner);
        err = make_sets(c, owned, room, problems, p);
    }
    free(owned);
    free(room);
    return err;
}
