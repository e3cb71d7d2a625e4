/* Receiving as a whole: listeners, the loop's thread, reload and the end. */
#include "receive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/base/hash.h"
#include "hayauma/base/log.h"
#include "hayauma/io/listen.h"

enum {
    ACCEPTS_A_TURN = 64,
    PAUSE_US = 200 * 1000,  /* without descriptors */
    CLOSE_US = 5 * 1000000, /* what is being stored may end */
    SESSIONS_MAX = 65536,
};

/* ---- networks ---- */

int hy_network_parse(struct hy_str text, struct hy_network *ret)
{
    size_t slash = hy_str_find(text, '/', 0);
    struct hy_network n = {0};
    uint64_t bits;
    int err = hy_sockaddr_parse(hy_str_slice(text, 0, slash), 0, &n.addr);
    if (err != HY_OK)
        return HY_EPARSE;
    bool is_v6 = hy_sockaddr_family(&n.addr) == AF_INET6;
    bits = is_v6 ? 128 : 32;
    if (hy_sockaddr_port(&n.addr) != 0)
        return HY_EPARSE;
    if (slash != SIZE_MAX && hy_str_to_u64(hy_str_slice(text, slash + 1, text.n), bits, &bits))
        return HY_EPARSE;
    n.bits = (uint8_t)bits;
    struct hy_network first = n;
    uint8_t *p =
        is_v6 ? first.addr.in6.sin6_addr.s6_addr : (uint8_t *)(void *)&first.addr.in4.sin_addr;
    for (unsigned i = n.bits; i < (is_v6 ? 128u : 32u); i++)
        if (p[i / 8] >> (7 - i % 8) & 1)
            return HY_EPARSE;
    *ret = n;
    return HY_OK;
}

