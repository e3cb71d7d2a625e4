/* What keeps a whole campaign waiting, and until when, in words. */
#include <time.h>

#include "commands.h"
#include "retell.h"

/* "Mon 2026-11-23 08:00 Europe/Paris": as the clock of that zone shows it; without one, as the
 * person's own does. */
static const char *moment(const struct cli *c, const json_t *waits, char out[128])
{
    static const char *const days[][2] = {{"Sun", "日"}, {"Mon", "月"}, {"Tue", "火"},
                                          {"Wed", "水"}, {"Thu", "木"}, {"Fri", "金"},
                                          {"Sat", "土"}};
    const char *zone = cli_str(waits, "time_zone");
    char date[32];
    struct tm tm = {0};
    if (!strptime(cli_str(waits, "until_local"), "%Y-%m-%dT%H:%M", &tm))
        return cli_time(cli_str(waits, "until"), out);
    time_t t = timegm(&tm); /* fills in the day of the week */
    gmtime_r(&t, &tm);
    strftime(date, sizeof date, "%Y-%m-%d", &tm);
    const char *day = days[tm.tm_wday % 7][c->lang == CLI_JA];
    if (c->lang == CLI_JA)
        snprintf(out, 128, "%s(%s) %02d:%02d %.64s", date, day, tm.tm_hour, tm.tm_min, zone);
    else
        snprintf(out, 128, "%s %s %02d:%02d %.64s", day, date, tm.tm_hour, tm.tm_min, zone);
    return out;
}

const char *cli_waits(const struct cli *c, const json_t *waits, char out[CLI_WAITS_MAX])
{
    const char *what = cli_str(waits, "for"), *why = cli_str(waits, "why");
    struct hy_buf told = HY_BUF_INIT(4096);
    char at[128];
    out[0] = '\0';
    if (strcmp(what, "hours") == 0)
        snprintf(out, CLI_WAITS_MAX, _(c, "outside its hours until %s"), moment(c, waits, at));
    else if (strcmp(what, "start") == 0)
        snprintf(out, CLI_WAITS_MAX, _(c, "it starts at %s"), moment(c, waits, at));
    else if (strcmp(what, "resume") == 0)
        snprintf(out, CLI_WAITS_MAX, "%s%s%s", _(c, "paused until somebody resumes it"),
                 why[0] ? ": " : "", cli_retell(c, why, &told));
    else if (strcmp(what, "trouble") == 0)
        snprintf(out, CLI_WAITS_MAX, _(c, "it cannot be begun (see the log), tried again at %s"),
                 moment(c, waits, at));
    else if (strcmp(what, "restart") == 0)
        snprintf(out, CLI_WAITS_MAX, "%s", _(c, "out of memory: it rests until hayaumad restarts"));
    hy_buf_free(&told);
    return out;
}

const char *cli_campaign_state(const struct cli *c, const json_t *campaign, char out[CLI_WAITS_MAX])
{
    const json_t *waits = json_object_get(campaign, "waits");
    const char *state = cli_str(campaign, "state");
    bool is_sent = strcmp(state, "running") == 0 || strcmp(state, "queueing") == 0;
    return is_sent && json_is_object(waits) ? cli_waits(c, waits, out) : cli_state(c, state);
}
