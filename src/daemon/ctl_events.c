/* events.*: where events go and how far, what happens now, and an operator's orders. Looks read the
 * logs, so on threads of their own. */
#include "ctl_common.h"

#include <stdlib.h>

#include "hayauma/model/activity.h"
#include "orders.h"

enum {
    VIEWS_MAX = HY_EVENTS_FILES_MAX + HY_EVENTS_WEBHOOKS_MAX,
    UNREAD_MAX = 1000000,
    SCANNED_MAX = 200000, /* moments looked at for one answer */
};

/* ---- events.endpoints ---- */

struct look {
    struct hy_daemon *d;
    struct hy_control_call *call;
    size_t n;
    struct hy_events_view views[VIEWS_MAX];
};

static json_t *time_json(hy_wall_ms at)
{
    char text[32];
    return at ? json_string(hy_wall_format(at, text)) : json_null();
}

static json_t *view_json(struct hy_txn *t, const struct hy_events_view *v)
{
    char id[HY_ID_TEXT_MAX];
    uint64_t unread = 0;
    json_t *o = json_object();
    (void)!hy_timeline_count(t, v->cursor, UNREAD_MAX, &unread); /* 0, where they cannot be read */
    json_object_set_new(o, "name", json_string(v->name));
    json_object_set_new(o, "kind", json_string(v->is_webhook ? "webhook" : "file"));
    json_object_set_new(o, "to", ctl_text_json(hy_str_of(v->to)));
    json_object_set_new(o, "state", json_string(hy_events_state_name(v->state)));
    json_object_set_new(o, "cursor", json_string(hy_id_format(v->cursor, id)));
    json_object_set_new(o, "read_to", time_json(v->cursor ? hy_id_time(v->cursor) : 0));
    ctl_set_count(o, "unread", unread);
    ctl_set_count(o, "sent", v->sent);
    ctl_set_count(o, "bytes", v->bytes);
    ctl_set_count(o, "requests", v->requests);
    ctl_set_count(o, "failures", v->failures);
    ctl_set_count(o, "files", v->files);
    json_object_set_new(o, "failing_since", time_json(v->failing_since));
    json_object_set_new(o, "next_try", time_json(v->next_try));
    json_object_set_new(o, "why", ctl_text_json(hy_str_of(v->why)));
    return o;
}

static void look_main(void *arg)
{
    struct look *l = arg;
    struct hy_txn t = {0};
    json_t *all = json_array();
    int err = hy_txn_read(l->d->env, &t);
    for (size_t i = 0; i < l->n && err == HY_OK; i++)
        json_array_append_new(all, view_json(&t, &l->views[i]));
    hy_txn_end(&t);
    if (err == HY_OK) {
        hy_control_finish(l->call, json_pack("{s:o,s:I}", "endpoints", all, "unread_max",
                                             (json_int_t)UNREAD_MAX));
    } else {
        json_decref(all);
        hy_control_fail(l->call, err, "the logs cannot be read", NULL);
    }
    free(l);
}

static void endpoints(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct look *l = calloc(1, sizeof *l);
    if (!l) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    l->d = d;
    l->call = call;
    l->n = d->events ? hy_events_look(d->events, l->views, VIEWS_MAX) : 0;
    if (!ctl_job_start(d, call, CTL_JOB_LOOK, look_main, l))
        free(l);
}

/* ---- events.tail ---- */

struct tailing {
    struct hy_daemon *d;
    struct hy_control_call *call;
    struct hy_config *config; /* its tenants have names */
    struct hy_event_filter filter;
    hy_id after;
    bool is_newest; /* `after` is to be found */
    unsigned limit;
};

static int read_time(const char *text, struct hy_diag *diag, hy_id *ret_after)
{
    hy_wall_ms at;
    if (hy_wall_parse(hy_str_of(text), &at) != HY_OK)
        return hy_fail(diag, HY_EINVAL,
                       "'%s' is no time with its zone, such as 2026-12-01T09:00:00+09:00", text);
    hy_id floor = hy_id_floor(at);
    *ret_after = floor ? floor - 1 : 0;
    return HY_OK;
}

static int read_types(const json_t *args, struct hy_event_filter *f, struct hy_diag *diag)
{
    const json_t *types = json_object_get(args, "types"), *o;
    size_t i;
    json_array_foreach(types, i, o)
    {
        enum hy_activity_kind kind;
        const char *name = json_string_value(o);
        if (!name || hy_activity_kind_find(hy_str_of(name), &kind) != HY_OK)
            return hy_fail(diag, HY_EINVAL, "there is no event '%s': docs/events.md names all",
                           name ? name : "");
        hy_event_filter_add(f, kind);
    }
    return HY_OK;
}

