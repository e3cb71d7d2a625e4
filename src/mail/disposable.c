/* Whether a domain gives out addresses that are thrown away. */
#include "disposable.h"

#include "hayauma/mail/address.h"

static int compare(struct hy_str a, const char *b)
{
    int c = strncmp(a.p, b, a.n);
    return c ? c : b[a.n] ? -1 : 0;
}

static bool is_listed(struct hy_str domain)
{
    size_t low = 0, high = hy_disposable_domains_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = compare(domain, hy_disposable_domains[mid]);
        if (c == 0)
            return true;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

bool hy_address_is_disposable(struct hy_str domain)
{
    if (memchr(domain.p ? domain.p : "", 0, domain.n))
        return false;
    while (domain.n) {
        if (is_listed(domain))
            return true;
        size_t dot = hy_str_find(domain, '.', 0);
        if (dot == SIZE_MAX)
            return false;
        domain = hy_str_slice(domain, dot + 1, domain.n); /* a host below a listed one */
    }
    return false;
}
