/* campaign.create, .list, .show. A campaign is compiled, and its bundle read, on a thread of its
 * own. */
#include "ctl_common.h"

#include <errno.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/config/campaign_file.h"
#include "hayauma/store/list.h"

enum { START_LATE_MS = 5 * 60 * 1000 };

/* ---- create ---- */

/* The bundle out of a descriptor of the client. Only files (memfd or on disk): a pipe may never
 * end.
 */
static int read_bundle(int fd, struct hy_buf *out, struct hy_diag *diag)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return hy_fail(diag, HY_EINVAL, "the campaign must come as a file");
    if (st.st_size > HY_BUNDLE_MAX)
        return hy_fail(diag, HY_ELIMIT, "the campaign and its files are larger than %d MiB",
                       HY_BUNDLE_MAX >> 20);
    if (hy_buf_reserve(out, (size_t)st.st_size + 1) != HY_OK)
        return hy_fail(diag, HY_ENOMEM, "out of memory");
    while (out->len < (size_t)st.st_size) {
        ssize_t n = pread(fd, out->data + out->len, (size_t)st.st_size - out->len, (off_t)out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return hy_fail(diag, HY_EIO, "the campaign could not be read whole");
        out->len += (size_t)n;
    }
    return HY_OK;
}

static int find_lists(struct hy_txn *t, const struct hy_bundle *b, struct hy_campaign *c,
                      struct hy_diag *diag)
{
    if (b->n_lists > HY_LIST_SET_MAX)
        return hy_fail(diag, HY_ELIMIT, "a campaign goes to at most %d lists", HY_LIST_SET_MAX);
    for (size_t i = 0; i < b->n_lists; i++) {
        int err = hy_list_find(t, b->lists[i], &c->lists[i]);
        if (err == HY_ENOTFOUND)
            return hy_fail(diag, err,
                           "there is no list '%.*s'; 'hayauma import FILE --list %.*s' makes it",
                           HY_STR_ARG(b->lists[i]), HY_STR_ARG(b->lists[i]));
        if (err != HY_OK)
            return hy_fail(diag, err, "lists cannot be read: %s", hy_err_text(err));
        c->n_lists++;
    }
    return HY_OK;
}

struct create_req {
    struct hy_write_req req;
    struct hy_campaign campaign;
    struct hy_str bundle;
};

static int apply_create(struct hy_write_req *r, struct hy_txn *t)
{
    struct create_req *m = hy_container_of(r, struct create_req, req);
    int err = hy_campaign_create(t, &m->campaign, m->bundle);
    if (err == HY_OK && m->campaign.start_at)
        err = hy_campaign_move(t, m->campaign.id, HY_CAMPAIGN_SCHEDULED);
    return err;
}

/* A start that should have been last year is a slip of the pen, and mail cannot be called back. One
 * that has just passed is meant. */
static int check_start(hy_wall_ms start_at, struct hy_diag *diag)
{
    char text[32];
    if (start_at == 0 || start_at + START_LATE_MS >= hy_clock_wall_ms())
        return HY_OK;
    return hy_fail(diag, HY_EINVAL,
                   "start_at %s has passed: write a time to come, or take the line out and send it "
                   "with 'hayauma campaign start'",
                   hy_wall_format(start_at, text));
}

/* Checks everything and stores it; with `only_check` it stops before that. */
static int create_from(struct hy_daemon *d, struct hy_str bytes, bool only_check, hy_id *ret_id,
                       struct plan_findings *found, struct hy_diag *diag)
{
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_bundle b;
    int err = hy_bundle_decode(bytes, &arena, &b);
    if (err != HY_OK)
        return hy_fail(diag, err, "the campaign cannot be read: %s", hy_err_text(err));
    struct create_req m = {
        .req = {.class = HY_WRITE_INTAKE, .when = HY_WRITE_NOW, .apply = apply_create},
        .campaign = {.name = b.name, .start_at = b.start_at},
        .bundle = bytes,
    };
    struct hy_txn t = {0};
    err = check_start(b.start_at, diag);
    if (err == HY_OK)
        err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = find_lists(&t, &b, &m.campaign, diag);
    if (err == HY_OK)
        err = plan_segments(&t, &b, diag);
    if (err == HY_OK)
        err = plan_check(d, &t, bytes, NULL, diag, found);
    if (err == HY_OK)
        m.campaign.tenant = found->tenant;
    hy_txn_end(&t);
    if (err != HY_OK)
        return hy_fail(diag, err, "%s", hy_err_text(err));
    if (only_check)
        return HY_OK;
    err = hy_writer_run(d->writer, &m.req);
    if (err == HY_EEXIST)
        return hy_fail(diag, err, "there is a campaign '%.*s' already: choose another name",
                       HY_STR_ARG(b.name));
    if (err == HY_EFULL)
        return hy_fail(diag, err, "the disk is full, or nearly so (store.min_free)");
    if (err != HY_OK)
        return hy_fail(diag, err, "the campaign cannot be stored: %s", hy_err_text(err));
    *ret_id = m.campaign.id;
    return HY_OK;
}

static void log_create(struct hy_daemon *d, struct hy_control_call *call, hy_id id)
{
    char text[HY_ID_TEXT_MAX];
    act_log(d, hy_control_command_name(call), hy_control_uid(call),
            json_pack("{s:s}", "campaign", hy_id_format(id, text)));
}

/* ---- whom it goes to, from where and when ---- */

