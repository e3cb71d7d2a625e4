/* The SMTP client dialogue (RFC 5321) as a pure engine: bytes in, bytes out, events for the driver.
 *
 * The driver owns the socket and the TLS layer and does, whenever something happened:
 *
 *     read:    while (n > 0) { used = input(c, p, n, now); p += used; n -= used; drain(); }
 *     drain:   while (next_event(c, &ev)) ...;         // submit() may be called in between
 *     write:   drain(); n_iov = output(c, iov, max); writev(); wrote(c, written, now); drain();
 *     timer:   when now >= deadline(c): timeout(c, now); drain(); write
 *
 * until CLOSED, after which the client is dead and may be started again.
 *
 * input() takes fewer bytes than it got when a RESULT is waiting, because the words of an outcome
 * live in the client: drain and offer the rest again. After the end it takes and drops everything.
 *
 * With PIPELINING one round trip carries a message: the end of message n goes out in one write with
 * MAIL, RCPT and DATA of message n+1 (RFC 2920 3.1), if n+1 was submitted when READY said so.
 *
 * Not thread-safe: one owner. No memory of its own: everything lives in struct hy_smtp_client. */
#pragma once
#include <sys/uio.h>

#include "hayauma/base/clock.h"
#include "hayauma/model/outcome.h"
#include "hayauma/smtp/reply.h"

enum {
    HY_SMTP_RECIPIENTS_MAX = 100,
    HY_SMTP_PIECES_MAX = 4,
    HY_SMTP_EHLO_NAME_MAX = 255,
    HY_SMTP_OUT_MAX = 832, /* commands waiting to be written; a RCPT with ORCPT is the longest */
    HY_SMTP_ENVID_MAX = 300,
    HY_SMTP_ORCPT_MAX = 500,
    HY_SMTP_DOT_WINDOW = 65536,  /* DOT is announced when at most this much content is left */
    HY_SMTP_BODY_RATE_MIN = 500, /* bytes a second: a peer that reads slower than this for longer
                                    than two block time-outs is given up */
};

/* Values as in enum hy_tls_policy of shape/limits.h. */
enum hy_smtp_tls {
    HY_SMTP_TLS_NEVER = 0,
    HY_SMTP_TLS_OPPORTUNISTIC = 1, /* where offered; plain text otherwise */
    HY_SMTP_TLS_REQUIRED = 2,      /* or the connection ends, deferred */
    HY_SMTP_TLS_VERIFIED = 3,      /* and with a certificate that the driver found good */
};

/* Each for one wait (RFC 5321 4.5.3.2); a reply has to be complete in this time, however slowly its
 * bytes drip. All > 0. */
struct hy_smtp_client_timeouts {
    hy_us banner_us, ehlo_us /* also STARTTLS and RSET */, tls_us, mail_us, rcpt_us, data_us,
        block_us /* body: without progress */, dot_us, quit_us, idle_us;
};

struct hy_smtp_settings {
    struct hy_str ehlo_name; /* 1..HY_SMTP_EHLO_NAME_MAX printable ASCII without spaces */
    enum hy_smtp_tls tls;
    bool use_pipelining; /* where offered */
    bool use_chunking;   /* BDAT instead of DATA where offered (RFC 3030) */
    bool use_helo;       /* do not try EHLO: a server that hangs up on it (hint RETRY_HELO) */
    struct hy_smtp_client_timeouts timeouts;
};
/* The RFC's time-outs, pipelining on, TLS opportunistic, no EHLO name. */
void hy_smtp_settings_init(struct hy_smtp_settings *s);

/* What the sender wishes to be told (RFC 3461), passed on to servers that know DSN. */
struct hy_smtp_dsn {
    struct hy_str envid; /* xtext; empty: not said */
    uint8_t ret;         /* 0 not said, 1 HDRS, 2 FULL */
    const struct hy_smtp_dsn_rcpt {
        uint8_t notify;      /* 0 not said; 1 never; sums of 2 success, 4 failure, 8 delay */
        struct hy_str orcpt; /* "type;xtext"; empty: not said */
    } * rcpts;               /* as many as recipients */
};

