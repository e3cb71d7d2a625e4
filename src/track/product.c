/* What the fields of products mean: names of columns, prices and stock as shops write them. */
#include "hayauma/track/product.h"

#include <inttypes.h>
#include <stdio.h>

#include "hayauma/mail/escape.h"
#include "hayauma/track/order_rows.h"

const struct hy_sheet_field hy_product_fields[HY_PRODUCT_COLUMNS] = {
    [HY_PRODUCT_SKU] = {"sku", "sku variantsku productcode itemcode 独自商品コード 商品コード "
                               "商品番号 品番 productid product 商品id"},
    [HY_PRODUCT_NAME] = {"name", "name title productname itemname 商品名"},
    [HY_PRODUCT_CATEGORY] = {"category", "category productcategory producttype type 商品カテゴリ名 "
                                         "商品カテゴリ名称 商品カテゴリ カテゴリ カテゴリー"},
    [HY_PRODUCT_PRICE] = {"price", "price variantprice saleprice unitprice 販売価格 価格 単価 "
                                   "商品単価 通常価格"},
    [HY_PRODUCT_CURRENCY] = {"currency", "currency currencycode 通貨 通貨コード"},
    [HY_PRODUCT_URL] = {"url", "url producturl link 商品url 商品ページurl"},
    [HY_PRODUCT_IMAGE] = {"image", "image imageurl imagelink imagesrc variantimage 画像url "
                                   "商品画像url"},
    [HY_PRODUCT_STOCK] = {"stock", "stock availability inventory quantity variantinventoryqty "
                                   "在庫数 在庫 数量"},
    [HY_PRODUCT_HANDLE] = {"handle", "handle"},
};

/* ---- texts ---- */

static bool has_control(struct hy_str s)
{
    for (size_t at = 0; at < s.n;) {
        uint32_t c = hy_utf8_next(s, &at);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            return true;
    }
    return false;
}

static const char *take_text(struct hy_str text, size_t max, struct hy_str *ret)
{
    if (text.n > max)
        return "the value is too long";
    if (!hy_str_is_utf8(text) || has_control(text))
        return "the value has control characters, or is no text";
    *ret = text;
    return NULL;
}

static const char *take_url(struct hy_str text, struct hy_str *ret)
{
    if (text.n && !hy_url_is_http(text))
        return "no URL that begins with http:// or https://";
    if (hy_str_find(text, ' ', 0) != SIZE_MAX)
        return "a URL has no blanks";
    return take_text(text, HY_PRODUCT_URL_MAX, ret);
}

/* ---- stock ---- */

static const struct {
    struct hy_str word;
    enum hy_product_stock stock;
} words[] = {
    {HY_STR("in"), HY_STOCK_IN},
    {HY_STR("in stock"), HY_STOCK_IN},
    {HY_STR("in_stock"), HY_STOCK_IN},
    {HY_STR("instock"), HY_STOCK_IN},
    {HY_STR("available"), HY_STOCK_IN},
    {HY_STR("在庫あり"), HY_STOCK_IN},
    {HY_STR("あり"), HY_STOCK_IN},
    {HY_STR("無制限"), HY_STOCK_IN},
    {HY_STR("out"), HY_STOCK_OUT},
    {HY_STR("out of stock"), HY_STOCK_OUT},
    {HY_STR("out_of_stock"), HY_STOCK_OUT},
    {HY_STR("outofstock"), HY_STOCK_OUT},
    {HY_STR("sold out"), HY_STOCK_OUT},
    {HY_STR("在庫なし"), HY_STOCK_OUT},
    {HY_STR("なし"), HY_STOCK_OUT},
    {HY_STR("売り切れ"), HY_STOCK_OUT},
    {HY_STR("品切れ"), HY_STOCK_OUT},
};

static const char *take_stock(struct hy_str text, struct hy_product *p)
{
    static const uint64_t most = 1000000000000;
    /* "-3": sold more than there were */
    bool is_owed = text.n > 1 && text.p[0] == '-';
    uint64_t n = 0;
    p->quantity = 0;
    p->stock = HY_STOCK_UNSAID;
    if (text.n == 0)
        return NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!hy_str_ieq(text, words[i].word))
            continue;
        p->stock = words[i].stock;
        return NULL;
    }
    if (hy_str_to_u64(hy_str_slice(text, is_owed, text.n), most, &n) != HY_OK)
        return "the stock is in, out, or a whole number";
    p->quantity = is_owed ? 0 : n;
    p->stock = p->quantity ? HY_STOCK_COUNTED : HY_STOCK_OUT;
    return NULL;
}

const char *hy_product_stock_text(const struct hy_product *p, char out[HY_DECIMAL_MAX])
{
    if (p->stock == HY_STOCK_COUNTED)
        snprintf(out, HY_DECIMAL_MAX, "%" PRIu64, p->quantity);
    else
        snprintf(out, HY_DECIMAL_MAX, "%s",
                 p->stock == HY_STOCK_IN    ? "in"
                 : p->stock == HY_STOCK_OUT ? "out"
                                            : "");
    return out;
}

/* ---- all of them ---- */

static const char *take_price(struct hy_str text, struct hy_product *p)
{
    p->price_milli = -1;
    return text.n && hy_money_read(text, &p->price_milli) != HY_OK
               ? "no amount like 5000, 1,234.50 or ¥5,000, at most three digits behind the point"
               : NULL;
}

static const char *take_currency(struct hy_str text, struct hy_product *p)
{
    hy_currency_read(text, p->currency);
    return text.n && !p->currency[0] ? "no currency like JPY" : NULL;
}

const char *hy_product_take(struct hy_product_told *x, enum hy_product_field field,
                            struct hy_str text)
{
    struct hy_product *p = &x->p;
    const char *reason = NULL;
    switch (field) {
    case HY_PRODUCT_SKU:
        reason = text.n ? take_text(text, HY_PURCHASE_PRODUCT_MAX, &p->sku) : "there is no SKU";
        break;
    case HY_PRODUCT_NAME:
        reason = take_text(text, HY_PURCHASE_NAME_MAX, &p->name);
        break;
    case HY_PRODUCT_CATEGORY:
        reason = take_text(text, HY_PURCHASE_CATEGORY_MAX, &p->category);
        break;
    case HY_PRODUCT_PRICE:
        reason = take_price(text, p);
        break;
    case HY_PRODUCT_CURRENCY:
        reason = take_currency(text, p);
        break;
    case HY_PRODUCT_URL:
        reason = take_url(text, &p->url);
        break;
    case HY_PRODUCT_IMAGE:
        reason = take_url(text, &p->image);
        break;
    case HY_PRODUCT_STOCK:
        reason = take_stock(text, p);
        break;
    default:
        return "there is no such field";
    }
    if (!reason)
        x->said |= 1u << field;
    return reason;
}
