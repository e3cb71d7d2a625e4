/* Walking HTML as browsers read it, in pieces, so that the gaps between them can be judged. */
#include "html_scan.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_alpha(char c)
{
    char l = hy_ascii_lower(c);
    return l >= 'a' && l <= 'z';
}

bool hy_html_is_one(struct hy_str name, const char *const *names)
{
    for (; *names; names++)
        if (hy_str_eq(name, hy_str_of(*names)))
            return true;
    return false;
}

static struct hy_str tag_name(const struct hy_html *h)
{
    return hy_str_make(h->tag, h->tag_n);
}

static struct hy_str attr_name(const struct hy_html *h)
{
    return hy_str_make(h->attr, h->attr_n);
}

struct walk {
    struct hy_html *h;
    struct hy_str source;
    size_t at; /* the character under way */
    hy_html_event_fn *event;
    void *ctx;
};

static void emit(struct walk *w, struct hy_html_event event)
{
    if (!w->event)
        return;
    event.in_comment = w->h->in_comment;
    w->event(w->ctx, &event);
}

static void emit_text(struct walk *w, size_t begin, size_t end)
{
    if (end > begin)
        emit(w, (struct hy_html_event){.kind = HY_HTML_TEXT, .begin = begin, .end = end});
}

static void emit_attr(struct walk *w, size_t begin, size_t end)
{
    struct hy_html *h = w->h;
    if (!h->is_end_tag && h->attr_n)
        emit(w, (struct hy_html_event){.kind = HY_HTML_ATTR,
                                       .name = attr_name(h),
                                       .tag = tag_name(h),
                                       .begin = begin,
                                       .end = end,
                                       .quote = h->quote});
    h->attr_n = 0;
}

static void begin_tag(struct hy_html *h, enum hy_html_state state, size_t at)
{
    h->state = state;
    h->tag_begin = at;
    h->tag_serial++;
    h->tag_n = h->attr_n = 0;
    h->is_end_tag = false;
}

static void end_tag(struct walk *w)
{
    static const char *const raw[] = {"script",  "style",    "xmp",       "iframe",
                                      "noembed", "noframes", "plaintext", NULL};
    static const char *const rcdata[] = {"title", "textarea", NULL};
    struct hy_html *h = w->h;
    emit(w, (struct hy_html_event){.kind = HY_HTML_TAG,
                                   .name = tag_name(h),
                                   .begin = h->tag_begin,
                                   .end = w->at + 1,
                                   .is_end_tag = h->is_end_tag});
    h->state = HY_HTML_DATA;
    h->matched = 0;
    if (h->is_end_tag)
        return;
    if (hy_html_is_one(tag_name(h), raw))
        h->state = HY_HTML_RAW;
    else if (hy_html_is_one(tag_name(h), rcdata))
        h->state = HY_HTML_RCDATA;
}

static void add_name(char *name, uint8_t *n, char c)
{
    if (*n < HY_HTML_NAME_MAX)
        name[(*n)++] = hy_ascii_lower(c);
}

static void begin_value(struct hy_html *h, char quote, size_t at)
{
    h->state = HY_HTML_VALUE;
    h->quote = quote;
    h->value_begin = at;
    h->url = HY_HTML_URL_START;
    h->scheme_n = 0;
}

/* Behind the colon of a URL in an attribute. */
static enum hy_html_url judge_scheme(const struct hy_html *h)
{
    static const char *const harmless[] = {"http", "https", "tel", "sms", "cid", "ftp", NULL};
    struct hy_str scheme = hy_str_make(h->scheme, h->scheme_n);
    if (hy_str_eq(scheme, HY_STR("mailto")))
        return HY_HTML_URL_MAILTO;
    return hy_html_is_one(scheme, harmless) ? HY_HTML_URL_INSIDE : HY_HTML_URL_SCRIPT;
}

static void follow_url(struct hy_html *h, char c)
{
    if (h->url > HY_HTML_URL_SCHEME || (unsigned char)c <= ' ')
        return;
    if (c == ':' && h->url == HY_HTML_URL_SCHEME) {
        h->url = judge_scheme(h);
    } else if (c == '/' || c == '?' || c == '#') {
        h->url = HY_HTML_URL_INSIDE;
    } else {
        h->url = HY_HTML_URL_SCHEME;
        if (h->scheme_n < sizeof h->scheme)
            h->scheme[h->scheme_n++] = hy_ascii_lower(c);
    }
}

