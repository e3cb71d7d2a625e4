/* score rules learn: points from people whose end is known, those of the store or of a table. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "commands.h"
#include "files.h"
#include "retell.h"
#include "score_ask.h"
#include "score_table.h"

enum { WITHIN_MAX_D = 3650, PARTS = 10, LINE = 1200 };

/* ---- a table ---- */

static int fit_table(struct cli *c, const struct score_table *of, struct hy_learn *l, json_t **ret)
{
    char lines[2][LINE];
    const char *head[] = {lines[0], lines[1]};
    struct hy_learn_result r = {0};
    struct hy_diag diag = {""};
    int err = hy_learn_fit(l, NULL, NULL, &diag, &r);
    if (err != HY_OK)
        return cli_fail(c, err, diag.text[0] ? diag.text : NULL, NULL);
    struct hy_buf out = HY_BUF_INIT(4 * HY_LEARN_FILE_MAX);
    snprintf(lines[0], LINE, "Points learned by 'hayauma score rules learn' from a table.");
    snprintf(lines[1], LINE, "Goal: %.500s", of->goal);
    for (char *s = lines[1]; *s; s++)
        *s = (unsigned char)*s < ' ' ? ' ' : *s;
    hy_learn_put_json(&out, &r, head, 2);
    hy_learn_result_free(&r);
    struct hy_str s = hy_buf_str(&out);
    *ret = out.err ? NULL : json_loadb(s.p, s.n, 0, NULL);
    hy_buf_free(&out);
    return *ret ? CLI_OK : cli_fail(c, HY_ENOMEM, NULL, NULL);
}

static int learn_table(struct cli *c, const struct score_table *of, unsigned part, json_t **ret)
{
    struct hy_learn *l;
    int err = hy_learn_new(part, &l);
    if (err != HY_OK)
        return cli_fail(c, err, NULL, NULL);
    int code = score_table_read(c, of, l);
    if (code == CLI_OK)
        code = fit_table(c, of, l, ret);
    hy_learn_free(l);
    return code;
}

/* ---- told ---- */

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void print_summary(struct cli *c, const json_t *r, FILE *out)
{
    char people[32], good[32], judged[32];
    const json_t *w;
    size_t i;
    fprintf(out, _(c, "%s people, %s of whom ended well; %s of them judged.\n"),
            cli_number(cli_int(r, "people"), people), cli_number(cli_int(r, "good"), good),
            cli_number(cli_int(r, "judged"), judged));
    fprintf(out,
            _(c,
              "AUC %.3f (95 %%: %.3f to %.3f); the tenth with most points has %.0f %% of the good "
              "ends.\n"),
            number(r, "auc"), number(r, "auc_low"), number(r, "auc_high"),
            100 * number(r, "best_tenth"));
    json_array_foreach(json_object_get(r, "warnings"), i, w)
    {
        struct hy_buf room = HY_BUF_INIT(4096);
        fprintf(out, "%s%s\n", _(c, "Warning: "), cli_retell(c, json_string_value(w), &room));
        hy_buf_free(&room);
    }
}

static int write_rules(struct cli *c, const json_t *r)
{
    const char *path = cli_option(c, "output"), *text = cli_str(r, "file");
    FILE *f = path ? fopen(path, "we") : c->out;
    bool is_good = f && fputs(text, f) >= 0 && fflush(f) == 0;
    if (path && f)
        is_good = fclose(f) == 0 && is_good;
    if (!is_good) {
        fprintf(c->err, "%s: %s\n", path ? path : "-", strerror(errno));
        return CLI_FAILED;
    }
    print_summary(c, r, path ? c->out : c->err);
    if (path)
        fprintf(c->out,
                _(c, "%zu rules are written to %s; 'hayauma score try %s' shows what they do.\n"),
                json_array_size(json_object_get(r, "rules")), path, path);
    return CLI_OK;
}

/* ---- the command ---- */

