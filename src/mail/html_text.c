/* Plain text from HTML, for people: blocks become lines, links keep their addresses.
 *
 * Template tags stand in the text as in the HTML: text runs and attribute values are copied with
 * them, so that "Dear {{name}}" stays a variable. */
#include "hayauma/mail/html.h"

#include "entity.h"
#include "html_scan.h"

enum { DEPTH_MAX = 32, HREF_MAX = 4096 };

struct writer {
    struct hy_str html;
    struct hy_buf *out;
    size_t start;       /* of our text in `out` */
    unsigned newlines;  /* to write before the next text */
    bool wants_space;   /* white space stands before the next text */
    bool is_line_empty; /* nothing but indentation in the line under way */
    bool has_cell;      /* a cell of this table row has text already */
    unsigned pre;       /* inside pre */
    unsigned hidden;    /* inside what nobody sees: tags of that kind under way */
    char hidden_tag[HY_HTML_NAME_MAX];
    size_t hidden_tag_n;
    struct {
        bool is_ordered;
        unsigned number;
    } lists[DEPTH_MAX];
    unsigned depth;
    struct hy_buf href, alt; /* of the tag under way */
    bool is_hiding, is_notrack;
    struct hy_buf link; /* href of the a under way */
    size_t link_text;   /* where its text begins in `out` */
    bool link_notrack;
};

static void ask_lines(struct writer *w, unsigned n)
{
    if (w->newlines < n)
        w->newlines = n;
    w->wants_space = false;
}

/* Writes the line ends and blanks that are due before text. */
static void settle(struct writer *w)
{
    if (w->newlines && w->out->len > w->start) {
        for (unsigned i = 0; i < w->newlines; i++)
            hy_buf_add_c(w->out, '\n');
        for (unsigned i = 1; i < w->depth; i++)
            hy_buf_add_lit(w->out, "  ");
        w->is_line_empty = true;
    } else if (w->wants_space && !w->is_line_empty) {
        hy_buf_add_c(w->out, ' ');
    }
    w->newlines = 0;
    w->wants_space = false;
}

