/* What the cells of orders mean: names of columns, words for states, amounts and times as shops
 * write them. */
#include <stdio.h>

#include "order_rows.h"

const struct hy_sheet_field hy_order_fields[FIELDS_ALL] = {
    [FIELD_ORDER] = {"order", "order orderid orderno ordernumber orderreference 注文番号 受注番号 "
                              "注文id 受注id 注文no オーダー番号 伝票番号 name&financialstatus"},
    [FIELD_EMAIL] = {"email", "email customeremail billingemail mail mailaddress emailaddress "
                              "メールアドレス 注文者メールアドレス 購入者メールアドレス eメール "
                              "メール 注文者email"},
    [FIELD_LEAD] = {"lead", "lead leadno leadnumber"},
    [FIELD_EXTERNAL] = {"external_id", "externalid"},
    [FIELD_CUSTOMER] = {"customer",
                        "customerid customer customerno memberid 会員id 顧客id 会員番号 "
                        "顧客番号 顧客コード 会員コード"},
    [FIELD_PHONE] = {"phone", "phone billingphone 電話番号 注文者電話番号"},
    [FIELD_AT] = {"at", "at orderedat orderdate createdat date placed 注文日時 受注日時 注文日 "
                        "受注日 購入日時 購入日"},
    [FIELD_CHANGED] = {"changed", "changed changedat updatedat lastmodified 更新日時 更新日"},
    [FIELD_CANCELLED] = {"cancelled", "cancelledat canceledat キャンセル日時 キャンセル日"},
    [FIELD_STATUS] = {"status", "status orderstatus financialstatus 対応状況 注文ステータス "
                                "受注ステータス ステータス 注文状況 処理状況"},
    [FIELD_AMOUNT] = {"amount",
                      "amount total ordertotal totalamount grandtotal totalprice 支払合計 "
                      "お支払い合計 支払い合計 注文合計 合計金額 注文金額 総合計 請求金額 "
                      "合計"},
    [FIELD_CURRENCY] = {"currency", "currency currencycode 通貨 通貨コード"},
    [FIELD_CART] = {"cart", "cart cartid carttoken カートid"},
    [FIELD_PRODUCT] = {"product",
                       "product sku productid productcode lineitemsku itemcode 商品コード "
                       "独自商品コード 商品番号 商品id 品番"},
    [FIELD_NAME] = {"name", "itemname productname lineitemname 商品名"},
    [FIELD_CATEGORY] = {"category", "category productcategory 商品カテゴリ カテゴリ カテゴリー"},
    [FIELD_QUANTITY] = {"quantity", "quantity qty lineitemquantity 数量 個数"},
    [FIELD_PRICE] = {"price", "price unitprice lineitemprice 単価 商品単価 販売価格"},
};

/* ---- words ---- */

static const struct {
    const char *words; /* in lower case, with | before and behind each */
    enum hy_purchase_state state;
} known[] = {
    {"|placed|open|paid|pending|authorized|partially paid|partially refunded|processing|on hold|"
     "completed|complete|shipped|delivered|fulfilled|unfulfilled|confirmed|新規受付|新規|対応中|"
     "入金待ち|入金済み|入金済|発送待ち|発送済み|発送済|出荷済み|配送済み|完了|取引完了|受注|"
     "注文確認|処理中|",
     HY_PURCHASE_PLACED},
    {"|cancelled|canceled|cancel|voided|void|failed|expired|キャンセル|キャンセル済み|取消|取消し|"
     "注文取消し|注文取消|注文キャンセル|",
     HY_PURCHASE_CANCELLED},
    {"|refunded|returned|refund|返品|返金|返金済み|返品済み|", HY_PURCHASE_REFUNDED},
    {"|draft|購入処理中|決済処理中|", 0},
};

/* Lower case, blanks for underscores and hyphens. */
static bool fold_word(struct hy_str word, char out[64])
{
    if (word.n + 3 > 64 || hy_str_find(word, '|', 0) != SIZE_MAX)
        return false;
    out[0] = '|';
    for (size_t i = 0; i < word.n; i++) {
        char c = hy_ascii_lower(word.p[i]);
        out[i + 1] = c == '_' || c == '-' ? ' ' : c;
    }
    out[word.n + 1] = '|';
    out[word.n + 2] = '\0';
    return true;
}

static bool read_state(const struct order_reading *g, struct hy_str word,
                       enum hy_purchase_state *ret, bool *ret_is_left_out)
{
    char folded[64];
    *ret = HY_PURCHASE_PLACED;
    if (word.n == 0)
        return true;
    for (size_t i = 0; i < g->n_words; i++) {
        if (!hy_str_ieq(g->words[i].word, word))
            continue;
        *ret = g->words[i].state;
        *ret_is_left_out = *ret == 0;
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known && fold_word(word, folded); i++) {
        if (!strstr(known[i].words, folded))
            continue;
        *ret = known[i].state;
        *ret_is_left_out = *ret == 0;
        return true;
    }
    return false;
}

