/* What an activity says of itself, by the keys that segments know. The JSON of an order is read
 * once, when it is first asked for. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "facts_priv.h"
#include "hayauma/bounce/reason.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/spool.h"

enum { NUMBER_MAX = 48 };

struct hy_deed {
    struct hy_segment_deed deed;
    struct hy_txn *t;
    const struct hy_activity *a;
    json_t *meta; /* NULL: not read yet, or none */
    bool is_read;
    unsigned item;
    char number[NUMBER_MAX];
    hy_id campaign; /* whose name is known; 0: none */
    char name[HY_CAMPAIGN_NAME_MAX + 1];
};

static const json_t *meta_of(struct hy_deed *d)
{
    if (!d->is_read && d->a->meta.n)
        d->meta = json_loadb(d->a->meta.p, d->a->meta.n, 0, NULL);
    d->is_read = true;
    return d->meta;
}

/* As people write it: 5000, 0.5. */
static struct hy_str number(struct hy_deed *d, double v)
{
    int n = v == floor(v) ? snprintf(d->number, sizeof d->number, "%.0f", v)
                          : snprintf(d->number, sizeof d->number, "%.6f", v);
    size_t len = n > 0 && (size_t)n < sizeof d->number ? (size_t)n : 0;
    if (v != floor(v))
        while (len && d->number[len - 1] == '0')
            len--;
    return hy_str_make(d->number, len);
}

static struct hy_str value_of(struct hy_deed *d, const json_t *v)
{
    if (json_is_string(v))
        return hy_str_make(json_string_value(v), json_string_length(v));
    if (json_is_integer(v)) {
        int n =
            snprintf(d->number, sizeof d->number, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        return hy_str_make(d->number, (size_t)n);
    }
    if (json_is_real(v) && fabs(json_real_value(v)) < 1e15)
        return number(d, json_real_value(v));
    if (json_is_boolean(v))
        return json_is_true(v) ? HY_STR("true") : HY_STR("false");
    return HY_STR("");
}

static struct hy_str field(struct hy_deed *d, const json_t *object, struct hy_str key)
{
    return value_of(d, json_object_getn(object, key.p, key.n));
}

static const json_t *items_of(struct hy_deed *d)
{
    const json_t *items = json_object_get(meta_of(d), "items");
    return json_is_array(items) ? items : NULL;
}

/* How many pieces, over all items. */
static struct hy_str quantity(struct hy_deed *d)
{
    const json_t *items = items_of(d), *item;
    double sum = 0;
    size_t i;
    if (!items)
        return field(d, meta_of(d), HY_STR("quantity"));
    json_array_foreach(items, i, item)
    {
        const json_t *n = json_object_get(item, "quantity");
        sum += json_is_number(n) ? json_number_value(n) : 1;
    }
    return number(d, sum);
}

static struct hy_str of_item(struct hy_deed *d, struct hy_str key)
{
    const json_t *items = items_of(d);
    if (!items)
        return field(d, meta_of(d), key);
    return field(d, json_array_get(items, d->item), key);
}

/* Names of campaigns never change. */
static struct hy_str campaign_name(struct hy_deed *d)
{
    struct hy_campaign c;
    if (!d->a->campaign || hy_id_is_spool(d->a->campaign))
        return HY_STR("");
    if (d->campaign != d->a->campaign) {
        d->name[0] = 0;
        d->campaign = d->a->campaign;
        if (hy_campaign_get(d->t, d->a->campaign, &c) == HY_OK)
            snprintf(d->name, sizeof d->name, "%.*s", HY_STR_ARG(c.name));
    }
    return hy_str_of(d->name);
}

static struct hy_str link_of(struct hy_deed *d)
{
    return d->a->link ? number(d, d->a->link) : HY_STR("");
}

static struct hy_str text_of(struct hy_deed *d)
{
    return d->a->text;
}

static struct hy_str url_of(struct hy_deed *d)
{
    return d->a->url;
}

static struct hy_str source_of(struct hy_deed *d)
{
    return d->a->source;
}

static struct hy_str reason_of(struct hy_deed *d)
{
    return hy_str_of(hy_bounce_reason_name((enum hy_bounce_reason)d->a->reason));
}

static struct hy_str amount(struct hy_deed *d)
{
    return field(d, meta_of(d), HY_STR("amount"));
}

static struct hy_str value(void *ctx, struct hy_str key)
{
    static const struct {
        const char *key;
        struct hy_str (*get)(struct hy_deed *d);
    } keys[] = {
        {"campaign", campaign_name}, {"source", source_of}, {"url", url_of},
        {"name", text_of},           {"form", text_of},     {"list", text_of},
        {"link", link_of},           {"reason", reason_of}, {"amount", amount},
        {"quantity", quantity},
    };
    struct hy_deed *d = ctx;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (hy_str_ieq(key, hy_str_of(keys[i].key)))
            return keys[i].get(d);
    if (hy_str_ieq(key, HY_STR("product")) || hy_str_ieq(key, HY_STR("category")))
        return of_item(d,
                       hy_str_ieq(key, HY_STR("product")) ? HY_STR("product") : HY_STR("category"));
    if (hy_str_istarts(key, HY_STR("meta.")))
        return field(d, meta_of(d), hy_str_slice(key, 5, key.n));
    return HY_STR("");
}

static unsigned items(void *ctx)
{
    struct hy_deed *d = ctx;
    if (d->a->kind != HY_ACTIVITY_ORDER && d->a->kind != HY_ACTIVITY_CART)
        return 0;
    return (unsigned)json_array_size(items_of(d));
}

static void choose(void *ctx, unsigned item)
{
    ((struct hy_deed *)ctx)->item = item;
}

int hy_deed_new(struct hy_deed **ret)
{
    struct hy_deed *d = calloc(1, sizeof *d);
    if (!d)
        return HY_ENOMEM;
    d->deed = (struct hy_segment_deed){.value = value, .ctx = d, .items = items, .choose = choose};
    *ret = d;
    return HY_OK;
}

void hy_deed_free(struct hy_deed *d)
{
    if (d)
        json_decref(d->meta);
    free(d);
}

const struct hy_segment_deed *hy_deed_of(struct hy_deed *d, struct hy_txn *t,
                                         const struct hy_activity *a)
{
    json_decref(d->meta);
    d->meta = NULL;
    d->is_read = false;
    d->item = 0;
    d->t = t;
    d->a = a;
    return &d->deed;
}

hy_wall_ms hy_deed_moment(const struct hy_activity *a)
{
    hy_wall_ms noted = hy_id_time(a->id);
    return a->at < noted ? a->at : noted;
}

/* Of an order only its being placed, of a cart only that it is open. */
static bool is_first_of(struct hy_deed *d, const struct hy_activity *a, struct hy_str status)
{
    hy_deed_of(d, d->t, a);
    struct hy_str is = field(d, meta_of(d), HY_STR("status"));
    return is.n == 0 || hy_str_ieq(is, status);
}

bool hy_deed_counts(struct hy_deed *d, const struct hy_activity *a)
{
    switch (a->kind) {
    case HY_ACTIVITY_OPEN:
    case HY_ACTIVITY_CLICK:
        return a->flags & HY_ACTIVITY_COUNTED;
    case HY_ACTIVITY_ORDER:
        return is_first_of(d, a, HY_STR("placed"));
    case HY_ACTIVITY_CART:
        return is_first_of(d, a, HY_STR("open"));
    default:
        return !(a->flags & HY_ACTIVITY_MACHINE);
    }
}
