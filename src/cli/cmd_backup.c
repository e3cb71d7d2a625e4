/* backup: an online copy of the store. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"

static int absolute(const char *path, char *out, size_t cap)
{
    char cwd[PATH_MAX];
    if (path[0] == '/')
        return snprintf(out, cap, "%s", path) < (int)cap ? 0 : HY_ELIMIT;
    if (!getcwd(cwd, sizeof cwd))
        return HY_EIO;
    return snprintf(out, cap, "%s/%s", cwd, path) < (int)cap ? 0 : HY_ELIMIT;
}

static int run(struct cli *c)
{
    char path[PATH_MAX], bytes[32];
    json_t *r;
    int err = absolute(c->args[0], path, sizeof path);
    if (err)
        return cli_fail(c, err, NULL, NULL);
    int code = cli_request(c, "backup", json_pack("{s:s}", "path", path), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (cli_int(r, "bytes"))
        fprintf(c->out, _(c, "Copied to %s (%s).\n"), path, cli_bytes(cli_int(r, "bytes"), bytes));
    else
        fprintf(c->out, _(c, "Copied to %s.\n"), path);
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_backup = {
    .name = "backup",
    .args = "DIR",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_DIR,
    .summary = {"copy the store into a new folder while the daemon works",
                "稼働中のままストアを新しいフォルダーに複製する"},
    .about = {"The daemon writes the copy, as its own user, and compacts it. To restore: stop the\n"
              "daemon and put DIR in the place of paths.data_dir: beside the store it holds the\n"
              "contact table and the hits that were answered and not yet stored.",
              "複製はデーモンが自身の権限で書き、詰め直します。戻すときはデーモンを止め、\n"
              "DIR を paths.data_dir の場所に置きます。ストアのほか、接触の表と、応答済みで\n"
              "まだ保存していないクリックや開封も入っています。"},
    .examples = "hayauma backup /var/backups/hayauma/2026-11-22\n"
                "hayauma audit --data-dir /var/backups/hayauma/2026-11-22",
    .run = run,
};
