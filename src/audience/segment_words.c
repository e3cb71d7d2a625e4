/* The words of segments, their values, and the pieces trees are made of. */
#include <stdio.h>
#include <stdlib.h>

#include "segment.h"

const struct segment_verb segment_verbs[] = {
    {"received", HY_ACTIVITY_DELIVERED, ""},
    {"bounced", HY_ACTIVITY_BOUNCED, "reason"},
    {"complained", HY_ACTIVITY_COMPLAINT, ""},
    {"unsubscribed", HY_ACTIVITY_UNSUBSCRIBE, "list"},
    {"replied", HY_ACTIVITY_REPLY, ""},
    {"opened", HY_ACTIVITY_OPEN, ""},
    {"clicked", HY_ACTIVITY_CLICK, "url,link"},
    {"visited", HY_ACTIVITY_PAGE_VIEW, "url"},
    {"reached", HY_ACTIVITY_KEY_PAGE, "name,url"},
    {"downloaded", HY_ACTIVITY_DOWNLOAD, "name,url"},
    {"watched", HY_ACTIVITY_VIDEO, "name,url"},
    {"submitted", HY_ACTIVITY_FORM_POST, "form,url"},
    {"ordered", HY_ACTIVITY_ORDER, "product,category,amount,quantity"},
    {"carted", HY_ACTIVITY_CART, "product,category,amount,quantity"},
    {"attended", HY_ACTIVITY_OFFLINE, "name"},
    {"did", HY_ACTIVITY_CUSTOM, "name"},
};
const size_t segment_n_verbs = sizeof segment_verbs / sizeof *segment_verbs;

const char *const segment_group_words[HY_SEGMENT_GROUPS] = {"tag", "list", "group", "segment"};

const char *const segment_op_words[HY_SEGMENT_OPS] = {
    "=",      "!=",   "<",   "<=",     ">",     ">=",     "in",    "contains",
    "starts", "ends", "set", "before", "after", "within", "older",
};

const struct segment_verb *segment_verb_of(struct hy_str word)
{
    for (size_t i = 0; i < segment_n_verbs; i++)
        if (hy_str_ieq(word, hy_str_of(segment_verbs[i].word)))
            return &segment_verbs[i];
    return NULL;
}

const struct segment_verb *segment_verb_of_kind(enum hy_activity_kind kind)
{
    for (size_t i = 0; i < segment_n_verbs; i++)
        if (segment_verbs[i].kind == kind)
            return &segment_verbs[i];
    return NULL;
}

static bool is_in_list(struct hy_str word, const char *list)
{
    struct hy_str rest = hy_str_of(list), one;
    while (hy_str_split(&rest, ',', &one))
        if (one.n && hy_str_ieq(word, one))
            return true;
    return false;
}

bool segment_verb_knows(const struct segment_verb *v, struct hy_str key)
{
    return is_in_list(key, "campaign,source") || is_in_list(key, v->keys) ||
           (hy_str_istarts(key, HY_STR("meta.")) && key.n > 5);
}

const char *segment_verb_list(char *out, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < segment_n_verbs && len < n; i++)
        len += (size_t)snprintf(out + len, n - len, "%s%s", i ? ", " : "", segment_verbs[i].word);
    return out;
}

const char *segment_call_near(struct hy_str word)
{
    const char *words[sizeof segment_verbs / sizeof *segment_verbs + HY_SEGMENT_GROUPS];
    size_t n = 0;
    for (; n < segment_n_verbs; n++)
        words[n] = segment_verbs[n].word;
    for (size_t g = 0; g < HY_SEGMENT_GROUPS; g++)
        words[n++] = segment_group_words[g];
    return hy_str_nearest(word, words, n);
}

bool segment_op_takes(enum hy_segment_op op, enum hy_segment_value_kind kind)
{
    switch (op) {
    case HY_SEGMENT_CONTAINS:
    case HY_SEGMENT_STARTS:
    case HY_SEGMENT_ENDS:
        return kind == HY_SEGMENT_TEXT;
    case HY_SEGMENT_BEFORE:
    case HY_SEGMENT_AFTER:
        return kind == HY_SEGMENT_DATE;
    case HY_SEGMENT_WITHIN:
    case HY_SEGMENT_OLDER:
        return kind == HY_SEGMENT_TIME;
    case HY_SEGMENT_LT:
    case HY_SEGMENT_LE:
    case HY_SEGMENT_GT:
    case HY_SEGMENT_GE:
        return kind == HY_SEGMENT_NUMBER || kind == HY_SEGMENT_DATE;
    default:
        return kind != HY_SEGMENT_TIME;
    }
}

int segment_read_date(struct hy_str text, struct hy_segment_value *v)
{
    char moment[24];
    v->kind = HY_SEGMENT_DATE;
    v->text = text;
    v->is_day = text.n == 10;
    if (v->is_day) {
        int n = snprintf(moment, sizeof moment, "%.*sT00:00Z", HY_STR_ARG(text));
        text = hy_str_make(moment, (size_t)n);
    }
    return hy_wall_parse(text, &v->at) == HY_OK ? HY_OK : HY_EPARSE;
}

int segment_read_time(struct hy_str text, struct hy_segment_value *v)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    static const uint64_t max_s = UINT64_C(3155760000); /* 100 years */
    uint64_t n;
    if (text.n < 2 || hy_str_to_u64(hy_str_slice(text, 0, text.n - 1), max_s, &n) != HY_OK)
        return HY_EPARSE;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (hy_ascii_lower(text.p[text.n - 1]) != units[i].unit)
            continue;
        n *= units[i].seconds;
        if (n == 0 || n > max_s)
            return HY_EPARSE;
        v->kind = HY_SEGMENT_TIME;
        v->text = text;
        v->seconds = (uint32_t)n;
        return HY_OK;
    }
    return HY_EPARSE;
}

