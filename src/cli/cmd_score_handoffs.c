/* score handoffs: hot leads on their way to sales. */
#include "cli.h"
#include "commands.h"

/* `which` NULL: all that have failed. */
static int retry(struct cli *c, const char *which)
{
    char n[32];
    json_t *r, *args = which ? json_pack("{s:s}", "handoff", which) : NULL;
    int code = cli_request(c, "score.retry", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "%s hand-offs are tried again.\n"), cli_number(cli_int(r, "handoffs"), n));
    json_decref(r);
    return CLI_OK;
}

static int run_retry(struct cli *c)
{
    int code = c->n_args ? CLI_OK : retry(c, NULL);
    for (size_t i = 0; i < c->n_args && code == CLI_OK; i++)
        code = retry(c, c->args[i]);
    return code;
}

static int run(struct cli *c)
{
    static const char *const heads[] = {"ID",   "HAND-OFF", "ENTERED", "TRIES",
                                        "NEXT", "LEAD",     "WHY"};
    struct cli_table t;
    const json_t *h;
    json_t *r;
    size_t i;
    if (cli_flag(c, "retry"))
        return run_retry(c);
    if (c->n_args) {
        fputs(_(c, "A hand-off is named to be tried again: --retry ID\n"), c->err);
        return CLI_USAGE;
    }
    json_t *args = json_object();
    if (cli_option(c, "state"))
        json_object_set_new(args, "state", json_string(cli_option(c, "state")));
    int code = cli_request(c, "score.handoffs", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_table_init(&t, heads, "lllrlll");
    json_array_foreach(json_object_get(r, "handoffs"), i, h)
    {
        char entered[32], due[32];
        bool is_failed = strcmp(cli_str(h, "state"), "failed") == 0;
        cli_table_add(&t, cli_str(h, "id"));
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

static const struct cli_option options[] = {{"retry",
                                             NULL,
                                             CLI_TEXT,
                                             NULL,
                                             {"try those again that have failed for good, or these",
                                              "失敗したもの、または指定したものをもう一度試す"}},
                                            {"state",
                                             "STATE",
                                             CLI_WORDS,
                                             "waits failed",
                                             {"only those that wait, or have failed for good",
                                              "waits (待ち) か failed (失敗) だけを表示する"}},
                                            {0}};
const struct cli_command cmd_score_handoffs = {
    .name = "score handoffs",
    .args = "[ID...]",
    .n_max = CLI_ARGS_MAX,
    .summary = {"show hot leads on their way to sales", "営業への引き渡し待ちを表示する"},
    .about = {"Mails and requests that have not arrived yet; they are tried for three days.",
              "まだ届いていないメールとリクエストを示します。3 日間試みます。"},
    .examples = "hayauma score handoffs --state failed\nhayauma score handoffs --retry",
    .options = options,
    .run = run,
};
