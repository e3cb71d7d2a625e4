/* Whose network an address belongs to: from the operator's table (CSV: network, company, domain,
 * isp) or from a file in MaxMind's format. Ranges of providers, whose customers are somebody else,
 * are known and left out. Pure; not changed once made, and then free for any thread. */
#pragma once
#include "hayauma/base/str.h"

enum {
    HY_COMPANIES_MAX = 1000000,         /* rows of a table */
    HY_COMPANIES_BYTES_MAX = 256 << 20, /* of a table's file */
    HY_COMPANY_NAME_MAX = 200,          /* bytes of a name or a domain */
    HY_COMPANY_WORDS_MAX = 256,         /* that make a provider of a company by its name */
};

struct hy_company {             /* views of the table */
    struct hy_str name, domain; /* the domain may be empty */
    bool is_provider;           /* by a flag of the table, or by a word of its name */
};

struct hy_companies;

/* `text` begins with MaxMind's tree, or is a table in UTF-8; it must outlive the result when it is
 * the former. A row: network (192.0.2.0/24, 2001:db8::/32, an address), company, and perhaps domain
 * and isp (yes, 1, true); a first row without a network is a head. A network within another counts
 * for what it covers. `words` (lower-case; a view that must outlive it) are looked for in names,
 * besides those that are built in. HY_EPARSE with line and reason, HY_ELIMIT, HY_EUNSUPPORTED (a
 * file of MaxMind's that knows no companies), HY_ENOMEM. */
HY_MUST_USE int hy_companies_read(struct hy_str text, const struct hy_str *words, size_t n_words,
                                  const char *file, struct hy_diag *diag,
                                  struct hy_companies **ret);
void hy_companies_free(struct hy_companies *c);
/* Rows of a table; of MaxMind's files the nodes of their tree. */
size_t hy_companies_count(const struct hy_companies *c);

/* `ip`: IPv6, or IPv4 as ::ffff:a.b.c.d. HY_ENOTFOUND; a provider is found as one. */
HY_MUST_USE int hy_companies_find(const struct hy_companies *c, const uint8_t ip[16],
                                  struct hy_company *ret);
/* "192.0.2.7" or "2001:db8::1" as 16 bytes. HY_EPARSE. */
HY_MUST_USE int hy_company_ip(struct hy_str text, uint8_t ret[16]);
