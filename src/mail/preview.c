/* HTML of a mail, written anew from what is known to be harmless. */
#include "hayauma/mail/preview.h"

#include "entity.h"
#include "hayauma/mail/escape.h"
#include "html_scan.h"

enum { VALUE_MAX = 16384 };

struct previewing {
    const struct hy_preview *how;
    struct hy_str html;
    struct hy_buf *out;
    struct hy_buf value, attrs, alt, css; /* of the tag under way */
    uint32_t link;                        /* of the tag under way */
    struct hy_buf words;                  /* of the link under way */
    uint32_t open_link;                   /* 0: none */
    unsigned hidden;                      /* inside what is not shown */
    char hidden_tag[HY_HTML_NAME_MAX];
    size_t hidden_tag_n;
    size_t style; /* where its text begins; SIZE_MAX: none is open */
};

static bool is_shown(struct hy_str tag)
{
    static const char *const tags[] = {
        "a",     "abbr", "address",    "article", "aside",   "b",      "bdi",    "bdo",
        "big",   "body", "blockquote", "br",      "caption", "center", "cite",   "code",
        "col",   "dd",   "colgroup",   "del",     "dfn",     "div",    "dl",     "dt",
        "em",    "font", "figcaption", "figure",  "footer",  "h1",     "h2",     "h3",
        "h4",    "h5",   "h6",         "header",  "hr",      "i",      "img",    "ins",
        "kbd",   "li",   "main",       "mark",    "nav",     "ol",     "p",      "pre",
        "q",     "s",    "samp",       "section", "small",   "span",   "strike", "strong",
        "style", "sub",  "sup",        "table",   "tbody",   "td",     "tfoot",  "th",
        "thead", "time", "tr",         "tt",      "u",       "ul",     "var",    "wbr",
        NULL};
    return hy_html_is_one(tag, tags);
}

/* Elements whose content is not shown, either. */
static bool is_hidden(struct hy_str tag)
{
    static const char *const tags[] = {"script",   "noscript", "iframe",   "frameset",  "object",
                                       "applet",   "svg",      "math",     "template",  "title",
                                       "textarea", "select",   "audio",    "video",     "canvas",
                                       "xmp",      "noembed",  "noframes", "plaintext", NULL};
    return hy_html_is_one(tag, tags);
}

static bool is_kept(struct hy_str attr)
{
    static const char *const attrs[] = {
        "class",       "id",      "align",   "valign", "width",   "height", "bgcolor",
        "color",       "face",    "size",    "border", "hspace",  "vspace", "cellpadding",
        "cellspacing", "colspan", "rowspan", "dir",    "lang",    "title",  "nowrap",
        "start",       "type",    "text",    "clear",  "noshade", NULL};
    return hy_html_is_one(attr, attrs);
}

/* What CSS would load is made a function that nobody knows. A page's policy keeps it from loading,
 * too; this keeps it from being asked. */
static void put_css(struct hy_buf *out, struct hy_str css)
{
    static const char *const loaders[] = {"url(", "image-set(", "@import"};
    size_t done = 0;
    for (size_t at = 0; at < css.n; at++)
        for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
            if (hy_str_istarts(hy_str_slice(css, at, css.n), hy_str_of(loaders[i]))) {
                hy_buf_add_str(out, hy_str_slice(css, done, at));
                hy_buf_add_str(out, i == 2 ? HY_STR("@no-") : HY_STR("no-"));
                done = at + (i == 2);
            }
    hy_buf_add_str(out, hy_str_slice(css, done, css.n));
}

static void put_attr(struct previewing *p, struct hy_str name, struct hy_str value)
{
    hy_buf_add_c(&p->attrs, ' ');
    hy_buf_add_str(&p->attrs, name);
    hy_buf_add_lit(&p->attrs, "=\"");
    hy_escape(&p->attrs, value, HY_ESCAPE_HTML);
    hy_buf_add_c(&p->attrs, '"');
}

