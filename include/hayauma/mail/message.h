/* A campaign's message: compiled once into ready pieces that the press threads share, then rendered
 * for one recipient after another, where only what differs is work. Template syntax, escaping by
 * place and system variables: docs/guides/templates.md. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/mail/header.h"
#include "hayauma/mail/token.h"

enum hy_transfer {
    HY_TRANSFER_AUTO = 0, /* 7bit, quoted-printable or base64, by what is shorter; never 8bit */
    HY_TRANSFER_7BIT = 1, /* a part that is not 7bit when rendered ends in HY_EUNSUPPORTED */
    HY_TRANSFER_8BIT = 2, /* needs 8BITMIME when a part holds such bytes */
    HY_TRANSFER_QP = 3,
    HY_TRANSFER_BASE64 = 4,
};
const char *hy_transfer_name(enum hy_transfer t); /* "quoted-printable" ... */

enum {
    HY_MESSAGE_TEXT_MAX = 4 << 20,  /* bytes of one template */
    HY_MESSAGE_FILES_MAX = 64,      /* images and attachments together */
    HY_MESSAGE_FILE_MAX = 16 << 20, /* bytes of one of them */
    HY_MESSAGE_HEADERS_MAX = 64,    /* custom header fields */
    HY_MESSAGE_LINKS_MAX = 4095,    /* links of a campaign */
    HY_MESSAGE_DEPTH_MAX = 8,       /* sections inside sections */
    HY_MESSAGE_LOOP_MAX = 1000,     /* turns of one loop; later elements are left out */
    HY_MESSAGE_ID_MAX = 320,        /* bytes of a Message-ID with its brackets */
};

/* A template and what messages call it ("newsletter.html"); `name` may be empty. */
struct hy_message_text {
    struct hy_str bytes; /* UTF-8, any line ends */
    struct hy_str name;
};

/* A custom header field: the value is a template, written as text (RFC 2047 where needed). Fields
 * that hayauma writes itself and Content-*, Bcc, Received, DKIM-Signature are refused. */
struct hy_message_header {
    struct hy_str name;
    struct hy_str value;
};

struct hy_message_file {
    struct hy_str name;  /* file name to show, UTF-8 */
    struct hy_str type;  /* "image/png"; empty = application/octet-stream */
    struct hy_str cid;   /* images: what <img src="cid:..."> names; ignored for attachments */
    struct hy_str bytes; /* contents */
};

/* What a campaign says. All bytes, no files; hy_message_compile copies what it needs. "template"
 * marks the fields where variables may stand. */
struct hy_message_source {
    struct hy_str from_address;  /* wire form (mail/address.h) */
    struct hy_str from_name;     /* template; may be empty */
    struct hy_str to_name;       /* template, e.g. "{{name}}"; may be empty */
    struct hy_str reply_to;      /* wire form; empty = no Reply-To */
    struct hy_str subject;       /* template */
    struct hy_message_text html; /* template; empty = text only */
    struct hy_message_text text; /* template; empty = made from the HTML. One must be there. */
    const struct hy_message_header *headers;
    size_t n_headers;
    const struct hy_message_file *images; /* inline, multipart/related */
    size_t n_images;
    const struct hy_message_file *attachments; /* multipart/mixed */
    size_t n_attachments;
};

/* Finds or makes the slot of a variable. An error refuses the template at that place: fill `diag`
 * or leave it, then the note is "unknown variable". HY_ENOTFOUND inside a section means a field
 * of its items. */
typedef int hy_message_slot_fn(void *ctx, struct hy_str name, uint16_t *ret_slot,
                               struct hy_diag *diag);

/* What is tracked and announced: a set. */
enum hy_message_flag {
    HY_MESSAGE_CLICKS = 1u << 0,      /* http(s) links of a and area in HTML become tokens */
    HY_MESSAGE_TEXT_CLICKS = 1u << 1, /* so do http(s) URLs of the text part */
    HY_MESSAGE_BEACON = 1u << 2,      /* an invisible image before </body> */
    HY_MESSAGE_UNSUBSCRIBE = 1u << 3, /* List-Unsubscribe, and -Post when base_url is https */
    HY_MESSAGE_BULK = 1u << 4,        /* Precedence: bulk */
};

struct hy_message_options {
    hy_message_slot_fn *slot; /* NULL: every variable that is not the system's is refused */
    void *slot_ctx;
    hy_id campaign;
    const struct hy_token_keys *keys; /* copied into stems; required */
    unsigned flags;                   /* of enum hy_message_flag */
    struct hy_str base_url;      /* "https://t.example.jp/", with or without the last slash; empty =
                                    nothing is tracked, no one-click unsubscribe, no view_url */
    struct hy_str return_domain; /* right side of return paths; required */
    struct hy_str return_prefix; /* "b" gives b+TOKEN@; empty = TOKEN@ */
    struct hy_str message_id_domain;  /* required */
    struct hy_str unsubscribe_mailto; /* address in List-Unsubscribe; empty = none */
    struct hy_str feedback_id; /* sender id: "Feedback-ID: CAMPAIGN:hayauma:ID"; empty = none */
    enum hy_mail_charset charset;
    enum hy_transfer html_transfer, text_transfer;
    int utc_offset_min; /* of the Date header: 540 for Japan; -720..840 */
    uint8_t seed[16];   /* random bytes: part boundaries come from them */
    size_t max_bytes;   /* of one rendered message; 0 = 32 MiB */
};

