/* sendmail: reads a message and its recipients and leaves them in the maildrop, from where the
 * daemon takes them, now or when it runs again. */
#include "sendmail.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "hayauma/mail/address.h"
#include "hayauma/mail/draft.h"

enum { DEFAULT_SIZE_MAX = 32 << 20 };
#define DEFAULT_MAILDROP "/var/spool/hayauma/maildrop"

/* A message on its way: what it becomes. */
struct sending {
    struct sendmail_args args;
    struct hy_config_local site;
    struct hy_buf text, message;
    struct hy_arena arena; /* of addresses */
    struct hy_drop_rcpt *rcpts;
    size_t n_rcpts;
    char user[128]; /* who runs this */
    char sender[HY_ADDRESS_MAX + 2];
    char envid[301];
    struct hy_diag diag;
};

static int say(int code, const char *what, const char *why)
{
    fprintf(stderr, "sendmail: %s%s%s\n", what, why[0] ? ": " : "", why);
    return code;
}

static int exit_code(int err)
{
    switch (err) {
    case HY_OK:
        return EX_OK;
    case HY_EAUTH:
        return EX_NOPERM;
    case HY_EINVAL:
    case HY_EPARSE:
    case HY_ELIMIT:
        return EX_DATAERR;
    case HY_EIO:
        return EX_IOERR;
    default: /* no memory, no space: later */
        return EX_TEMPFAIL;
    }
}

/* ---- where we are ---- */

/* Users that may not read the configuration have the usual place. */
static void find_site(struct hy_config_local *site)
{
    struct cli c = {0};
    *site = (struct hy_config_local){.maildrop = DEFAULT_MAILDROP, .size_max = DEFAULT_SIZE_MAX};
    if (gethostname(site->host, sizeof site->host - 1) != 0 || !site->host[0])
        snprintf(site->host, sizeof site->host, "localhost");
    int err = hy_config_local(cli_config_path(&c), site);
    (void)err; /* then it is that */
}

static void find_user(struct sending *s)
{
    const struct passwd *p = getpwuid(getuid());
    if (p)
        snprintf(s->user, sizeof s->user, "%s", p->pw_name);
    else
        snprintf(s->user, sizeof s->user, "uid%u", (unsigned)getuid());
}

/* ---- reading ---- */

/* Up to a line with a dot only, unless dots mean nothing. */
static bool is_end(const struct sending *s, struct hy_str line)
{
    return !s->args.ignores_dots &&
           (hy_str_eq(line, HY_STR(".\n")) || hy_str_eq(line, HY_STR(".\r\n")));
}

static int read_text(struct sending *s, FILE *in)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    s->text = HY_BUF_INIT((size_t)s->site.size_max);
    while (s->text.err == HY_OK && (n = getline(&line, &cap, in)) > 0) {
        if (is_end(s, hy_str_make(line, (size_t)n)))
            break;
        hy_buf_add(&s->text, line, (size_t)n);
    }
    free(line);
    if (ferror(in))
        return hy_fail(&s->diag, HY_EIO, "standard input: %s", strerror(errno));
    if (s->text.err == HY_ELIMIT)
        return hy_fail(&s->diag, HY_ELIMIT, "the message is larger than %lu bytes",
                       (unsigned long)s->site.size_max);
    return s->text.err;
}

/* ---- addresses ---- */

/* As it goes into an envelope; a name by itself is one of this host. */
static int parse(const struct sending *s, struct hy_str text, struct hy_address *ret)
{
    static const struct hy_address_rules rules = {.allow_literal = true, .allow_single = true};
    enum hy_address_reason why;
    char full[1024];
    bool has_at = hy_str_find(text, '@', 0) != SIZE_MAX;
    int n = snprintf(full, sizeof full, "%.*s%s%s", HY_STR_ARG(text), has_at ? "" : "@",
                     has_at ? "" : s->site.host);
    if (n < 0 || (size_t)n >= sizeof full)
        return HY_EPARSE;
    return hy_address_parse(hy_str_make(full, (size_t)n), &rules, ret, &why);
}

static int add_rcpt(void *ctx, struct hy_str text)
{
    struct sending *s = ctx;
    struct hy_address a;
    if (s->n_rcpts == HY_DROP_RCPTS_MAX)
        return hy_fail(&s->diag, HY_ELIMIT, "more than %d recipients", HY_DROP_RCPTS_MAX);
    if (parse(s, text, &a) != HY_OK)
        return hy_fail(&s->diag, HY_EINVAL, "'%.*s' is no address",
                       HY_STR_ARG(hy_str_slice(text, 0, 200)));
    struct hy_str wire = hy_arena_str(&s->arena, hy_address_wire(&a));
    if (!wire.p)
        return HY_ENOMEM;
    s->rcpts[s->n_rcpts++] = (struct hy_drop_rcpt){.address = wire, .notify = s->args.notify};
    return HY_OK;
}

