/* What the readers of facts share. */
#pragma once
#include "hayauma/model/recipient.h"
#include "hayauma/react/facts.h"
#include "hayauma/score/plan.h"
#include "hayauma/store/commerce.h"
#include "hayauma/store/company.h"
#include "hayauma/store/label.h"
#include "hayauma/store/lead_set.h"

/* Attributes that every lead has without anybody's giving them. */
enum fact_name {
    FACT_NONE, /* an attribute of the store */
    FACT_CREATED,
    FACT_EMAIL,
    FACT_EMAIL_DOMAIN,
    FACT_MAIL_STATUS,
    FACT_SCORE, /* or score.GROUP: fact_score_group */
    FACT_SHOP,  /* of carts and orders: hy_segment_given_of */
    FACT_COMPANY,
};
enum fact_name fact_name_of(struct hy_str name);

enum { FACT_ROOM = 64 };
/* The value of the first four, made from a lead's record; text in `room` or in the address. */
struct hy_str fact_value(enum fact_name name, hy_id created, struct hy_str address,
                         enum hy_lead_status status, char room[FACT_ROOM]);

/* Of carts and orders, read when they are first asked for. */
struct fact_shop {
    bool is_cart_read, is_customer_read;
    bool has_cart; /* an open one: that which changed last */
    int64_t value_milli, pieces_milli;
    hy_wall_ms opened, changed;
    struct hy_customer customer;
};
extern const struct fact_shop fact_shop_none;    /* of who never had any */
bool fact_shop_is_cart(enum hy_segment_given g); /* not of orders */
/* Reads what the name needs, unless it is there. */
HY_MUST_USE int fact_shop_read(struct hy_txn *t, hy_lead_no lead, enum hy_segment_given g,
                               struct fact_shop *s);
struct hy_str fact_shop_value(const struct fact_shop *s, enum hy_segment_given g,
                              char room[FACT_ROOM]);

/* Of a company, copied, so that writes do it no harm. */
struct fact_company {
    bool is_read, has_sums;
    hy_company_no no; /* 0: there is none */
    struct hy_buf text;
    struct hy_company_record record;
    struct hy_score_sum sums[HY_SCORE_SUMS_MAX];
    size_t n_sums;
    size_t next; /* of several values, which fact_company_more() is to say */
    char room[FACT_ROOM];
};
/* Zeroed at first. A company that is not there is none. */
HY_MUST_USE int fact_company_read(struct hy_txn *t, hy_company_no no, struct fact_company *c);
HY_MUST_USE int fact_company_of(struct hy_txn *t, hy_lead_no lead, struct fact_company *c);
HY_MUST_USE int fact_company_sums(struct hy_txn *t, struct fact_company *c);
/* The value of "company.NAME", empty: none; and the next, if there are several. */
HY_MUST_USE int fact_company_value(struct hy_txn *t, struct fact_company *c, struct hy_str name,
                                   hy_wall_ms now, struct hy_str *ret);
struct hy_str fact_company_more(struct fact_company *c);
/* Up to when what a COMPARE node says of its points surely stays so. */
hy_wall_ms fact_company_stays(struct hy_txn *t, struct fact_company *c,
                              const struct hy_segment_node *n, hy_wall_ms now);
void fact_company_free(struct fact_company *c);

/* Thousandths of a point as a number. */
struct hy_str fact_score(int64_t milli, char room[FACT_ROOM]);
/* Whether the name is that of the score, or with its group; without a plan none is. */
bool fact_is_score(const struct hy_score_plan *plan, struct hy_str name, struct hy_str *ret_group);
/* Up to when a COMPARE node surely says the same of sums that fade. */
hy_wall_ms fact_score_stays(const struct hy_segment_node *n, const struct hy_score_sum *sums,
                            size_t n_sums, hy_wall_ms now);
/* Whether activities of the kind are what a DID node counts. */
bool fact_is_of_kind(const struct hy_segment_node *did, uint8_t kind);
static inline struct hy_lead_set fact_label_set(enum hy_label_kind kind, hy_label_no no)
{
    return (struct hy_lead_set){.kind = kind == HY_LABEL_TAG ? HY_LEAD_SET_TAG : HY_LEAD_SET_GROUP,
                                .no = no};
}

/* Moments at which mail of campaigns arrived at the lead (DELIVERED) or came back (BOUNCED) that
 * the node asks for. */
struct fact_mail {
    const struct hy_segment_node *did;
    struct hy_txn *t;
    struct hy_deed *deed;
    hy_lead_no lead;
    hy_domain_no domain;
    hy_wall_ms from, until;
    void (*each)(void *ctx, hy_wall_ms at);
    void *ctx;
};
HY_MUST_USE int fact_mail_of(const struct fact_mail *m);
/* The campaign that a node names without a star, and no other can match; 0: any. HY_ENOTFOUND:
 * there is none of that name. */
HY_MUST_USE int fact_campaign_of(struct hy_txn *t, const struct hy_segment_node *did, hy_id *ret);
/* The row as what happened to the lead: `deliver` or `bounced`. HY_ENOTFOUND: it is neither. */
HY_MUST_USE int fact_of_row(struct hy_txn *t, enum hy_activity_kind did, enum hy_rcpt_state state,
                            hy_id last_attempt, hy_id campaign, struct hy_activity *ret);
