/* The hayauma command: what its parts share. One file per command, each a const struct cli_command
 * in the table of commands.c; help, completion and the manual page are made from that table. */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "hayauma/base/buf.h"
#include "hayauma/config/control.h"

/* Exit codes. Documented in hayauma(1): never renumber. */
enum {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* what was asked for failed, or a check found something */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_UNREACHABLE = 3, /* the daemon does not run or does not answer */
    CLI_REFUSED = 4,     /* no permission to command the daemon */
    CLI_INTERRUPTED = 130,
};

enum cli_lang { CLI_EN, CLI_JA, CLI_LANGS };

/* What a word of the command line is, for shell completion. */
enum cli_kind { CLI_TEXT, CLI_FILE, CLI_DIR, CLI_CAMPAIGN, CLI_LIST, CLI_WORDS, CLI_SOME_WORDS };

struct cli_option {
    const char *name;  /* "list": --list */
    const char *value; /* "NAME" when it takes one; NULL = a flag */
    enum cli_kind kind;
    const char *words; /* CLI_WORDS: "csv tsv auto"; CLI_SOME_WORDS: several, commas between */
    const char *help[CLI_LANGS];
};

struct cli;
struct cli_command {
    const char *name; /* "campaign create" */
    const char *args; /* "FILE", "[NAME]"; "" = none */
    uint16_t n_min, n_max;
    enum cli_kind kind; /* of the arguments */
    const char *words;  /* CLI_WORDS */
    const char *summary[CLI_LANGS];
    const char *about[CLI_LANGS];     /* further lines; NULL = none */
    const char *examples;             /* lines; NULL = none */
    const struct cli_option *options; /* ended by one without a name; NULL = none */
    int (*run)(struct cli *c);        /* an exit code */
    bool hidden;                      /* for tools, not for people */
};
extern const struct cli_command *const cli_commands[]; /* NULL-terminated, in the order of help */
/* Options that every command has: --json, --config, --socket, --help. */
extern const struct cli_option cli_global_options[];

enum { CLI_ARGS_MAX = 10000, CLI_OPTIONS_MAX = 24 };

struct cli {
    FILE *out, *err;
    enum cli_lang lang;
    bool json;
    bool is_tty;   /* `out` is a terminal */
    bool is_color; /* a terminal, and NO_COLOR is not set */
    const char *config, *socket;
    const struct cli_command *command;
    const char *args[CLI_ARGS_MAX];
    size_t n_args;
    struct {
        const struct cli_option *option;
        const char *value; /* "" for flags */
    } given[CLI_OPTIONS_MAX];
    size_t n_given;
};

/* -- the command line (parse.c, help.c, complete.c) ----------------------------------------- */

enum cli_parsed { CLI_RUN, CLI_HELP, CLI_VERSION, CLI_WRONG };
/* Fills in `c`; for CLI_WRONG a message went to c->err. Options may stand anywhere; "--" ends them.
 */
enum cli_parsed cli_parse(struct cli *c, int argc, const char *const *argv);
/* NULL when not given; the last one counts. */
const char *cli_option(const struct cli *c, const char *name);
static inline bool cli_flag(const struct cli *c, const char *name)
{
    return cli_option(c, name) != NULL;
}
/* A number of an option into `args`, under its name; nothing when it is not given. CLI_USAGE, told,
 * when it is none up to `max`. */
int cli_number_option(struct cli *c, const char *name, uint64_t max, json_t *args);
/* "30s", "15m", "2h", "3d" in seconds; 0 when it is none of these. */
int64_t cli_seconds(const char *s);
/* "09:30" (the next time it is that), "2026-12-01 09:30" or with a T, of the person's time zone:
 * seconds from `now` (since 1970) until then; 0 when it is none of these, or over. */
int64_t cli_until(const char *s, time_t now);
/* c->command's help, or without one the overview. */
void cli_help(const struct cli *c, FILE *out);
/* The commands whose name begins with these words, for "hayauma campaign --help". */
void cli_help_group(const struct cli *c, const char *group, FILE *out);
/* The commands in roff, for hayauma(1). */
void cli_man(struct hy_buf *out);
/* "bash", "zsh" or "fish"; HY_EUNSUPPORTED. */
HY_MUST_USE int cli_complete(const char *shell, struct hy_buf *out);

/* -- talking (talk.c) ------------------------------------------------------------------------ */

/* A request on a connection of its own; a failure is told on c->err. An exit code; on CLI_OK
 * *ret_result is new. `options` and `args` as hy_control_request; args is taken over. */
