/* A template as a list of steps to render it by: literals merged, links and beacon put in. */
#include <stdlib.h>

#include "entity.h"
#include "hayauma/mail/escape.h"
#include "program.h"

#define BEACON_BEFORE "<img src=\""
#define BEACON_BEHIND                                                                              \
    "\" width=\"1\" height=\"1\" alt=\"\" style=\"border:0;width:1px;height:1px\">"

struct builder {
    const struct hy_program_env *env;
    const struct hy_tags *tags;
    const struct hy_plan *plan;
    struct hy_program program;
    struct hy_buf text; /* literal under way */
    size_t stack[HY_MESSAGE_DEPTH_MAX];
    size_t depth;
    size_t at_tag;     /* the tag under way */
    size_t next_link;  /* of the plan */
    size_t open_op;    /* the HY_OP_LINK under way, SIZE_MAX = none */
    size_t open_until; /* where it ends in the source */
    size_t skip_until; /* source before this place is replaced */
    bool has_beacon;   /* still to come */
};

void hy_program_free(struct hy_program *p)
{
    free(p->ops);
    *p = (struct hy_program){0};
}

void hy_link_list_free(struct hy_link_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        hy_program_free(&l->v[i].program);
    free(l->v);
    *l = (struct hy_link_list){0};
}

bool hy_program_is_fixed(const struct hy_program *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->ops[i].kind != HY_OP_TEXT)
            return false;
    return true;
}

static int no_memory(struct builder *b)
{
    return hy_fail(b->env->diag, HY_ENOMEM, "no memory for a template");
}

static int add_op(struct hy_program *p, struct hy_op op)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 16;
        struct hy_op *ops = realloc(p->ops, cap * sizeof *ops);
        if (!ops)
            return HY_ENOMEM;
        p->ops = ops;
        p->cap = cap;
    }
    p->ops[p->n++] = op;
    return 0;
}

/* Turns the literal under way into a step. */
static int flush(struct builder *b)
{
    if (b->text.err)
        return no_memory(b);
    if (b->text.len == 0)
        return 0;
    struct hy_str text = hy_arena_str(b->env->arena, hy_buf_str(&b->text));
    hy_buf_reset(&b->text);
    if (!text.p || add_op(&b->program, (struct hy_op){.kind = HY_OP_TEXT, .text = text}))
        return no_memory(b);
    return 0;
}

static int put_op(struct builder *b, struct hy_op op)
{
    int rc = flush(b);
    if (rc)
        return rc;
    return add_op(&b->program, op) ? no_memory(b) : 0;
}

