/* Encoded words (RFC 2047) at the end of a field that is being written. */
#pragma once
#include "hayauma/mail/header.h"

enum hy_word_place {
    HY_WORD_IN_TEXT,   /* Subject and other unstructured fields */
    HY_WORD_IN_PHRASE, /* display names: Q may use fewer characters (RFC 2047 section 5, 3) */
};

/* What a writer knows of the field at the end of its buffer. */
struct hy_header_line {
    struct hy_buf *out;
    size_t column; /* characters since the last line end */
};

/* Ends the line and begins the next with a space, which the caller would otherwise have written
 * itself; a space at the end of the line moves down. */
void hy_line_fold(struct hy_header_line *line);
void hy_line_add(struct hy_header_line *line, struct hy_str s);

/* Adds `text`, UTF-8 without control characters and not empty, as one or more encoded words, folded
 * between them. Whole characters only, 75 characters a word, 76 a line. */
void hy_words_add(struct hy_header_line *line, struct hy_str text, enum hy_mail_charset charset,
                  enum hy_word_place place);
