/* Reading posting records of the table list_leads. */
#pragma once
#include "lead_priv.h"

struct posting {
    hy_list_no list;
    hy_domain_no domain;
    hy_lead_no first;
    const char *leads; /* n times le32, unaligned */
    size_t n;          /* 1.. */
};

static inline struct hy_str posting_key(hy_list_no list, hy_domain_no domain, hy_lead_no first,
                                        uint8_t room[12])
{
    hy_put_be32(room, list);
    hy_put_be32(room + 4, domain);
    hy_put_be32(room + 8, first);
    return hy_str_make(room, 12);
}

static inline hy_lead_no posting_at(struct posting p, size_t i)
{
    return hy_get_le32(p.leads + 4 * i);
}

/* The place of the first lead > `after`. */
size_t posting_after(struct posting p, hy_lead_no after);

/* What the cursor stands on. HY_ECORRUPT, HY_EVERSION. */
HY_MUST_USE int hy_posting_read(const struct hy_cursor *c, struct posting *ret);
/* The record of (list, domain) that holds `lead`, or would if it were added; the first one when all
 * are greater. HY_ENOTFOUND: there is none. */
HY_MUST_USE int hy_posting_seek(struct hy_cursor *c, hy_list_no list, hy_domain_no domain,
                                hy_lead_no lead, struct posting *ret);
/* The next one of the same (list, domain); HY_ENOTFOUND. */
HY_MUST_USE int hy_posting_next(struct hy_cursor *c, hy_list_no list, hy_domain_no domain,
                                struct posting *ret);
