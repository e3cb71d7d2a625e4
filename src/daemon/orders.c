/* Orders to lanes: kept in the store, so that they outlive a restart, and given to delivery as part
 * of its policy. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

static void set_names(struct order *o)
{
    o->o.name = o->name;
    o->o.source = o->source;
    o->o.pool = o->pool;
    o->o.no = o->no;
    o->o.user = o->user;
    o->o.made = o->made;
}

/* ---- as JSON ---- */

static json_t *time_json(hy_wall_ms t)
{
    char text[32];
    return t ? json_string(hy_wall_format(t, text)) : json_null();
}

static const char *kind_of(const struct order *o)
{
    return o->pool[0] ? "route" : o->o.is_hold ? "hold" : "slow";
}

json_t *order_json(const struct order *o)
{
    char id[HY_ID_TEXT_MAX];
    json_t *j = json_object();
    json_object_set_new(j, "no", json_integer(o->no));
    json_object_set_new(j, "order", json_string(kind_of(o)));
    json_object_set_new(j, "scope", json_string(hy_order_scope_name(o->o.scope)));
    json_object_set_new(j, "name", json_string(o->name));
    json_object_set_new(j, "source", json_string(o->source));
    json_object_set_new(j, "factor", json_integer(o->o.factor));
    json_object_set_new(j, "connections", json_integer(o->o.connections));
    json_object_set_new(j, "pool", json_string(o->pool));
    json_object_set_new(j, "campaign",
                        o->o.campaign ? json_string(hy_id_format(o->o.campaign, id)) : json_null());
    json_object_set_new(j, "made", time_json(o->made));
    json_object_set_new(j, "until", time_json(o->until));
    json_object_set_new(j, "uid", json_integer(o->uid));
    json_object_set_new(j, "user", user_json(o->user));
    return j;
}

/* What is stored: numbers where order_json has words for people. */
static char *order_text(const struct order *o)
{
    json_t *j =
        json_pack("{s:i,s:s,s:s,s:b,s:I,s:I,s:s,s:I,s:I,s:I,s:I,s:s}", "scope", (int)o->o.scope,
                  "name", o->name, "source", o->source, "hold", (int)o->o.is_hold, "factor",
                  (json_int_t)o->o.factor, "connections", (json_int_t)o->o.connections, "pool",
                  o->pool, "campaign", (json_int_t)o->o.campaign, "made", (json_int_t)o->made,
                  "until", (json_int_t)o->until, "uid", (json_int_t)o->uid, "user", o->user);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    return text;
}

static int order_read(struct hy_str text, struct order *o)
{
    const char *name, *source, *user = "", *pool = "";
    int scope, hold;
    json_int_t factor, connections, made, until, uid, campaign = 0;
    json_t *j = json_loadb(text.p, text.n, 0, NULL);
    int bad =
        !j || json_unpack(j, "{s:i,s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s?s,s?s,s?I}", "scope", &scope,
                          "name", &name, "source", &source, "hold", &hold, "factor", &factor,
                          "connections", &connections, "made", &made, "until", &until, "uid", &uid,
                          "user", &user, "pool", &pool, "campaign", &campaign);
    if (!bad && (unsigned)scope < HY_ORDER_SCOPES) {
        *o = (struct order){.o = {.scope = (enum hy_order_scope)scope,
                                  .is_hold = hold != 0,
                                  .factor = (uint32_t)factor,
                                  .connections = (uint32_t)connections,
                                  .campaign = (hy_id)campaign},
                            .made = made,
                            .until = until,
                            .uid = (uid_t)uid};
        snprintf(o->name, sizeof o->name, "%s", name);
        snprintf(o->source, sizeof o->source, "%s", source);
        snprintf(o->user, sizeof o->user, "%s", user);
        snprintf(o->pool, sizeof o->pool, "%s", pool);
    } else {
        bad = 1;
    }
    json_decref(j);
    return bad ? HY_ECORRUPT : HY_OK;
}

/* ---- the policy ---- */

struct derived {
    struct hy_deliver_policy policy;
    struct hy_deliver_policy *ground;
    struct order *items;
    struct hy_lane_order orders[];
};

static void release_derived(struct hy_deliver_policy *p)
{
    struct derived *x = p->owner;
    hy_deliver_policy_unref(x->ground);
    free(x->items);
    free(x);
}

/* The ground with the orders of now; under the lock. */
static struct hy_deliver_policy *derive(struct orders *all)
{
    struct hy_deliver_policy *ground = hy_deliver_policy_ref(all->ground);
    struct derived *x = calloc(1, sizeof *x + all->n * sizeof x->orders[0]);
    struct order *items = calloc(all->n + 1, sizeof *items);
    if (!x || !items) {
        hy_log(HY_LOG_ERROR, "orders", "out of memory: delivery goes on with the policy it has");
        free(x);
        free(items);
        hy_deliver_policy_unref(ground);
        return NULL;
    }
    if (all->n)
        memcpy(items, all->items, all->n * sizeof *items);
    for (size_t i = 0; i < all->n; i++) {
        set_names(&items[i]);
        x->orders[i] = items[i].o;
    }
    x->policy = *ground; /* which was never given to delivery, so that it holds nothing of its */
    x->policy.orders = x->orders;
    x->policy.n_orders = all->n;
    x->policy.owner = x;
    x->policy.release = release_derived;
    atomic_init(&x->policy.refs, 1);
    x->ground = ground;
    x->items = items;
    return &x->policy;
}

