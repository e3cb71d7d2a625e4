/* Plain text: values stand as they are, but percent-encoded inside a URL; bare http(s) URLs and a
 * variable in angle brackets, <{{url}}>, are links. */
#include "hayauma/mail/escape.h"
#include "plan.h"

struct text_planner {
    const struct hy_tags *tags;
    struct hy_plan *plan;
    bool is_in_url, is_opted_out;
    size_t url_begin, url_end;
};

static bool is_url_char(char c)
{
    return c > ' ' && c < 0x7f && !memchr("<>\"{}|\\^`", c, 9);
}

static bool is_word(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

static size_t count(struct hy_str s, char c)
{
    size_t n = 0;
    for (size_t at = 0; (at = hy_str_find(s, c, at)) != SIZE_MAX; at++)
        n++;
    return n;
}

/* Whether the last character of `url` belongs to the sentence around it. */
static bool ends_outside(struct hy_str url)
{
    switch (url.p[url.n - 1]) {
    case ')':
        return count(url, ')') > count(url, '(');
    case ']':
        return count(url, ']') > count(url, '[');
    default:
        return memchr(".,;:!?'", url.p[url.n - 1], 7) != NULL;
    }
}

static size_t trim_url(struct hy_str source, size_t begin, size_t end)
{
    enum { TRIMMED_MAX = 16 }; /* more than a sentence has; each look is as long as the URL */
    for (int i = 0; i < TRIMMED_MAX && end > begin; i++, end--)
        if (!ends_outside(hy_str_slice(source, begin, end)))
            break;
    return end;
}

static void add_link(struct text_planner *p, size_t begin, size_t end)
{
    p->plan->links[p->plan->n_links++] = (struct hy_html_link){begin, end, 0};
}

static void end_url(struct text_planner *p, bool is_link)
{
    if (p->is_in_url && is_link && !p->is_opted_out)
        add_link(p, p->url_begin, p->url_end);
    p->is_in_url = p->is_opted_out = false;
}

/* The next http:// or https:// at or after `at` that no letter stands before. */
static size_t find_url(struct hy_str s, size_t at, size_t to)
{
    for (struct hy_str part; at < to; at++) {
        const char *h = memchr(s.p + at, ':', to - at);
        if (!h)
            return SIZE_MAX;
        size_t colon = (size_t)(h - s.p);
        for (size_t n = 4; n <= 5; n++) {
            if (colon < at + n)
                continue;
            part = hy_str_slice(s, colon - n, to);
            bool is_start = colon == n || !is_word(s.p[colon - n - 1]);
            if (is_start && part.n > n + 3 && hy_url_is_http(part) && is_url_char(part.p[n + 3]))
                return colon - n;
        }
        at = colon;
    }
    return SIZE_MAX;
}

static void plan_literal(struct text_planner *p, size_t i)
{
    const struct hy_tag *tag = &p->tags->v[i];
    struct hy_str s = p->tags->source;
    bool is_noted = i > 0 && p->tags->v[i - 1].kind == HY_TAG_NOTE &&
                    hy_str_eq(p->tags->v[i - 1].name, HY_STR("notrack"));
    for (size_t at = tag->begin; at < tag->end;) {
        if (!p->is_in_url) {
            size_t url = find_url(s, at, tag->end);
            if (url == SIZE_MAX)
                return;
            p->is_in_url = true;
            p->is_opted_out = is_noted && url == tag->begin;
            p->url_begin = at = url;
        }
        size_t begin = at;
        while (at < tag->end && is_url_char(s.p[at]))
            at++;
        p->url_end = at;
        bool goes_on = at == tag->end && i + 1 < p->tags->n &&
                       p->tags->v[i + 1].kind == HY_TAG_VALUE && p->tags->v[i + 1].begin == at;
        if (goes_on)
            return;
        if (at > begin)
            p->url_end = trim_url(s, p->url_begin, at);
        bool meets_section = at == tag->end && i + 1 < p->tags->n && p->url_end == at &&
                             (p->tags->v[i + 1].kind == HY_TAG_SECTION ||
                              p->tags->v[i + 1].kind == HY_TAG_INVERTED) &&
                             p->tags->v[i + 1].begin == at;
        end_url(p, !meets_section);
    }
}

/* <{{url}}>: a link when what it renders to is an http(s) URL. */
static bool is_in_brackets(const struct hy_tags *tags, size_t i)
{
    struct hy_str s = tags->source;
    const struct hy_tag *tag = &tags->v[i];
    return tag->kind == HY_TAG_VALUE && tag->begin > 0 && s.p[tag->begin - 1] == '<' &&
           tag->end < s.n && s.p[tag->end] == '>';
}

static bool is_noted_before(const struct hy_tags *tags, size_t i)
{
    return i >= 2 && tags->v[i - 2].kind == HY_TAG_NOTE &&
           hy_str_eq(tags->v[i - 2].name, HY_STR("notrack")) &&
           tags->v[i - 1].end - tags->v[i - 1].begin == 1;
}

static void plan_tag(struct text_planner *p, size_t i)
{
    const struct hy_tag *tag = &p->tags->v[i];
    if (tag->kind == HY_TAG_TEXT) {
        plan_literal(p, i);
        return;
    }
    if (tag->kind != HY_TAG_VALUE) {
        end_url(p, true);
        return;
    }
    if (p->is_in_url) {
        p->plan->escape[i] = HY_ESCAPE_URL_PART;
        p->url_end = tag->end;
        bool goes_on =
            i + 1 < p->tags->n && p->tags->v[i + 1].begin == tag->end &&
            (p->tags->v[i + 1].kind == HY_TAG_TEXT || p->tags->v[i + 1].kind == HY_TAG_VALUE);
        if (!goes_on)
            end_url(p, i + 1 == p->tags->n || p->tags->v[i + 1].kind != HY_TAG_SECTION);
    } else if (is_in_brackets(p->tags, i) && !is_noted_before(p->tags, i)) {
        add_link(p, tag->begin, tag->end);
    }
}

int hy_plan_text(struct hy_arena *arena, const struct hy_tags *tags, struct hy_diag *diag,
                 struct hy_plan *ret_plan)
{
    struct hy_plan plan = {.beacon_at = SIZE_MAX};
    plan.escape = hy_arena_zalloc(arena, tags->n + 1);
    /* Each link takes a colon, or a tag and no colon. */
    size_t max = tags->n + 1;
    for (size_t at = 0; (at = hy_str_find(tags->source, ':', at)) != SIZE_MAX; at++)
        max++;
    plan.links = hy_arena_alloc(arena, max * sizeof *plan.links);
    if (!plan.escape || !plan.links)
        return hy_fail(diag, HY_ENOMEM, "no memory for a template");
    struct text_planner p = {.tags = tags, .plan = &plan};
    for (size_t i = 0; i < tags->n; i++)
        plan_tag(&p, i);
    end_url(&p, true);
    *ret_plan = plan;
    return 0;
}
