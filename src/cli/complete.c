/* Completion scripts, from the table of commands. Names of campaigns and lists are asked from the
 * daemon when they are needed. */
#include "cli.h"

static const char campaigns[] = "hayauma campaign list --json 2>/dev/null | sed -n 's/^ *\"name\": "
                                "\"\\(.*\\)\",\\{0,1\\}$/\\1/p'";
static const char lists[] = "hayauma list show --json 2>/dev/null | sed -n 's/^ *\"name\": "
                            "\"\\(.*\\)\",\\{0,1\\}$/\\1/p'";

/* The words that may follow `prefix` ("" or "campaign"), each once, separated by spaces. */
static void put_words(struct hy_buf *out, const char *prefix)
{
    size_t n = strlen(prefix);
    struct hy_str last = {0};
    for (size_t i = 0; cli_commands[i]; i++) {
        const char *name = cli_commands[i]->name;
        if (cli_commands[i]->hidden || (n && (strncmp(name, prefix, n) != 0 || name[n] != ' ')))
            continue;
        struct hy_str rest = hy_str_of(name + (n ? n + 1 : 0)), word;
        if (!hy_str_split(&rest, ' ', &word) || hy_str_eq(word, last))
            continue;
        hy_buf_printf(out, "%s%.*s", last.p ? " " : "", HY_STR_ARG(word));
        last = word;
    }
}

/* Whether some command is longer than this one word. */
static bool is_group(const char *word, size_t n)
{
    for (size_t i = 0; cli_commands[i]; i++)
        if (strncmp(cli_commands[i]->name, word, n) == 0 && cli_commands[i]->name[n] == ' ')
            return true;
    return false;
}

static void put_options(struct hy_buf *out, const struct cli_command *k)
{
    for (const struct cli_option *o = k->options; o && o->name; o++)
        hy_buf_printf(out, "--%s ", o->name);
    for (const struct cli_option *o = cli_global_options; o->name; o++)
        hy_buf_printf(out, "%s--%s", o == cli_global_options ? "" : " ", o->name);
}

static void bash_kind(struct hy_buf *out, enum cli_kind kind, const char *words)
{
    switch (kind) {
    case CLI_FILE:
        hy_buf_add_lit(out, "compopt -o default; return");
        break;
    case CLI_DIR:
        hy_buf_add_lit(out, "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return");
        break;
    case CLI_CAMPAIGN:
        hy_buf_printf(out, "_hayauma_lines \"$(%s)\"; return", campaigns);
        break;
    case CLI_LIST:
        hy_buf_printf(out, "_hayauma_lines \"$(%s)\"; return", lists);
        break;
    case CLI_WORDS:
    case CLI_SOME_WORDS:
        hy_buf_printf(out, "mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); return", words);
        break;
    default:
        hy_buf_add_lit(out, "return");
        break;
    }
}

static void bash_command(struct hy_buf *out, const struct cli_command *k)
{
    hy_buf_printf(out, "    '%s')\n        case $prev in\n", k->name);
    for (const struct cli_option *o = k->options; o && o->name; o++) {
        if (!o->value)
            continue;
        hy_buf_printf(out, "        --%s) ", o->name);
        bash_kind(out, o->kind, o->words);
        hy_buf_add_lit(out, " ;;\n");
    }
    hy_buf_add_lit(out, "        esac\n        if [[ $cur == -* ]]; then\n"
                        "            mapfile -t COMPREPLY < <(compgen -W '");
    put_options(out, k);
    hy_buf_add_lit(out, "' -- \"$cur\")\n            return\n        fi\n");
    if (k->n_max) {
        hy_buf_add_lit(out, "        ");
        bash_kind(out, k->kind, k->words);
        hy_buf_add_c(out, '\n');
    }
    hy_buf_add_lit(out, "        ;;\n");
}

