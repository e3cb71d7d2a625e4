#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../../src/cli/cli.h"
#include "../../../src/cli/retell.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static enum cli_parsed parse(struct cli *c, const char *line, char **ret_err)
{
    static char words[1024];
    const char *argv[32] = {"hayauma"};
    int argc = 1;
    size_t n;
    FILE *err = open_memstream(ret_err, &n);
    *c = (struct cli){.out = err, .err = err};
    snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    enum cli_parsed got = cli_parse(c, argc, argv);
    fclose(err);
    return got;
}

Test(parse, a_time_of_the_day_or_a_date_is_read_as_seconds_from_now)
{
    enum { NOON = 1764590400 }; /* 2025-12-01T12:00:00Z */
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"12:30", 1800},
        {"11:59", 86340},
        {"12:00", 86400},
        {"2025-12-01T12:30", 1800},
        {"2025-12-01 13:00:05", 3605},
        {"2025-12-02T12:00", 86400},
        {"2025-12-01T11:59", 0},
        {"tomorrow", 0},
        {"25:00", 0},
        {"12:30 ", 0},
        {"", 0},
        {"2025-13-01T00:00", 0},
    };
    setenv("TZ", "UTC", 1);
    tzset();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(cli_until(cases[i].text, NOON), cases[i].want, "%s: got %ld", cases[i].text,
                     (long)cli_until(cases[i].text, NOON));
}

Test(parse, commands_options_and_arguments_are_told_apart)
{
    static const struct {
        const char *line, *command, *arg, *option, *value;
    } cases[] = {
        {"status", "status", NULL, NULL, NULL},
        {"status --json", "status", NULL, "json", ""},
        {"--socket /s status", "status", NULL, "socket", "/s"},
        {"--socket=/s status", "status", NULL, "socket", "/s"},
        {"import leads.csv --list news", "import", "leads.csv", "list", "news"},
        {"import --list news leads.csv", "import", "leads.csv", "list", "news"},
        {"import --list=a=b -", "import", "-", "list", "a=b"},
        {"campaign start x --wait", "campaign start", "x", "wait", ""},
        {"campaign --json start x", "campaign start", "x", "json", ""},
        {"campaign start -- --x", "campaign start", "--x", NULL, NULL},
        {"list show", "list show", NULL, NULL, NULL},
        {"list show a --limit 1 --limit 2", "list show", "a", "limit", "2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cli c;
        char *err;
        cr_expect_eq(parse(&c, cases[i].line, &err), CLI_RUN, "%s: %s", cases[i].line, err);
        cr_expect_str_eq(c.command->name, cases[i].command);
        cr_expect_eq(c.n_args, cases[i].arg ? 1u : 0u, "%s", cases[i].line);
        if (cases[i].arg)
            cr_expect_str_eq(c.args[0], cases[i].arg);
        if (cases[i].option) {
            const char *v = cli_option(&c, cases[i].option);
            cr_assert_not_null(v, "%s", cases[i].line);
            cr_expect_str_eq(v, cases[i].value);
        }
        free(err);
    }
}

Test(parse, mistakes_are_named)
{
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"", "hayauma: no command given\n'hayauma --help' lists the commands.\n"},
        {"campain", "hayauma: unknown command: campain\n'hayauma --help' lists the commands.\n"},
        {"status --jsn", "hayauma: unknown option: --jsn\n'hayauma status --help' tells more.\n"},
        {"status -x", "hayauma: unknown option: -x\n'hayauma --help' lists the commands.\n"},
        {"status now",
         "hayauma: one argument too many: now\n'hayauma status --help' tells more.\n"},
        {"status --list x",
         "hayauma: unknown option: --list\n'hayauma status --help' tells more.\n"},
        {"import --list",
         "hayauma: this option needs a value: --list\n'hayauma import --help' tells more.\n"},
        {"status --json=yes",
         "hayauma: this option takes no value: --json\n'hayauma status --help' tells more.\n"},
        {"import x --format xls", "hayauma: not one of the words it takes: --format=xls (auto csv "
                                  "tsv semicolon)\n'hayauma import --help' tells more.\n"},
        {"campaign start",
         "hayauma: an argument is missing: NAME\n'hayauma campaign start --help' tells more.\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cli c;
        char *err;
        cr_expect_eq(parse(&c, cases[i].line, &err), CLI_WRONG, "%s", cases[i].line);
        cr_expect_str_eq(err, cases[i].want);
        free(err);
    }
}

Test(parse, an_option_of_several_words_takes_them_with_commas)
{
    static const struct {
        const char *line;
        enum cli_parsed want;
    } cases[] = {
        {"token create x * --scopes admin", CLI_RUN},
        {"token create x * --scopes messages:send,admin", CLI_RUN},
        {"token create x * --scopes admin,no", CLI_WRONG},
        {"token create x * --scopes admin,,admin", CLI_WRONG},
        {"token create x * --scopes=", CLI_WRONG},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cli c;
        char *err;
        cr_expect_eq(parse(&c, cases[i].line, &err), cases[i].want, "%s: %s", cases[i].line, err);
        free(err);
    }
}

