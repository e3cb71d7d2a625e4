/* segment create, change, list, show, count, sample, members, delete, export: segments by hand. */
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "files.h"
#include "retell.h"

/* Text from outside: nothing in it may move the cursor. */
static void put(struct cli *c, const char *before, const char *text, const char *behind)
{
    struct hy_buf safe = HY_BUF_INIT(1u << 20);
    cli_put_cell(&safe, hy_str_of(text), SIZE_MAX, false);
    fprintf(c->out, "%s%s%s", before, hy_buf_cstr(&safe), behind);
    hy_buf_free(&safe);
}

static const char *state_word(struct cli *c, const json_t *s)
{
    const char *state = cli_str(s, "state");
    return strcmp(state, "building") == 0 ? _(c, "being built")
           : strcmp(state, "ready") == 0  ? _(c, "up to date")
                                          : _(c, "broken");
}

static void put_segment(struct cli *c, const json_t *s)
{
    char n[32], time[32];
    put(c, "", cli_str(s, "name"), "");
    fprintf(c->out, cli_int(s, "count") == 1 ? _(c, ": %s lead, %s\n") : _(c, ": %s leads, %s\n"),
            cli_number(cli_int(s, "count"), n), state_word(c, s));
    put(c, "  ", cli_str(s, "expression"), "\n");
    if (cli_str(s, "note")[0])
        put(c, "  ", cli_str(s, "note"), "\n");
    fprintf(c->out, _(c, "  changed %s by "), cli_time(cli_str(s, "changed"), time));
    put(c, "", cli_str(s, "by"), "");
    fprintf(c->out, "%s\n",
            json_is_true(json_object_get(s, "announce")) ? _(c, "; tells who enters and leaves")
                                                         : "");
}

/* What may be a slip of the finger, a line each, behind the answer itself. */
static void put_unknown(struct cli *c, const json_t *o)
{
    struct hy_buf name = HY_BUF_INIT(1u << 20), near = HY_BUF_INIT(1u << 20);
    const json_t *u;
    size_t i;
    json_array_foreach(json_object_get(o, "unknown"), i, u)
    {
        const char *what = cli_str(u, "what");
        hy_buf_reset(&name);
        hy_buf_reset(&near);
        cli_put_cell(&name, hy_str_of(cli_str(u, "name")), SIZE_MAX, false);
        cli_put_cell(&near, hy_str_of(cli_str(u, "near")), SIZE_MAX, false);
        fprintf(c->err,
                strcmp(what, "score") == 0      ? _(c, "note: no rules give points named \"%s\"")
                : strcmp(what, "tag") == 0      ? _(c, "note: no lead has a tag \"%s\"")
                : strcmp(what, "group") == 0    ? _(c, "note: no lead is in a group \"%s\"")
                : strcmp(what, "campaign") == 0 ? _(c, "note: there is no campaign \"%s\"")
                                                : _(c, "note: no lead has an attribute \"%s\""),
                hy_buf_cstr(&name));
        if (near.len)
            fprintf(c->err, _(c, " (did you mean \"%s\"?)"), hy_buf_cstr(&near));
        fputc('\n', c->err);
    }
    hy_buf_free(&near);
    hy_buf_free(&name);
}

static void put_leads(struct cli *c, const json_t *leads)
{
    static const char *const heads[] = {"LEAD", "STATUS", "ADDRESS"};
    struct cli_table t;
    const json_t *lead;
    size_t i;
    cli_table_init(&t, heads, "rll");
    json_array_foreach(leads, i, lead)
    {
        cli_table_add_n(&t, cli_int(lead, "lead"));
        cli_table_add(&t, cli_text(c, cli_str(lead, "status")));
        cli_table_add(&t, cli_str(lead, "address"));
    }
    cli_table_print(&t, c, cli_width(c));
}

/* ---- making and changing ---- */

