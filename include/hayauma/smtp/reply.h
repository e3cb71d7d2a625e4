/* SMTP replies (RFC 5321 4.2): read from a stream in pieces of any size, bounded. */
#pragma once
#include "hayauma/model/outcome.h"

enum {
    HY_SMTP_REPLY_BYTES_MAX = 65536, /* of one reply with all its lines and line ends */
    HY_SMTP_REPLY_LINES_MAX = 512,
};

/* One reply as it comes in. Text past HY_OUTCOME_TEXT_MAX bytes is read and dropped. Fields below
 * `text` belong to the parser. */
struct hy_smtp_reply {
    uint16_t code;                  /* 200..599; 0 while unknown or when malformed */
    uint16_t text_len;              /* valid bytes of text */
    char text[HY_OUTCOME_TEXT_MAX]; /* the words of all lines, joined by " / "; valid UTF-8 without
                                       control characters once the reply is complete */
    uint16_t lines;                 /* complete so far */
    uint16_t line_at; /* where the words of the current or latest line start in text */
    uint32_t bytes;   /* consumed so far */
    char prefix[4];   /* the first bytes of the current line: code and separator */
    uint8_t prefix_len;
    bool is_last;  /* the separator of the current line was not '-' */
    bool is_bad;   /* this line does not start like a reply */
    bool is_8bit;  /* text has bytes >= 0x80 to check */
    bool in_reply; /* something of the next reply was read */
};

enum hy_smtp_read {
    HY_SMTP_READ_MORE = 0, /* all bytes taken, the reply goes on */
    HY_SMTP_READ_LINE,     /* a line of a reply that has more lines is complete */
    HY_SMTP_READ_DONE,     /* the reply is complete */
    HY_SMTP_READ_BAD,      /* not a reply: text holds the line as far as it fits, code is 0 */
    HY_SMTP_READ_HUGE,     /* longer than the maxima above */
};

void hy_smtp_reply_init(struct hy_smtp_reply *r);
/* Takes bytes up to the end of one line and says through *ret_used how many. After DONE the fields
 * stay until the next call, which starts the next reply. After BAD or HUGE the stream is of no more
 * use. A line may end in CRLF or, leniently, in LF alone (no confusion can come of it: a reply is
 * never passed on); a lone CR is a control character of the text. "250" without text is a reply
 * (RFC 5321 4.2 asks for it); lines of one reply with different codes are BAD. */
enum hy_smtp_read hy_smtp_reply_read(struct hy_smtp_reply *r, const char *p, size_t n,
                                     size_t *ret_used);
/* The words of the latest complete line: a view that the next read makes invalid. */
struct hy_str hy_smtp_reply_line(const struct hy_smtp_reply *r);
/* Drops the words read so far: for replies whose lines are used one by one (EHLO). */
void hy_smtp_reply_forget(struct hy_smtp_reply *r);
/* All words: a view into `r`. */
struct hy_str hy_smtp_reply_text(const struct hy_smtp_reply *r);
/* The RFC 3463 code of a complete reply: the server's own if its words start with one (its class
 * corrected to the reply code's), else derived from code and phase. Never 5.1.1 by derivation: a
 * bare 550 does not tell a dead address from a refused sender. */
struct hy_enhanced hy_smtp_reply_enhanced(const struct hy_smtp_reply *r, enum hy_phase phase);
