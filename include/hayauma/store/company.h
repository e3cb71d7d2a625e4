/* Companies: records with names, domains and attributes, the leads that belong to each, and what
 * their points come to. A lead belongs to one company at most: to the one that its attribute
 * `company` names, which is kept written as the company is. The attribute and the membership change
 * together, whoever changes either. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/store/lead_edit.h"
#include "hayauma/store/lead_set.h"
#include "hayauma/store/score.h"
#include "hayauma/track/company.h" /* HY_COMPANY_NAME_MAX */

typedef uint32_t hy_company_no; /* dense, 1.., given by the store; 0: none */

#define HY_COMPANY_ATTRIBUTE "company" /* of leads */

enum {
    HY_COMPANIES_STORED_MAX = 10000000,
    HY_COMPANY_KEY_MAX = 400,    /* bytes of a name as it is compared */
    HY_COMPANY_ALIASES_MAX = 16, /* further names */
    HY_COMPANY_DOMAINS_MAX = 64,
    HY_COMPANY_IDS_MAX = 16, /* "crm:123" */
    HY_COMPANY_ATTRS_MAX = 64,
    HY_COMPANY_VALUE_MAX = 4096, /* bytes of an attribute of a company */
    HY_COMPANY_EDIT_MAX = 64,    /* of each array of an edit */
};

/* ---- names: pure ---- */

/* The name as it is compared: NFKC, case-folded, (株), ㈱ and the like written out, without blanks
 * around those, runs of blanks as one, without dots and commas at the ends of words. HY_EPARSE: it
 * names no company: empty, longer than HY_COMPANY_NAME_MAX bytes, with control characters. */
HY_MUST_USE int hy_company_fold(struct hy_str name, char out[HY_COMPANY_KEY_MAX], size_t *ret_n);

/* ---- reading: any thread with a transaction; views die with it ------------------------------ */

struct hy_company_record {
    hy_company_no no;
    struct hy_str name;
    hy_id created;
    hy_wall_ms changed;
    bool is_found; /* made because a lead named it: it goes with its last member */
    struct hy_str aliases[HY_COMPANY_ALIASES_MAX];
    struct hy_str domains[HY_COMPANY_DOMAINS_MAX]; /* lower-case A-labels */
    struct hy_str ids[HY_COMPANY_IDS_MAX];         /* "crm:123" */
    struct hy_lead_attr attrs[HY_COMPANY_ATTRS_MAX];
    size_t n_aliases, n_domains, n_ids, n_attrs;
};

/* HY_ENOTFOUND. */
HY_MUST_USE int hy_company_read(struct hy_txn *t, hy_company_no no, struct hy_company_record *ret);
/* A copy whose strings lie in `room`, which is made here, also when it fails, and freed by the
 * caller. */
HY_MUST_USE int hy_company_copy(struct hy_txn *t, hy_company_no no, struct hy_buf *room,
                                struct hy_company_record *ret);
/* The first with a number > `after`. HY_ENOTFOUND. */
HY_MUST_USE int hy_company_next(struct hy_txn *t, hy_company_no after,
                                struct hy_company_record *ret);
/* By one of its names. HY_ENOTFOUND, for what can be no name as well. */
HY_MUST_USE int hy_company_find(struct hy_txn *t, struct hy_str name, hy_company_no *ret);
/* By the domain of a mail address or host name (lower-case A-labels), or one above it.
 * HY_ENOTFOUND. */
HY_MUST_USE int hy_company_of_domain(struct hy_txn *t, struct hy_str domain, hy_company_no *ret);
/* The company that people mean: its number, a name, a domain, or "ext:crm:123". HY_ENOTFOUND. */
HY_MUST_USE int hy_company_resolve(struct hy_txn *t, struct hy_str text, hy_company_no *ret);
/* The company of a lead; 0: none. */
HY_MUST_USE int hy_company_of(struct hy_txn *t, hy_lead_no lead, hy_company_no *ret);

static inline struct hy_lead_set hy_company_members(hy_company_no no)
{
    return (struct hy_lead_set){.kind = HY_LEAD_SET_COMPANY, .no = no};
}

/* What the points of its members come to, in thousandths: all of them together, as they are worth
 * now. Costs the same however many members there are. */
HY_MUST_USE int hy_company_score(struct hy_txn *t, hy_company_no no, hy_wall_ms now,
                                 int64_t *ret_milli);
/* What these are made of, each half-life of each group. */
HY_MUST_USE int hy_company_sums(struct hy_txn *t, hy_company_no no,
                                struct hy_score_sum ret[HY_SCORE_SUMS_MAX], size_t *ret_n);
/* The first with a number > `after` whose members have points. HY_ENOTFOUND. */
HY_MUST_USE int hy_company_scored_next(struct hy_txn *t, hy_company_no after, hy_company_no *ret);

/* ---- changing by hand: the writer's transaction --------------------------------------------- */

