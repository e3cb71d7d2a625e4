/* ua classify: what user agents are, without the daemon. */
#include <stdlib.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/base/json_put.h"
#include "hayauma/track/agent.h"

static void put_agent(struct cli *c, struct hy_buf *out, struct hy_str text, struct hy_agent a)
{
    hy_buf_reset(out);
    if (!c->json) {
        fprintf(c->out, "%s\n", hy_agent_kind_name(a.kind));
        return;
    }
    hy_buf_printf(out, "{\"kind\":\"%s\",\"why\":\"%s\",\"agent\":", hy_agent_kind_name(a.kind),
                  a.why);
    hy_json_put_str(out, hy_str_make(text.p, text.n < HY_AGENT_MAX ? text.n : HY_AGENT_MAX));
    hy_buf_add_lit(out, "}\n");
    fwrite(out->data, 1, out->len, c->out);
}

static int run(struct cli *c)
{
    struct hy_agents *agents;
    struct hy_buf out = HY_BUF_INIT(16 * HY_AGENT_MAX);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int err = hy_agents_new(&agents);
    if (err != HY_OK)
        return cli_fail(c, err, NULL, NULL);
    while ((n = getline(&line, &cap, stdin)) >= 0) {
        struct hy_str text = hy_str_trim(hy_str_make(line, (size_t)n));
        put_agent(c, &out, text, hy_agent_of(agents, text));
    }
    free(line);
    hy_buf_free(&out);
    hy_agents_free(agents);
    return CLI_OK;
}

const struct cli_command cmd_ua_classify = {
    .name = "ua classify",
    .args = "",
    .summary = {"tell people, robots and libraries by their user agents",
                "ユーザーエージェントから人・ロボット・ライブラリを見分ける"},
    .about = {"Reads user agents on standard input, one a line, as the header User-Agent has "
              "them.\n"
              "Prints human, bot or library for each; with --json also why:\n"
              "  browser, text-browser, app, in-app   a person's program\n"
              "  says-so, contact                     a robot by its own words, or its owner's "
              "address\n"
              "  attack                               somebody tries the header as a way in\n"
              "  library                              a program's HTTP library or tool\n"
              "  unknown, none                        nothing that a person uses",
              "標準入力からユーザーエージェントを 1 行に 1 つずつ読みます (User-Agent "
              "ヘッダーの値)。\n"
              "それぞれに human、bot、library のいずれかを出力します。--json では理由も示します:\n"
              "  browser, text-browser, app, in-app   人が使うプログラム\n"
              "  says-so, contact                     自らロボットと名乗る、または連絡先がある\n"
              "  attack                               ヘッダーを使った攻撃の試み\n"
              "  library                              プログラムの HTTP ライブラリやツール\n"
              "  unknown, none                        人が使うものではない"},
    .examples = "hayauma ua classify < agents.txt",
    .run = run,
};