static void bash(struct hy_buf *out)
{
    hy_buf_add_lit(
        out, "# bash completion for hayauma; made by 'hayauma completion bash'\n"
             "_hayauma_lines() {\n"
             "    local line\n"
             "    while IFS= read -r line; do\n"
             "        [[ $line == \"$cur\"* ]] && COMPREPLY+=(\"$(printf %q \"$line\")\")\n"
             "    done <<<\"$1\"\n"
             "}\n"
             "_hayauma() {\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=() i\n"
             "    COMPREPLY=()\n"
             "    case $prev in --config | --socket) compopt -o default; return ;; esac\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        case ${COMP_WORDS[i]} in\n"
             "        --config | --socket) ((i++)) ;;\n"
             "        -*) ;;\n"
             "        *) words+=(\"${COMP_WORDS[i]}\") ;;\n"
             "        esac\n"
             "    done\n"
             "    case ${words[0]-} in\n"
             "    '') mapfile -t COMPREPLY < <(compgen -W '");
    put_words(out, "");
    hy_buf_add_lit(out, "' -- \"$cur\"); return ;;\n");
    struct hy_str seen = {0};
    for (size_t i = 0; cli_commands[i]; i++) {
        struct hy_str rest = hy_str_of(cli_commands[i]->name), word;
        char group[64];
        if (!hy_str_split(&rest, ' ', &word) || hy_str_eq(word, seen) ||
            !is_group(word.p, word.n) || word.n >= sizeof group)
            continue;
        seen = word;
        snprintf(group, sizeof group, "%.*s", HY_STR_ARG(word));
        hy_buf_printf(out,
                      "    %s)\n        if [[ ${#words[@]} -eq 1 ]]; then\n"
                      "            mapfile -t COMPREPLY < <(compgen -W '",
                      group);
        put_words(out, group);
        hy_buf_printf(out, "' -- \"$cur\")\n            return\n        fi\n        ;;\n");
    }
    hy_buf_add_lit(out, "    esac\n    local name=${words[0]}\n    case $name in ");
    seen = (struct hy_str){0};
    for (size_t i = 0; cli_commands[i]; i++) {
        struct hy_str rest = hy_str_of(cli_commands[i]->name), word;
        if (!hy_str_split(&rest, ' ', &word) || hy_str_eq(word, seen) || !is_group(word.p, word.n))
            continue;
        hy_buf_printf(out, "%s%.*s", seen.p ? " | " : "", HY_STR_ARG(word));
        seen = word;
    }
    hy_buf_add_lit(out, ") name+=\" ${words[1]}\" ;; esac\n    case $name in\n");
    for (size_t i = 0; cli_commands[i]; i++)
        if (!cli_commands[i]->hidden)
            bash_command(out, cli_commands[i]);
    hy_buf_add_lit(out, "    esac\n}\ncomplete -F _hayauma hayauma\n");
}

/* zsh and fish texts stand in single quotes. */
static void quoted(struct hy_buf *out, const char *s, const char *escape_for_quote,
                   const char *also_backslash)
{
    for (; *s; s++) {
        if (*s == '\'')
            hy_buf_add_str(out, hy_str_of(escape_for_quote));
        else if (strchr(also_backslash, *s))
            hy_buf_printf(out, "\\%c", *s);
        else
            hy_buf_add_c(out, *s);
    }
}

static const char *zsh_action(enum cli_kind kind)
{
    switch (kind) {
    case CLI_FILE:
        return "_files";
    case CLI_DIR:
        return "_files -/";
    case CLI_CAMPAIGN:
        return "_hayauma_campaigns";
    case CLI_LIST:
        return "_hayauma_lists";
    default:
        return "";
    }
}

static void zsh_option(struct hy_buf *out, const struct cli_option *o)
{
    hy_buf_printf(out, " \\\n            '--%s[", o->name);
    quoted(out, o->help[CLI_EN], "'\\''", "[]:");
    hy_buf_add_c(out, ']');
    if (o->value && (o->kind == CLI_WORDS || o->kind == CLI_SOME_WORDS))
        hy_buf_printf(out, ":%s:(%s)", o->value, o->words);
    else if (o->value)
        hy_buf_printf(out, ":%s:%s", o->value, zsh_action(o->kind));
    hy_buf_add_c(out, '\'');
}

static void zsh_command(struct hy_buf *out, const struct cli_command *k)
{
    hy_buf_printf(out, "    '%s')\n        _arguments", k->name);
    for (const struct cli_option *o = k->options; o && o->name; o++)
        zsh_option(out, o);
    for (const struct cli_option *o = cli_global_options; o->name; o++)
        zsh_option(out, o);
    if (k->n_max && k->kind == CLI_WORDS)
        hy_buf_printf(out, " \\\n            '1:%s:(%s)'", k->args, k->words);
    else if (k->n_max)
        hy_buf_printf(out, " \\\n            '%s:%s:%s'", k->n_max > 1 ? "*" : "1", k->args,
                      zsh_action(k->kind));
    hy_buf_add_lit(out, "\n        ;;\n");
}

static void zsh(struct hy_buf *out)
{
    hy_buf_printf(out,
                  "#compdef hayauma\n# zsh completion for hayauma; made by 'hayauma completion "
                  "zsh'\n"
                  "_hayauma_campaigns() {\n    local -a names\n    names=(\"${(@f)$(%s)}\")\n"
                  "    compadd -a names\n}\n"
                  "_hayauma_lists() {\n    local -a names\n    names=(\"${(@f)$(%s)}\")\n"
                  "    compadd -a names\n}\n"
                  "_hayauma() {\n    local name=${words[2]}\n    local -a commands\n"
                  "    commands=(\n",
                  campaigns, lists);
    for (size_t i = 0; cli_commands[i]; i++) {
        if (cli_commands[i]->hidden)
            continue;
        hy_buf_printf(out, "        '%s:", cli_commands[i]->name);
        quoted(out, cli_commands[i]->summary[CLI_EN], "'\\''", ":");
        hy_buf_add_lit(out, "'\n");
    }
    hy_buf_add_lit(out, "    )\n"
                        "    local -a match\n"
                        "    match=(${(M)commands:#$name *})\n"
                        "    if (( CURRENT == 2 )); then\n"
                        "        local -aU first\n"
                        "        first=(${${commands%%:*}%% *})\n"
                        "        compadd -a first\n"
                        "        return\n"
                        "    fi\n"
                        "    if (( $#match )); then\n"
                        "        if (( CURRENT == 3 )); then\n"
                        "            local -a second\n"
                        "            second=(${match#$name })\n"
                        "            _describe command second\n"
                        "            return\n"
                        "        fi\n"
                        "        name=\"$name ${words[3]}\"\n"
                        "        shift words\n"
                        "        (( CURRENT-- ))\n"
                        "    fi\n"
                        "    shift words\n"
                        "    (( CURRENT-- ))\n"
                        "    case $name in\n");
    for (size_t i = 0; cli_commands[i]; i++)
        if (!cli_commands[i]->hidden)
            zsh_command(out, cli_commands[i]);
    hy_buf_add_lit(out, "    esac\n}\n_hayauma \"$@\"\n");
}