enum hy_company_part_kind { HY_COMPANY_ALIAS, HY_COMPANY_DOMAIN, HY_COMPANY_ID };
struct hy_company_part {
    enum hy_company_part_kind kind;
    bool is_removed;
    struct hy_str text; /* as people write it */
};

struct hy_company_edit {
    hy_company_no no;   /* 0: a new one */
    struct hy_str name; /* empty: it stays. The former one stays as a further name */
    const struct hy_company_part *parts;
    const struct hy_lead_edit_attr *attrs; /* with the types that attributes of leads have */
    size_t n_parts, n_attrs;
};
struct hy_company_edit_result {
    hy_company_no no;
    bool is_new, is_changed; /* neither: it stood so already, and nothing was written */
    enum hy_company_fault {
        HY_COMPANY_FAULT_NAME,
        HY_COMPANY_FAULT_PART,
        HY_COMPANY_FAULT_ATTR
    } fault;         /* of an error, which sets nothing else: where it is */
    size_t fault_at; /* which of the parts or attributes */
};
/* Makes or changes one. Leads whose attribute, or whose domain, follows from that are changed by
 * hy_company_work(). HY_EINVAL, HY_EPARSE (the note says what), HY_ENOTFOUND, HY_EEXIST (another
 * has that name, domain or id), HY_ELIMIT. Nothing was written then. */
HY_MUST_USE int hy_company_edit(struct hy_txn *t, const struct hy_company_edit *e,
                                struct hy_company_edit_result *ret, struct hy_diag *diag);
/* What would come of it, with any transaction; nothing is written. */
HY_MUST_USE int hy_company_edit_look(struct hy_txn *t, const struct hy_company_edit *e,
                                     struct hy_company_edit_result *ret, struct hy_diag *diag);
/* Which company an edit that says no number is about: the one with an id of its parts, with its
 * name, or, when it has no name, with a domain of its parts (that very one). When it is named by a
 * further name, that becomes no new name of it. HY_ENOTFOUND: it is a new one. */
HY_MUST_USE int hy_company_edit_aim(struct hy_txn *t, struct hy_company_edit *e);
/* It is gone at once; its members become those of `into` (0: of none) by hy_company_work(), and
 * `into` takes its names, domains, ids, and the attributes that it lacks. HY_ENOTFOUND, HY_EINVAL
 * (both are the same), HY_ELIMIT (too much of something for one). */
HY_MUST_USE int hy_company_drop(struct hy_txn *t, hy_company_no no, hy_company_no into,
                                struct hy_diag *diag);
/* Makes a lead a member, or (0) of none; from wherever it was. Its attribute follows, and the
 * change is logged. *ret_changed may be NULL. HY_ENOTFOUND. */
HY_MUST_USE int hy_company_put_lead(struct hy_txn *t, hy_lead_no lead, hy_company_no to,
                                    bool *ret_changed);

/* Does what changes of companies left to do on leads, in slices: HY_EMORE until nothing is left
 * that can be done. */
HY_MUST_USE int hy_company_work(struct hy_txn *t);
/* Whether there is something. Any thread, as the next. */
HY_MUST_USE int hy_company_has_work(struct hy_txn *t, bool *ret);
enum { HY_COMPANY_WAITING_MAX = 1000 };
/* How many domains (HY_COMPANY_WAITING_MAX: or more) whose leads cannot join their company, since
 * the store knows as many names of attributes as it may and "company" is none of them. The work
 * waits, and is done as soon as there is room. */
HY_MUST_USE int hy_company_waiting(struct hy_txn *t, unsigned *ret_domains);
/* A store of a version that knew no companies: its leads are work to be done. Once, at the start.
 */
HY_MUST_USE int hy_company_adopt(struct hy_txn *t);

/* ---- for who writes records of leads: the writer's transaction ------------------------------ */

/* The company that a value of the attribute means, made when there is none; *ret_name (in `room`)
 * is how it is to be written. A value that names no company, or one too many, means none: *ret 0,
 * *ret_name the value. */
HY_MUST_USE int hy_company_intern(struct hy_txn *t, struct hy_str value,
                                  char room[HY_COMPANY_NAME_MAX], hy_company_no *ret,
                                  struct hy_str *ret_name);
/* The same of what is there already: nothing is made. HY_ENOTFOUND. */
HY_MUST_USE int hy_company_named(struct hy_txn *t, struct hy_str value,
                                 char room[HY_COMPANY_NAME_MAX], hy_company_no *ret,
                                 struct hy_str *ret_name);
/* The lead belongs to it (0: to none) from now on; its attribute is the caller's. Not logged. */
HY_MUST_USE int hy_company_follow(struct hy_txn *t, hy_lead_no lead, hy_company_no to);
/* Makes membership what the lead's attribute says, and the attribute as the company is written;
 * *ret_changed: that was another. Not logged. */
HY_MUST_USE int hy_company_sync(struct hy_txn *t, hy_lead_no lead, bool *ret_changed);
