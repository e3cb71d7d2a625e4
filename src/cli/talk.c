/* Talking to the daemon, and telling people how it went. */
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "hayauma/config/config.h"
#include "retell.h"

const char *cli_config_path(const struct cli *c)
{
    const char *env = getenv("HAYAUMA_CONFIG");
    if (c->config)
        return c->config;
    return env && env[0] ? env : HY_CONFIG_DEFAULT_PATH;
}

const char *cli_socket(struct cli *c, char *room, size_t cap)
{
    const char *env = getenv("HAYAUMA_SOCKET");
    char path[108];
    if (c->socket)
        return c->socket;
    if (env && env[0])
        return env;
    hy_config_socket(cli_config_path(c), path);
    snprintf(room, cap, "%s", path);
    return room;
}

static int exit_code(int err)
{
    switch (err) {
    case HY_OK:
        return CLI_OK;
    case HY_EAUTH:
        return CLI_REFUSED;
    case HY_ECLOSED:
    case HY_ETIMEOUT:
        return CLI_UNREACHABLE;
    case HY_ECANCELED:
        return CLI_INTERRUPTED;
    default:
        return CLI_FAILED;
    }
}

int cli_fail(struct cli *c, int err, const char *message, const char *hint)
{
    const char *red = c->is_color ? "\033[31m" : "", *plain = c->is_color ? "\033[0m" : "";
    struct hy_buf safe = HY_BUF_INIT(65536), told = HY_BUF_INIT(65536);
    if (message)
        message = cli_retell(c, message, &told);
    struct hy_str rest = hy_str_of(message && message[0] ? message : hy_err_text(err)), line;
    fprintf(c->err, "%s%s%s ", red, _(c, "error:"), plain);
    while (hy_str_split(&rest, '\n', &line)) { /* a reload tells several */
        hy_buf_reset(&safe);
        cli_put_cell(&safe, line, cli_columns(line), false);
        fprintf(c->err, "%s\n", hy_buf_cstr(&safe));
    }
    if (hint && hint[0])
        fprintf(c->err, "%s\n", cli_retell(c, hint, &told));
    hy_buf_free(&safe);
    hy_buf_free(&told);
    return exit_code(err);
}

int cli_connect(struct cli *c, struct hy_control_client **ret_client)
{
    char room[128];
    struct hy_diag diag = {0};
    int err = hy_control_connect(cli_socket(c, room, sizeof room), &diag, ret_client);
    if (err == 0)
        return CLI_OK;
    int code = cli_fail(c, err, diag.text,
                        err == HY_ENOTFOUND
                            ? _(c, "start it with 'systemctl start hayaumad', or name its socket "
                                   "with --socket")
                            : NULL);
    return err == HY_EAUTH ? code : CLI_UNREACHABLE;
}

int cli_request_on(struct cli *c, struct hy_control_client *client, const char *command,
                   json_t *args, const struct hy_control_call_options *options, json_t **ret_result)
{
    struct hy_control_error error;
    int err = hy_control_request(client, command, args, options, ret_result, &error);
    json_decref(args);
    if (err == 0)
        return CLI_OK;
    return err == HY_ECANCELED ? CLI_INTERRUPTED : cli_fail(c, err, error.message, error.hint);
}

int cli_request(struct cli *c, const char *command, json_t *args,
                const struct hy_control_call_options *options, json_t **ret_result)
{
    struct hy_control_client *client;
    int code = cli_connect(c, &client);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request_on(c, client, command, args, options, ret_result);
    hy_control_close(client);
    return code;
}

bool cli_can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool cli_confirm(struct cli *c, const char *question)
{
    char answer[16];
    if (cli_flag(c, "yes") || !cli_can_ask())
        return true;
    fputs(question, c->err);
    fflush(c->err);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    fprintf(c->err, "%s", _(c, "Nothing was changed.\n"));
    return false;
}

int cli_print_json(struct cli *c, json_t *obj)
{
    int bad = json_dumpf(obj, c->out, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(obj);
    fputc('\n', c->out);
    return bad || ferror(c->out) ? CLI_FAILED : CLI_OK;
}
