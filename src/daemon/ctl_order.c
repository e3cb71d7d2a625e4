/* order.show, order.report: what people bought, and how good they are as customers. On threads of
 * their own: a report goes through all who ever ordered. */
#include <math.h>
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/store/commerce.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/store/list.h"

enum { CURRENCIES_MAX = 64, SHOWN_MAX = 1000 };

static json_t *time_json(hy_wall_ms at)
{
    char text[32];
    return at ? json_string(hy_wall_format(at, text)) : json_null();
}

static json_t *money(int64_t milli)
{
    return milli % 1000 ? json_real((double)milli / 1000) : json_integer(milli / 1000);
}

/* ---- one person ---- */

static int add_purchase(void *ctx, const struct hy_purchase *p)
{
    json_t *o = json_pack("{s:o, s:s, s:s, s:o, s:o, s:o}", "order", ctl_text_json(p->order),
                          "status", hy_purchase_state_name(p->state), "currency", p->currency,
                          "amount", money(p->amount_milli), "placed", time_json(p->placed),
                          "changed", time_json(p->changed));
    json_array_append_new(ctx, o);
    return json_array_size(ctx) >= SHOWN_MAX;
}

static int tell_customer(struct ctl_task *k, struct hy_txn *t, json_t *o, struct hy_diag *diag)
{
    const char *which = "";
    struct hy_customer c;
    hy_lead_no lead = 0;
    json_t *orders = json_array(), *sums = json_array();
    json_object_set_new(o, "orders", orders);
    json_object_set_new(o, "values", sums);
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_lead_resolve(t, hy_str_of(which), &lead, diag);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no lead '%.200s'", which);
    if (!err)
        err = hy_customer_read(t, lead, &c);
    if (!err)
        err = hy_purchase_each(t, lead, add_purchase, orders);
    if (err < 0)
        return err;
    for (size_t i = 0; i < c.n_sums; i++)
        json_array_append_new(sums, json_pack("{s:s, s:I, s:o}", "currency", c.sums[i].currency,
                                              "orders", (json_int_t)c.sums[i].orders, "amount",
                                              money(c.sums[i].amount_milli)));
    json_object_set_new(o, "lead", json_integer(lead));
    ctl_set_count(o, "placed", c.orders);
    ctl_set_count(o, "cancelled", c.cancelled);
    ctl_set_count(o, "refunded", c.refunded);
    json_object_set_new(o, "first", time_json(c.first));
    json_object_set_new(o, "last", time_json(c.last));
    return HY_OK;
}

/* ---- all of them ---- */

struct report {
    struct hy_txn *t;
    hy_list_no list; /* 0: everybody */
    char currency[4];
    struct {
        char name[4];
        uint64_t orders;
    } seen[CURRENCIES_MAX];
    size_t n_seen;
    struct hy_rfm *all;
    size_t n, cap;
};

static bool is_wanted(const struct report *r, hy_lead_no lead)
{
    struct hy_str address;
    hy_domain_no domain = 0;
    hy_lead_no kept = 0;
    bool is_in = r->list == 0;
    if (hy_lead_kept(r->t, lead, &kept) != 0 || kept != lead)
        return false; /* it is counted with the lead that it is a part of */
    if (!is_in && hy_lead_address(r->t, lead, &address, &domain) == 0 &&
        hy_list_has(r->t, r->list, domain, lead, &is_in) != 0)
        is_in = false;
    return is_in;
}

static void see(struct report *r, const struct hy_customer *c)
{
    for (size_t k = 0; k < c->n_sums; k++) {
        size_t i = 0;
        while (i < r->n_seen && strcmp(r->seen[i].name, c->sums[k].currency) != 0)
            i++;
        if (i == CURRENCIES_MAX)
            continue;
        if (i == r->n_seen)
            memcpy(r->seen[r->n_seen++].name, c->sums[k].currency, 4);
        r->seen[i].orders += c->sums[k].orders;
    }
}

static int take(struct report *r, const struct hy_customer *c)
{
    for (size_t k = 0; k < c->n_sums; k++) {
        if (strcmp(c->sums[k].currency, r->currency) != 0)
            continue;
        if (r->n == r->cap) {
            size_t cap = r->cap ? 2 * r->cap : 1024;
            struct hy_rfm *more = realloc(r->all, cap * sizeof *more);
            if (!more)
                return HY_ENOMEM;
            r->all = more;
            r->cap = cap;
        }
        r->all[r->n++] = (struct hy_rfm){c->last, c->sums[k].orders, c->sums[k].amount_milli};
    }
    return HY_OK;
}

