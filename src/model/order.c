/* Orders as they are told: states by name, amounts as decimal text. */
#include "hayauma/model/order.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const states[] = {"", "placed", "cancelled", "refunded"};

const char *hy_purchase_state_name(enum hy_purchase_state s)
{
    return s >= HY_PURCHASE_PLACED && s <= HY_PURCHASE_REFUNDED ? states[s] : "?";
}

int64_t hy_order_items_amount(const struct hy_order_item *items, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t product;
        if (items[i].price_milli < 0 ||
            __builtin_mul_overflow(items[i].price_milli, items[i].quantity_milli, &product) ||
            __builtin_add_overflow(sum, product / 1000, &sum) || sum > HY_PURCHASE_AMOUNT_MAX)
            return -1;
    }
    return n ? sum : -1;
}

int hy_decimal_read(struct hy_str text, int64_t *ret_milli)
{
    int64_t v = 0;
    int digits = 0, behind = -1;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' && behind < 0 && digits > 0) {
            behind = 0;
            continue;
        }
        if (c < '0' || c > '9')
            return HY_EPARSE;
        digits++;
        if (behind >= 3 && c != '0')
            return HY_EINVAL;
        if (behind >= 3)
            continue;
        if (v > HY_PURCHASE_AMOUNT_MAX / 10)
            return HY_ELIMIT;
        v = v * 10 + (c - '0');
        behind += behind >= 0;
    }
    if (digits == 0 || behind == 0)
        return HY_EPARSE;
    for (behind = behind < 0 ? 0 : behind; behind < 3; behind++) {
        if (v > HY_PURCHASE_AMOUNT_MAX / 10)
            return HY_ELIMIT;
        v *= 10;
    }
    if (v > HY_PURCHASE_AMOUNT_MAX)
        return HY_ELIMIT;
    *ret_milli = v;
    return HY_OK;
}

const char *hy_decimal_text(int64_t milli, char out[HY_DECIMAL_MAX])
{
    uint64_t v = milli < 0 ? 0 - (uint64_t)milli : (uint64_t)milli;
    int n = snprintf(out, HY_DECIMAL_MAX, "%s%" PRIu64 ".%03u", milli < 0 ? "-" : "", v / 1000,
                     (unsigned)(v % 1000));
    while (out[n - 1] == '0')
        n--;
    n -= out[n - 1] == '.';
    out[n] = '\0';
    return out;
}

void hy_currency_read(struct hy_str text, char ret[4])
{
    memset(ret, 0, 4);
    for (size_t i = 0; i < 3 && text.n == 3; i++) {
        char c = hy_ascii_lower(text.p[i]);
        if (c < 'a' || c > 'z') {
            memset(ret, 0, 4);
            return;
        }
        ret[i] = (char)(c - 32);
    }
}
