/* The inside of companies. One table, parted by the first byte of its keys; docs/storage.md has the
 * layouts. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/store/company.h"
#include "lead_priv.h"

enum {
    COMPANY_RECORD = 'n',  /* be32 company; 0: the newest number */
    COMPANY_NAME = 't',    /* name as it is compared -> company */
    COMPANY_DOMAIN = 'd',  /* domain -> company */
    COMPANY_ID = 'i',      /* "crm:123" -> company */
    COMPANY_LEAD = 'l',    /* be32 lead -> company */
    COMPANY_SUMS = 's',    /* be32 company -> what its members' points come to, as in scores;
                              0: all were counted once */
    COMPANY_WORK = 'w',    /* kind, be32 company or domain -> what is to be done on leads */
    COMPANY_SEEN = 'f',    /* company_watch.c: be32 company -> what was seen of it */
    COMPANY_CHANGED = 'c', /* be32 company */
    COMPANY_DUE = 'u',     /* be32 second, be32 company */
    COMPANY_ROUND = 'r',   /* be32 company -> how far its members were gone through */
    COMPANY_VERSION = 1,
    COMPANY_TEXT_MAX = 1 << 20, /* bytes of a record */
};

/* What is left to do; also the order in which it is done. */
enum company_work {
    COMPANY_WORK_ADOPT = 'a',  /* leads of an older store: attributes make companies */
    COMPANY_WORK_MOVE = 'm',   /* members: to another company, to none, or written anew */
    COMPANY_WORK_DOMAIN = 'd', /* leads of a domain that belong to none */
    COMPANY_WORK_SCORES = 's', /* companies of an older store: their members' points */
};

static inline struct hy_str company_key(char part, uint32_t no, uint8_t room[5])
{
    room[0] = (uint8_t)part;
    hy_put_be32(room + 1, no);
    return hy_str_make(room, 5);
}

/* A number under a text. HY_ENOTFOUND. */
HY_MUST_USE int hy_company_get_key(struct hy_txn *t, char part, struct hy_str text,
                                   hy_company_no *ret);
HY_MUST_USE int hy_company_put_key(struct hy_txn *t, char part, struct hy_str text,
                                   hy_company_no no);
HY_MUST_USE int hy_company_del_key(struct hy_txn *t, char part, struct hy_str text);

/* A domain as people write it, in lower-case A-labels in `room`. HY_EPARSE. Pure. */
HY_MUST_USE int hy_company_domain_read(struct hy_str text, char room[HY_DOMAIN_MAX + 1],
                                       struct hy_str *ret);
/* Stores it; its strings may be views of the table. */
HY_MUST_USE int hy_company_record_put(struct hy_txn *t, const struct hy_company_record *c);
/* It changed: noted for whoever watches. */
HY_MUST_USE int hy_company_touched(struct hy_txn *t, hy_company_no no);
/* A new one, found or made by hand, without name. HY_ELIMIT. */
HY_MUST_USE int hy_company_next_no(struct hy_txn *t, hy_company_no *ret);
/* Takes it and all that leads to it out of the table; its members stay where they are. */
HY_MUST_USE int hy_company_forget(struct hy_txn *t, hy_company_no no);

/* The number of the attribute; HY_ENOTFOUND: no lead ever had it. */
HY_MUST_USE int hy_company_attr(struct hy_txn *t, hy_attr_no *ret);
/* Writes the attribute of a lead anew (empty: takes it away), when it is another. */
HY_MUST_USE int hy_company_write_lead(struct hy_txn *t, hy_lead_no lead, struct hy_str name,
                                      bool *ret_changed);
/* The value of a lead's attribute: a view, or empty. */
HY_MUST_USE int hy_company_read_lead(struct hy_txn *t, hy_lead_no lead, struct hy_str *ret);

/* ---- work ---- */

/* Members of `no` become those of `into`; `into` itself: their attribute is written anew. */
HY_MUST_USE int hy_company_work_move(struct hy_txn *t, hy_company_no no, hy_company_no into);
HY_MUST_USE int hy_company_work_domain(struct hy_txn *t, struct hy_str domain);
