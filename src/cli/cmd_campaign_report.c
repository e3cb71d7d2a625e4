/* campaign report: what became of a campaign, by reason and domain; as text, JSON or CSV. */
#include <stdlib.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/bounce/reason.h"

static const char *const counts[] = {"queued",
                                     "delivered",
                                     "bounced",
                                     "expired",
                                     "suppressed",
                                     "cancelled",
                                     "deferred",
                                     "fresh",
                                     "held",
                                     "attempts",
                                     "deferrals",
                                     "late_bounces",
                                     "late_bounces_hard",
                                     "complaints",
                                     "unsubscribes",
                                     "replies",
                                     "auto_replies",
                                     "opens",
                                     "clicks"};

/* ---- CSV ---- */

/* RFC 4180; names of domains need no quotes, but who knows. What a spreadsheet would run is made a
 * text. */
static void put_text(struct cli *c, const char *s)
{
    fputc('"', c->out);
    if (s[0] && strchr("=+-@\t\r", s[0]))
        fputc('\'', c->out);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', c->out);
        fputc(*s, c->out);
    }
    fputc('"', c->out);
}

static void csv_head(struct cli *c)
{
    fputs("domain", c->out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(c->out, ",%s", counts[i]);
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        fprintf(c->out, ",bounced:%s", hy_bounce_reason_name((enum hy_bounce_reason)i));
    fputs("\r\n", c->out);
}

static void csv_row(struct cli *c, const char *name, const json_t *o)
{
    const json_t *reasons = json_object_get(o, "bounce_reasons");
    put_text(c, name);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(c->out, ",%ld", cli_int(o, counts[i]));
    for (int i = 0; i < HY_BOUNCE_REASONS; i++)
        fprintf(c->out, ",%ld", cli_int(reasons, hy_bounce_reason_name((enum hy_bounce_reason)i)));
    fputs("\r\n", c->out);
}

static void print_csv(struct cli *c, const json_t *r)
{
    const json_t *o;
    size_t i;
    csv_head(c);
    csv_row(c, "*", r);
    json_array_foreach(json_object_get(r, "domains"), i, o) csv_row(c, cli_str(o, "domain"), o);
}

/* ---- for people ---- */

static void share(struct cli *c, const char *label, int64_t n, int64_t all)
{
    char number[32];
    struct hy_buf b = HY_BUF_INIT(4096);
    cli_put_cell(&b, hy_str_of(label), 22, true);
    fprintf(c->out, "%s%12s   %.2f %%\n", hy_buf_cstr(&b), cli_number(n, number),
            all ? 100.0 * (double)n / (double)all : 0.0);
    hy_buf_free(&b);
}

struct reason {
    const char *name;
    int64_t n;
};

static int by_number(const void *a, const void *b)
{
    int64_t x = ((const struct reason *)a)->n, y = ((const struct reason *)b)->n;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The most frequent first. */
static void print_reasons(struct cli *c, const json_t *reasons, int64_t all)
{
    struct reason list[HY_BOUNCE_REASONS];
    size_t n = 0;
    for (int i = 0; i < HY_BOUNCE_REASONS; i++) {
        const char *name = hy_bounce_reason_name((enum hy_bounce_reason)i);
        if (cli_int(reasons, name))
            list[n++] = (struct reason){name, cli_int(reasons, name)};
    }
    qsort(list, n, sizeof *list, by_number);
    for (size_t i = 0; i < n; i++) {
        char label[64];
        snprintf(label, sizeof label, "  %s", list[i].name);
        share(c, label, list[i].n, all);
    }
}

static void print_domains(struct cli *c, const json_t *r)
{
    static const char *const heads[] = {"DOMAIN",  "QUEUED",     "DELIVERED",   "BOUNCED",
                                        "PUT OFF", "COMPLAINTS", "UNSUBSCRIBES"};
    struct cli_table t;
    const json_t *o;
    size_t i;
    char n[32];
    cli_table_init(&t, heads, "lrrrrrr");
    json_array_foreach(json_object_get(r, "domains"), i, o)
    {
        cli_table_add(&t, cli_str(o, "domain"));
        cli_table_add_n(&t, cli_int(o, "queued"));
        cli_table_add_n(&t, cli_int(o, "delivered"));
        cli_table_add_n(&t, cli_int(o, "bounced"));
        cli_table_add_n(&t, cli_int(o, "deferrals"));
        cli_table_add_n(&t, cli_int(o, "complaints"));
        cli_table_add_n(&t, cli_int(o, "unsubscribes"));
    }
    fputc('\n', c->out);
    cli_table_print(&t, c, cli_width(c));
    if (cli_int(r, "n_domains") > (int64_t)i)
        fprintf(c->out, _(c, "... of %s domains: see --domains\n"),
                cli_number(cli_int(r, "n_domains"), n));
}

static void print_text(struct cli *c, const json_t *r)
{
    int64_t queued = cli_int(r, "queued"), delivered = cli_int(r, "delivered");
    char n[32];
    cli_put_line(c, "", cli_str(r, "name"));
    share(c, _(c, "queued"), queued, queued);
    share(c, _(c, "delivered"), delivered, queued);
    share(c, _(c, "bounced"), cli_int(r, "bounced"), queued);
    share(c, _(c, "expired"), cli_int(r, "expired"), queued);
    print_reasons(c, json_object_get(r, "bounce_reasons"), queued);
    share(c, _(c, "suppressed"), cli_int(r, "suppressed"), queued);
    share(c, _(c, "cancelled"), cli_int(r, "cancelled"), queued);
    share(c, _(c, "attempts put off"), cli_int(r, "deferrals"), cli_int(r, "attempts"));
    print_reasons(c, json_object_get(r, "deferral_reasons"), cli_int(r, "attempts"));
    share(c, _(c, "came back later"), cli_int(r, "late_bounces"), delivered);
    print_reasons(c, json_object_get(r, "late_bounce_reasons"), delivered);
    share(c, _(c, "complaints"), cli_int(r, "complaints"), delivered);
    share(c, _(c, "unsubscribes"), cli_int(r, "unsubscribes"), delivered);
    share(c, _(c, "answered"), cli_int(r, "replies"), delivered);
    share(c, _(c, "automatic replies"), cli_int(r, "auto_replies"), delivered);
    if (cli_int(r, "forgotten"))
        fprintf(
            c->out,
            _(c, "Attempts of %s recipients are older than store.log_retention: in no reason.\n"),
            cli_number(cli_int(r, "forgotten"), n));
    print_domains(c, r);
}

static int run(struct cli *c)
{
    json_t *r, *args = json_pack("{s:s}", "campaign", c->args[0]);
    const char *domains = cli_option(c, "domains");
    uint64_t n = cli_flag(c, "csv") ? 10000 : 20;
    if (domains && hy_str_to_u64(hy_str_of(domains), 10000, &n)) {
        fprintf(c->err, _(c, "--%s must be a number up to %llu\n"), "domains", 10000ULL);
        json_decref(args);
        return CLI_USAGE;
    }
    json_object_set_new(args, "domains", json_integer((json_int_t)n));
    int code = cli_request(c, "campaign.report", args, NULL, &r);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    if (cli_flag(c, "csv"))
        print_csv(c, r);
    else
        print_text(c, r);
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"csv", NULL, CLI_TEXT, NULL, {"a row for each domain, as CSV", "ドメインごとに 1 行の CSV"}},
    {"domains",
     "N",
     CLI_TEXT,
     NULL,
     {"so many domains, those with the most recipients (20; 10000 with --csv)",
      "宛先の多い順に表示するドメインの数(20、--csv では 10000)"}},
    {0}};
const struct cli_command cmd_campaign_report = {
    .name = "campaign report",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"show why mail of a campaign was not delivered, and what came back",
                "届かなかった理由と返ってきたものを集計する"},
    .about = {"Counts every row with the reasons of its attempts, and what came back afterwards:\n"
              "bounces, complaints, unsubscribes, replies; in all and by domain. Shares of what\n"
              "came back are of the delivered.",
              "すべての宛先を、試行の理由と、配達後に返ってきたもの(不達、苦情、配信停止、返信)\n"
              "とともに、全体とドメインごとに集計します。返ってきたものの割合は配達数に対する\n"
              "ものです。"},
    .examples = "hayauma campaign report \"Winter news\"\n"
                "hayauma campaign report \"Winter news\" --csv > report.csv",
    .options = options,
    .run = run,
};
