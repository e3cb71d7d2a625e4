/* The server dialogue's insides: one file a verb, all of them reached through the table in
 * server.c. */
#pragma once
#include "hayauma/smtp/server.h"

enum smtpd_state {
    SMTPD_COMMAND, /* a line is awaited */
    SMTPD_AUTH,    /* a line of an AUTH exchange */
    SMTPD_DATA,    /* content up to CRLF.CRLF */
    SMTPD_BDAT,    /* chunk_left bytes of content */
    SMTPD_SWALLOW, /* the rest of a line that is too long */
    SMTPD_ASKING,  /* the driver has a question */
    SMTPD_TLS,     /* the handshake */
    SMTPD_OVER,
};

enum smtpd_fault {
    SMTPD_GOOD = 0,
    SMTPD_BARE, /* CR or LF by itself */
    SMTPD_NUL,
    SMTPD_TOO_BIG,
    SMTPD_NO_MEMORY,
};

/* ---- replies ---- */
void smtpd_reply(struct hy_smtp_server *s, unsigned code, const char *text);
/* With an enhanced status of the code's own class. */
void smtpd_status(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                  const char *text);
/* The same for what the client did wrong: after too many the session ends. */
void smtpd_refuse(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                  const char *text);
/* The reply, and nothing more. */
void smtpd_end(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
               const char *text);

/* ---- parts ---- */
void smtpd_ask(struct hy_smtp_server *s, enum hy_smtp_server_ask_kind kind);
void smtpd_forget_mail(struct hy_smtp_server *s);
/* The dialogue as after EHLO was never said. */
void smtpd_forget_helo(struct hy_smtp_server *s);
/* False, and refused: the verb takes no argument. */
bool smtpd_takes_none(struct hy_smtp_server *s, struct hy_str arg);
/* False, and refused: there is no transaction with a recipient. */
bool smtpd_has_rcpts(struct hy_smtp_server *s);

/* path.c: "<address>" at the front of `arg`, which moves behind it and the spaces. */
enum smtpd_path { SMTPD_PATH_GOOD, SMTPD_PATH_NULL, SMTPD_PATH_SYNTAX, SMTPD_PATH_ADDRESS };
struct hy_address;
enum smtpd_path smtpd_path(struct hy_str *arg, struct hy_address *ret);
/* The next "NAME=value" parameter; false at the end. */
bool smtpd_param(struct hy_str *rest, struct hy_str *ret_name, struct hy_str *ret_value);
/* xtext of RFC 3461: printable ASCII without + and =, or +XX. */
bool smtpd_is_xtext(struct hy_str s);

/* ---- content ---- */
size_t smtpd_data_input(struct hy_smtp_server *s, const char *p, size_t n);
size_t smtpd_bdat_input(struct hy_smtp_server *s, const char *p, size_t n);
/* Asks the driver, or refuses what has a fault. */
void smtpd_content_done(struct hy_smtp_server *s);

/* ---- AUTH ---- */
enum smtpd_auth_step {
    SMTPD_AUTH_PLAIN,
    SMTPD_AUTH_LOGIN_USER,
    SMTPD_AUTH_LOGIN_PASSWORD,
    SMTPD_AUTH_SCRAM_FIRST,
    SMTPD_AUTH_SCRAM_PLUS_FIRST,
    SMTPD_AUTH_SCRAM_FINAL,
    SMTPD_AUTH_SCRAM_LAST, /* the client knows that we know it */
};
void smtpd_auth_line(struct hy_smtp_server *s, struct hy_str line);
/* The driver's answer to ASK_AUTH, or its refusal of ASK_SCRAM; `text` is what it says. */
void smtpd_auth_answered(struct hy_smtp_server *s, const struct hy_smtp_server_answer *a,
                         const char *text);
/* Refuses, and ends the exchange. */
void smtpd_auth_fail(struct hy_smtp_server *s, unsigned code, unsigned subject, unsigned detail,
                     const char *text);
/* The next line of the exchange is awaited; `text`, any bytes, is said before. */
void smtpd_auth_go_on(struct hy_smtp_server *s, enum smtpd_auth_step step, struct hy_str text);
/* What the exchange knows is overwritten. */
void smtpd_auth_wipe(struct hy_smtp_server *s);
/* False, and refused: the name is none. */
bool smtpd_auth_user(struct hy_smtp_server *s, struct hy_str user);

/* server_scram.c: what the client said, decoded. */
void smtpd_scram_first(struct hy_smtp_server *s, struct hy_str message, bool is_plus);
void smtpd_scram_final(struct hy_smtp_server *s, struct hy_str message);
/* It was right: our proof to the client. */
void smtpd_scram_last(struct hy_smtp_server *s);

/* The time for the next line begins. */
void smtpd_set_deadline(struct hy_smtp_server *s);

/* ---- verbs: `arg` is the line behind the verb, spaces around it gone ---- */
typedef void smtpd_verb(struct hy_smtp_server *s, struct hy_str arg);
smtpd_verb smtpd_ehlo, smtpd_helo, smtpd_mail, smtpd_rcpt, smtpd_data, smtpd_bdat, smtpd_rset,
    smtpd_noop, smtpd_quit, smtpd_vrfy, smtpd_help, smtpd_starttls, smtpd_auth;
