/* Files of people: progress of reading one, its bad rows, and writing one. */
#include "files.h"
#include "retell.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The progress of a file that is being read, on a terminal. */
struct view {
    struct cli *c;
    size_t shown; /* columns of the line on the terminal */
};

static int show_progress(void *ctx, const json_t *p)
{
    struct view *im = ctx;
    struct cli *c = im->c;
    struct hy_buf b = HY_BUF_INIT(4096);
    char rows[32], rate[32], rejected[32];
    int64_t total = cli_int(p, "total_bytes");
    double share = total > 0 ? (double)cli_int(p, "bytes") / (double)total : 0;
    if (c->json || !isatty(fileno(c->err)))
        return 0;
    if (total > 0) {
        cli_put_bar(&b, share, 30, true);
        hy_buf_printf(&b, " %3.0f %%  ", 100 * share);
    }
    if (json_object_get(p, "rate"))
        hy_buf_printf(&b, _(c, "%s rows, %s a second, %s refused"),
                      cli_number(cli_int(p, "rows"), rows),
                      cli_number((int64_t)json_number_value(json_object_get(p, "rate")), rate),
                      cli_number(cli_int(p, "rejected"), rejected));
    else
        hy_buf_printf(&b, _(c, "%s rows, %s refused"), cli_number(cli_int(p, "rows"), rows),
                      cli_number(cli_int(p, "rejected"), rejected));
    fprintf(c->err, "\r%s\033[K", hy_buf_cstr(&b));
    fflush(c->err);
    im->shown = cli_columns(hy_buf_str(&b));
    hy_buf_free(&b);
    return 0;
}

/* Reasons are sentences or parts of one; the value stands behind them. */
static struct hy_str without_stop(struct hy_str s)
{
    if (hy_str_ends(s, HY_STR(".")))
        s.n--;
    else if (hy_str_ends(s, HY_STR("。")))
        s.n -= sizeof "。" - 1;
    return s;
}

/* "Refused 3 of 1,000 rows:", with the first of them; `report`: the file that has all, or NULL. */
static void print_rejects(struct cli *c, const json_t *r, const char *report)
{
    const json_t *x;
    size_t i;
    char n[32], rows[32];
    int64_t all = cli_int(r, "rejected");
    if (all == 0)
        return;
    fprintf(c->err, _(c, "Refused %s of %s rows:\n"), cli_number(all, n),
            cli_number(cli_int(r, "rows"), rows));
    json_array_foreach(json_object_get(r, "rejects"), i, x)
    {
        struct hy_buf text = HY_BUF_INIT(65536), safe = HY_BUF_INIT(65536),
                      told = HY_BUF_INIT(65536);
        const char *column = cli_str(x, "column"), *value = cli_str(x, "value");
        struct hy_str why = hy_str_of(cli_retell(c, cli_str(x, "reason"), &told));
        hy_buf_printf(&text, _(c, "line %lld"), (long long)cli_int(x, "line"));
        hy_buf_printf(&text, "%s%s: ", column[0] ? ", " : "", column);
        hy_buf_add_str(&text, without_stop(why));
        hy_buf_printf(&text, "%s%s", value[0] ? ": " : "", value);
        struct hy_str s = hy_buf_str(&text);
        cli_put_cell(&safe, s, cli_columns(s), false);
        fprintf(c->err, "  %s\n", hy_buf_cstr(&safe));
        hy_buf_free(&text);
        hy_buf_free(&safe);
        hy_buf_free(&told);
    }
    if (all > (int64_t)i)
        fprintf(c->err, _(c, "  ... and %s more\n"), cli_number(all - (int64_t)i, n));
    if (report)
        fprintf(c->err, _(c, "All of them are in %s.\n"), report);
    else
        fprintf(c->err, "%s", _(c, "--rejects FILE writes all of them to a file.\n"));
}

int import_request(struct cli *c, const char *command, json_t *args, const int *fds, size_t n_fds,
                   void (*print)(struct cli *c, const json_t *result))
{
    struct view view = {.c = c};
    struct hy_control_call_options o = {.fds = fds,
                                        .n_fds = n_fds,
                                        .progress = show_progress,
                                        .progress_ctx = &view,
                                        .timeout_ms = -1};
    json_t *r;
    int code = cli_request(c, command, args, &o, &r);
    if (view.shown) /* wipes the line away */
        fprintf(c->err, "\r\033[K");
    if (code)
        return code;
    bool any = cli_int(r, "rows") > cli_int(r, "rejected") || cli_int(r, "rows") == 0;
    if (c->json) {
        code = cli_print_json(c, r);
    } else {
        print(c, r);
        print_rejects(c, r, cli_option(c, "rejects"));
        json_decref(r);
    }
    return code ? code : any ? CLI_OK : CLI_FAILED;
}

static int fail_file(struct cli *c, const char *path)
{
    char text[4096];
    snprintf(text, sizeof text, "%s: %s", path, strerror(errno));
    return cli_fail(c, HY_EIO, text, NULL);
}

json_t *import_args(struct cli *c, const char *const *texts, size_t n)
{
    json_t *args = json_pack("{s:b}", "dry_run", (int)cli_flag(c, "dry-run"));
    for (size_t i = 0; i < n; i++) {
        char name[32];
        const char *value = cli_option(c, texts[i]);
        snprintf(name, sizeof name, "%s", texts[i]);
        for (char *p = name; (p = strchr(p, '-'));)
            *p = '_';
        if (value)
            json_object_set_new(args, name, json_string(value));
    }
    return args;
}

int import_files(struct cli *c, const char *path, const char *report,
                 int (*fn)(struct cli *c, const int *fds, size_t n_fds))
{
    int fds[2] = {STDIN_FILENO, -1};
    if (strcmp(path, "-") != 0)
        fds[0] = open(path, O_RDONLY | O_CLOEXEC);
    if (fds[0] < 0)
        return fail_file(c, path);
    if (report)
        fds[1] = open(report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = report && fds[1] < 0 ? fail_file(c, report) : fn(c, fds, report ? 2 : 1);
    if (fds[1] >= 0)
        close(fds[1]);
    if (fds[0] != STDIN_FILENO)
        close(fds[0]);
    return code;
}

static int export_to(struct cli *c, int fd, const char *command, json_t *args, int64_t *ret_rows)
{
    json_t *r;
    struct hy_control_call_options o = {.fds = &fd, .n_fds = 1, .timeout_ms = -1};
    int code = cli_request(c, command, args, &o, &r);
    if (code)
        return code;
    *ret_rows = cli_int(r, "rows");
    if (c->json && fd != STDOUT_FILENO) {
        *ret_rows = -1;
        return cli_print_json(c, r);
    }
    json_decref(r);
    return CLI_OK;
}

int export_file(struct cli *c, const char *command, json_t *args, int64_t *ret_rows)
{
    const char *path = cli_option(c, "output");
    int fd = STDOUT_FILENO;
    if (path && strcmp(path, "-") != 0)
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        json_decref(args);
        return fail_file(c, path);
    }
    int code = export_to(c, fd, command, args, ret_rows);
    if (fd != STDOUT_FILENO && close(fd) && code == CLI_OK)
        code = fail_file(c, path);
    return code;
}
