/* bounce parse, bounce rules check: without the daemon. */
#include "bounce_rules.h"
#include "cli.h"
#include "commands.h"
#include "hayauma/bounce/report.h"
#include "hayauma/config/config.h"
#include "mails.h"
#include "retell.h"

enum { OUT_FLUSH = 64 * 1024, OUT_MAX = 16 << 20 };

struct parsing {
    struct cli *c;
    struct hy_bounce_reader *reader;
    struct hy_buf out;
    void (*put)(struct hy_buf *, struct hy_str, const struct hy_bounce_report *,
                const struct hy_bounce_finding *);
};

static void flush_out(struct parsing *p)
{
    fwrite(p->out.data, 1, p->out.len, p->c->out);
    hy_buf_reset(&p->out);
}

static int parse_mail(void *ctx, const char *path, struct hy_str mail)
{
    struct parsing *p = ctx;
    struct hy_bounce_report report;
    int err = hy_bounce_read(p->reader, mail, &report);
    if (err != HY_OK)
        return err;
    for (size_t i = 0; i < report.n; i++)
        p->put(&p->out, hy_str_of(path), &report, &report.items[i]);
    if (p->out.len > OUT_FLUSH)
        flush_out(p);
    return p->out.err;
}

static int run_parse(struct cli *c)
{
    struct hy_bounces *bounces = NULL;
    struct parsing p = {
        .c = c,
        .out = HY_BUF_INIT(OUT_MAX),
        .put = cli_flag(c, "explain") ? hy_bounce_put_explained : hy_bounce_put_json,
    };
    int code = cli_load_bounces(c, &bounces);
    if (code != CLI_OK)
        return code;
    int err = hy_bounce_reader_new(hy_bounces_rules(bounces), &p.reader);
    if (err != HY_OK)
        code = cli_fail(c, err, NULL, NULL);
    bool is_good = true;
    for (size_t i = 0; err == HY_OK && i < c->n_args; i++)
        is_good = cli_each_mail(c, c->args[i], parse_mail, &p) && is_good;
    flush_out(&p);
    hy_buf_free(&p.out);
    hy_bounce_reader_free(p.reader);
    hy_bounces_free(bounces);
    return code == CLI_OK && !is_good ? CLI_FAILED : code;
}

static int run_check(struct cli *c)
{
    const char *files[CLI_BOUNCE_FILES_MAX];
    struct hy_config *config = NULL;
    struct hy_bounces *bounces = NULL;
    struct hy_problems p = {0};
    size_t n = 0;
    for (; n < c->n_args && n < CLI_BOUNCE_FILES_MAX; n++)
        files[n] = c->args[n];
    if (n == 0)
        n = cli_bounce_files(c, &config, files);
    int err = hy_bounces_load(files, n, &p, &bounces);
    cli_print_problems(c, &p);
    size_t rules = hy_bounce_rules_count(hy_bounces_rules(bounces));
    if (err == HY_OK && c->json)
        (void)cli_print_json(c, json_pack("{s:b,s:i}", "ok", 1, "rules", (int)rules));
    else if (err == HY_OK)
        fprintf(c->out, _(c, "%zu rules are fine.\n"), rules);
    hy_problems_free(&p);
    hy_bounces_free(bounces);
    hy_config_unref(config);
    if (err == HY_OK || err == HY_EINVAL)
        return err == HY_OK ? CLI_OK : CLI_FAILED;
    return cli_fail(c, err, NULL, NULL);
}

const struct cli_command cmd_bounce_parse = {
    .name = "bounce parse",
    .args = "FILE...",
    .n_min = 1,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_FILE,
    .summary = {"read bounces, complaints and automatic answers",
                "不達通知・苦情・自動応答のメールを読み取る"},
    .about =
        {"Prints one JSON object a line for every recipient found: file, is_bounce, kind (bounce,\n"
         "complaint, delay, auto-reply, unsubscribe, other), recipient, action, reply_code, "
         "status,\n"
         "reason, hard (the address is dead), suppress (send nothing more there), diagnostic,\n"
         "reporting_mta, original_message_id, feedback_type. What a mail does not say is null.\n"
         "FILE is a mail, an mbox, or a folder of them; - reads standard input. A text without\n"
         "headers is read as the text of a bounce. Of a mail the first MiB is read.",
         "見つかった宛先ごとに JSON オブジェクトを 1 行出力します: file、is_bounce、kind "
         "(bounce、\n"
         "complaint、delay、auto-reply、unsubscribe、other)、recipient、action、reply_"
         "code、status、\n"
         "reason、hard (宛先が存在しない)、suppress (以後送らない)、diagnostic、reporting_mta、\n"
         "original_message_id、feedback_type。メールにない項目は null です。FILE はメール、mbox、\n"
         "またはそのフォルダーで、- "
         "は標準入力です。ヘッダーのない文章は不達通知の本文として読みます。\n"
         "1 通につき先頭の 1 MiB を読みます。"},
    .examples = "hayauma bounce parse bounce.eml\n"
                "hayauma bounce parse ~/Maildir/new | jq -c 'select(.hard)'",
    .options = cli_bounce_options,
    .run = run_parse,
};

const struct cli_command cmd_bounce_rules_check = {
    .name = "bounce rules check",
    .args = "[FILE...]",
    .n_max = CLI_BOUNCE_FILES_MAX,
    .kind = CLI_FILE,
    .summary = {"check the rules that tell why mail came back",
                "不達理由を判定するルールを検査する"},
    .about =
        {"Without FILE those of the configuration (paths.bounces). 'presets' names the rules that\n"
         "come with hayauma.",
         "FILE がなければ設定 (paths.bounces) のものを検査します。presets は hayauma に付属する\n"
         "ルールです。"},
    .examples = "hayauma bounce rules check /etc/hayauma/bounces.yaml",
    .run = run_check,
};
