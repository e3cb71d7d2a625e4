/* Products as JSON. */
#include "hayauma/web/product_json.h"

#include "call.h"
#include "hayauma/web/order_json.h"

enum { LOOKED_AT_MAX = 200000 };

int hy_product_json(const struct hy_product *p, json_t **ret)
{
    char stock[HY_DECIMAL_MAX];
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:s, s:o}", "sku", web_text_json(p->sku), "name",
        web_text_json(p->name), "category", web_text_json(p->category), "price",
        p->price_milli < 0 ? json_null() : hy_money_json(p->price_milli), "currency", p->currency,
        "url", web_text_json(p->url), "image", web_text_json(p->image), "stock",
        hy_product_stock_text(p, stock), "changed", hy_order_time_json(p->changed));
    if (!o)
        return HY_ENOMEM;
    *ret = o;
    return HY_OK;
}

static bool has_part(struct hy_str s, struct hy_str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++)
        if (hy_str_istarts(hy_str_slice(s, i, s.n), part))
            return true;
    return false;
}

int hy_products_json(struct hy_txn *t, struct hy_str text, struct hy_str after, size_t limit,
                     json_t *o)
{
    struct hy_product p = {.sku = after};
    json_t *list = json_array(), *one;
    int err = HY_OK;
    json_object_set_new(o, "products", list);
    json_object_set_new(o, "after", json_null());
    for (unsigned looked_at = 0; !err; looked_at++) {
        if (json_array_size(list) == limit || looked_at == LOOKED_AT_MAX) {
            json_object_set_new(o, "after", web_text_json(p.sku));
            break;
        }
        err = hy_product_next(t, p.sku, &p);
        if (err || (!has_part(p.name, text) && !has_part(p.sku, text)))
            continue;
        err = hy_product_json(&p, &one);
        if (!err)
            json_array_append_new(list, one);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}
