/* template.put, template.delete, template.show, template.list: stored templates by hand. Each on a
 * thread of its own: a change waits for its commit, and a large template takes milliseconds to
 * compile. */
#include "ctl_common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/base/list.h"
#include "hayauma/web/template.h"

struct job {
    struct hy_daemon *d;
    struct hy_control_call *call;
    int (*run)(struct job *j, json_t *o, struct hy_diag *diag);
    int fds[2]; /* the text, and the HTML, for put; -1: none */
    uint32_t tenant;
    struct hy_str name;
    struct hy_buf texts[2];
};

static void job_free(struct job *j)
{
    for (int i = 0; i < 2; i++) {
        if (j->fds[i] >= 0)
            close(j->fds[i]);
        hy_buf_free(&j->texts[i]);
    }
    free(j);
}

static int read_args(struct job *j, struct hy_diag *diag)
{
    const json_t *args = hy_control_args(j->call);
    struct tenant_scope scope = {0};
    const char *name = "";
    int err = hy_control_arg_string(args, "name", "", diag, &name);
    if (err == HY_OK)
        err = tenant_scope_arg(j->d, args, diag, &scope);
    j->name = hy_str_of(name);
    j->tenant = scope.is_one ? scope.number : 0;
    return err;
}

static void main_of_job(void *arg)
{
    struct job *j = arg;
    struct hy_diag diag = {""};
    json_t *o = json_object();
    int err = read_args(j, &diag);
    if (err == HY_OK)
        err = j->run(j, o, &diag);
    if (err == HY_ENOTFOUND && !diag.text[0])
        hy_fail(&diag, err, "there is no template '%.64s', or not in this version", j->name.p);
    if (err == HY_OK) {
        hy_control_finish(j->call, o);
    } else {
        json_decref(o);
        hy_control_fail_diag(j->call, err, &diag);
    }
    job_free(j);
}

static void start(struct hy_control_call *call, void *ctx, enum ctl_job_kind kind,
                  int (*run)(struct job *j, json_t *o, struct hy_diag *diag))
{
    struct job *j = calloc(1, sizeof *j);
    if (!j) {
        hy_control_fail(call, HY_ENOMEM, "out of memory", NULL);
        return;
    }
    *j = (struct job){.d = ctx,
                      .call = call,
                      .run = run,
                      .fds = {hy_control_take_fd(call, 0), hy_control_take_fd(call, 1)}};
    if (!ctl_job_start(ctx, call, kind, main_of_job, j))
        job_free(j);
}

static void set_head(json_t *o, const struct hy_stored_template *m)
{
    char time[32];
    json_object_set_new(o, "name", ctl_text_json(m->name));
    ctl_set_count(o, "version", m->version);
    ctl_set_count(o, "oldest_version", m->oldest);
    json_object_set_new(o, "created", json_string(hy_wall_format(m->created, time)));
    json_object_set_new(o, "changed", json_string(hy_wall_format(m->changed, time)));
    ctl_set_count(o, "bytes", m->bytes);
    json_object_set_new(o, "by", ctl_text_json(m->by));
}

/* ---- changes ---- */

struct change {
    struct hy_write_req req;
    uint32_t tenant;
    struct hy_stored_template m;
    enum hy_template_did did;
    bool is_removing;
};

static int apply(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    struct hy_stored_template m = x->m; /* set by each apply anew */
    int err = x->is_removing ? hy_template_del(t, x->tenant, m.name)
                             : hy_template_put(t, x->tenant, &m, &x->did);
    if (err == HY_OK)
        x->m = m;
    return err;
}

