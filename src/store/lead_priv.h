/* The lead tables' inside: record layouts and the calls that only the batch upsert uses. Layouts
 * are described in docs/storage.md. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/bytes.h"
#include "hayauma/store/lead.h"
#include "hayauma/store/list.h"

enum {
    LEAD_VERSION = 2, /* since which a lead may have no address, and then no domain */
    LEAD_HEAD = 16,   /* version, status, address length, 0, domain le32, created le64; then the
                         address and (attr no, length, bytes) with varints, ascending */
    LEAD_RECORD_MAX = 128 * 1024 * 1024,
    NAME_VERSION = 1,
    INDEX_VERSION = 1,
    INDEX_HEAD = 4,         /* version, 3 zeros */
    INDEX_ENTRY = 8,        /* hash le32, lead le32 */
    INDEX_BUCKET_BITS = 18, /* about 40 entries a bucket at 10 million leads */
    POSTING_VERSION = 1,
    POSTING_HEAD = 4,   /* version, 3 zeros; then lead numbers le32, ascending */
    POSTING_MAX = 1016, /* leads a record: they fill one LMDB overflow page */
};

/* ---- records ---- */

struct lead_record {
    enum hy_lead_status status;
    hy_domain_no domain;
    hy_id created;
    struct hy_str address;
    struct hy_str attrs; /* packed */
};
HY_MUST_USE int hy_lead_record_read(struct hy_str value, struct lead_record *ret);
HY_MUST_USE int hy_lead_record_get(struct hy_txn *t, hy_lead_no no, struct lead_record *ret);
/* Writes one. */
HY_MUST_USE int hy_lead_record_put(struct hy_txn *t, hy_lead_no no, const struct lead_record *r,
                                   const struct hy_lead_attr *attrs, size_t n_attrs,
                                   enum hy_put_mode mode);
/* Takes the next attribute off `*packed`; HY_ENOTFOUND at the end, HY_ECORRUPT. */
HY_MUST_USE int hy_lead_attr_next(struct hy_str *packed, struct hy_lead_attr *ret);
size_t hy_lead_attrs_size(const struct hy_lead_attr *attrs, size_t n);
/* Writes what hy_lead_attrs_size counted. */
void hy_lead_attrs_pack(const struct hy_lead_attr *attrs, size_t n, uint8_t *out);
/* The number of a lead that is deleted is never given again. */
HY_MUST_USE int hy_lead_no_retire(struct hy_txn *t, hy_lead_no no);
static inline struct hy_str lead_key(hy_lead_no no, uint8_t room[4])
{
    hy_put_be32(room, no);
    return hy_str_make(room, 4);
}

/* ---- the address index ---- */

/* The hash of a dedupe key in this store. Any thread. */
uint64_t hy_lead_hash(const struct hy_hash_key *k, struct hy_str key);
struct hy_hash_key hy_lead_hash_key(const struct hy_env *env);
static inline uint32_t index_bucket(uint64_t hash)
{
    return (uint32_t)(hash >> (64 - INDEX_BUCKET_BITS));
}
/* The lead whose dedupe key this is, or HY_ENOTFOUND. */
HY_MUST_USE int hy_lead_index_find(struct hy_txn *t, uint64_t hash, struct hy_str key,
                                   hy_lead_no *ret_no);
struct index_entry {
    uint64_t hash;
    hy_lead_no lead;
};
/* Adds leads of new addresses; `e` ascends by hash. */
HY_MUST_USE int hy_lead_index_add(struct hy_txn *t, const struct index_entry *e, size_t n);
/* HY_ENOTFOUND. */
HY_MUST_USE int hy_lead_index_drop(struct hy_txn *t, uint64_t hash, hy_lead_no lead);

/* ---- lists ---- */

/* hy_list_add without the count in the list's record, which the caller keeps. */
HY_MUST_USE int hy_list_join(struct hy_txn *t, hy_list_no list, hy_domain_no domain,
                             const hy_lead_no *leads, size_t n, uint64_t *joined);
HY_MUST_USE int hy_list_count(struct hy_txn *t, hy_list_no list, int64_t change);

/* ---- names ---- */

/* A value that is a version byte and a number. */
HY_MUST_USE int hy_name_number(struct hy_str value, uint32_t *ret);
HY_MUST_USE int hy_name_text(struct hy_str value, struct hy_str *ret);

/* ---- batches ---- */

struct batch_row {
    uint64_t hash;   /* of the dedupe key */
    uint64_t domain; /* hash of the domain's name */
    uint32_t at;     /* place in the bytes */
};

/* What the upsert knows of a row. Rows with the same key are twins: the first is the head, the
 * others hang on it in the order of the file. */
struct batch_item {
    uint64_t hash;
    uint32_t row;
    uint32_t next_twin; /* index of an item, or UINT32_MAX */
    hy_lead_no lead;    /* 0 = a new lead that has no number yet */
    bool is_twin;
    bool is_new;
    bool is_further; /* found by a further address of the lead */
    bool is_changed;
};
/* Heads in the order in which leads are written. */
struct batch_order {
    uint64_t domain;
    hy_lead_no lead; /* UINT32_MAX for new ones: they come last */
    uint32_t item;
};
struct attr_set {
    struct hy_lead_attr a[HY_ATTR_MAX]; /* ascending by no */
    size_t n;
};
/* The writer's room to work in. */
struct batch_scratch {
    struct batch_item items[HY_LEAD_BATCH_ROWS];
    struct batch_order order[HY_LEAD_BATCH_ROWS];
    struct index_entry entries[HY_LEAD_BATCH_ROWS];
    hy_lead_no leads[HY_LEAD_BATCH_ROWS];
    hy_lead_no changed[HY_LEAD_BATCH_ROWS];
    struct attr_set sets[4];
    hy_attr_no attr_of_column[HY_ATTR_MAX];
};

struct hy_lead_batch {
    struct hy_hash_key hash;
    char *bytes;
    size_t used;
    struct batch_row *rows;
    size_t n_rows;
    struct hy_str *columns; /* names, in one allocation with their text */
    size_t n_columns;
    struct batch_scratch *scratch;
    struct hy_buf record; /* copy of a stored record while it is written anew */
};
struct batch_view {
    struct hy_str address, key, domain;
    struct hy_str attrs; /* packed: column le16, length le32, bytes */
    size_t n_attrs;
};
struct batch_view hy_lead_batch_view(const struct hy_lead_batch *b, const struct batch_row *r);
/* Writes one. */
HY_MUST_USE int hy_lead_record_put(struct hy_txn *t, hy_lead_no no, const struct lead_record *r,
                                   const struct hy_lead_attr *attrs, size_t n_attrs,
                                   enum hy_put_mode mode);
/* Takes the next attribute off `*packed`, which must not be empty. */
struct hy_lead_batch_attr hy_lead_batch_attr_next(struct hy_str *packed);
