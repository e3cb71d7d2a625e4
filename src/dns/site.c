/* Names of sites: labels compared from the right, alternatives where hosts differ. */
#include "hayauma/dns/site.h"

#include <stdlib.h>

#include "hayauma/base/hash.h"

enum { LABELS_MAX = 128 };

/* ---- labels, counted from the right ---- */

static struct hy_str without_dot(struct hy_str host)
{
    return host.n && host.p[host.n - 1] == '.' ? hy_str_slice(host, 0, host.n - 1) : host;
}

static size_t count_labels(struct hy_str host)
{
    size_t n = host.n ? 1 : 0;
    for (size_t i = 0; i < host.n; i++)
        n += host.p[i] == '.';
    return n;
}

/* The label `place` from the right (0 = top level); p is NULL where the host has fewer. */
static struct hy_str label_at(struct hy_str host, size_t place)
{
    size_t end = host.n;
    for (size_t i = host.n; i-- > 0;) {
        if (host.p[i] != '.')
            continue;
        if (place-- == 0)
            return hy_str_slice(host, i + 1, end);
        end = i;
    }
    return place == 0 && host.n ? hy_str_slice(host, 0, end) : (struct hy_str){NULL, 0};
}

static void add_lower(struct hy_buf *out, struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        hy_buf_add_c(out, hy_ascii_lower(s.p[i]));
}

/* The alternatives at one place: "a", "(a|b)", and "?" behind it where a host has no such label. */
static void add_place(const struct hy_str *hosts, size_t n_hosts, size_t place, struct hy_buf *out)
{
    struct hy_str seen[HY_SITE_HOSTS_MAX];
    size_t n_seen = 0;
    bool missing = false;
    for (size_t i = 0; i < n_hosts; i++) {
        struct hy_str label = label_at(without_dot(hosts[i]), place);
        size_t k = 0;
        while (k < n_seen && !hy_str_ieq(seen[k], label))
            k++;
        if (!label.p)
            missing = true;
        else if (k == n_seen)
            seen[n_seen++] = label;
    }
    if (n_seen > 1)
        hy_buf_add_c(out, '(');
    for (size_t k = 0; k < n_seen; k++) {
        if (k)
            hy_buf_add_c(out, '|');
        add_lower(out, seen[k]);
    }
    if (n_seen > 1)
        hy_buf_add_c(out, ')');
    if (missing)
        hy_buf_add_c(out, '?');
}

void hy_site_name(const struct hy_str *hosts, size_t n_hosts, struct hy_buf *out)
{
    if (n_hosts > HY_SITE_HOSTS_MAX)
        n_hosts = HY_SITE_HOSTS_MAX;
    size_t start = out->len, places = 0;
    for (size_t i = 0; i < n_hosts; i++) {
        size_t n = count_labels(without_dot(hosts[i]));
        places = n > places ? n : places;
    }
    if (places > LABELS_MAX)
        places = LABELS_MAX;
    for (size_t place = places; place-- > 0;) {
        add_place(hosts, n_hosts, place, out);
        if (place)
            hy_buf_add_c(out, '.');
    }
    if (!out->err && out->len - start > HY_SITE_NAME_MAX) {
        out->len = start + HY_SITE_NAME_MAX - 3;
        hy_buf_add_lit(out, "...");
    }
}

/* ---- identity ---- */

static int compare(const void *a, const void *b)
{
    const struct hy_str *x = a, *y = b;
    for (size_t i = 0; i < x->n && i < y->n; i++) {
        unsigned char c = (unsigned char)hy_ascii_lower(x->p[i]);
        unsigned char d = (unsigned char)hy_ascii_lower(y->p[i]);
        if (c != d)
            return c < d ? -1 : 1;
    }
    return x->n < y->n ? -1 : x->n > y->n;
}

static size_t sort_once(const struct hy_str *hosts, size_t n_hosts, struct hy_str *sorted)
{
    for (size_t i = 0; i < n_hosts; i++)
        sorted[i] = without_dot(hosts[i]);
    qsort(sorted, n_hosts, sizeof *sorted, compare);
    size_t n = 0;
    for (size_t i = 0; i < n_hosts; i++)
        if (n == 0 || compare(&sorted[n - 1], &sorted[i]) != 0)
            sorted[n++] = sorted[i];
    return n;
}

int hy_site_of(const struct hy_str *hosts, size_t n_hosts, struct hy_buf *mem,
               struct hy_site *ret_site)
{
    static const struct hy_hash_key fixed = {0x68617961756d6131, 0x7369746573697465};
    if (n_hosts == 0 || n_hosts > HY_SITE_HOSTS_MAX)
        return HY_EINVAL;
    struct hy_str sorted[HY_SITE_HOSTS_MAX];
    size_t n = sort_once(hosts, n_hosts, sorted);

    size_t key_at = mem->len;
    for (size_t i = 0; i < n; i++) {
        if (i)
            hy_buf_add_c(mem, ',');
        add_lower(mem, sorted[i]);
    }
    size_t key_n = mem->len - key_at;
    hy_buf_add_c(mem, '\0');
    size_t name_at = mem->len;
    hy_site_name(sorted, n, mem);
    size_t name_n = mem->len - name_at;
    hy_buf_add_c(mem, '\0');
    if (mem->err)
        return mem->err;
    ret_site->key = hy_str_make(mem->data + key_at, key_n);
    ret_site->name = hy_str_make(mem->data + name_at, name_n);
    ret_site->hash = hy_siphash(&fixed, mem->data + key_at, key_n);
    return 0;
}

size_t hy_site_hosts(const struct hy_site *site, struct hy_str ret[HY_SITE_HOSTS_MAX])
{
    struct hy_str rest = site->key;
    size_t n = 0;
    while (n < HY_SITE_HOSTS_MAX && rest.n && hy_str_split(&rest, ',', &ret[n]))
        n++;
    return n;
}
