/* password: a line for the file of those who may hand messages in. */
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "hayauma/receive/users.h"

/* The first line of standard input; from a terminal without showing it. */
static bool read_password(struct cli *c, char *out, size_t room)
{
    struct termios was, silent;
    bool is_tty = tcgetattr(STDIN_FILENO, &was) == 0;
    if (is_tty) {
        fprintf(c->err, _(c, "Password of %s: "), c->args[0]);
        silent = was;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool good = fgets(out, (int)room, stdin) != NULL;
    if (is_tty) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', c->err);
    }
    if (good)
        out[strcspn(out, "\r\n")] = '\0';
    return good && out[0];
}

static bool is_name(struct hy_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < ' ' || name.p[i] == ':' || name.p[i] == 0x7f)
            return false;
    return name.n > 0 && name.n <= 255 && hy_str_is_utf8(name);
}

static int run(struct cli *c)
{
    char password[600], hash[HY_USER_HASH_MAX];
    if (!is_name(hy_str_of(c->args[0]))) {
        fprintf(c->err, "%s", _(c, "a name has no ':' and no control characters\n"));
        return CLI_USAGE;
    }
    bool is_scram = cli_flag(c, "scram");
    int err = read_password(c, password, sizeof password) ? HY_OK : HY_EINVAL;
    if (err == HY_OK)
        err = is_scram ? hy_user_scram(hy_str_of(password), hash)
                       : hy_user_hash(hy_str_of(password), hash);
    explicit_bzero(password, sizeof password);
    if (err != HY_OK)
        return cli_fail(c, err,
                        is_scram ? "no password, or one of more than 512 bytes or with other "
                                   "characters than printable ASCII, which SCRAM needs"
                                 : "no password, or one of more than 512 bytes",
                        NULL);
    fprintf(c->out, "%s:%s:%s", c->args[0], hash, c->args[1]);
    if (c->n_args > 2)
        fprintf(c->out, ":%s", c->args[2]);
    fputc('\n', c->out);
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"scram",
     NULL,
     CLI_TEXT,
     NULL,
     {"a verifier for SCRAM-SHA-256, which PLAIN and LOGIN go by as well",
      "SCRAM-SHA-256 用の検証値を作る(PLAIN と LOGIN にも使えます)"}},
    {0}};
const struct cli_command cmd_password = {
    .name = "password",
    .args = "NAME DOMAINS [TENANT]",
    .n_min = 2,
    .n_max = 3,
    .kind = CLI_TEXT,
    .summary = {"make a line for the file of submission.users",
                "submission.users のファイルの 1 行を作る"},
    .about =
        {"The password is read from the terminal, or from the first line of standard input, and\n"
         "only its salted hash is printed. DOMAINS are those that From and the sender may have:\n"
         "example.net,*.example.net, or * for any.\n"
         "SCRAM is offered when every line of the file was made with --scram: clients choose it\n"
         "whenever it is offered.",
         "パスワードは端末から、または標準入力の 1 "
         "行目から読み、ソルト付きハッシュだけを出力します。\n"
         "DOMAINS は From と送信者に使えるドメインです。例: example.net,*.example.net。* "
         "は無制限です。\n"
         "SCRAM は、ファイルの全行を --scram で作ったときに提示します。提示すれば必ず選ぶ\n"
         "クライアントが多いためです。"},
    .examples = "hayauma password shop example.net >> /etc/hayauma/users\n"
                "hayauma password --scram shop example.net\n"
                "hayauma reload",
    .options = options,
    .run = run,
};
