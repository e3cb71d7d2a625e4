/* The COMMANDS part of hayauma(1), from the table of commands; tools/gen-cli-docs puts it there and
 * a test holds the page to it. */
#include "cli.h"
#include "commands.h"

/* Text in roff: dashes as they are typed, nothing that begins a request. */
static void put_roff(struct hy_buf *out, const char *text)
{
    bool at_start = true;
    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            hy_buf_add_lit(out, "\\&");
        at_start = *text == '\n';
        if (*text == '-')
            hy_buf_add_lit(out, "\\-");
        else if (*text == '\\')
            hy_buf_add_lit(out, "\\e");
        else
            hy_buf_add_c(out, *text);
    }
}

/* A sentence of what help shows as a phrase; a list of words to type keeps its small letters. */
static void put_sentence(struct hy_buf *out, const char *phrase)
{
    char first[2] = {phrase[0], '\0'};
    size_t word = strcspn(phrase, " ,");
    bool is_prose = phrase[word] != ',' && strncmp(phrase + word, " (default)", 10) != 0;
    if (is_prose && first[0] >= 'a' && first[0] <= 'z')
        first[0] = (char)(first[0] - 32);
    put_roff(out, first);
    put_roff(out, phrase + 1);
    hy_buf_add_lit(out, ".\n");
}

static void put_options(struct hy_buf *out, const struct cli_option *o)
{
    for (; o && o->name; o++) {
        hy_buf_add_lit(out, ".TP\n.B \\-\\-");
        put_roff(out, o->name);
        if (o->value) {
            hy_buf_add_lit(out, " \\fI");
            put_roff(out, o->value);
            hy_buf_add_lit(out, "\\fR");
        }
        hy_buf_add_lit(out, "\n");
        put_sentence(out, o->help[CLI_EN]);
    }
}

static void put_command(struct hy_buf *out, const struct cli_command *k)
{
    hy_buf_printf(out, ".SS hayauma %s", k->name);
    if (k->args[0]) {
        hy_buf_add_lit(out, " ");
        put_roff(out, k->args);
    }
    hy_buf_add_lit(out, "\n");
    put_sentence(out, k->summary[CLI_EN]);
    if (k->about[CLI_EN]) {
        hy_buf_add_lit(out, ".PP\n");
        put_roff(out, k->about[CLI_EN]);
        hy_buf_add_lit(out, "\n");
    }
    put_options(out, k->options);
    if (k->examples) {
        hy_buf_add_lit(out, ".PP\n.RS 4\n.EX\n");
        put_roff(out, k->examples);
        hy_buf_add_lit(out, "\n.EE\n.RE\n");
    }
}

void cli_man(struct hy_buf *out)
{
    for (size_t i = 0; cli_commands[i]; i++)
        if (!cli_commands[i]->hidden)
            put_command(out, cli_commands[i]);
    hy_buf_add_lit(out, ".SH OPTIONS OF EVERY COMMAND\n");
    put_options(out, cli_global_options);
}

static int run(struct cli *c)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf out = HY_BUF_INIT(1 << 20);
    cli_man(&out);
    if (out.err)
        return cli_fail(c, out.err, NULL, NULL);
    fwrite(out.data, 1, out.len, c->out);
    return CLI_OK;
}

const struct cli_command cmd_man = {
    .name = "man",
    .args = "",
    .summary = {"print the commands as the manual page has them (roff)",
                "マニュアルのコマンド部分 (roff) を表示する"},
    .examples = "hayauma man",
    .run = run,
    .hidden = true,
};
