/* DNS for DKIM tests: tables of the corpus, and records made by a test. */
#pragma once
#include "hayauma/mail/dkim.h"
#include "hayauma/mail/dkim_check.h"

struct dkim_dns {
    struct hy_buf table; /* lines of "name<TAB>txt" */
};

#define DKIM_DNS_INIT ((struct dkim_dns){HY_BUF_INIT(1 << 22)})
void dkim_dns_free(struct dkim_dns *dns);
/* Publishes the record of a key. */
void dkim_dns_add_key(struct dkim_dns *dns, const struct hy_dkim_key *key);
/* Reads a table of the corpus; of those with a column "file", the rows of `file` only. False when
 * it is not there. */
bool dkim_dns_read(struct dkim_dns *dns, struct hy_str path, struct hy_str file);
int dkim_dns_txt(void *ctx, const char *name, struct hy_buf *out); /* a hy_dkim_txt_fn */