static int gather_rcpts(struct sending *s)
{
    int err = HY_OK;
    for (size_t i = 0; i < s->args.n_rcpts && err == HY_OK; i++)
        err = hy_draft_addresses(hy_str_of(s->args.rcpts[i]), add_rcpt, s);
    if (err == HY_OK && s->args.reads_header)
        err = hy_draft_recipients(hy_buf_str(&s->text), add_rcpt, s);
    return err;
}

static int find_sender(struct sending *s)
{
    struct hy_address a;
    struct hy_str text = hy_str_of(s->args.sender ? s->args.sender : s->user);
    if (hy_str_eq(text, HY_STR("<>")) || text.n == 0)
        return HY_OK;
    if (text.n >= 2 && text.p[0] == '<' && text.p[text.n - 1] == '>')
        text = hy_str_slice(text, 1, text.n - 1);
    if (parse(s, text, &a) != HY_OK)
        return hy_fail(&s->diag, HY_EINVAL, "the sender '%.*s' is no address",
                       HY_STR_ARG(hy_str_slice(text, 0, 200)));
    memcpy(s->sender, a.wire, (size_t)a.n + 1);
    return HY_OK;
}

/* xtext (RFC 3461 4). */
static void encode_envid(struct sending *s)
{
    size_t n = 0;
    for (const char *p = s->args.envid ? s->args.envid : ""; *p && n + 4 < sizeof s->envid; p++) {
        bool is_plain = *p > ' ' && *p < 0x7f && *p != '+' && *p != '=';
        if (is_plain)
            s->envid[n++] = *p;
        else
            n += (size_t)sprintf(s->envid + n, "+%02X", (unsigned char)*p);
    }
    s->envid[n] = '\0';
}

/* ---- the message ---- */

static int make_message(struct sending *s)
{
    struct hy_draft d = {.text = hy_buf_str(&s->text),
                         .host = hy_str_of(s->site.host),
                         .from = hy_str_of(s->sender[0] ? s->sender : s->user),
                         .from_name = hy_str_of(s->args.name ? s->args.name : "")};
    s->message = HY_BUF_INIT(s->text.len + 65536);
    if (s->text.len && memchr(s->text.data, '\0', s->text.len))
        return hy_fail(&s->diag, HY_EINVAL, "the message has a NUL byte");
    return hy_draft_write(&d, &s->message);
}

static int send_it(struct sending *s)
{
    int err = read_text(s, stdin);
    if (err == HY_OK)
        err = find_sender(s);
    if (err == HY_OK)
        err = gather_rcpts(s);
    if (err == HY_OK && s->n_rcpts == 0)
        return say(EX_USAGE, "no recipients", s->args.reads_header ? "none in the header" : "");
    if (err == HY_OK)
        err = make_message(s);
    encode_envid(s);
    struct hy_drop d = {.sender = hy_str_of(s->sender),
                        .envid = hy_str_of(s->envid),
                        .ret = s->args.ret,
                        .message = hy_buf_str(&s->message),
                        .n_rcpts = s->n_rcpts};
    if (err == HY_OK)
        err = drop_file_put(&s->site, &d, s->rcpts, &s->diag);
    return err == HY_OK
               ? EX_OK
               : say(exit_code(err), "not sent", s->diag.text[0] ? s->diag.text : hy_err_text(err));
}

static int deliver(struct sending *s)
{
    s->rcpts = calloc(HY_DROP_RCPTS_MAX, sizeof *s->rcpts);
    s->arena = HY_ARENA_INIT(8 << 20);
    find_user(s);
    int code = s->rcpts ? send_it(s) : say(EX_TEMPFAIL, "not sent", hy_err_text(HY_ENOMEM));
    free(s->rcpts);
    hy_arena_free(&s->arena);
    hy_buf_free(&s->text);
    hy_buf_free(&s->message);
    return code;
}

static int show_queue(void)
{
    execl("/proc/self/exe", "hayauma", "queue", (char *)NULL);
    return say(EX_OSERR, "the queue cannot be shown", strerror(errno));
}

int sendmail_main(const char *called, int argc, const char *const *argv)
{
    struct sending s = {0};
    const char *wrong = "";
    if (!sendmail_parse(called, argc, argv, &s.args, &wrong))
        return say(EX_USAGE, "unknown option, or a wrong value", wrong);
    if (s.args.mode == SENDMAIL_NOTHING)
        return EX_OK;
    if (s.args.mode == SENDMAIL_QUEUE)
        return show_queue();
    find_site(&s.site);
    return s.args.mode == SENDMAIL_SMTP ? sendmail_smtp(&s.site, STDIN_FILENO, STDOUT_FILENO)
                                        : deliver(&s);
}
