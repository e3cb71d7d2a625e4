/* lead create, set, tag, untag, join, leave: one lead changed by hand. Each is an edit as the API
 * has it. */
#include "cli.h"
#include "commands.h"
#include "edit_args.h"

#include <string.h>

/* Sends it, and says what it did. */
static int send_edit(struct cli *c, const char *lead, json_t *edit)
{
    json_t *args = json_pack("{s:o}", "edit", edit), *r;
    const json_t *changed;
    size_t i;
    const json_t *x;
    if (lead)
        json_object_set_new(args, "lead", json_string(lead));
    int code = cli_request(c, "lead.edit", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    changed = json_object_get(r, "changed");
    fprintf(c->out, _(c, "lead %lld: "), (long long)cli_int(r, "lead"));
    if (json_is_true(json_object_get(r, "new")))
        fprintf(c->out, "%s", _(c, "made"));
    else if (json_array_size(changed) == 0 && cli_int(r, "pending") == 0)
        fprintf(c->out, "%s", _(c, "nothing to change"));
    else
        json_array_foreach(changed, i, x)
            fprintf(c->out, "%s%s", i ? ", " : "", cli_text(c, json_string_value(x)));
    if (cli_int(r, "pending"))
        fprintf(c->out, _(c, "  (asked by mail to confirm: %lld)"),
                (long long)cli_int(r, "pending"));
    fprintf(c->out, "\n");
    json_decref(r);
    return CLI_OK;
}

static json_t *edit_of(struct cli *c, size_t from)
{
    json_t *edit = json_object();
    if (!cli_add_attributes(c, edit, from)) {
        json_decref(edit);
        return NULL;
    }
    cli_add_words(c, edit, "tag", "tags");
    cli_add_words(c, edit, "group", "groups");
    cli_add_words(c, edit, "list", "lists");
    cli_add_words(c, edit, "id", "ids");
    cli_add_words(c, edit, "remove-id", "remove_ids");
    if (cli_option(c, "address"))
        json_object_set_new(edit, "address", json_string(cli_option(c, "address")));
    return edit;
}

static int run_create(struct cli *c)
{
    const char *who = c->args[0], *at = strchr(who, '@');
    json_t *edit = edit_of(c, 1);
    if (!edit)
        return CLI_USAGE;
    json_object_set_new(edit, "mode", json_string("new"));
    if (at && !cli_option(c, "address")) {
        json_object_set_new(edit, "address", json_string(who));
    } else {
        json_t *ids = json_object_get(edit, "ids");
        if (!ids) {
            ids = json_array();
            json_object_set_new(edit, "ids", ids);
        }
        json_array_append_new(ids, json_string(who));
    }
    return send_edit(c, NULL, edit);
}

static int run_set(struct cli *c)
{
    json_t *edit = edit_of(c, 1);
    return edit ? send_edit(c, c->args[0], edit) : CLI_USAGE;
}

static int change_labels(struct cli *c, const char *tags, const char *groups)
{
    json_t *list = json_array();
    for (size_t i = 1; i < c->n_args; i++)
        json_array_append_new(list, json_string(c->args[i]));
    return send_edit(c, c->args[0], json_pack("{s:o}", cli_flag(c, "group") ? groups : tags, list));
}

static int run_tag(struct cli *c)
{
    return change_labels(c, "tags", "groups");
}

static int run_untag(struct cli *c)
{
    return change_labels(c, "remove_tags", "remove_groups");
}

/* LIST, then leads: the first that fails ends it. */
static int change_lists(struct cli *c, bool is_left)
{
    int code = CLI_OK;
    for (size_t i = 1; i < c->n_args && code == CLI_OK; i++) {
        json_t *edit = is_left ? json_pack("{s:[s]}", "leave_lists", c->args[0])
                               : json_pack("{s:[{s:s, s:b}]}", "lists", "name", c->args[0],
                                           "confirmed", (int)cli_flag(c, "confirmed"));
        code = send_edit(c, c->args[i], edit);
    }
    return code;
}

static int run_join(struct cli *c)
{
    return change_lists(c, false);
}

static int run_leave(struct cli *c)
{
    return change_lists(c, true);
}

/* ---- the table ---- */

#define EDIT_OPTIONS                                                                               \
    {"tag", "A,B", CLI_TEXT, NULL, {"tags it gets", "付けるタグ"}},                                \
        {"group", "A,B", CLI_TEXT, NULL, {"groups it gets into", "入れるグループ"}},               \
        {"list", "A,B", CLI_LIST, NULL, {"lists it joins", "加えるリスト"}},                       \
        {"id",                                                                                     \
         "A,B",                                                                                    \
         CLI_TEXT,                                                                                 \
         NULL,                                                                                     \
         {"ids it gets: ext:crm:7,phone:03...", "付ける ID (ext:crm:7 など)"}},                    \
    {                                                                                              \
        "address", "ADDRESS", CLI_TEXT, NULL,                                                      \
        {                                                                                          \
            "its mail address; the one before becomes a further one",                              \
                "メールアドレス (以前のものは別アドレスとして残ります)"   \
        }                                                                                          \
    }

static const struct cli_option create_options[] = {EDIT_OPTIONS, {0}};
const struct cli_command cmd_lead_create = {
    .name = "lead create",
    .args = "ADDRESS|ID [NAME=VALUE...]",
    .n_min = 1,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_TEXT,
    .summary = {"make a lead", "リードを作る"},
    .about =
        {"A lead without a mail address needs an id: ext:SYSTEM:ID, line:ID or phone:NUMBER.",
         "メールアドレスのないリードには ID (ext:システム:ID、line:ID、phone:番号) が要ります。"},
    .examples = "hayauma lead create taro@example.jp name=Taro --tag fair-2026 --list news\n"
                "hayauma lead create ext:crm:123 company=Acme",
    .options = create_options,
    .run = run_create,
};

static const struct cli_option set_options[] = {
    EDIT_OPTIONS, {"remove-id", "A,B", CLI_TEXT, NULL, {"ids it loses", "外す ID"}}, {0}};
const struct cli_command cmd_lead_set = {
    .name = "lead set",
    .args = "LEAD [NAME=VALUE...]",
    .n_min = 1,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_TEXT,
    .summary = {"change attributes of a lead; NAME= takes one away",
                "リードの属性を変える (NAME= で消す)"},
    .examples = "hayauma lead set taro@example.jp owner=hanako@example.jp status=contacted\n"
                "hayauma lead set 17 --address taro@new.example",
    .options = set_options,
    .run = run_set,
};

static const struct cli_option group_option[] = {
    {"group", NULL, CLI_TEXT, NULL, {"groups, not tags", "タグでなくグループ"}}, {0}};
const struct cli_command cmd_lead_tag = {
    .name = "lead tag",
    .args = "LEAD TAG...",
    .n_min = 2,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_TEXT,
    .summary = {"put tags on a lead", "リードにタグを付ける"},
    .examples = "hayauma lead tag taro@example.jp vip fair-2026",
    .options = group_option,
    .run = run_tag,
};
const struct cli_command cmd_lead_untag = {
    .name = "lead untag",
    .args = "LEAD TAG...",
    .n_min = 2,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_TEXT,
    .summary = {"take tags off a lead", "リードのタグを外す"},
    .examples = "hayauma lead untag taro@example.jp vip",
    .options = group_option,
    .run = run_untag,
};

static const struct cli_option join_options[] = {
    {"confirmed",
     NULL,
     CLI_TEXT,
     NULL,
     {"they agreed elsewhere: no mail asks them", "同意を得ている: 確認メールを送らない"}},
    {0}};
const struct cli_command cmd_lead_join = {
    .name = "lead join",
    .args = "LIST LEAD...",
    .n_min = 2,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_LIST,
    .summary = {"put leads on a list; one with double opt-in asks them by mail",
                "リードをリストに加える (ダブルオプトインなら確認メールを送る)"},
    .examples = "hayauma lead join news taro@example.jp\n"
                "hayauma lead join news taro@example.jp --confirmed",
    .options = join_options,
    .run = run_join,
};
const struct cli_command cmd_lead_leave = {
    .name = "lead leave",
    .args = "LIST LEAD...",
    .n_min = 2,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_LIST,
    .summary = {"take leads off a list", "リードをリストから外す"},
    .examples = "hayauma lead leave news taro@example.jp",
    .run = run_leave,
};