/* Each customer once: for which currencies there are, or for those of one. */
static int walk(struct report *r, bool is_taking)
{
    hy_lead_no lead = 0;
    struct hy_customer c;
    int err;
    while ((err = hy_customer_next(r->t, lead, &lead)) == HY_OK) {
        hy_lead_no kept = 0;
        err = hy_lead_kept(r->t, lead, &kept);
        if (!err && is_wanted(r, lead)) {
            err = hy_customer_read(r->t, lead, &c);
            if (!err && is_taking)
                err = take(r, &c);
            else if (!err)
                see(r, &c);
        }
        if (err)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static void choose_currency(struct report *r)
{
    uint64_t most = 0;
    for (size_t i = 0; i < r->n_seen; i++) {
        if (r->seen[i].orders <= most)
            continue;
        most = r->seen[i].orders;
        memcpy(r->currency, r->seen[i].name, sizeof r->currency);
    }
}

static void tell(const struct report *r, json_t *o)
{
    struct hy_rfm_cuts cuts;
    uint64_t cells[HY_RFM_LEVELS][HY_RFM_LEVELS] = {{0}}, orders = 0, repeat = 0;
    int64_t amount = 0;
    json_t *recency = json_array(), *frequency = json_array(), *monetary = json_array(),
           *rows = json_array();
    hy_rfm_cut(r->all, r->n, &cuts);
    for (size_t i = 0; i < r->n; i++) {
        uint8_t levels[3];
        hy_rfm_levels(&cuts, &r->all[i], levels);
        cells[levels[0] - 1][levels[1] - 1]++;
        orders += r->all[i].orders;
        repeat += r->all[i].orders > 1;
        amount += r->all[i].amount_milli;
    }
    for (size_t i = 0; i + 1 < HY_RFM_LEVELS && r->n; i++) {
        json_array_append_new(recency, time_json(cuts.recency[i]));
        json_array_append_new(frequency, json_integer(cuts.frequency[i]));
        json_array_append_new(monetary, money(cuts.monetary[i]));
    }
    for (size_t i = 0; i < HY_RFM_LEVELS; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < HY_RFM_LEVELS; k++)
            json_array_append_new(row, json_integer((json_int_t)cells[i][k]));
        json_array_append_new(rows, row);
    }
    json_object_set_new(o, "currency", json_string(r->currency));
    ctl_set_count(o, "customers", r->n);
    ctl_set_count(o, "orders", orders);
    ctl_set_count(o, "repeat_customers", repeat);
    json_object_set_new(o, "repeat_rate", json_real(r->n ? (double)repeat / (double)r->n : 0));
    json_object_set_new(o, "amount", money(amount));
    json_object_set_new(o, "value", json_real(r->n ? (double)amount / 1000 / (double)r->n : 0));
    json_object_set_new(o, "cuts",
                        json_pack("{s:o, s:o, s:o}", "recency", recency, "frequency", frequency,
                                  "monetary", monetary));
    json_object_set_new(o, "recency_by_frequency", rows);
}

static int tell_all(struct ctl_task *k, struct hy_txn *t, json_t *o, struct hy_diag *diag)
{
    const json_t *args = k->args;
    struct report *r = calloc(1, sizeof *r);
    const char *list = "", *currency = "";
    int err = r ? hy_control_arg_string(args, "list", "", diag, &list) : HY_ENOMEM;
    if (!err)
        err = hy_control_arg_string(args, "currency", "", diag, &currency);
    if (!err && list[0] && hy_list_find(t, hy_str_of(list), &r->list) != 0)
        err = hy_fail(diag, HY_ENOTFOUND, "there is no list '%.100s'", list);
    if (!err && currency[0] && strlen(currency) != 3)
        err = hy_fail(diag, HY_EINVAL, "'%.20s' is no currency like JPY", currency);
    if (!err) {
        r->t = t;
        memcpy(r->currency, currency, strlen(currency));
        err = currency[0] ? HY_OK : walk(r, false);
    }
    if (!err && !currency[0])
        choose_currency(r);
    if (!err)
        err = walk(r, true);
    if (!err)
        tell(r, o);
    if (r)
        free(r->all);
    free(r);
    return err;
}

/* ---- the table ---- */

static int look(struct ctl_task *k, json_t *o, struct hy_diag *diag,
                int (*tell_it)(struct ctl_task *k, struct hy_txn *t, json_t *o,
                               struct hy_diag *diag))
{
    struct hy_txn t = {0};
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = tell_it(k, &t, o, diag);
    hy_txn_end(&t);
    return err;
}

static int run_show(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    return look(k, o, diag, tell_customer);
}

static int run_report(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    return look(k, o, diag, tell_all);
}

static void show(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void report(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_WHOLE, run_report);
}

const struct hy_control_command ctl_order_commands[] = {
    {"order.show", 0, 0, show},
    {"order.report", 0, 0, report},
    {NULL, 0, 0, NULL},
};
