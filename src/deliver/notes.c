/* Notes of attempts: packed into the worker's ring, unpacked by whoever writes the log. */
#include <stdlib.h>

#include "hayauma/deliver/notes.h"
#include "lane.h"

enum { TAKE_MAX = 4096 };

/* In the ring: this, then the strings one behind the other. */
struct packed {
    hy_id id;
    struct hy_rcpt_ref ref;
    struct hy_outcome outcome; /* without its text */
    hy_wall_ms started, at;
    uint32_t due_s, duration_ms, size_bytes;
    uint16_t tls_version;
    uint8_t state, provider, tls_policy, tls_check;
    uint8_t mx_ip[16];
    uint16_t n_recipient, n_message_id, n_domain, n_site, n_mx_host, n_source, n_cipher, n_text;
};

static uint16_t length(struct hy_str s, size_t most)
{
    return (uint16_t)(s.n < most ? s.n : most);
}

static char *put(char *to, struct hy_str s, uint16_t n)
{
    if (n)
        memcpy(to, s.p, n);
    return to + n;
}

void note_attempt(struct worker *w, const struct delivery *d)
{
    struct hy_ring *ring = atomic_load_explicit(&w->notes, memory_order_acquire);
    if (!ring)
        return;
    const struct hy_settle *s = &d->settle;
    const struct hy_attempt *a = &s->attempt;
    const struct lane *l = d->lane_of_settle;
    struct hy_str recipient = hy_str_of(d->address), domain = hy_str_of(d->feed->domain_name);
    struct hy_str message_id = hy_str_of(d->message_id);
    struct hy_str site = l ? l->mx->site.name : (struct hy_str){0};
    struct packed p = {
        .id = s->result == HY_SETTLE_APPLIED ? s->id : 0,
        .ref = a->ref,
        .outcome = a->outcome,
        .started = a->started,
        .at = hy_clock_wall_ms(),
        .due_s = s->due_s,
        .duration_ms = a->duration_ms,
        .size_bytes = a->size_bytes,
        .tls_version = a->tls_version,
        .state = (uint8_t)s->state,
        .tls_policy = (uint8_t)a->tls_policy,
        .tls_check = (uint8_t)a->tls_check,
        .provider = (uint8_t)(l ? l->provider : HY_PROVIDER_NONE),
        .n_recipient = length(recipient, HY_ADDRESS_MAX),
        .n_message_id = length(message_id, HY_SPOOL_MESSAGE_ID_MAX),
        .n_domain = length(domain, HY_DOMAIN_MAX),
        .n_site = length(site, HY_DOMAIN_MAX),
        .n_mx_host = length(a->mx_host, HY_DOMAIN_MAX),
        .n_source = length(a->source, HY_ATTEMPT_SOURCE_MAX),
        .n_cipher = length(a->tls_cipher, HY_ATTEMPT_CIPHER_MAX),
        .n_text = length(a->outcome.text, HY_OUTCOME_TEXT_MAX),
    };
    memcpy(p.mx_ip, a->mx_ip, sizeof p.mx_ip);
    p.outcome.text = (struct hy_str){0};
    uint32_t n = (uint32_t)(sizeof p + p.n_recipient + p.n_message_id + p.n_domain + p.n_site +
                            p.n_mx_host + p.n_source + p.n_cipher + p.n_text);
    char *to = hy_ring_reserve(ring, n);
    if (!to) {
        hy_count_add(&w->meter.notes_dropped, 1);
        return;
    }
    memcpy(to, &p, sizeof p);
    to = put(to + sizeof p, recipient, p.n_recipient);
    to = put(to, message_id, p.n_message_id);
    to = put(to, domain, p.n_domain);
    to = put(to, site, p.n_site);
    to = put(to, a->mx_host, p.n_mx_host);
    to = put(to, a->source, p.n_source);
    to = put(to, a->tls_cipher, p.n_cipher);
    put(to, a->outcome.text, p.n_text);
    hy_ring_commit(ring);
}

/* ---- the reader ---- */

static struct hy_str next(const char **at, uint16_t n)
{
    struct hy_str s = hy_str_make(*at, n);
    *at += n;
    return s;
}

static void give(struct hy_deliver *d, const char *bytes, hy_attempt_note_fn *fn, void *ctx)
{
    struct packed p;
    memcpy(&p, bytes, sizeof p);
    bytes += sizeof p;
    struct hy_attempt_note note = {
        .id = p.id,
        .ref = p.ref,
        .state = (enum hy_rcpt_state)p.state,
        .due_s = p.due_s,
        .outcome = p.outcome,
        .started = p.started,
        .at = p.at,
        .duration_ms = p.duration_ms,
        .size_bytes = p.size_bytes,
        .tls_version = p.tls_version,
        .tls_policy = (enum hy_attempt_policy)p.tls_policy,
        .tls_check = (enum hy_attempt_check)p.tls_check,
        /* written once, before any worker knew its number */
        .provider = hy_str_of(d->providers.names[p.provider]),
    };
    memcpy(note.mx_ip, p.mx_ip, sizeof note.mx_ip);
    note.recipient = next(&bytes, p.n_recipient);
    note.message_id = next(&bytes, p.n_message_id);
    note.domain = next(&bytes, p.n_domain);
    note.site = next(&bytes, p.n_site);
    note.mx_host = next(&bytes, p.n_mx_host);
    note.source = next(&bytes, p.n_source);
    note.tls_cipher = next(&bytes, p.n_cipher);
    note.outcome.text = note.text = next(&bytes, p.n_text);
    fn(ctx, &note);
}

size_t hy_deliver_take_notes(struct hy_deliver *d, hy_attempt_note_fn *fn, void *ctx)
{
    size_t taken = 0;
    for (unsigned i = 0; i < d->n_workers; i++) {
        struct hy_ring *ring =
            atomic_load_explicit(&d->workers[i].notes_ring, memory_order_acquire);
        const char *bytes;
        uint32_t n;
        for (size_t k = 0; ring && k < TAKE_MAX && (bytes = hy_ring_peek(ring, &n)); k++) {
            give(d, bytes, fn, ctx);
            hy_ring_release(ring);
            taken++;
        }
    }
    return taken;
}

int hy_deliver_notes(struct hy_deliver *d, bool is_on)
{
    for (unsigned i = 0; i < d->n_workers; i++) {
        struct worker *w = &d->workers[i];
        struct hy_ring *ring = atomic_load(&w->notes_ring);
        if (is_on && !ring) {
            int err = hy_ring_create(HY_NOTES_RING_BYTES, &ring);
            if (err != HY_OK)
                return err;
            atomic_store_explicit(&w->notes_ring, ring, memory_order_release);
        }
        atomic_store_explicit(&w->notes, is_on ? ring : NULL, memory_order_release);
    }
    return HY_OK;
}
