/* shaping.yaml made into rules: the default block on top of the built-in limits, each rule on top
 * of the default block. */
#include "hayauma/config/shaping.h"

#include <stdlib.h>

#include "hayauma/config/config.h"
#include "schema.h"

enum { ARENA_MAX = 64 * 1024 * 1024, RULES_MAX = 10000, PATTERNS_MAX = 1000 };

#define SEC          1000000LL
#define MIN          (60 * SEC)
#define HOUR         (60 * MIN)
#define DAY          (24 * HOUR)

#define R(field)     offsetof(struct hy_shape_rule, field), sizeof(((struct hy_shape_rule *)0)->field)
#define NAMES(field) offsetof(struct hy_shape_rule, field), sizeof(struct hy_strings)
#define L(field)     R(limits.field)

/* A list of names and its length stand in the rule as they do in struct hy_strings. */
_Static_assert(offsetof(struct hy_shape_rule, n_mx) - offsetof(struct hy_shape_rule, mx) ==
                   offsetof(struct hy_strings, n),
               "mx is no hy_strings");
_Static_assert(offsetof(struct hy_shape_rule, n_domains) -
                       offsetof(struct hy_shape_rule, domains) ==
                   offsetof(struct hy_strings, n),
               "domains is no hy_strings");

static const struct schema_name tls_names[] = {{"never", HY_TLS_NEVER},
                                               {"opportunistic", HY_TLS_OPPORTUNISTIC},
                                               {"required", HY_TLS_REQUIRED},
                                               {"verified", HY_TLS_VERIFIED},
                                               {0}};

enum { SELECTOR_ROWS = 3 }; /* those that a default block does not have */
static const struct schema_row rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, R(name), .max = 63},
    {"mx", SCHEMA_HOSTNAMES, SCHEMA_WILDCARD, NAMES(mx), .max = PATTERNS_MAX},
    {"domains", SCHEMA_HOSTNAMES, SCHEMA_WILDCARD, NAMES(domains), .max = PATTERNS_MAX},
    {"connections", SCHEMA_INT, 0, L(connections), 1, 10000},
    {"messages_per_connection", SCHEMA_INT, 0, L(messages_per_connection), 1, 1000000,
     .zero = "unlimited"},
    {"connection_rate", SCHEMA_RATE, 0, L(connection_rate), .zero = "unlimited"},
    {"message_rate", SCHEMA_RATE, 0, L(message_rate), .zero = "unlimited"},
    {"tls", SCHEMA_ENUM, 0, L(tls), .names = tls_names},
    {"pipelining", SCHEMA_BOOL, 0, L(use_pipelining)},
    {"chunking", SCHEMA_BOOL, 0, L(use_chunking)},
    {"retry.first", SCHEMA_DURATION, 0, L(retry.first_us), 1 * SEC, 1 * DAY},
    {"retry.longest", SCHEMA_DURATION, 0, L(retry.longest_us), 1 * SEC, 7 * DAY},
    {"retry.jitter", SCHEMA_PERCENT, 0, L(retry.jitter_percent), 0, 50},
    {"retry.expire", SCHEMA_DURATION, 0, L(retry.expire_us), 1 * SEC, 30 * DAY},
    {"timeouts.connect", SCHEMA_DURATION, 0, L(timeouts.connect_us), 1 * SEC, 10 * MIN},
    {"timeouts.banner", SCHEMA_DURATION, 0, L(timeouts.banner_us), 1 * SEC, 1 * HOUR},
    {"timeouts.ehlo", SCHEMA_DURATION, 0, L(timeouts.ehlo_us), 1 * SEC, 1 * HOUR},
    {"timeouts.tls", SCHEMA_DURATION, 0, L(timeouts.tls_us), 1 * SEC, 1 * HOUR},
    {"timeouts.mail", SCHEMA_DURATION, 0, L(timeouts.mail_us), 1 * SEC, 1 * HOUR},
    {"timeouts.rcpt", SCHEMA_DURATION, 0, L(timeouts.rcpt_us), 1 * SEC, 1 * HOUR},
    {"timeouts.data", SCHEMA_DURATION, 0, L(timeouts.data_us), 1 * SEC, 1 * HOUR},
    {"timeouts.block", SCHEMA_DURATION, 0, L(timeouts.block_us), 1 * SEC, 1 * HOUR},
    {"timeouts.dot", SCHEMA_DURATION, 0, L(timeouts.dot_us), 1 * SEC, 1 * HOUR},
    {"timeouts.quit", SCHEMA_DURATION, 0, L(timeouts.quit_us), 100000, 10 * MIN},
    {"timeouts.idle", SCHEMA_DURATION, 0, L(timeouts.idle_us), 0, 10 * MIN},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static const struct schema rule_schema = {rows, N_ROWS, sizeof(struct hy_shape_rule), NULL};
