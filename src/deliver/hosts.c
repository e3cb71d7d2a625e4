/* Which address of a site to connect to, and what was learned about each. Most sites never have a
 * fault, so notes are allocated with the first one. */
#include "hosts.h"

#include <stdlib.h>

int host_note(struct host_notes *notes, enum host_fault fault, const struct hy_sockaddr *addr,
              hy_us until)
{
    struct host_note *at = NULL;
    if (!notes->list) {
        notes->list = calloc(HOST_NOTES_MAX, sizeof *notes->list);
        if (!notes->list)
            return HY_ENOMEM;
    }
    for (uint32_t i = 0; i < notes->n && !at; i++) {
        struct host_note *x = &notes->list[i];
        if (x->fault == fault && hy_sockaddr_ip_eq(&x->addr, addr))
            at = x;
    }
    if (!at && notes->n < HOST_NOTES_MAX)
        at = &notes->list[notes->n++];
    if (!at) {
        at = &notes->list[0];
        for (uint32_t i = 1; i < notes->n; i++) {
            if (notes->list[i].until < at->until)
                at = &notes->list[i];
        }
    }
    *at = (struct host_note){*addr, fault, until};
    return HY_OK;
}

bool host_is_noted(const struct host_notes *notes, enum host_fault fault,
                   const struct hy_sockaddr *addr, hy_us now)
{
    for (uint32_t i = 0; i < notes->n; i++) {
        const struct host_note *x = &notes->list[i];
        if (x->fault == fault && x->until > now && hy_sockaddr_ip_eq(&x->addr, addr))
            return true;
    }
    return false;
}

bool host_notes_any(const struct host_notes *notes, hy_us now)
{
    for (uint32_t i = 0; i < notes->n; i++) {
        if (notes->list[i].until > now)
            return true;
    }
    return false;
}

void host_notes_forget(struct host_notes *notes, enum host_fault fault)
{
    for (uint32_t i = 0; i < notes->n;) {
        if (notes->list[i].fault == fault)
            notes->list[i] = notes->list[--notes->n];
        else
            i++;
    }
}

void host_notes_free(struct host_notes *notes)
{
    free(notes->list);
    *notes = (struct host_notes){0};
}

/* What an address is looked for by. */
struct choice {
    const struct hy_mx *mx;
    const struct tls_site *tls;
    const struct host_notes *notes;
    int family;
    hy_us now;
    size_t from, to; /* hosts of equal preference */
};

/* The i-th address of a host, when it may be used; NULL otherwise. */
static const struct hy_sockaddr *usable(const struct choice *c, const struct hy_mx_host *h,
                                        size_t i)
{
    const struct hy_sockaddr *a = &h->addresses[i];
    bool is_of_family = c->family == AF_UNSPEC || hy_sockaddr_family(a) == c->family;
    return is_of_family && !host_is_noted(c->notes, HOST_UNUSABLE, a, c->now) ? a : NULL;
}

/* How many there are; the family of the first, in the resolver's order, is that of all: it is the
 * one that is preferred. */
static uint32_t count_usable(struct choice *c)
{
    uint32_t n = 0;
    for (size_t k = c->from; k < c->to; k++) {
        const struct hy_mx_host *h = &c->mx->hosts[k];
        if (!tls_site_allows(c->tls, h->name))
            continue;
        for (size_t i = 0; i < h->n_addresses; i++) {
            const struct hy_sockaddr *a = usable(c, h, i);
            if (a)
                c->family = hy_sockaddr_family(a);
            n += a != NULL;
        }
    }
    return n;
}

/* The nth of them: the first address of each host, then the second of each, and so on, so that
 * turns go over hosts before they go over addresses. */
static const struct hy_mx_host *nth_usable(const struct choice *c, uint32_t nth,
                                           const struct hy_sockaddr **ret_addr)
{
    bool is_more = true;
    for (size_t i = 0; is_more; i++) {
        is_more = false;
        for (size_t k = c->from; k < c->to; k++) {
            const struct hy_mx_host *h = &c->mx->hosts[k];
            if (i >= h->n_addresses || !tls_site_allows(c->tls, h->name))
                continue;
            is_more = true;
            const struct hy_sockaddr *a = usable(c, h, i);
            if (!a || nth-- > 0)
                continue;
            *ret_addr = a;
            return h;
        }
    }
    return NULL;
}

const struct hy_mx_host *host_choose(const struct hy_mx *mx, const struct tls_site *tls,
                                     const struct host_notes *notes, int family, uint32_t turn,
                                     hy_us now, const struct hy_sockaddr **ret_addr)
{
    for (size_t from = 0, to; from < mx->n_hosts; from = to) {
        to = from;
        while (to < mx->n_hosts && mx->hosts[to].preference == mx->hosts[from].preference)
            to++;
        struct choice c = {mx, tls, notes, family, now, from, to};
        uint32_t n = count_usable(&c);
        if (n)
            return nth_usable(&c, turn % n, ret_addr);
    }
    return NULL;
}