/* Under the lock. */
static void set_ground(struct orders *all, struct hy_deliver_policy *ground)
{
    hy_deliver_policy_unref(all->ground);
    all->ground = ground;
}

struct hy_deliver_policy *orders_policy(struct hy_daemon *d, struct hy_deliver_policy *ground)
{
    pthread_mutex_lock(&d->orders.lock);
    set_ground(&d->orders, ground);
    struct hy_deliver_policy *p = derive(&d->orders);
    pthread_mutex_unlock(&d->orders.lock);
    return p;
}

/* Under the lock, so that delivery gets policies in the order in which orders came. */
static void send_out(struct hy_daemon *d)
{
    struct hy_deliver_policy *p = d->orders.is_closing ? NULL : derive(&d->orders);
    if (p)
        hy_deliver_reload(d->deliver, p);
}

void orders_reload(struct hy_daemon *d, struct hy_deliver_policy *ground)
{
    pthread_mutex_lock(&d->orders.lock);
    set_ground(&d->orders, ground);
    send_out(d);
    pthread_mutex_unlock(&d->orders.lock);
}

struct hy_deliver_policy *orders_ground(struct hy_daemon *d)
{
    pthread_mutex_lock(&d->orders.lock);
    struct hy_deliver_policy *p = hy_deliver_policy_ref(d->orders.ground);
    pthread_mutex_unlock(&d->orders.lock);
    return p;
}

json_t *orders_json(struct hy_daemon *d)
{
    json_t *list = json_array();
    pthread_mutex_lock(&d->orders.lock);
    for (size_t i = 0; i < d->orders.n; i++)
        json_array_append_new(list, order_json(&d->orders.items[i]));
    pthread_mutex_unlock(&d->orders.lock);
    return list;
}

/* ---- the store ---- */

int orders_load(struct hy_daemon *d, struct hy_diag *diag)
{
    struct orders *all = &d->orders;
    struct hy_txn t = {0};
    struct hy_str text;
    uint32_t no = 0;
    pthread_mutex_init(&all->lock, NULL);
    all->items = calloc(HY_ORDERS_MAX, sizeof *all->items);
    int err = all->items ? hy_txn_read(d->env, &t) : HY_ENOMEM;
    while (err == HY_OK && all->n < HY_ORDERS_MAX) {
        err = hy_order_next(&t, no, &no, &text);
        struct order *o = &all->items[all->n];
        if (err == HY_OK && order_read(text, o) == HY_OK) {
            o->no = all->last_no = no;
            all->n++;
        }
    }
    hy_txn_end(&t);
    if (err != HY_OK && err != HY_ENOTFOUND)
        return hy_fail(diag, err, "orders to lanes cannot be read: %s", hy_err_text(err));
    if (all->n)
        hy_log(HY_LOG_NOTICE, "orders", "%zu orders to lanes are in force: 'hayauma lane list'",
               all->n);
    return HY_OK;
}

void orders_stop(struct hy_daemon *d)
{
    pthread_mutex_lock(&d->orders.lock);
    d->orders.is_closing = true;
    pthread_mutex_unlock(&d->orders.lock);
}

void orders_close(struct hy_daemon *d)
{
    hy_deliver_policy_unref(d->orders.ground);
    free(d->orders.items);
    pthread_mutex_destroy(&d->orders.lock);
    d->orders = (struct orders){0};
}

struct change {
    struct hy_write_req req; /* first */
    uint32_t no;             /* of the order that is put or taken away; 0 = only an act */
    const char *order, *act; /* texts; order NULL: it is taken away */
    hy_id id;
};

static int apply_change(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *c = hy_container_of(r, struct change, req);
    int err = HY_OK;
    if (c->no)
        err = c->order ? hy_order_put(t, c->no, hy_str_of(c->order)) : hy_order_del(t, c->no);
    return err == HY_OK ? hy_act_append(t, hy_str_of(c->act), &c->id) : err;
}

static int store_change(struct hy_daemon *d, struct change *c, const char *what, uid_t uid,
                        json_t *details)
{
    char user[64];
    user_name(uid, user, sizeof user);
    char *act = act_line(what, uid, user, details);
    c->act = act;
    c->req.class = HY_WRITE_ADMIN;
    c->req.apply = apply_change;
    int err = act ? hy_writer_run(d->writer, &c->req) : HY_ENOMEM;
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "operator", "%s", act);
    free(act);
    return err;
}

/* ---- taking up, letting go ---- */

