/* Receiving: other applications hand messages in by SMTP (RFC 6409), and get their 250 when the
 * message is durable. One thread with a loop for the sessions, one that checks passwords. */
#pragma once
#include <stdatomic.h>

#include "hayauma/base/clock.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/io/tls.h"
#include "hayauma/receive/intake.h"
#include "hayauma/receive/users.h"

struct hy_receive;
struct hy_deliver;

enum { HY_RECEIVE_LISTENERS_MAX = 32, HY_RECEIVE_NETWORKS_MAX = 256 };

/* An address with how many of its bits count. */
struct hy_network {
    struct hy_sockaddr addr;
    uint8_t bits;
};
/* "127.0.0.0/8", "2001:db8::/32", "192.0.2.1". HY_EPARSE; bits set behind the prefix are one. */
HY_MUST_USE int hy_network_parse(struct hy_str text, struct hy_network *ret);
bool hy_network_has(const struct hy_network *n, const struct hy_sockaddr *a);

struct hy_receive_listener {
    struct hy_sockaddr addr;
    bool is_tls; /* from the first byte (RFC 8314); otherwise STARTTLS */
};

/* What a reload may change: immutable, counted, given with its reference. `release` frees what it
 * stands on when the last session is gone; the receiving thread, or whoever drops it last. */
struct hy_receive_policy {
    struct hy_str host;
    struct hy_tls *tls;               /* NULL: none; then only trusted clients can send */
    struct hy_users *users;           /* NULL: nobody has a password */
    const struct hy_tenants *tenants; /* stay as long as it does */
    const struct hy_network *trusted; /* may send without TLS and password, as tenant 0 */
    size_t n_trusted;
    const struct hy_network *proxies; /* begin each connection with a PROXY header */
    size_t n_proxies;
    uint64_t size_max;
    uint64_t memory_max; /* bytes of messages on their way in; above it 452 */
    uint32_t rcpts_max;
    uint32_t connections_max, connections_per_address;
    bool is_dkim_required;     /* mail that no key signs is refused */
    struct hy_hash_key secret; /* makes names that are not there look like others: the same for as
                                  long as clients may compare */
    int utc_offset_min;
    /* For mail that came back: without password, to these addresses only; nothing is sent on. */
    struct hy_intake *intake;                    /* outlives it; NULL: messages are handed in */
    const struct hy_intake_addresses *addresses; /* with it */
    void (*release)(struct hy_receive_policy *p);
    void *owner;
    atomic_uint refs; /* starts at 1 */
};
struct hy_receive_policy *hy_receive_policy_ref(struct hy_receive_policy *p);
void hy_receive_policy_unref(struct hy_receive_policy *p);

/* Why a whole message got no 250. */
enum hy_receive_refusal {
    HY_REFUSED_CONTENT,  /* it cannot be sent as it is */
    HY_REFUSED_LOOP,     /* it came by here too often */
    HY_REFUSED_SENDER,   /* the user may not send for that domain */
    HY_REFUSED_UNSIGNED, /* no key signs it (dkim.required) */
    HY_REFUSED_BUSY,     /* no memory, the writer lags */
    HY_REFUSED_DISK,     /* the disk is full */
    HY_REFUSED_CLOSING,
    HY_REFUSED_QUOTA, /* of the tenant */
    HY_RECEIVE_REFUSALS,
};
const char *hy_receive_refusal_name(enum hy_receive_refusal r); /* "unsigned" */

/* Since start; any thread. */
struct hy_receive_counters {
    _Atomic uint64_t connections, connections_now, turned_away;
    _Atomic uint64_t messages, recipients, bytes; /* stored */
    _Atomic uint64_t refused[HY_RECEIVE_REFUSALS];
    _Atomic uint64_t logins, login_failures;
};

/* Listens and starts the threads; `policy`'s reference is taken in any case; `deliver` must outlive
 * it. HY_EBUSY: an address is in use; HY_EIO, HY_ENOMEM, with the reason. */
HY_MUST_USE int hy_receive_open(struct hy_deliver *deliver,
                                const struct hy_receive_listener *listeners, size_t n,
                                struct hy_receive_policy *policy, struct hy_diag *diag,
                                struct hy_receive **ret);
/* New sessions go by it. Its reference is taken. Any thread. */
void hy_receive_reload(struct hy_receive *r, struct hy_receive_policy *policy);
/* Takes nothing new, tells sessions to go (421), waits up to 5 s for messages that are being
 * stored, ends the threads and frees. NULL is fine. While the writer runs. */
void hy_receive_close(struct hy_receive *r);
const struct hy_receive_counters *hy_receive_counters_of(const struct hy_receive *r);