int cli_request(struct cli *c, const char *command, json_t *args,
                const struct hy_control_call_options *options, json_t **ret_result);
/* The same on a given connection. */
int cli_request_on(struct cli *c, struct hy_control_client *client, const char *command,
                   json_t *args, const struct hy_control_call_options *options,
                   json_t **ret_result);
int cli_connect(struct cli *c, struct hy_control_client **ret_client);
/* The configuration file: --config, HAYAUMA_CONFIG, or the usual one. */
const char *cli_config_path(const struct cli *c);
/* The socket: --socket, HAYAUMA_SOCKET, or what the configuration says. */
const char *cli_socket(struct cli *c, char *room, size_t cap);
/* Tells an error on c->err, and what to do; returns the exit code for it. */
int cli_fail(struct cli *c, int err, const char *message, const char *hint);
/* Whether somebody sits before standard input and error (the output may go into a file). */
bool cli_can_ask(void);
/* Asks there, when it can and --yes is not given: false, and it is said, when the
 * answer is no. `question` ends with a space. */
bool cli_confirm(struct cli *c, const char *question);
/* For --json: the object as it came, on c->out. Drops the reference. */
int cli_print_json(struct cli *c, json_t *obj);

/* -- words (text.c) -------------------------------------------------------------------------- */

/* The message in the person's language. Every literal given to it stands in a table of text_*.c
 * (text.h), which a test checks. */
const char *cli_text(const struct cli *c, const char *english) __attribute__((format_arg(2)));
#define _(c, english) cli_text((c), (english))
/* A word that the daemon answered, as it is said of `noun` ("order-state placed" stands in the
 * table of text_states.c); the word itself when nothing is. */
const char *cli_word_of(const struct cli *c, const char *noun, const char *word);
/* From LC_ALL, LC_MESSAGES, LANG. */
enum cli_lang cli_lang_of(const char *locale);

/* -- looks (look.c) -------------------------------------------------------------------------- */

/* Columns on a terminal: East Asian wide characters take two, combining marks none. */
size_t cli_columns(struct hy_str s);
/* Appends `s` without control characters, cut to `columns` with an ellipsis, and padded when `pad`
 * is set. */
void cli_put_cell(struct hy_buf *out, struct hy_str s, size_t columns, bool pad);
/* Appends `s` as cli_put_cell does, on the right of at least `columns`: nothing is cut. */
void cli_put_right(struct hy_buf *out, struct hy_str s, size_t columns);
/* A cell for a site, padded, but cut at its beginning: the end of its name says more,
 * "…mx4).asagao-mail.example". `columns` >= 1. */
void cli_put_name(struct hy_buf *out, struct hy_str s, size_t columns);
/* Prints a line of words that came from outside: nothing in them may move the cursor. */
void cli_put_line(struct cli *c, const char *prefix, const char *text);
/* "1,234,567" */
const char *cli_number(int64_t n, char out[32]);
/* "1.2 GiB" */
const char *cli_bytes(int64_t n, char out[32]);
/* "3 m 20 s", "2 d 4 h"; negative: "-" */
const char *cli_duration(int64_t seconds, char out[32]);
/* "2026-11-22 09:30:00" of the person's time zone, from RFC 3339; "-" for NULL or what is no time.
 */
const char *cli_time(const char *rfc3339, char out[32]);
/* [####------] `columns` wide, or with blocks of an eighth on a terminal. */
void cli_put_bar(struct hy_buf *out, double share, size_t columns, bool is_fancy);

/* A table whose columns are as wide as they must be. Its heads are English; they are shown in the
 * person's language. */
struct cli_table {
    struct hy_buf cells; /* NUL-ended texts, row after row */
    const char *const *heads;
    const char *align; /* one a column: 'l', 'r' */
    size_t n_columns;
    size_t n_cells;
};
void cli_table_init(struct cli_table *t, const char *const *heads, const char *align);
void cli_table_add(struct cli_table *t, const char *text);
void cli_table_add_n(struct cli_table *t, int64_t n);
/* Prints and frees. `width`: the last column is cut to it; 0 = not. */
void cli_table_print(struct cli_table *t, struct cli *c, size_t width);
/* Columns of the terminal; 0 when it is none. */
size_t cli_width(const struct cli *c);

/* -- JSON objects that came -------------------------------------------------------------------- */

static inline int64_t cli_int(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}
static inline const char *cli_str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}
