/* score rules check: reads a file of scoring rules, without the daemon. */
#include "cli.h"
#include "commands.h"
#include "hayauma/config/scoring.h"
#include "retell.h"

static int run(struct cli *c)
{
    struct hy_problems p = {0};
    struct hy_scoring *s = NULL;
    int err = hy_scoring_load(c->args[0], &p, &s);
    cli_print_problems(c, &p);
    hy_problems_free(&p);
    if (err == HY_EINVAL)
        return CLI_FAILED; /* told */
    if (err != HY_OK)
        return cli_fail(c, err, NULL, NULL);
    size_t rules = hy_scoring_plan(s)->n_rules;
    if (c->json)
        (void)cli_print_json(c, json_pack("{s:b,s:i}", "ok", 1, "rules", (int)rules));
    else
        fprintf(c->out, _(c, "%zu rules are fine.\n"), rules);
    hy_scoring_free(s);
    return CLI_OK;
}

const struct cli_command cmd_score_rules_check = {
    .name = "score rules check",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"check a file of scoring rules", "スコアのルールのファイルを確かめる"},
    .about = {"Says file:line:column of everything that is wrong. docs/guides/scoring.md has the "
              "form.",
              "誤りをすべて file:line:column で示します。書き方は docs/guides/scoring.ja.md "
              "にあります。"},
    .examples = "hayauma score rules check /usr/share/hayauma/scoring.yaml",
    .run = run,
};
