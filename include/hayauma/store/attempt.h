/* The attempt log: what was tried for a row and what came of it, appended by settle. Each attempt
 * names the one before it for the same row, so that a row's last attempt leads to all of them. */
#pragma once
#include "hayauma/model/outcome.h"
#include "hayauma/model/recipient.h"
#include "hayauma/store/env.h"

enum {
    HY_ATTEMPT_HOST_MAX = 255,
    HY_ATTEMPT_SOURCE_MAX = 64,
    HY_ATTEMPT_CIPHER_MAX = 64,
    HY_ATTEMPT_TLS_NAME_MAX = 253
};

/* What was demanded of the connection, and by whom. Stored: never renumber. */
enum hy_attempt_policy {
    HY_ATTEMPT_POLICY_NONE = 0, /* not known: there was no connection, or an older record */
    HY_ATTEMPT_POLICY_NEVER = 1,
    HY_ATTEMPT_POLICY_OPPORTUNISTIC = 2,
    HY_ATTEMPT_POLICY_REQUIRED = 3, /* these four by the rule */
    HY_ATTEMPT_POLICY_VERIFIED = 4,
    HY_ATTEMPT_POLICY_STS_TESTING = 5,
    HY_ATTEMPT_POLICY_STS_ENFORCE = 6,
    HY_ATTEMPT_POLICY_DANE = 7,
    HY_ATTEMPT_POLICY_DANE_UNUSABLE = 8, /* records that only demand TLS */
};
/* "dane", "mta-sts enforce", "opportunistic" ...; "" = not known. */
const char *hy_attempt_policy_name(enum hy_attempt_policy p);
/* What became of looking at the certificate. Stored: never renumber. */
enum hy_attempt_check {
    HY_ATTEMPT_CHECK_NONE = 0, /* nobody looked */
    HY_ATTEMPT_CHECK_GOOD = 1,
    HY_ATTEMPT_CHECK_HOST = 2,    /* of another name */
    HY_ATTEMPT_CHECK_EXPIRED = 3, /* or not valid yet */
    HY_ATTEMPT_CHECK_UNTRUSTED = 4,
    HY_ATTEMPT_CHECK_DANE = 5, /* no TLSA record matches */
    HY_ATTEMPT_CHECK_OTHER = 6,
};
/* "verified", "certificate not trusted" ...; "" = nobody looked. */
const char *hy_attempt_check_name(enum hy_attempt_check c);

/* What it means for the address: settle tells the suppression list in its own transaction. Kept in
 * the in-flight table, not in the log: never renumber. */
enum hy_attempt_effect {
    HY_EFFECT_NONE = 0,
    HY_EFFECT_RESET = 1, /* delivered, and the address may have soft bounces */
    HY_EFFECT_SOFT = 2,  /* a bounce that counts */
    HY_EFFECT_HARD = 3,  /* nothing more should go there */
};

struct hy_attempt {
    hy_id id;                 /* set by settle; its time is the settling's */
    hy_id previous;           /* the row's attempt before this one, 0 = none */
    struct hy_rcpt_ref ref;   /* ref.attempts: how many the row had before this one */
    enum hy_rcpt_state state; /* the row's state after it */
    enum hy_attempt_effect effect;
    uint32_t tenant;           /* on whose suppression list; not in the log, either */
    uint32_t due_s;            /* when DEFERRED */
    struct hy_outcome outcome; /* text: a view */
    hy_wall_ms started;        /* 0 = nothing was sent (expired, suppressed ...) */
    uint32_t duration_ms;
    struct hy_str mx_host; /* views; longer ones are cut to their maximum when stored */
    uint8_t mx_ip[16];     /* IPv6, or ::ffff:a.b.c.d; zeroed = none */
    struct hy_str source;  /* name of the source it left from */
    uint16_t tls_version;  /* 0x0304 = TLS 1.3; 0 = plain */
    struct hy_str tls_cipher;
    enum hy_attempt_policy tls_policy;
    enum hy_attempt_check tls_check;
    struct hy_str tls_name; /* that the certificate was checked against; empty = none */
    uint32_t size_bytes;    /* of the message as sent, 0 = not sent */
    bool is_dsn_passed_on;  /* the server knows DSN and got what the sender wishes to be told */
};

/* A row that was given up while its message was on the wire keeps its state after a deferral: its
 * end was noted when it was given up. Whoever counts ends counts none here. */
bool hy_attempt_was_over(const struct hy_attempt *a);
/* A bounce that came back after the delivery is a record of the row, and a late-bounce besides:
 * whoever counts ends counts nothing here. */
bool hy_attempt_came_back(const struct hy_attempt *a);

/* Views die with the transaction. HY_ENOTFOUND, HY_ECORRUPT. */
HY_MUST_USE int hy_attempt_get(struct hy_txn *t, hy_id id, struct hy_attempt *ret);
/* The first attempt with an id greater than `after`: the log in order of time. HY_ENOTFOUND. */
HY_MUST_USE int hy_attempt_next(struct hy_txn *t, hy_id after, struct hy_attempt *ret);
/* Attempts older than this were trimmed; chains may end here. 0 = none were. */
HY_MUST_USE int hy_attempt_floor(struct hy_txn *t, hy_id *ret_floor);
