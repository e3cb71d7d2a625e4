/* Companies as JSON, both ways: one shape for the API and the control socket.
 * docs/guides/companies.md says what people see. */
#pragma once
#include <jansson.h>

#include "hayauma/base/arena.h"
#include "hayauma/store/company.h"
#include "hayauma/store/writer.h"

enum {
    HY_COMPANY_PAGE_MAX = 1000,     /* entries of a page */
    HY_COMPANY_WALKED_MAX = 200000, /* companies that one page of a search looks at */
    HY_COMPANY_ACCOUNT_MAX = 20000, /* members that are looked at for what is told of all */
    HY_COMPANY_TIMELINE_MAX = 50,   /* activities of an account */
    HY_COMPANY_HOT_MAX = 200,
};

/* {"company" (number), "score", "name", "aliases", "domains", "ids", "attributes", "leads" (how
 * many), "created", "changed"}. HY_ENOTFOUND, HY_ENOMEM. Any thread with a transaction, as all that
 * take one here. */
HY_MUST_USE int hy_company_json(struct hy_txn *t, hy_company_no no, json_t **ret);

struct hy_company_search {
    struct hy_str text;  /* part of a name or a domain; empty: any */
    hy_company_no after; /* behind which to go on; 0: from the first */
    size_t limit;        /* 1..HY_COMPANY_PAGE_MAX */
};
/* A page, by number: {"companies": [...], "after": what to ask for the next page; null: there is
 * none}. Looks at HY_COMPANY_WALKED_MAX at most: a page may be short with more behind it. */
HY_MUST_USE int hy_companies_json(struct hy_txn *t, const struct hy_company_search *s,
                                  json_t **ret);
/* A page of its leads behind number `after`: {"leads": [...], "after"}. */
HY_MUST_USE int hy_company_leads_json(struct hy_txn *t, hy_company_no no, hy_lead_no after,
                                      size_t limit, hy_wall_ms now, json_t **ret);

/* What its people did and bought: {"members": `limit` of them (as hy_company_leads_json has them,
 * with "last": what each did last), "timeline": the newest activities of all (at, kind, text, url,
 * source, campaign, lead, email), the newest first, "older": whether there are more, "visits": the
 * same of visitors from its network who are not known, with "visitor" in place of lead and email,
 * "customers", "orders", "values": [{"currency", "orders", "amount"}] (orders that stand),
 * "left_out": members beyond HY_COMPANY_ACCOUNT_MAX, of which timeline and orders do not tell}. */
HY_MUST_USE int hy_company_account_json(struct hy_txn *t, hy_company_no no, size_t limit,
                                        hy_wall_ms now, json_t **ret);
/* Companies with points, the most first, at most `limit` (HY_COMPANY_HOT_MAX): {"companies":
 * [{"company", "name", "score", "leads", "reasons": [{"lead", "email", "score", "reasons":
 * [{"rule", "points", "times"}]}] (the members with the most), "left_out" (members beyond
 * HY_COMPANY_ACCOUNT_MAX, not looked at for reasons)}], "scored": how many there are}. */
HY_MUST_USE int hy_company_hot_json(struct hy_txn *t, size_t limit, hy_wall_ms now, json_t **ret);

/* ---- changing ---- */

/* {"name", "aliases", "remove_aliases", "domains", "remove_domains", "ids", "remove_ids",
 * "attributes" (null: unset)}. All of *ret points into the JSON and the arena. HY_EINVAL:
 * *ret_field is where, `diag` says why; HY_ENOMEM. */
HY_MUST_USE int hy_company_edit_read(const json_t *body, struct hy_arena *arena,
                                     struct hy_company_edit *ret, char ret_field[64],
                                     struct hy_diag *diag);

/* A change by hand, in slices: with it is done what it leaves to do on leads. */
struct hy_company_change {
    struct hy_write_req req;
    enum { HY_COMPANY_EDIT, HY_COMPANY_DROP, HY_COMPANY_PUT_LEAD } does;
    struct hy_company_edit edit;
    struct hy_str which; /* the company, as people name it; empty: a new one */
    struct hy_str into;  /* a drop's; empty: nowhere */
    struct hy_str lead;
    hy_company_no no;   /* result, or what was dropped */
    hy_lead_no lead_no; /* result */
    bool is_leaving;    /* a lead leaves it, if it belongs to it */
    bool is_changed;    /* a lead's company is another than before */
    bool is_begun;      /* the change itself is committed, what it left to do goes on */
    struct hy_diag diag;
};
/* Fills in req.apply and req.slice; what else the request says is the caller's. Errors as those of
 * hy_company_edit(), hy_company_drop(), hy_company_put_lead(), with a note. */
void hy_company_change_init(struct hy_company_change *x);