static void step_tag_open(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (is_alpha(c)) {
        h->state = HY_HTML_TAG_NAME;
        add_name(h->tag, &h->tag_n, c);
    } else if (c == '/') {
        h->state = HY_HTML_END_TAG_OPEN;
    } else if (c == '!') {
        h->state = HY_HTML_MARKUP;
        h->matched = 0;
    } else if (c == '?') {
        h->state = HY_HTML_BOGUS;
    } else { /* a bare < is text, and so is what made it bare, unless it is another < */
        emit_text(w, h->tag_begin, c == '<' ? w->at : w->at + 1);
        h->state = HY_HTML_DATA;
        if (c == '<')
            begin_tag(h, HY_HTML_TAG_OPEN, w->at);
    }
}

static void step_end_tag_open(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (is_alpha(c)) {
        h->state = HY_HTML_TAG_NAME;
        h->is_end_tag = true;
        add_name(h->tag, &h->tag_n, c);
    } else {
        h->state = c == '>' ? HY_HTML_DATA : HY_HTML_BOGUS;
    }
}

static void step_tag_name(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (c == '>')
        end_tag(w);
    else if (is_space(c) || c == '/')
        h->state = HY_HTML_BEFORE_ATTR;
    else
        add_name(h->tag, &h->tag_n, c);
}

static void step_before_attr(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (c == '>') {
        end_tag(w);
    } else if (!is_space(c) && c != '/') {
        h->state = HY_HTML_ATTR_NAME;
        h->attr_n = 0;
        add_name(h->attr, &h->attr_n, c);
    }
}

static void step_attr_name(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (c == '=') {
        h->state = HY_HTML_BEFORE_VALUE;
    } else if (is_space(c)) {
        h->state = HY_HTML_AFTER_ATTR_NAME;
    } else if (c == '>' || c == '/') {
        h->quote = 0;
        emit_attr(w, w->at, w->at);
        h->state = HY_HTML_BEFORE_ATTR;
        if (c == '>')
            end_tag(w);
    } else {
        add_name(h->attr, &h->attr_n, c);
    }
}

static void step_after_attr_name(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (is_space(c))
        return;
    if (c == '=') {
        h->state = HY_HTML_BEFORE_VALUE;
        return;
    }
    h->quote = 0;
    emit_attr(w, w->at, w->at);
    h->state = HY_HTML_BEFORE_ATTR;
    step_before_attr(w, c);
}

static void step_value(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    bool is_end = h->quote ? c == h->quote : is_space(c) || c == '>';
    if (!is_end) {
        follow_url(h, c);
        return;
    }
    emit_attr(w, h->value_begin, w->at);
    h->state = HY_HTML_BEFORE_ATTR;
    if (c == '>' && !h->quote)
        end_tag(w);
}

static void step_before_value(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (is_space(c))
        return;
    if (c == '"' || c == '\'') {
        begin_value(h, c, w->at + 1);
    } else {
        begin_value(h, 0, w->at);
        step_value(w, c);
    }
}

/* <!-- begins a comment; anything else behind <! is skipped to the next >. */
static void step_markup(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (c == '-') {
        if (++h->matched < 2)
            return;
        h->state = HY_HTML_COMMENT;
        h->matched = 0;
        h->dashes = 2; /* <!--> is a whole comment */
    } else {
        h->state = c == '>' ? HY_HTML_DATA : HY_HTML_BOGUS;
    }
}

/* `matched`: 0 = only blanks so far, 1 and 2 = [ and [i seen, 3 = a conditional comment up to its
 * >, 4 = any comment. */
static void step_comment(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (c == '>' && (h->dashes >= 2 || h->matched == 3)) {
        h->in_comment = h->dashes < 2;
        h->state = HY_HTML_DATA;
        h->dashes = 0;
        return;
    }
    if (c == '!' && h->dashes >= 2 && h->matched != 0)
        return; /* --!> ends it too: the hyphens stay counted */
    h->dashes = c == '-' ? (uint8_t)(h->dashes < 2 ? h->dashes + 1 : 2) : 0;
    if (h->matched == 0 && is_space(c))
        return;
    if (h->matched < 3)
        h->matched = hy_ascii_lower(c) == "[if"[h->matched] ? (uint8_t)(h->matched + 1) : 4;
}

/* Waits for </name behind which a tag can end; the state of the tag begins there. */
static void step_raw(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    if (c == '<') {
        h->matched = 1;
        h->tag_begin = w->at;
        return;
    }
    if (h->matched == 0)
        return;
    uint8_t i = h->matched;
    if (i == 1) {
        h->matched = c == '/' ? 2 : 0;
    } else if (i - 2 < h->tag_n) {
        h->matched = hy_ascii_lower(c) == h->tag[i - 2] ? (uint8_t)(i + 1) : 0;
    } else {
        h->matched = 0;
        if (!is_space(c) && c != '/' && c != '>')
            return;
        h->is_end_tag = true;
        h->tag_serial++;
        h->state = HY_HTML_BEFORE_ATTR;
        if (c == '>')
            end_tag(w);
    }
}

