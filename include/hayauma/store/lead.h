/* Leads at rest: records, the index of addresses, names of domains and attributes. */
#pragma once
#include "hayauma/base/hash.h"
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"
#include "hayauma/store/env.h"

/* --- reading: any thread with a transaction; views die with it ----------------------------- */

/* Fills *ret with views of the stored record; up to `cap` attributes go to `attrs` (HY_ELIMIT when
 * the lead has more). About 1 us. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_lead_read(struct hy_txn *t, hy_lead_no no, struct hy_lead_attr *attrs,
                             size_t cap, struct hy_lead_view *ret);
/* Only its address and its domain. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_lead_address(struct hy_txn *t, hy_lead_no no, struct hy_str *ret_address,
                                hy_domain_no *ret_domain);
/* When it was made: the id's time. HY_ENOTFOUND, HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_lead_created(struct hy_txn *t, hy_lead_no no, hy_id *ret);
/* The lead with this address, its own or a further one (any way of writing it that hy_address_parse
 * accepts). HY_ENOTFOUND; HY_EPARSE when it is no address. */
HY_MUST_USE int hy_lead_find(struct hy_txn *t, struct hy_str address, hy_lead_no *ret_no);
/* The number that the next new lead will get. */
HY_MUST_USE int hy_lead_next_no(struct hy_txn *t, hy_lead_no *ret_no);
/* How many leads there are. */
HY_MUST_USE int hy_lead_count(struct hy_txn *t, uint64_t *ret_n);

/* Names: HY_ENOTFOUND when there is none. The name is a view. */
HY_MUST_USE int hy_attr_find(struct hy_txn *t, struct hy_str name, hy_attr_no *ret_no);
HY_MUST_USE int hy_attr_name(struct hy_txn *t, hy_attr_no no, struct hy_str *ret_name);
HY_MUST_USE int hy_attr_count(struct hy_txn *t, size_t *ret_n); /* numbers are 0 .. n-1 */
HY_MUST_USE int hy_domain_find(struct hy_txn *t, struct hy_str name, hy_domain_no *ret_no);
HY_MUST_USE int hy_domain_name(struct hy_txn *t, hy_domain_no no, struct hy_str *ret_name);

/* --- changing: the writer's transaction only ------------------------------------------------ */

/* Finds the number of a name or gives it the next one. HY_EINVAL for a bad name, HY_ELIMIT when
 * all HY_ATTR_MAX are taken. */
HY_MUST_USE int hy_attr_intern(struct hy_txn *t, struct hy_str name, hy_attr_no *ret_no);
/* `name` in lower-case A-labels (or an address literal). */
HY_MUST_USE int hy_domain_intern(struct hy_txn *t, struct hy_str name, hy_domain_no *ret_no);
HY_MUST_USE int hy_lead_set_status(struct hy_txn *t, hy_lead_no no, enum hy_lead_status s);

/* --- many at once --------------------------------------------------------------------------- */

/* Rows on their way into the store, packed: made by one thread, given to the writer. */
struct hy_lead_batch;

enum {
    HY_LEAD_BATCH_ROWS = 10000,            /* rows that fit at most */
    HY_LEAD_BATCH_BYTES = 4 * 1024 * 1024, /* bytes of their data at most */
};

/* `columns` are attribute names, copied; an attribute of a row names its column. The batch is for
 * this store only. HY_ENOMEM; HY_ELIMIT: more than HY_ATTR_MAX columns; HY_EINVAL: a bad name. */
HY_MUST_USE int hy_lead_batch_new(const struct hy_env *env, const struct hy_str *columns,
                                  size_t n_columns, struct hy_lead_batch **ret);
void hy_lead_batch_free(struct hy_lead_batch *b);
/* Empties it, keeps the memory and the columns. */
void hy_lead_batch_reset(struct hy_lead_batch *b);
struct hy_lead_batch_attr {
    uint16_t column;
    struct hy_str value; /* not empty, at most HY_ATTR_VALUE_MAX */
};
/* Adds a row: `address` in wire form with its dedupe key, attributes ascending by column. HY_ELIMIT
 * when full (the row is not in it), HY_EINVAL when it could never fit. */
HY_MUST_USE int hy_lead_batch_add(struct hy_lead_batch *b, struct hy_str address, struct hy_str key,
                                  const struct hy_lead_batch_attr *attrs, size_t n_attrs);
size_t hy_lead_batch_rows(const struct hy_lead_batch *b);

enum hy_lead_merge {
    HY_LEAD_MERGE_OVERWRITE = 0, /* values given replace those stored, others stay */
    HY_LEAD_MERGE_FILL,          /* values given fill only what is absent */
    HY_LEAD_MERGE_KEEP,          /* leads that exist stay as they are (but join the list) */
};

struct hy_lead_upsert {
    hy_list_no list; /* 0 = into no list */
    enum hy_lead_merge merge;
    hy_id created;        /* given to new leads */
    hy_lead_no own_from;  /* leads with this number or a greater one were added by this very import:
                             rows for them are its duplicates; 0 = there are none */
    const uint32_t *tags; /* numbers of tags (label.h) that every row's lead gets */
    size_t n_tags;
    struct hy_str source; /* value of the attribute `source` of new leads whose row has none; empty:
                             none */
};

struct hy_lead_upsert_result {
    uint64_t added;      /* leads that did not exist */
    uint64_t updated;    /* existed, and at least one attribute changed */
    uint64_t unchanged;  /* existed, and nothing changed */
    uint64_t duplicates; /* same address as an earlier row of this batch or import: merged into
                            it, and counted nowhere else */
    uint64_t joined;     /* became members of the list */
    uint64_t untagged;   /* have as many tags as a lead may have and did not get another */
};

/* Puts a batch into the store, in the order that touches the fewest pages: by domain. All or, on an
 * error, an unusable transaction. Adds to *result. The batch is sorted in place. HY_EFULL,
 * HY_ELIMIT (attribute names, lead numbers). Writer thread. */
HY_MUST_USE int hy_lead_upsert(struct hy_txn *t, struct hy_lead_batch *b,
                               const struct hy_lead_upsert *how, struct hy_lead_upsert_result *ret);