static const struct schema default_schema = {rows + SELECTOR_ROWS, N_ROWS - SELECTOR_ROWS,
                                             sizeof(struct hy_shape_rule), NULL};

struct top {
    const struct yaml_node *fallback, *rules;
};
static const struct schema_row top_rows[] = {
    {"default", SCHEMA_NODE, 0, SCHEMA_FIELD(struct top, fallback)},
    {"rules", SCHEMA_NODE, 0, SCHEMA_FIELD(struct top, rules)},
};
static const struct schema top_schema = {top_rows, 2, sizeof(struct top), NULL};

/* The set and the memory behind it. */
struct owned {
    struct hy_shape_rules set; /* first: freed by its address */
    struct hy_arena arena;
};

static void check_limits(const struct schema_ctx *x, const struct yaml_node *n,
                         const struct hy_shape_limits *l)
{
    if (l->retry.longest_us < l->retry.first_us)
        schema_error_at(x, n, "retry.longest", "is shorter than retry.first");
    if (l->retry.expire_us < l->retry.first_us)
        schema_error_at(x, n, "retry.expire",
                        "is shorter than retry.first: nothing would ever be tried again");
    if (l->message_rate.count && l->messages_per_connection == 1 && l->connection_rate.count &&
        (double)l->connection_rate.count * (double)l->message_rate.period_us <
            (double)l->message_rate.count * (double)l->connection_rate.period_us)
        schema_warn_at(x, n, "message_rate",
                       "can never be reached: each message needs a connection, and "
                       "connection_rate allows fewer");
}

/* Whether everything that `b` matches is matched by `a`. */
static bool covers(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    if (strncmp(a, "*.", 2) != 0)
        return false;
    size_t na = strlen(a + 1), nb = strlen(b); /* with the dot */
    return nb > na && strcmp(b + nb - na, a + 1) == 0;
}

static bool list_covers(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] && name && covers(list[i], name))
            return true;
    return false;
}

/* Names that an earlier rule takes already, and rules of which nothing is left. */
static void check_dead(const struct schema_ctx *x, const struct yaml_node *n,
                       const struct hy_shape_rule *rules, size_t at)
{
    const struct hy_shape_rule *r = &rules[at];
    size_t taken = 0;
    for (size_t k = 0; k < r->n_mx + r->n_domains; k++) {
        bool is_mx = k < r->n_mx;
        const char *name = is_mx ? r->mx[k] : r->domains[k - r->n_mx];
        for (size_t i = 0; i < at; i++) {
            const struct hy_shape_rule *e = &rules[i];
            if (!(is_mx ? list_covers(e->mx, e->n_mx, name)
                        : list_covers(e->domains, e->n_domains, name)))
                continue;
            taken++;
            schema_warn_at(x, n, is_mx ? "mx" : "domains",
                           "'%s' has no effect: rule '%s' (line %u) comes first and matches it",
                           name, e->name, e->line);
            break;
        }
    }
    if (taken && taken == r->n_mx + r->n_domains)
        schema_error_at(x, n, "name", "rule '%s' can never apply: earlier rules match all of it",
                        r->name);
}

static void check_rule(const struct schema_ctx *x, const struct yaml_node *n,
                       const struct hy_shape_rule *rules, size_t at)
{
    const struct hy_shape_rule *r = &rules[at];
    check_limits(x, n, &r->limits);
    if (r->n_mx + r->n_domains == 0)
        schema_error_at(x, n, "name",
                        "rule '%s' names neither mx nor domains: it would never apply", r->name);
    for (size_t i = 0; i < at; i++)
        if (r->name[0] && strcmp(rules[i].name, r->name) == 0)
            schema_error_at(x, n, "name", "there is a rule '%s' in line %u already", r->name,
                            rules[i].line);
    check_dead(x, n, rules, at);
}

