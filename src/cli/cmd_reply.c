/* reply classify: what SMTP replies mean, without the daemon. */
#include <stdlib.h>

#include "bounce_rules.h"
#include "cli.h"
#include "commands.h"
#include "hayauma/base/json_put.h"

/* "550-5.1.1 text", "550 5.1.1 text", "text": code and status as far as they are there. */
static void put_class(struct hy_buf *out, const struct hy_bounce_rules *rules, struct hy_str line)
{
    struct hy_bounce_words w = {.text = line};
    char status[16];
    hy_bounce_read_codes(line, true, &w.code, &w.status);
    struct hy_bounce_class class = hy_bounce_classify(rules, &w);
    hy_buf_add_lit(out, "{\"reply_code\":");
    if (w.code)
        hy_buf_printf(out, "%u", w.code);
    else
        hy_buf_add_lit(out, "null");
    hy_buf_add_lit(out, ",\"status\":");
    if (w.status.class)
        hy_json_put_str(out, hy_str_of(hy_enhanced_format(w.status, status)));
    else
        hy_buf_add_lit(out, "null");
    hy_buf_printf(out, ",\"reason\":\"%s\",\"hard\":%s,\"retry\":%s,\"suppress\":%s}\n",
                  hy_bounce_reason_name(class.reason), class.is_hard ? "true" : "false",
                  class.may_retry ? "true" : "false", class.is_suppress ? "true" : "false");
}

static int run(struct cli *c)
{
    struct hy_bounces *bounces = NULL;
    int code = cli_load_bounces(c, &bounces);
    if (code != CLI_OK)
        return code;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    struct hy_buf out = HY_BUF_INIT(4096);
    while ((n = getline(&line, &cap, stdin)) >= 0) {
        hy_buf_reset(&out);
        put_class(&out, hy_bounces_rules(bounces), hy_str_trim(hy_str_make(line, (size_t)n)));
        fwrite(out.data, 1, out.len, c->out);
    }
    free(line);
    hy_buf_free(&out);
    hy_bounces_free(bounces);
    return CLI_OK;
}

const struct cli_command cmd_reply_classify = {
    .name = "reply classify",
    .args = "",
    .summary = {"tell what SMTP replies mean", "SMTP の応答の意味を判定する"},
    .about =
        {"Reads replies on standard input, one a line: CODE ENHANCED TEXT, as a server gave them.\n"
         "Prints one JSON object for each: reply_code, status, reason, hard (the address is "
         "dead),\n"
         "retry (the same mail may be taken later), suppress (send nothing more there).",
         "標準入力から応答を 1 行に 1 つずつ読みます: コード 拡張コード 文 "
         "(サーバーの応答のまま)。\n"
         "それぞれに JSON オブジェクトを 1 行出力します: reply_code、status、reason、\n"
         "hard (宛先が存在しない)、retry (同じメールを後で受け取る見込み)、suppress "
         "(以後送らない)。"},
    .examples = "hayauma reply classify < replies.txt",
    .options = cli_bounce_options,
    .run = run,
};
