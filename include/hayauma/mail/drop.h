/* A message with its envelope as a file: what the sendmail command leaves for the daemon. Pure.
 *
 *   drop     = "hayauma-drop 1" LF
 *              "from " [address] LF
 *              [ "envid " xtext LF ] [ "ret " ("1" / "2") LF ]
 *              1*( "to " notify SP (orcpt / "-") SP address LF )
 *              "size " bytes LF LF
 *              message
 */
#pragma once
#include "hayauma/base/buf.h"

enum {
    HY_DROP_RCPTS_MAX = 10000,
    HY_DROP_LINE_MAX = 1024,
    HY_DROP_HEAD_MAX = HY_DROP_RCPTS_MAX * HY_DROP_LINE_MAX,
};

struct hy_drop_rcpt {
    struct hy_str address; /* wire form */
    struct hy_str orcpt;   /* "type;xtext"; empty: not said */
    uint8_t notify;        /* as enum hy_dsn_notify of store/spool.h */
};
struct hy_drop {
    struct hy_str sender; /* wire form; empty: the null sender */
    struct hy_str envid;  /* xtext; empty: not said */
    uint8_t ret;          /* 0 not said, 1 HDRS, 2 FULL */
    struct hy_str message;
    size_t n_rcpts; /* 1.. */
};

/* Appends the file. HY_EINVAL: what cannot stand in it; HY_ELIMIT, HY_ENOMEM. */
HY_MUST_USE int hy_drop_write(const struct hy_drop *d, const struct hy_drop_rcpt *rcpts,
                              struct hy_buf *out);
/* Views of `bytes`; `rcpts` holds HY_DROP_RCPTS_MAX. Addresses are any text: they are to be parsed.
 * HY_EPARSE: it is none, or not whole. */
HY_MUST_USE int hy_drop_read(struct hy_str bytes, struct hy_drop *ret, struct hy_drop_rcpt *rcpts);
