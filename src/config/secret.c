/* A secret that several nodes share: 64 hex digits in a file that only its owner reads. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/base/codec.h"
#include "hayauma/config/config.h"

enum { HEX = 2 * HY_SECRET_BYTES };

static int read_fd(int fd, const char *path, uint8_t *ret, struct hy_diag *diag)
{
    struct stat st;
    char text[HEX + 2];
    uint8_t secret[HY_SECRET_BYTES + 3];
    size_t n;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return hy_fail(diag, HY_ECORRUPT, "%s is not a file", path);
    if (st.st_mode & 077)
        return hy_fail(diag, HY_EAUTH, "%s can be read by others: chmod 600 it", path);
    ssize_t got = read(fd, text, sizeof text);
    if (got < 0)
        return hy_fail(diag, HY_EIO, "%s cannot be read: %s", path, strerror(errno));
    struct hy_str hex = hy_str_trim(hy_str_make(text, (size_t)got));
    int err = hex.n == HEX ? hy_hex_decode(hex, secret, &n) : HY_EPARSE;
    if (err)
        return hy_fail(diag, HY_ECORRUPT, "%s does not hold 64 hexadecimal digits", path);
    memcpy(ret, secret, HY_SECRET_BYTES);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(text, sizeof text);
    return 0;
}

int hy_secret_load(const char *path, uint8_t ret_secret[HY_SECRET_BYTES], struct hy_diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return hy_fail(diag, errno == ENOENT ? HY_ENOTFOUND : HY_EIO, "%s cannot be opened: %s",
                       path, strerror(errno));
    int err = read_fd(fd, path, ret_secret, diag);
    close(fd);
    return err;
}
