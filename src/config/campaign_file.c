/* A campaign's YAML file and the files it names, read into a bundle. */
#include "hayauma/config/campaign_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hayauma/audience/segment.h"
#include "hayauma/mail/address.h"
#include "hayauma/mail/header.h"
#include "schema.h"

enum { ARENA_MAX = 2 * HY_BUNDLE_MAX, PATH_BYTES = 4096, UTM_MAX = 200 };

#define F(field)    SCHEMA_FIELD(struct raw, field)
#define PART(field) SCHEMA_FIELD(struct raw_part, field)

struct raw_part {
    const char *cid, *file, *name, *type;
};
struct raw_goal {
    const char *name, *activity;
    hy_us within_us;
    enum hy_goal_after after;
};
struct raw_goals {
    const struct raw_goal *items;
    size_t n;
};
struct raw_parts {
    const struct raw_part *items;
    size_t n;
};

/* As written. */
struct raw {
    const char *name;
    struct hy_strings lists;
    const char *segment, *exclude;
    const char *from_name, *from_address, *to_name, *reply_to, *subject;
    const char *html, *text;
    struct raw_parts images, attachments;
    struct raw_goals goals;
    struct hy_pairs headers, vars;
    enum hy_bundle_charset charset;
    enum hy_bundle_transfer transfer;
    enum hy_tristate links, beacon;
    bool unsubscribe;
    hy_wall_ms start_at;
    hy_us expire_us;
    enum hy_priority priority;
    uint32_t weight;
    struct hy_rate speed;
    struct hy_hours hours;
    struct hy_closed_days closed;
    hy_us release_us;
    const char *time_zone;
    bool is_by_lead, is_uncapped;
    uint32_t bounce_percent, complaint_share;
    const char *pool, *tenant;
    const char *tracking_host, *utm_source, *utm_medium, *utm_campaign, *utm_content;
};

static const struct schema_name priorities[] = {
    {"bulk", HY_PRIORITY_BULK}, {"transactional", HY_PRIORITY_TRANSACTIONAL}, {0}};
static const struct schema_name charsets[] = {
    {"utf-8", HY_BUNDLE_UTF8}, {"iso-2022-jp", HY_BUNDLE_ISO2022JP}, {0}};
static const struct schema_name transfers[] = {{"auto", HY_BUNDLE_TRANSFER_AUTO},
                                               {"quoted-printable", HY_BUNDLE_TRANSFER_QP},
                                               {"base64", HY_BUNDLE_TRANSFER_BASE64},
                                               {"8bit", HY_BUNDLE_TRANSFER_8BIT},
                                               {0}};

static const struct schema_row image_rows[] = {
    {"cid", SCHEMA_STRING, SCHEMA_REQUIRED, PART(cid), .max = 128},
    {"file", SCHEMA_PATH, SCHEMA_REQUIRED, PART(file)},
    {"name", SCHEMA_STRING, 0, PART(name), .max = 255},
    {"type", SCHEMA_STRING, 0, PART(type), .max = 127},
};
static const struct schema image_schema = {image_rows, 4, sizeof(struct raw_part), NULL};
static const struct schema attachment_schema = {image_rows + 1, 3, sizeof(struct raw_part), NULL};

static const struct schema_name goal_afters[] = {{"click", HY_GOAL_AFTER_CLICK},
                                                 {"open", HY_GOAL_AFTER_OPEN},
                                                 {"delivery", HY_GOAL_AFTER_DELIVERY},
                                                 {0}};
#define GOAL(field) SCHEMA_FIELD(struct raw_goal, field)
static const struct schema_row goal_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, GOAL(name), .max = 64},
    {"activity", SCHEMA_STRING, SCHEMA_REQUIRED, GOAL(activity), .max = 2000},
    {"within", SCHEMA_DURATION, 0, GOAL(within_us), 60000000, 366LL * 86400 * 1000000, "7d"},
    {"after", SCHEMA_ENUM, 0, GOAL(after), .names = goal_afters, .def = "click"},
};

