/* Leaving a message in the maildrop: written under a name that the daemon passes over, synced, then
 * renamed. A command that is killed leaves nothing, or all of it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/codec.h"
#include "hayauma/base/rand.h"
#include "sendmail.h"

static int fail(const struct hy_config_local *site, struct hy_diag *diag)
{
    int sys = errno;
    int err = sys == ENOSPC || sys == EDQUOT                  ? HY_EFULL
              : sys == EACCES || sys == EPERM || sys == EROFS ? HY_EAUTH
                                                              : HY_EIO;
    return hy_fail(diag, err, "%s: %s", site->maildrop, strerror(sys));
}

static int write_all(int fd, struct hy_str s)
{
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        s = hy_str_slice(s, (size_t)n, s.n);
    }
    return 0;
}

/* The daemon reads it by its group, which is that of the directory. */
static int put(int dir, struct hy_str bytes, const char *tmp, const char *name)
{
    int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0)
        return -1;
    bool is_whole = fchmod(fd, 0640) == 0 && write_all(fd, bytes) == 0 && fsync(fd) == 0;
    bool has_name = is_whole && renameat(dir, tmp, dir, name) == 0;
    /* Nobody but its owner may open the directory to sync it: the file's own sync brings its new
     * name along (ext4, XFS, Btrfs). */
    bool good = has_name && fsync(fd) == 0;
    int sys = errno;
    close(fd);
    if (!good)
        (void)unlinkat(dir, has_name ? name : tmp, 0);
    errno = sys;
    return good ? 0 : -1;
}

int drop_file_put(const struct hy_config_local *site, const struct hy_drop *d,
                  const struct hy_drop_rcpt *rcpts, struct hy_diag *diag)
{
    uint8_t random[16];
    char name[1 + 26 + 1] = "m", tmp[4 + sizeof name];
    struct hy_buf bytes = HY_BUF_INIT(HY_DROP_HEAD_MAX + d->message.n + 1024);
    int err = hy_rand_bytes(random, sizeof random);
    if (err == HY_OK)
        err = hy_drop_write(d, rcpts, &bytes);
    if (err == HY_OK) {
        name[1 + hy_base32_encode(random, sizeof random, name + 1)] = '\0';
        snprintf(tmp, sizeof tmp, "tmp-%s", name);
        /* It may be written, not read. */
        int dir = open(site->maildrop, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || put(dir, hy_buf_str(&bytes), tmp, name) != 0)
            err = fail(site, diag);
        if (dir >= 0)
            close(dir);
    }
    hy_buf_free(&bytes);
    return err;
}
