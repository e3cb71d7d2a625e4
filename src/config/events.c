/* Where events go: the keys of a folder of files and of a webhook, and what must hold of them. */
#include <sys/stat.h>

#include "config_schema.h"
#include "hayauma/model/activity.h"

#define KIB         (1LL << 10)
#define MIB         (1LL << 20)
#define GIB         (1LL << 30)
#define TIB         (1LL << 40)
#define MS          1000LL
#define SEC         (1000 * MS)
#define MIN         (60 * SEC)
#define HOUR        (60 * MIN)
#define DAY         (24 * HOUR)

#define DIR(field)  SCHEMA_FIELD(struct hy_config_events_file, field)
#define HOOK(field) SCHEMA_FIELD(struct hy_config_webhook, field)

#define TYPES_DOC   "Which events, as in [bounced, complaint]; docs/events.md names all. [] = all."
#define TENANTS_DOC "Events of these tenants only. [] = of all."

static const struct schema_name syncs[] = {{"batch", HY_EVENTS_SYNC_BATCH},
                                           {"file", HY_EVENTS_SYNC_ROTATE},
                                           {"never", HY_EVENTS_SYNC_NEVER},
                                           {0}};

static const struct schema_row file_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, DIR(name), .max = HY_EVENTS_NAME_MAX,
     .doc = "What commands call it, and how its files begin: a-z, 0-9, - and _."},
    {"dir", SCHEMA_PATH, SCHEMA_REQUIRED, DIR(dir),
     .doc = "Folder of the files. The one that grows ends in .part; collect *.jsonl and "
            "*.jsonl.zst, which are complete."},
    {"types", SCHEMA_STRINGS, 0, DIR(types), .max = 64, .doc = TYPES_DOC},
    {"tenants", SCHEMA_STRINGS, 0, DIR(tenants), .max = 1000, .doc = TENANTS_DOC},
    {"rotate_size", SCHEMA_SIZE, 0, DIR(rotate_bytes), 64 * KIB, 1 * TIB, "256MiB",
     .doc = "A file of this size is complete."},
    {"rotate_every", SCHEMA_DURATION, 0, DIR(rotate_us), 1 * SEC, 366 * DAY, "1h", .zero = "never",
     .doc = "One that is this old and not empty is, too."},
    {"compress", SCHEMA_INT, 0, DIR(level), 0, 19, "3",
     .doc = "Level of zstd for complete files. 0 = they are not compressed."},
    {"keep", SCHEMA_DURATION, 0, DIR(keep_us), 1 * MIN, 3650 * DAY, "forever", .zero = "forever",
     .doc = "Complete files older than this are deleted."},
    {"keep_size", SCHEMA_SIZE, 0, DIR(keep_bytes), 1 * MIB, 64 * TIB, "unlimited",
     .zero = "unlimited", .doc = "The oldest are deleted when complete files take more than this."},
    {"sync", SCHEMA_ENUM, 0, DIR(sync), .names = syncs, .def = "batch",
     .doc = "When lines are forced to the disk: batch = before they count as written, so that a "
            "power cut loses none; file = when the file is complete; never = when the system "
            "likes. A killed daemon loses nothing with any of them."},
};
const struct schema events_file_schema = {file_rows, sizeof file_rows / sizeof file_rows[0],
                                          sizeof(struct hy_config_events_file), NULL};

static const struct schema_row webhook_rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, HOOK(name), .max = HY_EVENTS_NAME_MAX,
     .doc = "What commands and figures call it: a-z, 0-9, - and _."},
    {"url", SCHEMA_STRING, SCHEMA_REQUIRED, HOOK(url), .max = HY_EVENTS_URL_MAX,
     .doc = "Batches are posted there, as in https://hooks.example.jp/mail."},
    {"secret_file", SCHEMA_PATH, SCHEMA_REQUIRED, HOOK(secret_file),
     .doc = "File with the key that signs, one on a line: whsec_BASE64, or any text of 16 "
            "characters or more. With several, each signs (up to 4), so that a key can be "
            "changed. Not readable by everybody."},
    {"types", SCHEMA_STRINGS, 0, HOOK(types), .max = 64, .doc = TYPES_DOC},
    {"tenants", SCHEMA_STRINGS, 0, HOOK(tenants), .max = 1000, .doc = TENANTS_DOC},
    {"batch", SCHEMA_INT, 0, HOOK(batch), 1, HY_EVENTS_BATCH_MAX, "500",
     .doc = "Events in a request at most."},
    {"batch_size", SCHEMA_SIZE, 0, HOOK(batch_bytes), 1 * KIB, 16 * MIB, "1MiB",
     .doc = "A batch is full with this, however many events it has."},
    {"batch_wait", SCHEMA_DURATION, 0, HOOK(wait_us), 1 * MS, 1 * MIN, "1s",
     .doc = "So long events wait for others to go with them."},
    {"timeout", SCHEMA_DURATION, 0, HOOK(timeout_us), 1 * SEC, 5 * MIN, "15s",
     .doc = "For a request and its answer."},
    {"retry_max", SCHEMA_DURATION, 0, HOOK(retry_most_us), 1 * SEC, 24 * HOUR, "10m",
     .doc = "What is not taken is tried again after 1 s, 2 s, 4 s ... and this at most, each "
            "shortened by chance."},
    {"disable_after", SCHEMA_DURATION, 0, HOOK(disable_after_us), 1 * MIN, 365 * DAY, "5d",
     .zero = "never",
     .doc = "An endpoint that has taken nothing for so long is disabled until 'hayauma events "
            "resume'."},
    {"ca_file", SCHEMA_PATH, 0, HOOK(ca_file),
     .doc = "PEM file of authorities for its certificate. Without one, those of the system."},
    {"allow_private", SCHEMA_BOOL, 0, HOOK(allows_private), .def = "false",
     .doc = "It may be on this machine or in a private network. false = a name that leads there "
            "is refused."},
    {"allow_http", SCHEMA_BOOL, 0, HOOK(allows_http), .def = "false",
     .doc = "http:// may be used: events then travel readable for all on the way."},
};
const struct schema webhook_schema = {webhook_rows, sizeof webhook_rows / sizeof webhook_rows[0],
                                      sizeof(struct hy_config_webhook), NULL};

