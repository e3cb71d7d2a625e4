/* Lists of leads, and walking a union of lists domain by domain in lead order. */
#pragma once
#include "hayauma/model/id.h"
#include "hayauma/model/lead.h"
#include "hayauma/store/audience.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/suppress.h"

enum {
    HY_LIST_NAME_MAX = 100,
    HY_LIST_SET_MAX = 32,
    HY_LIST_TEMPLATE_MAX = 100,    /* bytes of the name of a template */
    HY_LIST_CONFIRM_S = 7 * 86400, /* how long one may confirm, when nobody says */
    HY_LIST_CONFIRM_MAX_S = 90 * 86400,
};

/* Stored: never renumber. */
enum hy_list_opt_in {
    HY_LIST_OPT_IN_SINGLE = 0, /* who asks is a member */
    HY_LIST_OPT_IN_DOUBLE = 1, /* who asks gets a mail, and is one once it was answered */
};

/* How one becomes a member. */
struct hy_list_rules {
    enum hy_list_opt_in opt_in;
    uint32_t confirm_s;     /* of DOUBLE: 1..HY_LIST_CONFIRM_MAX_S to answer the mail */
    struct hy_str from;     /* of DOUBLE: who writes it, in wire form; empty: as configured */
    struct hy_str template; /* of DOUBLE: what it says, a stored template of the installation;
                               empty: hayauma's own words */
};

struct hy_list_view {
    hy_list_no no;
    hy_id created;
    uint64_t members;   /* without those that have still to confirm */
    struct hy_str name; /* a view, as those of the rules */
    struct hy_list_rules rules;
};

/* --- reading ---------------------------------------------------------------------------------- */
HY_MUST_USE int hy_list_find(struct hy_txn *t, struct hy_str name, hy_list_no *ret_no);
HY_MUST_USE int hy_list_read(struct hy_txn *t, hy_list_no no, struct hy_list_view *ret);
/* The first list with a number > `after`; HY_ENOTFOUND at the end. */
HY_MUST_USE int hy_list_next(struct hy_txn *t, hy_list_no after, struct hy_list_view *ret);
/* Whether the lead is a member; its domain is in its record. */
HY_MUST_USE int hy_list_has(struct hy_txn *t, hy_list_no list, hy_domain_no domain, hy_lead_no lead,
                            bool *ret_has);

/* The lists a campaign goes to. Filled by its owner; nothing is allocated. */
struct hy_list_set {
    hy_list_no lists[HY_LIST_SET_MAX];
    size_t n;
};

/* The next domain with a member on any of the lists, with a number > `after` (0 = from the start);
 * HY_ENOTFOUND at the end. One B-tree seek a list. */
HY_MUST_USE int hy_list_set_next_domain(struct hy_txn *t, const struct hy_list_set *s,
                                        hy_domain_no after, hy_domain_no *ret_domain);
/* The next members of one domain, ascending, each once however many lists it is on, with numbers >
 * `after`; up to `cap` into `out`. *ret_n < cap only at the end of the domain. So a walk may stop
 * anywhere and go on in another transaction. */
HY_MUST_USE int hy_list_set_leads(struct hy_txn *t, const struct hy_list_set *s,
                                  hy_domain_no domain, hy_lead_no after, hy_lead_no *out,
                                  size_t cap, size_t *ret_n);
/* Members of the lists in this domain, each counted on every list it is on: an upper bound, and
 * exact for one list. About one read per 1000. */
HY_MUST_USE int hy_list_set_domain_size(struct hy_txn *t, const struct hy_list_set *s,
                                        hy_domain_no domain, uint64_t *ret_n);
/* Whom a campaign goes to, and who asks the suppression list for it (tenant and stream; the rest is
 * filled in). Who is in a set is asked once, before: what becomes of a segment while rows are made
 * from it changes nothing. Zeroed: nobody. */
struct roaring_bitmap_s;
struct hy_list_audience {
    struct hy_list_set lists;        /* none: everybody who is in `only` and has an address */
    struct roaring_bitmap_s *only;   /* those of them who are in it; NULL: all */
    struct roaring_bitmap_s *except; /* not those who are in it; NULL: nobody */
    struct hy_suppress_ask ask;
    struct member_walk *walk;      /* private: of `only` without lists */
    struct hy_audience_pos passed; /* private: up to where nobody was to get it */
};
void hy_list_audience_free(struct hy_list_audience *a);
/* As the audience that a queue is made from: leads to whom nothing may be sent have a status that
 * says so. `a` must live as long as *ret. It answers HY_EMORE when the slice is over before anybody
 * was found. */
void hy_list_set_audience(struct hy_list_audience *a, struct hy_audience *ret);

/* --- changing: the writer's transaction only -------------------------------------------------- */

/* HY_EEXIST; HY_EINVAL: 1..HY_LIST_NAME_MAX bytes of UTF-8, no control characters. */
HY_MUST_USE int hy_list_create(struct hy_txn *t, struct hy_str name, hy_id id, hy_list_no *ret_no);
/* HY_EINVAL: they are none; HY_ENOTFOUND. Members stay what they are. */
HY_MUST_USE int hy_list_set_rules(struct hy_txn *t, hy_list_no no, const struct hy_list_rules *r);
/* Adds members of one domain, strictly ascending; those that are there already do not count.
 * Adds to *joined. */
HY_MUST_USE int hy_list_add(struct hy_txn *t, hy_list_no list, hy_domain_no domain,
                            const hy_lead_no *leads, size_t n, uint64_t *joined);
HY_MUST_USE int hy_list_drop(struct hy_txn *t, hy_list_no list, hy_domain_no domain,
                             hy_lead_no lead);
/* A lead's domain is another now (0: it has no address): its places on all lists move. */
HY_MUST_USE int hy_list_move(struct hy_txn *t, hy_lead_no lead, hy_domain_no from, hy_domain_no to);
