/* Progress of what reads all leads: how many, and how long it will take still. */
#include "score_ask.h"

#include <time.h>
#include <unistd.h>

enum { SURE_S = 3, WIDE = 32 };

struct view {
    struct cli *c;
    struct timespec since;
};

static double passed_s(const struct view *v)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - v->since.tv_sec) + (double)(now.tv_nsec - v->since.tv_nsec) / 1e9;
}

static int show(void *ctx, const json_t *p)
{
    struct view *v = ctx;
    struct cli *c = v->c;
    char done[WIDE], all[WIDE], left[WIDE];
    double of = (double)cli_int(p, "of"), n = (double)cli_int(p, "leads"), s = passed_s(v);
    if (c->json || !isatty(fileno(c->err)))
        return 0;
    fputs("\r", c->err);
    if (json_object_get(p, "steps"))
        fprintf(c->err, _(c, "weighing: %.0f %%"),
                of > 0 ? 100 * (double)cli_int(p, "steps") / of : 0.0);
    else if (s >= SURE_S && n > 0)
        fprintf(c->err, _(c, "%s of %s leads, %s left"), cli_number(cli_int(p, "leads"), done),
                cli_number(cli_int(p, "of"), all),
                cli_duration((int64_t)(s * (of - n) / n + 0.5), left));
    else
        fprintf(c->err, _(c, "%s of %s leads"), cli_number(cli_int(p, "leads"), done),
                cli_number(cli_int(p, "of"), all));
    fputs("\033[K", c->err);
    fflush(c->err);
    return 0;
}

static int ask(struct cli *c, const char *command, json_t *args, struct hy_control_call_options o,
               json_t **ret)
{
    struct view v = {.c = c};
    o.progress = show;
    o.progress_ctx = &v;
    o.timeout_ms = -1;
    clock_gettime(CLOCK_MONOTONIC, &v.since);
    int code = cli_request(c, command, args, &o, ret);
    if (!c->json && isatty(fileno(c->err)))
        fputs("\r\033[K", c->err);
    return code;
}

int score_ask(struct cli *c, const char *command, json_t *args, json_t **ret)
{
    return ask(c, command, args, (struct hy_control_call_options){.n_fds = 0}, ret);
}

int score_ask_of_file(struct cli *c, const char *command, int fd, json_t **ret)
{
    return ask(c, command, NULL, (struct hy_control_call_options){.fds = &fd, .n_fds = 1}, ret);
}
