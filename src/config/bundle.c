/* A campaign with everything it names as one run of bytes: what the CLI hands over and the store
 * keeps.
 *
 *   bundle = version field*
 *   field  = tag length bytes      ; tag one byte, length a varint
 *
 * Tags of lists, pairs and parts repeat; pairs and parts are fields inside a field. */
#include "hayauma/base/bytes.h"
#include "hayauma/config/campaign_file.h"

/* Stored: never renumber. */
enum tag {
    T_NAME = 1,
    T_LIST,
    T_FROM_ADDRESS,
    T_FROM_NAME,
    T_TO_NAME,
    T_REPLY_TO,
    T_SUBJECT,
    T_HTML,
    T_TEXT,
    T_HTML_NAME,
    T_TEXT_NAME,
    T_HEADER,
    T_VAR,
    T_PART,
    T_CHARSET,
    T_TRANSFER,
    T_TRACK_LINKS,
    T_BEACON,
    T_LIST_UNSUBSCRIBE,
    T_START_AT,
    T_EXPIRE,
    T_PRIORITY,
    T_WEIGHT,
    T_SPEED_COUNT,
    T_SPEED_PERIOD,
    T_HOURS,
    T_TIME_ZONE,
    T_BY_LEAD,
    T_UNCAPPED,
    T_BOUNCE_LIMIT, /* percent and one */
    T_POOL,
    T_TENANT,
    T_COMPLAINT_LIMIT, /* share and one */
    T_CLOSED,          /* its first byte is a space, so that none is something, too */
    T_RELEASE,         /* microseconds and one */
    T_TRACKING_HOST,
    T_UTM_SOURCE,
    T_UTM_MEDIUM,
    T_UTM_CAMPAIGN,
    T_UTM_CONTENT,
    T_GOAL,
    T_SEGMENT,
    T_EXCLUDE,
    T_END,
};
/* inside T_HEADER and T_VAR */
enum pair_tag { P_NAME = 1, P_VALUE, P_END };
/* inside T_PART */
enum part_tag { F_CID = 1, F_NAME, F_TYPE, F_DATA, F_END };
/* inside T_GOAL */
enum goal_tag { G_NAME = 1, G_ACTIVITY, G_WITHIN, G_AFTER, G_END };

/* -- writing ------------------------------------------------------------------------------ */

static void put(struct hy_buf *out, unsigned tag, struct hy_str s)
{
    uint8_t head[11];
    if (s.n == 0)
        return; /* absent and empty are the same */
    head[0] = (uint8_t)tag;
    hy_buf_add(out, head, 1 + hy_varint_put(head + 1, s.n));
    hy_buf_add_str(out, s);
}

static void put_number(struct hy_buf *out, unsigned tag, uint64_t v)
{
    uint8_t bytes[10];
    if (v)
        put(out, tag, hy_str_make(bytes, hy_varint_put(bytes, v)));
}

static size_t field_size(struct hy_str s)
{
    uint8_t length[10];
    return s.n ? 1 + hy_varint_put(length, s.n) + s.n : 0;
}

static void put_head(struct hy_buf *out, unsigned tag, size_t n)
{
    uint8_t head[11];
    head[0] = (uint8_t)tag;
    hy_buf_add(out, head, 1 + hy_varint_put(head + 1, n));
}

static void put_pairs(struct hy_buf *out, unsigned tag, const struct hy_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        const struct hy_pair *p = &pairs->items[i];
        put_head(out, tag, field_size(p->name) + field_size(p->value));
        put(out, P_NAME, p->name);
        put(out, P_VALUE, p->value);
    }
}

static void put_parts(struct hy_buf *out, const struct hy_bundle *b)
{
    for (size_t i = 0; i < b->n_parts; i++) {
        const struct hy_bundle_part *p = &b->parts[i];
        put_head(out, T_PART,
                 field_size(p->cid) + field_size(p->name) + field_size(p->content_type) +
                     field_size(p->data));
        put(out, F_CID, p->cid);
        put(out, F_NAME, p->name);
        put(out, F_TYPE, p->content_type);
        put(out, F_DATA, p->data);
    }
}

