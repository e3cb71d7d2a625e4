/* lead.show, lead.search, lead.edit; attribute.list, attribute.type; list.create: people by hand.
 * Each on a thread of its own: a change waits for its commit, looking goes through every campaign
 * or every lead. */
#include "ctl_common.h"

#include <stdarg.h>
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/config/config.h"
#include "hayauma/deliver/deliver.h"
#include "hayauma/mail/address.h"
#include "hayauma/store/attr_type.h"
#include "hayauma/web/leads.h"
#include "opt_in_mail.h"

enum { EDIT_ARENA_MAX = 16 << 20 };

/* The lead that argument "lead" names. */
static int resolve(struct ctl_task *k, struct hy_txn *t, hy_lead_no *ret, struct hy_diag *diag)
{
    const char *which = "";
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_lead_resolve(t, hy_str_of(which), ret, diag);
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no lead '%.200s'", which) : err;
}

/* ---- looking ---- */

static int run_show(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    json_t *lead = NULL, *timeline = NULL;
    const char *before = "";
    int64_t limit = 0;
    hy_id at = 0;
    hy_lead_no no = 0;
    int err = hy_control_arg_int(k->args, "limit", 50, 1, HY_LEAD_PAGE_MAX, diag, &limit);
    if (!err)
        err = hy_control_arg_string(k->args, "before", "", diag, &before);
    if (!err && before[0] && hy_id_parse(hy_str_of(before), &at) != HY_OK)
        err = hy_fail(diag, HY_EINVAL, "'%.40s' is no place in a timeline", before);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = resolve(k, &t, &no, diag);
    if (!err)
        err = hy_lead_json(&t, no, &lead);
    if (!err)
        err = hy_lead_timeline_json(&t, no, at, (size_t)limit, &timeline);
    hy_txn_end(&t);
    json_object_set_new(o, "lead", lead);
    json_object_update(o, timeline);
    json_decref(timeline);
    return err;
}

static int search_args(struct ctl_task *k, struct hy_lead_search *s, struct hy_diag *diag)
{
    const struct {
        const char *name;
        struct hy_str *to;
    } texts[] = {{"text", &s->text}, {"tag", &s->tag},     {"group", &s->group},
                 {"list", &s->list}, {"value", &s->value}, {"attribute", &s->attribute}};
    int64_t limit = 0;
    int err = hy_control_arg_int(k->args, "limit", 20, 1, HY_LEAD_PAGE_MAX, diag, &limit);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !err; i++) {
        const char *text = "";
        err = hy_control_arg_string(k->args, texts[i].name, "", diag, &text);
        *texts[i].to = hy_str_of(text);
    }
    s->limit = (size_t)limit;
    return err;
}

/* What is written out in full is meant alone. */
static bool is_named(struct hy_txn *t, const struct hy_lead_search *s, json_t *leads)
{
    hy_lead_no no = 0;
    json_t *o = NULL;
    if (s->text.n == 0 || s->tag.n + s->group.n + s->list.n + s->attribute.n ||
        hy_lead_resolve(t, s->text, &no, NULL) != HY_OK || hy_lead_json(t, no, &o) != HY_OK)
        return false;
    json_array_append_new(leads, o);
    return true;
}

static int run_search(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_lead_search s = {.limit = 0};
    struct hy_txn t = {0};
    json_t *leads = json_array();
    bool is_more = true;
    int err = search_args(k, &s, diag);
    size_t limit = s.limit;
    json_object_set_new(o, "leads", leads);
    if (!err)
        err = hy_txn_read(k->d->env, &t);
    if (!err && is_named(&t, &s, leads))
        is_more = false;
    while (!err && is_more && json_array_size(leads) < limit && !hy_control_is_cancelled(k->call)) {
        s.limit = limit - json_array_size(leads);
        err = hy_lead_search(&t, &s, leads, &is_more, diag);
        hy_control_progress(k->call, json_pack("{s:I, s:I}", "looked_at", (json_int_t)s.lead,
                                               "found", (json_int_t)json_array_size(leads)));
        hy_txn_park(&t);
        if (!err)
            err = hy_txn_renew(&t);
    }
    hy_txn_end(&t);
    json_object_set_new(o, "more", json_boolean(is_more));
    return err;
}

/* ---- changing ---- */

struct change {
    struct hy_write_req req;
    struct hy_lead_edit e;
    const char *which; /* the lead that is meant; "": as the edit says */
    struct hy_lead_edit_result r;
    struct hy_diag diag;
};

