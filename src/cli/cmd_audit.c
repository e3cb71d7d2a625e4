/* audit: the equation of every campaign, counted anew from the rows. */
#include "cli.h"
#include "commands.h"
#include "hayauma/config/audit_json.h"
#include "hayauma/config/config.h"
#include "retell.h"

static void print_problems(struct cli *c, const json_t *r)
{
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(r, "problems"), i, p)
        fprintf(c->err, "%s\n", json_is_string(p) ? json_string_value(p) : cli_str(p, "text"));
}

static int show(struct cli *c, json_t *r)
{
    static const char *const heads[] = {"QUEUED",  "DELIVERED",  "BOUNCED",
                                        "EXPIRED", "SUPPRESSED", "CANCELLED",
                                        "PENDING", "",           "CAMPAIGN"};
    static const char *const keys[] = {"queued",     "delivered", "bounced", "expired",
                                       "suppressed", "cancelled", "pending"};
    struct cli_table t;
    const json_t *o;
    size_t i;
    bool ok = json_is_true(json_object_get(r, "ok"));
    if (c->json) {
        (void)cli_print_json(c, r);
        return ok ? CLI_OK : CLI_FAILED;
    }
    cli_table_init(&t, heads, "rrrrrrrll");
    json_array_foreach(json_object_get(r, "campaigns"), i, o)
    {
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            cli_table_add_n(&t, cli_int(o, keys[k]));
        cli_table_add(&t, json_is_true(json_object_get(o, "ok")) ? "=" : "≠");
        cli_table_add(&t, cli_str(o, "name"));
    }
    cli_table_print(&t, c, cli_width(c));
    print_problems(c, r);
    if (ok)
        fprintf(c->out, "%s", _(c, "Every recipient is accounted for.\n"));
    else
        fprintf(c->err, "%s", _(c, "The books do not balance.\n"));
    json_decref(r);
    return ok ? CLI_OK : CLI_FAILED;
}

/* Without a daemon nobody writes: the store is read by ourselves. */
static int read_store(struct cli *c, const char *data_dir)
{
    struct hy_env_options o = {.data_dir = data_dir, .mode = HY_ENV_READER};
    struct hy_diag diag = {0};
    struct hy_env *env;
    json_t *r = NULL;
    hy_env_on_lost_pages(CLI_FAILED);
    int err = hy_env_open(&o, &env, &diag);
    if (err)
        return cli_fail(c, err, diag.text, NULL);
    err = hy_audit_json(env, &r);
    hy_env_close(env);
    return err ? cli_fail(c, err, _(c, "the store could not be read to its end"), NULL)
               : show(c, r);
}

static int audit_alone(struct cli *c)
{
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    const char *dir = cli_option(c, "data-dir");
    if (dir)
        return read_store(c, dir);
    int err = hy_config_load(cli_config_path(c), &p, &config);
    if (err)
        cli_print_problems(c, &p);
    hy_problems_free(&p);
    int code = err ? CLI_FAILED : read_store(c, config->paths.data_dir);
    hy_config_unref(config);
    return code;
}

static bool daemon_answers(struct cli *c)
{
    char room[128];
    struct hy_control_client *client;
    int err = hy_control_connect(cli_socket(c, room, sizeof room), NULL, &client);
    if (err == 0)
        hy_control_close(client);
    return err != HY_ENOTFOUND; /* for other errors the request tells the person */
}

static int run(struct cli *c)
{
    json_t *r;
    if (cli_flag(c, "data-dir") || !daemon_answers(c))
        return audit_alone(c);
    int code = cli_request(c, "audit", NULL, NULL, &r);
    return code ? code : show(c, r);
}

static const struct cli_option options[] = {
    {"data-dir",
     "DIR",
     CLI_DIR,
     NULL,
     {"read this data directory (a restored backup, say) instead of asking the daemon",
      "デーモンに尋ねず、このデータフォルダー(復元した複製など)を読む"}},
    {0}};
const struct cli_command cmd_audit = {
    .name = "audit",
    .args = "",
    .summary = {"prove that every recipient is accounted for",
                "すべての宛先の帳尻が合うことを確かめる"},
    .about = {"Walks the store, counts every row anew and compares with the ledgers:\n"
              "queued = delivered + bounced + expired + suppressed + cancelled + pending.\n"
              "Reads the store by itself when the daemon does not run. Exit code 1 on a mismatch.",
              "ストアをすべて数え直し、台帳と突き合わせます:\n"
              "queued = 配達 + 不達 + 期限切れ + 送信停止 + 中止 + 未完。\n"
              "デーモンが動いていなければ直接読みます。不一致があれば 1 で終わります。"},
    .examples = "hayauma audit\nhayauma audit --json | jq .ok",
    .options = options,
    .run = run,
};