/* -- making a tree -------------------------------------------------------------------------- */

struct hy_segment_node *segment_new(struct segment_maker *m, enum hy_segment_kind kind, int *err)
{
    if (m->n_nodes == HY_SEGMENT_NODES_MAX) {
        *err = hy_fail(m->diag, HY_ELIMIT, "more than %d conditions", HY_SEGMENT_NODES_MAX);
        return NULL;
    }
    struct hy_segment_node *n = hy_arena_zalloc(m->arena, sizeof *n);
    if (!n) {
        *err = HY_ENOMEM;
        return NULL;
    }
    m->n_nodes++;
    n->kind = kind;
    return n;
}

void *segment_list_add(struct segment_list *l, struct segment_maker *m, int *err)
{
    if (l->n == l->max) {
        *err = hy_fail(m->diag, HY_ELIMIT, "more than %zu %s", l->max, l->what);
        return NULL;
    }
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        void *items = realloc(l->items, cap * l->item_size);
        if (!items) {
            *err = HY_ENOMEM;
            return NULL;
        }
        l->items = items;
        l->cap = cap;
    }
    return memset((char *)l->items + l->n++ * l->item_size, 0, l->item_size);
}

void *segment_list_take(struct segment_list *l, struct segment_maker *m, int *err)
{
    void *out = NULL;
    if (*err == HY_OK) {
        out = hy_arena_alloc(m->arena, l->n * l->item_size);
        if (!out)
            *err = HY_ENOMEM;
        else if (l->n)
            memcpy(out, l->items, l->n * l->item_size);
    }
    free(l->items);
    l->items = NULL;
    return out;
}

const struct hy_segment_node *segment_join(struct segment_maker *m, enum hy_segment_kind kind,
                                           struct segment_list *items, int *err)
{
    const struct hy_segment_node **list = items->items;
    struct segment_list flat = {
        .item_size = sizeof *list, .max = HY_SEGMENT_NODES_MAX, .what = "conditions"};
    for (size_t i = 0; i < items->n && *err == HY_OK; i++) {
        bool is_same = list[i]->kind == kind;
        size_t n = is_same ? list[i]->n_items : 1;
        for (size_t k = 0; k < n && *err == HY_OK; k++) {
            const struct hy_segment_node **to = segment_list_add(&flat, m, err);
            if (to)
                *to = is_same ? list[i]->items[k] : list[i];
        }
    }
    const struct hy_segment_node *one =
        flat.n == 1 ? *(const struct hy_segment_node **)flat.items : NULL;
    free(items->items);
    items->items = NULL;
    size_t n = flat.n;
    const void *laid = segment_list_take(&flat, m, err);
    if (one || *err != HY_OK)
        return *err == HY_OK ? one : NULL;
    struct hy_segment_node *node = segment_new(m, kind, err);
    if (!node)
        return NULL;
    node->items = laid;
    node->n_items = (uint16_t)n;
    return node;
}

int segment_read_number(struct hy_str text, struct hy_segment_value *v)
{
    uint64_t whole = 0, scale = 1;
    size_t at = text.n && text.p[0] == '-' ? 1 : 0, digits = 0;
    bool is_fraction = false;
    for (; at < text.n; at++) {
        char c = text.p[at];
        if (c == '.' && !is_fraction && digits && at + 1 < text.n) {
            is_fraction = true;
            continue;
        }
        if (c < '0' || c > '9' || ++digits > 15)
            return HY_EPARSE;
        whole = whole * 10 + (uint64_t)(c - '0');
        scale *= is_fraction ? 10 : 1;
    }
    size_t first = text.n && text.p[0] == '-' ? 1 : 0;
    bool has_idle_zero = digits > 1 && text.p[first] == '0' && text.p[first + 1] != '.';
    if (!digits || has_idle_zero)
        return HY_EPARSE;
    v->kind = HY_SEGMENT_NUMBER;
    v->text = segment_short_number(text);
    v->number = (text.p[0] == '-' ? -1.0 : 1.0) * (double)whole / (double)scale;
    return HY_OK;
}

bool segment_is_clean(struct hy_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return false;
    }
    return hy_str_is_utf8(text);
}

struct hy_str segment_short_number(struct hy_str text)
{
    if (hy_str_find(text, '.', 0) != SIZE_MAX) {
        while (text.p[text.n - 1] == '0')
            text.n--;
        if (text.p[text.n - 1] == '.')
            text.n--;
    }
    return hy_str_eq(text, HY_STR("-0")) ? HY_STR("0") : text;
}

bool segment_is_plain_name(struct hy_str name)
{
    static const char words[] = "and,or,not,in,is,contains,starts,ends,before,after,within,older,"
                                "since,true,false,yes,no";
    if (name.n == 0 || !segment_is_letter(name.p[0]) || is_in_list(name, words))
        return false;
    for (size_t i = 1; i < name.n; i++)
        if (!segment_is_letter(name.p[i]) && !segment_is_digit(name.p[i]) && name.p[i] != '.' &&
            name.p[i] != '-')
            return false;
    return true;
}

void segment_put_time(struct hy_buf *out, uint32_t s)
{
    if (s % 604800 == 0)
        hy_buf_printf(out, "%uw", s / 604800);
    else if (s % 86400 == 0)
        hy_buf_printf(out, "%ud", s / 86400);
    else if (s % 3600 == 0)
        hy_buf_printf(out, "%uh", s / 3600);
    else if (s % 60 == 0)
        hy_buf_printf(out, "%um", s / 60);
    else
        hy_buf_printf(out, "%us", s);
}
