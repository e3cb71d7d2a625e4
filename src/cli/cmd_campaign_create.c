/* campaign create: reads a campaign file and what it names, and hands the bundle over. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/config/campaign_file.h"
#include "retell.h"

/* The bundle goes as a memory file: it may be larger than a request line. */
static int to_memfd(const struct hy_buf *bundle, int *ret_fd)
{
    int fd = memfd_create("hayauma-bundle", MFD_CLOEXEC);
    size_t done = 0;
    if (fd < 0)
        return HY_EIO;
    while (done < bundle->len) {
        ssize_t n = write(fd, bundle->data + done, bundle->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(fd);
            return HY_EIO;
        }
        done += (size_t)n;
    }
    if (lseek(fd, 0, SEEK_SET) != 0) {
        close(fd);
        return HY_EIO;
    }
    *ret_fd = fd;
    return 0;
}

static int load(struct cli *c, const char *path, struct hy_buf *bundle)
{
    struct hy_problems p = {0};
    struct hy_campaign_file *f = NULL;
    int err = hy_campaign_file_load(path, &p, &f);
    cli_print_problems(c, &p);
    if (!err)
        err = hy_bundle_encode(&f->bundle, bundle);
    if (err && p.n_errors == 0)
        (void)cli_fail(c, err, NULL, NULL);
    hy_campaign_file_free(f);
    hy_problems_free(&p);
    return err ? CLI_FAILED : CLI_OK;
}

static int send_bundle(struct cli *c, const struct hy_buf *bundle, json_t **ret)
{
    int fd;
    int err = to_memfd(bundle, &fd);
    if (err)
        return cli_fail(c, err, strerror(errno), NULL);
    struct hy_control_call_options o = {.fds = &fd, .n_fds = 1, .timeout_ms = -1};
    int code = cli_request(c, "campaign.create",
                           json_pack("{s:b}", "check_only", (int)cli_flag(c, "check")), &o, ret);
    close(fd);
    return code;
}

static int start(struct cli *c, const char *name)
{
    json_t *r;
    int code = cli_request(c, "campaign.start", json_pack("{s:s}", "campaign", name), NULL, &r);
    if (code == CLI_OK)
        json_decref(r);
    return code;
}

static void warn(struct cli *c, const json_t *r)
{
    const char *unknown = cli_str(r, "unknown_variables"), *domain = cli_str(r, "unsigned_domain");
    if (unknown[0])
        fprintf(c->err, _(c, "warning: no lead has these variables, they will be empty: %s\n"),
                unknown);
    if (domain[0])
        fprintf(c->err,
                _(c, "warning: no DKIM key signs for %s: large receivers refuse such mail; see "
                     "'hayauma dkim keygen --help'\n"),
                domain);
}

/* A list says who asked for mail; a segment alone does not. */
static void print_whom(struct cli *c, const json_t *r)
{
    const json_t *segment = json_object_get(r, "segment");
    char n[32];
    if (!segment || json_array_size(json_object_get(r, "lists")))
        return;
    fprintf(c->out,
            _(c, "It goes to the segment '%s' alone, %s leads now: to those who have a mail "
                 "address, have unsubscribed from nothing and do not wait for a confirmation, "
                 "whether they are on a list or not.\n"),
            cli_str(segment, "name"), cli_number(cli_int(segment, "leads"), n));
}

static void print_made(struct cli *c, const json_t *r)
{
    char time[32];
    const char *id = cli_str(r, "id");
    fprintf(c->out, _(c, "Campaign '%s' is made (%s).\n"), cli_str(r, "name"), id);
    print_whom(c, r);
    if (cli_flag(c, "start"))
        return;
    if (strcmp(cli_str(r, "state"), "scheduled") == 0)
        fprintf(c->out, _(c, "It starts by itself at %s.\n"),
                cli_time(cli_str(r, "start_at"), time));
    else
        fprintf(c->out, _(c, "Send it with: hayauma campaign start %s\n"), id);
}

static int finish(struct cli *c, json_t *r)
{
    bool checked = cli_flag(c, "check");
    int code = CLI_OK;
    warn(c, r);
    if (!checked && cli_flag(c, "start"))
        code = start(c, cli_str(r, "id"));
    if (c->json)
        (void)cli_print_json(c, json_incref(r));
    else if (checked)
        fprintf(c->out, "%s", _(c, "The campaign can be sent. Nothing was made.\n"));
    else
        print_made(c, r);
    json_decref(r);
    return code;
}

static int run(struct cli *c)
{
    struct hy_buf bundle = HY_BUF_INIT(HY_BUNDLE_MAX + 4096);
    json_t *r;
    int code = load(c, c->args[0], &bundle);
    if (!code)
        code = send_bundle(c, &bundle, &r);
    hy_buf_free(&bundle);
    return code ? code : finish(c, r);
}

static const struct cli_option options[] = {
    {"check",
     NULL,
     CLI_TEXT,
     NULL,
     {"check everything as a start would, and make nothing",
      "開始時と同じ検査だけを行い、何も作らない"}},
    {"start", NULL, CLI_TEXT, NULL, {"start it at once", "すぐに開始する"}},
    {0}};
const struct cli_command cmd_campaign_create = {
    .name = "campaign create",
    .args = "FILE",
    .n_min = 1,
    .n_max = 1,
    .kind = CLI_FILE,
    .summary = {"make a campaign from a YAML file and the files it names",
                "YAML ファイルとそれが指すファイルからキャンペーンを作る"},
    .about =
        {"Mistakes in the campaign file and in its templates are printed with file and line.\n"
         "A campaign with start_at starts by itself at that time.\n"
         "conf/examples/newsletter/campaign.yaml is a complete example.",
         "キャンペーンのファイルとテンプレートの誤りは、ファイル名と行番号つきで表示されます。\n"
         "start_at のあるキャンペーンは、その時刻に自動で始まります。\n"
         "conf/examples/newsletter/campaign.yaml に完全な例があります。"},
    .examples = "hayauma campaign create news.yaml --check\n"
                "hayauma campaign create news.yaml --start",
    .options = options,
    .run = run,
};
