/* hayauma.yaml made into a snapshot: read by the schema, then checked as a whole. */
#include "hayauma/config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_schema.h"

#include "hayauma/mail/header.h"
#include "hayauma/store/contacts.h"
#include "hayauma/store/suppress.h"

enum { ARENA_MAX = 64 * 1024 * 1024, HOST_MAX = 256, PATH_MAX_BYTES = 4096 };

/* The folder of `path`, absolute. */
static int folder_of(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    int len;
    if (path[0] == '/') {
        len = snprintf(out, cap, "%.*s", (int)n, path);
    } else {
        char cwd[PATH_MAX_BYTES];
        if (!getcwd(cwd, sizeof cwd))
            return HY_EIO;
        len = snprintf(out, cap, "%s%s%.*s", strcmp(cwd, "/") == 0 ? "" : cwd, n ? "/" : "", (int)n,
                       path);
    }
    return len >= 0 && (size_t)len < cap ? 0 : HY_ELIMIT;
}

/* The full name if the resolver files know one; else what the kernel says. Never asks DNS twice
 * over: a name with a dot is taken as it is. */
static int system_hostname(struct hy_arena *arena, const char **ret)
{
    char name[HOST_MAX] = "localhost";
    struct hy_buf clean = HY_BUF_INIT(512);
    if (gethostname(name, sizeof name - 1) != 0)
        strcpy(name, "localhost");
    if (!strchr(name, '.')) {
        struct addrinfo *ai = NULL, hints = {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM};
        if (getaddrinfo(name, NULL, &hints, &ai) == 0 && ai && ai->ai_canonname &&
            strchr(ai->ai_canonname, '.'))
            snprintf(name, sizeof name, "%s", ai->ai_canonname);
        if (ai)
            freeaddrinfo(ai);
    }
    int err = value_hostname(hy_str_of(name), false, NULL, &clean);
    struct hy_str copy = hy_arena_str(arena, err ? HY_STR("localhost") : hy_buf_str(&clean));
    hy_buf_free(&clean);
    *ret = copy.p;
    return copy.p ? 0 : HY_ENOMEM;
}

static void check_paths(const struct schema_ctx *x, const struct yaml_node *root,
                        const struct hy_config *c)
{
    struct stat st;
    const char *dirs[][2] = {{"paths.data_dir", c->paths.data_dir},
                             {"paths.run_dir", c->paths.run_dir}};
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        if (stat(dirs[i][1], &st) == 0 && !S_ISDIR(st.st_mode))
            schema_error_at(x, root, dirs[i][0], "'%s' is not a folder", dirs[i][1]);
}

static void check_control(const struct schema_ctx *x, const struct yaml_node *root,
                          const struct hy_config *c)
{
    if (c->control.group[0] && !getgrnam(c->control.group))
        schema_error_at(x, root, "control.group", "there is no group '%s' on this system",
                        c->control.group);
    if (c->control.mode & 07)
        schema_warn_at(x, root, "control.mode",
                       "other users can connect; they are refused unless they are in "
                       "control.group: 0660 keeps them out at once");
}

static void check_log(const struct schema_ctx *x, const struct yaml_node *root,
                      const struct hy_config *c)
{
    const char *to = c->log.attempts;
    if (to[0] != '/' && strcmp(to, "off") != 0 && strcmp(to, "journal") != 0 &&
        strcmp(to, "stderr") != 0)
        schema_error_at(x, root, "log.attempts",
                        "must be off, journal, stderr or the absolute path of a file, not '%s'",
                        to);
}

static bool is_loopback(const struct hy_sockaddr *a)
{
    if (hy_sockaddr_family(a) == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
    return ntohl(a->in4.sin_addr.s_addr) >> 24 == 127;
}

static void check_metrics(const struct schema_ctx *x, const struct yaml_node *root,
                          const struct hy_config *c)
{
    struct hy_sockaddr a;
    if (!c->metrics.listen[0])
        return;
    if (hy_sockaddr_parse(hy_str_of(c->metrics.listen), 9095, &a) != HY_OK)
        schema_error_at(x, root, "metrics.listen",
                        "must be an address of this machine and a port, such as 127.0.0.1:9095");
    else if (!is_loopback(&a))
        schema_warn_at(x, root, "metrics.listen",
                       "other machines can read the figures, names of campaigns and sites "
                       "included: nobody is asked for a password");
}

/* Letters, digits and what stands safely left of a plus sign. */
static bool is_prefix(const char *s)
{
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '_'))
            return false;
    return true;
}

