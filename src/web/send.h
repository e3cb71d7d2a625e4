/* A call that hands messages in, on its way from JSON to the store.
 *
 *   send_read   the body is checked, every mistake with its place
 *   send_make   messages are written
 *   (messages.c) they are handed in, and the answer says what became of whom
 *
 * The first two may run on the thread for large bodies: they answer nothing, but leave what is
 * wrong in `fault`. All memory is the call's. */
#pragma once
#include "call.h"
#include "hayauma/deliver/submit.h"
#include "hayauma/mail/header.h"
#include "hayauma/mail/message.h"
#include "hayauma/store/once.h"

enum {
    SEND_TAGS_MAX = 32,
    SEND_TAG_BYTES_MAX = 64,
    SEND_CONTENT_MAX = 32 << 20, /* bytes of all messages of a call */
    SEND_AHEAD_DAYS = 366,       /* send_at */
};

enum send_kind { SEND_PARTS = 0, SEND_TEMPLATE, SEND_RAW };
enum send_list { SEND_TO = 0, SEND_CC, SEND_BCC, SEND_OWN, SEND_LISTS };

struct send_rcpt {
    struct hy_str email, name; /* as given */
    struct hy_str wire;
    enum send_list list;
    uint32_t index;               /* in its list */
    bool is_text;                 /* a string, no object */
    json_t *variables, *metadata; /* borrowed; NULL = none */
    const char *code;             /* why it gets nothing; NULL: it does */
    const char *message;          /* the same for people */
};

/* Why the whole call is refused. */
struct send_fault {
    int status; /* 0: it is not */
    int err;    /* instead of a status: one of ours */
    char code[40];
    char field[160];
    char message[400];
};

struct send {
    struct web_call *call;
    struct hy_txn *txn; /* a snapshot, while it is read and made */
    struct send_fault fault;
    enum send_kind kind;
    bool is_personal; /* each recipient has a message of its own */
    /* read */
    struct hy_header_mailbox from, reply_to;
    struct hy_str sender; /* wire form */
    struct hy_str subject, text, html, raw;
    struct hy_buf
        stored; /* the template that was named: subject, text and html are views into it */
    struct hy_str template_name; /* empty: none was named */
    uint32_t template_version;
    struct hy_message_header *headers;
    size_t n_headers;
    struct hy_message_file *files; /* inline images first */
    size_t n_files, n_images;
    struct send_rcpt *rcpts;
    size_t n_rcpts, n_good;
    json_t *variables, *metadata, *tags;
    hy_wall_ms now, send_at;
    enum hy_spool_priority priority;
    struct hy_once once; /* key.n 0: none */
    /* made */
    struct hy_spool_message *messages;
    struct send_rcpt **first_of; /* of each message that is personal: its recipient */
    size_t n_messages;
    size_t content_bytes;
    struct hy_message *template;
    struct hy_rendered rendered;
    struct hy_buf out; /* of the only message */
    char who[HY_SPOOL_WHO_MAX + 1];
    /* handed in */
    struct hy_submit_batch submit;
    int err; /* of the writer */
    bool is_replay;
    struct hy_buf answer;
};
/* The files behind the inline images; NULL when there are no files at all. */
static inline struct hy_message_file *send_attachments(const struct send *s)
{
    return s->files ? s->files + s->n_images : NULL;
}

/* Notes the first fault and returns HY_EINVAL. `field` may be NULL. */
int send_fail(struct send *s, int status, const char *code, const char *field, const char *fmt, ...)
    HY_PRINTF(5, 6);
/* One of ours, such as HY_ENOMEM. */
int send_fail_err(struct send *s, int err);

/* send_read.c: 0, or the fault is noted. */
int send_read(struct send *s);
/* send_json.c: the pieces of the body; as above. */
int send_read_json(struct send *s, json_t *body);
/* send_address.c */
int send_read_mailbox(struct send *s, const json_t *value, const char *field,
                      struct hy_header_mailbox *ret);
int send_add_rcpts(struct send *s, json_t *list, enum send_list which, const char *field);
int send_add_rcpt(struct send *s, struct hy_str email, enum send_list which, uint32_t index);
/* "to[3].email" */
const char *send_rcpt_field(const struct send_rcpt *r, char out[64]);
/* Whether mail of who asks may be from there. */
bool send_may_use(const struct send *s, struct hy_str domain);

/* send_make.c: 0, or the fault is noted. */
int send_make(struct send *s);
/* send_template.c: the personal message of each recipient. */
int send_make_rendered(struct send *s);
/* What has been written becomes message `i`, to `n` recipients from `rcpts` on. */
int send_add_message(struct send *s, struct hy_str content, bool is_kept, uint32_t header_bytes,
                     uint8_t flags, struct hy_str from_domain, struct hy_str message_id,
                     struct send_rcpt *const *rcpts, size_t n);
/* A new Message-ID with its brackets, in the arena; empty: no memory. */
struct hy_str send_message_id(struct send *s);

/* send_answer.c: {"accepted", "messages", "rejected"}; the ids are known. */
void send_put_answer(const struct send *s, struct hy_buf *out);
