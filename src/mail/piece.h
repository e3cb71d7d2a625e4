/* Text on its way into a part: charset, transfer encoding, line lengths. Fixed text is encoded once
 * into pieces that are copied; values are encoded as they come. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/base/buf.h"
#include "hayauma/mail/message.h"

enum { HY_LINE_MAX = 998 /* RFC 5321 4.5.3.1.6, without CRLF */ };

/* How a part is written. */
struct hy_coding {
    enum hy_transfer transfer; /* AUTO = not at all: UTF-8 as it is, for previews */
    enum hy_mail_charset charset;
    bool is_html; /* characters missing in the charset become references, otherwise U+3013 */
};

/* Fixed text, encoded. Base64 has three forms, by how many bytes of an unfinished group of three
 * come before it. */
struct hy_piece {
    struct hy_str text; /* UTF-8 */
    struct hy_str raw;  /* base64: in the charset, with CRLF */
    struct hy_str wire[3];
    size_t first_line;   /* characters before the first line end, or all */
    size_t last_line[3]; /* characters behind the last line end */
    bool is_one_line, has_8bit;
};

/* Encodes `text`; the result lives in the arena. HY_EUNSUPPORTED (7bit cannot hold it), HY_ENOMEM,
 * HY_ELIMIT. */
HY_MUST_USE int hy_piece_make(struct hy_arena *arena, struct hy_coding coding, struct hy_str text,
                              struct hy_piece **ret_piece);

/* A part being written. */
struct hy_sink {
    struct hy_buf *out;
    struct hy_buf *work; /* scratch */
    struct hy_coding coding;
    size_t column;    /* characters in the line under way */
    uint8_t carry[3]; /* base64: bytes of an unfinished group */
    unsigned n_carry;
    bool has_8bit; /* 7bit and 8bit: such bytes were written */
};

void hy_sink_piece(struct hy_sink *s, const struct hy_piece *piece);
/* UTF-8, line ends as LF, escaped already. */
void hy_sink_text(struct hy_sink *s, struct hy_str text);
/* Up to 70 characters that every encoding passes as they are: letters, digits, - and _. */
void hy_sink_token(struct hy_sink *s, const char *token, size_t n);
/* Ends the part: base64 groups are filled up. No line end is added. */
void hy_sink_end(struct hy_sink *s);