bool config_is_plain_address(const char *text)
{
    struct hy_buf host = HY_BUF_INIT(512);
    const char *at = strrchr(text, '@');
    bool good = at && at != text && !strpbrk(text, " <>\",;?&%") &&
                value_hostname(hy_str_of(at + 1), false, NULL, &host) == 0;
    hy_buf_free(&host);
    return good;
}

static void check_bounce(const struct schema_ctx *x, const struct yaml_node *root,
                         const struct hy_config *c)
{
    const char *mailto = c->bounce.unsubscribe_mailto;
    if (!is_prefix(c->bounce.prefix))
        schema_error_at(x, root, "bounce.prefix", "may hold a-z, 0-9, - and _ only");
    if (mailto[0] && !config_is_plain_address(mailto))
        schema_error_at(x, root, "bounce.unsubscribe_mailto", "'%s' is no plain mail address",
                        mailto);
}

/* Whether a key signs for the domain, its own or that of a parent. */
static bool has_key_for(const struct hy_config *c, struct hy_str domain)
{
    for (size_t i = 0; i < c->dkim.keys.n; i++) {
        struct hy_str key = hy_str_of(c->dkim.keys.items[i].domain);
        if (c->dkim.keys.items[i].tenant[0])
            continue;
        size_t dot = domain.n > key.n ? domain.n - key.n - 1 : 0;
        if (hy_str_ieq(domain, key) || (domain.n > key.n && domain.p[dot] == '.' &&
                                        hy_str_ieq(hy_str_slice(domain, dot + 1, domain.n), key)))
            return true;
    }
    return false;
}

static void check_reports(const struct schema_ctx *x, const struct yaml_node *root,
                          const struct hy_config *c)
{
    const char *from = c->tls.report_from;
    if (!from[0])
        return;
    if (!config_is_plain_address(from))
        schema_error_at(x, root, "tls.report_from", "'%s' is no plain mail address", from);
    else if (!has_key_for(c, hy_str_of(strrchr(from, '@') + 1)))
        schema_error_at(x, root, "tls.report_from",
                        "no key under dkim.keys signs for %s, and reports must be signed",
                        strrchr(from, '@') + 1);
}

static void check_dsn(const struct schema_ctx *x, const struct yaml_node *root,
                      const struct hy_config *c)
{
    const char *from = c->dsn.from;
    if (!from[0])
        return;
    if (!config_is_plain_address(from))
        schema_error_at(x, root, "dsn.from", "'%s' is no plain mail address", from);
    else if (!has_key_for(c, hy_str_of(strrchr(from, '@') + 1)))
        schema_warn_at(x, root, "dsn.from",
                       "no key under dkim.keys signs for %s: many servers take no report from it",
                       strrchr(from, '@') + 1);
}

static void check_cap(const struct schema_ctx *x, const struct yaml_node *root,
                      const struct hy_config *c)
{
    const struct hy_rate *cap = &c->campaign.frequency_cap;
    const hy_us hour = 3600 * HY_US_PER_SEC;
    if (cap->count == 0)
        return;
    if (cap->count > HY_CONTACTS_KEPT)
        schema_error_at(x, root, "campaign.frequency_cap", "counts at most %d mails",
                        HY_CONTACTS_KEPT);
    if (cap->period_us % hour || cap->period_us / hour > HY_CONTACTS_HOURS_MAX)
        schema_error_at(x, root, "campaign.frequency_cap",
                        "takes a period of full hours, up to 366 days: 3/7d, 1/20h");
}

static void check_reasons(const struct schema_ctx *x, const struct yaml_node *root,
                          const char *path, const struct hy_strings *names)
{
    for (size_t i = 0; i < names->n; i++) {
        enum hy_suppress_reason r;
        if (names->items[i] && hy_suppress_reason_find(hy_str_of(names->items[i]), &r) != 0)
            schema_error_at(x, root, path,
                            "'%s' is no reason: hard-bounce, soft-bounces, complaint, unsubscribe, "
                            "manual, imported or erased",
                            names->items[i]);
    }
}

