/* What people say on the page behind "unsubscribe": no more mail, mail again, which lists, which
 * language. Each is one transaction with the suppression, the places on lists, the activities, the
 * proof of consent and the note of what changed. Saying the same twice changes nothing twice. */
#pragma once
#include "hayauma/store/list.h"
#include "hayauma/store/writer.h"

enum {
    HY_WISH_LISTS_MAX = 64,    /* lists of a person that are told and taken */
    HY_WISH_LOOKED_MAX = 1000, /* lists that are looked at for them */
    HY_WISH_LANGUAGE_MAX = 35, /* bytes */
};

enum hy_wish_kind {
    HY_WISH_LEAVE,  /* no more marketing mail */
    HY_WISH_RETURN, /* that is withdrawn */
    HY_WISH_CHOOSE, /* lists and language */
};

struct hy_wish_list {
    hy_list_no no;
    bool is_wanted;
};

struct hy_wish {
    enum hy_wish_kind kind;
    hy_lead_no lead;
    hy_id campaign;                   /* whose mail brought the person here; 0: it is gone */
    uint32_t tenant;                  /* whose it is */
    uint32_t suppressor;              /* under which tenant its suppressions stand */
    const struct hy_wish_list *lists; /* of CHOOSE; others stay as they are */
    size_t n_lists;
    struct hy_str language; /* of CHOOSE; empty: it stays */
    struct hy_str source;   /* "one-click", "page" */
    uint8_t ip[16];
    struct hy_str agent; /* user agent */
    bool has_changed;    /* set: something is another now */
};

/* HY_ENOTFOUND: there is no such lead. Who left while the campaign is gone gets no marketing mail
 * of any tenant. A list is joined again only by who left it here. The writer's transaction. */
HY_MUST_USE int hy_wish_put(struct hy_txn *t, struct hy_wish *w);

/* The same as a request: when it is done with 0, it is durable. */
struct hy_wish_job {
    struct hy_write_req req; /* first; done is the caller's */
    struct hy_wish wish;     /* with all that it points to: lives until done */
};
/* Sets req (as soon as possible, refused while nothing can be committed), zeroes the rest. */
void hy_wish_job_init(struct hy_wish_job *j);

/* How it is now, for the page. */
struct hy_wishes {
    struct hy_str address;  /* a view; empty: the lead has none */
    struct hy_str language; /* its attribute; a view, may be empty */
    bool has_left;          /* no marketing mail is wanted */
    struct {
        hy_list_no no;
        struct hy_str name; /* a view */
        bool is_wanted;
    } lists[HY_WISH_LISTS_MAX]; /* that it is on, or left here */
    size_t n_lists;
};
/* HY_ENOTFOUND: no such lead. Any thread with a transaction. */
HY_MUST_USE int hy_wishes_of(struct hy_txn *t, hy_lead_no lead, uint32_t suppressor,
                             struct hy_wishes *ret);