/* One message with its envelope. The caller keeps it and all it points to unchanged until the
 * RESULT marked `is_last`; the content bytes only until CONTENT_DONE, if that comes earlier (no
 * RETURNED comes after it). */
struct hy_smtp_message {
    struct hy_str sender;            /* wire form without brackets; empty for the null sender */
    const struct hy_str *recipients; /* wire form: see hy_lead_view.address */
    size_t n_recipients;             /* 1..HY_SMTP_RECIPIENTS_MAX */
    struct hy_str pieces[HY_SMTP_PIECES_MAX]; /* header and body, CRLF line ends */
    size_t n_pieces;                          /* 0..HY_SMTP_PIECES_MAX */
    bool is_8bit;                             /* has bytes >= 0x80: needs 8BITMIME */
    bool needs_smtputf8; /* headers in UTF-8 (addresses in UTF-8 are found here) */
    bool is_clean;       /* the caller vouches: CRLF only, ends in CRLF, no NUL, no line starts with
                            '.'; saves the scan. Otherwise dots are stuffed while writing, and content
                            with a bare CR, a bare LF or a NUL is bounced */
    bool needs_tls;      /* REQUIRETLS (RFC 8689): only over TLS with a certificate that was found
                            good, to a server that passes this on; bounced otherwise */
    const struct hy_smtp_dsn *dsn; /* NULL: nothing is wished */
    void *opaque;                  /* given back in events */
};

enum hy_smtp_event_kind {
    HY_SMTP_EVENT_START_TLS = 1, /* do the handshake on the connection, then call tls_done() */
    HY_SMTP_EVENT_READY,         /* a message may be submitted now (see can_submit) */
    HY_SMTP_EVENT_DOT, /* the end of this message's data will be in the next output(): mark it in
                          flight before writing. Output holds it back until this event is taken */
    HY_SMTP_EVENT_CONTENT_DONE, /* all content bytes are written: the content may be freed */
    HY_SMTP_EVENT_RESULT, /* what became of one recipient; exactly one each, whatever happens */
    HY_SMTP_EVENT_CLOSED, /* the last event: close the socket */
};

enum hy_smtp_closed {
    HY_SMTP_CLOSED_QUIT = 1, /* we said QUIT: asked to, or idle too long */
    HY_SMTP_CLOSED_IDLE,     /* the peer ended it between messages (close or 421) */
    HY_SMTP_CLOSED_REFUSED,  /* the peer refused: banner, EHLO, STARTTLS, 421 */
    HY_SMTP_CLOSED_LOST,     /* end of stream, or a socket error */
    HY_SMTP_CLOSED_TIMEOUT,
    HY_SMTP_CLOSED_PROTOCOL, /* malformed, endless, early or misplaced reply, injected bytes */
    HY_SMTP_CLOSED_TLS,      /* handshake failed, not offered though required, not verified */
    HY_SMTP_CLOSED_ABORTED,  /* abort() */
};

/* What the next connection to this host should do differently. */
enum hy_smtp_hint {
    HY_SMTP_HINT_NONE = 0,
    HY_SMTP_HINT_PLAIN, /* TLS is broken there and the policy is opportunistic: do without */
    HY_SMTP_HINT_HELO,  /* it hung up on EHLO: settings.use_helo */
};

struct hy_smtp_event {
    enum hy_smtp_event_kind kind;
    const struct hy_smtp_message *message; /* DOT, CONTENT_DONE, RESULT */
    void *opaque;                          /* message->opaque */
    size_t recipient;                      /* RESULT: index */
    bool is_last;                          /* RESULT: the message's last */
    /* RESULT: the recipient's. CLOSED: what the end of the connection means for messages that wait
     * for this host and were not submitted: DEFERRED with spoils HOST or STREAM when it never got
     * to READY, else RETURNED. The text is valid until the next call of any function but
     * next_event(); for CLOSED until the client is started again. */
    struct hy_outcome outcome;
    enum hy_smtp_closed closed; /* CLOSED */
    enum hy_smtp_hint hint;     /* CLOSED */
};