static void put_goals(struct hy_buf *out, const struct hy_bundle *b)
{
    for (size_t i = 0; i < b->n_goals; i++) {
        const struct hy_bundle_goal *g = &b->goals[i];
        HY_CLEANUP(hy_buf_free)
        struct hy_buf fields = HY_BUF_INIT(HY_BUNDLE_MAX);
        put(&fields, G_NAME, g->name);
        put(&fields, G_ACTIVITY, g->activity);
        put_number(&fields, G_WITHIN, (uint64_t)g->within_us);
        put_number(&fields, G_AFTER, g->after);
        if (fields.err)
            out->err = fields.err;
        put(out, T_GOAL, hy_buf_str(&fields));
    }
}

static void put_brakes(struct hy_buf *out, const struct hy_bundle *b)
{
    put_number(out, T_PRIORITY, b->priority);
    put_number(out, T_WEIGHT, b->weight);
    put_number(out, T_SPEED_COUNT, b->speed.count);
    put_number(out, T_SPEED_PERIOD, (uint64_t)b->speed.period_us);
    if (b->has_hours) {
        struct hy_buf text = HY_BUF_INIT(HY_HOURS_TEXT_MAX);
        hy_hours_put(&b->hours, &text);
        put(out, T_HOURS, hy_buf_str(&text));
        hy_buf_free(&text);
    }
    if (b->has_closed) {
        struct hy_buf text = HY_BUF_INIT(HY_HOURS_TEXT_MAX);
        hy_buf_add_c(&text, ' ');
        hy_closed_days_put(&b->closed, &text);
        put(out, T_CLOSED, hy_buf_str(&text));
        hy_buf_free(&text);
    }
    put(out, T_TIME_ZONE, b->time_zone);
    put_number(out, T_BY_LEAD, b->is_by_lead);
    put_number(out, T_UNCAPPED, b->is_uncapped);
    put_number(out, T_BOUNCE_LIMIT, b->has_bounce_limit ? b->bounce_percent + 1u : 0);
    put_number(out, T_RELEASE, b->has_release ? (uint64_t)b->release_us + 1 : 0);
    put_number(out, T_COMPLAINT_LIMIT, b->has_complaint_limit ? b->complaint_share + 1u : 0);
    put(out, T_POOL, b->pool);
    put(out, T_TENANT, b->tenant);
}

static void put_tracking(struct hy_buf *out, const struct hy_bundle *b)
{
    put_number(out, T_TRACK_LINKS, (uint64_t)(b->track_links + 1));
    put_number(out, T_BEACON, (uint64_t)(b->beacon + 1));
    put(out, T_TRACKING_HOST, b->tracking_host);
    put(out, T_UTM_SOURCE, b->utm.source);
    put(out, T_UTM_MEDIUM, b->utm.medium);
    put(out, T_UTM_CAMPAIGN, b->utm.campaign);
    put(out, T_UTM_CONTENT, b->utm.content);
}

int hy_bundle_encode(const struct hy_bundle *b, struct hy_buf *out)
{
    size_t before = out->len;
    hy_buf_add_c(out, HY_BUNDLE_VERSION);
    put(out, T_NAME, b->name);
    for (size_t i = 0; i < b->n_lists; i++)
        put(out, T_LIST, b->lists[i]);
    put(out, T_SEGMENT, b->segment);
    put(out, T_EXCLUDE, b->exclude);
    put(out, T_FROM_ADDRESS, b->from_address);
    put(out, T_FROM_NAME, b->from_name);
    put(out, T_TO_NAME, b->to_name);
    put(out, T_REPLY_TO, b->reply_to);
    put(out, T_SUBJECT, b->subject);
    put(out, T_HTML, b->html);
    put(out, T_TEXT, b->text);
    put(out, T_HTML_NAME, b->html_name);
    put(out, T_TEXT_NAME, b->text_name);
    put_pairs(out, T_HEADER, &b->headers);
    put_pairs(out, T_VAR, &b->vars);
    put_parts(out, b);
    put_number(out, T_CHARSET, b->charset);
    put_number(out, T_TRANSFER, b->transfer);
    put_tracking(out, b);
    put_number(out, T_LIST_UNSUBSCRIBE, b->list_unsubscribe);
    put_number(out, T_START_AT, (uint64_t)b->start_at);
    put_number(out, T_EXPIRE, (uint64_t)b->expire_us);
    put_brakes(out, b);
    put_goals(out, b);
    int err = out->err ? out->err : out->len - before > HY_BUNDLE_MAX ? HY_ELIMIT : 0;
    if (err)
        out->len = before;
    return err;
}