/* One activity, and no time of its own: that is the goal's. */
static void check_goal(const struct schema_ctx *ctx, const struct yaml_node *node, void *item)
{
    const struct raw_goal *g = item;
    struct hy_diag diag = {""};
    const struct hy_segment_node *did;
    if (!g->activity[0])
        return; /* noted: it is missing */
    int err = hy_segment_parse(hy_str_of(g->activity), ctx->arena, &diag, &did);
    if (err)
        schema_error_at(ctx, node, "activity", "%s", diag.text[0] ? diag.text : hy_err_text(err));
    else if (did->kind != HY_SEGMENT_DID || did->op != HY_SEGMENT_GE || did->count != 1 ||
             did->within_s || did->since.text.n || did->before.text.n)
        schema_error_at(ctx, node, "activity",
                        "must be one activity without a time or a number of times, such as "
                        "ordered(amount >= 3000)");
}
static const struct schema goal_schema = {goal_rows, 4, sizeof(struct raw_goal), check_goal};

static const struct schema_row rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, F(name), .max = 128},
    {"lists", SCHEMA_STRINGS, 0, F(lists), .max = HY_BUNDLE_LISTS_MAX},
    {"segment", SCHEMA_STRING, 0, F(segment), .max = 128},
    {"exclude", SCHEMA_STRING, 0, F(exclude), .max = 128},
    {"from.name", SCHEMA_STRING, 0, F(from_name), .max = 1000},
    {"from.address", SCHEMA_STRING, SCHEMA_REQUIRED, F(from_address), .max = 320},
    {"to_name", SCHEMA_STRING, 0, F(to_name), .max = 1000},
    {"reply_to", SCHEMA_STRING, 0, F(reply_to), .max = 320},
    {"subject", SCHEMA_STRING, SCHEMA_REQUIRED, F(subject), .max = 2000},
    {"html", SCHEMA_PATH, 0, F(html)},
    {"text", SCHEMA_PATH, 0, F(text)},
    {"images", SCHEMA_LIST, 0, F(images), .max = HY_BUNDLE_PARTS_MAX, .items = &image_schema},
    {"attachments", SCHEMA_LIST, 0, F(attachments), .max = HY_BUNDLE_PARTS_MAX,
     .items = &attachment_schema},
    {"goals", SCHEMA_LIST, 0, F(goals), .max = HY_BUNDLE_GOALS_MAX, .items = &goal_schema},
    {"headers", SCHEMA_PAIRS, 0, F(headers), .max = HY_BUNDLE_HEADERS_MAX},
    {"vars", SCHEMA_PAIRS, 0, F(vars), .max = HY_BUNDLE_VARS_MAX},
    {"encoding.charset", SCHEMA_ENUM, 0, F(charset), .names = charsets, .def = "utf-8"},
    {"encoding.transfer", SCHEMA_ENUM, 0, F(transfer), .names = transfers, .def = "auto"},
    {"tracking.links", SCHEMA_BOOL, 0, F(links)},
    {"tracking.beacon", SCHEMA_BOOL, 0, F(beacon)},
    {"tracking.host", SCHEMA_HOSTNAME, 0, F(tracking_host)},
    {"utm.source", SCHEMA_STRING, 0, F(utm_source), .max = UTM_MAX},
    {"utm.medium", SCHEMA_STRING, 0, F(utm_medium), .max = UTM_MAX},
    {"utm.campaign", SCHEMA_STRING, 0, F(utm_campaign), .max = UTM_MAX},
    {"utm.content", SCHEMA_STRING, 0, F(utm_content), .max = UTM_MAX},
    {"list_unsubscribe", SCHEMA_BOOL, 0, F(unsubscribe), .def = "true"},
    {"start_at", SCHEMA_TIME, 0, F(start_at)},
    {"expire", SCHEMA_DURATION, 0, F(expire_us), 60000000, 30LL * 86400 * 1000000},
    {"priority", SCHEMA_ENUM, 0, F(priority), .names = priorities, .def = "bulk"},
    {"weight", SCHEMA_INT, 0, F(weight), 1, HY_WEIGHT_MAX, "10"},
    {"speed", SCHEMA_RATE, 0, F(speed), .def = "unlimited", .zero = "unlimited"},
    {"hours", SCHEMA_HOURS, 0, F(hours)},
    {"closed", SCHEMA_CLOSED, 0, F(closed)},
    {"release_spread", SCHEMA_DURATION, 0, F(release_us), 0, 86400LL * 1000000, .zero = "none"},
    {"time_zone", SCHEMA_ZONE, 0, F(time_zone)},
    {"hours_by_lead", SCHEMA_BOOL, 0, F(is_by_lead), .def = "false"},
    {"ignore_frequency_cap", SCHEMA_BOOL, 0, F(is_uncapped), .def = "false"},
    {"pool", SCHEMA_STRING, 0, F(pool), .max = 63},
    {"tenant", SCHEMA_STRING, 0, F(tenant), .max = HY_TENANT_NAME_MAX},
    {"pause_on_bounces", SCHEMA_PERCENT, 0, F(bounce_percent), 1, 100, .zero = "never"},
    {"pause_on_complaints", SCHEMA_SHARE, 0, F(complaint_share), 1, 10000, .zero = "never"},
};
static const struct schema campaign_schema = {rows, sizeof rows / sizeof rows[0],
                                              sizeof(struct raw), NULL};

