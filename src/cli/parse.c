/* The command line: the longest command name that matches, its options, its arguments. */
#include "cli.h"

#include <stdlib.h>

static bool takes_value(const struct cli_option *o)
{
    return o->value != NULL;
}

static const struct cli_option *find_in(const struct cli_option *list, struct hy_str name)
{
    for (; list && list->name; list++)
        if (hy_str_eq(hy_str_of(list->name), name))
            return list;
    return NULL;
}

static const struct cli_option *find_option(const struct cli *c, struct hy_str name)
{
    const struct cli_option *o = find_in(cli_global_options, name);
    if (!o && c->command)
        o = find_in(c->command->options, name);
    return o;
}

/* How many of the words are this command's name; 0 = it is another. */
static size_t name_words(const char *name, const char *const *words, size_t n)
{
    struct hy_str rest = hy_str_of(name), piece;
    size_t i = 0;
    while (hy_str_split(&rest, ' ', &piece)) {
        if (i == n || !hy_str_eq(piece, hy_str_of(words[i])))
            return 0;
        i++;
    }
    return i;
}

static const struct cli_command *find_command(const char *const *words, size_t n, size_t *ret_used)
{
    const struct cli_command *best = NULL;
    *ret_used = 0;
    for (size_t i = 0; cli_commands[i]; i++) {
        size_t used = name_words(cli_commands[i]->name, words, n);
        if (used > *ret_used) {
            best = cli_commands[i];
            *ret_used = used;
        }
    }
    return best;
}

/* The option of the command that the words so far name; else of any: options may stand before the
 * command is known. */
static const struct cli_option *find_anywhere(const char *const *words, size_t n,
                                              struct hy_str name)
{
    size_t used;
    const struct cli_command *named = find_command(words, n, &used);
    const struct cli_option *o = find_in(cli_global_options, name);
    if (!o && named)
        o = find_in(named->options, name);
    for (size_t i = 0; !o && cli_commands[i]; i++)
        o = find_in(cli_commands[i]->options, name);
    return o;
}

struct word {
    struct hy_str name; /* of an option, without dashes */
    const char *value;  /* NULL = none */
};

struct parsing {
    struct cli *c;
    const char *plain[CLI_ARGS_MAX + 4]; /* command words and arguments */
    size_t n_plain;
    struct word options[CLI_OPTIONS_MAX];
    size_t n_options;
    bool help, version;
};

static enum cli_parsed wrong(struct cli *c, const char *text, struct hy_str what)
{
    fprintf(c->err, "hayauma: ");
    fprintf(c->err, "%s%s%.*s\n", text, what.n ? ": " : "", HY_STR_ARG(what));
    if (c->command)
        fprintf(c->err, _(c, "'hayauma %s --help' tells more.\n"), c->command->name);
    else
        fprintf(c->err, "%s", _(c, "'hayauma --help' lists the commands.\n"));
    return CLI_WRONG;
}

static enum cli_parsed take_option(struct parsing *p, const char *word, const char *next,
                                   bool *ret_used_next)
{
    struct hy_str name = hy_str_of(word + 2);
    const char *value = NULL;
    size_t eq = hy_str_find(name, '=', 0);
    if (eq != SIZE_MAX) {
        value = name.p + eq + 1;
        name.n = eq;
    }
    const struct cli_option *o = find_anywhere(p->plain, p->n_plain, name);
    *ret_used_next = o && takes_value(o) && !value && next;
    if (*ret_used_next)
        value = next;
    if (p->n_options == CLI_OPTIONS_MAX)
        return wrong(p->c, _(p->c, "too many options"), hy_str_of(word));
    p->options[p->n_options++] = (struct word){name, value};
    return CLI_RUN;
}

static enum cli_parsed collect(struct parsing *p, int argc, const char *const *argv)
{
    bool only_plain = false;
    for (int i = 1; i < argc; i++) {
        const char *w = argv[i];
        bool used_next = false;
        if (!only_plain && strcmp(w, "--") == 0) {
            only_plain = true;
        } else if (!only_plain && strcmp(w, "-h") == 0) {
            p->help = true;
        } else if (!only_plain && strncmp(w, "--", 2) == 0) {
            if (take_option(p, w, i + 1 < argc ? argv[i + 1] : NULL, &used_next) != CLI_RUN)
                return CLI_WRONG;
            i += used_next;
        } else if (!only_plain && w[0] == '-' && w[1]) {
            return wrong(p->c, _(p->c, "unknown option"), hy_str_of(w));
        } else if (p->n_plain == sizeof p->plain / sizeof p->plain[0]) {
            return wrong(p->c, _(p->c, "too many arguments"), hy_str_of(w));
        } else {
            p->plain[p->n_plain++] = w;
        }
    }
    return CLI_RUN;
}

static bool is_word_of(const char *words, struct hy_str value)
{
    struct hy_str rest = hy_str_of(words), w;
    while (hy_str_split(&rest, ' ', &w))
        if (hy_str_eq(w, value))
            return true;
    return false;
}

static bool are_words_of(const struct cli_option *o, struct hy_str value)
{
    struct hy_str w;
    if (o->kind != CLI_SOME_WORDS)
        return is_word_of(o->words, value);
    while (hy_str_split(&value, ',', &w))
        if (!is_word_of(o->words, hy_str_trim(w)))
            return false;
    return true;
}

