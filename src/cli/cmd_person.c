/* lead consent, lead consents, lead export, lead erase: what a person agreed to, may ask for, and
 * may ask to be forgotten. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "files.h"
#include "person_page.h"
#include "score_ask.h"

enum { TEXT_MAX = 32768 };

/* Where --output says, or standard output. NULL: told. */
static FILE *open_output(struct cli *c)
{
    const char *path = cli_option(c, "output");
    if (!path || strcmp(path, "-") == 0)
        return c->out;
    FILE *f = fopen(path, "we");
    if (!f)
        fprintf(c->err, "%s: %s\n", path, strerror(errno));
    return f;
}

static int close_output(struct cli *c, FILE *f)
{
    if (f == c->out)
        return CLI_OK;
    if (fclose(f) == 0)
        return CLI_OK;
    fprintf(c->err, "%s: %s\n", cli_option(c, "output"), strerror(errno));
    return CLI_FAILED;
}

static int write_page(struct cli *c, const char *title, const json_t *data)
{
    FILE *f = open_output(c);
    if (!f)
        return CLI_FAILED;
    person_page_write(c, f, title, data);
    return close_output(c, f);
}

/* ---- consents ---- */

static void print_consents(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"WHEN", "WHAT", "HOW", "PURPOSE", "LIST", "NOTED BY"};
    struct cli_table t;
    const json_t *x;
    size_t i;
    char at[32];
    fprintf(c->out, _(c, "Lead %lld %s\n"), (long long)cli_int(r, "lead"), cli_str(r, "address"));
    cli_table_init(&t, heads, "llllll");
    json_array_foreach(json_object_get(r, "consents"), i, x)
    {
        cli_table_add(&t, cli_time(cli_str(x, "at"), at));
        cli_table_add(&t, cli_text(c, cli_str(x, "what")));
        cli_table_add(&t, cli_text(c, cli_str(x, "how")));
        cli_table_add(&t, cli_str(x, "purpose"));
        cli_table_add(&t, cli_str(x, "list"));
        cli_table_add(&t, cli_str(x, "by"));
    }
    cli_table_print(&t, c, cli_width(c));
}

static int show_consents(struct cli *c)
{
    json_t *r;
    int code = cli_request(c, "lead.consent", json_pack("{s:s}", "lead", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (cli_flag(c, "html"))
        code = write_page(c, _(c, "Certificate of consent"), r);
    else
        print_consents(c, r);
    json_decref(r);
    return code;
}

/* The words that the person saw, from a file. */
static int add_text(struct cli *c, json_t *args)
{
    static char text[TEXT_MAX + 1];
    const char *path = cli_option(c, "text-file");
    if (!path)
        return CLI_OK;
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text, f) : 0;
    bool is_bad = !f || ferror(f);
    if (f)
        (void)fclose(f);
    if (is_bad) {
        fprintf(c->err, "%s: %s\n", path, strerror(errno));
        return CLI_FAILED;
    }
    json_t *x = n > TEXT_MAX ? NULL : json_stringn(text, n);
    if (!x || strlen(json_string_value(x)) != n) {
        json_decref(x);
        fprintf(c->err, _(c, "%s: must be at most %d bytes of UTF-8\n"), path, TEXT_MAX);
        return CLI_FAILED;
    }
    json_object_set_new(args, "text", x);
    return CLI_OK;
}

static int add_consent(struct cli *c, const char *purpose, const char *what)
{
    static const char *const options[] = {"how", "list", "at", "source", "version", "token"};
    json_t *args =
               json_pack("{s:s, s:s, s:s}", "lead", c->args[0], "purpose", purpose, "what", what),
           *r;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (cli_option(c, options[i]))
            json_object_set_new(args, options[i], json_string(cli_option(c, options[i])));
    int code = add_text(c, args);
    if (code) {
        json_decref(args);
        return code;
    }
    code = cli_request(c, "lead.consent.add", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "Noted as %s.\n"), cli_str(r, "id"));
    json_decref(r);
    return CLI_OK;
}

static int run_consent(struct cli *c)
{
    const char *give = cli_option(c, "give"), *withdraw = cli_option(c, "withdraw");
    if (give && withdraw) {
        fprintf(c->err, "%s", _(c, "--give and --withdraw cannot stand together\n"));
        return CLI_USAGE;
    }
    if (give || withdraw)
        return add_consent(c, give ? give : withdraw, give ? "given" : "withdrawn");
    return show_consents(c);
}