/* A conditional comment ends at --> wherever its contents stand. */
static bool leaves_comment(struct hy_html *h, char c)
{
    if (c == '>' && h->dashes >= 2) {
        h->in_comment = false;
        h->state = HY_HTML_DATA;
        h->dashes = 0;
        return true;
    }
    h->dashes = c == '-' ? (uint8_t)(h->dashes < 2 ? h->dashes + 1 : 2) : 0;
    return false;
}

static void step(struct walk *w, char c)
{
    struct hy_html *h = w->h;
    switch (h->state) {
    case HY_HTML_DATA:
        break;
    case HY_HTML_TAG_OPEN:
        step_tag_open(w, c);
        break;
    case HY_HTML_END_TAG_OPEN:
        step_end_tag_open(w, c);
        break;
    case HY_HTML_TAG_NAME:
        step_tag_name(w, c);
        break;
    case HY_HTML_BEFORE_ATTR:
        step_before_attr(w, c);
        break;
    case HY_HTML_ATTR_NAME:
        step_attr_name(w, c);
        break;
    case HY_HTML_AFTER_ATTR_NAME:
        step_after_attr_name(w, c);
        break;
    case HY_HTML_BEFORE_VALUE:
        step_before_value(w, c);
        break;
    case HY_HTML_VALUE:
        step_value(w, c);
        break;
    case HY_HTML_MARKUP:
        step_markup(w, c);
        break;
    case HY_HTML_COMMENT:
        step_comment(w, c);
        break;
    case HY_HTML_BOGUS:
        if (c == '>')
            h->state = HY_HTML_DATA;
        break;
    case HY_HTML_RAW:
    case HY_HTML_RCDATA:
        step_raw(w, c);
        break;
    }
}

/* Text up to the next <, or in a conditional comment up to a > that may end it. */
static size_t text_run(const struct hy_html *h, struct hy_str source, size_t at, size_t to)
{
    if (!h->in_comment) {
        const char *lt = memchr(source.p + at, '<', to - at);
        return lt ? (size_t)(lt - source.p) : to;
    }
    while (at < to && source.p[at] != '<' && source.p[at] != '>')
        at++;
    return at;
}

/* One > or < or run of text in the state DATA. */
static void walk_data(struct walk *w, size_t to)
{
    struct hy_html *h = w->h;
    size_t end = text_run(h, w->source, w->at, to);
    emit_text(w, w->at, end);
    for (size_t i = end - w->at > 2 ? end - 2 : w->at; h->in_comment && i < end; i++)
        h->dashes = w->source.p[i] == '-' ? (uint8_t)(h->dashes < 2 ? h->dashes + 1 : 2) : 0;
    w->at = end;
    if (end == to)
        return;
    if (w->source.p[end] == '<')
        begin_tag(h, HY_HTML_TAG_OPEN, end);
    if (h->in_comment)
        leaves_comment(h, w->source.p[end]);
    w->at++;
}

void hy_html_walk(struct hy_html *h, struct hy_str source, size_t from, size_t to,
                  hy_html_event_fn *event, void *ctx)
{
    struct walk w = {.h = h, .source = source, .at = from, .event = event, .ctx = ctx};
    while (w.at < to) {
        if (h->state == HY_HTML_DATA) {
            walk_data(&w, to);
            continue;
        }
        if (!h->in_comment || !leaves_comment(h, source.p[w.at]))
            step(&w, source.p[w.at]);
        w.at++;
    }
}

void hy_html_value(struct hy_html *h, size_t at)
{
    if (h->state == HY_HTML_BEFORE_VALUE)
        begin_value(h, 0, at);
    if (h->state == HY_HTML_VALUE && h->url <= HY_HTML_URL_SCHEME)
        h->url = HY_HTML_URL_INSIDE;
    if (h->state == HY_HTML_COMMENT && h->matched < 3)
        h->matched = 4;
    if (h->state == HY_HTML_COMMENT || h->in_comment)
        h->dashes = 0;
}

bool hy_html_same_place(const struct hy_html *a, const struct hy_html *b)
{
    bool is_in_tag = a->state >= HY_HTML_TAG_OPEN && a->state <= HY_HTML_VALUE;
    if (a->state != b->state || a->in_comment != b->in_comment)
        return false;
    if (is_in_tag && a->tag_serial != b->tag_serial)
        return false;
    if (a->state == HY_HTML_VALUE && a->value_begin != b->value_begin)
        return false;
    return (a->state != HY_HTML_RAW && a->state != HY_HTML_RCDATA) ||
           hy_str_eq(tag_name(a), tag_name(b));
}
