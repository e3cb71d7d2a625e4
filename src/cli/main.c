/* hayauma: finds the command, runs it. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "hayauma/config/tune.h"
#include "sendmail.h"

static const char *locale_name(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *v = getenv(names[i]);
        if (v && v[0])
            return v;
    }
    return "C";
}

/* What programs call when they mean sendmail. */
static bool is_sendmail(const char *called)
{
    return strcmp(called, "sendmail") == 0 || strcmp(called, "mailq") == 0 ||
           strcmp(called, "newaliases") == 0;
}

int main(int argc, char **argv)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL;
    const char *called = slash ? slash + 1 : argc ? argv[0] : "";
    if (is_sendmail(called))
        return sendmail_main(called, argc - 1, (const char *const *)argv + 1);
    if (argc > 1 && strcmp(argv[1], "sendmail") == 0)
        return sendmail_main(argv[1], argc - 2, (const char *const *)argv + 2);
    if (argc == 3 && strcmp(argv[1], HY_TUNE_CHILD_ARG) == 0) /* measures for 'hayauma tune' */
        return hy_tune_child(argv[2]);
    struct cli c = {.out = stdout, .err = stderr, .lang = cli_lang_of(locale_name())};
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    setlocale(LC_TIME, "C");
    signal(SIGPIPE, SIG_IGN);
    c.is_tty = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
    c.is_color = c.is_tty && !(no_color && no_color[0]);
    int code = CLI_OK;
    switch (cli_parse(&c, argc, (const char *const *)argv)) {
    case CLI_WRONG:
        return CLI_USAGE;
    case CLI_HELP:
        cli_help(&c, stdout);
        break;
    case CLI_VERSION:
        puts("hayauma " HY_VERSION);
        break;
    case CLI_RUN:
        code = c.command->run(&c);
        break;
    }
    if (fflush(stdout) && code == CLI_OK)
        code = CLI_FAILED;
    return code;
}