static enum cli_parsed apply_option(struct parsing *p, const struct word *w)
{
    struct cli *c = p->c;
    const struct cli_option *o = find_option(c, w->name);
    char shown[128];
    snprintf(shown, sizeof shown, "--%.*s", HY_STR_ARG(w->name));
    if (!o)
        return wrong(c, _(c, "unknown option"), hy_str_of(shown));
    if (takes_value(o) && !w->value)
        return wrong(c, _(c, "this option needs a value"), hy_str_of(shown));
    if (!takes_value(o) && w->value)
        return wrong(c, _(c, "this option takes no value"), hy_str_of(shown));
    if (o->words && takes_value(o) && !are_words_of(o, hy_str_of(w->value))) {
        snprintf(shown, sizeof shown, "--%s=%.60s (%.40s)", o->name, w->value, o->words);
        return wrong(c, _(c, "not one of the words it takes"), hy_str_of(shown));
    }
    c->given[c->n_given].option = o;
    c->given[c->n_given++].value = w->value ? w->value : "";
    return CLI_RUN;
}

static bool is_group(const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; cli_commands[i]; i++)
        if (strncmp(cli_commands[i]->name, word, n) == 0 && cli_commands[i]->name[n] == ' ')
            return true;
    return false;
}

static bool asks(const struct parsing *p, const char *name)
{
    for (size_t i = 0; i < p->n_options; i++)
        if (hy_str_eq(p->options[i].name, hy_str_of(name)))
            return true;
    return false;
}

static enum cli_parsed check_command(struct parsing *p, size_t used)
{
    struct cli *c = p->c;
    bool help = p->help || asks(p, "help");
    if (!c->command && asks(p, "version"))
        return CLI_VERSION;
    if (!c->command && (help || p->n_plain == 0)) {
        if (p->n_plain == 0)
            return help ? CLI_HELP : wrong(c, _(c, "no command given"), HY_STR(""));
        c->args[c->n_args++] = p->plain[0];
        return is_group(p->plain[0]) ? CLI_HELP
                                     : wrong(c, _(c, "unknown command"), hy_str_of(p->plain[0]));
    }
    if (!c->command && is_group(p->plain[0])) {
        cli_help_group(c, p->plain[0], c->err);
        return CLI_WRONG;
    }
    if (!c->command)
        return wrong(c, _(c, "unknown command"), hy_str_of(p->plain[0]));
    if (help)
        return CLI_HELP;
    for (size_t i = used; i < p->n_plain && c->n_args < CLI_ARGS_MAX; i++)
        c->args[c->n_args++] = p->plain[i];
    return CLI_RUN;
}

enum cli_parsed cli_parse(struct cli *c, int argc, const char *const *argv)
{
    struct parsing p = {.c = c};
    size_t used;
    if (collect(&p, argc, argv) != CLI_RUN)
        return CLI_WRONG;
    c->command = find_command(p.plain, p.n_plain, &used);
    enum cli_parsed what = check_command(&p, used);
    for (size_t i = 0; what == CLI_RUN && i < p.n_options; i++)
        what = apply_option(&p, &p.options[i]);
    if (what != CLI_RUN)
        return what;
    if (c->n_args < c->command->n_min)
        return wrong(c, _(c, "an argument is missing"), hy_str_of(c->command->args));
    if (c->n_args > c->command->n_max)
        return wrong(c, _(c, "one argument too many"), hy_str_of(c->args[c->command->n_max]));
    c->json = cli_flag(c, "json");
    c->config = cli_option(c, "config");
    c->socket = cli_option(c, "socket");
    return CLI_RUN;
}

const char *cli_option(const struct cli *c, const char *name)
{
    for (size_t i = c->n_given; i-- > 0;)
        if (strcmp(c->given[i].option->name, name) == 0)
            return c->given[i].value;
    return NULL;
}

int64_t cli_seconds(const char *s)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    struct hy_str text = hy_str_of(s);
    uint64_t n;
    if (text.n < 2 || hy_str_to_u64(hy_str_slice(text, 0, text.n - 1), 366 * 86400, &n))
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text.p[text.n - 1] == units[i].unit)
            return (int64_t)n * units[i].seconds;
    return 0;
}

/* The whole of `s` by this format, into `tm`. */
static bool reads_as(const char *s, const char *format, struct tm *tm)
{
    const char *end = strptime(s, format, tm);
    return end && *end == '\0';
}

int64_t cli_until(const char *s, time_t now)
{
    static const char *const dates[] = {"%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M:%S"};
    struct tm tm = {.tm_isdst = -1}, today;
    bool is_known = false;
    for (size_t i = 0; i < sizeof dates / sizeof *dates && !is_known; i++) {
        tm = (struct tm){.tm_isdst = -1};
        is_known = reads_as(s, dates[i], &tm);
    }
    if (!is_known) {
        tm = (struct tm){.tm_isdst = -1};
        if (!reads_as(s, "%H:%M", &tm) || !localtime_r(&now, &today))
            return 0;
        tm.tm_year = today.tm_year;
        tm.tm_mon = today.tm_mon;
        tm.tm_mday = today.tm_mday;
        struct tm at = tm;
        tm.tm_mday += mktime(&at) <= now;
    }
    time_t at = mktime(&tm);
    return at > now ? (int64_t)(at - now) : 0;
}

int cli_number_option(struct cli *c, const char *name, uint64_t max, json_t *args)
{
    const char *text = cli_option(c, name);
    uint64_t n;
    if (!text)
        return CLI_OK;
    if (hy_str_to_u64(hy_str_of(text), max, &n)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), name, (unsigned long long)max);
        return CLI_USAGE;
    }
    json_object_set_new(args, name, json_integer((json_int_t)n));
    return CLI_OK;
}
