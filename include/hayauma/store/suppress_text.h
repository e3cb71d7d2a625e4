/* Entries of the suppression list as people write and read them: tenants, lists, streams and times
 * by name. */
#pragma once
#include "hayauma/audience/suppress_rows.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/store/list.h"
#include "hayauma/store/suppress.h"

enum { HY_SUPPRESS_CURSOR_MAX = 64 };

/* What was said of an entry; empty = not said. */
struct hy_suppress_words {
    struct hy_str scope, tenant, stream, list, reason;
};
/* What names are looked up in; remembers the list named last. One for each thread. */
struct hy_suppress_names {
    const struct hy_tenants *tenants;
    hy_list_no list; /* 0: none yet */
    char list_name[HY_LIST_NAME_MAX + 1];
};

/* Scope, tenant, number and reason of a key from its words: without a scope, that of the most
 * special one that was named; without any, `fallback`. The id is not touched. HY_EINVAL,
 * HY_ENOTFOUND with a note; *ret_word names the word at fault. */
HY_MUST_USE int hy_suppress_key_read(struct hy_suppress_names *n, struct hy_txn *t,
                                     const struct hy_suppress_words *w,
                                     enum hy_suppress_scope fallback,
                                     enum hy_suppress_reason reason, struct hy_suppress_key *ret,
                                     const char **ret_word, struct hy_diag *diag);
/* HY_ENOTFOUND, with the words for a list that is not there. */
int hy_suppress_no_list(struct hy_str name, struct hy_diag *diag);
/* "30d", or a time with its zone: when an entry ends. 0 = "never" or "". HY_EINVAL with a note. */
HY_MUST_USE int hy_suppress_end_read(struct hy_str text, hy_wall_ms now, hy_wall_ms *ret,
                                     struct hy_diag *diag);

/* An entry by the columns of a file; those that do not apply are empty. The hash only where there
 * is no address; one of a domain begins with @. */
struct hy_suppress_fields {
    struct hy_str f[HY_SUPPRESS_COLS];
    char hash[HY_SUPPRESS_TOKEN_MAX + 1], created[32], expires[32], tenant[16];
};
/* Views into the entry, `n` and *ret. */
void hy_suppress_fields_of(struct hy_suppress_names *n, struct hy_txn *t,
                           const struct hy_suppress_entry *e, struct hy_suppress_fields *ret);

/* Where a listing goes on. HY_EPARSE. */
const char *hy_suppress_cursor(const struct hy_suppress_key *k, char out[HY_SUPPRESS_CURSOR_MAX]);
HY_MUST_USE int hy_suppress_cursor_read(struct hy_str text, struct hy_suppress_key *ret);