Test(parse, help_and_version_are_found_anywhere)
{
    static const struct {
        const char *line;
        enum cli_parsed want;
    } cases[] = {{"--help", CLI_HELP},          {"-h", CLI_HELP},
                 {"campaign --help", CLI_HELP}, {"campaign start --help", CLI_HELP},
                 {"import -h", CLI_HELP},       {"--version", CLI_VERSION}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cli c;
        char *err;
        cr_expect_eq(parse(&c, cases[i].line, &err), cases[i].want, "%s", cases[i].line);
        free(err);
    }
}

Test(parse, every_command_has_help_in_both_languages_with_an_example)
{
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *k = cli_commands[i];
        for (int lang = 0; lang < CLI_LANGS; lang++) {
            char *text;
            size_t n;
            FILE *out = open_memstream(&text, &n);
            struct cli c = {.lang = (enum cli_lang)lang, .command = k};
            cli_help(&c, out);
            fclose(out);
            cr_expect(strstr(text, k->summary[lang]) != NULL, "%s", k->name);
            cr_expect(strstr(text, k->name) != NULL);
            for (const struct cli_option *o = k->options; o && o->name; o++)
                cr_expect(strstr(text, o->name) && o->help[lang][0], "%s --%s", k->name, o->name);
            free(text);
        }
        cr_expect_str_neq(k->summary[CLI_EN], k->summary[CLI_JA]);
        cr_expect(k->examples && strncmp(k->examples, "hayauma ", 8) == 0, "%s", k->name);
        cr_expect((k->about[CLI_EN] == NULL) == (k->about[CLI_JA] == NULL), "%s", k->name);
    }
}

/* The conversions of a format, in order: "%s%lld". */
static void conversions(const char *s, char *out)
{
    for (; *s; s++) {
        if (*s != '%')
            continue;
        if (s[1] == '%') {
            s++;
            continue;
        }
        do
            *out++ = *s++;
        while (*s && !strchr("diouxXeEfFgGcsp", *s));
        *out++ = *s;
    }
    *out = 0;
}

static int times_in(cli_words *const *tables, const char *english)
{
    int n = 0;
    for (; *tables; tables++)
        for (cli_words *w = *tables; (*w)[0]; w++)
            n += strcmp((*w)[0], english) == 0;
    return n;
}

Test(text, translations_take_the_same_arguments_and_end_alike)
{
    for (size_t t = 0; cli_texts[t]; t++)
        for (cli_words *w = cli_texts[t]; (*w)[0]; w++) {
            const char *en = (*w)[0], *ja = (*w)[1];
            char a[256], b[256];
            conversions(en, a);
            conversions(ja, b);
            cr_expect_str_eq(a, b, "%s", en);
            cr_expect_eq(en[strlen(en) - 1] == '\n', ja[strlen(ja) - 1] == '\n', "%s", en);
            cr_expect_eq(times_in(cli_texts, en), 1, "stands twice: %s", en);
        }
}

/* The literals of the sources that may say it, put together as the compiler does. */
static struct hy_buf literals(void)
{
    struct hy_buf all = HY_BUF_INIT(64u << 20);
    char command[1024], piece[65536];
    size_t n;
    snprintf(command, sizeof command,
             "cd %s/src && ls */*.c | grep -v text_retold | xargs cat | tr -d '\n' | "
             "sed 's/\\([^\\]\\)\" *\"/\\1/g'",
             HY_SOURCE_ROOT);
    FILE *p = popen(command, "r");
    cr_assert_not_null(p);
    while ((n = fread(piece, 1, sizeof piece, p)) > 0)
        hy_buf_add(&all, piece, n);
    pclose(p);
    return all;
}

/* "%.*s", "%.60s" and PRIu32 make what "%s" and "%u" make: they are looked for as these. */
static void simplify(struct hy_buf *b)
{
    size_t to = 0;
    for (size_t i = 0; i < b->len; i++) {
        b->data[to++] = b->data[i];
        if (b->data[i] != '%' || i + 1 >= b->len || b->data[i + 1] != '.')
            continue;
        i++;
        while (i + 1 < b->len && strchr(".*0123456789", b->data[i + 1]))
            i++;
    }
    b->len = to;
}

Test(text, what_is_retold_is_said_somewhere_and_keeps_its_arguments)
{
    struct hy_buf all = literals();
    simplify(&all);
    for (size_t t = 0; cli_retold[t]; t++)
        for (cli_words *w = cli_retold[t]; (*w)[0]; w++) {
            const char *en = (*w)[0];
            char a[256], b[256], quoted[1024];
            conversions(en, a);
            conversions((*w)[1], b);
            cr_expect_str_eq(a, b, "%s", en);
            size_t n = 0;
            for (const char *c = en; *c && n + 2 < sizeof quoted; c++) {
                if (*c == '"')
                    quoted[n++] = '\\';
                quoted[n++] = *c;
            }
            quoted[n] = '\0';
            bool is_said = hy_str_find_str(hy_buf_str(&all), hy_str_of(quoted), 0) != SIZE_MAX;
            cr_expect(is_said, "nobody says: %s", en);
            cr_expect_eq(times_in(cli_retold, en), 1, "stands twice: %s", en);
        }
    hy_buf_free(&all);
}

