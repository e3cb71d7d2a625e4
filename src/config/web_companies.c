/* Reading the tables of networks that the configuration names: companies, and privacy relays. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hayauma/config/web_tag.h"

enum { PIECE = 1 << 20 };

static int read_file(const char *path, struct hy_buf *out, struct hy_diag *diag)
{
    FILE *f = fopen(path, "re");
    char *piece = f ? malloc(PIECE) : NULL;
    size_t n = 0;
    if (!f)
        return hy_fail(diag, HY_EIO, "%s: %s", path, strerror(errno));
    while (piece && !out->err && (n = fread(piece, 1, PIECE, f)) > 0)
        hy_buf_add(out, piece, n);
    int err = !piece || out->err == HY_ENOMEM ? HY_ENOMEM
              : out->err  ? hy_fail(diag, out->err, "%s: is larger than %d MiB", path,
                                    HY_COMPANIES_BYTES_MAX >> 20)
              : ferror(f) ? hy_fail(diag, HY_EIO, "%s: cannot be read", path)
                          : HY_OK;
    free(piece);
    (void)fclose(f);
    return err;
}

static int load(const char *path, const struct hy_strings *words, struct hy_web_companies *ret,
                struct hy_diag *diag)
{
    *ret = (struct hy_web_companies){.file = HY_BUF_INIT(HY_COMPANIES_BYTES_MAX)};
    if (!path[0])
        return HY_OK;
    ret->words = calloc(words->n + 1, sizeof *ret->words);
    if (!ret->words)
        return HY_ENOMEM;
    for (size_t i = 0; i < words->n; i++)
        ret->words[i] = hy_str_of(words->items[i]);
    int err = read_file(path, &ret->file, diag);
    if (err == HY_OK)
        err = hy_companies_read(hy_buf_str(&ret->file), ret->words, words->n, path, diag,
                                &ret->table);
    return err;
}

int hy_web_companies_load(const struct hy_config *c, struct hy_web_companies *ret,
                          struct hy_diag *diag)
{
    return load(c->web_tag.companies, &c->web_tag.providers, ret, diag);
}

int hy_privacy_relays_load(const struct hy_config *c, struct hy_web_companies *ret,
                           struct hy_diag *diag)
{
    const struct hy_strings none = {0};
    return load(c->tracking.privacy_relays, &none, ret, diag);
}

void hy_web_companies_free(struct hy_web_companies *w)
{
    hy_companies_free(w->table);
    hy_buf_free(&w->file);
    free(w->words);
    *w = (struct hy_web_companies){.table = NULL};
}