static int read_rules(const struct schema_ctx *x, const struct yaml_node *list,
                      struct hy_shape_rules *set)
{
    if (!list || (list->kind == YAML_SCALAR && list->is_null))
        return 0;
    if (list->kind != YAML_LIST || list->n > RULES_MAX) {
        hy_problems_error(x->src->problems, x->src->file, list->line, list->column,
                          list->kind != YAML_LIST ? "rules: must be a list: lines that begin with "
                                                    "'- '"
                                                  : "rules: too many");
        return 0;
    }
    struct hy_shape_rule *rules = hy_arena_zalloc(x->arena, (list->n + 1) * sizeof *rules);
    struct hy_str file = hy_arena_str(x->arena, hy_str_of(x->src->file));
    if (!rules || !file.p)
        return HY_ENOMEM;
    for (size_t i = 0; i < list->n; i++) {
        const struct yaml_node *n = list->entries[i].value;
        rules[i] = (struct hy_shape_rule){
            .name = "", .limits = set->fallback, .file = file.p, .line = n->line};
        int err = schema_read(&rule_schema, x, n, &rules[i]);
        if (err)
            return err;
        check_rule(x, n, rules, i);
    }
    set->rules = rules;
    set->n_rules = list->n;
    return 0;
}

static int read_all(const struct schema_ctx *x, const struct yaml_node *root,
                    struct hy_shape_rules *set)
{
    struct top top = {0};
    struct hy_shape_rule base = {.limits = set->fallback};
    int err = schema_read(&top_schema, x, root, &top);
    if (!err && top.fallback && !top.fallback->is_null) {
        err = schema_read(&default_schema, x, top.fallback, &base);
        set->fallback = base.limits;
        check_limits(x, top.fallback, &set->fallback);
    }
    if (!err)
        err = read_rules(x, top.rules, set);
    return err;
}

static int make(struct owned **ret)
{
    struct owned *o = calloc(1, sizeof *o);
    if (!o)
        return HY_ENOMEM;
    o->arena = HY_ARENA_INIT(ARENA_MAX);
    hy_shape_limits_init(&o->set.fallback);
    *ret = o;
    return 0;
}

static int load(const char *path, const struct hy_str *text, struct hy_problems *problems,
                struct hy_shape_rules **ret_rules)
{
    struct owned *o;
    struct yaml_source src = {.file = path, .problems = problems};
    const struct yaml_node *root;
    struct hy_str bytes = text ? *text : HY_STR("");
    size_t before = problems->n_errors;
    int err = make(&o);
    if (err)
        return err;
    struct schema_ctx x = {.src = &src, .arena = &o->arena, .base_dir = "."};
    if (!text)
        err = yaml_slurp(&src, &o->arena, &bytes);
    if (!err)
        err = yaml_read(&src, bytes, &o->arena, &root);
    if (!err)
        err = read_all(&x, root, &o->set);
    hy_problems_sort(problems);
    if (!err && problems->n_errors > before)
        err = HY_EINVAL;
    if (err) {
        hy_shaping_free(&o->set);
        return err;
    }
    *ret_rules = &o->set;
    return 0;
}

int hy_shaping_load(const char *path, struct hy_problems *problems,
                    struct hy_shape_rules **ret_rules)
{
    return load(path, NULL, problems, ret_rules);
}

int hy_shaping_parse(const char *path, struct hy_str text, struct hy_problems *problems,
                     struct hy_shape_rules **ret_rules)
{
    return load(path, &text, problems, ret_rules);
}

int hy_shaping_builtin(struct hy_shape_rules **ret_rules)
{
    struct owned *o;
    int err = make(&o);
    if (!err)
        *ret_rules = &o->set;
    return err;
}

void hy_shaping_free(struct hy_shape_rules *rules)
{
    if (!rules)
        return;
    struct owned *o = (struct owned *)(void *)rules;
    hy_arena_free(&o->arena);
    free(o);
}
