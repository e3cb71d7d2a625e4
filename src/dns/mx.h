/* From DNS answers to the way of the mail: pure but for memory. */
#pragma once
#include "query.h"

/* A host that mail may go to, and what is known of its addresses. */
struct mx_candidate {
    struct hy_str name;
    uint16_t preference;
    const struct dns_rrset *answers[2]; /* A and AAAA; NULL: not asked for */
};

struct mx_rules {
    enum hy_mx_families families;
    bool allow_local;
    const struct hy_str *own_names;
    size_t n_own_names;
    const struct hy_sockaddr *own_addresses;
    size_t n_own_addresses;
    struct hy_rng *rng;
};

/* Reads the hosts out of an MX answer: each once, without what is no host name, without ourselves
 * and all behind us; the best 32, by preference and name. HY_MX_OK, or why no host is left. */
enum hy_mx_status mx_candidates(const struct mx_rules *rules, const struct dns_rrset *mx,
                                struct mx_candidate ret[HY_MX_HOSTS_MAX], size_t *ret_n);

/* A result without hosts. NULL without memory. */
struct hy_mx *mx_failure(enum hy_mx_status status, struct hy_enhanced enhanced, const char *text,
                         struct hy_str domain, hy_us expires);
/* The result when all candidates' answers are there. NULL without memory. */
struct mx_way {
    struct hy_str domain;
    bool implicit, is_secure;
    hy_us expires;
};
struct hy_mx *mx_result(const struct mx_rules *rules, const struct mx_way *way,
                        const struct mx_candidate *candidates, size_t n);

#define MX_ENHANCED_BAD_DOMAIN ((struct hy_enhanced){5, 1, 2})
#define MX_ENHANCED_NULL_MX    ((struct hy_enhanced){5, 1, 10})
#define MX_ENHANCED_NO_ROUTE   ((struct hy_enhanced){5, 4, 4})
#define MX_ENHANCED_LOOP       ((struct hy_enhanced){5, 4, 6})
#define MX_ENHANCED_DNS        ((struct hy_enhanced){4, 4, 3})
