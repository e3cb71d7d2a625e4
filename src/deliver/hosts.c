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

static const struct hy_sockaddr *usable_address(const struct hy_mx_host *h,
                                                const struct host_notes *notes, int family,
                                                hy_us now)
{
    for (size_t i = 0; i < h->n_addresses; i++) {
        const struct hy_sockaddr *a = &h->addresses[i];
        if ((family == AF_UNSPEC || hy_sockaddr_family(a) == family) &&
            !host_is_noted(notes, HOST_UNUSABLE, a, now))
            return a;
    }
    return NULL;
}

const struct hy_mx_host *host_choose(const struct hy_mx *mx, const struct tls_site *tls,
                                     const struct host_notes *notes, int family, uint32_t turn,
                                     hy_us now, const struct hy_sockaddr **ret_addr)
{
    for (size_t from = 0; from < mx->n_hosts;) {
        size_t to = from;
        while (to < mx->n_hosts && mx->hosts[to].preference == mx->hosts[from].preference)
            to++;
        size_t n = to - from;
        for (size_t i = 0; i < n; i++) {
            const struct hy_mx_host *h = &mx->hosts[from + (turn + i) % n];
            const struct hy_sockaddr *a =
                tls_site_allows(tls, h->name) ? usable_address(h, notes, family, now) : NULL;
            if (a) {
                *ret_addr = a;
                return h;
            }
        }
        from = to;
    }
    return NULL;
}
