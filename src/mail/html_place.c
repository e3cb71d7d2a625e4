/* Which escape a place in HTML asks of a value, and which places no value may stand in. */
#include "hayauma/mail/escape.h"
#include "html_scan.h"

static bool in_set(struct hy_str name, const char *const *set)
{
    for (; *set; set++)
        if (hy_str_eq(name, hy_str_of(*set)))
            return true;
    return false;
}

/* Attributes whose value is a URL, or a list of them (there a value is a piece of one). */
static bool is_url_attr(struct hy_str attr)
{
    static const char *const names[] = {
        "href",       "src",     "action",      "background", "cite",       "data",
        "formaction", "icon",    "poster",      "longdesc",   "manifest",   "codebase",
        "classid",    "profile", "usemap",      "srcset",     "xlink:href", "ping",
        "lowsrc",     "dynsrc",  "imagesrcset", NULL};
    return in_set(attr, names);
}

static int refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return HY_EINVAL;
}

static int place_in_url(const struct hy_html *h, const char **ret_why)
{
    struct hy_str attr = hy_str_make(h->attr, h->attr_n);
    bool is_list = hy_str_ends(attr, HY_STR("srcset")) || hy_str_eq(attr, HY_STR("ping"));
    switch (h->url) {
    case HY_HTML_URL_START:
        return is_list ? HY_ESCAPE_URL_PART : HY_ESCAPE_URL_HTML;
    case HY_HTML_URL_MAILTO:
        return HY_ESCAPE_URL_MAILTO;
    case HY_HTML_URL_SCRIPT:
        return refuse(ret_why, "a variable cannot stand in a URL of this scheme");
    default:
        return HY_ESCAPE_URL_PART;
    }
}

static int place_in_attr(const struct hy_html *h, const char **ret_why)
{
    static const char *const animations[] = {"animate", "set", "animatetransform", "animatemotion",
                                             NULL};
    struct hy_str tag = hy_str_make(h->tag, h->tag_n), attr = hy_str_make(h->attr, h->attr_n);
    if (h->is_end_tag)
        return refuse(ret_why, "a variable cannot stand in an end tag");
    if (hy_str_starts(attr, HY_STR("on")) || hy_str_eq(attr, HY_STR("srcdoc")))
        return refuse(ret_why, "a variable cannot stand in an attribute that runs as a script");
    if (in_set(tag, animations) || hy_str_eq(tag, HY_STR("meta")))
        return refuse(ret_why, "a variable cannot stand in an attribute of this tag");
    bool is_quoted = h->state == HY_HTML_VALUE && h->quote != 0;
    if (hy_str_eq(attr, HY_STR("style")))
        return is_quoted ? HY_ESCAPE_CSS
                         : refuse(ret_why, "put quotes around the value of this attribute");
    if (is_url_attr(attr))
        return place_in_url(h, ret_why);
    return is_quoted ? HY_ESCAPE_HTML : HY_ESCAPE_UNQUOTED;
}

static int place(const struct hy_html *h, const char **ret_why)
{
    switch (h->state) {
    case HY_HTML_DATA:
    case HY_HTML_RCDATA:
        return HY_ESCAPE_HTML;
    case HY_HTML_COMMENT:
        return HY_ESCAPE_HTML | HY_ESCAPE_IN_COMMENT;
    case HY_HTML_VALUE:
    case HY_HTML_BEFORE_VALUE:
        return place_in_attr(h, ret_why);
    case HY_HTML_RAW:
        return refuse(ret_why, hy_str_eq(hy_str_make(h->tag, h->tag_n), HY_STR("style"))
                                   ? "a variable cannot stand in a style sheet"
                                   : "a variable cannot stand in a script or an unparsed element");
    case HY_HTML_MARKUP:
    case HY_HTML_BOGUS:
        return refuse(ret_why, "a variable cannot stand in a declaration <! ... >");
    default:
        return refuse(ret_why, "a variable cannot stand in a tag but in the value of an attribute");
    }
}

int hy_html_place(const struct hy_html *h, const char **ret_why)
{
    struct hy_html fresh = *h;
    if (h->state == HY_HTML_BEFORE_VALUE)
        fresh.url = HY_HTML_URL_START;
    int escape = place(&fresh, ret_why);
    return escape >= 0 && h->in_comment ? escape | HY_ESCAPE_IN_COMMENT : escape;
}

void hy_html_links_event(void *ctx, const struct hy_html_event *e)
{
    struct hy_html_links *l = ctx;
    bool is_a = hy_str_eq(e->kind == HY_HTML_ATTR ? e->tag : e->name, HY_STR("a")) ||
                hy_str_eq(e->kind == HY_HTML_ATTR ? e->tag : e->name, HY_STR("area"));
    if (e->kind == HY_HTML_ATTR && is_a) {
        if (hy_str_eq(e->name, HY_STR("href")) && !l->has_href) {
            l->has_href = true;
            l->href = (struct hy_html_link){e->begin, e->end, e->quote};
        }
        if (hy_str_eq(e->name, HY_STR("data-hy-notrack")))
            l->is_opted_out = true;
    }
    if (e->kind != HY_HTML_TAG)
        return;
    if (is_a && !e->is_end_tag && l->has_href && !l->is_opted_out && !e->in_comment &&
        l->n < l->max)
        l->v[l->n++] = l->href;
    if (e->is_end_tag && !e->in_comment && hy_str_eq(e->name, HY_STR("body")))
        l->body_end = e->begin;
    l->has_href = l->is_opted_out = false;
}
