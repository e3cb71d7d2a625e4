/* The sendmail command: what programs that know nothing of SMTP hand their mail to. */
#pragma once
#include "cli.h"
#include "hayauma/config/config.h"
#include "hayauma/mail/drop.h"

enum sendmail_mode {
    SENDMAIL_DELIVER, /* -bm, and by default: a message on standard input */
    SENDMAIL_SMTP,    /* -bs: SMTP on standard input and output */
    SENDMAIL_QUEUE,   /* -bp, or called mailq */
    SENDMAIL_NOTHING, /* -bi, -q, or called newaliases: there is nothing to be done */
};

/* As asked on the command line; strings are argv's. */
struct sendmail_args {
    enum sendmail_mode mode;
    bool reads_header;  /* -t */
    bool ignores_dots;  /* -i, -oi */
    const char *sender; /* -f, -r; NULL: whoever runs it */
    const char *name;   /* -F */
    const char *envid;  /* -V */
    uint8_t ret;        /* -R: 1 HDRS, 2 FULL */
    uint8_t notify;     /* -N */
    const char *const *rcpts;
    size_t n_rcpts;
};
/* Reads what stands behind the program's name. False, and *ret_wrong is the option that it does not
 * know, or whose value is wrong. */
bool sendmail_parse(const char *called, int argc, const char *const *argv,
                    struct sendmail_args *ret, const char **ret_wrong);

/* drop_file.c: leaves a message in the maildrop; when it returns 0 it is on the disk, whole. The
 * errno of what failed is told on standard error. HY_EIO, HY_EFULL, HY_EAUTH, HY_ENOMEM, HY_EINVAL.
 */
HY_MUST_USE int drop_file_put(const struct hy_config_local *site, const struct hy_drop *d,
                              const struct hy_drop_rcpt *rcpts, struct hy_diag *diag);

/* sendmail_smtp.c: a dialogue on two descriptors until QUIT or the end. An exit code. */
int sendmail_smtp(const struct hy_config_local *site, int in, int out);

/* main, when the program is called sendmail, mailq or newaliases, or as `hayauma sendmail`; the
 * exit code is one of sysexits.h. */
int sendmail_main(const char *called, int argc, const char *const *argv);
