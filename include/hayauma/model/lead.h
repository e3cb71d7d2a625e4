/* A lead: a person with an address and attributes. */
#pragma once
#include <stdint.h>

#include "hayauma/base/str.h"

typedef uint32_t
    hy_lead_no; /* dense, 1.., given by the store; 0 = none. Bitmaps are made of these. */
typedef uint32_t hy_domain_no; /* dense, 1..: a recipient domain */
typedef uint32_t hy_list_no;   /* dense, 1..: a list */
typedef uint16_t hy_attr_no;   /* dense, 0..HY_ATTR_MAX-1: an attribute name of this store */

enum {
    HY_ATTR_MAX = 1024,        /* attribute names in a store */
    HY_ATTR_NAME_MAX = 64,     /* bytes: [A-Za-z_][A-Za-z0-9_.-]* or any letters of UTF-8 */
    HY_ATTR_VALUE_MAX = 65535, /* bytes of UTF-8 */
    HY_ADDRESS_MAX = 254,      /* bytes of an address (RFC 5321 4.5.3.1.3 less the brackets) */
    HY_LOCAL_MAX = 64,
    HY_DOMAIN_MAX = 253,
};

enum hy_lead_status {
    HY_LEAD_ACTIVE = 0,
    HY_LEAD_UNSUBSCRIBED = 1, /* asked not to get mail: rows end as suppressed */
    HY_LEAD_DEAD = 2,         /* its address hard-bounced: rows end as suppressed */
    HY_LEAD_COMPLAINED = 3,   /* marked a mail as spam: rows end as suppressed */
};
const char *hy_lead_status_name(enum hy_lead_status s); /* "active" ... */
/* Why it gets no mail, in words; "" for one that is active. */
const char *hy_lead_status_why(enum hy_lead_status s);
HY_MUST_USE int hy_lead_status_parse(struct hy_str text, enum hy_lead_status *ret);

/* Whether it can name an attribute: 1..HY_ATTR_NAME_MAX bytes of UTF-8; letters, digits, _ . - and
 * anything outside ASCII; a digit, dot or hyphen cannot come first. */
bool hy_attr_name_ok(struct hy_str name);

/* One value. Absent attributes have no entry; an empty value is stored as absent. */
struct hy_lead_attr {
    hy_attr_no no;
    struct hy_str value;
};

/* A lead as read: every string is a view of memory owned by whoever filled it (an LMDB
 * transaction, an arena). `address` is the wire form: domain in lower-case A-labels, local part as
 * RFC 5321 wants it between < and >, quoted where it must be; UTF-8 only in a local part. */
struct hy_lead_view {
    hy_lead_no no;
    hy_domain_no domain_no;
    enum hy_lead_status status;
    uint64_t created; /* an id: its time is when */
    struct hy_str address;
    struct hy_str domain;             /* the part behind the last @ of `address` */
    const struct hy_lead_attr *attrs; /* ascending by no */
    size_t n_attrs;
};