static int apply_edit(struct hy_write_req *r, struct hy_txn *t)
{
    struct change *x = hy_container_of(r, struct change, req);
    x->diag.text[0] = '\0';
    if (x->which[0]) {
        int err = hy_lead_resolve(t, hy_str_of(x->which), &x->e.lead, &x->diag);
        if (err)
            return err == HY_ENOTFOUND
                       ? hy_fail(&x->diag, err, "there is no lead '%.200s'", x->which)
                       : err;
    }
    return hy_lead_edit(t, &x->e, &x->r, &x->diag);
}

static void name_operator(const struct ctl_task *k, char out[80])
{
    if (k->user[0])
        snprintf(out, 80, "user %s", k->user);
    else
        snprintf(out, 80, "uid %u", (unsigned)hy_control_uid(k->call));
}

static int run_edit(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_arena arena = HY_ARENA_INIT(EDIT_ARENA_MAX);
    struct change x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_edit}, .which = ""};
    char field[64], by[80];
    name_operator(k, by);
    int err = hy_lead_edit_read(json_object_get(k->args, "edit"), &arena, &x.e, field, diag);
    if (err && field[0]) {
        struct hy_diag where = {""};
        hy_fail(&where, err, "%s: %.400s", field, diag->text);
        *diag = where;
    }
    if (!err)
        err = hy_control_arg_string(k->args, "lead", "", diag, &x.which);
    x.e.by = hy_str_of(by);
    if (!err)
        err = hy_writer_run(k->d->writer, &x.req);
    if (err && !diag->text[0])
        *diag = x.diag;
    hy_arena_free(&arena);
    if (err)
        return err;
    json_t *r = hy_lead_edited_json(&x.r);
    json_object_update(o, r);
    if (x.r.what)
        act_log(k->d, "lead.edit", hy_control_uid(k->call), r);
    else
        json_decref(r);
    return HY_OK;
}

/* ---- attributes ---- */

static int run_attributes(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    json_t *list = json_array();
    size_t n = 0;
    (void)diag;
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = hy_attr_count(&t, &n);
    for (size_t i = 0; i < n && !err; i++) {
        struct hy_str name;
        enum hy_attr_type type = HY_ATTR_TEXT;
        err = hy_attr_name(&t, (hy_attr_no)i, &name);
        if (!err)
            err = hy_attr_type_get(&t, (hy_attr_no)i, &type);
        if (!err)
            json_array_append_new(list, json_pack("{s:o, s:s}", "name", ctl_text_json(name), "type",
                                                  hy_attr_type_name(type)));
    }
    hy_txn_end(&t);
    json_object_set_new(o, "attributes", list);
    return err;
}

struct typing {
    struct hy_write_req req;
    struct hy_str name;
    enum hy_attr_type type;
};

static int apply_type(struct hy_write_req *r, struct hy_txn *t)
{
    struct typing *x = hy_container_of(r, struct typing, req);
    hy_attr_no no = 0;
    int err = hy_attr_intern(t, x->name, &no);
    return err ? err : hy_attr_type_set(t, no, x->type);
}

static int run_type(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct typing x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_type}};
    const char *name = "", *type = "";
    int err = hy_control_arg_string_required(k->args, "name", diag, &name);
    if (!err)
        err = hy_control_arg_string_required(k->args, "type", diag, &type);
    if (err)
        return err;
    x.name = hy_str_of(name);
    if (!hy_attr_name_ok(x.name))
        return hy_fail(diag, HY_EINVAL, "'%.64s' cannot name an attribute", name);
    if (hy_attr_type_find(hy_str_of(type), &x.type) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "'%.40s' is no type: text, number, bool, date or moment",
                       type);
    err = hy_writer_run(k->d->writer, &x.req);
    if (err)
        return err;
    json_t *done = json_pack("{s:s, s:s}", "name", name, "type", type);
    json_object_update(o, done);
    act_log(k->d, "attribute.type", hy_control_uid(k->call), done);
    return HY_OK;
}

/* ---- lists ---- */

struct creation {
    struct hy_write_req req;
    struct hy_str name;
    struct hy_list_rules rules;
    bool is_change; /* of one that may be there */
};

static int apply_create(struct hy_write_req *r, struct hy_txn *t)
{
    struct creation *x = hy_container_of(r, struct creation, req);
    hy_list_no no = 0;
    int err = x->is_change ? hy_list_find(t, x->name, &no)
                           : hy_list_create(t, x->name, hy_txn_new_id(t), &no);
    return err ? err : hy_list_set_rules(t, no, &x->rules);
}

