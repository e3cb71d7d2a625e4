/* Help, from the table of commands. */
#include "cli.h"

enum { WIDTH = 78, LEFT = 30 };

static void put_left(struct hy_buf *out, const char *left, const char *text)
{
    size_t n = cli_columns(hy_str_of(left)), at;
    struct hy_str rest = hy_str_of(text), word;
    hy_buf_printf(out, "  %s", left);
    if (n + 4 > LEFT) {
        hy_buf_printf(out, "\n%*s", LEFT, "");
    } else {
        for (size_t i = n + 2; i < LEFT; i++)
            hy_buf_add_c(out, ' ');
    }
    at = LEFT;
    while (hy_str_split(&rest, ' ', &word)) {
        size_t w = cli_columns(word);
        if (at > LEFT && at + 1 + w > WIDTH) {
            hy_buf_printf(out, "\n%*s", LEFT, "");
            at = LEFT;
        }
        if (at > LEFT) {
            hy_buf_add_c(out, ' ');
            at++;
        }
        hy_buf_add_str(out, word);
        at += w;
    }
    hy_buf_add_c(out, '\n');
}

static void put_options(const struct cli *c, struct hy_buf *out, const struct cli_option *o)
{
    for (; o && o->name; o++) {
        char left[96];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        put_left(out, left, o->help[c->lang]);
    }
}

static void put_usage(const struct cli *c, struct hy_buf *out, const struct cli_command *k)
{
    hy_buf_printf(out, "%s hayauma %s%s%s%s\n", _(c, "Usage:"), k->name, k->args[0] ? " " : "",
                  k->args, k->options ? _(c, " [option ...]") : "");
}

static void put_command(const struct cli *c, struct hy_buf *out, const struct cli_command *k)
{
    char left[96];
    snprintf(left, sizeof left, "%s%s%s", k->name, k->args[0] ? " " : "", k->args);
    put_left(out, left, k->summary[c->lang]);
}

static void write_out(struct hy_buf *b, FILE *out)
{
    fwrite(b->data, 1, b->len, out);
    hy_buf_free(b);
}

static void overview(const struct cli *c, FILE *out)
{
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    hy_buf_printf(&b, "%s\n\n%s\n", _(c, "hayauma: commands the mail daemon hayaumad."),
                  _(c, "Usage: hayauma COMMAND [argument ...] [option ...]"));
    hy_buf_printf(&b, "\n%s\n", _(c, "Commands:"));
    for (size_t i = 0; cli_commands[i]; i++)
        if (!cli_commands[i]->hidden)
            put_command(c, &b, cli_commands[i]);
    hy_buf_printf(&b, "\n%s\n", _(c, "Options of every command:"));
    put_options(c, &b, cli_global_options);
    hy_buf_printf(&b, "\n%s\n",
                  _(c, "'hayauma COMMAND --help' tells more, and so does hayauma(1).\n"
                       "Exit codes: 0 done; 1 failed, or a check found something; 2 wrong usage;\n"
                       "3 the daemon cannot be reached; 4 no permission; 130 interrupted."));
    write_out(&b, out);
}

void cli_help_group(const struct cli *c, const char *group, FILE *out)
{
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    size_t n = strlen(group);
    hy_buf_printf(&b, "%s\n", _(c, "Commands:"));
    for (size_t i = 0; cli_commands[i]; i++)
        if (strncmp(cli_commands[i]->name, group, n) == 0 && cli_commands[i]->name[n] == ' ' &&
            !cli_commands[i]->hidden)
            put_command(c, &b, cli_commands[i]);
    write_out(&b, out);
}

void cli_help(const struct cli *c, FILE *out)
{
    const struct cli_command *k = c->command;
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    if (!k && c->n_args) {
        cli_help_group(c, c->args[0], out);
        return;
    }
    if (!k) {
        overview(c, out);
        return;
    }
    put_usage(c, &b, k);
    hy_buf_printf(&b, "\n%s\n", k->summary[c->lang]);
    if (k->about[c->lang])
        hy_buf_printf(&b, "\n%s\n", k->about[c->lang]);
    if (k->options) {
        hy_buf_printf(&b, "\n%s\n", _(c, "Options:"));
        put_options(c, &b, k->options);
    }
    hy_buf_printf(&b, "\n%s\n", _(c, "Options of every command:"));
    put_options(c, &b, cli_global_options);
    if (k->examples) {
        hy_buf_printf(&b, "\n%s\n", _(c, "Examples:"));
        struct hy_str rest = hy_str_of(k->examples), line;
        while (hy_str_split(&rest, '\n', &line))
            hy_buf_printf(&b, "  %.*s\n", HY_STR_ARG(line));
    }
    write_out(&b, out);
}
