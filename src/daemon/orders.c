/* Orders to lanes: kept in the store, so that they outlive a restart, and given to delivery as part
 * of its policy. */
#include "daemon.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/base/log.h"

static void set_names(struct order *o)
{
    o->o.name = o->name;
    o->o.source = o->source;
}

/* ---- as JSON ---- */

void user_name(uid_t uid, char *out, size_t cap)
{
    char room[1024];
    struct passwd pw, *found = NULL;
    out[0] = '\0';
    if (getpwuid_r(uid, &pw, room, sizeof room, &found) == 0 && found)
        snprintf(out, cap, "%s", found->pw_name);
}

static json_t *user_json(const char *name)
{
    return name[0] ? json_string(name) : json_null();
}

static json_t *time_json(hy_wall_ms t)
{
    char text[32];
    return t ? json_string(hy_wall_format(t, text)) : json_null();
}

json_t *order_json(const struct order *o)
{
    json_t *j = json_object();
    json_object_set_new(j, "no", json_integer(o->no));
    json_object_set_new(j, "order", json_string(o->o.is_hold ? "hold" : "slow"));
    json_object_set_new(j, "scope", json_string(hy_order_scope_name(o->o.scope)));
    json_object_set_new(j, "name", json_string(o->name));
    json_object_set_new(j, "source", json_string(o->source));
    json_object_set_new(j, "factor", json_integer(o->o.factor));
    json_object_set_new(j, "connections", json_integer(o->o.connections));
    json_object_set_new(j, "made", time_json(o->made));
    json_object_set_new(j, "until", time_json(o->until));
    json_object_set_new(j, "uid", json_integer(o->uid));
    json_object_set_new(j, "user", user_json(o->user));
    return j;
}

/* What is stored: numbers where order_json has words for people. */
static char *order_text(const struct order *o)
{
    json_t *j = json_pack("{s:i,s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:s}", "scope", (int)o->o.scope,
                          "name", o->name, "source", o->source, "hold", (int)o->o.is_hold, "factor",
                          (json_int_t)o->o.factor, "connections", (json_int_t)o->o.connections,
                          "made", (json_int_t)o->made, "until", (json_int_t)o->until, "uid",
                          (json_int_t)o->uid, "user", o->user);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    return text;
}