static void on_image(struct previewing *p, struct hy_str src)
{
    size_t before = p->attrs.len;
    hy_buf_add_lit(&p->attrs, " src=\"");
    if (p->how->image && p->how->image(p->how->ctx, src, &p->attrs))
        hy_buf_add_c(&p->attrs, '"');
    else if (!p->attrs.err)
        p->attrs.len = before;
}

static void on_attr(struct previewing *p, const struct hy_html_event *e)
{
    if (e->end - e->begin > VALUE_MAX)
        return;
    hy_buf_reset(&p->value);
    hy_entity_decode(&p->value, hy_str_slice(p->html, e->begin, e->end));
    struct hy_str value = hy_buf_str(&p->value);
    if (hy_str_eq(e->name, HY_STR("href")) && hy_str_eq(e->tag, HY_STR("a"))) {
        if (p->link == 0)
            p->link = p->how->link(p->how->ctx, hy_str_trim(value));
    } else if (hy_str_eq(e->name, HY_STR("src")) && hy_str_eq(e->tag, HY_STR("img"))) {
        on_image(p, hy_str_trim(value));
    } else if (hy_str_eq(e->name, HY_STR("alt")) && hy_str_eq(e->tag, HY_STR("img"))) {
        put_attr(p, e->name, value);
        hy_buf_add_str(&p->alt, value);
    } else if (hy_str_eq(e->name, HY_STR("style"))) {
        hy_buf_reset(&p->css);
        put_css(&p->css, value);
        put_attr(p, e->name, hy_buf_str(&p->css));
    } else if (is_kept(e->name)) {
        put_attr(p, e->name, value);
    }
}

/* ---- the words of a link ---- */

static void add_words(struct previewing *p, struct hy_str raw)
{
    if (p->open_link == 0 || p->words.len >= HY_PREVIEW_TEXT_MAX)
        return;
    for (size_t i = 0; i < raw.n && p->words.len < HY_PREVIEW_TEXT_MAX;) {
        size_t begin = i;
        uint32_t cp = hy_utf8_next(raw, &i);
        bool is_space = cp <= ' ' || cp == 0xa0 || cp == 0x7f;
        if (!is_space)
            hy_buf_add_str(&p->words, hy_str_slice(raw, begin, i));
        else if (p->words.len && p->words.data[p->words.len - 1] != ' ')
            hy_buf_add_c(&p->words, ' ');
    }
}

static void end_link(struct previewing *p)
{
    if (p->open_link && p->how->words)
        p->how->words(p->how->ctx, p->open_link, hy_str_trim(hy_buf_str(&p->words)));
    p->open_link = 0;
    hy_buf_reset(&p->words);
}

/* ---- tags and text ---- */

static void open_tag(struct previewing *p, struct hy_str tag)
{
    bool is_link = hy_str_eq(tag, HY_STR("a"));
    if (is_link)
        end_link(p); /* links do not nest */
    hy_buf_add_c(p->out, '<');
    hy_buf_add_str(p->out, tag);
    if (is_link && p->link) {
        hy_buf_printf(p->out, " data-hy-link=\"%u\"", p->link);
        p->open_link = p->link;
    }
    hy_buf_add_str(p->out, hy_buf_str(&p->attrs));
    hy_buf_add_c(p->out, '>');
    if (p->alt.len && p->open_link) {
        add_words(p, HY_STR(" "));
        add_words(p, hy_buf_str(&p->alt));
        add_words(p, HY_STR(" "));
    }
}

static bool is_void(struct hy_str tag)
{
    static const char *const tags[] = {"br", "col", "hr", "img", "wbr", NULL};
    return hy_html_is_one(tag, tags);
}

static void close_tag(struct previewing *p, struct hy_str tag)
{
    if (is_void(tag))
        return;
    if (hy_str_eq(tag, HY_STR("a")))
        end_link(p);
    hy_buf_add_lit(p->out, "</");
    hy_buf_add_str(p->out, tag);
    hy_buf_add_c(p->out, '>');
}