static bool system_value(struct hy_str name, uint16_t *ret)
{
    static const char *const names[HY_SYSTEM_VALUES] = {
        [HY_SYSTEM_EMAIL] = "email",
        [HY_SYSTEM_CAMPAIGN] = "campaign",
        [HY_SYSTEM_UNSUBSCRIBE_URL] = "unsubscribe_url",
        [HY_SYSTEM_VIEW_URL] = "view_url",
    };
    for (uint16_t i = 0; i < HY_SYSTEM_VALUES; i++) {
        if (hy_str_eq(name, hy_str_of(names[i]))) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static int find_ref(struct builder *b, const struct hy_tag *tag, struct hy_ref *ret)
{
    struct hy_ref ref = {.kind = HY_REF_SLOT};
    if (tag->name.p[0] == '.') {
        if (b->depth == 0)
            return hy_tags_fail(b->tags, tag->begin, b->env->diag, HY_EINVAL,
                                "{{%.*s}} is the item of a loop: it can only stand in a section",
                                HY_STR_ARG(tag->name));
        ref.kind = HY_REF_ITEM;
        ref.field = hy_str_slice(tag->name, 1, tag->name.n);
    } else if (system_value(tag->name, &ref.slot)) {
        ref.kind = HY_REF_SYSTEM;
    } else {
        struct hy_diag why = {0};
        int rc = b->env->slot ? b->env->slot(b->env->slot_ctx, tag->name, &ref.slot, &why)
                              : HY_ENOTFOUND;
        if (b->depth) { /* as in Mustache, the item of a section comes first */
            ref.kind = rc ? HY_REF_ITEM : HY_REF_EITHER;
            ref.field = tag->name;
            rc = rc == HY_ENOTFOUND ? 0 : rc;
        }
        if (rc)
            return hy_tags_fail(b->tags, tag->begin, b->env->diag,
                                rc == HY_ENOMEM ? HY_ENOMEM : HY_EINVAL, "{{%.*s}}: %s",
                                HY_STR_ARG(tag->name), why.text[0] ? why.text : "unknown variable");
    }
    *ret = ref;
    return 0;
}

static int put_value(struct builder *b, size_t i)
{
    const struct hy_tag *tag = &b->tags->v[i];
    uint8_t escape = b->plan->escape[i];
    struct hy_op op = {.kind = HY_OP_VALUE,
                       .escape = escape & (HY_ESCAPE_MASK | HY_ESCAPE_IN_COMMENT),
                       .is_bare = (escape & HY_PLAN_BARE) != 0,
                       .fallback = tag->fallback};
    int rc = find_ref(b, tag, &op.ref);
    return rc ? rc : put_op(b, op);
}

static int begin_section(struct builder *b, const struct hy_tag *tag)
{
    struct hy_op op = {.kind = tag->kind == HY_TAG_SECTION ? HY_OP_SECTION : HY_OP_INVERTED};
    int rc = find_ref(b, tag, &op.ref);
    if (rc == 0)
        rc = put_op(b, op);
    if (rc == 0)
        b->stack[b->depth++] = b->program.n - 1;
    return rc;
}

static int end_section(struct builder *b)
{
    int rc = flush(b);
    b->program.ops[b->stack[--b->depth]].end = (uint32_t)b->program.n;
    return rc;
}

static int put_tag(struct builder *b, size_t i)
{
    const struct hy_tag *tag = &b->tags->v[i];
    switch (tag->kind) {
    case HY_TAG_VALUE:
    case HY_TAG_RAW:
        return put_value(b, i);
    case HY_TAG_SECTION:
    case HY_TAG_INVERTED:
        return begin_section(b, tag);
    case HY_TAG_END:
        return end_section(b);
    default:
        return 0;
    }
}

/* The literal of a URL in an attribute: references decoded, and what a URL cannot hold encoded. */
static void add_url_text(struct builder *b, struct hy_str text, bool is_html)
{
    struct hy_buf plain = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 4ul);
    if (is_html)
        hy_entity_decode(&plain, text);
    else
        hy_buf_add_str(&plain, text);
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < plain.len; i++) {
        unsigned char c = (unsigned char)plain.data[i];
        if (c == '\n' || c == '\r' || c == '\t')
            continue; /* browsers drop them */
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>') {
            char code[3] = {'%', hex[c >> 4], hex[c & 15]};
            hy_buf_add(&b->text, code, 3);
        } else {
            hy_buf_add_c(&b->text, (char)c);
        }
    }
    if (plain.err)
        b->text.err = plain.err;
    hy_buf_free(&plain);
}

static struct hy_str trim_value(struct hy_str source, const struct hy_html_link *l)
{
    return hy_str_trim(hy_str_slice(source, l->begin, l->end));
}

/* The escape of a value in a URL that does not stand in HTML. */
static uint8_t plain_escape(uint8_t escape)
{
    switch (escape & HY_ESCAPE_MASK) {
    case HY_ESCAPE_URL_HTML:
    case HY_ESCAPE_PLAIN: /* <{{url}}> in text */
        return HY_ESCAPE_URL;
    default:
        return escape & HY_ESCAPE_MASK;
    }
}

/* Compiles the URL of a link alone. */
static int build_target(struct builder *outer, const struct hy_html_link *place,
                        struct hy_link *link)
{
    struct hy_str all = trim_value(outer->tags->source, place);
    size_t begin = (size_t)(all.p - outer->tags->source.p), end = begin + all.n;
    struct builder b = {.env = outer->env,
                        .tags = outer->tags,
                        .plan = outer->plan,
                        .text = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 4ul),
                        .depth = outer->depth,
                        .open_op = SIZE_MAX};
    int rc = 0;
    for (size_t i = outer->at_tag; i < b.tags->n && b.tags->v[i].begin < end && rc == 0; i++) {
        const struct hy_tag *tag = &b.tags->v[i];
        if (tag->end <= begin)
            continue;
        if (tag->kind == HY_TAG_TEXT) {
            size_t from = tag->begin > begin ? tag->begin : begin;
            size_t to = tag->end < end ? tag->end : end;
            add_url_text(&b, hy_str_slice(b.tags->source, from, to), !b.env->in_text);
            continue;
        }
        rc = put_tag(&b, i);
        if (rc == 0 && tag->kind == HY_TAG_VALUE)
            b.program.ops[b.program.n - 1].escape = plain_escape(b.plan->escape[i]);
        if (rc == 0 && tag->kind != HY_TAG_END && tag->kind != HY_TAG_NOTE) {
            enum hy_ref_kind kind = b.program.ops[b.program.n - 1].ref.kind;
            link->uses_item |= kind == HY_REF_ITEM || kind == HY_REF_EITHER;
        }
        link->is_personal |= tag->kind != HY_TAG_NOTE;
    }
    if (rc == 0)
        rc = flush(&b);
    hy_buf_free(&b.text);
    link->program = b.program;
    return rc;
}

