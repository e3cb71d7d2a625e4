/* What a kind of text asks of the tags in it: how each value is escaped, and where the links are.
 */
#include "plan.h"
#include "hayauma/mail/escape.h"

static int make_plan(struct hy_arena *arena, const struct hy_tags *tags, size_t max_links,
                     struct hy_diag *diag, struct hy_plan *plan)
{
    *plan = (struct hy_plan){.beacon_at = SIZE_MAX};
    plan->escape = hy_arena_zalloc(arena, tags->n + 1);
    plan->links = hy_arena_alloc(arena, (max_links + 1) * sizeof *plan->links);
    if (!plan->escape || !plan->links)
        return hy_fail(diag, HY_ENOMEM, "no memory for a template");
    return 0;
}

int hy_plan_header(struct hy_arena *arena, const struct hy_tags *tags, struct hy_diag *diag,
                   struct hy_plan *ret_plan)
{
    int rc = make_plan(arena, tags, 0, diag, ret_plan);
    if (rc == 0)
        memset(ret_plan->escape, HY_ESCAPE_LINE, tags->n);
    return rc;
}

struct html_planner {
    const struct hy_tags *tags;
    struct hy_plan *plan;
    struct hy_html html;
    struct hy_html_links links;
    struct hy_html at_section[HY_MESSAGE_DEPTH_MAX]; /* where the open sections began */
    size_t depth;
    struct hy_diag *diag;
};

static void on_event(void *ctx, const struct hy_html_event *event)
{
    struct html_planner *p = ctx;
    size_t body_end = p->links.body_end;
    hy_html_links_event(&p->links, event);
    if (p->depth) /* the beacon must not depend on a section */
        p->links.body_end = body_end;
}

static int plan_value(struct html_planner *p, size_t i)
{
    const struct hy_tag *tag = &p->tags->v[i];
    struct hy_str source = p->tags->source;
    bool is_raw = tag->kind == HY_TAG_RAW;
    const char *why = NULL;
    int escape = hy_html_place(&p->html, &why);
    if (escape < 0)
        return hy_tags_fail(p->tags, tag->begin, p->diag, escape, "%s", why);
    if (is_raw && p->html.state != HY_HTML_DATA)
        return hy_tags_fail(p->tags, tag->begin, p->diag, HY_EINVAL,
                            "a value that is not escaped can only stand in the text of the page");
    if (is_raw)
        escape = HY_ESCAPE_PLAIN;
    if (p->html.state == HY_HTML_BEFORE_VALUE) {
        char next = tag->end < source.n ? source.p[tag->end] : '>';
        if (next != '>' && (unsigned char)next > ' ')
            return hy_tags_fail(p->tags, tag->begin, p->diag, HY_EINVAL,
                                "put quotes around the value of this attribute");
        escape |= HY_PLAN_BARE;
    }
    p->plan->escape[i] = (uint8_t)escape;
    hy_html_value(&p->html, tag->begin);
    return 0;
}

static int begin_section(struct html_planner *p, const struct hy_tag *tag)
{
    enum hy_html_state state = p->html.state;
    if (state == HY_HTML_BEFORE_VALUE)
        return hy_tags_fail(p->tags, tag->begin, p->diag, HY_EINVAL,
                            "put quotes around the value of this attribute");
    if (state == HY_HTML_TAG_OPEN || state == HY_HTML_END_TAG_OPEN || state == HY_HTML_TAG_NAME ||
        state == HY_HTML_ATTR_NAME || state == HY_HTML_MARKUP)
        return hy_tags_fail(p->tags, tag->begin, p->diag, HY_EINVAL,
                            "a section cannot begin inside a name");
    p->at_section[p->depth++] = p->html;
    return 0;
}

static int end_section(struct html_planner *p, const struct hy_tag *tag)
{
    if (hy_html_same_place(&p->html, &p->at_section[--p->depth]))
        return 0;
    return hy_tags_fail(p->tags, tag->begin, p->diag, HY_EINVAL,
                        "section {{#%.*s}} ends in another kind of place than it began: inside a "
                        "tag, attribute or comment",
                        HY_STR_ARG(tag->name));
}

static int plan_tag(struct html_planner *p, size_t i)
{
    const struct hy_tag *tag = &p->tags->v[i];
    switch (tag->kind) {
    case HY_TAG_TEXT:
        hy_html_walk(&p->html, p->tags->source, tag->begin, tag->end, on_event, p);
        return 0;
    case HY_TAG_VALUE:
    case HY_TAG_RAW:
        return plan_value(p, i);
    case HY_TAG_SECTION:
    case HY_TAG_INVERTED:
        return begin_section(p, tag);
    case HY_TAG_END:
        return end_section(p, tag);
    case HY_TAG_NOTE:
        return 0;
    }
    return 0;
}

static size_t count(struct hy_str s, char c)
{
    size_t n = 0;
    for (size_t at = 0; (at = hy_str_find(s, c, at)) != SIZE_MAX; at++)
        n++;
    return n;
}

int hy_plan_html(struct hy_arena *arena, const struct hy_tags *tags, struct hy_diag *diag,
                 struct hy_plan *ret_plan)
{
    struct hy_plan plan;
    size_t max = count(tags->source, '<');
    int rc = make_plan(arena, tags, max, diag, &plan);
    if (rc)
        return rc;
    struct html_planner p = {.tags = tags,
                             .plan = &plan,
                             .links = {.v = plan.links, .max = max, .body_end = SIZE_MAX},
                             .diag = diag};
    for (size_t i = 0; i < tags->n && rc == 0; i++)
        rc = plan_tag(&p, i);
    if (rc)
        return rc;
    plan.n_links = p.links.n;
    plan.beacon_at = p.links.body_end != SIZE_MAX ? p.links.body_end : tags->source.n;
    *ret_plan = plan;
    return 0;
}
