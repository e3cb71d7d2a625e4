/* web snippet, web notice, web company: what the web tag needs, without the daemon. */
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/web_tag.h"
#include "retell.h"

enum { TEXT_MAX = 64 << 10 };

/* CLI_OK: *ret is to be given back. */
static int load(struct cli *c, struct hy_config **ret)
{
    struct hy_problems p = {0};
    int err = hy_config_load(cli_config_path(c), &p, ret);
    bool is_told = p.n > 0;
    if (err != HY_OK)
        cli_print_problems(c, &p);
    hy_problems_free(&p);
    if (err == HY_OK)
        return CLI_OK;
    if (!is_told)
        return cli_fail(c, err, NULL, NULL);
    if (err != HY_EINVAL)
        fputs(_(c, "When the configuration is elsewhere, --config FILE names it.\n"), c->err);
    return CLI_FAILED;
}

/* What was made, or why not. */
static int finish(struct cli *c, int err, struct hy_buf *text, const struct hy_diag *diag)
{
    int code = CLI_OK;
    if (err != HY_OK)
        code = cli_fail(c, err, diag->text[0] ? diag->text : NULL, NULL);
    else if (c->json)
        code = cli_print_json(c, json_pack("{s:s}", "text", hy_buf_cstr(text)));
    else
        fputs(hy_buf_cstr(text), c->out);
    hy_buf_free(text);
    return code;
}

static int run_snippet(struct cli *c)
{
    struct hy_config *config = NULL;
    struct hy_buf text = HY_BUF_INIT(TEXT_MAX);
    struct hy_diag diag = {""};
    int code = load(c, &config);
    if (code)
        return code;
    code = finish(c, hy_web_snippet(config, &text, &diag), &text, &diag);
    hy_config_unref(config);
    return code;
}

static int run_notice(struct cli *c)
{
    const char *lang = cli_option(c, "lang");
    struct hy_config *config = NULL;
    struct hy_buf text = HY_BUF_INIT(TEXT_MAX);
    struct hy_diag diag = {""};
    bool is_ja = lang ? strcmp(lang, "ja") == 0 : c->lang == CLI_JA;
    if (lang && !is_ja && strcmp(lang, "en") != 0) {
        fprintf(c->err, "%s", _(c, "--lang is en or ja\n"));
        return CLI_USAGE;
    }
    int code = load(c, &config);
    if (code)
        return code;
    int err = hy_web_notice(config, is_ja ? HY_NOTICE_JA : HY_NOTICE_EN, cli_flag(c, "html"), &text,
                            &diag);
    code = finish(c, err, &text, &diag);
    hy_config_unref(config);
    return code;
}

/* One address; false: it is none. */
static bool look_up(struct cli *c, const struct hy_companies *table, const char *ip, json_t *list)
{
    struct hy_company found = {{0}};
    uint8_t key[16];
    if (hy_company_ip(hy_str_of(ip), key) != HY_OK) {
        fprintf(c->err, _(c, "'%.60s' is no IP address\n"), ip);
        return false;
    }
    bool is_known = hy_companies_find(table, key, &found) == HY_OK;
    json_t *o = json_pack("{s:s}", "ip", ip);
    if (is_known) {
        json_object_set_new(o, "company", json_stringn(found.name.p, found.name.n));
        json_object_set_new(o, "domain",
                            json_stringn(found.domain.p ? found.domain.p : "", found.domain.n));
        json_object_set_new(o, "provider", json_boolean(found.is_provider));
    }
    json_array_append_new(list, o);
    return true;
}

static void print(struct cli *c, const json_t *o)
{
    struct hy_buf line = HY_BUF_INIT(2048);
    const char *company = cli_str(o, "company");
    hy_buf_printf(&line, "%s  %s", cli_str(o, "ip"), company[0] ? company : "-");
    if (cli_str(o, "domain")[0])
        hy_buf_printf(&line, " (%s)", cli_str(o, "domain"));
    if (json_is_true(json_object_get(o, "provider")))
        hy_buf_printf(&line, "  %s", _(c, "a provider: left out"));
    cli_put_line(c, "", hy_buf_cstr(&line));
    hy_buf_free(&line);
}

static int run_company(struct cli *c)
{
    struct hy_config *config = NULL;
    struct hy_web_companies w = {.table = NULL};
    struct hy_diag diag = {""};
    json_t *list = json_array();
    int code = load(c, &config);
    int err = code ? HY_OK : hy_web_companies_load(config, &w, &diag);
    if (err != HY_OK)
        code = cli_fail(c, err, diag.text[0] ? diag.text : NULL, NULL);
    else if (!code && !w.table)
        code = cli_fail(c, HY_ENOTFOUND, _(c, "the configuration has no web_tag.companies"), NULL);
    for (size_t i = 0; i < c->n_args && !code; i++)
        if (!look_up(c, w.table, c->args[i], list))
            code = CLI_USAGE;
    for (size_t i = 0; i < json_array_size(list) && !code && !c->json; i++)
        print(c, json_array_get(list, i));
    if (!code && c->json)
        code = cli_print_json(c, json_pack("{s:O}", "addresses", list));
    json_decref(list);
    hy_web_companies_free(&w);
    hy_config_unref(config);
    return code;
}

const struct cli_command cmd_web_snippet = {
    .name = "web snippet",
    .args = "",
    .summary = {"print the HTML of the web tag, for every page of your site",
                "自社サイトの全ページに入れるウェブタグの HTML を出力する"},
    .about = {"docs/guides/site.md says what it does.",
              "内容は docs/guides/site.ja.md にあります。"},
    .examples = "hayauma web snippet",
    .run = run_snippet,
};

static const struct cli_option notice_options[] = {
    {"html",
     NULL,
     CLI_TEXT,
     NULL,
     {"as HTML, for a page of your site", "サイトのページ用に HTML で"}},
    {"lang",
     "LANG",
     CLI_WORDS,
     "en ja",
     {"en or ja (that of the terminal)", "en か ja(端末の言語)"}},
    {0}};
const struct cli_command cmd_web_notice = {
    .name = "web notice",
    .args = "",
    .summary = {"print what visitors are to be told of the web tag",
                "ウェブタグについて訪問者に公表する文面を出力する"},
    .about =
        {"What is sent, to whom, what for, how long it is kept and how to refuse: what Japan's\n"
         "rule on external transmission asks for, made from the configuration (web_tag).",
         "送信する情報、送信先、利用目的、保存期間、止める方法。電気通信事業法の外部送信規律で\n"
         "求められる公表事項を、設定 (web_tag) から作ります。"},
    .examples = "hayauma web notice --html --lang ja",
    .options = notice_options,
    .run = run_notice,
};

const struct cli_command cmd_web_company = {
    .name = "web company",
    .args = "IP...",
    .n_min = 1,
    .n_max = 1000,
    .summary = {"tell whose network an address is in",
                "アドレスがどの会社のネットワークかを調べる"},
    .about = {"By the file that web_tag.companies names, as it is now.",
              "web_tag.companies のファイルの現在の内容で調べます。"},
    .examples = "hayauma web company 203.0.113.7 2001:db8::1",
    .run = run_company,
};