/* To its end; one byte more than there may be shows that it is too long. */
static int read_text(int fd, struct hy_buf *out, struct hy_diag *diag)
{
    *out = HY_BUF_INIT(HY_TEMPLATE_TEXT_MAX + 1);
    if (hy_buf_reserve(out, HY_TEMPLATE_TEXT_MAX + 1) != HY_OK)
        return HY_ENOMEM;
    while (out->len <= HY_TEMPLATE_TEXT_MAX) {
        ssize_t n = read(fd, out->data + out->len, HY_TEMPLATE_TEXT_MAX + 1 - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return hy_fail(diag, HY_EIO, "the template cannot be read: %s", strerror(errno));
        if (n == 0)
            break;
        out->len += (size_t)n;
    }
    return HY_OK;
}

static json_t *details(const struct change *x)
{
    json_t *o = json_object();
    json_object_set_new(o, "template", ctl_text_json(x->m.name));
    ctl_set_count(o, "tenant", x->tenant);
    if (!x->is_removing)
        ctl_set_count(o, "version", x->m.version);
    return o;
}

static int store(struct job *j, struct change *x, struct hy_diag *diag)
{
    int err = hy_writer_run(j->d->writer, &x->req);
    if (err == HY_EQUOTA)
        return hy_fail(diag, err,
                       "a tenant has at most %d templates, which take %d MiB with all their "
                       "versions",
                       HY_TEMPLATES_MAX, HY_TEMPLATES_BYTES_MAX >> 20);
    if (err == HY_OK && x->did != HY_TEMPLATE_SAME)
        act_log(j->d, hy_control_command_name(j->call), hy_control_uid(j->call), details(x));
    return err;
}

static int run_put(struct job *j, json_t *o, struct hy_diag *diag)
{
    static const char *const did[] = {"", "made", "changed", "same"};
    const json_t *args = hy_control_args(j->call);
    const char *subject = "";
    char by[40];
    bool has_html = false;
    struct change x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply}, .tenant = j->tenant};
    int err = hy_control_arg_string(args, "subject", "", diag, &subject);
    if (err == HY_OK) /* with one descriptor: which of the two it is */
        err = hy_control_arg_bool(args, "html", false, diag, &has_html);
    for (int i = 0; i < 2 && err == HY_OK; i++)
        if (j->fds[i] >= 0)
            err = read_text(j->fds[i], &j->texts[i], diag);
    if (err != HY_OK)
        return err;
    bool is_html_only = has_html && j->fds[1] < 0;
    user_name(hy_control_uid(j->call), by, sizeof by);
    x.m = (struct hy_stored_template){.name = j->name,
                                      .by = hy_str_of(by),
                                      .subject = hy_str_of(subject),
                                      .text = hy_buf_str(&j->texts[is_html_only]),
                                      .html = hy_buf_str(&j->texts[!is_html_only])};
    err = hy_template_check(&x.m, diag);
    if (err == HY_OK)
        err = store(j, &x, diag);
    if (err == HY_OK) {
        set_head(o, &x.m);
        json_object_set_new(o, "did", json_string(did[x.did]));
    }
    return err;
}

static int run_delete(struct job *j, json_t *o, struct hy_diag *diag)
{
    struct change x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply},
                       .tenant = j->tenant,
                       .m.name = j->name,
                       .is_removing = true};
    int err = store(j, &x, diag);
    json_object_set_new(o, "name", ctl_text_json(j->name));
    return err;
}

/* ---- looking ---- */

static int run_show(struct job *j, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_stored_template m;
    int64_t version = 0;
    int err =
        hy_control_arg_int(hy_control_args(j->call), "version", 0, 0, UINT32_MAX, diag, &version);
    j->texts[0] = HY_BUF_INIT(HY_TEMPLATE_BYTES_MAX);
    if (err == HY_OK)
        err = hy_txn_read(j->d->env, &t);
    if (err == HY_OK)
        err = hy_template_get(&t, j->tenant, j->name, (uint32_t)version, &j->texts[0], &m);
    hy_txn_end(&t);
    if (err != HY_OK)
        return err;
    set_head(o, &m);
    json_object_set_new(o, "subject", ctl_text_json(m.subject));
    json_object_set_new(o, "text", ctl_text_json(m.text));
    json_object_set_new(o, "html", ctl_text_json(m.html));
    return HY_OK;
}

static int run_list(struct job *j, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_stored_template m;
    struct hy_str after = HY_STR("");
    struct hy_templates_used used = {0};
    json_t *list = json_array();
    (void)diag;
    int err = hy_txn_read(j->d->env, &t);
    if (err == HY_OK)
        err = hy_templates_used(&t, j->tenant, &used);
    while (err == HY_OK && (err = hy_template_next(&t, j->tenant, after, &m)) == HY_OK) {
        json_t *one = json_object();
        set_head(one, &m);
        json_array_append_new(list, one);
        after = m.name; /* a view into the snapshot */
    }
    json_object_set_new(o, "templates", list);
    ctl_set_count(o, "bytes", used.bytes);
    ctl_set_count(o, "max", HY_TEMPLATES_MAX);
    ctl_set_count(o, "max_bytes", HY_TEMPLATES_BYTES_MAX);
    hy_txn_end(&t);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* ---- the table ---- */

static void put(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_ALTER, run_put);
}

static void delete_one(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_ALTER, run_delete);
}

static void show(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void list(struct hy_control_call *call, void *ctx)
{
    start(call, ctx, CTL_JOB_LOOK, run_list);
}

const struct hy_control_command ctl_template_commands[] = {
    {"template.put", 1, 2, put},
    {"template.delete", 0, 0, delete_one},
    {"template.show", 0, 0, show},
    {"template.list", 0, 0, list},
    {NULL, 0, 0, NULL},
};