static void check_header_names(const struct schema_ctx *x, const struct yaml_node *root,
                               const char *path, const struct hy_strings *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (names->items[i] && (!hy_header_name_ok(hy_str_of(names->items[i])) ||
                                strchr(names->items[i], ';'))) /* would end the tag h= */
            schema_error_at(x, root, path, "'%s' is no header field name", names->items[i]);
}

/* Joins the folder, and sees that no two keys claim the same record. */
static int finish_dkim(const struct schema_ctx *x, const struct yaml_node *root,
                       struct hy_config *c)
{
    const struct yaml_node *list = yaml_find(root, "dkim.keys");
    struct hy_config_dkim_key *keys = (struct hy_config_dkim_key *)(uintptr_t)c->dkim.keys.items;
    check_header_names(x, root, "dkim.headers", &c->dkim.headers);
    check_header_names(x, root, "dkim.oversign", &c->dkim.oversign);
    if (!is_list_of(list, c->dkim.keys.n))
        return 0;
    for (size_t i = 0; i < c->dkim.keys.n; i++) {
        const struct yaml_node *n = list->entries[i].value;
        struct hy_config_dkim_key *k = &keys[i];
        if (k->key_file[0] && k->key_file[0] != '/') {
            char full[PATH_MAX_BYTES];
            snprintf(full, sizeof full, "%s/%s", c->paths.dkim_dir, k->key_file);
            k->key_file = hy_arena_str(x->arena, hy_str_of(full)).p;
            if (!k->key_file)
                return HY_ENOMEM;
        }
        if (k->key_file[0] && access(k->key_file, R_OK) != 0)
            schema_error_at(x, n, "file",
                            "'%s' cannot be read: %s ('hayauma dkim keygen' makes one)",
                            k->key_file, strerror(errno));
        for (size_t j = 0; j < i; j++)
            if (strcmp(keys[j].domain, k->domain) == 0 &&
                strcmp(keys[j].selector, k->selector) == 0 && k->domain[0])
                schema_error_at(x, n, "selector", "%s._domainkey.%s is used by an earlier key",
                                k->selector, k->domain);
    }
    return 0;
}

static int finish_socket(const struct schema_ctx *x, struct hy_config *c)
{
    char path[PATH_MAX_BYTES];
    if (c->control.socket[0])
        return 0;
    snprintf(path, sizeof path, "%s/control.sock", c->paths.run_dir);
    c->control.socket = hy_arena_str(x->arena, hy_str_of(path)).p;
    return c->control.socket ? 0 : HY_ENOMEM;
}

static int finish(const struct schema_ctx *x, const struct yaml_node *root, struct hy_config *c)
{
    int err = c->node.hostname ? 0 : system_hostname(x->arena, &c->node.hostname);
    if (!err)
        err = warmups_finish(x, root, c);
    if (!err)
        err = sources_finish(x, root, c);
    if (!err)
        err = finish_dkim(x, root, c);
    if (!err)
        err = tenants_finish(x, root, c);
    if (!err)
        events_finish(x, root, c);
    if (!err)
        err = finish_socket(x, c);
    if (!err)
        err = rule_files_finish(x, root, c);
    if (err)
        return err;
    check_reasons(x, root, "suppression.marketing", &c->suppression.marketing);
    check_reasons(x, root, "suppression.transactional", &c->suppression.transactional);
    check_paths(x, root, c);
    check_control(x, root, c);
    check_log(x, root, c);
    check_metrics(x, root, c);
    tracking_finish(x, root, c);
    check_bounce(x, root, c);
    check_reports(x, root, c);
    check_dsn(x, root, c);
    check_cap(x, root, c);
    return 0;
}

