/* top: one look at everything that moves: counters, the busiest lanes, campaigns being sent. The
 * store is read here, lanes by orders to the workers, which answer. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/deliver/meter.h"

struct look {
    struct hy_control_call *call;
    json_t *result;
};

static json_t *counters_json(struct hy_daemon *d)
{
    const struct hy_deliver_counters *c = hy_deliver_counters_of(d->deliver);
    struct hy_deliver_sum *s = malloc(sizeof *s);
    json_t *o = json_object();
    if (!s)
        return o;
    hy_deliver_meter_read(d->deliver, s);
    ctl_set_count(o, "delivered", atomic_load(&c->delivered));
    ctl_set_count(o, "deferred", atomic_load(&c->deferred));
    ctl_set_count(o, "bounced", atomic_load(&c->bounced));
    ctl_set_count(o, "bytes_sent", atomic_load(&c->bytes_sent));
    ctl_set_count(o, "open_domains", atomic_load(&c->domains_open));
    ctl_set_count(o, "connections", s->connections);
    ctl_set_count(o, "connections_max", d->config->delivery.max_connections);
    ctl_set_count(o, "in_hand", s->in_hand);
    ctl_set_count(o, "in_doubt", s->in_doubt);
    ctl_set_count(o, "press_waiting", s->press_waiting);
    struct hy_writer_lag lag = hy_writer_lag(d->writer);
    ctl_set_count(o, "writer_waiting", lag.queued);
    ctl_set_count(o, "writer_lag_us", (uint64_t)lag.oldest_us);
    json_object_set_new(o, "store", json_string(hy_env_state_name(hy_env_state(d->env))));
    ctl_set_count(o, "cpu_us", (uint64_t)hy_clock_cpu_us());
    free(s);
    return o;
}

/* The newest `most` campaigns being sent, the oldest of them first; and what waits in all. */
static int read_campaigns(struct hy_daemon *d, size_t most, json_t *o)
{
    struct hy_txn t = {0};
    struct hy_campaign c;
    struct hy_campaign_progress p;
    hy_id after = 0;
    uint64_t pending[HY_RCPT_DELIVERED] = {0};
    json_t *list = json_array();
    json_object_set_new(o, "campaigns", list);
    int err = hy_txn_read(d->env, &t);
    while (err == HY_OK && (err = hy_campaign_next(&t, after, &c)) == HY_OK) {
        after = c.id;
        if (c.state == HY_CAMPAIGN_DRAFT || c.state == HY_CAMPAIGN_DONE)
            continue;
        err = hy_campaign_progress(&t, c.id, &p);
        for (unsigned i = 0; err == HY_OK && i < HY_RCPT_DELIVERED; i++)
            pending[i] += p.ledger.by_state[i];
        if (err == HY_OK && hy_campaign_sends(c.state))
            json_array_append_new(list, ctl_campaign_json(d, &c, &p));
        if (json_array_size(list) > most)
            json_array_remove(list, 0);
    }
    hy_txn_end(&t);
    for (unsigned i = 0; i < HY_RCPT_DELIVERED; i++)
        ctl_set_count(o, hy_rcpt_state_name((enum hy_rcpt_state)i), pending[i]);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* A worker's thread. */
static void on_lanes(void *ctx, const struct hy_lane_report *lanes, size_t n,
                     const struct hy_lanes_sum *all)
{
    struct look *l = ctx;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, ctl_lane_json(&lanes[i]));
    json_object_set_new(l->result, "sites", list);
    ctl_set_count(l->result, "lanes", all->lanes);
    ctl_set_count(l->result, "lanes_suspended", all->suspended);
    hy_control_finish(l->call, l->result);
    free(l);
}

static void top(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    int64_t limit = 50, campaigns = 10;
    struct look *l = calloc(1, sizeof *l);
    json_t *o = json_object();
    char text[32];
    int err = l && o ? HY_OK : HY_ENOMEM;
    if (err == HY_OK)
        err = hy_control_arg_int(hy_control_args(call), "limit", 50, 1, 1000, &diag, &limit);
    if (err == HY_OK)
        err = hy_control_arg_int(hy_control_args(call), "campaigns", 10, 0, 100, &diag, &campaigns);
    if (err == HY_OK)
        err = read_campaigns(d, (size_t)campaigns, o);
    if (err == HY_OK) {
        json_object_set_new(o, "hostname", json_string(d->config->node.hostname));
        json_object_set_new(o, "time", json_string(hy_wall_format(hy_clock_wall_ms(), text)));
        ctl_set_count(o, "uptime_s", (uint64_t)(hy_clock_wall_ms() - d->started) / 1000);
        json_object_set_new(o, "counters", counters_json(d));
        *l = (struct look){call, o};
        err = hy_deliver_lanes(d->deliver, (size_t)limit, on_lanes, l);
    }
    if (err == HY_OK)
        return;
    json_decref(o);
    free(l);
    hy_control_fail_diag(call, err, &diag);
}

const struct hy_control_command ctl_top_commands[] = {
    {"top", 0, 0, top},
    {NULL, 0, 0, NULL},
};
