/* How good people are as customers, and what they buy most. */
#include "hayauma/web/order_report.h"

#include <stdlib.h>

#include "hayauma/base/zone.h"
#include "hayauma/store/commerce.h"
#include "hayauma/store/label.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/list.h"
#include "hayauma/store/segments.h"
#include "hayauma/web/order_json.h"
#include "order_sales.h"

enum { CURRENCIES_MAX = 64, BEST_MAX = 20, LOOK_EVERY = 4096 };

/* A customer in one currency. */
struct buyer {
    struct hy_rfm rfm;
    uint8_t currency;
};

struct report {
    struct hy_txn *t;
    struct hy_lead_set set; /* kind 0: none */
    hy_list_no list;        /* 0: none */
    uint64_t members;       /* of set or list */
    bool has_members;
    hy_wall_ms from, to; /* of placing; 0: whenever */
    char wanted[4];      /* "": the currency with the most orders */
    struct {
        char name[4];
        uint64_t orders;
    } currencies[CURRENCIES_MAX];
    size_t n_currencies;
    uint64_t passed_over; /* orders in further currencies */
    struct buyer *buyers;
    size_t n, cap, first; /* `first` of the lead at hand */
    struct sales products, categories;
};

/* ---- whose orders ---- */

static int is_wanted(const struct report *r, hy_lead_no lead, bool *ret)
{
    struct hy_str address;
    hy_domain_no domain = 0;
    hy_lead_no kept = 0;
    int err = hy_lead_kept(r->t, lead, &kept);
    *ret = !err && kept == lead; /* else it is counted with the lead that it is a part of */
    if (err || !*ret)
        return err;
    if (r->set.kind)
        return hy_lead_set_has(r->t, r->set, lead, ret);
    if (!r->list)
        return HY_OK;
    err = hy_lead_address(r->t, lead, &address, &domain);
    if (!err)
        err = hy_list_has(r->t, r->list, domain, lead, ret);
    *ret = !err && *ret;
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int find_list(struct report *r, struct hy_str name, struct hy_diag *diag)
{
    struct hy_list_view info;
    int err = hy_list_find(r->t, name, &r->list);
    if (!err)
        err = hy_list_read(r->t, r->list, &info);
    r->members = err ? 0 : info.members;
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no list '%.100s'", name.p) : err;
}

static int find_segment(struct report *r, struct hy_str name, struct hy_diag *diag)
{
    hy_segment_no no;
    struct hy_segment segment;
    int err = hy_segment_find(r->t, name, &no);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no segment '%.100s': 'hayauma segment create' makes it",
                       name.p);
    if (!err)
        err = hy_segment_read(r->t, no, &segment);
    if (!err && segment.state != HY_SEGMENT_READY)
        return segment.state == HY_SEGMENT_BROKEN
                   ? hy_fail(diag, HY_EINVAL, "the segment '%.100s' is broken: %.200s", name.p,
                             "hayauma segment show")
                   : hy_fail(diag, HY_EBUSY, "the segment '%.100s' is still being built", name.p);
    r->set = hy_segment_set_of(err ? 0 : no);
    return err ? err : hy_lead_set_count(r->t, r->set, &r->members);
}

static int find_tag(struct report *r, struct hy_str name, struct hy_diag *diag)
{
    hy_label_no no;
    int err = hy_label_find(r->t, HY_LABEL_TAG, name, &no);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no tag '%.100s'", name.p);
    r->set = (struct hy_lead_set){.kind = HY_LEAD_SET_TAG, .no = err ? 0 : no};
    return err ? err : hy_lead_set_count(r->t, r->set, &r->members);
}

/* ---- what is asked for ---- */

enum { LIST, SEGMENT, TAG, FROM, TO, CURRENCY };

const char *const hy_order_report_fields[HY_ORDER_REPORT_FIELDS] = {
    [LIST] = "list", [SEGMENT] = "segment", [TAG] = "tag",
    [FROM] = "from", [TO] = "to",           [CURRENCY] = "currency"};

const char **hy_order_report_field(struct hy_order_report *w, size_t i)
{
    const char **const at[HY_ORDER_REPORT_FIELDS] = {
        [LIST] = &w->list, [SEGMENT] = &w->segment, [TAG] = &w->tag,
        [FROM] = &w->from, [TO] = &w->to,           [CURRENCY] = &w->currency};
    return at[i];
}

/* At most one of list, segment and tag. */
static int find_whose(struct report *r, const struct hy_order_report *w, const char **ret_field,
                      struct hy_diag *diag)
{
    const char *const names[] = {[LIST] = w->list, [SEGMENT] = w->segment, [TAG] = w->tag};
    int err = HY_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && !err; i++) {
        struct hy_str name = hy_str_of(names[i]);
        if (name.n == 0)
            continue;
        *ret_field = hy_order_report_fields[i];
        if (r->has_members)
            return hy_fail(diag, HY_EINVAL, "one of list, segment and tag, not several");
        r->has_members = true;
        err = i == LIST      ? find_list(r, name, diag)
              : i == SEGMENT ? find_segment(r, name, diag)
                             : find_tag(r, name, diag);
    }
    return err;
}