/* What a person reads in reports: the URL with its tags. */
static int name_target(struct builder *b, const struct hy_html_link *place, struct hy_link *link)
{
    struct hy_buf plain = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 4ul);
    struct hy_str all = trim_value(b->tags->source, place);
    if (b->env->in_text)
        hy_buf_add_str(&plain, all);
    else
        hy_entity_decode(&plain, all);
    link->target = hy_arena_str(b->env->arena, hy_buf_str(&plain));
    bool is_good = plain.err == 0 && link->target.p != NULL;
    hy_buf_free(&plain);
    return is_good ? 0 : no_memory(b);
}

/* The link of the HTML part that leads to the same place as one of the text part. */
static struct hy_link *find_twin(struct hy_link_list *l, const struct hy_link *link)
{
    for (size_t i = 0; i < l->n; i++)
        if (!l->v[i].in_text && !l->v[i].uses_item && hy_str_eq(l->v[i].target, link->target))
            return &l->v[i];
    return NULL;
}

/* Finds or makes the link; *ret_no is its number. */
static int add_link(struct builder *b, const struct hy_html_link *place, struct hy_link **ret_link,
                    uint32_t *ret_no)
{
    struct hy_link_list *l = b->env->links;
    if (l->n == HY_MESSAGE_LINKS_MAX)
        return hy_tags_fail(b->tags, place->begin, b->env->diag, HY_ELIMIT,
                            "more than %d links in a message", HY_MESSAGE_LINKS_MAX);
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct hy_link *v = realloc(l->v, cap * sizeof *v);
        if (!v)
            return no_memory(b);
        l->v = v;
        l->cap = cap;
    }
    struct hy_link *link = &l->v[l->n++];
    *link = (struct hy_link){.in_text = b->env->in_text};
    for (size_t i = 0; i < b->depth; i++)
        if (b->program.ops[b->stack[i]].kind == HY_OP_SECTION)
            link->chain[link->n_chain++] = b->program.ops[b->stack[i]].ref;
    int rc = name_target(b, place, link);
    if (rc == 0)
        rc = build_target(b, place, link);
    struct hy_link *twin = rc == 0 && link->in_text && !link->uses_item ? find_twin(l, link) : NULL;
    if (twin) {
        hy_program_free(&link->program);
        l->n--;
        link = twin;
    }
    *ret_link = link;
    *ret_no = (uint32_t)(link - l->v) + 1;
    return rc;
}

enum link_kind { LINK_NONE, LINK_FIXED, LINK_OPEN };

/* By how the URL begins: http(s) for sure, perhaps, or not. */
static enum link_kind judge_link(struct builder *b, const struct hy_html_link *place)
{
    struct hy_str url = trim_value(b->tags->source, place);
    if (url.n == 0)
        return LINK_NONE;
    size_t begin = (size_t)(url.p - b->tags->source.p);
    for (size_t i = b->at_tag; i < b->tags->n; i++) {
        const struct hy_tag *tag = &b->tags->v[i];
        if (tag->end <= begin)
            continue;
        uint16_t slot;
        if (tag->kind == HY_TAG_VALUE)
            return system_value(tag->name, &slot) ? LINK_NONE : LINK_OPEN;
        if (tag->kind != HY_TAG_TEXT)
            return tag->kind == HY_TAG_SECTION || tag->kind == HY_TAG_INVERTED ? LINK_OPEN
                                                                               : LINK_NONE;
        struct hy_buf plain = HY_BUF_INIT(64);
        struct hy_str first = hy_str_slice(b->tags->source, begin, tag->end);
        hy_entity_decode(&plain, hy_str_slice(first, 0, 60));
        bool is_http = hy_url_is_http(hy_buf_str(&plain));
        hy_buf_free(&plain);
        return is_http ? LINK_FIXED : LINK_NONE;
    }
    return LINK_NONE;
}

