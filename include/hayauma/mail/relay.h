/* What becomes of a message that another application hands in (RFC 5321 4.4, RFC 6409 8): it is
 * checked, gets its Received field and what it lacks, and loses what must not travel. Pure. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/base/clock.h"
#include "hayauma/model/lead.h"

enum {
    HY_RELAY_HEADER_MAX = 256 * 1024, /* bytes of its header */
    HY_RELAY_FIELDS_MAX = 1000,
    HY_RELAY_LINE_MAX = 998, /* bytes of a line without its end (RFC 5321 4.5.3.1.6) */
    HY_RELAY_MESSAGE_ID_MAX = 250,
};

/* Why a message is refused. */
enum hy_relay_fault {
    HY_RELAY_GOOD = 0,
    HY_RELAY_EMPTY,
    HY_RELAY_BARE_CR, /* a CR without LF */
    HY_RELAY_BARE_LF, /* an LF without CR, unless line ends are to be repaired */
    HY_RELAY_NUL,
    HY_RELAY_LONG_LINE,   /* > HY_RELAY_LINE_MAX */
    HY_RELAY_LONG_HEADER, /* > HY_RELAY_HEADER_MAX, or > HY_RELAY_FIELDS_MAX fields */
    HY_RELAY_NO_FROM,
    HY_RELAY_TWO_FROM, /* From twice, or with several addresses */
    HY_RELAY_BAD_FROM, /* no address can be read from it */
    HY_RELAY_TWICE,    /* a field that may come once (RFC 5322 3.6) is there twice */
    HY_RELAY_LOOP,     /* too many Received fields */
    HY_RELAY_FAULTS,
};
const char *hy_relay_fault_text(enum hy_relay_fault f); /* for the reply and for people */

/* Views, for the length of the call. Nothing is trusted: what cannot stand in a field is replaced
 * by '?'. */
struct hy_relay_input {
    struct hy_str message;
    bool repair_line_ends;    /* it comes from a local file: LF becomes CRLF, a last one is added */
    struct hy_str helo;       /* as the client called itself; empty: not said */
    struct hy_str client;     /* "192.0.2.1", or "local" */
    struct hy_str host;       /* our name */
    struct hy_str protocol;   /* "ESMTPSA" (RFC 3848, 6531) */
    struct hy_str id;         /* for the Received field */
    struct hy_str recipient;  /* for its "for" clause; empty when there are several */
    struct hy_str message_id; /* used when it has none: TOKEN of <TOKEN@host> */
    hy_wall_ms now;
    int utc_offset_min;
    unsigned hops_max; /* Received fields it may have; 0 = 50 */
};

struct hy_relay_output {
    uint32_t header_bytes;                        /* with the empty line */
    bool has_8bit;                                /* bytes >= 0x80 anywhere */
    bool has_utf8_header;                         /* UTF-8 beyond ASCII in a field */
    bool has_no_dot_line;                         /* no line starts with a dot */
    char from_domain[HY_DOMAIN_MAX + 1];          /* lower-case A-labels */
    char from[HY_ADDRESS_MAX + 1];                /* the address of its From field, wire form */
    char message_id[HY_RELAY_MESSAGE_ID_MAX + 1]; /* with brackets; cut when longer */
};

/* Appends the message as it is to be sent to `out`. HY_EINVAL: refused, *ret_fault says why;
 * HY_ELIMIT, HY_ENOMEM of `out`. On failure the content of `out` is undefined. Any thread. */
HY_MUST_USE int hy_relay_edit(const struct hy_relay_input *in, struct hy_buf *out,
                              struct hy_relay_output *ret, enum hy_relay_fault *ret_fault);
