/* The mailbox: a stack that writers push to with compare-and-swap and that the reader takes whole
 * and turns around. The head says when the reader sleeps, so that pushing a message and finding out
 * who must wake the reader is one atomic step: no wake-up is lost and none is sent twice. */
#include "hayauma/io/mailbox.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop_priv.h"

struct hy_mailbox {
    _Atomic(struct hy_msg *) head; /* newest first; SLEEPING = empty, and the reader sleeps */
    atomic_uint count;
    atomic_bool closed;
    uint32_t max;
    int fd; /* eventfd */
    /* the reader's, when it is a loop */
    struct hy_loop *loop;
    struct hy_loop_inbox inbox;
    struct event ev;
    hy_mailbox_fn *fn;
    void *arg;
};

#define SLEEPING ((struct hy_msg *)1)

int hy_mailbox_create(uint32_t max, struct hy_mailbox **ret_mb)
{
    struct hy_mailbox *mb = calloc(1, sizeof *mb);
    if (!mb)
        return HY_ENOMEM;
    mb->max = max;
    mb->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (mb->fd < 0) {
        free(mb);
        return HY_EIO;
    }
    hy_list_init(&mb->inbox.link);
    mb->inbox.mb = mb;
    *ret_mb = mb;
    return 0;
}

void hy_mailbox_free(struct hy_mailbox *mb)
{
    if (!mb)
        return;
    hy_mailbox_detach(mb);
    close(mb->fd);
    free(mb);
}

static void wake(struct hy_mailbox *mb)
{
    uint64_t one = 1;
    ssize_t n = write(mb->fd, &one, sizeof one);
    (void)n; /* fails only at 2^64 - 2 unread wake-ups */
}

/* `newest` to `oldest` are linked by `next` already; often they are one. */
static void push(struct hy_mailbox *mb, struct hy_msg *newest, struct hy_msg *oldest)
{
    struct hy_msg *head = atomic_load_explicit(&mb->head, memory_order_relaxed);
    do {
        oldest->next = head == SLEEPING ? NULL : head;
    } while (!atomic_compare_exchange_weak_explicit(&mb->head, &head, newest, memory_order_release,
                                                    memory_order_relaxed));
    if (head == SLEEPING)
        wake(mb);
}

/* Turns a chain around; its length goes to *ret_n. */
static struct hy_msg *turn_around(struct hy_msg *m, uint32_t *ret_n)
{
    struct hy_msg *turned = NULL;
    uint32_t n = 0;
    for (struct hy_msg *next; m; m = next, n++) {
        next = m->next;
        m->next = turned;
        turned = m;
    }
    *ret_n = n;
    return turned;
}

int hy_mailbox_post(struct hy_mailbox *mb, struct hy_msg *m)
{
    if (atomic_load_explicit(&mb->closed, memory_order_acquire))
        return HY_ECLOSED;
    if (atomic_fetch_add_explicit(&mb->count, 1, memory_order_relaxed) >= mb->max) {
        atomic_fetch_sub_explicit(&mb->count, 1, memory_order_relaxed);
        return HY_ELIMIT;
    }
    push(mb, m, m);
    return 0;
}

int hy_mailbox_post_answer(struct hy_mailbox *mb, struct hy_msg *m)
{
    if (atomic_load_explicit(&mb->closed, memory_order_acquire))
        return HY_ECLOSED;
    atomic_fetch_add_explicit(&mb->count, 1, memory_order_relaxed);
    push(mb, m, m);
    return 0;
}

int hy_mailbox_post_answers(struct hy_mailbox *mb, struct hy_msg *first)
{
    if (atomic_load_explicit(&mb->closed, memory_order_acquire))
        return HY_ECLOSED;
    uint32_t n;
    struct hy_msg *newest = turn_around(first, &n);
    atomic_fetch_add_explicit(&mb->count, n, memory_order_relaxed);
    push(mb, newest, first);
    return 0;
}

void hy_mailbox_close(struct hy_mailbox *mb)
{
    atomic_store_explicit(&mb->closed, true, memory_order_release);
    wake(mb);
}

uint32_t hy_mailbox_count(const struct hy_mailbox *mb)
{
    return atomic_load_explicit(&mb->count, memory_order_relaxed);
}

struct hy_msg *hy_mailbox_take(struct hy_mailbox *mb)
{
    if (!atomic_load_explicit(&mb->head, memory_order_relaxed))
        return NULL;
    struct hy_msg *newest = atomic_exchange_explicit(&mb->head, NULL, memory_order_acquire);
    if (newest == SLEEPING)
        return NULL;
    uint32_t n;
    struct hy_msg *first = turn_around(newest, &n);
    atomic_fetch_sub_explicit(&mb->count, n, memory_order_relaxed);
    return first;
}

bool hy_mailbox_is_empty(const struct hy_mailbox *mb)
{
    const struct hy_msg *head = atomic_load_explicit(&mb->head, memory_order_relaxed);
    return !head || head == SLEEPING;
}

bool hy_mailbox_sleep(struct hy_mailbox *mb)
{
    struct hy_msg *head = NULL;
    return atomic_compare_exchange_strong(&mb->head, &head, SLEEPING) || head == SLEEPING;
}

/* ---- a thread as reader ---- */

/* Rounded up, so that a wait is never a busy one; at most a minute at a time. */
static int poll_ms(hy_us wait)
{
    return wait >= 60 * HY_US_PER_SEC ? 60000 : (int)((wait + 999) / 1000);
}

struct hy_msg *hy_mailbox_wait(struct hy_mailbox *mb, hy_us max_wait_us)
{
    struct hy_msg *first = hy_mailbox_take(mb);
    if (first || max_wait_us <= 0)
        return first;
    hy_us now = hy_clock_us();
    hy_us end = max_wait_us >= HY_US_NEVER - now ? HY_US_NEVER : now + max_wait_us;
    while (!first && now < end && !atomic_load_explicit(&mb->closed, memory_order_acquire)) {
        if (hy_mailbox_sleep(mb)) {
            struct pollfd p = {.fd = mb->fd, .events = POLLIN};
            uint64_t count;
            if (poll(&p, 1, poll_ms(end - now)) > 0 && read(mb->fd, &count, sizeof count) < 0)
                return NULL; /* not possible: poll said that it is readable */
        }
        first = hy_mailbox_take(mb);
        now = hy_clock_us();
    }
    return first ? first : hy_mailbox_take(mb);
}

/* ---- a loop as reader ---- */

/* The turn that follows drains the mailbox. Nothing is read: the descriptor is edge-triggered and
 * every write is an edge. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

int hy_mailbox_attach(struct hy_mailbox *mb, struct hy_loop *loop, hy_mailbox_fn *fn, void *arg)
{
    if (mb->loop)
        return HY_EEXIST;
    if (event_assign(&mb->ev, loop->base, mb->fd, EV_READ | EV_ET | EV_PERSIST, on_wake, mb) ||
        event_add(&mb->ev, NULL))
        return HY_EIO;
    mb->loop = loop;
    mb->fn = fn;
    mb->arg = arg;
    hy_list_push(&loop->mailboxes, &mb->inbox.link);
    return 0;
}

void hy_mailbox_detach(struct hy_mailbox *mb)
{
    if (!mb->loop)
        return;
    event_del(&mb->ev);
    hy_list_remove(&mb->inbox.link);
    mb->loop = NULL;
}

void hy_mailbox_deliver(struct hy_mailbox *mb)
{
    struct hy_msg *first = hy_mailbox_take(mb);
    if (first)
        mb->fn(mb->arg, first);
}
