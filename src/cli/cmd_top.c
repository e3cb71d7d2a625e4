/* top: the live view. On a terminal it draws over the whole screen and listens to keys; elsewhere,
 * or with --once, it shows one snapshot. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "commands.h"
#include "hayauma/base/clock.h"
#include "top_view.h"

static volatile sig_atomic_t is_interrupted, is_resized;

static void on_signal(int signo)
{
    if (signo == SIGWINCH)
        is_resized = 1;
    else
        is_interrupted = 1;
}

struct topping {
    struct cli *c;
    struct hy_control_client *client;
    struct top_state state;
    hy_us asked; /* when the newest answer came; 0 = none did */
};

static int ask(struct topping *t)
{
    json_t *r;
    int code = cli_request_on(t->c, t->client, "top", json_pack("{s:i}", "limit", 200), NULL, &r);
    if (code)
        return code;
    hy_us now = hy_clock_us();
    top_add(&t->state, r, t->asked ? (double)(now - t->asked) / 1e6 : 0);
    t->asked = now;
    return CLI_OK;
}

static void draw(struct topping *t)
{
    struct winsize w = {0};
    struct hy_buf page = HY_BUF_INIT(1u << 20), out = HY_BUF_INIT(1u << 20);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col < 20 || w.ws_row < 8)
        w = (struct winsize){.ws_col = 80, .ws_row = 24};
    top_render(t->c, &t->state, w.ws_col, w.ws_row, &page);
    struct hy_str rest = hy_buf_str(&page), line;
    hy_buf_add_lit(&out, "\033[H");
    for (size_t n = 0; hy_str_split(&rest, '\n', &line) && rest.p; n++)
        hy_buf_printf(&out, "%s%.*s\033[K", n ? "\r\n" : "", HY_STR_ARG(line));
    hy_buf_add_lit(&out, "\033[J");
    fwrite(out.data, 1, out.len, t->c->out);
    fflush(t->c->out);
    hy_buf_free(&page);
    hy_buf_free(&out);
}

/* One key or arrow; 0 when it is nothing that is known. */
static int read_key(void)
{
    char b[8];
    ssize_t n = read(STDIN_FILENO, b, sizeof b);
    if (n >= 3 && b[0] == 0x1b && b[1] == '[')
        return b[2] == 'A' ? TOP_UP : b[2] == 'B' ? TOP_DOWN : 0;
    return n > 0 ? (unsigned char)b[0] : n == 0 ? 'q' : 0;
}

static int live(struct topping *t, hy_us every)
{
    for (hy_us next = hy_clock_us() + every; !is_interrupted;) {
        draw(t);
        hy_us left = next - hy_clock_us();
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        int n = poll(&in, 1, left > 0 ? (int)(left / 1000) + 1 : 0);
        if (n > 0 && top_press(&t->state, read_key()) == TOP_QUIT)
            return CLI_OK;
        if (hy_clock_us() < next)
            continue;
        next = hy_clock_us() + every;
        int code = t->state.is_paused ? CLI_OK : ask(t);
        if (code)
            return code;
    }
    return CLI_OK;
}

static int on_screen(struct topping *t, hy_us every)
{
    struct termios before, raw;
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGWINCH, &act, NULL);
    bool has_keys = tcgetattr(STDIN_FILENO, &before) == 0;
    if (has_keys) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    fputs("\033[?1049h\033[?25l", t->c->out); /* the other screen, no cursor */
    int code = live(t, every);
    fputs("\033[?25h\033[?1049l", t->c->out);
    fflush(t->c->out);
    if (has_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    return code;
}

/* Two looks, so that there are rates. */
static int snapshot(struct topping *t, hy_us every)
{
    struct hy_buf out = HY_BUF_INIT(4u << 20);
    usleep((useconds_t)every);
    int code = ask(t);
    if (code)
        return code;
    if (t->c->json)
        return cli_print_json(t->c, json_incref(t->state.now));
    top_render(t->c, &t->state, cli_width(t->c), 0, &out);
    fwrite(out.data, 1, out.len, t->c->out);
    hy_buf_free(&out);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct topping t = {.c = c};
    const char *text = cli_option(c, "interval");
    char *end;
    double interval = text ? strtod(text, &end) : 1;
    if (text && (*end || !(interval >= 0.1 && interval <= 3600))) {
        fprintf(c->err, "%s", _(c, "--interval takes seconds from 0.1 to 3600\n"));
        return CLI_USAGE;
    }
    hy_us every = (hy_us)(interval * 1e6);
    int code = cli_connect(c, &t.client);
    if (code)
        return code;
    code = ask(&t);
    bool is_once = cli_flag(c, "once") || c->json || !c->is_tty || !isatty(STDIN_FILENO);
    if (code == CLI_OK)
        code = is_once ? snapshot(&t, every < HY_US_PER_SEC ? every : HY_US_PER_SEC)
                       : on_screen(&t, every);
    hy_control_close(t.client);
    top_free(&t.state);
    return code;
}

static const struct cli_option options[] = {
    {"once", NULL, CLI_TEXT, NULL, {"show one snapshot and end", "一度だけ表示して終わる"}},
    {"interval", "SECONDS", CLI_TEXT, NULL, {"time between looks (1)", "表示の間隔(1 秒)"}},
    {0}};
const struct cli_command cmd_top = {
    .name = "top",
    .args = "",
    .summary = {"watch everything live: rates, campaigns, sites, windows, last replies",
                "全体(速度、配信、配信先、枠、最後の応答)を見続ける"},
    .about =
        {"Keys: q quits; s, r, c, d sort by site, rate, connections, deferrals; / filters by\n"
         "name; p pauses; arrows (or j, k) choose a site and Enter shows all of it. Not on a\n"
         "terminal, or with --once or --json, one snapshot over a second. A star marks the column\n"
         "that sites are sorted by.",
         "キー: q で終了。s、r、c、d で配信先・速度・接続数・再送の順に並べ替え、/ で絞り込み、\n"
         "p で一時停止、矢印(j、k)で選び Enter で詳細。端末以外や --once、--json では、\n"
         "一秒間の様子を一度だけ出力します。* は並べ替えに使っている列です。"},
    .examples = "hayauma top\nhayauma top --once | head -20",
    .options = options,
    .run = run,
};
