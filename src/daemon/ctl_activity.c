/* activity.add: one thing that a lead did elsewhere, told by hand. */
#include "ctl_common.h"
#include "hayauma/base/list.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/told.h"

enum { ARENA_MAX = 1 << 20 };

struct addition {
    struct hy_write_req req;
    const char *who;
    struct hy_told told;
    struct hy_told_how how;
    struct hy_told_result result;
    struct hy_diag diag;
};

/* Writer thread. */
static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct addition *x = hy_container_of(r, struct addition, req);
    x->diag.text[0] = '\0';
    int err = hy_lead_resolve(t, hy_str_of(x->who), &x->told.lead, &x->diag);
    if (err == HY_ENOTFOUND)
        return hy_fail(&x->diag, err, "there is no lead '%.200s'", x->who);
    return err ? err : hy_told_put(t, &x->told, &x->how, &x->result, &x->diag);
}

static int read_args(const json_t *args, struct hy_arena *arena, struct addition *x,
                     json_t **ret_object, struct hy_diag *diag)
{
    struct hy_told_fault fault;
    json_t *o = json_deep_copy(json_object_get(args, "activity"));
    int err = hy_control_arg_string_required(args, "lead", diag, &x->who);
    *ret_object = o;
    if (err)
        return err;
    if (!json_is_object(o))
        return hy_fail(diag, HY_EINVAL, "'activity' must be an object");
    if (json_object_set_new(o, "lead", json_integer(1))) /* found where it is noted */
        return HY_ENOMEM;
    err = hy_told_read(o, hy_clock_wall_ms(), arena, &x->told, &fault);
    return err == HY_EINVAL ? hy_fail(diag, err, "%s%s%s", fault.field, fault.field[0] ? ": " : "",
                                      fault.message)
                            : err;
}

static void add(struct hy_daemon *d, struct hy_control_call *call)
{
    struct addition x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply}};
    struct hy_arena arena = HY_ARENA_INIT(ARENA_MAX);
    struct hy_config *config = daemon_config(d);
    json_t *object = NULL;
    char by[80], id[HY_ID_TEXT_MAX];
    user_name(hy_control_uid(call), by, sizeof by);
    x.how = (struct hy_told_how){.source = hy_str_of(by),
                                 .by = hy_str_of(by),
                                 .back_ms = config->web_tag.join_back_us / 1000};
    hy_config_unref(config);
    int err = read_args(hy_control_args(call), &arena, &x, &object, &x.diag);
    if (err == HY_OK)
        err = hy_writer_run(d->writer, &x.req);
    if (err == HY_OK) {
        json_t *o =
            json_pack("{s:s, s:I, s:b}", "activity", hy_id_format(x.result.id, id), "lead",
                      (json_int_t)x.result.lead, "duplicate", x.result.did == HY_TOLD_DUPLICATE);
        if (x.result.did == HY_TOLD_NOTED)
            act_log(d, "activity.add", hy_control_uid(call), json_copy(o));
        hy_control_finish(call, o);
    } else {
        hy_control_fail_diag(call, err, &x.diag);
    }
    json_decref(object);
    hy_arena_free(&arena);
}

static void start(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, add);
}

const struct hy_control_command ctl_activity_commands[] = {
    {"activity.add", 0, 0, start},
    {NULL, 0, 0, NULL},
};
