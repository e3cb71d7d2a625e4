/* The SMTP server dialogue (RFC 5321) as a pure engine: bytes in, bytes out, questions to its
 * driver. The driver owns the socket, the TLS layer and all decisions:
 *
 *     read:    while ((used = input(s, p, n, now)) > 0) p += used, n -= used;   // then look at ask
 *     ask:     switch (ask(s)->kind) ... answer(s, &a, now), at once or later; then input again
 *     write:   output(s) is what is to be written, wrote(s, n) what was
 *     timer:   when now >= deadline(s): timeout(s, now); write; close when is_over(s)
 *
 * input() takes nothing while a question is open, while the other side reads no replies
 * (HY_SMTP_SERVER_OUT_MAX bytes wait), and from STARTTLS until tls_done(): bytes that came with the
 * STARTTLS line end the session, since they would be commands in the clear that pass for encrypted
 * ones. Only CRLF ends a line, only CRLF.CRLF ends a message: what has a bare CR or LF is refused,
 * whoever may read it otherwise behind us.
 *
 * Not thread-safe: one owner. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/model/lead.h"
#include "hayauma/model/outcome.h"
#include "hayauma/smtp/scram.h"

enum {
    HY_SMTP_SERVER_LINE_MAX = 4096, /* of a command, with CRLF (RFC 5321 4.5.3.1.4: 512, and what
                                       AUTH and parameters add) */
    HY_SMTP_SERVER_OUT_MAX = 8192,
    HY_SMTP_SERVER_NAME_MAX = 255, /* of EHLO, and of a user */
    HY_SMTP_SERVER_ENVID_MAX = 300,
    HY_SMTP_SERVER_ORCPT_MAX = 500,
};

struct hy_smtp_server_settings {
    struct hy_str host;  /* our name: 1..255 bytes, printable */
    uint64_t size_max;   /* bytes of a message */
    uint32_t rcpts_max;  /* of a message, 1.. */
    uint32_t errors_max; /* refused commands and recipients, then 421; 0 = 20 */
    uint32_t idle_max;   /* commands between messages, then 421; 0 = 100 */
    uint32_t auth_max;   /* refused AUTHs, then 421; 0 = 3 */
    bool offers_starttls;
    bool requires_tls;         /* for MAIL */
    bool offers_auth;          /* never without TLS */
    bool offers_scram;         /* with it: SCRAM-SHA-256 and -PLUS besides PLAIN and LOGIN */
    bool requires_auth;        /* for MAIL */
    bool asks_mail, asks_rcpt; /* the driver decides on each; otherwise all are taken */
    hy_us command_us;          /* for a whole line; 0 = 5 min */
    hy_us data_us;             /* between two pieces of a message; 0 = 3 min */
    hy_us session_us;          /* in all; 0 = 1 h */
};

enum hy_smtp_server_ask_kind {
    HY_SMTP_SERVER_ASK_NOTHING = 0,
    HY_SMTP_SERVER_ASK_TLS,     /* write the output, do the handshake, then tls_done() */
    HY_SMTP_SERVER_ASK_AUTH,    /* `user` with `password`, or `is_scram`: answer 235 or a refusal */
    HY_SMTP_SERVER_ASK_SCRAM,   /* the verifier of `user`: scram(), or a refusal */
    HY_SMTP_SERVER_ASK_MAIL,    /* `address` (empty: null sender) */
    HY_SMTP_SERVER_ASK_RCPT,    /* `address` */
    HY_SMTP_SERVER_ASK_MESSAGE, /* the message is complete: see hy_smtp_server_message */
};
struct hy_smtp_server_ask {
    enum hy_smtp_server_ask_kind kind;
    struct hy_str user, password, address; /* views, until the answer */
    enum hy_scram_binding binding;         /* ASK_SCRAM: what of the TLS session is wanted */
    bool is_scram, is_proved;              /* ASK_AUTH: whether the client knows the password */
};
/* The answer to ASK_SCRAM; used during the call. */
struct hy_smtp_server_scram {
    const struct hy_scram_verifier *verifier; /* a pretended one for who is not known */
    struct hy_str nonce;                      /* see hy_scram_challenge */
    struct hy_str binding;                    /* empty when none was asked for */
};
/* A reply; text: one line of printable ASCII, anything else is replaced by '?'. */
struct hy_smtp_server_answer {
    uint16_t code; /* 2xx takes it */
    struct hy_enhanced enhanced;
    struct hy_str text;
    bool closes; /* the session ends behind it */
};

