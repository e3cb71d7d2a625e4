/* What the blaster sends: made or read before the clock runs, dot-stuffed, with the final dot. */
#include "blaster_body.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum { BODIES_MAX = 10000 };

/* Room for one body more. */
static struct body *new_body(struct bodies *set, size_t cap)
{
    struct body *all = realloc(set->all, (set->n + 1) * sizeof *all);
    char *p = malloc(cap);
    if (!all || !p)
        blaster_die("body", "no memory");
    set->all = all;
    all[set->n] = (struct body){.p = p};
    return &all[set->n++];
}

static void end_body(struct bodies *set, struct body *b)
{
    memcpy(b->p + b->n, ".\r\n", 3);
    b->n += 3;
    char *p = realloc(b->p, b->n);
    b->p = p ? p : b->p;
    set->longest = b->n > set->longest ? b->n : set->longest;
}

void bodies_make(struct bodies *set, size_t size)
{
    static const char head[] =
        "From: Hayauma News <news@" WORLD_SENDER ">\r\nTo: reader@example.test\r\n"
        "Subject: The floor\r\nDate: Mon, 01 Jun 2026 09:00:00 +0900\r\n"
        "Message-ID: <blaster@" WORLD_SENDER ">\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        "\r\n";
    static const char line[] =
        "<p>=E6=97=A9=E9=A6=AC carries the news from post to post, day and night.</p>\r\n";
    struct body *b = new_body(set, size + sizeof head + sizeof line + 8);
    memcpy(b->p, head, sizeof head - 1);
    b->n = sizeof head - 1;
    while (b->n < size) {
        memcpy(b->p + b->n, line, sizeof line - 1);
        b->n += sizeof line - 1;
    }
    end_body(set, b);
}

void bodies_load(struct bodies *set, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        blaster_die(path, strerror(errno));
    struct body *b = new_body(set, BODY_MAX * 2 + 8);
    bool bol = true;
    for (int ch; (ch = getc(f)) != EOF && b->n < BODY_MAX; bol = ch == '\n') {
        if (ch == '.' && bol)
            b->p[b->n++] = '.';
        if (ch == '\n' && (b->n == 0 || b->p[b->n - 1] != '\r'))
            b->p[b->n++] = '\r';
        b->p[b->n++] = (char)ch;
    }
    if (!bol) {
        memcpy(b->p + b->n, "\r\n", 2);
        b->n += 2;
    }
    end_body(set, b);
    fclose(f);
}

void bodies_load_all(struct bodies *set, const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        blaster_die(dir, strerror(errno));
    for (struct dirent *e; (e = readdir(d)) && set->n < BODIES_MAX;) {
        char path[PATH_MAX];
        size_t n = strlen(e->d_name);
        if (n < 4 || strcmp(e->d_name + n - 4, ".eml") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        bodies_load(set, path);
    }
    closedir(d);
    if (set->n == 0)
        blaster_die(dir, "no *.eml there");
}

void bodies_free(struct bodies *set)
{
    for (unsigned i = 0; i < set->n; i++)
        free(set->all[i].p);
    free(set->all);
}