/* ---- amounts ---- */

static struct hy_str without_sign(struct hy_str s)
{
    static const char *const before[] = {"¥", "￥", "\\", "$", "€", "£"};
    s = hy_str_trim(s);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct hy_str sign = hy_str_of(before[i]);
        if (hy_str_starts(s, sign))
            return hy_str_trim(hy_str_slice(s, sign.n, s.n));
    }
    if (hy_str_ends(s, HY_STR("円")))
        s = hy_str_trim(hy_str_slice(s, 0, s.n - HY_STR("円").n));
    return s;
}

int hy_money_read(struct hy_str text, int64_t *ret_milli)
{
    char digits[40];
    size_t n = 0, group = 0;
    bool is_grouped = false, is_behind = false;
    struct hy_str s = without_sign(text);
    if (s.n >= sizeof digits)
        return HY_EPARSE;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ',') {
            if (is_behind || group == 0 || group > 3 || (is_grouped && group != 3))
                return HY_EPARSE;
            is_grouped = true;
            group = 0;
            continue;
        }
        if (c == '.' && is_grouped && group != 3)
            return HY_EPARSE;
        is_behind = is_behind || c == '.';
        group += !is_behind;
        digits[n++] = c;
    }
    if (is_grouped && group != 3)
        return HY_EPARSE;
    return hy_decimal_read(hy_str_make(digits, n), ret_milli);
}

static const char money_reason[] =
    "no amount like 5000, 1,234.50 or ¥5,000, at most three digits behind the point";

static const char *read_money(struct hy_str cell, int64_t *ret)
{
    return cell.n && hy_money_read(cell, ret) != HY_OK ? money_reason : NULL;
}

