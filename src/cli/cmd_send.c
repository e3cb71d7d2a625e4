/* send: hands one ready message to the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"

static int fail_file(struct cli *c, const char *path)
{
    char text[4096];
    snprintf(text, sizeof text, "%s: %s", path, strerror(errno));
    return cli_fail(c, HY_EIO, text, NULL);
}

/* What comes through a pipe is gathered first: the daemon reads files only. */
static int gather(int from)
{
    char bytes[65536];
    int to = memfd_create("message", MFD_CLOEXEC);
    ssize_t n = 0;
    while (to >= 0 && (n = read(from, bytes, sizeof bytes)) > 0) {
        for (ssize_t done = 0, w; done < n; done += w) {
            w = write(to, bytes + done, (size_t)(n - done));
            if (w < 0) {
                close(to);
                return -1;
            }
        }
    }
    if (to >= 0 && (n < 0 || lseek(to, 0, SEEK_SET) < 0)) {
        close(to);
        return -1;
    }
    return to;
}

static int open_message(const char *path)
{
    struct stat st;
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (!is_stdin && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
        return fd;
    int all = gather(fd);
    if (!is_stdin)
        close(fd);
    return all;
}

static int run(struct cli *c)
{
    const char *from = cli_option(c, "from"), *tenant = cli_option(c, "tenant");
    json_t *args = json_object(), *to = json_array(), *r;
    int fd = open_message(c->args[0]);
    if (fd < 0) {
        json_decref(args);
        json_decref(to);
        return fail_file(c, c->args[0]);
    }
    for (size_t i = 1; i < c->n_args; i++)
        json_array_append_new(to, json_string(c->args[i]));
    json_object_set_new(args, "recipients", to);
    if (from)
        json_object_set_new(args, "sender", json_string(from));
    if (tenant)
        json_object_set_new(args, "tenant", json_string(tenant));
    struct hy_control_call_options o = {.fds = &fd, .n_fds = 1, .timeout_ms = -1};
    int code = cli_request(c, "message.send", args, &o, &r);
    close(fd);
    if (code || c->json)
        return code ? code : cli_print_json(c, r);
    fprintf(c->out, _(c, "Message %s is stored and on its way.\n"), cli_str(r, "id"));
    fprintf(c->out, _(c, "See what becomes of it with: hayauma explain %s\n"), cli_str(r, "id"));
    json_decref(r);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"from",
     "ADDRESS",
     CLI_TEXT,
     NULL,
     {"where bounces go (the address of From)", "不達の返送先 (From のアドレス)"}},
    {"tenant",
     "NAME",
     CLI_TEXT,
     NULL,
     {"whose message it is (the installation's)", "どのテナントのメールか (既定はシステム自身)"}},
    {0}};
const struct cli_command cmd_send = {
    .name = "send",
    .args = "FILE RECIPIENT...",
    .n_min = 2,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_FILE,
    .summary = {"hand in one ready message", "完成したメールを 1 通送る"},
    .about =
        {"FILE holds a message as it is to be sent, header and body; - reads standard input. What\n"
         "it lacks (Date, Message-ID) is added, Bcc is taken out, and it is signed for the domain\n"
         "of From. When the command ends with 0, the message is on the disk. There may be 9,999\n"
         "recipients, whose addresses together take at most 250 KB.",
         "FILE はヘッダーと本文からなる完成したメールです。- は標準入力を読みます。足りない Date "
         "と\n"
         "Message-ID を補い、Bcc を除き、From のドメインの鍵で署名します。0 で終わったときには\n"
         "メールはディスクに保存されています。宛先は 9,999 件まで、アドレスの合計は 250 KB まで\n"
         "です。"},
    .examples = "hayauma send letter.eml taro@example.jp\n"
                "hayauma send - --from bounces@example.net taro@example.jp < letter.eml",
    .options = options,
    .run = run,
};
