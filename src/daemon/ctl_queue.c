/* queue: what is pending, by campaign and domain. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/store/lead.h"
#include "hayauma/store/queue.h"

struct rows {
    struct hy_queue_count *items; /* the largest, in no order until the end */
    hy_id *campaigns;
    size_t n, most;
    uint64_t total_domains, total_pending;
};

static uint64_t pending(const struct hy_queue_count *n)
{
    return n->by_state[HY_RCPT_FRESH] + n->by_state[HY_RCPT_DEFERRED] + n->by_state[HY_RCPT_HELD];
}

/* Keeps the `most` domains with the most pending rows: the smallest of those kept goes. */
static void keep(struct rows *r, hy_id campaign, const struct hy_queue_count *n)
{
    uint64_t p = pending(n);
    if (p == 0)
        return;
    r->total_domains++;
    r->total_pending += p;
    size_t at = r->n;
    if (r->n < r->most) {
        r->n++;
    } else {
        at = 0;
        for (size_t i = 1; i < r->n; i++) {
            if (pending(&r->items[i]) < pending(&r->items[at]))
                at = i;
        }
        if (pending(&r->items[at]) >= p)
            return;
    }
    r->items[at] = *n;
    r->campaigns[at] = campaign;
}

static int count_campaign(struct hy_txn *t, hy_id campaign, struct rows *r)
{
    struct hy_queue_count n = {0};
    int err;
    while ((err = hy_queue_count(t, campaign, n.domain, &n)) == HY_OK)
        keep(r, campaign, &n);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static json_t *row_json(struct hy_txn *t, hy_id campaign, const struct hy_queue_count *n)
{
    char id[HY_ID_TEXT_MAX], time[32];
    struct hy_str domain = HY_STR("?");
    if (hy_domain_name(t, n->domain, &domain) != HY_OK)
        domain = HY_STR("?");
    json_t *o = json_object();
    json_object_set_new(o, "campaign", json_string(hy_id_format(campaign, id)));
    json_object_set_new(o, "domain", json_stringn(domain.p, domain.n));
    for (int s = 0; s < HY_RCPT_STATES; s++)
        json_object_set_new(o, hy_rcpt_state_name((enum hy_rcpt_state)s),
                            json_integer((json_int_t)n->by_state[s]));
    json_object_set_new(o, "next_due",
                        n->next_due_s
                            ? json_string(hy_wall_format((hy_wall_ms)n->next_due_s * 1000, time))
                            : json_null());
    return o;
}

static json_t *rows_json(struct hy_txn *t, struct rows *r)
{
    json_t *list = json_array();
    while (r->n) { /* the largest first */
        size_t best = 0;
        for (size_t i = 1; i < r->n; i++) {
            if (pending(&r->items[i]) > pending(&r->items[best]))
                best = i;
        }
        json_array_append_new(list, row_json(t, r->campaigns[best], &r->items[best]));
        r->n--;
        r->items[best] = r->items[r->n];
        r->campaigns[best] = r->campaigns[r->n];
    }
    json_t *o = json_object();
    json_object_set_new(o, "rows", list);
    json_object_set_new(o, "domains", json_integer((json_int_t)r->total_domains));
    json_object_set_new(o, "pending", json_integer((json_int_t)r->total_pending));
    return o;
}

static int count_all(struct hy_txn *t, struct rows *r)
{
    struct hy_campaign c;
    hy_id after = 0;
    int err;
    while ((err = hy_campaign_next(t, after, &c)) == HY_OK) {
        after = c.id;
        if (c.state != HY_CAMPAIGN_DRAFT && c.state != HY_CAMPAIGN_DONE)
            err = count_campaign(t, c.id, r);
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static void queue(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct hy_txn t = {0};
    int64_t limit = 50;
    hy_id only = 0;
    struct rows r = {0};
    json_t *o = NULL;
    int err = hy_control_arg_int(hy_control_args(call), "limit", 50, 1, 1000, &diag, &limit);
    if (err == HY_OK && json_object_get(hy_control_args(call), "campaign"))
        err = ctl_campaign_arg(d, call, &only, &diag);
    r.most = (size_t)limit;
    r.items = calloc(r.most, sizeof *r.items);
    r.campaigns = calloc(r.most, sizeof *r.campaigns);
    if (err == HY_OK && (!r.items || !r.campaigns))
        err = HY_ENOMEM;
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = only ? count_campaign(&t, only, &r) : count_all(&t, &r);
    if (err == HY_OK)
        o = rows_json(&t, &r);
    hy_txn_end(&t);
    free(r.items);
    free(r.campaigns);
    if (err == HY_OK)
        hy_control_finish(call, o);
    else
        hy_control_fail_diag(call, err, &diag);
}

const struct hy_control_command ctl_queue_commands[] = {
    {"queue", 0, 0, queue},
    {NULL, 0, 0, NULL},
};