static void fish_condition(struct hy_buf *out, const char *name)
{
    struct hy_str rest = hy_str_of(name), word;
    bool is_first = true;
    hy_buf_add_lit(out, " -n '");
    while (hy_str_split(&rest, ' ', &word)) {
        hy_buf_printf(out, "%s__fish_seen_subcommand_from %.*s", is_first ? "" : "; and ",
                      HY_STR_ARG(word));
        is_first = false;
    }
    hy_buf_add_c(out, '\'');
}

static void fish_kind(struct hy_buf *out, enum cli_kind kind, const char *words)
{
    if (kind == CLI_FILE)
        hy_buf_add_lit(out, " -F");
    else if (kind == CLI_DIR)
        hy_buf_add_lit(out, " -xa '(__fish_complete_directories)'");
    else if (kind == CLI_CAMPAIGN)
        hy_buf_add_lit(out, " -xa '(__hayauma_campaigns)'");
    else if (kind == CLI_LIST)
        hy_buf_add_lit(out, " -xa '(__hayauma_lists)'");
    else if (kind == CLI_WORDS || kind == CLI_SOME_WORDS)
        hy_buf_printf(out, " -xa '%s'", words);
    else
        hy_buf_add_lit(out, " -x");
}

static void fish_option(struct hy_buf *out, const char *command, const struct cli_option *o)
{
    hy_buf_add_lit(out, "complete -c hayauma");
    if (command)
        fish_condition(out, command);
    hy_buf_printf(out, " -l %s", o->name);
    if (o->value)
        fish_kind(out, o->kind, o->words);
    hy_buf_add_lit(out, " -d '");
    quoted(out, o->help[CLI_EN], "\\'", "\\");
    hy_buf_add_lit(out, "'\n");
}

/* The words of a command one by one: a group's members once the group is there. */
static void fish_words(struct hy_buf *out, const struct cli_command *k, struct hy_str *last_group)
{
    struct hy_str rest = hy_str_of(k->name), word, second;
    if (!hy_str_split(&rest, ' ', &word))
        return;
    bool is_pair = hy_str_split(&rest, ' ', &second);
    if (!is_pair || !hy_str_eq(word, *last_group)) {
        hy_buf_printf(out, "complete -c hayauma -n __fish_use_subcommand -a %.*s",
                      HY_STR_ARG(word));
        if (!is_pair) {
            hy_buf_add_lit(out, " -d '");
            quoted(out, k->summary[CLI_EN], "\\'", "\\");
            hy_buf_add_c(out, '\'');
        }
        hy_buf_add_c(out, '\n');
    }
    *last_group = word;
    if (!is_pair)
        return;
    hy_buf_printf(out,
                  "complete -c hayauma -n '__fish_seen_subcommand_from %.*s; and test (count "
                  "(commandline -opc)) -eq 2' -a %.*s -d '",
                  HY_STR_ARG(word), HY_STR_ARG(second));
    quoted(out, k->summary[CLI_EN], "\\'", "\\");
    hy_buf_add_lit(out, "'\n");
}

static void fish(struct hy_buf *out)
{
    struct hy_str last = {0};
    hy_buf_printf(out,
                  "# fish completion for hayauma; made by 'hayauma completion fish'\n"
                  "function __hayauma_campaigns\n    %s\nend\n"
                  "function __hayauma_lists\n    %s\nend\n"
                  "complete -c hayauma -f\n",
                  campaigns, lists);
    for (const struct cli_option *o = cli_global_options; o->name; o++)
        fish_option(out, NULL, o);
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *k = cli_commands[i];
        if (k->hidden)
            continue;
        fish_words(out, k, &last);
        for (const struct cli_option *o = k->options; o && o->name; o++)
            fish_option(out, k->name, o);
        if (k->n_max && k->kind != CLI_TEXT) {
            hy_buf_add_lit(out, "complete -c hayauma");
            fish_condition(out, k->name);
            fish_kind(out, k->kind, k->words);
            hy_buf_add_c(out, '\n');
        }
    }
}

int cli_complete(const char *shell, struct hy_buf *out)
{
    if (strcmp(shell, "bash") == 0)
        bash(out);
    else if (strcmp(shell, "zsh") == 0)
        zsh(out);
    else if (strcmp(shell, "fish") == 0)
        fish(out);
    else
        return HY_EUNSUPPORTED;
    return out->err;
}
