/* template put, delete, show, list: the templates that calls to the HTTP API may name. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"

static json_t *args_of(const struct cli *c)
{
    json_t *args = json_object();
    if (c->n_args)
        json_object_set_new(args, "name", json_string(c->args[0]));
    if (cli_option(c, "tenant"))
        json_object_set_new(args, "tenant", json_string(cli_option(c, "tenant")));
    return args;
}

/* ---- put ---- */

/* Opens the files that are named, the text first; how many, or -1 and that is told. */
static int open_files(struct cli *c, int fds[2])
{
    static const char *const options[] = {"text", "html"};
    int n = 0;
    for (int i = 0; i < 2; i++) {
        const char *path = cli_option(c, options[i]);
        if (!path)
            continue;
        fds[n] = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
        if (fds[n] < 0) {
            char text[4096];
            snprintf(text, sizeof text, "%s: %s", path, strerror(errno));
            cli_fail(c, HY_EIO, text, NULL);
            if (n)
                close(fds[0]);
            return -1;
        }
        n++;
    }
    if (n == 0)
        cli_fail(c, HY_EINVAL, _(c, "name a file with --text, --html or both"), NULL);
    return n ? n : -1;
}

static int run_put(struct cli *c)
{
    int fds[2], n = open_files(c, fds);
    json_t *r;
    if (n < 0)
        return CLI_USAGE;
    json_t *args = args_of(c);
    if (cli_option(c, "subject"))
        json_object_set_new(args, "subject", json_string(cli_option(c, "subject")));
    json_object_set_new(args, "html", json_boolean(cli_option(c, "html") != NULL));
    struct hy_control_call_options o = {.fds = fds, .n_fds = (size_t)n, .timeout_ms = -1};
    int code = cli_request(c, "template.put", args, &o, &r);
    for (int i = 0; i < n; i++)
        close(fds[i]);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out,
            strcmp(cli_str(r, "did"), "same") == 0 ? _(c, "%s was version %lld already.\n")
                                                   : _(c, "%s is version %lld now.\n"),
            cli_str(r, "name"), (long long)cli_int(r, "version"));
    json_decref(r);
    return CLI_OK;
}

/* ---- delete ---- */

static int run_delete(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "template.delete", args_of(c), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "%s is gone, with all its versions.\n"), cli_str(r, "name"));
    json_decref(r);
    return CLI_OK;
}

/* ---- show ---- */

/* Templates are texts of people: what would move the cursor is left out, lines stay. */
static void put_lines(struct cli *c, struct hy_str text)
{
    struct hy_str line;
    while (text.n && hy_str_split(&text, '\n', &line)) {
        struct hy_buf out = HY_BUF_INIT(8 << 20);
        cli_put_cell(&out, line, SIZE_MAX, false);
        fprintf(c->out, "%s\n", hy_buf_cstr(&out));
        hy_buf_free(&out);
    }
}

static int run_show(struct cli *c)
{
    static const char *const parts[] = {"subject", "text", "html"};
    json_t *args = args_of(c), *r;
    char when[32], n[32];
    const char *version = cli_option(c, "version");
    if (version) {
        uint64_t no = 0;
        if (hy_str_to_u64(hy_str_of(version), UINT32_MAX, &no) != HY_OK || no == 0) {
            json_decref(args);
            cli_fail(c, HY_EINVAL, _(c, "a version is a number from 1 on"), NULL);
            return CLI_USAGE;
        }
        json_object_set_new(args, "version", json_integer((json_int_t)no));
    }
    int code = cli_request(c, "template.show", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "%s, version %lld (from %lld on), %s, put %s by %s\n"), cli_str(r, "name"),
            (long long)cli_int(r, "version"), (long long)cli_int(r, "oldest_version"),
            cli_bytes(cli_int(r, "bytes"), n), cli_time(cli_str(r, "changed"), when),
            cli_str(r, "by"));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!cli_str(r, parts[i])[0])
            continue;
        fprintf(c->out, "\n-- %s --\n", parts[i]);
        put_lines(c, hy_str_of(cli_str(r, parts[i])));
    }
    json_decref(r);
    return CLI_OK;
}

/* ---- list ---- */

static int run_list(struct cli *c)
{
    static const char *const heads[] = {"VERSION", "BYTES", "CHANGED", "BY", "NAME"};
    struct cli_table t;
    json_t *r;
    const json_t *x;
    size_t i;
    char when[32];
    int code = cli_request(c, "template.list", args_of(c), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "rrlll");
    json_array_foreach(json_object_get(r, "templates"), i, x)
    {
        cli_table_add_n(&t, cli_int(x, "version"));
        cli_table_add_n(&t, cli_int(x, "bytes"));
        cli_table_add(&t, cli_time(cli_str(x, "changed"), when));
        cli_table_add(&t, cli_str(x, "by"));
        cli_table_add(&t, cli_str(x, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    json_decref(r);
    return CLI_OK;
}

/* ---- the commands ---- */

#define TENANT_OPTION                                                                              \
    {                                                                                              \
        "tenant", "NAME", CLI_TEXT, NULL,                                                          \
        {                                                                                          \
            "whose template it is (the installation's)",                                           \
                "どのテナントのテンプレートか (既定はシステム自身)"         \
        }                                                                                          \
    }

static const struct cli_option put_options[] = {
    {"subject", "TEXT", CLI_TEXT, NULL, {"its subject line", "件名"}},
    {"text", "FILE", CLI_FILE, NULL, {"its text; made from the HTML without", "本文 (テキスト)"}},
    {"html", "FILE", CLI_FILE, NULL, {"its HTML", "本文 (HTML)"}},
    TENANT_OPTION,
    {0}};
static const struct cli_option tenant_options[] = {TENANT_OPTION, {0}};
static const struct cli_option show_options[] = {
    {"version", "N", CLI_TEXT, NULL, {"this one (the newest)", "この版 (既定は最新)"}},
    TENANT_OPTION,
    {0}};

const struct cli_command cmd_template_put = {
    .name = "template put",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"store a template for the HTTP API, or its next version",
                "HTTP API 用のテンプレート (またはその次の版) を保存する"},
    .about =
        {"Calls name it: {\"template\": {\"name\": \"order\"}}. It is compiled first; one that is\n"
         "wrong changes nothing. The last 10 versions stay, and messages keep their text.",
         "呼び出しでは {\"template\": {\"name\": \"order\"}} と指定します。保存前に検査し、誤りが\n"
         "あれば何も変えません。直近の 10 版が残り、受け付けたメールの文面は変わりません。"},
    .examples =
        "hayauma template put order --subject '{{name}}, your order {{no}}' --text order.txt\n"
        "hayauma template put welcome --tenant shop --subject Hi --html welcome.html",
    .options = put_options,
    .run = run_put,
};

const struct cli_command cmd_template_delete = {
    .name = "template delete",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"forget a template with all its versions", "テンプレートをすべての版ごと消す"},
    .examples = "hayauma template delete order",
    .options = tenant_options,
    .run = run_delete,
};

const struct cli_command cmd_template_show = {
    .name = "template show",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"show a template with its texts", "テンプレートの内容を表示する"},
    .examples = "hayauma template show order\nhayauma template show order --version 2 --json",
    .options = show_options,
    .run = run_show,
};

const struct cli_command cmd_template_list = {
    .name = "template list",
    .args = "",
    .summary = {"list the templates that calls may name", "テンプレートを一覧する"},
    .examples = "hayauma template list\nhayauma template list --tenant shop",
    .options = tenant_options,
    .run = run_list,
};
