/* The mails of files, mboxes and folders that people name. */
#pragma once
#include "cli.h"

/* One mail; `path` is where it stands. An error ends its file, which is told. */
typedef int cli_mail_fn(void *ctx, const char *path, struct hy_str mail);
/* Calls `each` for the mails of a file, an mbox, standard input ("-"), or a folder of them with its
 * folders; of a Maildir only cur and new are looked at. In folders links to folders and what is no
 * file are left out. False when something could not be read or
 * `each` failed: that was told on c->err, and the rest was gone through all the same. */
bool cli_each_mail(struct cli *c, const char *path, cli_mail_fn *each, void *ctx);