struct loading {
    struct schema_ctx x;
    const struct yaml_node *root;
    struct raw raw;
    struct hy_bundle *b;
    size_t total; /* bytes of the files read so far */
};

/* -- the files it names -------------------------------------------------------------------- */

struct slurp {
    const char *path;
    size_t max;
    struct hy_str bytes;
};

static int slurp_fd(struct loading *l, int fd, struct slurp *s, struct hy_diag *diag)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return hy_fail(diag, HY_EINVAL, "'%s' is not a file", s->path);
    if ((size_t)st.st_size > s->max)
        return hy_fail(diag, HY_EINVAL, "'%s' is larger than %zu MiB", s->path, s->max >> 20);
    if (l->total + (size_t)st.st_size > HY_BUNDLE_MAX - (1u << 20))
        return hy_fail(diag, HY_EINVAL, "'%s': all files together are larger than %d MiB", s->path,
                       (HY_BUNDLE_MAX >> 20) - 1);
    char *p = hy_arena_alloc(l->x.arena, (size_t)st.st_size + 1);
    if (!p)
        return HY_ENOMEM;
    size_t n = 0;
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, p + n, (size_t)st.st_size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hy_fail(diag, HY_EINVAL, "'%s' cannot be read: %s", s->path, strerror(errno));
        if (got == 0)
            break;
        n += (size_t)got;
    }
    l->total += n;
    s->bytes = hy_str_make(p, n);
    return 0;
}

/* HY_EINVAL with a note for anything about the file. */
static int slurp(struct loading *l, struct slurp *s, struct hy_diag *diag)
{
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return hy_fail(diag, HY_EINVAL, "'%s' cannot be opened: %s", s->path, strerror(errno));
    int err = slurp_fd(l, fd, s, diag);
    close(fd);
    return err;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The line of the first byte that is not UTF-8. */
static uint32_t bad_utf8_line(struct hy_str s)
{
    uint32_t line = 1;
    for (size_t pos = 0; pos < s.n;) {
        uint32_t cp = hy_utf8_next(s, &pos);
        if (cp == UINT32_MAX)
            break;
        line += cp == '\n';
    }
    return line;
}

static int read_body(struct loading *l, const char *key, const char *path, struct hy_str *ret,
                     struct hy_str *ret_name)
{
    struct slurp s = {.path = path, .max = HY_BUNDLE_BODY_MAX};
    struct hy_diag diag = {0};
    if (!path[0])
        return 0;
    int err = slurp(l, &s, &diag);
    if (err == HY_EINVAL) {
        schema_error_at(&l->x, l->root, key, "%s", diag.text);
        return 0;
    }
    if (err)
        return err;
    if (hy_str_starts(s.bytes, HY_STR("\xef\xbb\xbf")))
        s.bytes = hy_str_slice(s.bytes, 3, s.bytes.n);
    if (s.bytes.n == 0)
        schema_error_at(&l->x, l->root, key, "'%s' is empty", path);
    if (!hy_str_is_utf8(s.bytes))
        hy_problems_error(l->x.src->problems, path, bad_utf8_line(s.bytes), 1,
                          "not UTF-8: convert the file, for instance with 'iconv -f CP932 -t "
                          "UTF-8'");
    *ret = s.bytes;
    *ret_name = hy_str_of(base_name(path));
    return 0;
}

/* What the bytes say, else what the name says. */
static const char *guess_type(const char *name, struct hy_str bytes)
{
    static const struct {
        struct hy_str magic;
        const char *type;
    } magics[] = {
        {{"\x89PNG\r\n\x1a\n", 8}, "image/png"},
        {{"\xff\xd8\xff", 3}, "image/jpeg"},
        {{"GIF87a", 6}, "image/gif"},
        {{"GIF89a", 6}, "image/gif"},
        {{"%PDF-", 5}, "application/pdf"},
    };
    static const char *const types[][2] = {
        {".svg", "image/svg+xml"}, {".webp", "image/webp"},       {".ics", "text/calendar"},
        {".csv", "text/csv"},      {".txt", "text/plain"},        {".zip", "application/zip"},
        {".html", "text/html"},    {".json", "application/json"},
    };
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (hy_str_starts(bytes, magics[i].magic))
            return magics[i].type;
    struct hy_str s = hy_str_of(name);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct hy_str ext = hy_str_of(types[i][0]);
        if (s.n > ext.n && hy_str_ieq(hy_str_slice(s, s.n - ext.n, s.n), ext))
            return types[i][1];
    }
    return "application/octet-stream";
}

