/* What the commands of the suppression list share: options, and how an entry is shown. */
#pragma once
#include "cli.h"

/* Options that go to the daemon under their own name; ended by NULL. */
extern const char *const suppress_words[];
/* They and the flags that were given. */
json_t *suppress_args(const struct cli *c);
/* "list news / tenant": how far an entry reaches. */
void suppress_put_scope(const struct cli *c, const json_t *entry, struct hy_buf *out);
/* "suppressed since ... by ... (scope ...)", and where it comes from. */
void suppress_print_entry(struct cli *c, const char *indent, const json_t *entry);

/* clang-format off */
#define SUPPRESS_PLACE                                                                             \
    {"scope", "WORD", CLI_WORDS, "all tenant stream list",                                         \
     {"how far it reaches: all, tenant, stream or list",                                           \
      "効く範囲: all(全体)、tenant、stream、list"}},                                            \
    {"tenant", "NAME", CLI_TEXT, NULL, {"of this tenant", "このテナントの"}},              \
    {"stream", "WORD", CLI_WORDS, "marketing transactional",                                       \
     {"of one kind of mail: marketing or transactional",                                           \
      "メールの種類: marketing、transactional"}},                                             \
    {"list", "NAME", CLI_LIST, NULL,                                                               \
     {"of campaigns to this list", "このリストへの配信の"}}
#define SUPPRESS_REASON                                                                            \
    {"reason", "WORD", CLI_WORDS,                                                                  \
     "hard-bounce soft-bounces complaint unsubscribe manual imported erased",                      \
     {"hard-bounce, soft-bounces, complaint, unsubscribe, manual, imported or erased",             \
      "hard-bounce、soft-bounces、complaint、unsubscribe、manual、imported、erased"}}
#define SUPPRESS_NEW                                                                               \
    {"expires", "TIME", CLI_TEXT, NULL,                                                            \
     {"when it ends: 12h, 30d, 2026-12-01T09:00:00+09:00, never (never)",                          \
      "期限: 12h、30d、2026-12-01T09:00:00+09:00、never (never)"}},                            \
    {"source", "TEXT", CLI_TEXT, NULL,                                                             \
     {"where it comes from, in words", "由来を示す文"}}
#define SUPPRESS_DRY                                                                               \
    {"dry-run", NULL, CLI_TEXT, NULL,                                                              \
     {"only say what would change", "変わる件数だけを表示する"}}
/* clang-format on */
