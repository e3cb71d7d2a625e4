/* Sites: domains that share one set of MX hosts are one place to deliver to. Pure; any thread. */
#pragma once
#include "hayauma/base/buf.h"

enum { HY_SITE_HOSTS_MAX = 32, HY_SITE_NAME_MAX = 1024 };

/* What a person reads: the labels the hosts share, and the alternatives where they differ:
 * "(alt1|alt2)?.gmail-smtp-in.l.google.com". Host names in any case, with or without a final dot.
 * The order of the hosts is kept as given, so give them sorted (hy_site_of does). Two different
 * sets can have the same name: never decide by it. Appends to `out`; cut at HY_SITE_NAME_MAX
 * bytes with "..." at its end. */
void hy_site_name(const struct hy_str *hosts, size_t n_hosts, struct hy_buf *out);

struct hy_site {
    struct hy_str
        key; /* sorted, lower-case, each host once, joined with ",": this is its identity */
    struct hy_str name; /* hy_site_name of the sorted hosts */
    uint64_t hash;      /* of key, the same in every process: to choose a worker */
};

/* The same set of hosts gives the same site, in whatever order or case they came. `key` and `name`
 * are NUL-terminated views into `mem`. At most HY_SITE_HOSTS_MAX hosts, at least one: HY_EINVAL;
 * HY_ENOMEM, HY_ELIMIT when `mem` overflows (16 KiB are always enough). */
HY_MUST_USE int hy_site_of(const struct hy_str *hosts, size_t n_hosts, struct hy_buf *mem,
                           struct hy_site *ret_site);
/* The hosts that the site is: views into its key, sorted. Returns how many; 0: there is no site. */
size_t hy_site_hosts(const struct hy_site *site, struct hy_str ret[HY_SITE_HOSTS_MAX]);