/* token "/" token (RFC 2045 5.1), without parameters. */
static bool is_type(const char *s)
{
    const char *slash = strchr(s, '/');
    if (!slash || slash == s || !slash[1] || strchr(slash + 1, '/'))
        return false;
    for (; *s; s++)
        if (*s <= ' ' || *s >= 0x7f || strchr("()<>@,;:\\\"[]?=", *s))
            return false;
    return true;
}

static bool is_cid(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s >= 0x7f || strchr("<>\"%&", *s))
            return false;
    return true;
}

static int read_part(struct loading *l, const struct yaml_node *n, const struct raw_part *raw,
                     struct hy_bundle_part *out)
{
    struct slurp s = {.path = raw->file, .max = HY_BUNDLE_PART_MAX};
    struct hy_diag diag = {0};
    const char *name = raw->name[0] ? raw->name : base_name(raw->file);
    if (!raw->file[0])
        return 0; /* noted: it is missing */
    int err = slurp(l, &s, &diag);
    if (err == HY_EINVAL) {
        schema_error_at(&l->x, n, "file", "%s", diag.text);
        return 0;
    }
    if (err)
        return err;
    const char *type = raw->type[0] ? raw->type : guess_type(name, s.bytes);
    if (!is_type(type))
        schema_error_at(&l->x, n, "type", "must be a media type such as image/png, not '%s'", type);
    if (raw->cid && !is_cid(raw->cid))
        schema_error_at(&l->x, n, "cid", "'%s': letters, digits, dots and @ only", raw->cid);
    *out = (struct hy_bundle_part){.cid = hy_str_of(raw->cid ? raw->cid : ""),
                                   .name = hy_str_of(name),
                                   .content_type = hy_str_of(type),
                                   .data = s.bytes};
    return 0;
}

static bool mentions_cid(const struct hy_bundle *b, struct hy_str cid)
{
    for (size_t at = 0; (at = hy_str_find_str(b->html, cid, at)) != SIZE_MAX; at++)
        if (at >= 4 && hy_str_ieq(hy_str_slice(b->html, at - 4, at), HY_STR("cid:")))
            return true;
    return false;
}

