/* config check, config dump: without the daemon. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/bounces.h"
#include "hayauma/config/config.h"
#include "hayauma/config/scoring.h"
#include "hayauma/config/shaping.h"
#include "retell.h"

static const char *config_path(const struct cli *c)
{
    return c->n_args ? c->args[0] : cli_config_path(c);
}

static json_t *problems_json(const struct hy_problems *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(
            list, json_pack("{s:s,s:i,s:i,s:b,s:s}", "file", p->items[i].file, "line",
                            (int)p->items[i].line, "column", (int)p->items[i].column, "warning",
                            (int)p->items[i].is_warning, "text", p->items[i].text));
    return list;
}

static int report(struct cli *c, const char *path, const struct hy_problems *p, const char *shaping)
{
    bool ok = p->n_errors == 0;
    if (c->json) {
        (void)cli_print_json(c, json_pack("{s:s,s:b,s:o}", "file", path, "ok", (int)ok, "problems",
                                          problems_json(p)));
        return ok ? CLI_OK : CLI_FAILED;
    }
    cli_print_problems(c, p);
    if (ok)
        fprintf(c->out, shaping[0] ? _(c, "%s and %s are fine.\n") : _(c, "%s is fine.\n"), path,
                shaping);
    else
        fprintf(c->err,
                p->n_errors == 1 ? _(c, "1 error: the daemon would not take this.\n")
                                 : _(c, "%zu errors: the daemon would not take this.\n"),
                p->n_errors);
    return ok ? CLI_OK : CLI_FAILED;
}

static bool has_addresses(const struct hy_config *config)
{
    const struct hy_config_sources *s = &config->delivery.sources;
    for (size_t i = 0; i < s->n; i++)
        if (hy_sockaddr_family(&s->items[i].bind) != AF_UNSPEC ||
            hy_sockaddr_family(&s->items[i].bind6) != AF_UNSPEC)
            return true;
    return false;
}

static int run_check(struct cli *c)
{
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    struct hy_shape_rules *rules = NULL;
    struct hy_bounces *bounces = NULL;
    struct hy_scoring *scoring = NULL;
    const char *path = config_path(c);
    struct hy_buf shaping = HY_BUF_INIT(64 * 1024);
    int err = hy_config_load(path, &p, &config);
    if (config) {
        const struct hy_strings *files = &config->paths.shaping;
        for (size_t i = 0; i < files->n; i++)
            hy_buf_printf(&shaping, "%s%s", i ? ", " : "", hy_shaping_path(files->items[i]));
        if (hy_shaping_load(files->items, files->n, &p, &rules) == 0) {
            hy_config_check_rules(config, rules, &p);
            hy_shaping_free(rules);
        }
        if (hy_bounces_load(config->paths.bounces.items, config->paths.bounces.n, &p, &bounces) ==
            0)
            hy_bounces_free(bounces);
        if (config->scoring.rules[0] && hy_scoring_load(config->scoring.rules, &p, &scoring) == 0)
            hy_scoring_free(scoring);
    }
    int code = err == HY_ENOMEM ? cli_fail(c, err, NULL, NULL)
                                : report(c, path, &p, hy_buf_cstr(&shaping));
    if (code == CLI_OK && !c->json && has_addresses(config))
        fprintf(
            c->out, "%s",
            _(c, "What receivers find at the addresses of its sources: 'hayauma source check'.\n"));
    hy_config_unref(config);
    hy_problems_free(&p);
    hy_buf_free(&shaping);
    return code;
}

static int dump_file(struct cli *c, struct hy_buf *out)
{
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    int err = hy_config_load(config_path(c), &p, &config);
    cli_print_problems(c, &p);
    hy_problems_free(&p);
    if (config)
        hy_config_dump(config, out);
    hy_config_unref(config);
    return err;
}

/* The rules of all files together. */
static int dump_shaping(struct cli *c, struct hy_buf *out)
{
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    struct hy_shape_rules *rules = NULL;
    int err = hy_config_load(config_path(c), &p, &config);
    if (!err)
        err = hy_shaping_load(config->paths.shaping.items, config->paths.shaping.n, &p, &rules);
    cli_print_problems(c, &p);
    hy_problems_free(&p);
    if (rules)
        hy_shaping_dump(rules, out);
    hy_shaping_free(rules);
    hy_config_unref(config);
    return err;
}

static int run_dump(struct cli *c)
{
    struct hy_buf out = HY_BUF_INIT(4u << 20);
    int err = 0;
    if (cli_flag(c, "defaults"))
        err = hy_config_dump_defaults(&out);
    else if (cli_flag(c, "man"))
        hy_config_dump_man(&out);
    else if (cli_flag(c, "shaping"))
        err = dump_shaping(c, &out);
    else
        err = dump_file(c, &out);
    if (!err)
        fwrite(out.data, 1, out.len, c->out);
    hy_buf_free(&out);
    return err ? CLI_FAILED : CLI_OK;
}

const struct cli_command cmd_config_check = {
    .name = "config check",
    .args = "[FILE]",
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"check the configuration and the shaping rules it names",
                "設定ファイルと送信制限ファイルを検査する"},
    .about =
        {"Reads the file as the daemon does and prints every mistake with its line and column.\n"
         "Works without the daemon. Exit code 1 when there is a mistake.",
         "デーモンと同じ方法でファイルを読み、すべての誤りを行・桁とともに表示します。\n"
         "デーモンは不要です。誤りがあれば終了コードは 1 です。"},
    .examples = "hayauma config check\nhayauma config check ./hayauma.yaml",
    .run = run_check,
};

static const struct cli_option dump_options[] = {
    {"defaults",
     NULL,
     CLI_TEXT,
     NULL,
     {"the shipped file: every key with its default", "出荷時のファイル(全項目と既定値)"}},
    {"man",
     NULL,
     CLI_TEXT,
     NULL,
     {"the keys as the manual page has them (roff)", "マニュアルの項目部分 (roff)"}},
    {"shaping",
     NULL,
     CLI_TEXT,
     NULL,
     {"the shaping rules of all files together, each value with its file and line",
      "すべてのファイルを合わせた送信制限(値ごとにファイル名と行番号つき)"}},
    {0}};
const struct cli_command cmd_config_dump = {
    .name = "config dump",
    .args = "[FILE]",
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"print the whole configuration, defaults filled in",
                "既定値を補った設定全体を表示する"},
    .examples = "hayauma config dump\nhayauma config dump --defaults > hayauma.yaml\n"
                "hayauma config dump --shaping",
    .options = dump_options,
    .run = run_dump,
};
