/* Opening a socket that listens. */
#include "hayauma/io/listen.h"

#include <errno.h>
#include <unistd.h>

enum { BACKLOG = 512 };

int hy_listen(const struct hy_sockaddr *at, struct hy_diag *diag, int *ret_fd)
{
    const int one = 1;
    char text[HY_SOCKADDR_TEXT_MAX];
    int fd = socket(hy_sockaddr_family(at), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return hy_fail(diag, HY_EIO, "no socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (hy_sockaddr_family(at) == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, &at->sa, hy_sockaddr_len(at)) != 0 || listen(fd, BACKLOG) != 0) {
        int err = hy_fail(diag, errno == EADDRINUSE ? HY_EBUSY : HY_EIO, "cannot listen on %s: %s",
                          hy_sockaddr_format(at, text), strerror(errno));
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return HY_OK;
}