static int read_parts(struct loading *l)
{
    const struct raw_parts *sets[] = {&l->raw.images, &l->raw.attachments};
    const char *keys[] = {"images", "attachments"};
    size_t n = l->raw.images.n + l->raw.attachments.n;
    struct hy_bundle_part *parts = hy_arena_zalloc(l->x.arena, (n + 1) * sizeof *parts);
    if (!parts)
        return HY_ENOMEM;
    if (n > HY_BUNDLE_PARTS_MAX)
        schema_error_at(&l->x, l->root, "attachments", "more than %d files in all",
                        HY_BUNDLE_PARTS_MAX);
    for (size_t k = 0; k < 2; k++) {
        const struct yaml_node *list = yaml_find(l->root, keys[k]);
        if (!list || list->n < sets[k]->n)
            continue; /* it stands twice, which has been told */
        for (size_t i = 0; i < sets[k]->n && l->b->n_parts < HY_BUNDLE_PARTS_MAX; i++) {
            const struct yaml_node *node = list->entries[i].value;
            struct hy_bundle_part *out = &parts[l->b->n_parts++];
            int err = read_part(l, node, &sets[k]->items[i], out);
            if (err)
                return err;
            for (struct hy_bundle_part *p = parts; p < out && out->cid.n; p++)
                if (hy_str_eq(p->cid, out->cid))
                    schema_error_at(&l->x, node, "cid", "'%.*s' is the cid of an earlier image",
                                    HY_STR_ARG(out->cid));
            if (out->cid.n && l->b->html.n && !mentions_cid(l->b, out->cid))
                schema_warn_at(&l->x, node, "cid", "the HTML does not use cid:%.*s",
                               HY_STR_ARG(out->cid));
        }
    }
    l->b->parts = parts;
    return 0;
}

/* -- checks -------------------------------------------------------------------------------- */

static void check_address(struct loading *l, const char *key, const char *text, bool may_be_local)
{
    struct hy_address a;
    enum hy_address_reason why;
    if (!text[0] || (may_be_local && !strchr(text, '@')))
        return;
    struct hy_address_rules rules = {.allow_single = true};
    if (hy_address_parse(hy_str_of(text), &rules, &a, &why))
        schema_error_at(&l->x, l->root, key, "'%s' is no mail address: %s", text,
                        hy_address_reason_text(why));
}

static void check(struct loading *l)
{
    const struct raw *r = &l->raw;
    if (l->root->kind != YAML_MAP)
        return;
    if (!r->html[0] && !r->text[0])
        hy_problems_error(l->x.src->problems, l->x.src->file, l->root->line, l->root->column,
                          "neither 'html' nor 'text' names a file: there is nothing to send");
    if (r->lists.n == 0 && !r->segment[0])
        schema_error_at(&l->x, l->root, "lists",
                        "must name at least one list, unless 'segment' says who gets it");
    for (size_t i = 0; i < r->lists.n; i++)
        for (size_t j = 0; j < i; j++)
            if (r->lists.items[i] && r->lists.items[j] &&
                strcmp(r->lists.items[i], r->lists.items[j]) == 0)
                schema_warn_at(&l->x, l->root, "lists", "'%s' is named twice", r->lists.items[i]);
    bool is_transactional = r->priority == HY_PRIORITY_TRANSACTIONAL;
    if (is_transactional && (r->hours.n || r->closed.n))
        schema_error_at(&l->x, l->root, r->hours.n ? "hours" : "closed",
                        "transactional mail knows no hours: take one of the two lines out");
    check_address(l, "from.address", r->from_address, true);
    check_address(l, "reply_to", r->reply_to, false);
    for (size_t i = 0; i < r->headers.n; i++) {
        struct hy_str name = r->headers.items[i].name;
        if (!hy_header_name_ok(name))
            schema_error_at(&l->x, l->root, "headers", "'%.*s' is no header field name",
                            HY_STR_ARG(name));
    }
}

static int take_goals(struct loading *l)
{
    const struct raw_goals *raw = &l->raw.goals;
    struct hy_bundle_goal *goals = hy_arena_zalloc(l->x.arena, (raw->n + 1) * sizeof *goals);
    if (!goals)
        return HY_ENOMEM;
    for (size_t i = 0; i < raw->n; i++) {
        const struct raw_goal *g = &raw->items[i];
        goals[i] = (struct hy_bundle_goal){.name = hy_str_of(g->name),
                                           .activity = hy_str_of(g->activity),
                                           .within_us = g->within_us,
                                           .after = g->after};
        for (size_t k = 0; k < i; k++)
            if (hy_str_eq(goals[k].name, goals[i].name))
                schema_error_at(&l->x, l->root, "goals", "two goals are called '%s'", g->name);
    }
    l->b->goals = goals;
    l->b->n_goals = raw->n;
    return 0;
}

