/* campaign watch: asks the daemon again and again, and draws what it says. On a terminal the
 * picture is drawn over the last one; elsewhere each look is a line. Ctrl-C ends the watching, not
 * the campaign. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "commands.h"
#include "hayauma/base/clock.h"
#include "watch_view.h"

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signo)
{
    (void)signo;
    is_interrupted = 1;
}

struct watching {
    struct cli *c;
    struct hy_control_client *client;
    const char *campaign;
    struct watch_meter meter;
    json_t *show, *sites; /* the newest answers */
    size_t drawn;         /* lines of the picture on the screen */
};

static int ask(struct watching *w)
{
    json_t *show, *sites;
    int code = cli_request_on(w->c, w->client, "campaign.show",
                              json_pack("{s:s}", "campaign", w->campaign), NULL, &show);
    if (code)
        return code;
    json_decref(w->show);
    w->show = show;
    code = cli_request_on(w->c, w->client, "sites", json_pack("{s:i}", "limit", WATCH_SITES), NULL,
                          &sites);
    if (code)
        return code;
    json_decref(w->sites);
    w->sites = sites;
    watch_meter_add(&w->meter, (double)hy_clock_us() / 1e6, watch_finals(show));
    return CLI_OK;
}

static void draw(struct watching *w)
{
    struct cli *c = w->c;
    struct hy_buf b = HY_BUF_INIT(1u << 20), picture = HY_BUF_INIT(1u << 20);
    struct watch_state s = {.campaign = w->show,
                            .sites = json_object_get(w->sites, "sites"),
                            .rate = watch_meter_rate(&w->meter),
                            .now_s = hy_clock_wall_ms() / 1000};
    if (c->json) {
        json_t *o =
            json_pack("{s:O, s:O?, s:f}", "campaign", s.campaign, "sites", s.sites, "rate", s.rate);
        json_dumpf(o, c->out, JSON_COMPACT);
        json_decref(o);
        hy_buf_add_c(&b, '\n');
    } else if (!c->is_tty) {
        watch_line(c, &s, &b);
    } else {
        struct hy_str rest, line;
        if (w->drawn)
            hy_buf_printf(&b, "\033[%zuA", w->drawn);
        w->drawn = watch_render(c, &s, cli_width(c), &picture);
        rest = hy_buf_str(&picture);
        while (hy_str_split(&rest, '\n', &line) && rest.p)
            hy_buf_printf(&b, "%.*s\033[K\n", HY_STR_ARG(line));
        hy_buf_add_lit(&b, "\033[J");
    }
    fwrite(b.data, 1, b.len, c->out);
    fflush(c->out);
    hy_buf_free(&b);
    hy_buf_free(&picture);
}

static void sleep_for(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

static int follow(struct watching *w, double interval_s)
{
    for (;;) {
        int code = ask(w);
        if (is_interrupted)
            return CLI_OK;
        if (code)
            return code;
        draw(w);
        if (watch_is_over(w->show))
            return strcmp(cli_str(w->show, "state"), "done") == 0 ? CLI_OK : CLI_FAILED;
        sleep_for(interval_s);
        if (is_interrupted)
            return CLI_OK;
    }
}

static void final_report(const struct watching *w)
{
    if (w->c->json || !w->show || !watch_is_over(w->show))
        return;
    fputc('\n', w->c->out);
    cli_print_campaign(w->c, w->show);
}

int cli_watch(struct cli *c, const char *campaign, double interval_s)
{
    struct watching w = {.c = c, .campaign = campaign};
    struct sigaction catch = {.sa_handler = on_interrupt}, before;
    int code = cli_connect(c, &w.client);
    if (code)
        return code;
    is_interrupted = 0;
    sigaction(SIGINT, &catch, &before);
    if (c->is_tty && !c->json)
        fputs("\033[?25l", c->out); /* no cursor */
    code = follow(&w, interval_s);
    if (c->is_tty && !c->json)
        fputs("\033[?25h", c->out);
    sigaction(SIGINT, &before, NULL);
    final_report(&w);
    json_decref(w.show);
    json_decref(w.sites);
    hy_control_close(w.client);
    return code;
}

static int run(struct cli *c)
{
    const char *text = cli_option(c, "interval");
    char *end;
    double interval = text ? strtod(text, &end) : 1;
    if (text && (*end || !(interval >= 0.1 && interval <= 3600))) {
        fprintf(c->err, "%s", _(c, "--interval takes seconds from 0.1 to 3600\n"));
        return CLI_USAGE;
    }
    return cli_watch(c, c->args[0], interval);
}

static const struct cli_option options[] = {
    {"interval", "SECONDS", CLI_TEXT, NULL, {"time between looks (1)", "表示の間隔(1 秒)"}}, {0}};
const struct cli_command cmd_campaign_watch = {
    .name = "campaign watch",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"watch a campaign live until it ends", "キャンペーンの進行を終わるまで表示する"},
    .about =
        {"On a terminal the picture is redrawn in place; otherwise each look is one line, with\n"
         "--json one object. Ctrl-C leaves; the campaign goes on. Exit code 0 when it was sent\n"
         "to the end or you left, 1 when it was cancelled.",
         "端末では同じ場所に描き直し、端末以外では一回ごとに一行(--json では一つの\n"
         "オブジェクト)を出力します。Ctrl-C で抜けても配信は続きます。\n"
         "最後まで送るか途中で抜ければ 0、中止されれば 1 で終わります。"},
    .examples = "hayauma campaign watch \"Winter news\"\n"
                "hayauma campaign watch \"Winter news\" --interval 60 >> watch.log",
    .options = options,
    .run = run,
};
