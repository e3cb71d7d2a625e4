/* Error codes of every hayauma function, and the note that tells a person what went wrong where. */
#pragma once
#include <stddef.h>

#define HY_MUST_USE       __attribute__((warn_unused_result))
#define HY_PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))

/* 0 or one of these. A remote 4xx/5xx reply is a value (model/outcome.h), never an error. */
enum hy_err {
    HY_OK = 0,
    HY_EINVAL = -1,        /* the caller's argument or the user's input is wrong */
    HY_ENOMEM = -2,        /* no memory */
    HY_ELIMIT = -3,        /* a stated maximum was reached */
    HY_ENOTFOUND = -4,     /* no such thing */
    HY_EEXIST = -5,        /* it is there already */
    HY_EIO = -6,           /* the operating system failed a read, write, open ...; errno tells */
    HY_EFULL = -7,         /* no space left on the disk, or the quota is reached */
    HY_EBUSY = -8,         /* somebody else has it; try again */
    HY_ECANCELED = -9,     /* the final call of a cancelled request */
    HY_ETIMEOUT = -10,     /* the time given ran out */
    HY_ECORRUPT = -11,     /* stored bytes do not mean anything */
    HY_EVERSION = -12,     /* stored by a newer hayauma */
    HY_EPARSE = -13,       /* outside bytes do not follow their grammar */
    HY_ECRYPTO = -14,      /* OpenSSL refused */
    HY_EAUTH = -15,        /* a signature or credential is wrong */
    HY_ECLOSED = -16,      /* the other side, or our own shutdown, ended it */
    HY_EUNSUPPORTED = -17, /* not possible with this peer, system or build */
    HY_EMORE = -18,        /* not an error: more input is needed to go on */
    HY_EQUOTA = -19,       /* what somebody may use is used up; see the verdict beside it */
    HY_E_LAST = HY_EQUOTA,
};

/* "HY_EFULL"; for codes outside the list "HY_E?". Any thread. */
const char *hy_err_name(int err);
/* "disk full", for people. Any thread. */
const char *hy_err_text(int err);

/* The first thing that went wrong, for a person: what, where and what to do. Filled by functions
 * that read people's input; its owner is the caller, usually on the stack. */
struct hy_diag {
    char text[512];
};

/* Writes the note unless one stands there already (the first cause wins), and returns `err`, so
 * that `return hy_fail(diag, HY_EINVAL, "...")` reads well. `diag` may be NULL. Any thread. */
int hy_fail(struct hy_diag *diag, int err, const char *fmt, ...) HY_PRINTF(3, 4);