/* -- reading ------------------------------------------------------------------------------ */

struct field {
    uint8_t tag;
    struct hy_str bytes;
};

/* The next field off the front; HY_ENOTFOUND at the end. */
static int take(struct hy_str *rest, struct field *ret)
{
    uint64_t n;
    if (rest->n == 0)
        return HY_ENOTFOUND;
    size_t used = hy_varint_get((const uint8_t *)rest->p + 1, rest->n - 1, &n);
    if (used == 0 || n > rest->n - 1 - used)
        return HY_ECORRUPT;
    ret->tag = (uint8_t)rest->p[0];
    ret->bytes = hy_str_slice(*rest, 1 + used, 1 + used + n);
    *rest = hy_str_slice(*rest, 1 + used + n, rest->n);
    return 0;
}

/* Fills out[tag] for each field; the last of equal tags counts. */
static int take_all(struct hy_str bytes, struct hy_str *out, uint8_t end)
{
    struct field f;
    int err;
    while ((err = take(&bytes, &f)) == 0) {
        if (f.tag == 0 || f.tag >= end)
            return HY_ECORRUPT;
        out[f.tag] = f.bytes;
    }
    return err == HY_ENOTFOUND ? 0 : err;
}

static int to_number(struct hy_str s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    if (s.n == 0 || hy_varint_get((const uint8_t *)s.p, s.n, &v) != s.n || v > max)
        return HY_ECORRUPT;
    *ret = v;
    return 0;
}

struct counts {
    size_t of[T_END];
};

static int count(struct hy_str bytes, struct counts *ret)
{
    struct field f;
    int err;
    while ((err = take(&bytes, &f)) == 0) {
        if (f.tag == 0 || f.tag >= T_END)
            return HY_ECORRUPT;
        ret->of[f.tag]++;
    }
    if (err != HY_ENOTFOUND)
        return err;
    bool too_many = ret->of[T_LIST] > HY_BUNDLE_LISTS_MAX ||
                    ret->of[T_HEADER] > HY_BUNDLE_HEADERS_MAX ||
                    ret->of[T_VAR] > HY_BUNDLE_VARS_MAX || ret->of[T_PART] > HY_BUNDLE_PARTS_MAX ||
                    ret->of[T_GOAL] > HY_BUNDLE_GOALS_MAX;
    return too_many ? HY_ELIMIT : 0;
}

/* The growing ends while a bundle is read. */
struct reading {
    struct hy_bundle *b;
    struct hy_str *lists;
    struct hy_pair *headers, *vars;
    struct hy_bundle_part *parts;
    struct hy_bundle_goal *goals;
};

static int read_pair(struct hy_str bytes, struct hy_pair *out)
{
    struct hy_str f[P_END] = {0};
    int err = take_all(bytes, f, P_END);
    if (!err)
        *out = (struct hy_pair){f[P_NAME], f[P_VALUE]};
    return err ? err : f[P_NAME].n ? 0 : HY_ECORRUPT;
}

static int read_part(struct hy_str bytes, struct hy_bundle_part *out)
{
    struct hy_str f[F_END] = {0};
    int err = take_all(bytes, f, F_END);
    if (!err)
        *out = (struct hy_bundle_part){f[F_CID], f[F_NAME], f[F_TYPE], f[F_DATA]};
    return err;
}

