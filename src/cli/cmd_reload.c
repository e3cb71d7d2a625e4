/* reload: the daemon reads its configuration anew. */
#include "cli.h"
#include "commands.h"
#include "retell.h"

static int run(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "reload", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    struct hy_buf room = HY_BUF_INIT(65536);
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(r, "problems"), i, p)
    {
        fprintf(c->err, "%s:%lld:%lld: %s\n", cli_str(p, "file"), (long long)cli_int(p, "line"),
                (long long)cli_int(p, "column"), cli_retell(c, cli_str(p, "text"), &room));
    }
    hy_buf_free(&room);
    fprintf(c->out, "%s", _(c, "The new configuration is in use.\n"));
    if (cli_str(r, "needs_restart")[0])
        fprintf(c->out, _(c, "These changes wait for a restart of the daemon: %s\n"),
                cli_str(r, "needs_restart"));
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_reload = {
    .name = "reload",
    .args = "",
    .summary = {"make the daemon read its configuration anew", "デーモンに設定を読み直させる"},
    .about =
        {"No connection is dropped. When the file has a mistake, nothing is changed and every\n"
         "mistake is printed.",
         "接続は切れません。ファイルに誤りがあれば何も変更せず、すべての誤りを表示します。"},
    .examples = "hayauma config check && hayauma reload",
    .run = run,
};
