/* lead.consent, lead.consent.add, lead.consents (all, as CSV), lead.export: what is known of a
 * person, and what it agreed to. Each on a thread of its own. */
#include <stdlib.h>
#include <unistd.h>

#include "ctl_common.h"
#include "hayauma/audience/csv.h"
#include "hayauma/base/list.h"
#include "hayauma/store/identity.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/lead_alias.h"
#include "hayauma/web/person_json.h"
#include "write_out.h"

enum { OUT_BYTES = 256 * 1024, ROW_BYTES = 1 << 20, EXPORT_MAX = 1 << 30, ROWS_AT_ONCE = 1000 };

/* The lead that argument "lead" names, or the one that stands for it. */
static int find(struct ctl_task *k, struct hy_txn *t, hy_lead_no *ret, struct hy_diag *diag)
{
    const char *which = "";
    int err = hy_control_arg_string_required(k->args, "lead", diag, &which);
    if (!err)
        err = hy_lead_resolve(t, hy_str_of(which), ret, diag);
    if (!err)
        err = hy_lead_kept(t, *ret, ret);
    return err == HY_ENOTFOUND ? hy_fail(diag, err, "there is no lead '%.200s'", which) : err;
}

/* ---- consents ---- */

static int run_consent(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    hy_lead_no lead = 0;
    json_t *got = NULL;
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = find(k, &t, &lead, diag);
    if (!err)
        err = hy_consents_json(&t, lead, &got);
    hy_txn_end(&t);
    if (!err)
        json_object_update(o, got);
    json_decref(got);
    return err;
}

struct adding {
    struct hy_write_req req;
    struct hy_consent consent;
};

static int apply_add(struct hy_write_req *r, struct hy_txn *t)
{
    struct adding *a = hy_container_of(r, struct adding, req);
    struct hy_consent c = a->consent;
    int err = hy_consent_put(t, &c);
    if (!err)
        a->consent.id = c.id;
    return err;
}

static int read_texts(const json_t *args, struct hy_consent *c, struct hy_diag *diag)
{
    const struct {
        const char *name;
        struct hy_str *to;
    } texts[] = {{"purpose", &c->purpose}, {"source", &c->source}, {"agent", &c->agent},
                 {"version", &c->version}, {"token", &c->token},   {"text", &c->text}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = "";
        int err = hy_control_arg_string(args, texts[i].name, "", diag, &text);
        if (err)
            return err;
        *texts[i].to = hy_str_of(text);
    }
    return c->purpose.n ? 0 : hy_fail(diag, HY_EINVAL, "for what purpose is not said");
}

static int read_consent(struct ctl_task *k, struct hy_txn *t, struct hy_consent *c,
                        struct hy_diag *diag)
{
    const char *what = "", *how = "", *at = "", *list = "";
    int err = read_texts(k->args, c, diag);
    if (!err)
        err = hy_control_arg_string(k->args, "what", "given", diag, &what);
    if (!err)
        err = hy_control_arg_string(k->args, "how", "operator", diag, &how);
    if (!err)
        err = hy_control_arg_string(k->args, "at", "", diag, &at);
    if (!err)
        err = hy_control_arg_string(k->args, "list", "", diag, &list);
    if (err)
        return err;
    if (hy_consent_what_find(hy_str_of(what), &c->what) != 0)
        return hy_fail(diag, HY_EINVAL, "'%.40s' is neither given nor withdrawn", what);
    if (hy_consent_how_find(hy_str_of(how), &c->how) != 0)
        return hy_fail(diag, HY_EINVAL, "'%.40s' is no way to agree", how);
    if (at[0] && hy_wall_parse(hy_str_of(at), &c->at) != 0)
        return hy_fail(diag, HY_EINVAL, "'%.40s' is no time like 2026-12-01T09:00:00Z", at);
    if (list[0] && hy_list_find(t, hy_str_of(list), &c->list) != 0)
        return hy_fail(diag, HY_ENOTFOUND, "there is no list '%.100s'", list);
    return find(k, t, &c->lead, diag);
}

static int run_add(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct adding a = {.req = {.class = HY_WRITE_ADMIN, .apply = apply_add},
                       .consent = {.by = hy_str_of(k->user)}};
    struct hy_txn t = {0};
    char id[HY_ID_TEXT_MAX];
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = read_consent(k, &t, &a.consent, diag);
    hy_txn_end(&t);
    if (!err)
        err = hy_writer_run(k->d->writer, &a.req);
    if (err)
        return err == HY_ELIMIT ? hy_fail(diag, err, "a text is longer than it may be") : err;
    json_object_set_new(o, "id", json_string(hy_id_format(a.consent.id, id)));
    json_object_set_new(o, "lead", json_integer(a.consent.lead));
    return 0;
}