/* True while the tag is inside what is not shown, or begins it. */
static bool skip_hidden(struct previewing *p, const struct hy_html_event *e)
{
    if (p->hidden) {
        if (hy_str_eq(e->name, hy_str_make(p->hidden_tag, p->hidden_tag_n)))
            p->hidden += e->is_end_tag ? (unsigned)-1 : 1u;
        return true;
    }
    if (!is_hidden(e->name))
        return false;
    if (!e->is_end_tag) {
        p->hidden = 1;
        p->hidden_tag_n = e->name.n;
        memcpy(p->hidden_tag, e->name.p, e->name.n);
    }
    return true;
}

static void on_tag(struct previewing *p, const struct hy_html_event *e)
{
    bool is_style = hy_str_eq(e->name, HY_STR("style"));
    if (!skip_hidden(p, e) && is_shown(e->name)) {
        if (is_style && e->is_end_tag && p->style != SIZE_MAX)
            put_css(p->out, hy_str_slice(p->html, p->style, e->begin));
        if (e->is_end_tag)
            close_tag(p, e->name);
        else
            open_tag(p, e->name);
        p->style = is_style && !e->is_end_tag ? e->end : SIZE_MAX;
    }
    hy_buf_reset(&p->attrs);
    hy_buf_reset(&p->alt);
    p->link = 0;
}

static void on_event(void *ctx, const struct hy_html_event *e)
{
    struct previewing *p = ctx;
    if (e->in_comment)
        return;
    if (e->kind == HY_HTML_ATTR) {
        on_attr(p, e);
        return;
    }
    if (e->kind == HY_HTML_TAG) {
        on_tag(p, e);
        return;
    }
    if (p->hidden || p->style != SIZE_MAX)
        return;
    hy_buf_reset(&p->value);
    hy_entity_decode(&p->value, hy_str_slice(p->html, e->begin, e->end));
    hy_escape(p->out, hy_buf_str(&p->value), HY_ESCAPE_HTML);
    add_words(p, hy_buf_str(&p->value));
}

int hy_preview_put(struct hy_str html, const struct hy_preview *how, struct hy_buf *out)
{
    const size_t max = 8 * html.n + VALUE_MAX;
    struct previewing p = {.how = how,
                           .html = html,
                           .out = out,
                           .value = HY_BUF_INIT(max),
                           .attrs = HY_BUF_INIT(out->max),
                           .alt = HY_BUF_INIT(max),
                           .css = HY_BUF_INIT(max),
                           .words = HY_BUF_INIT(2 * HY_PREVIEW_TEXT_MAX),
                           .style = SIZE_MAX};
    struct hy_html walker = {0};
    hy_html_walk(&walker, html, 0, html.n, on_event, &p);
    end_link(&p);
    int err = out->err      ? out->err
              : p.attrs.err ? p.attrs.err
              : p.value.err ? p.value.err
                            : p.alt.err;
    hy_buf_free(&p.value);
    hy_buf_free(&p.attrs);
    hy_buf_free(&p.alt);
    hy_buf_free(&p.css);
    hy_buf_free(&p.words);
    return err;
}

int hy_preview_put_text(struct hy_str text, const struct hy_preview *how, struct hy_buf *out)
{
    hy_buf_add_lit(out, "<pre style=\"white-space:pre-wrap\">");
    while (text.n) {
        size_t at = hy_str_find_str(text, HY_STR("http"), 0);
        size_t begin = at == SIZE_MAX ? text.n : at, end = begin;
        while (end < text.n && !strchr(" \t\r\n<>\"'", text.p[end]))
            end++;
        struct hy_str url = hy_str_slice(text, begin, end);
        uint32_t link = url.n ? how->link(how->ctx, url) : 0;
        hy_escape(out, hy_str_slice(text, 0, begin), HY_ESCAPE_HTML);
        if (link)
            hy_buf_printf(out, "<a data-hy-link=\"%u\">", link);
        hy_escape(out, link ? how->target(how->ctx, link) : url, HY_ESCAPE_HTML);
        if (link)
            hy_buf_add_lit(out, "</a>");
        text = hy_str_slice(text, end, text.n);
    }
    hy_buf_add_lit(out, "</pre>");
    return out->err;
}