static bool has_control(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static const char *check_text(struct hy_str cell, size_t max)
{
    return cell.n > max ? "too long" : has_control(cell) ? "control characters" : NULL;
}

/* ---- items ---- */

int hy_order_cells_item(const struct hy_str values[FIELDS_ALL], struct hy_order_item *ret,
                        bool *ret_is_any, enum order_field *ret_field, const char **ret_reason)
{
    struct hy_order_item x = {.product = values[FIELD_PRODUCT],
                              .name = values[FIELD_NAME],
                              .category = values[FIELD_CATEGORY],
                              .quantity_milli = 1000,
                              .price_milli = -1};
    static const struct {
        enum order_field field;
        size_t max;
    } texts[] = {{FIELD_PRODUCT, HY_PURCHASE_PRODUCT_MAX},
                 {FIELD_NAME, HY_PURCHASE_NAME_MAX},
                 {FIELD_CATEGORY, HY_PURCHASE_CATEGORY_MAX}};
    const char *reason = NULL;
    for (size_t i = 0; i < 3 && !reason; i++) {
        *ret_field = texts[i].field;
        reason = check_text(values[texts[i].field], texts[i].max);
    }
    if (!reason) {
        *ret_field = FIELD_QUANTITY;
        reason = read_money(values[FIELD_QUANTITY], &x.quantity_milli);
    }
    if (!reason) {
        *ret_field = FIELD_PRICE;
        reason = read_money(values[FIELD_PRICE], &x.price_milli);
    }
    *ret_reason = reason;
    if (reason)
        return HY_EINVAL;
    *ret = x;
    *ret_is_any = x.product.n || x.name.n || x.category.n || values[FIELD_QUANTITY].n ||
                  values[FIELD_PRICE].n;
    return HY_OK;
}

/* ---- orders ---- */

/* Whose it is: the first of these that the file says. */
static const char *read_who(const struct order_reading *g, const struct hy_str *values,
                            struct hy_arena *arena, struct hy_order_row *ret,
                            enum order_field *ret_field)
{
    static const struct {
        enum order_field field;
        enum hy_told_by by;
    } whos[] = {{FIELD_LEAD, HY_TOLD_LEAD},
                {FIELD_EMAIL, HY_TOLD_EMAIL},
                {FIELD_EXTERNAL, HY_TOLD_EXTERNAL},
                {FIELD_CUSTOMER, HY_TOLD_EXTERNAL},
                {FIELD_PHONE, HY_TOLD_PHONE}};
    char text[HY_TOLD_WHO_MAX + HY_ORDER_SYSTEM_MAX];
    uint64_t no = 0;
    for (size_t i = 0; i < sizeof whos / sizeof *whos; i++) {
        struct hy_str v = values[whos[i].field];
        *ret_field = whos[i].field;
        if (v.n == 0 || (whos[i].field == FIELD_CUSTOMER && g->system.n == 0))
            continue;
        if (v.n > HY_TOLD_WHO_MAX - HY_ORDER_SYSTEM_MAX - 1 || has_control(v))
            return "too long, or control characters";
        if (whos[i].field == FIELD_LEAD && (hy_str_to_u64(v, UINT32_MAX, &no) != HY_OK || no == 0))
            return "no number of a lead";
        int n = snprintf(text, sizeof text, "%.*s%s%.*s", HY_STR_ARG(g->system),
                         g->system.n ? ":" : "", HY_STR_ARG(v));
        ret->by = whos[i].by;
        ret->lead = (hy_lead_no)no;
        ret->who =
            hy_arena_str(arena, whos[i].field == FIELD_CUSTOMER ? hy_str_make(text, (size_t)n) : v);
        return NULL;
    }
    *ret_field = FIELD_EMAIL;
    return "it is not said whose the order is";
}

static const char *read_moment(const struct order_reading *g, struct hy_str cell, hy_wall_ms *ret)
{
    hy_wall_ms at = 0;
    if (cell.n == 0)
        return NULL;
    if (hy_zone_read_time(g->zone, cell, &at) != HY_OK || at <= 0)
        return "no time like 2026-12-01T09:00:00+09:00 or 2026-12-01 09:00";
    if (at > g->now + HY_TOLD_AHEAD_MS)
        return "more than ten minutes ahead";
    *ret = at;
    return NULL;
}

static const char *read_times(const struct order_reading *g, const struct hy_str *values,
                              struct hy_order_row *ret, enum order_field *ret_field)
{
    hy_wall_ms cancelled = 0;
    const char *reason =
        values[ *ret_field = FIELD_AT].n == 0 ? "it is not said when it was placed" : NULL;
    if (!reason)
        reason = read_moment(g, values[FIELD_AT], &ret->order.placed);
    if (!reason)
        reason = read_moment(g, values[ *ret_field = FIELD_CHANGED], &ret->changed);
    if (!reason)
        reason = read_moment(g, values[ *ret_field = FIELD_CANCELLED], &cancelled);
    if (!reason && cancelled && ret->order.state == HY_PURCHASE_PLACED)
        ret->order.state = HY_PURCHASE_CANCELLED;
    if (cancelled && !ret->changed)
        ret->changed = cancelled;
    return reason;
}

static const char *read_order(const struct order_reading *g, const struct hy_str *values,
                              struct hy_order_row *ret, enum order_field *ret_field)
{
    struct hy_order *o = &ret->order;
    o->id = values[ *ret_field = FIELD_ORDER];
    const char *reason = check_text(o->id, HY_PURCHASE_ID_MAX);
    if (!reason && !read_state(g, values[ *ret_field = FIELD_STATUS], &o->state, &ret->is_left_out))
        reason = "what does this word mean? --status WORD=placed, cancelled, refunded or skip";
    if (!reason)
        reason = read_times(g, values, ret, ret_field);
    if (!reason)
        reason = read_money(values[ *ret_field = FIELD_AMOUNT], &o->amount_milli);
    memcpy(o->currency, g->currency, sizeof o->currency);
    if (!reason && values[ *ret_field = FIELD_CURRENCY].n) {
        hy_currency_read(values[FIELD_CURRENCY], o->currency);
        reason = o->currency[0] ? NULL : "no currency like JPY";
    }
    if (!reason) {
        o->cart = values[ *ret_field = FIELD_CART];
        reason = check_text(o->cart, HY_PURCHASE_ID_MAX);
    }
    return reason;
}

static int copy_texts(struct hy_order *o, const struct hy_order_item *items, size_t n,
                      struct hy_arena *arena)
{
    struct hy_order_item *copy = hy_arena_alloc(arena, (n + 1) * sizeof *copy);
    o->id = hy_arena_str(arena, o->id);
    o->cart = hy_arena_str(arena, o->cart);
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = items[i];
        copy[i].product = hy_arena_str(arena, items[i].product);
        copy[i].name = hy_arena_str(arena, items[i].name);
        copy[i].category = hy_arena_str(arena, items[i].category);
        if (!copy[i].product.p || !copy[i].name.p || !copy[i].category.p)
            return HY_ENOMEM;
    }
    o->items = copy;
    o->n_items = n;
    return copy && o->id.p && o->cart.p ? HY_OK : HY_ENOMEM;
}

int hy_order_cells(const struct order_reading *g, const struct hy_str values[FIELDS_OF_ORDER],
                   const struct hy_order_item *items, size_t n_items, bool has_items,
                   struct hy_arena *arena, struct hy_order_row *ret, enum order_field *ret_field,
                   const char **ret_reason)
{
    struct hy_order *o = &ret->order;
    *o = (struct hy_order){.amount_milli = -1, .has_items = has_items};
    const char *reason = read_order(g, values, ret, ret_field);
    if (!reason)
        reason = read_who(g, values, arena, ret, ret_field);
    if (!reason && o->amount_milli < 0) {
        o->amount_milli = hy_order_items_amount(items, n_items);
        *ret_field = FIELD_AMOUNT;
        reason = o->amount_milli < 0 ? "neither the amount nor the prices of all items" : NULL;
    }
    *ret_reason = reason;
    if (reason)
        return HY_EINVAL;
    return ret->who.p || ret->by == HY_TOLD_LEAD ? copy_texts(o, items, n_items, arena) : HY_ENOMEM;
}