static int read_number(struct cli *c, const char *name, uint64_t least, uint64_t most,
                       uint64_t *ret)
{
    const char *s = cli_option(c, name);
    uint64_t n;
    if (!s)
        return CLI_OK;
    if (hy_str_to_u64(hy_str_of(s), most, &n) == HY_OK && n >= least) {
        *ret = n;
        return CLI_OK;
    }
    fprintf(c->err, _(c, "--%s must be a number from %llu to %llu\n"), name,
            (unsigned long long)least, (unsigned long long)most);
    return CLI_USAGE;
}

static int run(struct cli *c)
{
    const char *csv = cli_option(c, "csv"), *goal = cli_option(c, "goal");
    const char *without = cli_option(c, "without"), *within = cli_option(c, "within");
    int64_t within_s = within ? cli_seconds(within) : 30 * 86400;
    uint64_t part = 0;
    json_t *r;
    int code = read_number(c, "part", 0, PARTS - 1, &part);
    if (code != CLI_OK)
        return code;
    if (within_s < 86400 || within_s > (int64_t)WITHIN_MAX_D * 86400) {
        fputs(_(c, "--within is a number of days, such as 30d\n"), c->err);
        return CLI_USAGE;
    }
    if (csv) {
        struct score_table of = {.path = csv, .goal = goal ? goal : "", .without = without};
        code = learn_table(c, &of, (unsigned)part, &r);
    } else {
        json_t *args = json_pack("{s:s,s:s,s:I,s:I}", "goal", goal ? goal : "won", "without",
                                 without ? without : "", "within_days",
                                 (json_int_t)(within_s / 86400), "part", (json_int_t)part);
        code = score_ask(c, "score.learn", args, &r);
    }
    if (code != CLI_OK)
        return code;
    if (c->json)
        return cli_print_json(c, r);
    code = write_rules(c, r);
    json_decref(r);
    return code;
}

static const struct cli_option options[] = {
    {"goal",
     "GOAL",
     CLI_TEXT,
     NULL,
     {"won (sales), order, or an activity: 'submitted(form: \"trial\")' (won)",
      "won(受注)、order(注文)、または行動 'submitted(form: \"trial\")' (won)"}},
    {"within",
     "TIME",
     CLI_TEXT,
     NULL,
     {"the goal is reached within so many days (30d)", "目標に達するまでの日数 (30d)"}},
    {"without",
     "NAMES",
     CLI_TEXT,
     NULL,
     {"attributes to leave out, commas between", "使わない属性(コンマ区切り)"}},
    {"csv",
     "FILE",
     CLI_FILE,
     NULL,
     {"learn from a table instead; the goal is COLUMN=VALUE", "代わりに表から学ぶ。目標は 列=値"}},
    {"part",
     "N",
     CLI_TEXT,
     NULL,
     {"which three tenths judge, 0 to 9 (0)", "評価に回す 3 割の選び方、0〜9 (0)"}},
    CLI_OUTPUT_OPTION,
    {0}};
const struct cli_command cmd_score_rules_learn = {
    .name = "score rules learn",
    .args = "",
    .summary = {"learn points from who bought and who did not",
                "買った人と買わなかった人から点数を学ぶ"},
    .about =
        {"Reads the history of the store and stores nothing: what leads had done, and what they "
         "are, before they reached a goal or did not. Writes rules with the odds and the support "
         "of each, and says by people it did not learn from how well they tell.",
         "ストアの履歴を読み、保存はしません。目標に達した人と達しなかった人の、それまでの行動と属"
         "性から\n"
         "ルールを作り、それぞれのオッズと人数を書き添えます。学習に使わなかった人で、どれだけ見分"
         "けられるかを\n"
         "確かめます。"},
    .examples = "hayauma score rules learn --goal won --within 90d --output learned.yaml\n"
                "hayauma score rules learn --csv customers.csv --goal bought=yes --without id",
    .options = options,
    .run = run,
};
