/* completion: prints a script for a shell. */
#include "cli.h"
#include "commands.h"

static int run(struct cli *c)
{
    struct hy_buf out = HY_BUF_INIT(1u << 20);
    int err = cli_complete(c->args[0], &out);
    if (err)
        fprintf(c->err, _(c, "%s is not known: bash, zsh or fish\n"), c->args[0]);
    else
        fwrite(out.data, 1, out.len, c->out);
    hy_buf_free(&out);
    return err ? CLI_USAGE : CLI_OK;
}

const struct cli_command cmd_completion = {
    .name = "completion",
    .args = "SHELL",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_WORDS,
    .words = "bash zsh fish",
    .summary = {"print the completion script of a shell: bash, zsh or fish",
                "シェル (bash, zsh, fish) の補完スクリプトを出力する"},
    .examples = "hayauma completion bash > /etc/bash_completion.d/hayauma\n"
                "hayauma completion zsh > \"${fpath[1]}/_hayauma\"\n"
                "hayauma completion fish > ~/.config/fish/completions/hayauma.fish",
    .run = run,
};