static int order_read(struct hy_str text, struct order *o)
{
    const char *name, *source, *user = "";
    int scope, hold;
    json_int_t factor, connections, made, until, uid;
    json_t *j = json_loadb(text.p, text.n, 0, NULL);
    int bad =
        !j || json_unpack(j, "{s:i,s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s?s}", "scope", &scope, "name",
                          &name, "source", &source, "hold", &hold, "factor", &factor, "connections",
                          &connections, "made", &made, "until", &until, "uid", &uid, "user", &user);
    if (!bad && (unsigned)scope < HY_ORDER_SCOPES) {
        *o = (struct order){.o = {.scope = (enum hy_order_scope)scope,
                                  .is_hold = hold != 0,
                                  .factor = (uint32_t)factor,
                                  .connections = (uint32_t)connections},
                            .made = made,
                            .until = until,
                            .uid = (uid_t)uid};
        snprintf(o->name, sizeof o->name, "%s", name);
        snprintf(o->source, sizeof o->source, "%s", source);
        snprintf(o->user, sizeof o->user, "%s", user);
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

struct hy_deliver_policy *orders_policy(struct hy_daemon *d, struct hy_deliver_policy *ground)
{
    struct orders *all = &d->orders;
    hy_deliver_policy_ref(ground);
    hy_deliver_policy_unref(all->ground);
    all->ground = ground; /* the reference that came; the new one is for the result */
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

static void send_out(struct hy_daemon *d)
{
    struct hy_deliver_policy *p = orders_policy(d, hy_deliver_policy_ref(d->orders.ground));
    if (p)
        hy_deliver_reload(d->deliver, p);
}

/* ---- the store ---- */

int orders_load(struct hy_daemon *d, struct hy_diag *diag)
{
    struct orders *all = &d->orders;
    struct hy_txn t = {0};
    struct hy_str text;
    uint32_t no = 0;
    all->items = calloc(HY_ORDERS_MAX, sizeof *all->items);
    int err = all->items ? hy_txn_read(d->env, &t) : HY_ENOMEM;
    while (err == HY_OK && all->n < HY_ORDERS_MAX) {
        err = hy_order_next(&t, no, &no, &text);
        struct order *o = &all->items[all->n];
        if (err == HY_OK && order_read(text, o) == HY_OK) {
            o->no = no;
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

void orders_close(struct hy_daemon *d)
{
    hy_deliver_policy_unref(d->orders.ground);
    free(d->orders.items);
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

/* {"act", "uid", "user", and the details, which are taken over}; to be freed. */
static char *act_text(const char *what, uid_t uid, json_t *details)
{
    char user[64];
    user_name(uid, user, sizeof user);
    json_t *j =
        json_pack("{s:s,s:I,s:o}", "act", what, "uid", (json_int_t)uid, "user", user_json(user));
    if (j && details)
        json_object_update(j, details);
    char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
    json_decref(j);
    json_decref(details);
    return text;
}

static int store_change(struct hy_daemon *d, struct change *c, const char *what, uid_t uid,
                        json_t *details)
{
    char *act = act_text(what, uid, details);
    c->act = act;
    c->req.class = HY_WRITE_ADMIN;
    c->req.apply = apply_change;
    int err = act ? hy_writer_run(d->writer, &c->req) : HY_ENOMEM;
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "operator", "%s", act);
    free(act);
    return err;
}

struct logging {
    struct hy_write_req req; /* first */
    char *text;
};

static int apply_log(struct hy_write_req *r, struct hy_txn *t)
{
    hy_id id;
    return hy_act_append(t, hy_str_of(hy_container_of(r, struct logging, req)->text), &id);
}

static void log_done(struct hy_write_req *r, int err)
{
    struct logging *l = hy_container_of(r, struct logging, req);
    if (err == HY_OK)
        hy_log(HY_LOG_NOTICE, "operator", "%s", l->text);
    else
        hy_log(HY_LOG_ERROR, "operator", "an act could not be stored: %s: %s", hy_err_text(err),
               l->text);
    free(l->text);
    free(l);
}

void act_log(struct hy_daemon *d, const char *what, uid_t uid, json_t *details)
{
    char *text = act_text(what, uid, details);
    struct logging *l = text ? calloc(1, sizeof *l) : NULL;
    if (!l) {
        hy_log(HY_LOG_ERROR, "operator", "out of memory: %s by user %u is not in the log of acts",
               what, (unsigned)uid);
        free(text);
        return;
    }
    l->text = text;
    l->req.class = HY_WRITE_ADMIN;
    l->req.apply = apply_log;
    l->req.done = log_done;
    int err = hy_writer_submit(d->writer, &l->req);
    if (err != HY_OK)
        log_done(&l->req, err);
}

int orders_add(struct hy_daemon *d, struct order *o, struct hy_diag *diag)
{
    struct orders *all = &d->orders;
    if (all->n == HY_ORDERS_MAX)
        return hy_fail(diag, HY_ELIMIT, "there are %zu orders already: release some", all->n);
    for (size_t i = 0; i < all->n; i++)
        o->no = all->items[i].no > o->no ? all->items[i].no : o->no;
    o->no++;
    char *text = order_text(o);
    struct change c = {.no = o->no, .order = text};
    int err =
        text ? store_change(d, &c, o->o.is_hold ? "lane.hold" : "lane.slow", o->uid, order_json(o))
             : HY_ENOMEM;
    free(text);
    if (err != HY_OK)
        return hy_fail(diag, err, "the order could not be stored: %s", hy_err_text(err));
    all->items[all->n++] = *o;
    send_out(d);
    return HY_OK;
}

int orders_remove(struct hy_daemon *d, uint32_t no, const char *why, uid_t uid,
                  struct hy_diag *diag)
{
    struct orders *all = &d->orders;
    size_t at = 0;
    while (at < all->n && all->items[at].no != no)
        at++;
    if (at == all->n)
        return hy_fail(diag, HY_ENOTFOUND, "there is no order %u: 'hayauma lane list'", no);
    struct change c = {.no = no};
    int err = store_change(d, &c, why, uid, order_json(&all->items[at]));
    if (err != HY_OK)
        return hy_fail(diag, err, "the order could not be let go: %s", hy_err_text(err));
    all->items[at] = all->items[--all->n];
    send_out(d);
    return HY_OK;
}

void orders_tick(struct hy_daemon *d)
{
    hy_wall_ms now = hy_clock_wall_ms();
    for (size_t i = 0; i < d->orders.n; i++) {
        const struct order *o = &d->orders.items[i];
        struct hy_diag diag = {""};
        if (!o->until || o->until > now)
            continue;
        if (orders_remove(d, o->no, "lane.expired", o->uid, &diag) != HY_OK)
            hy_log(HY_LOG_WARNING, "orders", "%s", diag.text);
        return; /* the next one in a second */
    }
}
