/* The gate: one thread that checks passwords, since that takes tens of milliseconds by design, and
 * counts failures, of SCRAM's proofs as well.
 *
 * Who was let in lately is known by a keyed digest of name, hash and password, so that applications
 * that connect for each message are not slowed down. Failures are counted for networks and for
 * names in a fixed table; above the limits nobody looks at a password for a while, except one that
 * is among those known. All of it is forgotten with the process. */
#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "hayauma/base/failures.h"
#include "hayauma/base/hash.h"
#include "hayauma/base/rand.h"
#include "receive.h"

enum {
    WAITING_MAX = 256,
    KNOWN = 4096,          /* slots, powers of two */
    NETWORK_FAILURES = 20, /* in a window */
    NAME_FAILURES = 100,
    DIGEST_BYTES = 32,
};
static const hy_us KNOWN_US = 600 * HY_US_PER_SEC, WINDOW_US = 600 * HY_US_PER_SEC;

struct known {
    uint8_t digest[DIGEST_BYTES];
    hy_us until;
};

struct gate {
    struct hy_receive *r;
    struct hy_mailbox *mailbox;
    uint8_t secret[DIGEST_BYTES];
    struct crypt_data crypt;
    struct known known[KNOWN];
    struct hy_failures failures;
};

/* A name is not empty: what is known of a proof is never taken for a password. */
static bool digest(const struct gate *g, const struct login *l, const char *hash,
                   uint8_t out[DIGEST_BYTES])
{
    char text[HY_SMTP_SERVER_NAME_MAX + PASSWORD_MAX + HY_USER_HASH_MAX + 8];
    unsigned n = DIGEST_BYTES;
    int len = l->is_scram ? snprintf(text, sizeof text, "\n%s\n%s", l->user, hash)
                          : snprintf(text, sizeof text, "%s\n%s\n%s", l->user, hash, l->password);
    bool good = len > 0 && (size_t)len < sizeof text &&
                HMAC(EVP_sha256(), g->secret, sizeof g->secret, (const unsigned char *)text,
                     (size_t)len, out, &n);
    explicit_bzero(text, sizeof text);
    return good;
}

static struct known *known_slot(struct gate *g, const uint8_t d[DIGEST_BYTES])
{
    return &g->known[(d[0] | (unsigned)d[1] << 8) & (KNOWN - 1)];
}

static uint64_t name_key(const char *user)
{
    return hy_siphash(hy_hash_process_key(), user, strlen(user));
}

/* The same work whether there is such a user or not. */
static bool is_right(struct gate *g, const struct login *l, const struct hy_user *u)
{
    static const struct hy_user nobody = {.hash = "$y$j9T$.......................$"};
    const struct hy_user *other =
        hy_users_like(l->policy->users, &l->policy->secret, hy_str_of(l->user));
    if (l->is_scram)
        return u && l->is_proved;
    bool has = hy_user_has(u ? u : other ? other : &nobody, l->password, &g->crypt);
    return u && has;
}

static void remember(struct gate *g, const uint8_t d[DIGEST_BYTES], hy_us now)
{
    struct known *k = known_slot(g, d);
    memcpy(k->digest, d, DIGEST_BYTES);
    k->until = now + KNOWN_US;
}

static bool is_known(struct gate *g, const uint8_t d[DIGEST_BYTES], hy_us now)
{
    const struct known *k = known_slot(g, d);
    return k->until > now && CRYPTO_memcmp(k->digest, d, DIGEST_BYTES) == 0;
}

static void check(struct gate *g, struct login *l)
{
    const struct hy_user *u = hy_users_find(l->policy->users, hy_str_of(l->user));
    hy_us now = hy_clock_us();
    uint64_t name = name_key(l->user);
    uint8_t d[DIGEST_BYTES];
    bool has_digest = u && (!l->is_scram || l->is_proved) && digest(g, l, u->hash, d);
    if (has_digest && is_known(g, d, now)) {
        l->is_good = true;
        return;
    }
    if (hy_failures_count(&g->failures, l->from, now) >= NETWORK_FAILURES ||
        hy_failures_count(&g->failures, name, now) >= NAME_FAILURES) {
        l->is_slowed = true;
        return;
    }
    l->is_good = is_right(g, l, u);
    if (!l->is_good) {
        (void)hy_failures_add(&g->failures, l->from, now, WINDOW_US);
        (void)hy_failures_add(&g->failures, name, now, WINDOW_US);
    } else if (has_digest) {
        remember(g, d, now);
    }
}

void gate_run(void *arg)
{
    struct gate *g = arg;
    for (struct hy_msg *m; (m = hy_mailbox_wait(g->mailbox, HY_US_NEVER));) {
        for (struct hy_msg *next; m; m = next) {
            next = m->next;
            struct login *l = hy_container_of(m, struct login, msg);
            check(g, l);
            explicit_bzero(l->password, sizeof l->password);
            m->kind = MSG_LOGIN;
            int err = hy_mailbox_post_answer(g->r->mailbox, m);
            (void)err; /* the loop waits for it before its mailbox is closed */
        }
    }
}

bool gate_ask(struct gate *g, struct login *l)
{
    l->is_good = l->is_slowed = false;
    l->is_out = hy_mailbox_post(g->mailbox, &l->msg) == HY_OK;
    return l->is_out;
}

int gate_create(struct hy_receive *r, struct gate **ret)
{
    struct gate *g = calloc(1, sizeof *g);
    if (!g)
        return HY_ENOMEM;
    g->r = r;
    int err = hy_rand_bytes(g->secret, sizeof g->secret);
    if (err == HY_OK)
        err = hy_mailbox_create(WAITING_MAX, &g->mailbox);
    if (err != HY_OK) {
        free(g);
        return err;
    }
    *ret = g;
    return HY_OK;
}

void gate_close(struct gate *g)
{
    hy_mailbox_close(g->mailbox);
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    hy_mailbox_free(g->mailbox);
    explicit_bzero(g, sizeof *g);
    free(g);
}