static int read_goal(struct hy_str bytes, struct hy_bundle_goal *out)
{
    struct hy_str f[G_END] = {0};
    uint64_t within = 0, after = 0;
    int err = take_all(bytes, f, G_END);
    if (!err)
        err = to_number(f[G_WITHIN], INT64_MAX, &within);
    if (!err)
        err = to_number(f[G_AFTER], HY_GOAL_AFTER_DELIVERY, &after);
    if (err || after == 0 || f[G_NAME].n == 0)
        return err ? err : HY_ECORRUPT;
    *out =
        (struct hy_bundle_goal){f[G_NAME], f[G_ACTIVITY], (hy_us)within, (enum hy_goal_after)after};
    return 0;
}

static void set_brake(struct hy_bundle *b, unsigned tag, uint64_t v)
{
    switch (tag) {
    case T_PRIORITY:
        b->priority = (enum hy_priority)v;
        break;
    case T_WEIGHT:
        b->weight = (uint32_t)v;
        break;
    case T_SPEED_COUNT:
        b->speed.count = (uint32_t)v;
        break;
    case T_SPEED_PERIOD:
        b->speed.period_us = (hy_us)v;
        break;
    case T_BY_LEAD:
        b->is_by_lead = v != 0;
        break;
    case T_UNCAPPED:
        b->is_uncapped = v != 0;
        break;
    case T_RELEASE:
        b->has_release = v > 0;
        b->release_us = v ? (hy_us)v - 1 : 0;
        break;
    case T_COMPLAINT_LIMIT:
        b->has_complaint_limit = v > 0;
        b->complaint_share = v ? (uint32_t)v - 1 : 0;
        break;
    default: /* T_BOUNCE_LIMIT */
        b->has_bounce_limit = v > 0;
        b->bounce_percent = v ? (uint32_t)v - 1 : 0;
        break;
    }
}

static int read_number(struct hy_bundle *b, const struct field *f)
{
    uint64_t v = 0;
    static const uint64_t max[T_END] = {
        [T_CHARSET] = HY_BUNDLE_ISO2022JP,
        [T_TRANSFER] = HY_BUNDLE_TRANSFER_8BIT,
        [T_TRACK_LINKS] = 2,
        [T_BEACON] = 2,
        [T_LIST_UNSUBSCRIBE] = 1,
        [T_START_AT] = INT64_MAX,
        [T_EXPIRE] = INT64_MAX,
        [T_PRIORITY] = HY_PRIORITIES - 1,
        [T_WEIGHT] = HY_WEIGHT_MAX,
        [T_SPEED_COUNT] = UINT32_MAX,
        [T_SPEED_PERIOD] = INT64_MAX,
        [T_BY_LEAD] = 1,
        [T_UNCAPPED] = 1,
        [T_BOUNCE_LIMIT] = 101,
        [T_COMPLAINT_LIMIT] = 10001,
        [T_RELEASE] = INT64_MAX,
    };
    int err = to_number(f->bytes, max[f->tag], &v);
    if (err)
        return err;
    switch (f->tag) {
    case T_CHARSET:
        b->charset = (enum hy_bundle_charset)v;
        break;
    case T_TRANSFER:
        b->transfer = (enum hy_bundle_transfer)v;
        break;
    case T_TRACK_LINKS:
        b->track_links = (enum hy_tristate)((int)v - 1);
        break;
    case T_BEACON:
        b->beacon = (enum hy_tristate)((int)v - 1);
        break;
    case T_LIST_UNSUBSCRIBE:
        b->list_unsubscribe = v != 0;
        break;
    case T_START_AT:
        b->start_at = (hy_wall_ms)v;
        break;
    case T_EXPIRE:
        b->expire_us = (hy_us)v;
        break;
    default:
        set_brake(b, f->tag, v);
        break;
    }
    return 0;
}