static int begin_link(struct builder *b, const struct hy_html_link *place)
{
    enum link_kind kind = judge_link(b, place);
    struct hy_link *link = NULL;
    struct hy_op op = {.kind = HY_OP_CLICK};
    int rc = kind == LINK_NONE ? 0 : add_link(b, place, &link, &op.link);
    if (rc || kind == LINK_NONE)
        return rc;
    if (kind == LINK_FIXED && !link->uses_item) {
        hy_buf_add_str(&b->text, b->env->base_url);
        hy_buf_add_lit(&b->text, HY_PATH_CLICK);
        b->skip_until = place->end;
        return put_op(b, op);
    }
    op.kind = HY_OP_LINK;
    rc = put_op(b, op);
    b->open_op = b->program.n - 1;
    b->open_until = place->end;
    return rc;
}

/* What is due when the source has been followed to `at`. */
static int reach(struct builder *b, size_t at)
{
    int rc = 0;
    if (b->open_op != SIZE_MAX && at >= b->open_until) {
        rc = flush(b);
        b->program.ops[b->open_op].end = (uint32_t)b->program.n;
        b->open_op = SIZE_MAX;
    }
    if (rc == 0 && b->has_beacon && at >= b->plan->beacon_at) {
        b->has_beacon = false;
        hy_buf_add_lit(&b->text, BEACON_BEFORE);
        hy_buf_add_str(&b->text, b->env->base_url);
        hy_buf_add_lit(&b->text, HY_PATH_OPEN);
        rc = put_op(b, (struct hy_op){.kind = HY_OP_OPEN});
        hy_buf_add_lit(&b->text, BEACON_BEHIND);
    }
    while (rc == 0 && b->next_link < b->plan->n_links && b->open_op == SIZE_MAX &&
           at >= b->plan->links[b->next_link].begin && at >= b->skip_until)
        rc = begin_link(b, &b->plan->links[b->next_link++]);
    return rc;
}

/* The nearest place behind `at` where something is due, at most `end`. */
static size_t next_stop(const struct builder *b, size_t at, size_t end)
{
    size_t stops[] = {
        b->open_op != SIZE_MAX ? b->open_until : end, b->has_beacon ? b->plan->beacon_at : end,
        b->next_link < b->plan->n_links ? b->plan->links[b->next_link].begin : end, b->skip_until};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (stops[i] > at && stops[i] < end)
            end = stops[i];
    return end;
}

static int put_text(struct builder *b, const struct hy_tag *tag)
{
    for (size_t at = tag->begin; at < tag->end;) {
        int rc = reach(b, at);
        if (rc)
            return rc;
        size_t stop = next_stop(b, at, tag->end);
        if (at >= b->skip_until)
            hy_buf_add_str(&b->text, hy_str_slice(b->tags->source, at, stop));
        at = stop;
    }
    return 0;
}

int hy_program_build(const struct hy_program_env *env, const struct hy_tags *tags,
                     const struct hy_plan *plan, struct hy_program *ret_program)
{
    struct hy_plan used = *plan;
    if (!env->links)
        used.n_links = 0;
    struct builder b = {.env = env,
                        .tags = tags,
                        .plan = &used,
                        .text = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 4ul),
                        .open_op = SIZE_MAX,
                        .has_beacon = env->has_beacon && plan->beacon_at != SIZE_MAX};
    int rc = 0;
    for (size_t i = 0; i < tags->n && rc == 0; i++) {
        b.at_tag = i;
        if (tags->v[i].kind == HY_TAG_TEXT) {
            rc = put_text(&b, &tags->v[i]);
            continue;
        }
        rc = reach(&b, tags->v[i].begin);
        if (rc == 0 && tags->v[i].begin >= b.skip_until)
            rc = put_tag(&b, i);
    }
    if (rc == 0)
        rc = reach(&b, tags->source.n);
    if (rc == 0)
        rc = flush(&b);
    hy_buf_free(&b.text);
    if (rc) {
        hy_program_free(&b.program);
        return rc;
    }
    *ret_program = b.program;
    return 0;
}