static int run_consents(struct cli *c)
{
    int64_t rows = -1;
    char n[32];
    json_t *args = json_pack("{s:b}", "safe", (int)!cli_flag(c, "raw"));
    int code = export_file(c, "lead.consents", args, &rows);
    if (code == CLI_OK && rows >= 0)
        fprintf(c->err, _(c, "Consents exported: %s.\n"), cli_number(rows, n));
    return code;
}

/* ---- export ---- */

/* The daemon writes into memory of ours, from which the page is made. */
static int export_page(struct cli *c)
{
    json_t *r;
    json_error_t why;
    int fd = memfd_create("export", MFD_CLOEXEC);
    if (fd < 0) {
        fprintf(c->err, "%s\n", strerror(errno));
        return CLI_FAILED;
    }
    struct hy_control_call_options o = {.fds = &fd, .n_fds = 1, .timeout_ms = -1};
    int code = cli_request(c, "lead.export", json_pack("{s:s}", "lead", c->args[0]), &o, &r);
    if (code == CLI_OK) {
        json_decref(r);
        (void)lseek(fd, 0, SEEK_SET);
        json_t *person = json_loadfd(fd, 0, &why);
        code = person ? write_page(c, _(c, "What is known of a person"), person) : CLI_FAILED;
        if (!person)
            fprintf(c->err, "%s\n", why.text);
        json_decref(person);
    }
    (void)close(fd);
    return code;
}

static int run_export(struct cli *c)
{
    int64_t rows = -1;
    if (cli_flag(c, "html"))
        return export_page(c);
    return export_file(c, "lead.export", json_pack("{s:s}", "lead", c->args[0]), &rows);
}

/* ---- erase ---- */

static int erase_file(struct cli *c, const char *path)
{
    char n[32], line[32];
    json_t *r;
    const json_t *x;
    size_t i;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(c->err, "%s: %s\n", path, strerror(errno));
        return CLI_FAILED;
    }
    int code = score_ask_of_file(c, "lead.erase_file", fd, &r);
    (void)close(fd);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "People erased: %s.\n"), cli_number(cli_int(r, "erased"), n));
    if (cli_int(r, "unknown"))
        fprintf(c->err, _(c, "Lines that name nobody in the store: %s.\n"),
                cli_number(cli_int(r, "unknown"), n));
    json_array_foreach(json_object_get(r, "unknown_lines"), i, x)
    {
        struct hy_buf safe = HY_BUF_INIT(64 * 1024);
        cli_put_cell(&safe, hy_str_of(cli_str(x, "text")), SIZE_MAX, false);
        fprintf(c->err, "%s:%s: %s\n", path, cli_number(cli_int(x, "line"), line),
                hy_buf_cstr(&safe));
        hy_buf_free(&safe);
    }
    json_decref(r);
    return CLI_OK;
}