static int edit(struct cli *c, const char *command)
{
    if (c->n_args > 1 && cli_segment_is_wrong(c, c->args[1]))
        return CLI_FAILED;
    json_t *args = json_pack("{s:s}", "name", c->args[0]), *r;
    if (c->n_args > 1)
        json_object_set_new(args, "expression", json_string(c->args[1]));
    if (cli_flag(c, "announce") && cli_flag(c, "quiet")) {
        json_decref(args);
        fprintf(c->err, "%s", _(c, "--announce and --quiet: give one of them\n"));
        return CLI_USAGE;
    }
    if (cli_flag(c, "announce") || cli_flag(c, "quiet"))
        json_object_set_new(args, "announce", json_integer(cli_flag(c, "announce")));
    int code = cli_request(c, command, args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    put_segment(c, r);
    put_unknown(c, r);
    json_decref(r);
    return CLI_OK;
}

static int run_create(struct cli *c)
{
    return edit(c, "segment.create");
}

static int run_change(struct cli *c)
{
    return edit(c, "segment.change");
}

static int run_delete(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "segment.delete", json_pack("{s:s}", "name", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, "%s", _(c, "It is gone; its leads stay as they are.\n"));
    json_decref(r);
    return CLI_OK;
}

/* ---- looking ---- */

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"LEADS", "STATE", "SEGMENT", "EXPRESSION"};
    struct cli_table t;
    json_t *r;
    const json_t *s;
    size_t i;
    int code = cli_request(c, "segment.list", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rlll");
    json_array_foreach(json_object_get(r, "segments"), i, s)
    {
        cli_table_add_n(&t, cli_int(s, "count"));
        cli_table_add(&t, state_word(c, s));
        cli_table_add(&t, cli_str(s, "name"));
        cli_table_add(&t, cli_str(s, "expression"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

static int run_show(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "segment.show", json_pack("{s:s}", "name", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    put_segment(c, r);
    put_unknown(c, r);
    json_decref(r);
    return CLI_OK;
}

static int count(struct cli *c, int sample)
{
    if (cli_segment_is_wrong(c, c->args[0]))
        return CLI_FAILED;
    json_t *args = json_pack("{s:s}", "expression", c->args[0]), *r;
    struct hy_control_call_options o = {.timeout_ms = -1};
    char n[32], of[32];
    json_object_set_new(args, "sample", json_integer(sample));
    int code = cli_number_option(c, "sample", 100, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "segment.count", args, &o, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "%s of %s leads (%lld ms)\n"), cli_number(cli_int(r, "count"), n),
            cli_number(cli_int(r, "of"), of), (long long)cli_int(r, "ms"));
    if (json_array_size(json_object_get(r, "sample")))
        put_leads(c, json_object_get(r, "sample"));
    put_unknown(c, r);
    json_decref(r);
    return CLI_OK;
}

static int run_count(struct cli *c)
{
    return count(c, 0);
}

static int run_sample(struct cli *c)
{
    return count(c, 10);
}

static int run_members(struct cli *c)
{
    json_t *args = json_pack("{s:s}", "name", c->args[0]), *r;
    int code = cli_number_option(c, "limit", 1000, args);
    if (!code)
        code = cli_number_option(c, "after", UINT32_MAX, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "segment.members", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    put_leads(c, json_object_get(r, "leads"));
    if (json_is_integer(json_object_get(r, "next")))
        fprintf(c->out, _(c, "There are more: --after %lld\n"), (long long)cli_int(r, "next"));
    json_decref(r);
    return CLI_OK;
}

static int run_export(struct cli *c)
{
    int64_t rows = -1;
    char n[32];
    json_t *args = json_pack("{s:s, s:b}", "segment", c->args[0], "safe", (int)!cli_flag(c, "raw"));
    int code = export_file(c, "segment.export", args, &rows);
    if (code == CLI_OK && rows >= 0)
        fprintf(c->err, _(c, "Leads exported: %s.\n"), cli_number(rows, n));
    return code;
}

/* ---- commands ---- */

static const struct cli_option edit_options[] = {
    {"announce",
     NULL,
     CLI_TEXT,
     NULL,
     {"tell who enters and leaves, as activities and events",
      "入った人・出た人を行動とイベントで知らせる"}},
    {"quiet", NULL, CLI_TEXT, NULL, {"tell nobody (as at first)", "知らせない (既定)"}},
    {0}};

const struct cli_command cmd_segment_create = {
    .name = "segment create",
    .args = "NAME SEGMENT",
    .n_min = 2,
    .n_max = 2,
    .summary = {"make a segment that is kept up to date", "常に最新に保たれるセグメントを作る"},
    .about = {"Who is in it is found within seconds; from then on what leads do, what changes of "
              "them and the passing of time move them in and out at once.",
              "該当するリードは数秒で求められ、その後は行動・属性の変更・時間の経過に応じて"
              "すぐに出入りします。"},
    .examples = "hayauma segment create hot 'score >= 50 and clicked(within 30d)' --announce",
    .options = edit_options,
    .run = run_create,
};

const struct cli_command cmd_segment_change = {
    .name = "segment change",
    .args = "NAME [SEGMENT]",
    .n_min = 1,
    .n_max = 2,
    .summary = {"change the words of a segment, or whom it tells",
                "セグメントの式や通知の有無を変える"},
    .examples = "hayauma segment change hot 'score >= 60'\nhayauma segment change hot --quiet",
    .options = edit_options,
    .run = run_change,
};

const struct cli_command cmd_segment_list = {
    .name = "segment list",
    .args = "",
    .summary = {"show all segments with how many leads are in them",
                "セグメントの一覧と人数を表示する"},
    .examples = "hayauma segment list",
    .run = run_list,
};

const struct cli_command cmd_segment_show = {
    .name = "segment show",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show a segment", "セグメントを表示する"},
    .examples = "hayauma segment show hot",
    .run = run_show,
};

static const struct cli_option sample_options[] = {
    {"sample",
     "N",
     CLI_TEXT,
     NULL,
     {"leads to show, at most 100", "表示するリードの数 (100 まで)"}},
    {0}};

const struct cli_command cmd_segment_count = {
    .name = "segment count",
    .args = "SEGMENT",
    .n_min = 1,
    .n_max = 1,
    .summary = {"count the leads that an expression means, without storing it",
                "式に該当するリードを、保存せずに数える"},
    .examples = "hayauma segment count 'tag(\"vip\") and not ordered(within 90d)' --sample 5",
    .options = sample_options,
    .run = run_count,
};

const struct cli_command cmd_segment_sample = {
    .name = "segment sample",
    .args = "SEGMENT",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show some leads that an expression means, from all over (10)",
                "式に該当するリードの一部を全体から選んで表示する (10 件)"},
    .examples = "hayauma segment sample 'segment(\"hot\") and country = \"JP\"'",
    .options = sample_options,
    .run = run_sample,
};

static const struct cli_option members_options[] = {
    {"limit", "N", CLI_TEXT, NULL, {"leads to show (20)", "表示する件数 (20)"}},
    {"after", "LEAD", CLI_TEXT, NULL, {"go on behind this one", "このリードの次から"}},
    {0}};

const struct cli_command cmd_segment_members = {
    .name = "segment members",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show the leads of a segment", "セグメントのリードを表示する"},
    .examples = "hayauma segment members hot --limit 100",
    .options = members_options,
    .run = run_members,
};

const struct cli_command cmd_segment_delete = {
    .name = "segment delete",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .summary = {"delete a segment that nothing else names",
                "ほかから使われていないセグメントを削除する"},
    .examples = "hayauma segment delete hot",
    .run = run_delete,
};

static const struct cli_option export_options[] = {CLI_OUTPUT_OPTION, CLI_RAW_OPTION, {0}};

const struct cli_command cmd_segment_export = {
    .name = "segment export",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .summary = {"write the leads of a segment as CSV (UTF-8), with all attributes",
                "セグメントのリードを全属性とともに CSV (UTF-8) で書き出す"},
    .examples = "hayauma segment export hot --output hot.csv",
    .options = export_options,
    .run = run_export,
};
