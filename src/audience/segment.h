/* What the readers and writers of segments share: words, and how values are told. */
#pragma once
#include "hayauma/audience/segment.h"

/* "opened" and what may be asked of it, beside keys that all know (campaign, source, meta.NAME). */
struct segment_verb {
    const char *word;
    enum hy_activity_kind kind;
    const char *keys; /* "url,link" */
};
extern const struct segment_verb segment_verbs[];
extern const size_t segment_n_verbs;
const struct segment_verb *segment_verb_of(struct hy_str word); /* NULL: no such */
const struct segment_verb *segment_verb_of_kind(enum hy_activity_kind kind);
/* Whether the verb knows the key. */
bool segment_verb_knows(const struct segment_verb *v, struct hy_str key);
/* "received, opened, ..." for errors. */
const char *segment_verb_list(char *out, size_t n);

/* The verb or group that somebody meant who wrote this; NULL: none is near. */
const char *segment_call_near(struct hy_str word);
extern const char *const segment_group_words[HY_SEGMENT_GROUPS];
/* In JSON: "=", "<=", "in", "contains", "starts", "ends", "set", "before" ... */
extern const char *const segment_op_words[HY_SEGMENT_OPS];

/* Names with a meaning of their own, and the kinds of values that they are compared with. */
struct segment_given {
    const char *word;
    enum hy_segment_given is;
    unsigned takes; /* bits of enum hy_segment_value_kind */
};
extern const struct segment_given segment_given[];
extern const size_t segment_n_given;
/* Whether it looks like one of them and is none; `out` says so, with the one that was meant. */
bool segment_name_is_wrong(struct hy_str name, char *out, size_t n);
/* What a value of the name must be; NULL: it is, or may be anything. */
const char *segment_given_wants(struct hy_str name, enum hy_segment_op op,
                                const struct hy_segment_value *value);

/* Whether values of the kind can stand behind the operator. */
bool segment_op_takes(enum hy_segment_op op, enum hy_segment_value_kind kind);

/* Fill `v` from its text. A DATE: YYYY-MM-DD, or with time and zone (RFC 3339). A TIME: 30d, of s m
 * h d w. HY_EPARSE. */
HY_MUST_USE int segment_read_date(struct hy_str text, struct hy_segment_value *v);
HY_MUST_USE int segment_read_time(struct hy_str text, struct hy_segment_value *v);

/* -- making a tree, with its maxima ----------------------------------------------------------- */

struct segment_maker {
    struct hy_arena *arena;
    struct hy_diag *diag;
    size_t n_nodes;
};
/* A node of the kind, zeroed; NULL: *err says why (noted). */
struct hy_segment_node *segment_new(struct segment_maker *m, enum hy_segment_kind kind, int *err);
/* A list that grows while it is read, and is laid into the arena when it is whole. */
struct segment_list {
    void *items;
    size_t n, cap, item_size, max;
    const char *what; /* for errors */
};
/* Room for one more; NULL: *err says why (noted). */
void *segment_list_add(struct segment_list *l, struct segment_maker *m, int *err);
/* The items in the arena, or NULL: *err. Frees the list in any case. */
void *segment_list_take(struct segment_list *l, struct segment_maker *m, int *err);
/* Joins items under ALL or ANY: an item of the same kind gives its own items, a single one is
 * itself. Takes the list (of const struct hy_segment_node *). NULL: *err. */
const struct hy_segment_node *segment_join(struct segment_maker *m, enum hy_segment_kind kind,
                                           struct segment_list *items, int *err);
/* A decimal number with a sign and a fraction, of at most 15 digits: HY_EPARSE. */
HY_MUST_USE int segment_read_number(struct hy_str text, struct hy_segment_value *v);
/* Whether it is UTF-8 without control characters but tabs and line ends. */
bool segment_is_clean(struct hy_str text);
/* The same number without zeros that say nothing: 5.50 is 5.5. */
struct hy_str segment_short_number(struct hy_str text);
/* Whether a name is read as it stands: of letters, digits, _ . - and no word of the language. */
bool segment_is_plain_name(struct hy_str name);
/* "30d": in the longest unit that it is whole in. */
void segment_put_time(struct hy_buf *out, uint32_t seconds);
/* Letters of any language, for names. */
static inline bool segment_is_letter(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}
static inline bool segment_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
