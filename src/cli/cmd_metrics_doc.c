/* metrics-doc: docs/metrics.md from the table of metrics. */
#include "cli.h"
#include "commands.h"
#include "hayauma/config/metrics.h"

static int run(struct cli *c)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    hy_metrics_doc(&out);
    if (out.err)
        return cli_fail(c, out.err, NULL, NULL);
    fwrite(out.data, 1, out.len, c->out);
    return CLI_OK;
}

const struct cli_command cmd_metrics_doc = {
    .name = "metrics-doc",
    .args = "",
    .summary = {"print the table of metrics (Markdown)", "メトリクスの一覧 (Markdown) を表示する"},
    .examples = "hayauma metrics-doc",
    .run = run,
    .hidden = true,
};