static int read_day(const char *text, const char *name, const struct hy_zone *zone, hy_wall_ms *ret,
                    const char **ret_field, struct hy_diag *diag)
{
    if (!text[0])
        return HY_OK;
    *ret_field = name;
    return hy_zone_read_time(zone, hy_str_of(text), ret) == HY_OK
               ? HY_OK
               : hy_fail(diag, HY_EINVAL, "%s: '%.60s' is no day like 2026-12-01 and no time", name,
                         text);
}

static int read_wish(struct report *r, const struct hy_order_report *w, const char **ret_field,
                     struct hy_diag *diag)
{
    struct hy_zone *zone = hy_zone_local();
    int err = zone ? find_whose(r, w, ret_field, diag) : HY_ENOMEM;
    if (!err)
        err = read_day(w->from, "from", zone, &r->from, ret_field, diag);
    if (!err)
        err = read_day(w->to, "to", zone, &r->to, ret_field, diag);
    hy_zone_free(zone);
    if (err)
        return err;
    hy_currency_read(hy_str_of(w->currency), r->wanted);
    if (!w->currency[0] || r->wanted[0])
        return HY_OK;
    *ret_field = "currency";
    return hy_fail(diag, HY_EINVAL, "'%.20s' is no currency like JPY", w->currency);
}

/* ---- the pass ---- */

/* HY_ENOTFOUND: there are too many. */
static int currency_no(struct report *r, const char *name, uint8_t *ret)
{
    size_t i = 0;
    while (i < r->n_currencies && strcmp(r->currencies[i].name, name) != 0)
        i++;
    if (i == CURRENCIES_MAX)
        return HY_ENOTFOUND;
    if (i == r->n_currencies)
        memcpy(r->currencies[r->n_currencies++].name, name, 4);
    *ret = (uint8_t)i;
    return HY_OK;
}

/* The lead at hand as a customer in a currency; NULL: out of memory. */
static struct hy_rfm *buyer_of(struct report *r, uint8_t currency)
{
    for (size_t i = r->first; i < r->n; i++)
        if (r->buyers[i].currency == currency)
            return &r->buyers[i].rfm;
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 1024;
        struct buyer *more = realloc(r->buyers, cap * sizeof *more);
        if (!more)
            return NULL;
        r->buyers = more;
        r->cap = cap;
    }
    r->buyers[r->n] = (struct buyer){.currency = currency};
    return &r->buyers[r->n++].rfm;
}

static int add_items(struct report *r, const struct hy_purchase *p)
{
    struct hy_order_item items[HY_PURCHASE_ITEMS_MAX];
    int err = hy_purchase_items(p, items);
    for (size_t i = 0; i < p->n_items && !err; i++) {
        const struct hy_order_item *x = &items[i];
        struct hy_str product = x->product.n ? x->product : x->name;
        if (product.n)
            err = sales_add(&r->products, product, x->name, p->currency, x);
        if (!err && x->category.n)
            err = sales_add(&r->categories, x->category, HY_STR(""), p->currency, x);
    }
    return err;
}

static int add_order(void *ctx, const struct hy_purchase *p)
{
    struct report *r = ctx;
    uint8_t currency = 0;
    if (p->state != HY_PURCHASE_PLACED || (r->from && p->placed < r->from) ||
        (r->to && p->placed >= r->to) || (r->wanted[0] && strcmp(r->wanted, p->currency) != 0))
        return HY_OK;
    if (currency_no(r, p->currency, &currency) != HY_OK) {
        r->passed_over++;
        return HY_OK;
    }
    struct hy_rfm *c = buyer_of(r, currency);
    if (!c)
        return HY_ENOMEM;
    r->currencies[currency].orders++;
    c->orders++;
    c->last = c->last > p->placed ? c->last : p->placed;
    if (__builtin_add_overflow(c->amount_milli, p->amount_milli, &c->amount_milli))
        c->amount_milli = INT64_MAX;
    return p->n_items ? add_items(r, p) : HY_OK;
}