/* The raw fields as views. */
static int to_bundle(struct loading *l)
{
    const struct raw *r = &l->raw;
    struct hy_bundle *b = l->b;
    struct hy_str *lists = hy_arena_zalloc(l->x.arena, (r->lists.n + 1) * sizeof *lists);
    if (!lists)
        return HY_ENOMEM;
    for (size_t i = 0; i < r->lists.n; i++)
        lists[i] = hy_str_of(r->lists.items[i]);
    *b = (struct hy_bundle){
        .name = hy_str_of(r->name),
        .lists = lists,
        .n_lists = r->lists.n,
        .segment = hy_str_of(r->segment),
        .exclude = hy_str_of(r->exclude),
        .from_address = hy_str_of(r->from_address),
        .from_name = hy_str_of(r->from_name),
        .to_name = hy_str_of(r->to_name),
        .reply_to = hy_str_of(r->reply_to),
        .subject = hy_str_of(r->subject),
        .headers = r->headers,
        .vars = r->vars,
        .charset = r->charset,
        .transfer = r->transfer,
        .track_links = r->links,
        .beacon = r->beacon,
        .list_unsubscribe = r->unsubscribe,
        .start_at = r->start_at,
        .expire_us = r->expire_us,
        .priority = r->priority,
        .weight = r->weight,
        .speed = r->speed,
        .has_hours = yaml_get(l->root, HY_STR("hours")) != NULL,
        .hours = r->hours,
        .has_closed = yaml_get(l->root, HY_STR("closed")) != NULL,
        .closed = r->closed,
        .has_release = yaml_get(l->root, HY_STR("release_spread")) != NULL,
        .release_us = r->release_us,
        .time_zone = hy_str_of(r->time_zone),
        .is_by_lead = r->is_by_lead,
        .is_uncapped = r->is_uncapped,
        .has_bounce_limit = yaml_get(l->root, HY_STR("pause_on_bounces")) != NULL,
        .bounce_percent = r->bounce_percent,
        .has_complaint_limit = yaml_get(l->root, HY_STR("pause_on_complaints")) != NULL,
        .complaint_share = r->complaint_share,
        .pool = hy_str_of(r->pool),
        .tenant = hy_str_of(r->tenant),
        .tracking_host = hy_str_of(r->tracking_host),
        .utm = {.source = hy_str_of(r->utm_source),
                .medium = hy_str_of(r->utm_medium),
                .campaign = hy_str_of(r->utm_campaign),
                .content = hy_str_of(r->utm_content)},
    };
    int err = take_goals(l);
    if (!err)
        err = read_body(l, "html", r->html, &b->html, &b->html_name);
    if (!err)
        err = read_body(l, "text", r->text, &b->text, &b->text_name);
    if (!err)
        err = read_parts(l);
    return err;
}

static int fill(const char *path, struct hy_problems *problems, struct hy_campaign_file *f)
{
    char dir[PATH_BYTES];
    struct yaml_source src = {.file = path, .problems = problems};
    struct loading l = {.b = &f->bundle};
    const char *slash = strrchr(path, '/');
    struct hy_str text;
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    l.x = (struct schema_ctx){.src = &src, .arena = &f->arena, .base_dir = dir};
    int err = yaml_slurp(&src, &f->arena, &text);
    if (!err)
        err = schema_defaults(&campaign_schema, &l.x, &l.raw);
    l.raw.links = l.raw.beacon = HY_UNSET;
    if (!err)
        err = yaml_read(&src, text, &f->arena, &l.root);
    if (!err)
        err = schema_read(&campaign_schema, &l.x, l.root, &l.raw);
    if (!err)
        err = to_bundle(&l);
    if (!err)
        check(&l);
    return err;
}

int hy_campaign_file_load(const char *path, struct hy_problems *problems,
                          struct hy_campaign_file **ret_file)
{
    struct hy_campaign_file *f = calloc(1, sizeof *f);
    size_t before = problems->n_errors;
    if (!f)
        return HY_ENOMEM;
    f->arena = HY_ARENA_INIT(ARENA_MAX);
    int err = fill(path, problems, f);
    hy_problems_sort(problems);
    if (!err && problems->n_errors > before)
        err = HY_EINVAL;
    if (err) {
        hy_campaign_file_free(f);
        return err;
    }
    *ret_file = f;
    return 0;
}

void hy_campaign_file_free(struct hy_campaign_file *f)
{
    if (!f)
        return;
    hy_arena_free(&f->arena);
    free(f);
}