enum hy_smtp_capability {
    HY_SMTP_CAP_EHLO = 1 << 0, /* EHLO was understood */
    HY_SMTP_CAP_PIPELINING = 1 << 1,
    HY_SMTP_CAP_SIZE = 1 << 2,
    HY_SMTP_CAP_8BITMIME = 1 << 3,
    HY_SMTP_CAP_SMTPUTF8 = 1 << 4,
    HY_SMTP_CAP_ENHANCED = 1 << 5,
    HY_SMTP_CAP_CHUNKING = 1 << 6,
    HY_SMTP_CAP_STARTTLS = 1 << 7,
    HY_SMTP_CAP_DSN = 1 << 8,
    HY_SMTP_CAP_REQUIRETLS = 1 << 9,
};

struct hy_smtp_capabilities {
    uint32_t set;        /* of enum hy_smtp_capability */
    uint64_t size_limit; /* of SIZE; 0 = none stated */
};

/* Private from here on: one transaction, and the client. Two transactions are enough: while the
 * older one waits for the reply to its dot, the newer one has its envelope on the wire. */
enum { HY_SMTP_SET_WORDS = (HY_SMTP_RECIPIENTS_MAX + 63) / 64 };
struct hy_smtp_set {
    uint64_t w[HY_SMTP_SET_WORDS];
};

struct hy_smtp_cursor {
    uint8_t step; /* enum hy_smtp_step */
    uint8_t rcpt; /* within the RCPT step: a recipient's index */
};

struct hy_smtp_txn {
    const struct hy_smtp_message *msg; /* NULL: free */
    struct hy_smtp_cursor send, wait;  /* next command to write, next reply to come */
    bool mail_ok;                      /* MAIL was answered 2xx: the server has a transaction */
    bool has_dots;                     /* at line starts: to be stuffed */
    bool has_utf8;                     /* a recipient needs SMTPUTF8 */
    bool data_sent;                    /* DATA was written */
    bool is_touched;                   /* its MAIL was answered */
    bool is_late;                      /* its MAIL came to a connection long idle */
    bool dot_told;                     /* the DOT event was taken */
    bool dot_begun;                    /* bytes of the end of data are on the wire */
    bool tell_content_done;
    struct hy_smtp_set wanted;   /* passed our own checks: get a RCPT */
    struct hy_smtp_set pending;  /* have no result yet */
    struct hy_smtp_set accepted; /* RCPT was answered 2xx */
    struct hy_smtp_set report;   /* get `verdict` as result: RESULT events not taken yet */
    struct hy_outcome verdict;
};

/* How far the content of the older transaction is written. */
struct hy_smtp_content {
    uint64_t left;     /* bytes of content (before stuffing) to be written */
    size_t at;         /* offset in the piece */
    uint8_t piece;     /* index into msg->pieces */
    uint8_t tail_left; /* of the CRLF that the content lacks at its end */
    char prev;         /* the content byte before `at`; '\n' at the start */
    bool dot_stuffed;  /* the extra dot for the byte at `at` is written */
    bool is_on;        /* from the 354 (or BDAT) until the last byte is written */
};

struct hy_smtp_client {
    const struct hy_smtp_settings *settings;
    hy_us now, deadline, ready_since, body_deadline;
    struct hy_smtp_capabilities caps;
    uint8_t state; /* enum hy_smtp_state */
    uint8_t head;  /* index of the older transaction */
    uint8_t bye;   /* enum hy_smtp_closed: what CLOSED will say after our QUIT */
    uint8_t fate;  /* enum hy_smtp_closed: ended; CLOSED comes when the results are taken */
    uint8_t hint;
    bool is_tls, is_tls_good, need_rset, want_quit, ready_told, tell_tls;
    uint32_t done;                       /* transactions that ended on this connection */
    uint32_t put, written, replied;      /* commands generated, written in full, answered */
    uint16_t out_at, out_split, out_len; /* while content is on: out[at..split) goes before it */
    struct hy_smtp_txn txn[2];
    struct hy_smtp_content content;
    struct hy_outcome end; /* the outcome of CLOSED */
    struct hy_smtp_reply reply;
    char out[HY_SMTP_OUT_MAX];
};