Test(text, ready_made_messages_are_told_in_japanese_with_what_they_name)
{
    static const char *const cases[][2] = {
        {"delivery.workers: '0' is out of range: 1 to 64, or auto",
         "delivery.workers: '0' は範囲外です (1 to 64, or auto)"},
        {"submission.users: /etc/hayauma/users:3: the name is empty, too long or not UTF-8",
         "submission.users: /etc/hayauma/users:3: 名前が空か、長すぎるか、UTF-8 ではありません"},
        {"api.tokens: /etc/hayauma/tokens:3: a name has no control characters",
         "api.tokens: /etc/hayauma/tokens:3: 名前に制御文字は使えません"},
        {"day 3 allows 8 messages, less than the 9 of the day before",
         "3 日目は 8 通で、前日の 9 通より少なくなっています"},
        {"days: day x allows 8 messages, less than the 9 of the day before",
         "days: day x allows 8 messages, less than the 9 of the day before"},
        {"unknown key 'tol'", "'tol' という項目はありません"},
        {"unknown key 'tol' (did you mean 'tls'?)",
         "'tol' という項目はありません ('tls' のことですか)"},
        {"unknown key 'tol' in 'log'", "'tol' という項目は 'log' にありません"},
        {"connections: can never be reached: there are never so many (built in)",
         "connections: 届きません。接続はそこまで増えません (組み込み値)"},
        {"there is no lead 'tag'", "リード 'tag' はありません"}, /* somebody's word stays */
        {"there is no @ in the address", "アドレスに @ がありません"},
        {"nothing that is known", "nothing that is known"},
        {"a b: must not be empty", "a b: must not be empty"},
        {"", ""},
    };
    struct cli ja = {.lang = CLI_JA}, en = {.lang = CLI_EN};
    struct hy_buf room = HY_BUF_INIT(65536);
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect_str_eq(cli_retell(&ja, cases[i][0], &room), cases[i][1]);
        cr_expect_str_eq(cli_retell(&en, cases[i][0], &room), cases[i][0]);
    }
    hy_buf_free(&room);
}

/* Every literal inside _(c, "...") of the sources stands in the table. */
Test(text, every_message_is_translated)
{
    char command[512], *line = NULL;
    size_t cap = 0, found = 0;
    snprintf(
        command, sizeof command,
        "cat %s/src/cli/*.c | tr -d '\\n' | grep -oE '\\b_\\((p->)?c, *(\"([^\"\\\\]|\\\\.)*\" "
        "*)+\\)'",
        HY_SOURCE_ROOT);
    FILE *p = popen(command, "r");
    cr_assert_not_null(p);
    while (getline(&line, &cap, p) > 0) {
        char text[2048] = "", *w = text;
        bool is_inside = false;
        for (char *s = line; *s; s++) {
            if (*s == '"') {
                is_inside = !is_inside;
            } else if (is_inside && *s == '\\') {
                s++;
                *w++ = *s == 'n' ? '\n' : *s;
            } else if (is_inside) {
                *w++ = *s;
            }
        }
        *w = 0;
        cr_expect_eq(times_in(cli_texts, text), 1, "in no table of text_*.c: %s", text);
        found++;
    }
    pclose(p);
    free(line);
    cr_expect_gt(found, 60u);
}

/* Heads of tables are plain literals: cli_table_print tells them. */
Test(text, every_head_of_a_table_is_translated)
{
    char command[1024], *line = NULL;
    size_t cap = 0, found = 0;
    snprintf(command, sizeof command,
             "cat %s/src/cli/cmd_*.c | tr -d '\\n' | grep -oE 'heads\\[\\] = \\{[^}]*\\}' | "
             "grep -oE '\"[^\"]*\"' | tr -d '\"' | grep .",
             HY_SOURCE_ROOT);
    FILE *p = popen(command, "r");
    cr_assert_not_null(p);
    while (getline(&line, &cap, p) > 0) {
        line[strcspn(line, "\n")] = '\0';
        cr_expect_eq(times_in(cli_texts, line), 1, "in no table of text_*.c: %s", line);
        found++;
    }
    pclose(p);
    free(line);
    cr_expect_gt(found, 60u);
}

Test(text, the_language_follows_the_locale)
{
    cr_expect_eq(cli_lang_of("ja_JP.UTF-8"), CLI_JA);
    cr_expect_eq(cli_lang_of("ja"), CLI_JA);
    cr_expect_eq(cli_lang_of("en_US.UTF-8"), CLI_EN);
    cr_expect_eq(cli_lang_of("C"), CLI_EN);
}
