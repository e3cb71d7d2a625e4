/* The online backup: LMDB's compacting copy of one snapshot, made durable before it gets its name.
 *
 * The journal of hits is copied before the snapshot is taken: what is carried into the store in
 * between is in the snapshot, with the position behind it, from which the copy is then read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env_priv.h"
#include "hayauma/store/hits.h"
#include "hayauma/store/retention.h"

struct backup {
    char root[4096], store[4112], part[4160], file[4160], contacts[4160], hits[4160];
};

static int fail_errno(struct hy_diag *diag, int rc, const char *what, const char *path)
{
    return hy_fail(diag, hy_mdb_err(rc), "backup: cannot %s %s: %s", what, path, mdb_strerror(rc));
}

static int sync_dir(const char *path, struct hy_diag *diag)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return rc ? fail_errno(diag, rc, "sync", path) : 0;
}

static int copy_to(struct hy_env *env, const char *path, struct hy_diag *diag)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(diag, errno, "make", path);
    int rc = mdb_env_copyfd2(env->mdb, fd, MDB_CP_COMPACT);
    if (rc == 0 && fsync(fd) < 0)
        rc = errno;
    if (close(fd) < 0 && rc == 0)
        rc = errno;
    return rc ? fail_errno(diag, rc, "write", path) : 0;
}

/* The contact table: complete but for mails of this moment. A store without one has none to copy.
 */
static int copy_contacts(struct hy_env *env, const char *path, struct hy_diag *diag)
{
    char from[4200], bytes[65536];
    if ((size_t)snprintf(from, sizeof from, "%s/../contacts", env->dir) >= sizeof from)
        return HY_EINVAL;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return errno == ENOENT ? 0 : fail_errno(diag, errno, "open", from);
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = out < 0 ? errno : 0;
    ssize_t n = 0;
    while (rc == 0 && (n = read(in, bytes, sizeof bytes)) > 0)
        rc = write(out, bytes, (size_t)n) == n ? 0 : ENOSPC;
    if (rc == 0 && (n < 0 || fsync(out) < 0))
        rc = errno;
    if (out >= 0 && close(out) < 0 && rc == 0)
        rc = errno;
    close(in);
    return rc ? fail_errno(diag, rc, "write", path) : 0;
}

static int fill(struct hy_env *env, struct hy_hits *hits, const struct backup *b,
                struct hy_diag *diag)
{
    if (mkdir(b->store, 0700) < 0)
        return fail_errno(diag, errno, "make", b->store);
    int err = hits ? hy_hits_copy(hits, b->hits, diag) : 0;
    if (!err)
        err = copy_contacts(env, b->contacts, diag);
    if (!err)
        err = copy_to(env, b->part, diag);
    if (!err && rename(b->part, b->file) < 0)
        err = fail_errno(diag, errno, "name", b->file);
    if (!err)
        err = sync_dir(b->store, diag);
    if (!err)
        err = sync_dir(b->root, diag);
    return err;
}

int hy_backup(struct hy_env *env, struct hy_hits *hits, const char *dir, struct hy_diag *diag)
{
    struct backup b;
    if ((size_t)snprintf(b.root, sizeof b.root, "%s", dir) >= sizeof b.root || !*dir)
        return hy_fail(diag, HY_EINVAL, "backup: bad directory name");
    snprintf(b.store, sizeof b.store, "%s/store", b.root);
    snprintf(b.part, sizeof b.part, "%s/data.mdb.part", b.store);
    snprintf(b.file, sizeof b.file, "%s/data.mdb", b.store);
    snprintf(b.contacts, sizeof b.contacts, "%s/contacts", b.root);
    snprintf(b.hits, sizeof b.hits, "%s/hits", b.root);
    if (mkdir(b.root, 0700) < 0)
        return errno == EEXIST ? hy_fail(diag, HY_EEXIST, "backup: %s is there already", b.root)
                               : fail_errno(diag, errno, "make", b.root);
    int err = fill(env, hits, &b, diag);
    if (!err)
        return 0;
    unlink(b.part);
    unlink(b.file);
    unlink(b.contacts);
    unlink(b.hits);
    rmdir(b.store);
    rmdir(b.root);
    return err;
}
