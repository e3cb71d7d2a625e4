/* Messages that come from files, each exactly once: the file's name goes into the store in the
 * transaction of its message, so that whoever was killed before the file was deleted knows. */
#pragma once
#include "hayauma/store/spool.h"

enum { HY_MAILDROP_NAME_MAX = 64 };

struct hy_maildrop_job {
    struct hy_spool_job spool; /* first; set its message, and its quota or is_free */
    char name[HY_MAILDROP_NAME_MAX + 1];
};
/* done: 0, and the message is durable; HY_EEXIST: it was taken before. Else as hy_spool_job. */
void hy_maildrop_job_init(struct hy_maildrop_job *j);

/* Files that are gone need not be remembered. `names`: packed, each ended by NUL, `n` of them. */
struct hy_maildrop_forget {
    struct hy_write_req req; /* first; done is the caller's */
    const char *names;
    size_t n;
};
void hy_maildrop_forget_init(struct hy_maildrop_forget *f, const char *names, size_t n);

/* The first name behind `after` ("": the first of all) that is remembered. HY_ENOTFOUND. */
HY_MUST_USE int hy_maildrop_next(struct hy_txn *t, const char *after,
                                 char ret[HY_MAILDROP_NAME_MAX + 1]);