static int read_field(struct reading *r, const struct field *f)
{
    struct hy_bundle *b = r->b;
    struct hy_str *const texts[T_END] = {
        [T_NAME] = &b->name,
        [T_FROM_ADDRESS] = &b->from_address,
        [T_FROM_NAME] = &b->from_name,
        [T_TO_NAME] = &b->to_name,
        [T_REPLY_TO] = &b->reply_to,
        [T_SUBJECT] = &b->subject,
        [T_HTML] = &b->html,
        [T_TEXT] = &b->text,
        [T_HTML_NAME] = &b->html_name,
        [T_TEXT_NAME] = &b->text_name,
        [T_TIME_ZONE] = &b->time_zone,
        [T_POOL] = &b->pool,
        [T_SEGMENT] = &b->segment,
        [T_EXCLUDE] = &b->exclude,
        [T_TENANT] = &b->tenant,
        [T_TRACKING_HOST] = &b->tracking_host,
        [T_UTM_SOURCE] = &b->utm.source,
        [T_UTM_MEDIUM] = &b->utm.medium,
        [T_UTM_CAMPAIGN] = &b->utm.campaign,
        [T_UTM_CONTENT] = &b->utm.content,
    };
    if (texts[f->tag]) {
        *texts[f->tag] = f->bytes;
        return 0;
    }
    switch (f->tag) {
    case T_LIST:
        r->lists[b->n_lists++] = f->bytes;
        return f->bytes.n ? 0 : HY_ECORRUPT;
    case T_HEADER:
        return read_pair(f->bytes, &r->headers[b->headers.n++]);
    case T_VAR:
        return read_pair(f->bytes, &r->vars[b->vars.n++]);
    case T_PART:
        return read_part(f->bytes, &r->parts[b->n_parts++]);
    case T_GOAL:
        return read_goal(f->bytes, &r->goals[b->n_goals++]);
    case T_HOURS:
        b->has_hours = true;
        return hy_hours_parse(f->bytes, &b->hours, NULL) == HY_OK ? 0 : HY_ECORRUPT;
    case T_CLOSED:
        b->has_closed = true;
        return hy_closed_days_parse(f->bytes, &b->closed, NULL) == HY_OK ? 0 : HY_ECORRUPT;
    default:
        return read_number(b, f);
    }
}

static int make_room(struct reading *r, const struct counts *n, struct hy_arena *arena)
{
    r->lists = hy_arena_zalloc(arena, (n->of[T_LIST] + 1) * sizeof *r->lists);
    r->headers = hy_arena_zalloc(arena, (n->of[T_HEADER] + 1) * sizeof *r->headers);
    r->vars = hy_arena_zalloc(arena, (n->of[T_VAR] + 1) * sizeof *r->vars);
    r->parts = hy_arena_zalloc(arena, (n->of[T_PART] + 1) * sizeof *r->parts);
    r->goals = hy_arena_zalloc(arena, (n->of[T_GOAL] + 1) * sizeof *r->goals);
    if (!r->lists || !r->headers || !r->vars || !r->parts || !r->goals)
        return HY_ENOMEM;
    r->b->goals = r->goals;
    r->b->lists = r->lists;
    r->b->headers.items = r->headers;
    r->b->vars.items = r->vars;
    r->b->parts = r->parts;
    return 0;
}

int hy_bundle_decode(struct hy_str bytes, struct hy_arena *arena, struct hy_bundle *ret_bundle)
{
    struct hy_bundle b = {.track_links = HY_UNSET, .beacon = HY_UNSET, .weight = HY_WEIGHT_NORMAL};
    struct reading r = {.b = &b};
    struct counts n = {0};
    struct field f;
    if (bytes.n > HY_BUNDLE_MAX)
        return HY_ELIMIT;
    if (bytes.n == 0 || bytes.p[0] == 0)
        return HY_ECORRUPT;
    if ((uint8_t)bytes.p[0] > HY_BUNDLE_VERSION)
        return HY_EVERSION;
    bytes = hy_str_slice(bytes, 1, bytes.n);
    int err = count(bytes, &n);
    if (!err)
        err = make_room(&r, &n, arena);
    while (!err && (err = take(&bytes, &f)) == 0)
        err = read_field(&r, &f);
    if (err != HY_ENOTFOUND)
        return err;
    if (b.name.n == 0 || (b.n_lists == 0 && b.segment.n == 0) || b.from_address.n == 0 ||
        (b.html.n == 0 && b.text.n == 0))
        return HY_ECORRUPT;
    *ret_bundle = b;
    return 0;
}
