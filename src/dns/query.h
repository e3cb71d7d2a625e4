/* Questions and their answers: askers of one question share it, answers are kept for their time.
 *
 * Happy path: dns_ask finds the answer in the cache, or puts the question on the wire (into the
 * queue, when too many are out); the answer goes into the cache, and from the loop to all who wait.
 * How it fails: a server's failure or silence is an answer too (DNS_FAILED), kept for seconds. */
#pragma once
#include "hayauma/base/list.h"
#include "hayauma/dns/resolver.h"
#include "packet.h"

struct dns_mx_record {
    uint16_t preference;
    bool odd_host;      /* not a host name */
    struct hy_str host; /* lower-case, NUL-terminated; "" is the root */
};

/* Immutable, counted; one thread. */
struct dns_rrset {
    uint32_t refs;
    size_t bytes;
    enum dns_status status;
    const char *text; /* why it failed; static */
    hy_us expires;
    size_t n_records;
    const struct dns_mx_record *mx;      /* of an MX question */
    const struct hy_sockaddr *addresses; /* of an A or AAAA question; port 0 */
    const struct hy_str *data;           /* of the others: a TXT's text, the bytes of a TLSA */
    bool is_secure;                      /* by DNSSEC, and the servers are trusted to say so */
    struct hy_str canonical; /* where the CNAMEs of a name led; empty when it is no alias */
};
struct dns_rrset *dns_rrset_ref(struct dns_rrset *r);
void dns_rrset_unref(struct dns_rrset *r); /* NULL is fine */

/* The table of questions, pending and answered. */
struct dns_client;
HY_MUST_USE int dns_client_create(struct hy_loop *loop, const struct hy_resolver_settings *s,
                                  struct hy_diag *diag, struct dns_client **ret_client);
/* Forgets who waits, without a call. Who holds answers has given them back before. */
void dns_client_free(struct dns_client *c);
/* How many questions wait for their turn. */
uint32_t dns_client_waiting(const struct dns_client *c);
/* Fills in what it counts. */
void dns_client_stats(const struct dns_client *c, struct hy_resolver_stats *stats);

/* Part of the asker's struct. */
struct dns_wait {
    struct hy_list link;
    void (*fn)(void *arg, struct dns_rrset *answer); /* `answer` is borrowed */
    void *arg;
};

/* The text of a TXT record, its strings joined, at `out`; returns its length, less than `n`. */
size_t dns_text_join(const uint8_t *data, size_t n, char *out);

/* The answer at once (with a reference for the caller) when it is in the cache; else NULL, and
 * wait->fn comes later, exactly once. `name` is a host name by dns_name_is_host, lower-case.
 * HY_ENOMEM: neither. */
HY_MUST_USE int dns_ask(struct dns_client *c, struct hy_str name, enum dns_type type,
                        struct dns_wait *wait, struct dns_rrset **ret_answer);
