#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../src/cli/cli.h"

static void write_script(const char *shell, char *path)
{
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    strcpy(path, "/tmp/hayauma-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(cli_complete(shell, &b), 0);
    cr_assert_eq(write(fd, b.data, b.len), (ssize_t)b.len);
    close(fd);
    hy_buf_free(&b);
}

/* What bash offers for a command line whose last word is being typed. */
static void offers(const char *script, const char *words, char *out, size_t cap)
{
    char command[2048];
    snprintf(command, sizeof command,
             "bash -c 'source %s; hayauma() { return 3; }; COMP_WORDS=(%s); "
             "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { COMPREPLY=(FILES); }; _hayauma; "
             "echo -n \"${COMPREPLY[*]}\"'",
             script, words);
    FILE *p = popen(command, "r");
    size_t n = fread(out, 1, cap - 1, p);
    out[n] = 0;
    cr_expect_eq(pclose(p), 0, "%s", words);
}

Test(complete, bash_offers_commands_options_and_words_in_their_places)
{
    static const struct {
        const char *words, *want;
    } cases[] = {
        {"hayauma st", "status"},
        {"hayauma campaign \"\"", "create start watch pause resume cancel held show report list"},
        {"hayauma campaign re", "resume report"},
        {"hayauma campaign start --w", "--watch --wait"},
        {"hayauma --socket /s campaign pa", "pause"},
        {"hayauma import x --format c", "csv"},
        {"hayauma import x --rejects \"\"", "FILES"},
        {"hayauma completion \"\"", "bash zsh fish"},
        {"hayauma status --v", "--version"},
        {"hayauma config check \"\"", "FILES"},
    };
    char path[32], got[4096];
    write_script("bash", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        offers(path, cases[i].words, got, sizeof got);
        cr_expect_str_eq(got, cases[i].want, "%s: got %s", cases[i].words, got);
    }
    unlink(path);
}

Test(complete, every_command_and_option_stands_in_every_script)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t s = 0; s < 3; s++) {
        struct hy_buf b = HY_BUF_INIT(1 << 20);
        cr_assert_eq(cli_complete(shells[s], &b), 0);
        const char *text = hy_buf_cstr(&b);
        for (size_t i = 0; cli_commands[i]; i++)
            for (const struct cli_option *o = cli_commands[i]->options; o && o->name; o++)
                cr_expect(strstr(text, o->name) != NULL, "%s: --%s", shells[s], o->name);
        hy_buf_free(&b);
    }
    struct hy_buf b = HY_BUF_INIT(1 << 20);
    cr_expect_eq(cli_complete("tcsh", &b), HY_EUNSUPPORTED);
}

/* Where the shell is installed, it must at least be able to read its script. */
Test(complete, shells_can_read_their_scripts)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t s = 0; s < 3; s++) {
        char path[32], command[128];
        snprintf(command, sizeof command, "command -v %s >/dev/null", shells[s]);
        if (system(command) != 0)
            continue;
        write_script(shells[s], path);
        snprintf(command, sizeof command, "%s -n %s", shells[s], path);
        cr_expect_eq(system(command), 0, "%s", shells[s]);
        unlink(path);
    }
}
