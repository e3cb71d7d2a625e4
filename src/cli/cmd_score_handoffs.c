/* score handoffs: hot leads on their way to sales. */
#include "cli.h"
#include "commands.h"

static int run_retry(struct cli *c)
{
    char n[32];
    json_t *r;
    int code = cli_request(c, "score.retry", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "%s hand-offs are tried again.\n"), cli_number(cli_int(r, "handoffs"), n));
    json_decref(r);
    return CLI_OK;
}

static int run(struct cli *c)
{
    static const char *const heads[] = {"HAND-OFF", "ENTERED", "TRIES", "NEXT", "LEAD", "WHY"};
    struct cli_table t;
    const json_t *h;
    json_t *r;
    size_t i;
    if (cli_flag(c, "retry"))
        return run_retry(c);
    int code = cli_request(c, "score.handoffs", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "llrlll");
    json_array_foreach(json_object_get(r, "handoffs"), i, h)
    {
        char entered[32], due[32];
        bool is_failed = strcmp(cli_str(h, "state"), "failed") == 0;
        cli_table_add(&t, cli_str(h, "name"));
        cli_table_add(&t, cli_time(cli_str(h, "entered"), entered));
        cli_table_add_n(&t, cli_int(h, "tries"));
        cli_table_add(&t, is_failed ? _(c, "failed") : cli_time(cli_str(h, "due"), due));
        cli_table_add(&t, cli_str(h, "email"));
        cli_table_add(&t, cli_str(h, "why"));
    }
    cli_table_print(&t, c, cli_width(c));
    char pending[32], failed[32];
    fprintf(c->out, _(c, "%s wait, %s have failed.\n"), cli_number(cli_int(r, "pending"), pending),
            cli_number(cli_int(r, "failed"), failed));
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"retry",
     NULL,
     CLI_TEXT,
     NULL,
     {"try those again that have failed for good", "失敗したものをもう一度試す"}},
    {0}};
const struct cli_command cmd_score_handoffs = {
    .name = "score handoffs",
    .args = "",
    .summary = {"show hot leads on their way to sales", "営業への引き渡し待ちを表示する"},
    .about = {"Mails and requests that have not arrived yet; they are tried for three days.",
              "まだ届いていないメールとリクエストを示します。3 日間試みます。"},
    .examples = "hayauma score handoffs\nhayauma score handoffs --retry",
    .options = options,
    .run = run,
};