struct hy_message;

/* Checks and compiles. Errors: HY_EINVAL (a template or field is wrong; the note begins with
 * "name:line:column: " for templates), HY_ELIMIT, HY_ENOMEM, HY_EUNSUPPORTED (forced 7bit cannot
 * hold the text). Immutable afterwards: any thread. Not for the hot path. */
HY_MUST_USE int hy_message_compile(const struct hy_message_source *source,
                                   const struct hy_message_options *options, struct hy_diag *diag,
                                   struct hy_message **ret_message);
void hy_message_free(struct hy_message *m);

/* Links in the order of their numbers: link `i` of this array is number i + 1 in click tokens. A
 * URL of the text part that the HTML links to as well is the link of the HTML. */
struct hy_message_link {
    struct hy_str target; /* the URL as its template, HTML entities decoded; a view */
    bool is_personal;     /* it holds variables: hy_message_link_target makes it whole */
    bool in_text;         /* of the text part alone */
};
/* The number of the link that a click token names; in loops it holds the turn, too. */
static inline uint32_t hy_message_link_no(uint32_t link)
{
    return link % (HY_MESSAGE_LINKS_MAX + 1);
}
size_t hy_message_links(const struct hy_message *m, const struct hy_message_link **ret_links);

enum hy_message_part { HY_PART_HTML, HY_PART_TEXT, HY_PART_SUBJECT };

/* How a part goes out ("quoted-printable"); HY_TRANSFER_AUTO when the message has no such part. */
enum hy_transfer hy_message_transfer(const struct hy_message *m, enum hy_message_part part);

struct hy_render_input {
    const struct hy_str *slots; /* values by slot, UTF-8; absent = {NULL, 0} */
    size_t n_slots;             /* slots past this are absent */
    struct hy_str address;      /* wire form of the recipient (mail/address.h) */
    hy_lead_no lead;
    hy_wall_ms now; /* goes into Date */
};

/* A rendered message and the memory it is made in: one per press thread or per message in flight,
 * used again and again without allocating once it is warm. */
struct hy_rendered {
    struct hy_buf bytes;  /* header, empty line, body: CRLF lines of at most 998 bytes, not
                             dot-stuffed */
    size_t header_bytes;  /* of them the header, its last CRLF and the empty line included: the body
                             starts there */
    bool needs_8bitmime;  /* the body has bytes above 127 */
    bool needs_smtputf8;  /* an address, or a header field, has bytes above 127 */
    bool is_body_relaxed; /* the body is its own relaxed canonical form (RFC 6376 3.4.4) */
    bool has_no_dot_line; /* no body line begins with a dot: send without stuffing */
    size_t return_path_n;
    char return_path[HY_ADDRESS_MAX + 1]; /* wire form without brackets, NUL-ended */
    size_t message_id_n;
    char message_id[HY_MESSAGE_ID_MAX + 1]; /* with its brackets, NUL-ended */

    /* private */
    struct hy_buf work[3];
};
void hy_rendered_init(struct hy_rendered *r);
void hy_rendered_free(struct hy_rendered *r);

/* Renders for one recipient. The same input gives the same bytes. HY_EINVAL (the address cannot
 * stand in a header; or a value holds the boundary of a 7bit or 8bit part), HY_EUNSUPPORTED (forced
 * 7bit cannot hold a value), HY_ELIMIT (larger than max_bytes), HY_ENOMEM. No failure but HY_ENOMEM
 * is about anything but this one message. Any thread, each with its own `r`. Hot path. */
HY_MUST_USE int hy_message_render(const struct hy_message *m, const struct hy_render_input *in,
                                  struct hy_rendered *r);

/* Appends one part as UTF-8 without transfer encoding, as previews and the page behind view_url
 * show it. HY_ENOTFOUND when there is no such part; else as render. */
HY_MUST_USE int hy_message_render_part(const struct hy_message *m, enum hy_message_part part,
                                       const struct hy_render_input *in, struct hy_buf *out);
/* Appends the URL of link `link` (1..) for this recipient, to redirect a click. HY_ENOTFOUND when
 * there is no such link; HY_EINVAL when what it renders to is no http(s) URL. */
HY_MUST_USE int hy_message_link_target(const struct hy_message *m, uint32_t link,
                                       const struct hy_render_input *in, struct hy_buf *out);
