/* Watching descriptors that others own: c-ares' sockets, listeners, the control socket. */
#include "loop_priv.h"

#include <stdlib.h>

struct hy_watch {
    struct event ev;
    struct hy_loop *loop;
    unsigned what;
    hy_watch_fn *fn;
    void *arg;
};

static void on_event(evutil_socket_t fd, short events, void *arg)
{
    struct hy_watch *w = arg;
    unsigned what =
        ((events & EV_READ) ? HY_WATCH_READ : 0u) | ((events & EV_WRITE) ? HY_WATCH_WRITE : 0u);
    w->fn(w->arg, fd, what & w->what);
}

static int assign(struct hy_watch *w, int fd, unsigned what)
{
    short events = EV_PERSIST;
    if (what & HY_WATCH_READ)
        events |= EV_READ;
    if (what & HY_WATCH_WRITE)
        events |= EV_WRITE;
    w->what = what;
    if (event_assign(&w->ev, w->loop->base, fd, events, on_event, w))
        return HY_EINVAL;
    return what && event_add(&w->ev, NULL) ? HY_EIO : 0;
}

int hy_watch_add(struct hy_loop *loop, int fd, unsigned what, hy_watch_fn *fn, void *arg,
                 struct hy_watch **ret_watch)
{
    struct hy_watch *w = calloc(1, sizeof *w);
    if (!w)
        return HY_ENOMEM;
    *w = (struct hy_watch){.loop = loop, .fn = fn, .arg = arg};
    int err = assign(w, fd, what);
    if (err) {
        free(w);
        return err;
    }
    *ret_watch = w;
    return 0;
}

int hy_watch_change(struct hy_watch *w, unsigned what)
{
    if (what == w->what)
        return 0;
    event_del(&w->ev);
    return assign(w, event_get_fd(&w->ev), what);
}

void hy_watch_free(struct hy_watch *w)
{
    if (!w)
        return;
    event_del(&w->ev);
    free(w);
}
