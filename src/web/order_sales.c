/* Best sellers: names in a hash table with linear probing, doubled when half full. */
#include "order_sales.h"

#include <stdlib.h>

#include "call.h"
#include "hayauma/base/hash.h"
#include "hayauma/web/order_json.h"

static size_t place_of(const struct sales *s, struct hy_str name, const char *currency)
{
    size_t mask = 2 * s->cap - 1;
    size_t at = (size_t)hy_siphash(hy_hash_process_key(), name.p, name.n) & mask;
    for (; s->places[at]; at = (at + 1) & mask) {
        const struct sale *x = &s->all[s->places[at] - 1];
        if (hy_str_eq(x->name, name) && strcmp(x->currency, currency) == 0)
            break;
    }
    return at;
}

static int grow(struct sales *s)
{
    size_t cap = s->cap ? 2 * s->cap : 1024;
    struct sale *all = realloc(s->all, cap * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    s->all = all;
    uint32_t *places = calloc(2 * cap, sizeof *places);
    if (!places)
        return HY_ENOMEM;
    free(s->places);
    s->places = places;
    s->cap = cap;
    for (size_t i = 0; i < s->n; i++)
        s->places[place_of(s, all[i].name, all[i].currency)] = (uint32_t)i + 1;
    return HY_OK;
}

int sales_add(struct sales *s, struct hy_str name, struct hy_str label, const char *currency,
              const struct hy_order_item *item)
{
    int64_t amount = hy_order_items_amount(item, 1);
    if (s->cap == 0)
        s->arena = HY_ARENA_INIT(SALES_BYTES);
    if (s->n == s->cap && s->n < SALES_MAX) {
        int err = grow(s);
        if (err)
            return err;
    }
    size_t at = place_of(s, name, currency);
    if (!s->places[at]) {
        struct hy_str copy = s->n < SALES_MAX ? hy_arena_str(&s->arena, name) : HY_STR("");
        struct hy_str other = s->n < SALES_MAX ? hy_arena_str(&s->arena, label) : HY_STR("");
        if (s->n == SALES_MAX || !copy.p || !other.p) {
            s->others++;
            return HY_OK;
        }
        s->all[s->n] = (struct sale){.name = copy, .label = other};
        memcpy(s->all[s->n].currency, currency, sizeof s->all->currency);
        s->places[at] = (uint32_t)++s->n;
    }
    struct sale *x = &s->all[s->places[at] - 1];
    x->items++;
    if (__builtin_add_overflow(x->quantity_milli, item->quantity_milli, &x->quantity_milli))
        x->quantity_milli = INT64_MAX;
    if (amount > 0 && __builtin_add_overflow(x->amount_milli, amount, &x->amount_milli))
        x->amount_milli = INT64_MAX;
    return HY_OK;
}

static int compare(const void *x, const void *y)
{
    const struct sale *a = *(const struct sale *const *)x, *b = *(const struct sale *const *)y;
    if (a->amount_milli != b->amount_milli)
        return a->amount_milli > b->amount_milli ? -1 : 1;
    return a->quantity_milli != b->quantity_milli ? (a->quantity_milli > b->quantity_milli ? -1 : 1)
           : a < b                                ? -1
                                                  : 1;
}

json_t *sales_top(struct sales *s, const char *currency, size_t max)
{
    json_t *list = json_array();
    const struct sale **order = malloc((s->n + 1) * sizeof *order);
    size_t n = 0;
    for (size_t i = 0; order && i < s->n; i++)
        if (strcmp(s->all[i].currency, currency) == 0)
            order[n++] = &s->all[i];
    if (order)
        qsort(order, n, sizeof *order, compare);
    for (size_t i = 0; order && i < n && i < max; i++) {
        json_t *o = json_pack("{s:o, s:o, s:o, s:o}", "name", web_text_json(order[i]->name),
                              "label", web_text_json(order[i]->label), "quantity",
                              hy_money_json(order[i]->quantity_milli), "amount",
                              hy_money_json(order[i]->amount_milli));
        json_object_set_new(o, "items", json_integer((json_int_t)order[i]->items));
        json_array_append_new(list, o);
    }
    free(order);
    return list;
}

void sales_free(struct sales *s)
{
    hy_arena_free(&s->arena);
    free(s->all);
    free(s->places);
}