/* An IPv4 address, also as IPv6 has it; NULL: it is none. */
static const uint8_t *ip4_of(const struct hy_sockaddr *a)
{
    if (hy_sockaddr_family(a) == AF_INET)
        return (const uint8_t *)(const void *)&a->in4.sin_addr;
    if (hy_sockaddr_family(a) == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        return a->in6.sin6_addr.s6_addr + 12;
    return NULL;
}

bool hy_network_has(const struct hy_network *n, const struct hy_sockaddr *a)
{
    const uint8_t *net = ip4_of(&n->addr), *p = ip4_of(a);
    if (!net != !p)
        return false;
    if (!net) {
        if (hy_sockaddr_family(a) != AF_INET6 || hy_sockaddr_family(&n->addr) != AF_INET6)
            return false;
        net = n->addr.in6.sin6_addr.s6_addr;
        p = a->in6.sin6_addr.s6_addr;
    }
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    if (memcmp(net, p, whole) != 0)
        return false;
    return rest == 0 || (net[whole] ^ p[whole]) >> (8 - rest) == 0;
}

/* ---- policies ---- */

struct hy_receive_policy *hy_receive_policy_ref(struct hy_receive_policy *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void hy_receive_policy_unref(struct hy_receive_policy *p)
{
    if (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        p->release(p);
}

struct hy_receive_policy *receive_policy(struct hy_receive *r)
{
    pthread_mutex_lock(&r->policy_lock);
    struct hy_receive_policy *p = hy_receive_policy_ref(r->policy);
    bool is_stale = r->is_shut_stale;
    r->is_shut_stale = false;
    pthread_mutex_unlock(&r->policy_lock);
    if (is_stale)
        memset(r->shut, 0, sizeof r->shut);
    return p;
}

void hy_receive_reload(struct hy_receive *r, struct hy_receive_policy *policy)
{
    pthread_mutex_lock(&r->policy_lock);
    struct hy_receive_policy *old = r->policy;
    r->policy = policy;
    r->is_shut_stale = true;
    pthread_mutex_unlock(&r->policy_lock);
    hy_receive_policy_unref(old);
}

/* ---- listeners ---- */

static void listen_to_all(struct hy_receive *r, bool listens)
{
    for (size_t i = 0; i < r->n_listeners; i++) {
        int err = hy_watch_change(r->listeners[i].watch, listens ? HY_WATCH_READ : 0);
        (void)err; /* then it wakes us in vain */
    }
}

static void on_pause_over(void *arg)
{
    struct hy_receive *r = arg;
    if (!r->is_closing)
        listen_to_all(r, true);
}

static void on_listener(void *arg, int fd, unsigned what)
{
    struct listener *l = arg;
    (void)what;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct hy_sockaddr peer = {0};
        socklen_t n = sizeof peer;
        int client = accept4(fd, &peer.sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (client < 0 && errno != EAGAIN) { /* no descriptor, no memory: breathe */
            listen_to_all(l->r, false);
            hy_loop_arm_in(l->r->loop, &l->r->pause_timer, PAUSE_US);
        }
        if (client < 0)
            return;
        if (!proxied_open(l->r, client, &peer, l->is_tls))
            inbound_open(l->r, client, &peer, l->is_tls);
    }
}

static int open_listener(struct hy_receive *r, const struct hy_receive_listener *o,
                         struct hy_diag *diag)
{
    struct listener *l = &r->listeners[r->n_listeners];
    *l = (struct listener){.r = r, .is_tls = o->is_tls};
    int err = hy_listen(&o->addr, diag, &l->fd);
    if (err)
        return err;
    r->n_listeners++;
    return hy_watch_add(r->loop, l->fd, HY_WATCH_READ, on_listener, l, &l->watch);
}

/* ---- the thread ---- */

static void on_close_timer(void *arg)
{
    struct hy_receive *r = arg;
    hy_list_for_each_safe (it, &r->sessions)
        inbound_cut(hy_container_of(it, struct inbound, link));
    /* Those that wait for the writer end with its answers, which always come. */
}

static void close_all(struct hy_receive *r)
{
    r->is_closing = true;
    listen_to_all(r, false);
    proxied_cut_all(r);
    if (r->n_sessions == 0) {
        hy_loop_stop(r->loop);
        return;
    }
    hy_list_for_each_safe (it, &r->sessions)
        inbound_shut(hy_container_of(it, struct inbound, link));
    hy_loop_arm_in(r->loop, &r->close_timer, CLOSE_US);
}

static void on_mail(void *arg, struct hy_msg *m)
{
    struct hy_receive *r = arg;
    for (struct hy_msg *next; m; m = next) {
        next = m->next;
        switch (m->kind) {
        case MSG_LOGIN: {
            struct login *l = hy_container_of(m, struct login, msg);
            inbound_login_done(hy_container_of(l, struct inbound, login));
            break;
        }
        case MSG_STORED:
            inbound_stored(hy_container_of(m, struct inbound, stored));
            break;
        default:
            close_all(r);
            break;
        }
    }
}

static void run(void *arg)
{
    struct hy_receive *r = arg;
    if (hy_loop_run(r->loop) != HY_OK)
        hy_log(HY_LOG_ERROR, "receive", "the event loop failed: no message is taken any more");
}

/* ---- life ---- */

static void receive_free(struct hy_receive *r)
{
    for (size_t i = 0; i < r->n_listeners; i++) {
        hy_watch_free(r->listeners[i].watch);
        close(r->listeners[i].fd);
    }
    if (r->mailbox) {
        hy_mailbox_close(r->mailbox);
        hy_mailbox_detach(r->mailbox);
        hy_mailbox_free(r->mailbox);
    }
    gate_free(r->gate);
    if (r->loop)
        hy_loop_free(r->loop);
    hy_receive_policy_unref(r->policy);
    pthread_mutex_destroy(&r->policy_lock);
    hy_tally_free(&r->tally);
    free(r);
}

static int make(struct hy_receive *r)
{
    int err = hy_tally_init(&r->tally, SESSIONS_MAX);
    if (err == HY_OK)
        err = hy_loop_create(&r->loop);
    if (err == HY_OK)
        err = hy_mailbox_create(1 << 20, &r->mailbox);
    if (err == HY_OK)
        err = hy_mailbox_attach(r->mailbox, r->loop, on_mail, r);
    if (err == HY_OK)
        err = gate_create(r, &r->gate);
    return err;
}

int hy_receive_open(struct hy_deliver *deliver, const struct hy_receive_listener *listeners,
                    size_t n, struct hy_receive_policy *policy, struct hy_diag *diag,
                    struct hy_receive **ret)
{
    struct hy_receive *r = calloc(1, sizeof *r);
    if (!r) {
        hy_receive_policy_unref(policy);
        return HY_ENOMEM;
    }
    r->deliver = deliver;
    r->policy = policy;
    hy_list_init(&r->sessions);
    hy_list_init(&r->proxied);
    pthread_mutex_init(&r->policy_lock, NULL);
    hy_timer_init(&r->close_timer, on_close_timer, r);
    hy_timer_init(&r->pause_timer, on_pause_over, r);
    int err = n <= HY_RECEIVE_LISTENERS_MAX ? make(r) : HY_ELIMIT;
    for (size_t i = 0; i < n && err == HY_OK; i++)
        err = open_listener(r, &listeners[i], diag);
    if (err == HY_OK)
        err = hy_thread_start("gate", gate_run, r->gate, &r->gate_thread);
    if (err == HY_OK)
        err = hy_thread_start("receive", run, r, &r->thread);
    if (err != HY_OK) {
        if (r->gate_thread) {
            gate_close(r->gate);
            hy_thread_join(r->gate_thread);
        }
        receive_free(r);
        return hy_fail(diag, err, "messages cannot be received: %s", hy_err_text(err));
    }
    *ret = r;
    return HY_OK;
}

void hy_receive_close(struct hy_receive *r)
{
    if (!r)
        return;
    r->close_msg.kind = MSG_CLOSE;
    int err = hy_mailbox_post_answer(r->mailbox, &r->close_msg);
    (void)err;
    hy_thread_join(r->thread);
    gate_close(r->gate);
    hy_thread_join(r->gate_thread);
    receive_free(r);
}

const struct hy_receive_counters *hy_receive_counters_of(const struct hy_receive *r)
{
    return &r->counters;
}
