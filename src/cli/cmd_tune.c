/* tune: finds the setting with which OpenSSL signs fastest on this processor. */
#include <inttypes.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/config.h"
#include "hayauma/config/tune.h"

enum { ROUNDS = 7, MS = 120, QUICK_ROUNDS = 3, QUICK_MS = 30, BAR = 24 };

#define DATA_DIR_DEFAULT "/var/lib/hayauma"

/* --dir, or paths.data_dir of the configuration, or the usual place. */
static void find_dir(const struct cli *c, char *out, size_t cap)
{
    const char *given = cli_option(c, "dir");
    struct hy_problems p = {0};
    struct hy_config *config = NULL;
    snprintf(out, cap, "%s", given ? given : DATA_DIR_DEFAULT);
    if (given)
        return;
    if (hy_config_load(cli_config_path(c), &p, &config) == HY_OK)
        snprintf(out, cap, "%s", config->paths.data_dir);
    hy_config_unref(config);
    hy_problems_free(&p);
}

static json_t *report_json(const struct hy_tune_report *r, const struct hy_tune *t)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct hy_tune_result *x = &r->results[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:b,s:f,s:f}", "setting", x->setting->name,
                                        "ia32cap", x->setting->ia32cap, "verified", (int)x->is_good,
                                        "rsa2048_us", x->us, "noise", x->noise));
    }
    return json_pack("{s:s,s:s,s:s,s:f,s:f,s:f,s:o}", "cpu", t->cpu, "openssl", t->openssl,
                     "chosen", t->setting->name, "rsa2048_us", t->setting_us, "default_us",
                     t->default_us, "gain", r->gain, "settings", list);
}

static void print_row(struct cli *c, const struct hy_tune_report *r, size_t i, double best)
{
    const struct hy_tune_result *x = &r->results[i];
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bar = HY_BUF_INIT(256);
    if (!x->is_good) {
        fprintf(c->out, _(c, "  %-12s  its signatures do not verify: not used\n"),
                x->setting->name);
        return;
    }
    cli_put_bar(&bar, best / x->us, BAR, c->is_tty);
    fprintf(c->out, _(c, "%s %-12s %s %6.0f/s  %7.1f us  +-%.1f %%\n"), i == r->chosen ? "*" : " ",
            x->setting->name, hy_buf_cstr(&bar), 1e6 / x->us, x->us, 100 * x->noise);
}

static void print_report(struct cli *c, const struct hy_tune_report *r, const struct hy_tune *t)
{
    double best = r->results[0].us;
    for (size_t i = 1; i < r->n; i++)
        if (r->results[i].is_good && r->results[i].us < best)
            best = r->results[i].us;
    fprintf(c->out, _(c, "RSA-2048 signatures of one processor: %s, %s\n"), t->cpu, t->openssl);
    for (size_t i = 0; i < r->n; i++)
        print_row(c, r, i, best);
    if (r->chosen)
        fprintf(c->out, _(c, "With %s a signature takes %.0f %% less time than by default.\n"),
                t->setting->name, 100 * (1 - t->setting_us / t->default_us));
    else
        fprintf(c->out, "%s", _(c, "OpenSSL's own choice is kept: nothing is clearly faster.\n"));
}

static int run(struct cli *c)
{
    char dir[4096];
    struct hy_diag diag = {""};
    struct hy_tune_report report;
    struct hy_tune tune;
    const bool quick = cli_flag(c, "quick"), dry = cli_flag(c, "dry-run");
    find_dir(c, dir, sizeof dir);
    int err = dry ? HY_OK : hy_tune_check_dir(dir, &diag);
    if (err == HY_OK)
        err = hy_tune_measure(quick ? QUICK_ROUNDS : ROUNDS, quick ? QUICK_MS : MS, 0, &report,
                              &diag);
    if (err != HY_OK)
        return cli_fail(c, err, diag.text, NULL);
    hy_tune_here(&tune);
    hy_tune_take(&tune, &report, hy_clock_wall_ms());
    if (!dry) {
        err = hy_tune_write(dir, &tune, &diag);
        if (err != HY_OK)
            return cli_fail(c, err, diag.text, NULL);
    }
    if (c->json)
        return cli_print_json(c, report_json(&report, &tune));
    print_report(c, &report, &tune);
    if (!dry)
        fprintf(c->out, _(c, "Kept in %s/%s; the daemon uses it from its next start.\n"), dir,
                HY_TUNE_FILE);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"quick",
     NULL,
     CLI_TEXT,
     NULL,
     {"measure as briefly as the daemon's first start does",
      "デーモンの初回起動時と同じく短時間で測定する"}},
    {"dry-run", NULL, CLI_TEXT, NULL, {"only show the figures", "数値を表示するだけで保存しない"}},
    {"dir",
     "DIR",
     CLI_DIR,
     NULL,
     {"folder of the file (default: paths.data_dir)", "ファイルの場所 (既定: paths.data_dir)"}},
    {0}};
const struct cli_command cmd_tune = {
    .name = "tune",
    .args = "",
    .summary = {"find the setting with which OpenSSL signs fastest here",
                "このマシンで OpenSSL の署名が最も速くなる設定を探す"},
    .about =
        {"Signing is most of the work of a message. On some processors OpenSSL takes a slow way\n"
         "to sign with RSA, and is much faster when a feature of the processor is hidden from it\n"
         "(OPENSSL_ia32cap). Every setting is measured in processes of its own, in turn, and its\n"
         "signatures are verified. One that is not at least 3 % faster in every round is not\n"
         "chosen. The choice is for this processor and this OpenSSL; with others the daemon\n"
         "measures anew. The daemon uses it from its next start, unless crypto.tune is off or\n"
         "OPENSSL_ia32cap stands in its environment. Run it on a machine that has nothing else\n"
         "to do.",
         "メール送信の処理の大半は署名です。プロセッサによっては OpenSSL が RSA 署名に遅い方法を\n"
         "選び、機能の一つを隠す (OPENSSL_ia32cap) と大幅に速くなります。各設定を別プロセスで\n"
         "交互に測定し、署名を検証します。すべての回で 3 % 以上速くなければ選びません。結果は\n"
         "このプロセッサと OpenSSL に限り有効で、変わればデーモンが測り直します。crypto.tune が\n"
         "off の場合と環境変数 OPENSSL_ia32cap がある場合を除き、次の起動から使われます。ほかの\n"
         "処理が動いていないときに実行してください。"},
    .examples = "hayauma tune\nhayauma tune --dry-run --json",
    .options = options,
    .run = run,
};