static bool is_name(const char *s)
{
    if (!*s)
        return true; /* told already: it is required */
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '_'))
            return false;
    return true;
}

/* What both kinds have. */
struct common {
    const struct yaml_node *node;
    const char *name;
    const struct hy_strings *types, *tenants;
};

static void check_common(const struct schema_ctx *x, const struct hy_config *c,
                         const struct common *all, size_t i)
{
    const struct common *k = &all[i];
    enum hy_activity_kind kind;
    if (!is_name(k->name))
        schema_error_at(x, k->node, "name", "may hold a-z, 0-9, - and _");
    for (size_t j = 0; j < i; j++)
        if (k->name[0] && strcmp(all[j].name, k->name) == 0)
            schema_error_at(x, k->node, "name",
                            "'%s' is the name of an earlier destination of events", k->name);
    for (size_t j = 0; j < k->types->n; j++)
        if (k->types->items[j] &&
            hy_activity_kind_find(hy_str_of(k->types->items[j]), &kind) != HY_OK)
            schema_error_at(x, k->node, "types", "there is no event '%s': docs/events.md has them",
                            k->types->items[j]);
    for (size_t j = 0; j < k->tenants->n; j++)
        if (k->tenants->items[j] &&
            !hy_tenant_by_name(&c->tenants, hy_str_of(k->tenants->items[j])))
            schema_error_at(x, k->node, "tenants", "there is no tenant '%s'", k->tenants->items[j]);
}

static void check_dir(const struct schema_ctx *x, const struct common *k,
                      const struct hy_config_events_file *f)
{
    struct stat st;
    if (f->dir[0] && stat(f->dir, &st) == 0 && !S_ISDIR(st.st_mode))
        schema_error_at(x, k->node, "dir", "'%s' is not a folder", f->dir);
}

static void check_url(const struct schema_ctx *x, const struct common *k,
                      const struct hy_config_webhook *w)
{
    struct hy_str url = hy_str_of(w->url);
    size_t at = hy_str_istarts(url, HY_STR("https://"))                    ? 8
                : w->allows_http && hy_str_istarts(url, HY_STR("http://")) ? 7
                                                                           : 0;
    size_t end = at ? hy_str_find(url, '/', at) : 0;
    struct hy_str host = hy_str_slice(url, at, end == SIZE_MAX ? url.n : end);
    if (url.n == 0)
        return;
    if (!at)
        schema_error_at(x, k->node, "url", "must begin with https://%s",
                        w->allows_http ? " or http://" : "; allow_http would take http://");
    else if (host.n == 0 || hy_str_find(host, '@', 0) != SIZE_MAX)
        schema_error_at(x, k->node, "url", "must be https://HOST/PATH, without a user");
    for (size_t i = 0; i < url.n; i++)
        if ((uint8_t)url.p[i] <= ' ' || (uint8_t)url.p[i] >= 0x7f || url.p[i] == '#') {
            schema_error_at(x, k->node, "url",
                            "may hold printable ASCII only, and no fragment behind a #");
            return;
        }
}

void events_finish(const struct schema_ctx *x, const struct yaml_node *root, struct hy_config *c)
{
    const struct yaml_node *files = yaml_find(root, "events.files"),
                           *hooks = yaml_find(root, "events.webhooks");
    struct common all[HY_EVENTS_FILES_MAX + HY_EVENTS_WEBHOOKS_MAX];
    size_t n = 0;
    if (!is_list_of(files, c->events.files.n))
        c->events.files.n = 0;
    if (!is_list_of(hooks, c->events.webhooks.n))
        c->events.webhooks.n = 0;
    for (size_t i = 0; i < c->events.files.n; i++, n++) {
        const struct hy_config_events_file *f = &c->events.files.items[i];
        all[n] = (struct common){files->entries[i].value, f->name, &f->types, &f->tenants};
        check_common(x, c, all, n);
        check_dir(x, &all[n], f);
    }
    for (size_t i = 0; i < c->events.webhooks.n; i++, n++) {
        const struct hy_config_webhook *w = &c->events.webhooks.items[i];
        all[n] = (struct common){hooks->entries[i].value, w->name, &w->types, &w->tenants};
        check_common(x, c, all, n);
        check_url(x, &all[n], w);
    }
}
