/* tls policy, tls report: what counts for the TLS to a domain, what came of it, and telling the
 * domain. */
#include "cli.h"
#include "commands.h"

static bool is_true(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static void print_host(struct cli *c, const json_t *h)
{
    char line[1024];
    const json_t *record;
    size_t i;
    snprintf(line, sizeof line, "%lld %.255s: %.60s%s%s", (long long)cli_int(h, "preference"),
             cli_str(h, "name"), cli_str(h, "demand"), is_true(h, "dnssec") ? ", DNSSEC" : "",
             is_true(h, "in_mta_sts") ? "" : _(c, ", not named by the MTA-STS policy"));
    cli_put_line(c, "  ", line);
    json_array_foreach(json_object_get(h, "tlsa"), i, record)
    {
        snprintf(line, sizeof line, "TLSA %.255s: %.200s", cli_str(h, "tlsa_name"),
                 json_string_value(record));
        cli_put_line(c, "    ", line);
    }
}

static void print_sts(struct cli *c, const json_t *r)
{
    const json_t *sts = json_object_get(r, "mta_sts"), *text;
    char time[32], line[1024];
    size_t i;
    if (!is_true(r, "use_mta_sts")) {
        cli_put_line(c, "", _(c, "MTA-STS: off by the rule"));
        return;
    }
    if (cli_str(sts, "mode")[0])
        snprintf(line, sizeof line, _(c, "MTA-STS: %s, id %s, until %s"), cli_str(sts, "mode"),
                 cli_str(sts, "id"), cli_time(cli_str(sts, "expires"), time));
    else if (strcmp(cli_str(r, "status"), "tempfail") == 0)
        snprintf(line, sizeof line, "%s",
                 _(c, "MTA-STS: not known, the domain cannot be looked up"));
    else
        snprintf(line, sizeof line, "%s", _(c, "MTA-STS: the domain has no policy"));
    cli_put_line(c, "", line);
    json_array_foreach(json_object_get(sts, "policy"), i, text)
        cli_put_line(c, "  ", json_string_value(text));
    if (cli_str(sts, "fault")[0]) {
        snprintf(line, sizeof line, "%.60s: %.600s", cli_str(sts, "fault"),
                 cli_str(sts, "fault_text"));
        cli_put_line(c, "  ", line);
    }
}

static int run_policy(struct cli *c)
{
    json_t *r;
    const json_t *h;
    size_t i;
    char line[1024];
    int code = cli_request(c, "tls.policy", json_pack("{s:s}", "domain", c->args[0]), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_put_line(c, "", cli_str(r, "domain"));
    if (cli_str(r, "rule_at")[0])
        snprintf(line, sizeof line, _(c, "rule: %s (%s), tls %s"), cli_str(r, "rule"),
                 cli_str(r, "rule_at"), cli_str(r, "tls"));
    else
        snprintf(line, sizeof line, _(c, "rule: %s, tls %s"),
                 cli_str(r, "rule")[0] ? cli_str(r, "rule") : "default", cli_str(r, "tls"));
    cli_put_line(c, "", line);
    if (!is_true(r, "use_dane"))
        snprintf(line, sizeof line, "%s", _(c, "DANE: off by the rule"));
    else if (!is_true(r, "dane"))
        snprintf(line, sizeof line, _(c, "DANE: off: %s"), cli_str(r, "dane_off"));
    else
        snprintf(line, sizeof line, "%s",
                 is_true(r, "dnssec") ? _(c, "DANE: on, and DNSSEC proves the MX records")
                                      : _(c, "DANE: on, but DNSSEC does not prove the MX records"));
    cli_put_line(c, "", line);
    print_sts(c, r);
    json_array_foreach(json_object_get(r, "hosts"), i, h) print_host(c, h);
    if (cli_str(r, "text")[0])
        cli_put_line(c, "  ", cli_str(r, "text"));
    json_decref(r);
    return CLI_OK;
}

static void print_failure(struct cli *c, const json_t *f)
{
    char line[1024];
    snprintf(line, sizeof line, "%lld x %s %s%s%s%s%s",
             (long long)cli_int(f, "failed-session-count"), cli_str(f, "result-type"),
             cli_str(f, "receiving-mx-hostname"), cli_str(f, "receiving-ip")[0] ? " [" : "",
             cli_str(f, "receiving-ip"), cli_str(f, "receiving-ip")[0] ? "]" : "",
             cli_str(f, "failure-reason-code")[0] ? ": " : "");
    struct hy_buf b = HY_BUF_INIT(4096);
    hy_buf_printf(&b, "%s%s", line, cli_str(f, "failure-reason-code"));
    cli_put_line(c, "    ", hy_buf_cstr(&b));
    hy_buf_free(&b);
}

static int run_send(struct cli *c, const char *domain, const char *date)
{
    json_t *r;
    const json_t *t;
    size_t i;
    int code = cli_request(c, "tls.send",
                           json_pack("{s:s,s:s,s:b}", "domain", domain, "date", date ? date : "",
                                     "dry_run", (int)cli_flag(c, "dry-run")),
                           NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (cli_str(r, "text")[0])
        cli_put_line(c, "", cli_str(r, "text"));
    json_array_foreach(json_object_get(r, "targets"), i, t)
    {
        const char *text = cli_str(t, "text"), *result = cli_str(t, "result");
        char line[1024];
        snprintf(line, sizeof line, "%.20s %.520s: %.20s%s%.256s", cli_str(t, "way"),
                 cli_str(t, "to"), result, text[0] ? ": " : "", text);
        cli_put_line(c, "", line);
        if (strcmp(result, "failed") == 0 || strcmp(result, "refused") == 0)
            code = CLI_FAILED;
    }
    json_decref(r);
    return code;
}

static int run_report(struct cli *c)
{
    const char *domain = cli_option(c, "domain"), *date = cli_option(c, "date");
    json_t *r;
    const json_t *p, *f;
    size_t i, k;
    if (!domain) {
        fprintf(c->err, _(c, "--%s is needed\n"), "domain");
        return CLI_USAGE;
    }
    if (cli_flag(c, "send") || cli_flag(c, "dry-run"))
        return run_send(c, domain, date);
    int code =
        cli_request(c, "tls.report",
                    json_pack("{s:s,s:s}", "domain", domain, "date", date ? date : ""), NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    cli_put_line(c, "", cli_str(r, "report-id"));
    json_array_foreach(json_object_get(r, "policies"), i, p)
    {
        const json_t *sum = json_object_get(p, "summary");
        fprintf(c->out, _(c, "  %s: %lld sessions went well, %lld did not\n"),
                cli_str(json_object_get(p, "policy"), "policy-type"),
                (long long)cli_int(sum, "total-successful-session-count"),
                (long long)cli_int(sum, "total-failure-session-count"));
        json_array_foreach(json_object_get(p, "failure-details"), k, f) print_failure(c, f);
    }
    json_decref(r);
    return CLI_OK;
}

const struct cli_command cmd_tls_policy = {
    .name = "tls policy",
    .args = "DOMAIN",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_TEXT,
    .summary = {"show what counts for the TLS to a domain, and why",
                "ドメイン宛ての TLS に適用される方針とその理由を示す"},
    .about = {"Looks up the MX hosts, the MTA-STS policy and the TLSA records as for a mail now.",
              "いまメールを送るときと同じように、MX、MTA-STS の方針、TLSA レコードを調べます。"},
    .examples = "hayauma tls policy gmail.com",
    .run = run_policy,
};

static const struct cli_option report_options[] = {
    {"domain", "DOMAIN", CLI_TEXT, NULL, {"the receiving domain", "受信側のドメイン"}},
    {"date",
     "YYYY-MM-DD",
     CLI_TEXT,
     NULL,
     {"the day in UTC (today; with --send yesterday)", "UTC の日付 (今日。--send では昨日)"}},
    {"send",
     NULL,
     CLI_TEXT,
     NULL,
     {"send it now to those whom the domain names, unless they have it",
      "ドメインが指定した宛先へ今すぐ送る (送信済みなら送らない)"}},
    {"dry-run",
     NULL,
     CLI_TEXT,
     NULL,
     {"with --send: only say to whom it would go", "--send とともに: 送らずに宛先だけを示す"}},
    {0}};
const struct cli_command cmd_tls_report = {
    .name = "tls report",
    .args = "",
    .summary = {"show how the TLS sessions to a domain went on a day",
                "ある日のドメイン宛て TLS 接続の結果を示す"},
    .about = {"With --json: the report of RFC 8460, as the domain would get it. Reports leave by "
              "themselves once a day when tls.report_from is set; --send sends one now.",
              "--json を付けると、RFC 8460 のレポートをそのまま出力します。tls.report_from "
              "を設定すると毎日自動で送られ、--send は 1 通を今すぐ送ります。"},
    .examples = "hayauma tls report --domain example.jp --date 2026-11-21 --json\n"
                "hayauma tls report --domain example.jp --send --dry-run",
    .options = report_options,
    .run = run_report,
};
