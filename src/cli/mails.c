/* Walking through mails. */
#include "mails.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "hayauma/bounce/report.h"
#include "read.h"

enum {
    FILE_MAX_BYTES = 1 << 30, /* of one file: an mbox of years */
    DEPTH_MAX = 8,            /* of folders */
    PATH_MAX_BYTES = 4096,
};

struct walk {
    struct cli *c;
    cli_mail_fn *each;
    void *ctx;
    bool has_failed;
};

static void fail_path(struct walk *w, const char *path, int err)
{
    (void)cli_fail(w->c, err, path, err == HY_EIO ? strerror(errno) : NULL);
    w->has_failed = true;
}

static void walk_file(struct walk *w, const char *path)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf text = {0};
    int err = cli_read_all(path, FILE_MAX_BYTES, &text);
    if (err != HY_OK) {
        fail_path(w, path, err);
        return;
    }
    struct hy_str rest = hy_buf_str(&text), mail;
    if (rest.n == 0)
        err = w->each(w->ctx, path, rest);
    while (err == HY_OK && hy_bounce_next_mail(&rest, &mail))
        err = w->each(w->ctx, path, mail);
    if (err != HY_OK)
        fail_path(w, path, err);
}

static int is_shown(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* "folder/name" in `room`; false when it is too long. */
static bool join(const char *folder, const char *name, char room[PATH_MAX_BYTES])
{
    bool has_slash = hy_str_ends(hy_str_of(folder), HY_STR("/"));
    int n = snprintf(room, PATH_MAX_BYTES, "%s%s%s", folder, has_slash ? "" : "/", name);
    return n > 0 && n < PATH_MAX_BYTES;
}

static bool has_folder(const char *path, const char *name)
{
    struct stat st;
    char full[PATH_MAX_BYTES];
    return join(path, name, full) && stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_link_to_file(const char *path, const struct stat *st)
{
    struct stat target;
    return S_ISLNK(st->st_mode) && stat(path, &target) == 0 && S_ISREG(target.st_mode);
}

static void walk_path(struct walk *w, const char *path, unsigned depth);

static void walk_folder(struct walk *w, const char *path, unsigned depth)
{
    struct dirent **names;
    bool is_maildir = has_folder(path, "cur") && has_folder(path, "new");
    int n = scandir(path, &names, is_shown, alphasort);
    if (n < 0) {
        fail_path(w, path, HY_EIO);
        return;
    }
    for (int i = 0; i < n; i++) {
        char full[PATH_MAX_BYTES];
        bool is_wanted = !is_maildir || strcmp(names[i]->d_name, "cur") == 0 ||
                         strcmp(names[i]->d_name, "new") == 0;
        if (is_wanted && join(path, names[i]->d_name, full))
            walk_path(w, full, depth + 1);
        free(names[i]);
    }
    free(names);
}

/* What somebody named is followed and read, whatever it is. Within a folder only files and folders
 * are: a pipe would wait for ever, and a link may lead round in circles. */
static void walk_path(struct walk *w, const char *path, unsigned depth)
{
    struct stat st;
    bool is_there = strcmp(path, "-") != 0 && (depth ? lstat : stat)(path, &st) == 0;
    if (is_there && S_ISDIR(st.st_mode)) {
        if (depth < DEPTH_MAX)
            walk_folder(w, path, depth);
        return;
    }
    if (depth == 0 || !is_there || S_ISREG(st.st_mode) || is_link_to_file(path, &st))
        walk_file(w, path);
}

bool cli_each_mail(struct cli *c, const char *path, cli_mail_fn *each, void *ctx)
{
    struct walk w = {.c = c, .each = each, .ctx = ctx};
    walk_path(&w, path, 0);
    return !w.has_failed;
}
