/* The tokens of segments, one at a time. */
#pragma once
#include "segment.h"

enum segment_token {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_QUOTED_NAME, /* `Company size` */
    TOKEN_TEXT,        /* "spring" */
    TOKEN_NUMBER,
    TOKEN_TIME,
    TOKEN_DATE,
    TOKEN_CMP, /* = != < <= > >= */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_WRONG, /* noted */
};

struct segment_lexer {
    struct segment_maker m;
    struct hy_str text;
    size_t at, next; /* the token: [at, next) */
    enum segment_token token;
    struct hy_segment_value value; /* of a text, number, time or date; of names the name */
    enum hy_segment_op op;         /* of TOKEN_CMP */
    unsigned depth;
    int err;
    size_t wrong_at; /* where the fault is that was noted; SIZE_MAX: of the whole */
};

/* A text from its beginning; its length and bytes are good. HY_ELIMIT, HY_EPARSE: they are not
 * (noted). */
HY_MUST_USE int segment_lex_open(struct segment_lexer *p, struct hy_str text,
                                 struct hy_arena *arena, struct hy_diag *diag);
/* Line and column, from 1, of a place. */
void segment_place_of(struct hy_str text, size_t at, unsigned *ret_line, unsigned *ret_column);

/* Notes the first fault, at a place, as "LINE:COLUMN: ..."; false. */
bool segment_wrong_at(struct segment_lexer *p, size_t at, int err, const char *fmt, ...)
    HY_PRINTF(4, 5);
#define segment_wrong(p, ...) segment_wrong_at((p), (p)->at, HY_EPARSE, __VA_ARGS__)

/* To the next token; stays where it is once something was wrong. */
void segment_advance(struct segment_lexer *p);
bool segment_is_word(const struct segment_lexer *p, const char *word);
/* Goes on when the token is that word. */
bool segment_take_word(struct segment_lexer *p, const char *word);
/* Goes on behind a token that must be there; `what` tells people which. */
bool segment_take(struct segment_lexer *p, enum segment_token token, const char *what);
/* segment_parse.c: conditions up to where no more follow, or something is wrong. */
const struct hy_segment_node *segment_parse_any(struct segment_lexer *p);
/* Whether "(" follows the token. */
bool segment_is_called(const struct segment_lexer *p);