static json_t *list_names(struct hy_daemon *d, hy_id id)
{
    struct hy_txn t = {0};
    struct hy_campaign c;
    json_t *names = json_array();
    if (hy_txn_read(d->env, &t) == HY_OK && hy_campaign_get(&t, id, &c) == HY_OK) {
        for (uint32_t i = 0; i < c.n_lists; i++) {
            struct hy_list_view v;
            if (hy_list_read(&t, c.lists[i], &v) == HY_OK)
                json_array_append_new(names, json_stringn(v.name.p, v.name.n));
        }
    }
    hy_txn_end(&t);
    return names;
}

/* When its mail may go, as it would be read back; null: always. */
static json_t *hours_json(const struct plan_look *l)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf hours = HY_BUF_INIT(HY_HOURS_TEXT_MAX);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf closed = HY_BUF_INIT(HY_HOURS_TEXT_MAX);
    if (hy_hours_is_always(&l->hours))
        return json_null();
    hy_hours_put(&l->hours, &hours);
    hy_closed_days_put(&l->hours.closed, &closed);
    return json_pack("{s:s, s:s, s:s, s:b}", "spans", hy_buf_cstr(&hours), "closed",
                     hy_buf_cstr(&closed), "time_zone", l->time_zone, "by_lead", l->is_by_lead);
}

/* Whom it goes to, what it leaves from and when, and whether there is such a pool still. */
static void add_whom(struct hy_daemon *d, hy_id id, json_t *o)
{
    struct hy_txn t = {0};
    struct plan_look l;
    int err = hy_txn_read(d->env, &t);
    if (err == HY_OK)
        err = plan_look(d, &t, id, &l);
    if (err == HY_OK)
        plan_segments_json(&t, &l, o);
    hy_txn_end(&t);
    json_object_set_new(o, "lists", list_names(d, id));
    if (err != HY_OK)
        return;
    json_object_set_new(o, "pool", json_string(l.pool));
    json_object_set_new(o, "pool_missing", json_boolean(l.is_pool_missing));
    json_object_set_new(o, "hours", hours_json(&l));
}

static void create(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bytes = HY_BUF_INIT(HY_BUNDLE_MAX + 1);
    struct plan_findings found = {.unknown = HY_BUF_INIT(65536)};
    bool only_check = false;
    hy_id id = 0;
    json_t *o = NULL;
    int fd = hy_control_take_fd(call, 0);
    int err = hy_control_arg_bool(hy_control_args(call), "check_only", false, &diag, &only_check);
    if (err == HY_OK)
        err = read_bundle(fd, &bytes, &diag);
    if (fd >= 0)
        close(fd);
    if (err == HY_OK)
        err = create_from(d, hy_buf_str(&bytes), only_check, &id, &found, &diag);
    if (err == HY_OK && only_check)
        o = json_object();
    else if (err == HY_OK)
        log_create(d, call, id);
    if (err == HY_OK && !only_check)
        err = ctl_campaign_read(d, id, &o, &diag);
    if (err == HY_OK && !only_check)
        add_whom(d, id, o);
    if (err == HY_OK) {
        json_object_set_new(o, "unknown_variables", json_string(hy_buf_cstr(&found.unknown)));
        json_object_set_new(o, "unsigned_domain", json_string(found.unsigned_domain));
        hy_control_finish(call, o);
    } else {
        hy_control_fail_diag(call, err, &diag);
    }
    hy_buf_free(&found.unknown);
}

/* ---- list, show ---- */

static void list(struct hy_control_call *call, void *ctx)
{
    struct hy_daemon *d = ctx;
    struct hy_txn t = {0};
    struct hy_campaign c;
    struct hy_campaign_progress p;
    struct tenant_scope scope = {0};
    struct hy_diag diag = {""};
    hy_id after = 0;
    int err = tenant_scope_arg(d, hy_control_args(call), &diag, &scope);
    if (err != HY_OK) {
        hy_control_fail(call, err, diag.text, NULL);
        return;
    }
    json_t *all = json_array();
    err = hy_txn_read(d->env, &t);
    while (err == HY_OK && (err = hy_campaign_next(&t, after, &c)) == HY_OK) {
        after = c.id;
        if (!tenant_scope_has(&scope, c.tenant))
            continue;
        err = hy_campaign_progress(&t, c.id, &p);
        if (err == HY_OK)
            json_array_append_new(all, ctl_campaign_json(d, &c, &p));
    }
    hy_txn_end(&t);
    if (err != HY_ENOTFOUND) {
        json_decref(all);
        hy_control_fail(call, err, "campaigns cannot be read from the store", NULL);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "campaigns", all);
    hy_control_finish(call, o);
}

static void show(struct hy_daemon *d, struct hy_control_call *call)
{
    struct hy_diag diag = {""};
    hy_id id = 0;
    json_t *o = NULL;
    int err = ctl_campaign_arg(d, call, &id, &diag);
    if (err == HY_OK)
        err = ctl_campaign_read(d, id, &o, &diag);
    if (err != HY_OK) {
        hy_control_fail_diag(call, err, &diag);
        return;
    }
    add_whom(d, id, o);
    hy_control_finish(call, o);
}

static void on_create(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, create);
}

static void on_show(struct hy_control_call *call, void *ctx)
{
    ctl_act_start(ctx, call, show);
}

const struct hy_control_command ctl_campaign_commands[] = {
    {"campaign.create", 1, 1, on_create},
    {"campaign.list", 0, 0, list},
    {"campaign.show", 0, 0, on_show},
    {NULL, 0, 0, NULL},
};