static int run_erase(struct cli *c)
{
    json_t *r;
    char n[32];
    const char *file = cli_option(c, "file");
    if (!file == !c->n_args) {
        fprintf(c->err, "%s", _(c, "Name a LEAD, or a file of them with --file.\n"));
        return CLI_USAGE;
    }
    if (!cli_flag(c, "yes")) {
        fprintf(c->err, "%s",
                _(c,
                  "An erased person cannot be brought back. Export first if the person asked for "
                  "the data; then say --yes.\n"));
        return CLI_USAGE;
    }
    if (file)
        return erase_file(c, file);
    const struct hy_control_call_options o = {.timeout_ms = -1};
    int code = cli_request(c, "lead.erase", json_pack("{s:s}", "lead", c->args[0]), &o, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "Lead %lld is erased.\n"), (long long)cli_int(r, "lead"));
    static const struct {
        const char *key, *text;
    } lines[] = {{"cancelled", "mails that were to be sent: cancelled"},
                 {"attempts", "servers' answers: their words removed"},
                 {"messages", "ready messages: the recipient removed"},
                 {"activities", "activities: deleted"},
                 {"other_records", "other records: the address removed"},
                 {"left", "places where an address still stands in the store"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        fprintf(c->out, "%10s  %s\n", cli_number(cli_int(r, lines[i].key), n),
                cli_text(c, lines[i].text));
    json_decref(r);
    return CLI_OK;
}

/* ---- the commands ---- */

#define HTML_OPTION                                                                                \
    {                                                                                              \
        "html", NULL, CLI_TEXT, NULL,                                                              \
        {                                                                                          \
            "as a page that can be printed", "印刷できるページとして"                   \
        }                                                                                          \
    }

static const struct cli_option consent_options[] = {
    {"give", "PURPOSE", CLI_TEXT, NULL, {"note that it was given", "同意したことを記録する"}},
    {"withdraw",
     "PURPOSE",
     CLI_TEXT,
     NULL,
     {"note that it was taken back", "撤回されたことを記録する"}},
    {"how",
     "WAY",
     CLI_WORDS,
     "form import paper double-opt-in api preferences unsubscribe phone operator",
     {"how the person said so (operator)", "本人がどう示したか (operator)"}},
    {"list", "NAME", CLI_LIST, NULL, {"for one list only", "一つのリストについて"}},
    {"at", "TIME", CLI_TEXT, NULL, {"when, if not now", "いま以外の日時"}},
    {"source", "TEXT", CLI_TEXT, NULL, {"where: a page, a binder", "出所: ページ、書類など"}},
    {"version", "TEXT", CLI_TEXT, NULL, {"version of the words", "文面の版"}},
    {"token", "TEXT", CLI_TEXT, NULL, {"what proves it elsewhere", "別の場所での証跡"}},
    {"text-file", "FILE", CLI_FILE, NULL, {"the words that the person saw", "本人に示した文面"}},
    HTML_OPTION,
    CLI_OUTPUT_OPTION,
    {0}};
const struct cli_command cmd_lead_consent = {
    .name = "lead consent",
    .args = "LEAD",
    .n_min = 1,
    .n_max = 1,
    .summary = {"show what a person agreed to, or note it", "同意の記録を表示または追加する"},
    .about = {"Records are only ever added: each is a proof of who agreed to what, when and how, "
              "and to which words.",
              "記録は追加されるだけで、変更されません。誰が、いつ、どのように、どの文面に同意したか"
              "の証拠です。"},
    .examples =
        "hayauma lead consent taro@example.jp --html --output consent.html\n"
        "hayauma lead consent taro@example.jp --give marketing --how paper --source 'binder "
        "7' --text-file card.txt",
    .options = consent_options,
    .run = run_consent,
};

static const struct cli_option consents_options[] = {CLI_OUTPUT_OPTION, CLI_RAW_OPTION, {0}};
const struct cli_command cmd_lead_consents = {
    .name = "lead consents",
    .args = "",
    .summary = {"write all consents as CSV", "すべての同意の記録を CSV で書き出す"},
    .examples = "hayauma lead consents --output consents.csv",
    .options = consents_options,
    .run = run_consents,
};

static const struct cli_option export_options[] = {HTML_OPTION, CLI_OUTPUT_OPTION, {0}};
const struct cli_command cmd_lead_export = {
    .name = "lead export",
    .args = "LEAD",
    .n_min = 1,
    .n_max = 1,
    .summary = {"write all that is known of a person", "一人についての全データを書き出す"},
    .about = {"JSON, or a page for the person: profile, consents, mail with its content and what "
              "servers said, activities, points, segments, suppressions.",
              "JSON または本人向けのページ。プロフィール、同意、メールの内容と配信の記録、行動、"
              "点数、セグメント、配信停止を含みます。"},
    .examples = "hayauma lead export taro@example.jp --output taro.json\n"
                "hayauma lead export taro@example.jp --html --output taro.html",
    .options = export_options,
    .run = run_export,
};

static const struct cli_option erase_options[] = {
    {"file",
     "FILE",
     CLI_FILE,
     NULL,
     {"all whom its lines name, one to a line", "ファイルの各行が示す全員"}},
    {"yes", NULL, CLI_TEXT, NULL, {"really", "実行する"}},
    {0}};
const struct cli_command cmd_lead_erase = {
    .name = "lead erase",
    .args = "[LEAD]",
    .n_min = 0,
    .n_max = 1,
    .summary = {"erase a person completely", "一人のデータを完全に消去する"},
    .about = {"Leaves a hash on the suppression list, so that no later import mails to the person "
              "again, and numbers. It ends when the file of the store has been overwritten where "
              "the person stood.",
              "送信停止リストのハッシュ(後の取り込みで再び送らないため)と数だけが残ります。"
              "ストアのファイル上の痕跡を上書きし終えると完了します。"},
    .examples = "hayauma lead erase taro@example.jp --yes\n"
                "hayauma lead erase --file requests.txt --yes",
    .options = erase_options,
    .run = run_erase,
};