static int fill(const char *path, const struct hy_str *text, struct hy_problems *problems,
                struct hy_config *c)
{
    char dir[PATH_MAX_BYTES];
    struct yaml_source src = {.file = path, .problems = problems};
    struct schema_ctx x = {.src = &src, .arena = &c->arena, .base_dir = dir};
    const struct yaml_node *root;
    struct hy_str bytes = text ? *text : HY_STR("");
    int err = folder_of(path, dir, sizeof dir);
    if (!err && !text)
        err = yaml_slurp(&src, &c->arena, &bytes);
    if (!err)
        err = schema_defaults(&config_schema, &x, c);
    if (!err)
        err = yaml_read(&src, bytes, &c->arena, &root);
    if (!err)
        err = schema_read(&config_schema, &x, root, c);
    if (!err)
        err = finish(&x, root, c);
    return err;
}

static int load(const char *path, const struct hy_str *text, struct hy_problems *problems,
                struct hy_config **ret_config)
{
    struct hy_config *c = calloc(1, sizeof *c);
    size_t before = problems->n_errors;
    if (!c)
        return HY_ENOMEM;
    c->arena = HY_ARENA_INIT(ARENA_MAX);
    atomic_init(&c->refs, 1);
    int err = fill(path, text, problems, c);
    if (!err) {
        c->file = hy_arena_str(&c->arena, hy_str_of(path)).p;
        err = c->file ? 0 : HY_ENOMEM;
    }
    hy_problems_sort(problems);
    if (!err && problems->n_errors > before)
        err = HY_EINVAL;
    if (err) {
        hy_config_unref(c);
        return err;
    }
    *ret_config = c;
    return 0;
}

int hy_config_load(const char *path, struct hy_problems *problems, struct hy_config **ret_config)
{
    return load(path, NULL, problems, ret_config);
}

int hy_config_parse(const char *path, struct hy_str text, struct hy_problems *problems,
                    struct hy_config **ret_config)
{
    return load(path, &text, problems, ret_config);
}

int hy_config_defaults(struct hy_config **ret_config)
{
    struct hy_problems problems = {0};
    struct hy_str nothing = HY_STR("");
    int err = load(HY_CONFIG_DEFAULT_PATH, &nothing, &problems, ret_config);
    hy_problems_free(&problems);
    return err;
}

void hy_config_socket(const char *path, char out[108])
{
    struct hy_problems problems = {0};
    struct yaml_source src = {.file = path, .problems = &problems};
    struct hy_arena arena = HY_ARENA_INIT(ARENA_MAX);
    const struct yaml_node *root = NULL, *place = NULL;
    const char *file = "";
    struct hy_str text;
    char dir[PATH_MAX_BYTES] = "";
    snprintf(out, 108, "/run/hayauma/control.sock");
    if (yaml_slurp(&src, &arena, &text) == 0 && yaml_read(&src, text, &arena, &root) == 0)
        place = yaml_get(yaml_get(root, HY_STR("control")), HY_STR("socket"));
    if (!place || place->kind != YAML_SCALAR || place->text.n == 0) {
        place = yaml_get(yaml_get(root, HY_STR("paths")), HY_STR("run_dir"));
        file = "/control.sock";
    }
    if (place && place->kind == YAML_SCALAR && place->text.n &&
        (place->text.p[0] == '/' || folder_of(path, dir, sizeof dir) == 0)) {
        size_t n = strlen(dir), m = strlen(file);
        if (n + 1 + place->text.n + m < 108) {
            memcpy(out, dir, n);
            if (n)
                out[n++] = '/';
            memcpy(out + n, place->text.p, place->text.n);
            memcpy(out + n + place->text.n, file, m + 1);
        }
    }
    hy_problems_free(&problems);
    hy_arena_free(&arena);
}

struct hy_config *hy_config_ref(struct hy_config *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void hy_config_unref(struct hy_config *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct hy_arena arena = c->arena;
    hy_arena_free(&arena);
    free(c);
}

void hy_config_restart_keys(const struct hy_config *running, const struct hy_config *fresh,
                            struct hy_buf *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < config_schema.n_rows; i++) {
        const struct schema_row *row = &config_schema.rows[i];
        if (!(row->flags & SCHEMA_RESTART) || schema_same(row, (const char *)running + row->offset,
                                                          (const char *)fresh + row->offset))
            continue;
        hy_buf_printf(out, "%s%s", out->len > start ? ", " : "", row->path);
    }
}