/* ---- all consents ---- */

static const char *const columns[] = {"lead", "address", "at",      "noted", "what",
                                      "how",  "purpose", "list",    "ip",    "agent",
                                      "by",   "source",  "version", "token", "text"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void put_row(struct hy_txn *t, const struct hy_consent *c, bool is_safe, struct hy_buf *out)
{
    struct hy_str address = {0};
    hy_domain_no domain;
    json_t *o = hy_consent_json(t, c);
    if (hy_lead_address(t, c->lead, &address, &domain) == 0)
        json_object_set_new(o, "address", ctl_text_json(address));
    for (size_t i = 0; i < COLUMNS; i++) {
        const json_t *x = json_object_get(o, columns[i]);
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(x));
        hy_csv_put(out, hy_str_of(json_is_integer(x) ? number : json_string_value(x)), i == 0,
                   is_safe);
    }
    hy_buf_add_c(out, '\n');
    json_decref(o);
}

/* Some thousand a snapshot, so that a slow reader holds no old pages. */
static int run_all(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_txn t = {0};
    struct hy_buf out = HY_BUF_INIT(OUT_BYTES + ROWS_AT_ONCE * (ROW_BYTES / 4));
    struct hy_consent c;
    hy_lead_no lead = 0;
    hy_id id = 0;
    uint64_t rows = 0;
    bool is_safe = true;
    int err = hy_control_arg_bool(k->args, "safe", true, diag, &is_safe);
    for (size_t i = 0; i < COLUMNS; i++)
        hy_csv_put(&out, hy_str_of(columns[i]), i == 0, false);
    hy_buf_add_c(&out, '\n');
    while (!err) {
        err = hy_txn_read(k->d->env, &t);
        for (unsigned i = 0; !err && i < ROWS_AT_ONCE && out.len < OUT_BYTES; i++) {
            err = hy_consent_next(&t, &lead, &id, &c);
            if (!err) {
                put_row(&t, &c, is_safe, &out);
                rows++;
            }
        }
        hy_txn_end(&t);
        int written = write_out(k->fd, &out, ctl_task_is_cancelled, k);
        err = err ? err : written;
    }
    hy_buf_free(&out);
    ctl_set_count(o, "rows", rows);
    return err == HY_ENOTFOUND ? 0 : err;
}

/* ---- lead.export ---- */

static int run_export(struct ctl_task *k, json_t *o, struct hy_diag *diag)
{
    struct hy_config *config = daemon_config(k->d);
    struct hy_suppress_names names = {.tenants = &config->tenants};
    struct hy_buf out = HY_BUF_INIT(EXPORT_MAX);
    struct hy_txn t = {0};
    hy_lead_no lead = 0;
    json_t *person = NULL;
    int err = hy_txn_read(k->d->env, &t);
    if (!err)
        err = find(k, &t, &lead, diag);
    if (!err)
        err = hy_person_json(&names, &t, lead, &person);
    hy_txn_end(&t);
    hy_config_unref(config);
    char *text = err ? NULL : json_dumps(person, JSON_INDENT(1));
    json_decref(person);
    if (!err && !text)
        err = HY_ENOMEM;
    if (!err) {
        hy_buf_add_str(&out, hy_str_of(text));
        hy_buf_add_c(&out, '\n');
        err = write_out(k->fd, &out, ctl_task_is_cancelled, k);
    }
    free(text);
    hy_buf_free(&out);
    act_log(k->d, hy_control_command_name(k->call), hy_control_uid(k->call),
            json_pack("{s:I}", "lead", (json_int_t)lead));
    ctl_set_count(o, "lead", lead);
    return err;
}

/* ---- the table ---- */

static void consent(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_LOOK, run_consent);
}

static void consent_add(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_ACT, run_add);
}

static void consents(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_WHOLE, run_all);
}

static void export_lead(struct hy_control_call *call, void *ctx)
{
    ctl_task_start(call, ctx, CTL_JOB_WHOLE, run_export);
}

const struct hy_control_command ctl_person_commands[] = {
    {"lead.consent", 0, 0, consent},
    {"lead.consent.add", 0, 0, consent_add},
    {"lead.consents", 1, 1, consents},
    {"lead.export", 1, 1, export_lead},
    {NULL, 0, 0, NULL},
};