static int read_rules(struct ctl_task *k, struct hy_list_rules *ret, struct hy_address *from,
                      struct hy_diag *diag)
{
    const char *opt_in = "", *sender = "", *template = "";
    enum hy_address_reason why;
    int64_t confirm_s = 0;
    int err = hy_control_arg_string(k->args, "opt_in", "single", diag, &opt_in);
    if (!err)
        err = hy_control_arg_string(k->args, "from", "", diag, &sender);
    if (!err)
        err = hy_control_arg_string(k->args, "template", "", diag, &template);
    if (!err)
        err = hy_control_arg_int(k->args, "confirm_s", HY_LIST_CONFIRM_S, 60, HY_LIST_CONFIRM_MAX_S,
                                 diag, &confirm_s);
    if (err)
        return err;
    bool is_double = strcmp(opt_in, "double") == 0;
    if (!is_double && strcmp(opt_in, "single") != 0)
        return hy_fail(diag, HY_EINVAL, "opt_in must be single or double");
    if (strlen(template) > HY_LIST_TEMPLATE_MAX)
        return hy_fail(diag, HY_EINVAL, "the name of the template is too long");
    if (sender[0] && hy_address_parse(hy_str_of(sender), NULL, from, &why) != HY_OK)
        return hy_fail(diag, HY_EINVAL, "from: %s", hy_address_reason_text(why));
    *ret = (struct hy_list_rules){
        .opt_in = is_double ? HY_LIST_OPT_IN_DOUBLE : HY_LIST_OPT_IN_SINGLE,
        .confirm_s = (uint32_t)confirm_s,
        .from = sender[0] ? hy_address_wire(from) : (struct hy_str){0},
        .template = hy_str_of(template),
    };
    return HY_OK;
}

static void warn(json_t *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void warn(json_t *list, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    json_array_append_new(list, json_string(text));
}

/* What keeps the mail of a list that asks from going: such a list is good, but whoever joins waits
 * until it is mended. */
static json_t *lacks_of(struct ctl_task *k, const struct hy_list_rules *rules)
{
    struct hy_config *c = daemon_config(k->d);
    json_t *list = json_array();
    char room[OPT_IN_FROM_MAX];
    struct hy_address from;
    enum hy_address_reason why;
    if (rules->opt_in == HY_LIST_OPT_IN_DOUBLE) {
        struct hy_str sender = opt_in_mail_from(c, rules->from, room);
        if (!c->tracking.base_url[0])
            warn(list, "nobody can confirm: set tracking.base_url and tracking.listen");
        if (hy_address_parse(sender, NULL, &from, &why) != HY_OK)
            warn(list, "the sender '%.*s' is no mail address: name one with --from",
                 HY_STR_ARG(sender));
        else if (!hy_deliver_signs(k->d->deliver, 0, hy_address_domain(&from).p))
            warn(list,
                 "no DKIM key signs for %s, so that no mail that asks goes out: make one with "
                 "'hayauma dkim keygen' and name it under dkim.keys",
                 hy_address_domain(&from).p);
    }
    hy_config_unref(c);
    return list;
}

static int run_create_list(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct creation x = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_create}};
    struct hy_address from;
    const char *name = "";
    int err = hy_control_arg_string_required(k->args, "name", diag, &name);
    if (!err)
        err = hy_control_arg_bool(k->args, "change", false, diag, &x.is_change);
    if (!err)
        err = read_rules(k, &x.rules, &from, diag);
    x.name = hy_str_of(name);
    if (!err)
        err = hy_writer_run(k->d->writer, &x.req);
    if (err == HY_EEXIST)
        return hy_fail(diag, err, "there is a list '%.100s' already: --change changes it", name);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no list '%.100s'", name);
    if (err == HY_EINVAL)
        return hy_fail(diag, err, "a list's name has 1 to %d bytes of text", HY_LIST_NAME_MAX);
    if (err)
        return err;
    json_t *done = json_pack("{s:s, s:s}", "name", name, "opt_in",
                             x.rules.opt_in == HY_LIST_OPT_IN_DOUBLE ? "double" : "single");
    json_object_update(o, done);
    json_object_set_new(o, "warnings", lacks_of(k, &x.rules));
    act_log(k->d, "list.create", hy_control_uid(k->call), done);
    return HY_OK;
}

/* ---- the table ---- */

static void show(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_show);
}

static void search(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_search);
}

static void edit(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_edit);
}

static void attributes(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_attributes);
}

static void type(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_type);
}

static void create_list(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_create_list);
}

const struct hy_control_command ctl_lead_commands[] = {
    {"lead.show", 0, 0, show},
    {"lead.search", 0, 0, search},
    {"lead.edit", 0, 0, edit},
    {"attribute.list", 0, 0, attributes},
    {"attribute.type", 0, 0, type},
    {"list.create", 0, 0, create_list},
    {NULL, 0, 0, NULL},
};
