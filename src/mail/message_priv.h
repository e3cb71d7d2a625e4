/* The inside of a compiled message. */
#pragma once
#include "program.h"

enum hy_field_kind {
    HY_FIELD_FIXED, /* `text` as it stands */
    HY_FIELD_DATE,
    HY_FIELD_FROM, /* `program` is the name */
    HY_FIELD_TO,   /* likewise */
    HY_FIELD_MESSAGE_ID,
    HY_FIELD_UNSUBSCRIBE,
    HY_FIELD_TEXT, /* name: `program` */
};

struct hy_field {
    enum hy_field_kind kind;
    struct hy_str name;
    struct hy_str text;
    struct hy_program program;
};

struct hy_part {
    struct hy_str lead; /* what stands before it: boundary and header */
    struct hy_program program;
    struct hy_coding coding;
    bool is_clean; /* 7bit, 8bit: nothing in it needs a look when rendered */
};

enum { HY_FIELDS_MAX = HY_MESSAGE_HEADERS_MAX + 16, HY_BOUNDARY_MAX = 40 };

struct hy_message {
    struct hy_arena arena;
    struct hy_field fields[HY_FIELDS_MAX];
    size_t n_fields;
    struct hy_part parts[2]; /* text first, when there are both */
    size_t n_parts;
    struct hy_str tail; /* behind the parts: files, boundaries */
    struct hy_str boundary;
    struct hy_program subject; /* for previews; its ops belong to a field */
    struct hy_link_list links;
    struct hy_message_link *shown; /* in the arena */
    hy_id campaign;
    char campaign_text[HY_ID_TEXT_MAX];
    struct hy_token_stem stems[HY_TOKEN_MESSAGE + 1]; /* by kind */
    struct hy_str base_url;                           /* with a slash, or empty */
    struct hy_str from_address, return_prefix, return_domain, message_id_domain;
    struct hy_str unsubscribe_mailto;
    enum hy_mail_charset charset;
    int utc_offset_min;
    unsigned flags;
    bool has_utf8_header;  /* a fixed field has bytes above 127 */
    bool is_frame_relaxed; /* the texts around the parts are their own relaxed form */
    size_t max_bytes;
};
