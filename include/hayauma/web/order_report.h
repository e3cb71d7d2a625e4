/* How good people are as customers, of all or of a segment, a list or a tag, and what they buy
 * most. docs/guides/commerce.md says what people see. */
#pragma once
#include <jansson.h>

#include "hayauma/base/err.h"
#include "hayauma/store/env.h"

struct hy_order_report {
    const char *list, *segment, *tag; /* one of them at most; "": none */
    const char *from, *to;            /* of placing: days or times; "": whenever */
    const char *currency;             /* "": the one with the most orders */
    bool (*is_over)(void *ctx);       /* asked now and then: it ends with HY_ECANCELED */
    void *ctx;
};
/* The members that a wish has by their names: "list", "segment", "tag", "from", "to", "currency".
 */
enum { HY_ORDER_REPORT_FIELDS = 6 };
extern const char *const hy_order_report_fields[HY_ORDER_REPORT_FIELDS];
const char **hy_order_report_field(struct hy_order_report *w, size_t i);

/* Fills `o`: what `order.report` of docs/internals/control.md answers. One pass over all who ever
 * ordered, on one snapshot; each order is read once: 100 bytes a customer and currency meanwhile,
 * for a thread that may take long. HY_EINVAL, HY_ENOTFOUND, HY_EBUSY (the segment is being built):
 * *ret_field is the member at fault, `diag` says why; HY_ECANCELED, HY_ENOMEM, HY_ECORRUPT. */
HY_MUST_USE int hy_order_report_json(struct hy_txn *t, const struct hy_order_report *w, json_t *o,
                                     const char **ret_field, struct hy_diag *diag);
