/* queue: what is pending, by campaign (or as ready messages) and domain. It walks the queue, so on
 * a thread of its own and in one snapshot; what it keeps is the answer. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/base/heap.h"
#include "hayauma/base/list.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/queue.h"
#include "hayauma/store/spool.h"

enum { LIMIT_MAX = 1000 };

struct row {
    struct hy_heap_node node; /* key: how many are pending */
    hy_id campaign;
    struct hy_queue_count count;
};

struct look {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct tenant_scope scope;
    struct row *rows; /* room for `most`; those in the heap are the largest */
    struct hy_heap heap;
    size_t n, most;
    uint64_t total_domains, total_pending;
};

static struct row *row_of(struct hy_heap_node *node)
{
    return hy_container_of(node, struct row, node);
}

static uint64_t pending(const struct hy_queue_count *n)
{
    return n->by_state[HY_RCPT_FRESH] + n->by_state[HY_RCPT_DEFERRED] + n->by_state[HY_RCPT_HELD];
}

/* Keeps the `most` domains with the most pending rows: the smallest of those kept goes. */
static int keep(struct look *l, hy_id campaign, const struct hy_queue_count *n)
{
    uint64_t p = pending(n);
    if (p == 0)
        return HY_OK;
    l->total_domains++;
    l->total_pending += p;
    struct row *row;
    if (l->n < l->most) {
        row = &l->rows[l->n++];
    } else {
        row = row_of(hy_heap_top(&l->heap));
        if ((uint64_t)row->node.key >= p)
            return HY_OK;
    }
    row->campaign = campaign;
    row->count = *n;
    return hy_heap_put(&l->heap, &row->node, (int64_t)p);
}

static int count_campaign(struct hy_txn *t, hy_id campaign, struct look *l)
{
    struct hy_queue_count n = {0};
    int err;
    while ((err = hy_queue_count(t, campaign, n.domain, &n)) == HY_OK) {
        err = hy_control_is_cancelled(l->call) ? HY_ECANCELED : keep(l, campaign, &n);
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- ready messages ---- */

enum { SPOOL_DOMAINS = 65536 }; /* counted one by one */

struct spool_look {
    struct look *l;
    hy_id spool;
};

static int keep_spooled(void *ctx, const struct hy_queue_count *n)
{
    const struct spool_look *s = ctx;
    return hy_control_is_cancelled(s->l->call) ? HY_ECANCELED : keep(s->l, s->spool, n);
}

static int count_spools(struct hy_txn *t, struct look *l)
{
    struct spool_look s = {.l = l};
    int err;
    while ((err = hy_spool_next(t, s.spool, &s.spool)) == HY_OK) {
        if (!tenant_scope_has(&l->scope, hy_spool_tenant(s.spool)))
            continue;
        err = hy_spool_count(t, s.spool, SPOOL_DOMAINS, keep_spooled, &s);
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static int count_all(struct hy_txn *t, struct look *l)
{
    struct hy_campaign c;
    hy_id after = 0;
    int err;
    while ((err = hy_campaign_next(t, after, &c)) == HY_OK) {
        after = c.id;
        if (c.state != HY_CAMPAIGN_DRAFT && c.state != HY_CAMPAIGN_DONE &&
            tenant_scope_has(&l->scope, c.tenant))
            err = count_campaign(t, c.id, l);
        if (err != HY_OK)
            return err;
    }
    return err == HY_ENOTFOUND ? count_spools(t, l) : err;
}

/* What keeps all rows of a campaign waiting; null for ready messages. */
static json_t *row_waits_json(struct hy_daemon *d, struct hy_txn *t, hy_id campaign)
{
    struct hy_campaign c;
    if (hy_id_is_spool(campaign) || hy_campaign_get(t, campaign, &c) != HY_OK)
        return json_null();
    return ctl_waits_json(d, &c);
}

static json_t *row_json(struct hy_daemon *d, struct hy_txn *t, const struct row *row)
{
    const struct hy_queue_count *n = &row->count;
    char id[HY_ID_TEXT_MAX], time[32];
    struct hy_str domain = HY_STR("?");
    if (hy_domain_name(t, n->domain, &domain) != HY_OK)
        domain = HY_STR("?");
    json_t *o = json_object();
    bool is_spool = hy_id_is_spool(row->campaign);
    json_object_set_new(o, "campaign",
                        is_spool ? json_null() : json_string(hy_id_format(row->campaign, id)));
    json_object_set_new(o, "relay", json_boolean(is_spool));
    json_object_set_new(o, "waits", row_waits_json(d, t, row->campaign));
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

static json_t *look_json(struct hy_txn *t, struct look *l)
{
    json_t *list = json_array();
    struct hy_heap_node *node;
    while ((node = hy_heap_top(&l->heap))) { /* the smallest of what is left goes before the rest */
        hy_heap_remove(&l->heap, node);
        json_array_insert_new(list, 0, row_json(l->d, t, row_of(node)));
    }
    json_t *o = json_object();
    json_object_set_new(o, "rows", list);
    ctl_set_count(o, "domains", l->total_domains);
    ctl_set_count(o, "pending", l->total_pending);
    return o;
}

static void look_free(struct look *l)
{
    hy_heap_free(&l->heap);
    free(l->rows);
    free(l);
}

static void look_main(void *arg)
{
    struct look *l = arg;
    struct hy_diag diag = {""};
    struct hy_txn t = {0};
    hy_id only = 0;
    json_t *o = NULL;
    int err = tenant_scope_arg(l->d, hy_control_args(l->call), &diag, &l->scope);
    if (err == HY_OK && json_object_get(hy_control_args(l->call), "campaign"))
        err = ctl_campaign_arg(l->d, l->call, &only, &diag);
    if (err == HY_OK)
        err = hy_txn_read(l->d->env, &t);
    if (err == HY_OK)
        err = only ? count_campaign(&t, only, l) : count_all(&t, l);
    if (err == HY_OK)
        o = look_json(&t, l);
    hy_txn_end(&t);
    if (err == HY_OK)
        hy_control_finish(l->call, o);
    else
        hy_control_fail_diag(l->call, err, &diag);
    look_free(l);
}

static void queue(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    int64_t limit = 50;
    int err = hy_control_arg_int(hy_control_args(call), "limit", 50, 1, LIMIT_MAX, &diag, &limit);
    struct look *l = err == HY_OK ? calloc(1, sizeof *l) : NULL;
    if (err == HY_OK && !l)
        err = HY_ENOMEM;
    if (err == HY_OK) {
        *l = (struct look){.d = d,
                           .call = call,
                           .heap = HY_HEAP_INIT((uint32_t)limit),
                           .most = (size_t)limit,
                           .rows = calloc((size_t)limit, sizeof *l->rows)};
        err = l->rows ? HY_OK : HY_ENOMEM;
    }
    if (err == HY_OK) {
        if (ctl_job_start(d, call, CTL_JOB_LOOK, look_main, l))
            return;
    } else {
        hy_control_fail_diag(call, err, &diag);
    }
    if (l)
        look_free(l);
}

const struct hy_control_command ctl_queue_commands[] = {
    {"queue", 0, 0, queue},
    {NULL, 0, 0, NULL},
};
