/* Whole files and standard input. */
#include "read.h"

#include <stdio.h>

enum { READ_CHUNK = 65536 };

int cli_read_all(const char *path, size_t max, struct hy_buf *out)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "re");
    *out = HY_BUF_INIT(max);
    if (!f)
        return HY_EIO;
    size_t n = 1;
    while (n > 0 && hy_buf_reserve(out, READ_CHUNK) == HY_OK) {
        n = fread(out->data + out->len, 1, READ_CHUNK, f);
        out->len += n;
    }
    int err = out->err ? out->err : ferror(f) ? HY_EIO : HY_OK;
    if (!is_stdin)
        fclose(f);
    return err;
}