/* Begins on a connection just opened. `settings` must outlive the dialogue. HY_EINVAL: bad name. */
HY_MUST_USE int hy_smtp_client_start(struct hy_smtp_client *c,
                                     const struct hy_smtp_settings *settings, hy_us now);
/* Bytes from the peer (decrypted, once TLS is on). Returns how many were taken: see the top. */
size_t hy_smtp_client_input(struct hy_smtp_client *c, const void *p, size_t n, hy_us now);
/* The peer closed the connection or the socket failed. Offer all input first. */
void hy_smtp_client_eof(struct hy_smtp_client *c, hy_us now);
/* When the next time-out is due (HY_US_NEVER after the end), and the call for when it came. A call
 * before its time does nothing. */
hy_us hy_smtp_client_deadline(const struct hy_smtp_client *c);
void hy_smtp_client_timeout(struct hy_smtp_client *c, hy_us now);
/* The handshake that START_TLS asked for has ended. */
enum hy_smtp_tls_result {
    HY_SMTP_TLS_FAILED = 0,
    HY_SMTP_TLS_UNVERIFIED, /* encrypted; the certificate does not prove the host's name */
    HY_SMTP_TLS_GOOD,
};
void hy_smtp_client_tls_done(struct hy_smtp_client *c, enum hy_smtp_tls_result result, hy_us now);
/* No further messages; ends with QUIT when those on the wire are answered. One that was submitted
 * but of which nothing was written yet is RETURNED. */
void hy_smtp_client_quit(struct hy_smtp_client *c, hy_us now);
/* Ends at once, as if the connection was lost now. */
void hy_smtp_client_abort(struct hy_smtp_client *c, hy_us now);

bool hy_smtp_client_can_submit(const struct hy_smtp_client *c);
/* Takes the message; HY_EBUSY when can_submit() is false, HY_EINVAL when counts or addresses exceed
 * their maxima. On an error nothing was taken and no RESULT comes. What is wrong with the message
 * itself (size, 8bit, address syntax, line ends) comes as a RESULT. */
HY_MUST_USE int hy_smtp_client_submit(struct hy_smtp_client *c, const struct hy_smtp_message *m,
                                      hy_us now);

/* Fills up to `max` (>= 1) pieces of what is to be written now, in order; returns how many, 0 for
 * none. Views are valid until the next call of any other function but next_event(). Until wrote()
 * the stream itself does not change: the next output() starts with the same bytes and may be
 * longer (so SSL_write can be retried, with SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), unless the
 * client ended. */
int hy_smtp_client_output(struct hy_smtp_client *c, struct iovec *iov, int max);
/* The first `n` bytes of the latest output() are written. Report each before calling eof(): whether
 * a message is in doubt depends on it. */
void hy_smtp_client_wrote(struct hy_smtp_client *c, size_t n, hy_us now);

/* Takes the next event; false when there is none. */
bool hy_smtp_client_next_event(struct hy_smtp_client *c, struct hy_smtp_event *ret_event);

/* Valid once READY was seen. */
const struct hy_smtp_capabilities *hy_smtp_client_capabilities(const struct hy_smtp_client *c);
bool hy_smtp_client_is_tls(const struct hy_smtp_client *c);
/* Content waits to be written, or is half written: what is submitted now leaves behind it. */
bool hy_smtp_client_is_in_content(const struct hy_smtp_client *c);
/* Transactions that ended on this connection, whatever their result. */
uint32_t hy_smtp_client_done(const struct hy_smtp_client *c);
/* What it waits for, in a word for people: "banner", "ehlo", ... "idle", "mail", "rcpt", "end". */
const char *hy_smtp_client_state(const struct hy_smtp_client *c);
const char *hy_smtp_closed_name(enum hy_smtp_closed closed); /* "quit" ... */
