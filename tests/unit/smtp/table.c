#include "table.h"

#include <stdio.h>
#include <stdlib.h>

static size_t unescape(char *p, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (c == '\\' && i + 1 < n) {
            i++;
            c = p[i] == 'n' ? '\n' : p[i] == 'r' ? '\r' : p[i] == 't' ? '\t' : p[i];
        }
        p[len++] = c;
    }
    return len;
}

bool table_read(const char *path, void (*row)(const struct hy_str *columns, size_t n))
{
    char name[4096], *line = NULL;
    const char *root = getenv("HY_CORPORA");
    snprintf(name, sizeof name, "%s/%s", root ? root : "../shared/corpora", path);
    FILE *f = fopen(name, "re");
    if (!f) {
        fprintf(stderr, "skipped: no corpus at %s\n", name);
        return false;
    }
    size_t cap = 0;
    ssize_t n;
    for (size_t no = 0; (n = getline(&line, &cap, f)) > 0; no++) {
        struct hy_str columns[TABLE_COLUMNS_MAX];
        size_t count = 0;
        if (line[n - 1] == '\n')
            n--;
        char *p = line, *end = line + n;
        while (no > 0 && count < TABLE_COLUMNS_MAX) {
            char *tab = memchr(p, '\t', (size_t)(end - p));
            char *stop = tab ? tab : end;
            columns[count++] = hy_str_make(p, unescape(p, (size_t)(stop - p)));
            if (!tab)
                break;
            p = tab + 1;
        }
        if (no > 0)
            row(columns, count);
    }
    free(line);
    fclose(f);
    return true;
}