/* A number that no order had since the start; HY_ELIMIT. */
static int claim_no(struct orders *all, uint32_t *ret_no)
{
    pthread_mutex_lock(&all->lock);
    bool is_full = all->n + all->n_coming >= HY_ORDERS_MAX;
    if (!is_full) {
        all->n_coming++;
        *ret_no = ++all->last_no;
    }
    pthread_mutex_unlock(&all->lock);
    return is_full ? HY_ELIMIT : HY_OK;
}

int orders_add(struct hy_daemon *d, struct order *o, struct hy_diag *diag)
{
    struct orders *all = &d->orders;
    if (claim_no(all, &o->no) != HY_OK)
        return hy_fail(diag, HY_ELIMIT, "there are %d orders already: release some", HY_ORDERS_MAX);
    char act[16], *text = order_text(o);
    struct change c = {.no = o->no, .order = text};
    snprintf(act, sizeof act, "lane.%s", kind_of(o));
    int err = text ? store_change(d, &c, act, o->uid, order_json(o)) : HY_ENOMEM;
    free(text);
    pthread_mutex_lock(&all->lock);
    all->n_coming--;
    if (err == HY_OK) {
        all->items[all->n++] = *o;
        send_out(d);
    }
    pthread_mutex_unlock(&all->lock);
    if (err != HY_OK)
        return hy_fail(diag, err, "the order could not be stored: %s", hy_err_text(err));
    return HY_OK;
}

/* NULL: there is none of that number. Under the lock. */
static struct order *find(struct orders *all, uint32_t no)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].no == no)
            return &all->items[i];
    return NULL;
}

/* The store has let it go. */
static void forget(struct hy_daemon *d, uint32_t no)
{
    struct orders *all = &d->orders;
    pthread_mutex_lock(&all->lock);
    struct order *o = find(all, no);
    if (o) {
        size_t behind = (size_t)(all->items + all->n - (o + 1));
        memmove(o, o + 1, behind * sizeof *o); /* the newest route counts: they stay in order */
        all->n--;
        send_out(d);
    }
    pthread_mutex_unlock(&all->lock);
}

int orders_remove(struct hy_daemon *d, uint32_t no, const char *why, uid_t uid,
                  struct hy_diag *diag)
{
    pthread_mutex_lock(&d->orders.lock);
    const struct order *o = find(&d->orders, no);
    json_t *details = o ? order_json(o) : NULL;
    pthread_mutex_unlock(&d->orders.lock);
    struct change c = {.no = no};
    int err = details ? store_change(d, &c, why, uid, details) : HY_ENOTFOUND;
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no order %u: 'hayauma lane list'", no);
    if (err != HY_OK)
        return hy_fail(diag, err, "the order could not be let go: %s", hy_err_text(err));
    forget(d, no);
    return HY_OK;
}

/* ---- orders whose time is over ---- */

struct expiry {
    struct change c; /* first */
    struct hy_daemon *d;
    char *act;
};

/* The writer's thread. */
static void on_expired(struct hy_write_req *r, int err)
{
    struct expiry *x = hy_container_of(r, struct expiry, c.req);
    if (err == HY_OK || err == HY_ENOTFOUND) {
        hy_log(HY_LOG_NOTICE, "operator", "%s", x->act);
        forget(x->d, x->c.no);
    } else {
        hy_log(HY_LOG_WARNING, "orders", "order %u could not be let go: %s", x->c.no,
               hy_err_text(err));
        pthread_mutex_lock(&x->d->orders.lock);
        struct order *o = find(&x->d->orders, x->c.no);
        if (o)
            o->is_ending = false; /* the next tick tries again */
        pthread_mutex_unlock(&x->d->orders.lock);
    }
    free(x->act);
    free(x);
}

static void expire(struct hy_daemon *d, const struct order *o)
{
    struct expiry *x = calloc(1, sizeof *x);
    char *act = x ? act_line("lane.expired", o->uid, o->user, order_json(o)) : NULL;
    if (!act) {
        free(x);
        return; /* out of memory: the next tick tries again */
    }
    *x = (struct expiry){.c = {.no = o->no, .act = act}, .d = d, .act = act};
    x->c.req =
        (struct hy_write_req){.class = HY_WRITE_ADMIN, .apply = apply_change, .done = on_expired};
    int err = hy_writer_submit(d->writer, &x->c.req);
    if (err != HY_OK)
        on_expired(&x->c.req, err);
}

void orders_tick(struct hy_daemon *d)
{
    struct orders *all = &d->orders;
    struct order over;
    bool is_over = false;
    hy_wall_ms now = hy_clock_wall_ms();
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n && !is_over; i++) {
        struct order *o = &all->items[i];
        is_over = o->until && o->until <= now && !o->is_ending;
        if (!is_over)
            continue;
        o->is_ending = true;
        over = *o;
    }
    pthread_mutex_unlock(&all->lock);
    if (is_over) /* the next one in a second */
        expire(d, &over);
}
