/* Delivery status notifications (RFC 3464, 6522, 6533): what a sender is told of its message. Pure;
 * any thread. */
#pragma once
#include "hayauma/base/clock.h"
#include "hayauma/mail/header.h"
#include "hayauma/model/outcome.h"

enum hy_dsn_action {
    HY_DSN_FAILED = 1,
    HY_DSN_DELAYED = 2,
    HY_DSN_RELAYED = 3, /* to a server that reports no deliveries */
};

/* Views, for the length of the call. Of what a stranger wrote, nothing is trusted: it is cut,
 * folded and cleaned of what cannot stand in a field. */
struct hy_dsn_rcpt {
    enum hy_dsn_action action;
    struct hy_str address;     /* wire form */
    struct hy_str orcpt;       /* "type;xtext" (RFC 3461 4.2); empty: not said */
    struct hy_enhanced status; /* class 0: a general one of the action */
    uint16_t code;             /* of the reply; 0 = none */
    struct hy_str words;       /* the server's, or ours */
    bool is_from_server;
    bool is_expired;          /* it failed because its time was over */
    struct hy_str host;       /* that was asked; empty: none */
    hy_wall_ms tried;         /* last attempt; 0 = none */
    hy_wall_ms retried_until; /* DELAYED: when it will be given up; 0 = not said */
    uint64_t log_id;          /* of the attempt in our log; 0 = none */
};

struct hy_dsn {
    struct hy_header_mailbox from;
    struct hy_str to;   /* the sender of the message, wire form */
    struct hy_str host; /* our name */
    struct hy_str id;   /* of the report's Message-ID, without brackets: unique for ever */
    hy_wall_ms date;
    int utc_offset_min;
    hy_wall_ms arrival;       /* when the message came in */
    struct hy_str envid;      /* xtext as it came; empty: none */
    struct hy_str message_id; /* of the message, with brackets; may be empty */
    struct hy_str header;     /* of the message, with the empty line; empty: it is gone */
    struct hy_str body;       /* of the message: tells its language, and is returned when */
    bool is_full;             /* all of it is to be */
    const struct hy_dsn_rcpt *rcpts;
    size_t n_rcpts; /* 1.. */
};
struct hy_dsn_output {
    size_t header_bytes; /* with the empty line */
    bool has_8bit;
};

enum {
    HY_DSN_HEADER_MAX = 65536, /* bytes of the message's header that are returned */
    HY_DSN_RCPTS_MAX = 1000,   /* further ones go into the next report */
};

/* Appends the report: CRLF line ends, no line longer than 998 bytes. Its words are English, and
 * Japanese before that when the message is. HY_EINVAL: no recipient or too many, or an address that
 * cannot stand in a field; HY_ELIMIT, HY_ENOMEM of `out`; then `out` is as long as before. */
HY_MUST_USE int hy_dsn_write(const struct hy_dsn *d, struct hy_buf *out, struct hy_dsn_output *ret);

/* Whether a message is in Japanese, by its charsets, Content-Language and kana in its Subject, From
 * or in the first bytes of its body. */
bool hy_dsn_is_japanese(struct hy_str header, struct hy_str body);