static void put(struct writer *w, struct hy_str text)
{
    if (text.n == 0)
        return;
    settle(w);
    hy_buf_add_str(w->out, text);
    w->is_line_empty = false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Text with its references decoded; runs of white space are one blank. Zero-width characters, with
 * which mails pad their preview text, go. */
static void put_text(struct writer *w, struct hy_str raw, bool has_tags)
{
    struct hy_buf plain = HY_BUF_INIT(raw.n * 4 + 64);
    hy_entity_decode(&plain, raw);
    struct hy_str s = hy_buf_str(&plain);
    for (size_t at = 0; at < s.n;) {
        if (is_space(s.p[at]) && w->pre == 0) {
            w->wants_space = true;
            at++;
            continue;
        }
        if (w->pre && s.p[at] == '\n') {
            ask_lines(w, w->newlines + 1);
            at++;
            continue;
        }
        size_t begin = at;
        uint32_t cp = hy_utf8_next(s, &at);
        bool is_padding = (cp >= 0x200b && cp <= 0x200f) || cp == 0xfeff || cp == 0xad ||
                          cp == 0x34f || cp == 0x2007;
        if (cp == 0xa0) {
            w->wants_space = true;
        } else if (!is_padding && (cp >= 0x20 || cp == '\t')) {
            bool is_brace =
                cp == '{' && w->out->len > w->start && w->out->data[w->out->len - 1] == '{';
            w->wants_space |= is_brace && !has_tags; /* text must not become a template tag */
            put(w, hy_str_slice(s, begin, at));
        }
    }
    if (plain.err)
        w->out->err = plain.err;
    hy_buf_free(&plain);
}

static bool is_block(struct hy_str tag)
{
    static const char *const names[] = {
        "address", "article",  "aside",  "blockquote", "center", "div",  "dd",     "dl",
        "dt",      "fieldset", "figure", "figcaption", "footer", "form", "header", "li",
        "main",    "nav",      "ol",     "section",    "table",  "tr",   "ul",     "caption",
        "legend",  "tbody",    "thead",  "tfoot",      "body",   NULL};
    return hy_html_is_one(tag, names);
}

static bool is_paragraph(struct hy_str tag)
{
    static const char *const names[] = {"p",  "h1", "h2",  "h3",         "h4",
                                        "h5", "h6", "pre", "blockquote", NULL};
    return hy_html_is_one(tag, names);
}

static bool is_heading(struct hy_str tag)
{
    return tag.n == 2 && tag.p[0] == 'h' && tag.p[1] >= '1' && tag.p[1] <= '6';
}

static void open_list(struct writer *w, bool is_ordered)
{
    ask_lines(w, w->depth ? 1 : 2);
    if (w->depth < DEPTH_MAX) {
        w->lists[w->depth].is_ordered = is_ordered;
        w->lists[w->depth].number = 0;
        w->depth++;
    }
}

static void open_item(struct writer *w)
{
    ask_lines(w, 1);
    settle(w);
    if (w->depth && w->lists[w->depth - 1].is_ordered)
        hy_buf_printf(w->out, "%u. ", ++w->lists[w->depth - 1].number);
    else
        hy_buf_add_lit(w->out, "- ");
    w->is_line_empty = true;
}

static void open_link(struct writer *w)
{
    hy_buf_reset(&w->link);
    hy_buf_add_str(&w->link, hy_buf_str(&w->href));
    w->link_text = w->out->len;
    w->link_notrack = w->is_notrack;
}

static bool is_shown_url(struct hy_str url)
{
    return hy_str_istarts(url, HY_STR("http://")) || hy_str_istarts(url, HY_STR("https://")) ||
           hy_str_istarts(url, HY_STR("mailto:")) || hy_str_istarts(url, HY_STR("tel:")) ||
           hy_str_starts(url, HY_STR("{{"));
}

/* "text <url>", or the URL alone when the text says the same. */
static void close_link(struct writer *w)
{
    struct hy_str url = hy_str_trim(hy_buf_str(&w->link));
    if (!is_shown_url(url)) {
        hy_buf_reset(&w->link);
        return;
    }
    struct hy_str bare = url;
    if (hy_str_istarts(url, HY_STR("mailto:")) || hy_str_istarts(url, HY_STR("tel:")))
        bare = hy_str_slice(url, hy_str_find(url, ':', 0) + 1, url.n);
    size_t from = w->link_text < w->out->len ? w->link_text : w->out->len;
    struct hy_str text = hy_str_trim(hy_str_slice(hy_buf_str(w->out), from, w->out->len));
    bool is_same = hy_str_eq(text, url) || hy_str_eq(text, bare);
    if (is_same) {
        if (w->link_notrack) { /* the mark goes before the URL */
            size_t at = (size_t)(text.p - w->out->data);
            struct hy_buf again = HY_BUF_INIT(url.n + 64);
            hy_buf_add_str(&again, text);
            w->out->len = at;
            hy_buf_add_lit(w->out, "{{!notrack}}");
            hy_buf_add_str(w->out, hy_buf_str(&again));
            hy_buf_free(&again);
        }
    } else {
        if (text.n)
            w->wants_space = true;
        put(w, HY_STR("<"));
        hy_buf_add_str(w->out, w->link_notrack ? HY_STR("{{!notrack}}") : HY_STR(""));
        hy_buf_add_str(w->out, bare);
        hy_buf_add_lit(w->out, ">");
    }
    hy_buf_reset(&w->link);
}

static void open_tag(struct writer *w, struct hy_str tag)
{
    if (hy_str_eq(tag, HY_STR("br"))) {
        ask_lines(w, w->newlines < 2 ? w->newlines + 1 : 2);
    } else if (hy_str_eq(tag, HY_STR("hr"))) {
        ask_lines(w, 2);
        put(w, HY_STR("----------------------------------------"));
        ask_lines(w, 2);
    } else if (hy_str_eq(tag, HY_STR("img"))) {
        put_text(w, hy_buf_str(&w->alt), true);
    } else if (hy_str_eq(tag, HY_STR("a"))) {
        open_link(w);
    } else if (hy_str_eq(tag, HY_STR("ul")) || hy_str_eq(tag, HY_STR("ol"))) {
        open_list(w, hy_str_eq(tag, HY_STR("ol")));
    } else if (hy_str_eq(tag, HY_STR("li"))) {
        open_item(w);
    } else if (hy_str_eq(tag, HY_STR("td")) || hy_str_eq(tag, HY_STR("th"))) {
        w->wants_space |= w->has_cell;
        w->has_cell = true;
    } else if (is_paragraph(tag)) {
        ask_lines(w, 2);
        w->pre += hy_str_eq(tag, HY_STR("pre"));
        if (is_heading(tag))
            put(w, HY_STR("■ "));
        if (is_heading(tag))
            w->is_line_empty = true;
    } else if (is_block(tag)) {
        ask_lines(w, 1);
        w->has_cell = false;
    }
}

static void close_tag(struct writer *w, struct hy_str tag)
{
    if (hy_str_eq(tag, HY_STR("a"))) {
        close_link(w);
    } else if (hy_str_eq(tag, HY_STR("ul")) || hy_str_eq(tag, HY_STR("ol"))) {
        if (w->depth)
            w->depth--;
        ask_lines(w, w->depth ? 1 : 2);
    } else if (is_paragraph(tag)) {
        ask_lines(w, 2);
        if (hy_str_eq(tag, HY_STR("pre")) && w->pre)
            w->pre--;
    } else if (is_block(tag)) {
        ask_lines(w, 1);
    }
}

static bool is_void(struct hy_str tag)
{
    static const char *const names[] = {"area",  "base",   "br",    "col",  "embed",
                                        "hr",    "img",    "input", "link", "meta",
                                        "param", "source", "track", "wbr",  NULL};
    return hy_html_is_one(tag, names);
}

/* What is inside an element that is not shown is skipped up to its end, counting elements of the
 * same name. True while the tag is of no interest. */
static bool skip_hidden(struct writer *w, const struct hy_html_event *e)
{
    if (w->hidden) {
        if (hy_str_eq(e->name, hy_str_make(w->hidden_tag, w->hidden_tag_n)))
            w->hidden += e->is_end_tag ? (unsigned)-1 : 1u;
        return true;
    }
    bool is_head = hy_str_eq(e->name, HY_STR("head"));
    if (e->is_end_tag || is_void(e->name) || (!w->is_hiding && !is_head))
        return false;
    w->hidden = 1;
    w->hidden_tag_n = e->name.n;
    memcpy(w->hidden_tag, e->name.p, e->name.n);
    return true;
}

static void on_attr(struct writer *w, const struct hy_html_event *e)
{
    struct hy_str value = hy_str_slice(w->html, e->begin, e->end);
    if (hy_str_eq(e->name, HY_STR("href")) && w->href.len == 0 && value.n <= HREF_MAX)
        hy_entity_decode(&w->href, value);
    if (hy_str_eq(e->name, HY_STR("alt")) && w->alt.len == 0)
        hy_buf_add_str(&w->alt, value);
    if (hy_str_eq(e->name, HY_STR("data-hy-notrack")))
        w->is_notrack = true;
    if (hy_str_eq(e->name, HY_STR("hidden")))
        w->is_hiding = true;
    if (hy_str_eq(e->name, HY_STR("style"))) {
        size_t at = hy_str_find_str(value, HY_STR("display"), 0);
        struct hy_str rest = at == SIZE_MAX ? HY_STR("") : hy_str_slice(value, at + 7, value.n);
        rest = hy_str_trim(rest);
        if (rest.n && rest.p[0] == ':' &&
            hy_str_istarts(hy_str_trim(hy_str_slice(rest, 1, rest.n)), HY_STR("none")))
            w->is_hiding = true;
    }
}

static void on_event(void *ctx, const struct hy_html_event *e)
{
    struct writer *w = ctx;
    if (e->in_comment)
        return;
    if (e->kind == HY_HTML_ATTR) {
        on_attr(w, e);
        return;
    }
    if (e->kind == HY_HTML_TEXT) {
        if (!w->hidden)
            put_text(w, hy_str_slice(w->html, e->begin, e->end), false);
        return;
    }
    if (!skip_hidden(w, e)) {
        if (e->is_end_tag)
            close_tag(w, e->name);
        else
            open_tag(w, e->name);
    }
    hy_buf_reset(&w->href);
    hy_buf_reset(&w->alt);
    w->is_hiding = w->is_notrack = false;
}

/* Copies a template tag into the text; sections keep lines of their own when they stand between
 * blocks. */
static void put_tag(struct writer *w, struct hy_str tag)
{
    char sigil = tag.n > 2 ? tag.p[2] : 0;
    if (sigil != '#' && sigil != '^' && sigil != '/') {
        put(w, tag);
        return;
    }
    bool is_between = w->newlines > 0 || w->out->len == w->start;
    if (is_between) {
        unsigned after = w->newlines > 1 ? 2 : 1;
        w->newlines = w->newlines ? w->newlines : 0;
        unsigned depth = w->depth;
        w->depth = 0;
        put(w, tag);
        w->depth = depth;
        ask_lines(w, after > 1 && sigil == '/' ? 2 : 1);
    } else {
        settle(w);
        hy_buf_add_str(w->out, tag);
    }
}

/* The end of the template tag at `at`, or SIZE_MAX. */
static size_t tag_end(struct hy_str html, size_t at)
{
    bool is_triple = hy_str_starts(hy_str_slice(html, at, html.n), HY_STR("{{{"));
    struct hy_str close = is_triple ? HY_STR("}}}") : HY_STR("}}");
    size_t end = hy_str_find_str(html, close, at + 2);
    return end == SIZE_MAX ? SIZE_MAX : end + close.n;
}

int hy_html_text(struct hy_str html, struct hy_buf *out)
{
    struct writer w = {.html = html,
                       .out = out,
                       .start = out->len,
                       .is_line_empty = true,
                       .href = HY_BUF_INIT(HREF_MAX * 4),
                       .alt = HY_BUF_INIT(html.n + 1),
                       .link = HY_BUF_INIT(HREF_MAX * 4)};
    struct hy_html walker = {0};
    for (size_t at = 0; at < html.n;) {
        size_t tag = hy_str_find_str(html, HY_STR("{{"), at);
        size_t end = tag == SIZE_MAX ? SIZE_MAX : tag_end(html, tag);
        if (end == SIZE_MAX)
            tag = html.n;
        hy_html_walk(&walker, html, at, tag, on_event, &w);
        if (tag == html.n)
            break;
        bool is_text = walker.state == HY_HTML_DATA && !walker.in_comment && !w.hidden;
        hy_html_value(&walker, tag);
        struct hy_str whole = hy_str_slice(html, tag, end);
        bool is_note = whole.n > 2 && whole.p[2] == '!';
        if (is_text && !is_note)
            put_tag(&w, whole);
        at = end;
    }
    if (out->len > w.start)
        hy_buf_add_c(out, '\n');
    int err = out->err ? out->err : w.href.err ? w.href.err : w.link.err;
    hy_buf_free(&w.href);
    hy_buf_free(&w.alt);
    hy_buf_free(&w.link);
    return err;
}