static int walk(struct report *r, const struct hy_order_report *w)
{
    hy_lead_no lead = 0;
    int err = HY_OK;
    for (uint64_t looked = 1; !err && (err = hy_customer_next(r->t, lead, &lead)) == HY_OK;
         looked++) {
        bool is_in = false;
        if (looked % LOOK_EVERY == 0 && w->is_over(w->ctx))
            return HY_ECANCELED;
        err = is_wanted(r, lead, &is_in);
        r->first = r->n;
        if (!err && is_in)
            err = hy_purchase_each(r->t, lead, add_order, r);
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- what it says ---- */

/* The currency of the report; its buyers come to the front. */
static size_t choose(struct report *r, struct hy_rfm *all, char currency[4])
{
    size_t best = 0, n = 0;
    for (size_t i = 1; i < r->n_currencies; i++)
        if (r->currencies[i].orders > r->currencies[best].orders)
            best = i;
    memcpy(currency, r->n_currencies ? r->currencies[best].name : r->wanted, 4);
    for (size_t i = 0; i < r->n; i++)
        if (r->buyers[i].currency == best)
            all[n++] = r->buyers[i].rfm;
    return n;
}

struct sums {
    uint64_t orders, repeat, cells[HY_RFM_LEVELS][HY_RFM_LEVELS];
    int64_t amount, median;
};

static int compare_amounts(const void *x, const void *y)
{
    const struct hy_rfm *a = x, *b = y;
    return a->amount_milli < b->amount_milli ? -1 : a->amount_milli > b->amount_milli;
}

static void sum_up(struct hy_rfm *all, size_t n, const struct hy_rfm_cuts *cuts, struct sums *s)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t levels[3];
        hy_rfm_levels(cuts, &all[i], levels);
        s->cells[levels[0] - 1][levels[1] - 1]++;
        s->orders += all[i].orders;
        s->repeat += all[i].orders > 1;
        if (__builtin_add_overflow(s->amount, all[i].amount_milli, &s->amount))
            s->amount = INT64_MAX;
    }
    qsort(all, n, sizeof *all, compare_amounts);
    if (n)
        s->median = n % 2 ? all[n / 2].amount_milli
                          : all[n / 2 - 1].amount_milli +
                                (all[n / 2].amount_milli - all[n / 2 - 1].amount_milli) / 2;
}

static void tell_rfm(const struct sums *s, const struct hy_rfm_cuts *cuts, size_t n, json_t *o)
{
    json_t *recency = json_array(), *frequency = json_array(), *monetary = json_array(),
           *rows = json_array();
    for (size_t i = 0; i + 1 < HY_RFM_LEVELS && n; i++) {
        json_array_append_new(recency, hy_order_time_json(cuts->recency[i]));
        json_array_append_new(frequency, json_integer(cuts->frequency[i]));
        json_array_append_new(monetary, hy_money_json(cuts->monetary[i]));
    }
    for (size_t i = 0; i < HY_RFM_LEVELS; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < HY_RFM_LEVELS; k++)
            json_array_append_new(row, json_integer((json_int_t)s->cells[i][k]));
        json_array_append_new(rows, row);
    }
    json_object_set_new(o, "cuts",
                        json_pack("{s:o, s:o, s:o}", "recency", recency, "frequency", frequency,
                                  "monetary", monetary));
    json_object_set_new(o, "recency_by_frequency", rows);
}

static int tell(struct report *r, json_t *o)
{
    struct hy_rfm *all = malloc((r->n + 1) * sizeof *all);
    struct hy_rfm_cuts cuts;
    struct sums s = {.orders = 0};
    char currency[4] = "";
    if (!all)
        return HY_ENOMEM;
    size_t n = choose(r, all, currency);
    hy_rfm_cut(all, n, &cuts);
    sum_up(all, n, &cuts, &s);
    free(all);
    json_object_set_new(o, "from", hy_order_time_json(r->from));
    json_object_set_new(o, "to", hy_order_time_json(r->to));
    json_object_set_new(o, "currency", json_string(currency));
    json_object_set_new(o, "members",
                        r->has_members ? json_integer((json_int_t)r->members) : json_null());
    json_object_set_new(o, "customers", json_integer((json_int_t)n));
    json_object_set_new(o, "orders", json_integer((json_int_t)s.orders));
    json_object_set_new(o, "repeat_customers", json_integer((json_int_t)s.repeat));
    json_object_set_new(o, "repeat_rate", json_real(n ? (double)s.repeat / (double)n : 0));
    json_object_set_new(o, "amount", hy_money_json(s.amount));
    json_object_set_new(o, "average_order",
                        json_real(s.orders ? (double)s.amount / 1000 / (double)s.orders : 0));
    json_object_set_new(o, "value", json_real(n ? (double)s.amount / 1000 / (double)n : 0));
    json_object_set_new(o, "median_value", hy_money_json(s.median));
    tell_rfm(&s, &cuts, n, o);
    json_object_set_new(o, "products", sales_top(&r->products, currency, BEST_MAX));
    json_object_set_new(o, "categories", sales_top(&r->categories, currency, BEST_MAX));
    return HY_OK;
}

int hy_order_report_json(struct hy_txn *t, const struct hy_order_report *w, json_t *o,
                         const char **ret_field, struct hy_diag *diag)
{
    struct report *r = calloc(1, sizeof *r);
    if (!r)
        return HY_ENOMEM;
    r->t = t;
    int err = read_wish(r, w, ret_field, diag);
    if (!err)
        err = walk(r, w);
    if (!err)
        err = tell(r, o);
    sales_free(&r->products);
    sales_free(&r->categories);
    free(r->buyers);
    free(r);
    return err;
}
