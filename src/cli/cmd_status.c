/* status: how the daemon is. */
#include <inttypes.h>

#include "cli.h"
#include "commands.h"

enum { KEY_COLUMNS = 25 };

static bool ends_with(const char *s, const char *end)
{
    return hy_str_ends(hy_str_of(s), hy_str_of(end));
}

/* "not_for_us" counts mail. */
static bool is_time(const char *key)
{
    return ends_with(key, "_us") && strcmp(key, "not_for_us") != 0;
}

static void print_value(struct cli *c, const char *key, const json_t *v)
{
    char text[32];
    struct hy_buf safe = HY_BUF_INIT(65536);
    int64_t n = json_integer_value(v);
    if (json_is_string(v)) {
        const bool is_state = strcmp(key, "state") == 0;
        struct hy_str s = hy_str_of(is_state ? cli_word_of(c, "store-state", json_string_value(v))
                                             : json_string_value(v));
        cli_put_cell(&safe, s, cli_columns(s), false);
        fprintf(c->out, "%s", hy_buf_cstr(&safe));
    } else if (json_is_boolean(v)) {
        fputs(json_is_true(v) ? _(c, "yes") : _(c, "no"), c->out);
    } else if (json_is_real(v)) {
        fprintf(c->out, "%.1f", json_real_value(v));
    } else if (json_is_null(v)) {
        fputs("-", c->out);
    } else if (ends_with(key, "bytes") || ends_with(key, "bytes_sent")) {
        fputs(cli_bytes(n, text), c->out);
    } else if (is_time(key)) {
        fprintf(c->out, "%.1f ms", (double)n / 1000);
    } else if (strcmp(key, "uptime_s") == 0) {
        fputs(cli_duration(n, text), c->out);
    } else if (strcmp(key, "pid") == 0) {
        fprintf(c->out, "%" PRId64, n);
    } else {
        fputs(cli_number(n, text), c->out);
    }
    hy_buf_free(&safe);
}

/* Bytes of a key that name its value: those of a unit go where the value is printed with one. */
static int name_length(const char *key)
{
    struct hy_str s = hy_str_of(key);
    if (strcmp(key, "uptime_s") == 0)
        return (int)s.n - 2;
    if (is_time(key))
        return (int)s.n - 3;
    return (int)(ends_with(key, "_bytes") ? s.n - 6 : s.n);
}

static void print_key(struct cli *c, const char *key, int indent)
{
    char name[64];
    struct hy_buf cell = HY_BUF_INIT(1024);
    snprintf(name, sizeof name, "%.*s", name_length(key), key);
    cli_put_cell(&cell, hy_str_of(cli_word_of(c, "status", name)), (size_t)(KEY_COLUMNS - indent),
                 true);
    fprintf(c->out, "%*s%s  ", indent, "", hy_buf_cstr(&cell));
    hy_buf_free(&cell);
}

void cli_print_object(struct cli *c, const json_t *obj, int indent)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)obj, key, v)
    {
        if (json_is_object(v)) {
            fprintf(c->out, "%*s%s%s%s\n", indent, "", c->is_color ? "\033[1m" : "",
                    cli_word_of(c, "status", key), c->is_color ? "\033[0m" : "");
            cli_print_object(c, v, indent + 2);
        } else if (!json_is_array(v)) {
            print_key(c, key, indent);
            print_value(c, key, v);
            fputc('\n', c->out);
        }
    }
}

static int run(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "status", NULL, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_print_object(c, r, 0);
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_status = {
    .name = "status",
    .args = "",
    .summary = {"show how the daemon is: version, store, delivery counters",
                "デーモンの状態(版、ストア、配信の計数)を表示する"},
    .about = {"Exit code 0 when the daemon answers, 3 when it does not: fit for a health check.",
              "デーモンが応答すれば 0、応答しなければ 3 で終わるので、死活監視に使えます。"},
    .examples = "hayauma status\nhayauma status --json | jq .delivery.delivered",
    .run = run,
};
