/* The parts of receiving: who owns what.
 *
 *   listener --accept--> session (loop) --login--> gate (thread) --login--> session
 *                           |--submit--> writer --stored--> session
 *
 * Sessions belong to the loop's thread. A login or a message on its way keeps its session alive;
 * the answer comes through the mailbox. */
#pragma once
#include <pthread.h>

#include "hayauma/base/list.h"
#include "hayauma/base/tally.h"
#include "hayauma/deliver/submit.h"
#include "hayauma/io/conn.h"
#include "hayauma/io/loop.h"
#include "hayauma/io/mailbox.h"
#include "hayauma/io/thread.h"
#include "hayauma/receive/receive.h"
#include "hayauma/smtp/server.h"

enum { MSG_LOGIN = 1, MSG_STORED, MSG_CLOSE };
enum { PASSWORD_MAX = 512 };

struct listener {
    struct hy_receive *r;
    struct hy_watch *watch;
    int fd;
    bool is_tls;
};

/* A password, or what a proof was worth, on its way to the gate and back. */
struct login {
    struct hy_msg msg;
    bool is_out;              /* the gate has it */
    bool is_scram, is_proved; /* no password, but a proof; whether it was good */
    bool is_good;
    bool is_slowed; /* too many failures: nobody looked */
    struct hy_receive_policy *policy;
    uint64_t from; /* hash of the client's network */
    char user[HY_SMTP_SERVER_NAME_MAX + 1];
    char password[PASSWORD_MAX + 1];
};

struct inbound {
    struct hy_list link;
    struct hy_receive *r;
    struct hy_receive_policy *policy;
    struct hy_conn *conn; /* NULL once closed */
    bool is_tls_listener, is_trusted, is_open, is_blocked;
    bool is_storing; /* the writer has `submit` */
    struct hy_smtp_server_settings settings;
    struct hy_smtp_server smtp;
    struct hy_timer timer;
    struct hy_buf in;     /* read and not taken yet */
    struct hy_buf edited; /* the message as it is stored */
    uint64_t counted;     /* of r->content_bytes */
    const struct hy_user *user;
    struct hy_submit submit;
    struct hy_spool_rcpt *rcpts;
    struct returning *returning; /* a mail that came back, while intake has it */
    struct hy_msg stored;        /* MSG_STORED */
    int stored_err;
    char client[HY_SOCKADDR_TEXT_MAX];
    char who[HY_SPOOL_WHO_MAX + 1];
    char from_domain[HY_DOMAIN_MAX + 1];
    char message_id[HY_SPOOL_MESSAGE_ID_MAX + 1];
    struct login login;
};

/* A tenant whose quota was found to be used up, and until when. */
struct shut {
    uint32_t tenant;
    struct hy_quota_verdict verdict;
};
enum { SHUT_MAX = 1024 }; /* those beyond find out with their message */

struct hy_receive {
    struct hy_deliver *deliver;
    struct hy_loop *loop;
    struct hy_mailbox *mailbox;
    struct hy_thread *thread, *gate_thread;
    struct gate *gate;
    struct listener listeners[HY_RECEIVE_LISTENERS_MAX];
    size_t n_listeners;
    struct hy_list sessions;
    struct hy_list proxied; /* connections whose proxy has not said who they are */
    uint32_t n_proxied;
    uint32_t n_sessions;
    uint64_t content_bytes;     /* of messages on their way in */
    struct hy_tally tally;      /* connections by network; the loop's */
    struct shut shut[SHUT_MAX]; /* by number; the loop's */
    bool is_shut_stale;         /* a reload may have given them more: under policy_lock */
    bool is_closing;
    struct hy_timer close_timer, pause_timer;
    struct hy_msg close_msg;
    pthread_mutex_t policy_lock;
    struct hy_receive_policy *policy;
    struct hy_receive_counters counters;
};

/* The newest policy, with a reference for the caller. */
struct hy_receive_policy *receive_policy(struct hy_receive *r);

/* inbound.c; the loop's thread */
void inbound_open(struct hy_receive *r, int fd, const struct hy_sockaddr *peer, bool is_tls);
void inbound_shut(struct inbound *s); /* 421, or behind the reply that is due */
void inbound_cut(struct inbound *s);
void inbound_login_done(struct inbound *s);
void inbound_stored(struct inbound *s);

/* proxied.c; the loop's thread. False: the peer is no proxy, and the descriptor is the caller's. */
bool proxied_open(struct hy_receive *r, int fd, const struct hy_sockaddr *peer, bool is_tls);
void proxied_cut_all(struct hy_receive *r);

/* message.c; the loop's thread: the message of a session is checked and handed in, or refused with
 * *ret. False: the answer comes later. */
bool message_take(struct inbound *s, struct hy_smtp_server_answer *ret, char *room, size_t room_n);
/* Whether mail of the client would be refused for its quota: then *ret says so, in `room`. */
bool message_is_shut(struct inbound *s, struct hy_smtp_server_answer *ret, char *room,
                     size_t room_n);
/* What became of it. */
struct hy_smtp_server_answer message_answer(struct inbound *s, int err, char *room, size_t room_n);

/* intake_session.c; the loop's thread: the same for a mail that came back. */
bool returning_take(struct inbound *s, struct hy_smtp_server_answer *ret);
struct hy_smtp_server_answer returning_answer(struct inbound *s, int err);
/* Whether mail to the address is taken; else the refusal is in *ret. */
bool returning_accepts(const struct inbound *s, struct hy_str address,
                       struct hy_smtp_server_answer *ret);

/* gate.c: checks passwords on a thread of its own. */
int gate_create(struct hy_receive *r, struct gate **ret);
void gate_run(void *gate);
void gate_close(struct gate *g); /* lets gate_run end */
void gate_free(struct gate *g);
/* Takes the login until MSG_LOGIN brings it back; false when too many wait. */
bool gate_ask(struct gate *g, struct login *l);
