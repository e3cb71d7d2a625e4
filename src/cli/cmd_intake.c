/* intake: brings mail that came back to the daemon. Its exit codes are those of sysexits.h, since
 * it stands behind pipes of mail servers: 75 makes them bring the mail again later. */
#include <errno.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "mails.h"

enum { BATCH_MAX = 256, BATCH_BYTES = 8 << 20 }; /* mails brought at once */

struct bringing {
    struct cli *c;
    struct hy_control_client *client;
    int fd; /* the batch; -1: none is begun */
    json_t *sizes;
    size_t bytes;
    int code; /* EX_OK, or why it ends */
    json_t *total;
};

/* Adds the numbers of an answer, nested ones too. */
static void add_counts(json_t *total, const json_t *answer)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)answer, key, v)
    {
        json_t *was = json_object_get(total, key);
        if (json_is_object(v)) {
            if (!was)
                json_object_set_new(total, key, was = json_object());
            add_counts(was, v);
        } else {
            json_object_set_new(total, key,
                                json_integer(json_integer_value(was) + json_integer_value(v)));
        }
    }
}

/* Gives the batch to the daemon and waits until it is durable. */
static int flush(struct bringing *b)
{
    const char *to = cli_option(b->c, "recipient");
    json_t *args, *r = NULL;
    if (b->fd < 0)
        return HY_OK;
    args = json_object();
    json_object_set_new(args, "sizes", b->sizes);
    json_object_set_new(args, "believe", json_boolean(cli_flag(b->c, "believe")));
    if (to)
        json_object_set_new(args, "recipient", json_string(to));
    struct hy_control_call_options o = {.fds = &b->fd, .n_fds = 1, .timeout_ms = -1};
    int code = cli_request_on(b->c, b->client, "intake", args, &o, &r);
    close(b->fd);
    b->fd = -1;
    b->sizes = NULL;
    b->bytes = 0;
    if (code != CLI_OK) {
        b->code = EX_TEMPFAIL;
        return HY_ECANCELED;
    }
    add_counts(b->total, r);
    json_decref(r);
    return HY_OK;
}

static bool write_all(int fd, struct hy_str s)
{
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s = hy_str_slice(s, (size_t)n, s.n);
    }
    return true;
}

static int take_mail(void *ctx, const char *path, struct hy_str mail)
{
    struct bringing *b = ctx;
    (void)path;
    if (b->code != EX_OK)
        return HY_OK; /* the first failure was told */
    if (b->fd < 0) {
        b->fd = memfd_create("intake", MFD_CLOEXEC);
        b->sizes = json_array();
    }
    if (b->fd < 0 || !write_all(b->fd, mail)) {
        b->code = EX_TEMPFAIL;
        return HY_ENOMEM;
    }
    json_array_append_new(b->sizes, json_integer((json_int_t)mail.n));
    b->bytes += mail.n;
    if (json_array_size(b->sizes) >= BATCH_MAX || b->bytes >= BATCH_BYTES)
        (void)flush(b); /* told */
    return HY_OK;
}

static void print_total(struct cli *c, const json_t *t)
{
    char n[4][32];
    fprintf(c->out, _(c, "%s mails; %s were known, %s say nothing of mail from here.\n"),
            cli_number(cli_int(t, "mails"), n[0]), cli_number(cli_int(t, "known"), n[1]),
            cli_number(cli_int(t, "not_for_us"), n[2]));
    cli_print_object(c, json_object_get(t, "kinds"), 2);
    fprintf(c->out, _(c, "%s addresses get no more mail.\n"),
            cli_number(cli_int(t, "suppressed"), n[3]));
}

static int run(struct cli *c)
{
    struct bringing b = {.c = c, .fd = -1, .total = json_object()};
    bool is_read = true;
    if (cli_connect(c, &b.client) != CLI_OK)
        b.code = EX_TEMPFAIL; /* told: it does not run, or we may not */
    for (size_t i = 0; i < c->n_args && b.code == EX_OK; i++)
        is_read = cli_each_mail(c, c->args[i], take_mail, &b) && is_read;
    if (b.code == EX_OK)
        (void)flush(&b);
    if (b.fd >= 0)
        close(b.fd);
    json_decref(b.sizes);
    hy_control_close(b.client);
    if (b.code == EX_OK && !is_read)
        b.code = EX_NOINPUT;
    bool is_pipe = c->n_args == 1 && strcmp(c->args[0], "-") == 0; /* its output would be bounced */
    if (c->json && b.code == EX_OK)
        return cli_print_json(c, b.total) == CLI_OK ? EX_OK : EX_IOERR;
    if (!is_pipe && json_object_size(b.total))
        print_total(c, b.total);
    json_decref(b.total);
    return b.code;
}

static const struct cli_option options[] = {
    {"recipient",
     "ADDRESS",
     CLI_TEXT,
     NULL,
     {"to whom it came, by its envelope", "封筒 (エンベロープ) の宛先"}},
    {"believe",
     NULL,
     CLI_TEXT,
     NULL,
     {"take addresses at their word where no token proves them",
      "署名付きトークンがなくても、書かれたアドレスを信じる"}},
    {0}};
const struct cli_command cmd_intake = {
    .name = "intake",
    .args = "FILE...",
    .n_min = 1,
    .n_max = CLI_ARGS_MAX,
    .kind = CLI_FILE,
    .summary = {"take bounces, complaints and answers in",
                "戻ってきた不達通知・苦情・返信を取り込む"},
    .about =
        {"FILE is a mail, an mbox, a Maildir or a folder of mails; - reads standard input, as a\n"
         "pipe of a mail server gives it. Each is noted on the lead or message that its signed\n"
         "token names, and hard bounces, complaints and wishes to unsubscribe end further mail.\n"
         "A mail counts once, however often it is brought. Exit codes are those of sysexits.h:\n"
         "0 = durable, 66 = a file cannot be read, 75 = try again later (the daemon does not run,\n"
         "its disk is full, or this user may not command it). Of a mail the first MiB is read.",
         "FILE はメール、mbox、Maildir、またはメールのフォルダーです。- "
         "は標準入力で、メールサーバーの\n"
         "パイプから使えます。署名付きトークンが示すリードやメールに記録し、恒久的な不達・苦情・\n"
         "配信停止の希望があれば以後の送信を止めます。同じメールは何度渡しても一度だけ数えます。\n"
         "終了コードは sysexits.h のもので、0 = 保存済み、66 = ファイルが読めない、75 = "
         "後で再試行\n"
         "(デーモンが動いていない、ディスクが満杯、または権限がない) です。先頭の 1 MiB "
         "を読みます。"},
    .examples = "hayauma intake bounce.eml\n"
                "hayauma intake --believe /var/mail/old-bounces\n"
                "|/usr/bin/hayauma intake --recipient \"$ORIGINAL_RECIPIENT\" -",
    .options = options,
    .run = run,
};
