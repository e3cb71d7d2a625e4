/* Walking HTML as browsers read it, in pieces, so that the gaps between them can be judged: which
 * kind of place is this? Follows the tokenizer of the HTML standard (13.2.5) as far as mail needs.
 */
#pragma once
#include "hayauma/base/str.h"

enum hy_html_state {
    HY_HTML_DATA,
    HY_HTML_TAG_OPEN,     /* behind < */
    HY_HTML_END_TAG_OPEN, /* behind </ */
    HY_HTML_TAG_NAME,
    HY_HTML_BEFORE_ATTR,
    HY_HTML_ATTR_NAME,
    HY_HTML_AFTER_ATTR_NAME,
    HY_HTML_BEFORE_VALUE, /* behind = */
    HY_HTML_VALUE,        /* in an attribute value; `quote` tells which */
    HY_HTML_MARKUP,       /* behind <! */
    HY_HTML_COMMENT,
    HY_HTML_BOGUS,  /* <!doctype ...>, <? ... >: up to the next > */
    HY_HTML_RAW,    /* script, style and the like: up to the end tag */
    HY_HTML_RCDATA, /* title, textarea: text up to the end tag */
};

/* What the URL in an attribute value has shown so far. */
enum hy_html_url {
    HY_HTML_URL_START,  /* nothing but white space */
    HY_HTML_URL_SCHEME, /* letters that may be a scheme */
    HY_HTML_URL_INSIDE,
    HY_HTML_URL_MAILTO, /* behind mailto: */
    HY_HTML_URL_SCRIPT, /* behind a scheme that runs or embeds things */
};

enum hy_html_event_kind {
    HY_HTML_TEXT, /* text of the document: begin..end */
    HY_HTML_ATTR, /* of a start tag: `name`, and its value begin..end */
    HY_HTML_TAG,  /* a tag is complete: `name`, begin..end with its brackets */
};

struct hy_html_event {
    enum hy_html_event_kind kind;
    struct hy_str name; /* lower case, cut to what the buffers hold; a view of the walker */
    struct hy_str tag;  /* of an attribute: the tag it is in */
    size_t begin, end;  /* places in the source */
    char quote;         /* of an attribute: " or ' or 0 */
    bool is_end_tag;
    bool in_comment; /* inside <!--[if ...]> ... <![endif]--> */
};

/* Whether a name, in lower case, is one of `names`, ended by NULL. */
bool hy_html_is_one(struct hy_str name, const char *const *names);

typedef void hy_html_event_fn(void *ctx, const struct hy_html_event *event);

enum { HY_HTML_NAME_MAX = 32 };

struct hy_html {
    enum hy_html_state state;
    enum hy_html_url url;
    uint32_t tag_serial; /* counts tags */
    uint8_t dashes;      /* hyphens just seen, for the end of a comment */
    uint8_t matched;     /* characters matched of what the state waits for */
    bool in_comment;     /* a conditional comment: HTML for Outlook, a comment for others */
    bool is_end_tag;
    char quote;
    char tag[HY_HTML_NAME_MAX], attr[HY_HTML_NAME_MAX], scheme[12];
    uint8_t tag_n, attr_n, scheme_n;
    size_t tag_begin, value_begin;
};

/* Walks source[from, to); call with adjoining ranges, or ranges with template tags between. Start
 * from a zeroed walker. Any bytes are fine. */
void hy_html_walk(struct hy_html *h, struct hy_str source, size_t from, size_t to,
                  hy_html_event_fn *event, void *ctx);
/* Tells the walker that a template tag puts a value between what it saw and what comes. */
void hy_html_value(struct hy_html *h, size_t at);

/* The escape (escape.h) for a value here; when none is safe a negative error, and *ret_why says
 * why to a person. */
int hy_html_place(const struct hy_html *h, const char **ret_why);
/* Whether both stand at the same kind of place of the same tag: a section may begin at one and end
 * at the other. */
bool hy_html_same_place(const struct hy_html *a, const struct hy_html *b);

/* A link to rewrite, as its place in the source. */
struct hy_html_link {
    size_t begin, end; /* the value of href */
    char quote;
};

/* Collects events into links of a and area and the end of the body; `links` belongs to the
 * caller. */
struct hy_html_links {
    struct hy_html_link *v;
    size_t n, max;   /* links past max are not kept */
    size_t body_end; /* where the last </body> stands, or SIZE_MAX */
    /* private: the tag under way */
    struct hy_html_link href;
    bool has_href, is_opted_out;
};
void hy_html_links_event(void *ctx, const struct hy_html_event *event);