static int read_tail(const json_t *args, struct tailing *t, struct hy_diag *diag)
{
    const char *after = "", *from = "";
    int64_t limit = 100;
    int err = hy_control_arg_string(args, "after", "", diag, &after);
    if (err == HY_OK)
        err = hy_control_arg_string(args, "from", "", diag, &from);
    if (err == HY_OK)
        err = hy_control_arg_int(args, "limit", 100, 1, HY_TIMELINE_BACK_MAX, diag, &limit);
    if (err == HY_OK)
        err = read_types(args, &t->filter, diag);
    t->limit = (unsigned)limit;
    t->is_newest = !after[0] && !from[0];
    if (err == HY_OK && after[0] && hy_id_parse(hy_str_of(after), &t->after) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "'%s' is no id of an event", after);
    if (err == HY_OK && from[0])
        err = read_time(from, diag, &t->after);
    return err;
}

/* The events wanted behind `after`, which moves with what was looked at. */
static int gather(struct tailing *g, struct hy_txn *t, json_t *events)
{
    struct hy_event_writer w;
    struct hy_buf line = HY_BUF_INIT(HY_EVENT_MAX);
    struct hy_timeline l;
    struct hy_moment m;
    int err = hy_timeline_open(t, g->after, &l);
    if (err)
        return err;
    hy_event_writer_init(&w, &g->config->tenants);
    for (unsigned i = 0; i < SCANNED_MAX && json_array_size(events) < g->limit && !err; i++) {
        err = hy_timeline_next(&l, &m);
        if (err)
            break;
        g->after = m.id;
        if (!hy_event_is_wanted(&w, t, &m, &g->filter))
            continue;
        hy_buf_reset(&line);
        err = hy_event_put(&w, t, &m, &line);
        if (!err)
            json_array_append_new(events, json_loadb(line.data, line.len, 0, NULL));
    }
    hy_event_writer_free(&w);
    hy_buf_free(&line);
    hy_timeline_close(&l);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

static void tail_main(void *arg)
{
    struct tailing *g = arg;
    struct hy_txn t = {0};
    char id[HY_ID_TEXT_MAX];
    json_t *events = json_array();
    int err = hy_txn_read(g->d->env, &t);
    if (err == HY_OK && g->is_newest)
        err = hy_timeline_back(&t, g->limit, &g->after);
    if (err == HY_OK)
        err = gather(g, &t, events);
    hy_txn_end(&t);
    if (err == HY_OK) {
        hy_control_finish(
            g->call, json_pack("{s:o,s:s}", "events", events, "next", hy_id_format(g->after, id)));
    } else {
        json_decref(events);
        hy_control_fail(g->call, err, "the logs cannot be read", NULL);
    }
    hy_config_unref(g->config);
    free(g);
}

static void tail(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_diag diag = {""};
    struct tailing *g = calloc(1, sizeof *g);
    int err = g ? read_tail(hy_control_args(call), g, &diag) : HY_ENOMEM;
    if (err != HY_OK) {
        free(g);
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    g->d = d;
    g->call = call;
    g->config = hy_config_ref(d->config);
    if (!ctl_job_start(d, call, CTL_JOB_LOOK, tail_main, g)) {
        hy_config_unref(g->config);
        free(g);
    }
}

/* ---- orders ---- */

static void order(struct hy_control_call *call, struct hy_daemon *d, enum hy_events_order what)
{
    struct hy_diag diag = {""};
    const char *name = "", *from = "";
    hy_id after = 0;
    int err = hy_control_arg_string_required(hy_control_args(call), "name", &diag, &name);
    if (err == HY_OK && what == HY_EVENTS_REPLAY)
        err = hy_control_arg_string_required(hy_control_args(call), "from", &diag, &from);
    if (err == HY_OK && what == HY_EVENTS_REPLAY)
        err = read_time(from, &diag, &after);
    if (err == HY_OK)
        err = d->events ? hy_events_do(d->events, hy_str_of(name), what, after) : HY_ENOTFOUND;
    if (err == HY_ENOTFOUND)
        err = hy_fail(&diag, err,
                      "no destination of events is named '%s': 'hayauma events endpoints' has them",
                      name);
    if (err != HY_OK) {
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    act_log(d, hy_control_command_name(call), hy_control_uid(call),
            json_pack("{s:s,s:s}", "name", name, "from", from));
    hy_control_finish(call, json_pack("{s:s}", "name", name));
}

static void pause_one(struct hy_control_call *call, void *ctx)
{
    order(call, ctx, HY_EVENTS_PAUSE);
}

static void resume_one(struct hy_control_call *call, void *ctx)
{
    order(call, ctx, HY_EVENTS_RESUME);
}

static void replay(struct hy_control_call *call, void *ctx)
{
    order(call, ctx, HY_EVENTS_REPLAY);
}

const struct hy_control_command ctl_events_commands[] = {
    {"events.endpoints", 0, 0, endpoints}, {"events.tail", 0, 0, tail},
    {"events.pause", 0, 0, pause_one},     {"events.resume", 0, 0, resume_one},
    {"events.replay", 0, 0, replay},       {NULL, 0, 0, NULL},
};