struct hy_smtp_server_rcpt {
    struct hy_str address; /* wire form, as mail/address.h makes it */
    struct hy_str orcpt;   /* "type;xtext" */
    uint8_t notify;        /* as enum hy_dsn_notify of store/spool.h: 1 never, 2 success, 4, 8 */
};
/* The transaction whose message is complete; views, until the answer. */
struct hy_smtp_server_message {
    struct hy_str sender;
    struct hy_str envid;
    uint8_t ret; /* 0 not said, 1 HDRS, 2 FULL */
    bool is_8bit, is_smtputf8;
    bool needs_tls; /* REQUIRETLS (RFC 8689) */
    size_t n_rcpts;
    struct hy_str content; /* dots unstuffed */
};

/* Private from here on. */
struct hy_smtp_server_rcpt_at { /* in the buffer of texts */
    uint32_t at;
    uint16_t n, orcpt_n;
    uint8_t notify;
};
struct hy_smtp_server {
    const struct hy_smtp_server_settings *settings;
    hy_us now, began, deadline;
    uint8_t state; /* enum smtpd_state */
    uint8_t after; /* what a question was asked from */
    uint8_t content_state;
    uint8_t fault; /* of the content */
    uint8_t auth_step;
    bool is_tls, is_over, has_helo, is_ehlo, is_auth;
    bool has_mail, is_bdat, is_last_chunk, is_8bit, is_smtputf8, needs_tls;
    uint8_t ret;
    uint32_t errors, idle, auth_failures;
    uint64_t chunk_left, content_n;
    struct hy_smtp_server_ask ask;
    struct hy_buf out, line, texts, content;
    struct hy_smtp_server_rcpt_at *rcpts;
    uint32_t n_rcpts, rcpts_cap;
    uint16_t sender_n, envid_n;
    struct hy_smtp_server_rcpt_at pending; /* the recipient in question */
    char sender[HY_ADDRESS_MAX + 2];
    char envid[HY_SMTP_SERVER_ENVID_MAX];
    char helo[HY_SMTP_SERVER_NAME_MAX + 1];
    char user[HY_SMTP_SERVER_NAME_MAX + 1];
    struct hy_scram *scram; /* while AUTH speaks it */
};

/* Begins on a new connection, `is_tls` when it came encrypted; the greeting is in the output.
 * `settings` must outlive the session. */
void hy_smtp_server_init(struct hy_smtp_server *s, const struct hy_smtp_server_settings *settings,
                         bool is_tls, hy_us now);
void hy_smtp_server_free(struct hy_smtp_server *s);
/* How many bytes were taken: see the top. */
size_t hy_smtp_server_input(struct hy_smtp_server *s, const char *p, size_t n, hy_us now);
const struct hy_smtp_server_ask *hy_smtp_server_ask(const struct hy_smtp_server *s);
/* To the open question, but TLS. */
void hy_smtp_server_answer(struct hy_smtp_server *s, const struct hy_smtp_server_answer *a,
                           hy_us now);
/* The good answer to ASK_SCRAM. */
void hy_smtp_server_scram(struct hy_smtp_server *s, const struct hy_smtp_server_scram *x,
                          hy_us now);
void hy_smtp_server_tls_done(struct hy_smtp_server *s, hy_us now);
struct hy_str hy_smtp_server_output(const struct hy_smtp_server *s);
void hy_smtp_server_wrote(struct hy_smtp_server *s, size_t n);
/* The session ended: what is in the output goes out, then the connection is closed. */
bool hy_smtp_server_is_over(const struct hy_smtp_server *s);
hy_us hy_smtp_server_deadline(const struct hy_smtp_server *s);
void hy_smtp_server_timeout(struct hy_smtp_server *s, hy_us now);
/* 421, unless a message is being judged: then the session ends behind its reply. */
void hy_smtp_server_shut(struct hy_smtp_server *s, struct hy_str why);

/* While ASK_MESSAGE is open. */
void hy_smtp_server_message(const struct hy_smtp_server *s, struct hy_smtp_server_message *ret);
struct hy_smtp_server_rcpt hy_smtp_server_rcpt(const struct hy_smtp_server *s, size_t i);
/* As the client called itself; who it has proved to be, "" = nobody. */
const char *hy_smtp_server_helo(const struct hy_smtp_server *s);
const char *hy_smtp_server_user(const struct hy_smtp_server *s);
/* "ESMTPSA" ...: for a Received field (RFC 3848, RFC 6531 4.3). */
const char *hy_smtp_server_protocol(const struct hy_smtp_server *s);
