/* campaign start, pause, resume, cancel, held. */
#include <time.h>

#include "cli.h"
#include "commands.h"

enum { LOOK_EVERY_MS = 200 };

static int order(struct cli *c, const char *command, bool is_last)
{
    json_t *r;
    int code = cli_request(c, command, json_pack("{s:s}", "campaign", c->args[0]), NULL, &r);
    if (code)
        return code;
    if (c->json && is_last)
        return cli_print_json(c, r);
    if (!c->json)
        fprintf(c->out, _(c, "Campaign '%s' is now: %s\n"), cli_str(r, "name"),
                cli_state(c, cli_str(r, "state")));
    json_decref(r);
    return CLI_OK;
}

int cli_wait(struct cli *c, const char *campaign)
{
    struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    struct hy_control_client *client;
    int code = cli_connect(c, &client);
    if (code)
        return code;
    for (;;) {
        json_t *r;
        code = cli_request_on(c, client, "campaign.show", json_pack("{s:s}", "campaign", campaign),
                              NULL, &r);
        if (code)
            break;
        const char *state = cli_str(r, "state");
        bool done = strcmp(state, "done") == 0,
             stopped = strcmp(state, "cancelled") == 0 || strcmp(state, "paused") == 0;
        if (done || stopped) {
            code = done ? CLI_OK : CLI_FAILED;
            if (c->json)
                (void)cli_print_json(c, r);
            else {
                cli_print_campaign(c, r);
                json_decref(r);
            }
            break;
        }
        json_decref(r);
        if (nanosleep(&pause, NULL)) {
            code = CLI_INTERRUPTED;
            break;
        }
    }
    hy_control_close(client);
    return code;
}

static int run_start(struct cli *c)
{
    bool watch = cli_flag(c, "watch"), wait = cli_flag(c, "wait");
    int code = order(c, "campaign.start", !watch && !wait);
    if (code || !(watch || wait))
        return code;
    return watch ? cli_watch(c, c->args[0], 1) : cli_wait(c, c->args[0]);
}

static int run_pause(struct cli *c)
{
    return order(c, "campaign.pause", true);
}

static int run_resume(struct cli *c)
{
    return order(c, "campaign.resume", true);
}

static int run_cancel(struct cli *c)
{
    char question[1024];
    snprintf(question, sizeof question,
             _(c, "Cancel '%s' for good? Mail that is not out yet will not be sent. [y/N] "),
             c->args[0]);
    if (!cli_confirm(c, question))
        return CLI_FAILED;
    return order(c, "campaign.cancel", true);
}

static int run_held(struct cli *c)
{
    json_t *r, *args = json_pack("{s:s, s:s}", "campaign", c->args[0], "decision", c->args[1]);
    int code = cli_request(c, "campaign.held", args, NULL, &r);
    if (code)
        return code;
    if (c->json)
        return cli_print_json(c, r);
    cli_print_campaign(c, r);
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option start_options[] = {
    {"watch",
     NULL,
     CLI_TEXT,
     NULL,
     {"then watch it until it ends", "開始後、終わるまで進行を表示する"}},
    {"wait",
     NULL,
     CLI_TEXT,
     NULL,
     {"then wait, silently, until it ends", "開始後、終わるまで黙って待つ"}},
    {0}};
const struct cli_command cmd_campaign_start = {
    .name = "campaign start",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"start sending a campaign", "キャンペーンを開始する"},
    .about =
        {"NAME is the campaign's name or id. Templates, keys and disk space are checked first.\n"
         "With --wait or --watch the exit code is 0 when it was sent to the end and 1 when it\n"
         "was paused or cancelled meanwhile.",
         "NAME はキャンペーンの名前か id です。テンプレート、鍵、ディスクの空きを先に検査します。\n"
         "--wait や --watch では、最後まで送れば 0、途中で停止・中止されれば 1 で終わります。"},
    .examples = "hayauma campaign start \"Winter news\" --watch",
    .options = start_options,
    .run = run_start,
};
const struct cli_command cmd_campaign_pause = {
    .name = "campaign pause",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"stop sending for now; what is on the wire ends",
                "一時停止する(送信中のものは完了する)"},
    .examples = "hayauma campaign pause \"Winter news\"",
    .run = run_pause,
};
const struct cli_command cmd_campaign_resume = {
    .name = "campaign resume",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"go on with a paused campaign", "一時停止したキャンペーンを再開する"},
    .examples = "hayauma campaign resume \"Winter news\"",
    .run = run_resume,
};
static const struct cli_option cancel_options[] = {
    {"yes", NULL, CLI_TEXT, NULL, {"do not ask", "確認を求めない"}}, {0}};
const struct cli_command cmd_campaign_cancel = {
    .name = "campaign cancel",
    .args = "NAME",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_CAMPAIGN,
    .summary = {"end a campaign for good; what is not out is not sent",
                "キャンペーンを中止する(未送信のものは送らない)"},
    .examples = "hayauma campaign cancel \"Winter news\" --yes",
    .options = cancel_options,
    .run = run_cancel,
};
const struct cli_command cmd_campaign_held = {
    .name = "campaign held",
    .args = "NAME DECISION",
    .n_min = 2,
    .n_max = 2,
    .kind = CLI_CAMPAIGN,
    .summary = {"decide about recipients held in doubt after a crash",
                "異常終了後に保留された宛先の扱いを決める"},
    .about = {"With delivery.in_doubt set to hold, a recipient whose message was sent but whose\n"
              "server had not answered yet when the daemon was killed is held. DECISION is:\n"
              "  resend     send again: at worst a second copy\n"
              "  delivered  believe that it arrived\n"
              "  cancel     do not send it any more",
              "delivery.in_doubt が hold のとき、送り終えたのに返事が来る前にデーモンが\n"
              "強制終了した宛先は保留されます。DECISION は次のいずれかです:\n"
              "  resend     もう一度送る(最悪でも同じものが二通届く)\n"
              "  delivered  届いたものとみなす\n"
              "  cancel     送らない"},
    .examples = "hayauma campaign held \"Winter news\" resend",
    .run = run_held,
};
