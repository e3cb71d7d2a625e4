/* The options of sendmail. Those that only change how sendmail itself works are taken and mean
 * nothing here: programs pass what they learned decades ago. */
#include "sendmail.h"

/* Options with a value, and those that have none; -b, -o, -q and -N are read by themselves. */
static const char with_value[] = "fFrRVNBCDLhMOpX", alone[] = "tinGmsUvE";

struct state {
    struct sendmail_args a;
    const char *const *argv;
    int argc, at;
};

/* What stands behind the letter, or the next argument; NULL: nothing does. */
static const char *value_of(struct state *s, const char *option)
{
    if (option[2])
        return option + 2;
    return s->at + 1 < s->argc ? s->argv[++s->at] : NULL;
}

static bool read_notify(const char *text, uint8_t *ret)
{
    static const char *const words[] = {"never", "success", "failure", "delay"};
    struct hy_str rest = hy_str_of(text), word;
    uint8_t bits = 0;
    while (hy_str_split(&rest, ',', &word)) {
        uint8_t bit = 0;
        for (size_t i = 0; i < 4; i++)
            if (hy_str_ieq(word, hy_str_of(words[i])))
                bit = (uint8_t)(1u << i);
        if (bit == 0)
            return false;
        bits |= bit;
    }
    *ret = bits;
    return bits == 1 || !(bits & 1);
}

static bool take_value(struct state *s, char letter, const char *value)
{
    struct sendmail_args *a = &s->a;
    switch (letter) {
    case 'f':
    case 'r':
        a->sender = value;
        return true;
    case 'F':
        a->name = value;
        return true;
    case 'V':
        a->envid = value;
        return strlen(value) <= 100; /* RFC 3461 4.4 */
    case 'N':
        return read_notify(value, &a->notify);
    case 'R':
        a->ret = hy_str_ieq(hy_str_of(value), HY_STR("hdrs")) ? 1 : 2;
        return a->ret == 1 || hy_str_ieq(hy_str_of(value), HY_STR("full"));
    default:
        return true;
    }
}

static bool take_mode(struct state *s, char letter)
{
    static const struct {
        char letter;
        enum sendmail_mode mode;
    } modes[] = {{'m', SENDMAIL_DELIVER},
                 {'s', SENDMAIL_SMTP},
                 {'p', SENDMAIL_QUEUE},
                 {'i', SENDMAIL_NOTHING}};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (modes[i].letter == letter) {
            s->a.mode = modes[i].mode;
            return true;
        }
    return false;
}

static bool take_option(struct state *s)
{
    const char *option = s->argv[s->at];
    char letter = option[1];
    if (letter == 'b')
        return take_mode(s, option[2]) && !option[3];
    if (letter == 'A' && option[2] && !option[3]) /* -Ac, -Am: which configuration */
        return true;
    if (letter == 'q' || letter == 'd') { /* the daemon runs the queue by itself */
        s->a.mode = letter == 'q' ? SENDMAIL_NOTHING : s->a.mode;
        return true;
    }
    if (letter == 'o') { /* -oi, -oem, -odb ... */
        s->a.ignores_dots |= option[2] == 'i';
        return option[2] || value_of(s, option);
    }
    if (strchr(with_value, letter)) {
        const char *value = value_of(s, option);
        return value && take_value(s, letter, value);
    }
    for (const char *p = option + 1; *p; p++) { /* -ti */
        if (!strchr(alone, *p))
            return false;
        s->a.reads_header |= *p == 't';
        s->a.ignores_dots |= *p == 'i';
    }
    return true;
}

static enum sendmail_mode mode_of(const char *called)
{
    if (strcmp(called, "mailq") == 0)
        return SENDMAIL_QUEUE;
    return strcmp(called, "newaliases") == 0 ? SENDMAIL_NOTHING : SENDMAIL_DELIVER;
}

bool sendmail_parse(const char *called, int argc, const char *const *argv,
                    struct sendmail_args *ret, const char **ret_wrong)
{
    struct state s = {.a = {.mode = mode_of(called)}, .argv = argv, .argc = argc};
    for (; s.at < argc; s.at++) {
        const char *arg = argv[s.at];
        if (strcmp(arg, "--") == 0) {
            s.at++;
            break;
        }
        if (arg[0] != '-' || !arg[1])
            break;
        if (!take_option(&s)) {
            *ret_wrong = arg;
            return false;
        }
    }
    s.a.rcpts = argv + s.at;
    s.a.n_rcpts = (size_t)(argc - s.at);
    *ret = s.a;
    return true;
}
