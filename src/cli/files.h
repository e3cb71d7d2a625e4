/* Files of people that the daemon reads and writes for them: opened here, passed as descriptors. */
#pragma once
#include "cli.h"

/* Asks for `command`, which reads rows from a file that was opened here; shows its progress on a
 * terminal, the result by `print` (or as JSON), and the rows that were refused. `args` is taken
 * over. An exit code: CLI_FAILED when no row was good. */
int import_request(struct cli *c, const char *command, json_t *args, const int *fds, size_t n_fds,
                   void (*print)(struct cli *c, const json_t *result));
/* What such a command says: "dry_run", and the given ones of the options `texts` as arguments of
 * their names ("time-zone" as "time_zone"). */
json_t *import_args(struct cli *c, const char *const *texts, size_t n);
/* Opens `path` ("-": standard input) and, unless NULL, the report; calls `fn` and closes them. An
 * exit code. */
int import_files(struct cli *c, const char *path, const char *report,
                 int (*fn)(struct cli *c, const int *fds, size_t n_fds));

/* A command that writes to a file (--output, or standard output); `args` is taken over. On CLI_OK
 * *ret_rows is how many, or -1 when all has been printed as JSON. */
int export_file(struct cli *c, const char *command, json_t *args, int64_t *ret_rows);

/* ---- options that such commands share ---- */

#define CLI_CHARSET_OPTION                                                                         \
    {                                                                                              \
        "charset", "NAME", CLI_WORDS,                                                              \
            "auto utf-8 shift_jis sjis cp932 euc-jp iso-2022-jp utf-16 utf-16le utf-16be latin1 "  \
            "windows-1252",                                                                        \
        {                                                                                          \
            "auto, utf-8, shift_jis, euc-jp, iso-2022-jp, utf-16 or latin1 (auto)",                \
                "auto, utf-8, shift_jis, euc-jp, iso-2022-jp, utf-16, latin1 (auto)"               \
        }                                                                                          \
    }
/* Of export_file. */
#define CLI_OUTPUT_OPTION                                                                          \
    {                                                                                              \
        "output", "FILE", CLI_FILE, NULL,                                                          \
        {                                                                                          \
            "where to write (standard output)", "書き出し先(標準出力)"                    \
        }                                                                                          \
    }
#define CLI_RAW_OPTION                                                                             \
    {                                                                                              \
        "raw", NULL, CLI_TEXT, NULL,                                                               \
        {                                                                                          \
            "no ' before cells that a spreadsheet would take for a formula",                       \
                "表計算ソフトが数式とみなすセルの前に ' を付けない"         \
        }                                                                                          \
    }
