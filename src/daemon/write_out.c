/* Writing to descriptors that clients brought. */
#include "write_out.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static int error_of(int sys)
{
    return sys == EPIPE                                     ? HY_ECLOSED
           : sys == ENOSPC || sys == EDQUOT || sys == EFBIG ? HY_EFULL
                                                            : HY_EIO;
}

int write_out(int fd, struct hy_buf *out, bool (*is_cancelled)(void *ctx), void *ctx)
{
    struct hy_str s = hy_buf_str(out);
    if (out->err)
        return out->err;
    while (s.n > 0) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        if (is_cancelled && is_cancelled(ctx))
            return HY_ECANCELED;
        int ready = poll(&p, 1, 200);
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        ssize_t n = ready < 0 ? -1 : write(fd, s.p, s.n);
        if (n > 0)
            s = hy_str_slice(s, (size_t)n, s.n);
        else if (n < 0 && errno != EINTR && errno != EAGAIN)
            return error_of(errno);
    }
    hy_buf_reset(out);
    return HY_OK;
}
