/* reply classify: what SMTP replies mean, without the daemon. */
#include <stdlib.h>

#include "bounce_rules.h"
#include "cli.h"
#include "commands.h"
#include "hayauma/base/json_put.h"
#include "hayauma/bounce/report.h"

enum {
    LINE_MAX_BYTES = 64 * 1024, /* of one reply; what is longer is left out */
    OUT_FLUSH = 64 * 1024,
    OUT_MAX = 1 << 20,
};

/* "550-5.1.1 text", "550 5.1.1 text", "text": code and status as far as they are there. */
static void put_class(struct hy_buf *out, const struct hy_bounce_rules *rules, bool is_explained,
                      struct hy_str line)
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
    hy_buf_printf(out, ",\"reason\":\"%s\",\"hard\":%s,\"retry\":%s,\"suppress\":%s",
                  hy_bounce_reason_name(class.reason), class.is_hard ? "true" : "false",
                  class.may_retry ? "true" : "false", class.is_suppress ? "true" : "false");
    if (is_explained)
        hy_bounce_put_why(out, class.rule, &w);
    hy_buf_add_lit(out, "}\n");
}

/* The next line of at most LINE_MAX_BYTES into `line`; false at the end. */
static bool next_line(FILE *in, struct hy_buf *line)
{
    int ch;
    hy_buf_reset(line);
    while ((ch = getc_unlocked(in)) != EOF && ch != '\n')
        if (line->len < LINE_MAX_BYTES)
            hy_buf_add_c(line, (char)ch);
    return ch != EOF || line->len > 0;
}

static int run(struct cli *c)
{
    struct hy_bounces *bounces = NULL;
    int code = cli_load_bounces(c, &bounces);
    if (code != CLI_OK)
        return code;
    bool is_explained = cli_flag(c, "explain");
    struct hy_buf line = HY_BUF_INIT(LINE_MAX_BYTES), out = HY_BUF_INIT(OUT_MAX);
    while (line.err == 0 && out.err == 0 && next_line(stdin, &line)) {
        struct hy_str words = hy_buf_str(&line);
        if (hy_str_starts(words, HY_STR("\xef\xbb\xbf"))) /* as editors mark UTF-8 */
            words = hy_str_slice(words, 3, words.n);
        put_class(&out, hy_bounces_rules(bounces), is_explained, hy_str_trim(words));
        if (out.len > OUT_FLUSH || c->is_tty) {
            fwrite(out.data, 1, out.len, c->out);
            hy_buf_reset(&out);
        }
    }
    fwrite(out.data, 1, out.len, c->out);
    int err = line.err ? line.err : out.err ? out.err : ferror(stdin) ? HY_EIO : HY_OK;
    hy_buf_free(&line);
    hy_buf_free(&out);
    hy_bounces_free(bounces);
    return err == HY_OK ? CLI_OK : cli_fail(c, err, "-", NULL);
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
