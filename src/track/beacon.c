/* Reading what the web tag sends. */
#include "hayauma/track/beacon.h"

#include <string.h>

#include "hayauma/mail/address.h"

enum { REFERRER_MAX = 500, FIELDS_MAX = 40, FIELD_MAX = 60 };

static struct hy_str text_of(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return hy_str_make(json_string_value(v), json_string_length(v));
}

static bool is_clean(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool is_page(struct hy_str s, size_t max)
{
    return s.n > 8 && s.n <= max && is_clean(s) &&
           (hy_str_starts(s, HY_STR("https://")) || hy_str_starts(s, HY_STR("http://")));
}

/* ---- each kind: false when it makes no sense ---- */

static bool has_name(const struct hy_beacon_event *e)
{
    return e->activity.text.n > 0;
}

static bool read_page(struct hy_beacon_event *e, const json_t *o)
{
    struct hy_str from = text_of(o, "r");
    if (is_page(from, REFERRER_MAX))
        e->meta = json_pack("{s:s%}", "referrer", from.p, from.n);
    return true;
}

static bool read_named(struct hy_beacon_event *e, const json_t *o)
{
    (void)o;
    return has_name(e);
}

/* 0, 25 ... 100; also among the details, where rules find it by name. */
static bool read_percent(struct hy_beacon_event *e, const json_t *o)
{
    const json_t *v = json_object_get(o, "p");
    json_int_t p = json_integer_value(v);
    if (!json_is_integer(v) || p < 0 || p > 100)
        return false;
    e->activity.link = (uint32_t)p;
    e->meta = json_pack("{s:I}", "percent", p);
    return e->activity.kind == HY_ACTIVITY_SCROLL || has_name(e);
}

/* Names of fields; nothing that was typed. */
static bool read_form(struct hy_beacon_event *e, const json_t *o)
{
    json_t *from = json_object_get(json_object_get(o, "m"), "fields"), *list = json_array(), *name;
    size_t i;
    json_array_foreach(from, i, name)
    {
        struct hy_str s = hy_str_make(json_string_value(name), json_string_length(name));
        if (s.n && s.n <= FIELD_MAX && is_clean(s) && json_array_size(list) < FIELDS_MAX)
            json_array_append(list, name);
    }
    e->meta = json_pack("{s:o}", "fields", list);
    return has_name(e);
}

/* What the page says of it: scalars by name, all of them small. */
static bool read_custom(struct hy_beacon_event *e, const json_t *o)
{
    json_t *from = json_object_get(o, "m"), *v;
    const char *name;
    if (!json_is_object(from) || json_object_size(from) == 0)
        return has_name(e);
    e->meta = json_object();
    json_object_foreach(from, name, v)
    {
        bool is_scalar = json_is_string(v) || json_is_number(v) || json_is_boolean(v);
        if (is_scalar && json_object_size(e->meta) < HY_BEACON_MEMBERS_MAX)
            json_object_set(e->meta, name, v);
    }
    return has_name(e) && json_dumpb(e->meta, NULL, 0, JSON_COMPACT) <= HY_BEACON_META_MAX;
}

static bool read_claim(struct hy_beacon_event *e, const json_t *o)
{
    (void)o;
    struct hy_address a;
    enum hy_address_reason why;
    const struct hy_address_rules rules = {0};
    return hy_address_parse(e->activity.text, &rules, &a, &why) == HY_OK;
}

static const struct kind {
    const char *word;
    enum hy_activity_kind kind;
    bool (*read)(struct hy_beacon_event *e, const json_t *o);
} kinds[] = {
    {"page", HY_ACTIVITY_PAGE_VIEW, read_page},     {"key", HY_ACTIVITY_KEY_PAGE, read_named},
    {"download", HY_ACTIVITY_DOWNLOAD, read_named}, {"scroll", HY_ACTIVITY_SCROLL, read_percent},
    {"form", HY_ACTIVITY_FORM_POST, read_form},     {"video", HY_ACTIVITY_VIDEO, read_percent},
    {"custom", HY_ACTIVITY_CUSTOM, read_custom},    {"identify", HY_ACTIVITY_IDENTIFY, read_claim},
};

static const struct kind *kind_of(struct hy_str word)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (hy_str_eq(word, hy_str_of(kinds[i].word)))
            return &kinds[i];
    return NULL;
}

static hy_wall_ms at_of(const json_t *o, hy_wall_ms now)
{
    double age = json_number_value(json_object_get(o, "a"));
    return age > 0 && age <= HY_BEACON_AGE_MAX_MS ? now - (hy_wall_ms)age : now;
}

static bool read_event(const json_t *o, hy_wall_ms now, struct hy_beacon_event *e)
{
    const struct kind *kind = kind_of(text_of(o, "k"));
    struct hy_activity *a = &e->activity;
    *e = (struct hy_beacon_event){0};
    if (!kind)
        return false;
    a->kind = kind->kind;
    a->at = at_of(o, now);
    a->url = text_of(o, "u");
    a->text = text_of(o, "n");
    return is_page(a->url, HY_ACTIVITY_URL_MAX) && is_clean(a->text) &&
           a->text.n <= HY_BEACON_NAME_MAX && kind->read(e, o);
}

int hy_beacon_read(struct hy_str text, hy_wall_ms now, struct hy_beacon *ret)
{
    struct hy_beacon b = {0};
    json_t *list, *o;
    size_t i;
    if (text.n > HY_BEACON_BYTES_MAX)
        return HY_ELIMIT;
    b.json = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    list = json_object_get(b.json, "e");
    if (!json_is_array(list) || json_integer_value(json_object_get(b.json, "v")) != 1) {
        json_decref(b.json);
        return HY_EPARSE;
    }
    b.token = text_of(b.json, "t");
    if (hy_id_parse(text_of(b.json, "i"), &b.visitor) != HY_OK)
        b.visitor = 0;
    *ret = b;
    json_array_foreach(list, i, o)
    {
        if (ret->n < HY_BEACON_EVENTS_MAX && read_event(o, now, &ret->events[ret->n])) {
            ret->n++;
        } else {
            if (ret->n < HY_BEACON_EVENTS_MAX)
                json_decref(ret->events[ret->n].meta);
            ret->left_out++;
        }
    }
    return HY_OK;
}

void hy_beacon_end(struct hy_beacon *b)
{
    for (size_t i = 0; i < b->n; i++)
        json_decref(b->events[i].meta);
    json_decref(b->json);
    b->json = NULL;
    b->n = 0;
}

/* ---- pages ---- */

static bool matches(struct hy_str pattern, struct hy_str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = ++p;
            from = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

bool hy_page_matches(struct hy_str pattern, struct hy_str url)
{
    struct hy_str page = hy_str_slice(url, 0, hy_str_find(url, '#', 0));
    if (hy_str_find(pattern, '?', 0) == SIZE_MAX)
        page = hy_str_slice(page, 0, hy_str_find(page, '?', 0));
    if (!hy_str_starts(pattern, HY_STR("http"))) {
        size_t scheme = hy_str_find(page, '/', 0); /* of "https://" */
        size_t path = scheme == SIZE_MAX ? scheme : hy_str_find(page, '/', scheme + 2);
        page = path == SIZE_MAX ? HY_STR("/") : hy_str_slice(page, path, page.n);
    }
    return matches(pattern, page);
}
