/* The cache of time zones: an open table by hash; full of names that leads made up, it begins anew.
 */
#include "zones.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"

static void clear(struct zone_cache *c)
{
    for (uint32_t i = 0; c->entries && i < ZONES_MAX; i++) {
        hy_zone_free(c->entries[i].zone);
        c->entries[i] = (struct zone_entry){0};
    }
    c->n = 0;
}

void zones_free(struct zone_cache *c)
{
    clear(c);
    free(c->entries);
    c->entries = NULL;
}

const struct hy_zone *zones_find(struct zone_cache *c, struct hy_str name)
{
    static const struct hy_hash_key key = {0x7a6f6e6573, 0x6861796175};
    if (name.n == 0 || name.n > HY_ZONE_NAME_MAX || memchr(name.p, '\0', name.n))
        return NULL;
    if (!c->entries)
        c->entries = calloc(ZONES_MAX, sizeof *c->entries);
    if (!c->entries)
        return NULL;
    if (c->n >= ZONES_MAX * 3 / 4)
        clear(c);
    uint64_t i = hy_siphash(&key, name.p, name.n);
    struct zone_entry *e;
    for (;; i++) {
        e = &c->entries[i & (ZONES_MAX - 1)];
        if (!e->name[0])
            break;
        if (hy_str_eq(hy_str_of(e->name), name))
            return e->zone;
    }
    memcpy(e->name, name.p, name.n);
    e->name[name.n] = '\0';
    c->n++;
    if (hy_zone_find(name, &e->zone) != HY_OK)
        e->zone = NULL;
    return e->zone;
}
