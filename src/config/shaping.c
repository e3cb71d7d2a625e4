/* Shaping files made into rules: layers of files, the default blocks on top of the built-in limits,
 * each rule on top of the default block, the parts of a rule that later files say on top of it. */
#include <stdlib.h>

#include "hayauma/config/config.h"
#include "shaping_priv.h"

enum { ARENA_MAX = 256 * 1024 * 1024 };

struct top {
    const struct yaml_node *fallback, *rules;
};
static const struct schema_row top_rows[] = {
    {"default", SCHEMA_NODE, 0, SCHEMA_FIELD(struct top, fallback)},
    {"rules", SCHEMA_NODE, 0, SCHEMA_FIELD(struct top, rules)},
};
static const struct schema top_schema = {top_rows, 2, sizeof(struct top), NULL};

struct layer {
    struct yaml_source src;
    struct top top;
};

/* What one file says of a rule; `next` is said by a later file, and lies on top. */
struct part {
    const struct layer *layer;
    const struct yaml_node *node;
    struct part *next;
};

struct draft {
    struct hy_str name;
    struct part first, *last;
    size_t layer; /* the first that has it */
};

struct reading {
    struct hy_arena *arena;
    struct hy_problems *problems;
    struct layer *layers;
    size_t n_layers;
    struct draft *drafts;
    size_t n_drafts;
};

static struct schema_ctx ctx_of(const struct reading *r, const struct layer *l)
{
    return (struct schema_ctx){.src = &l->src, .arena = r->arena, .base_dir = "."};
}

static bool says_nothing(const struct yaml_node *n)
{
    return !n || (n->kind == YAML_SCALAR && n->is_null);
}

/* ---- a rule or the default block, from its parts ---- */

/* The node of a key, or NULL when the part does not say it. */
static const struct yaml_node *given(const struct yaml_node *node, const char *path)
{
    struct hy_str rest = hy_str_of(path), piece;
    while (node && hy_str_split(&rest, '.', &piece))
        node = yaml_get(node, piece);
    return node;
}

/* `before`: what the default block says, or NULL. */
static int set_origins(const struct reading *r, const struct part *parts,
                       const struct hy_shape_origin *before, struct hy_shape_rule *rule)
{
    size_t n = shaping_rule_schema.n_rows;
    struct hy_shape_origin *o = hy_arena_zalloc(r->arena, n * sizeof *o);
    if (!o)
        return HY_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        o[i] = before ? before[i] : (struct hy_shape_origin){.file = ""};
        for (const struct part *p = parts; p; p = p->next) {
            const struct yaml_node *v = given(p->node, shaping_rule_schema.rows[i].path);
            if (v)
                o[i] = (struct hy_shape_origin){p->layer->src.file, v->line, v->column,
                                                (uint32_t)(p->layer - r->layers) + 1};
        }
    }
    rule->origins = o;
    return 0;
}

static bool has_pattern(const struct hy_reply_rule *list, size_t n, const char *pattern)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].pattern, pattern) == 0)
            return true;
    return false;
}

/* Patterns of a later file are asked first, and replace the same ones of earlier files. */
static int join_replies(const struct reading *r, const struct hy_shape_rule *older,
                        struct hy_shape_rule *rule)
{
    if (rule->replies == older->replies || older->n_replies == 0)
        return 0;
    size_t n = rule->n_replies;
    struct hy_reply_rule *all = hy_arena_alloc(r->arena, (n + older->n_replies) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    if (n)
        memcpy(all, rule->replies, n * sizeof *all);
    for (size_t i = 0; i < older->n_replies; i++)
        if (!has_pattern(rule->replies, rule->n_replies, older->replies[i].pattern))
            all[n++] = older->replies[i];
    rule->replies = all;
    rule->n_replies = n;
    return 0;
}

static int compile_replies(struct hy_shape_rule *rule)
{
    struct hy_diag diag;
    if (rule->n_replies == 0)
        return 0;
    int err = hy_reply_rules_new(&rule->on);
    for (size_t i = 0; i < rule->n_replies && !err; i++)
        if (hy_reply_rules_add(rule->on, &rule->replies[i], &diag) == HY_ENOMEM)
            err = HY_ENOMEM; /* what is wrong with a pattern is noted */
    return err;
}

static int read_parts(const struct reading *r, const struct schema *s, const struct part *parts,
                      struct hy_shape_rule *rule)
{
    for (const struct part *p = parts; p; p = p->next) {
        struct schema_ctx x = ctx_of(r, p->layer);
        struct hy_shape_rule older = *rule;
        int err = schema_read(s, &x, p->node, rule);
        if (!err)
            err = join_replies(r, &older, rule);
        if (err)
            return err;
        if (rule->n_replies > HY_REPLY_RULES_MAX) {
            schema_error_at(&x, p->node, "on", "more than %d patterns with those of earlier files",
                            HY_REPLY_RULES_MAX);
            rule->n_replies = HY_REPLY_RULES_MAX;
        }
    }
    return 0;
}

/* ---- drafts: the same rule in several files ---- */

static struct draft *draft_of(const struct reading *r, struct hy_str name, size_t n)
{
    for (size_t i = 0; i < n && name.n; i++)
        if (hy_str_eq(r->drafts[i].name, name))
            return &r->drafts[i];
    return NULL;
}

static struct hy_str name_of(const struct yaml_node *rule)
{
    const struct yaml_node *n = yaml_get(rule, HY_STR("name"));
    return n && n->kind == YAML_SCALAR ? n->text : HY_STR("");
}

static int draft_rule(struct reading *r, size_t layer, const struct yaml_node *node)
{
    struct layer *l = &r->layers[layer];
    struct hy_str name = name_of(node);
    struct draft *d = draft_of(r, name, r->n_drafts);
    struct part part = {.layer = l, .node = node};
    if (!d) {
        d = &r->drafts[r->n_drafts++];
        *d = (struct draft){.name = name, .first = part, .layer = layer};
        d->last = &d->first;
        return 0;
    }
    if (d->last->layer == l) {
        struct schema_ctx x = ctx_of(r, l);
        schema_error_at(&x, node, "name", "there is a rule '%.*s' in line %u already",
                        HY_STR_ARG(name), d->last->node->line);
        return 0;
    }
    struct part *p = hy_arena_alloc(r->arena, sizeof *p);
    if (!p)
        return HY_ENOMEM;
    *p = part;
    d->last = d->last->next = p;
    return 0;
}

/* How many rules a file has; 0 with a note when its list is none. */
static size_t count_rules(const struct layer *l)
{
    const struct yaml_node *list = l->top.rules;
    if (says_nothing(list))
        return 0;
    if (list->kind == YAML_LIST && list->n <= SHAPING_RULES_MAX)
        return list->n;
    hy_problems_error(l->src.problems, l->src.file, list->line, list->column,
                      list->kind != YAML_LIST ? "rules: must be a list: lines that begin with '- '"
                                              : "rules: too many");
    return 0;
}

static int draft_all(struct reading *r)
{
    size_t all = 0;
    for (size_t i = 0; i < r->n_layers; i++)
        all += count_rules(&r->layers[i]);
    r->drafts = hy_arena_alloc(r->arena, (all + 1) * sizeof *r->drafts);
    if (!r->drafts)
        return HY_ENOMEM;
    for (size_t i = 0; i < r->n_layers; i++) {
        const struct yaml_node *list = r->layers[i].top.rules;
        if (says_nothing(list) || list->kind != YAML_LIST || list->n > SHAPING_RULES_MAX)
            continue;
        for (size_t k = 0; k < list->n; k++) {
            int err = draft_rule(r, i, list->entries[k].value);
            if (err)
                return err;
        }
    }
    return 0;
}

/* ---- the set ---- */

static int make_base(struct reading *r, struct shaping_set *s)
{
    struct part parts[HY_SHAPING_FILES_MAX], *first = NULL, **at = &first;
    for (size_t i = 0; i < r->n_layers; i++) {
        if (says_nothing(r->layers[i].top.fallback))
            continue;
        parts[i] = (struct part){.layer = &r->layers[i], .node = r->layers[i].top.fallback};
        *at = &parts[i];
        at = &parts[i].next;
    }
    s->base = (struct hy_shape_rule){.name = "default", .limits = s->set.fallback, .file = ""};
    s->base.is_enabled = true;
    int err = read_parts(r, &shaping_default_schema, first, &s->base);
    if (!err)
        err = set_origins(r, first, NULL, &s->base);
    if (!err)
        err = compile_replies(&s->base);
    if (first) {
        s->base.file = first->layer->src.file;
        s->base.line = first->node->line;
    }
    s->set.fallback = s->base.limits;
    return err;
}

/* A rule is taken out that no file has: an upgrade may have done it, or the name is another. */
static void tell_gone(const struct reading *r, const struct draft *d)
{
    struct schema_ctx x = ctx_of(r, d->first.layer);
    schema_warn_at(&x, d->first.node, "name", "no file has a rule '%.*s' to take out",
                   HY_STR_ARG(d->name));
}

static int make_rule(struct reading *r, const struct draft *d, const struct shaping_set *s,
                     struct hy_shape_rule *rule)
{
    *rule = (struct hy_shape_rule){.name = "",
                                   .limits = s->set.fallback,
                                   .is_enabled = true,
                                   .file = d->first.layer->src.file,
                                   .line = d->first.node->line};
    int err = read_parts(r, &shaping_rule_schema, &d->first, rule);
    if (!err)
        err = set_origins(r, &d->first, s->base.origins, rule);
    return err ? err : compile_replies(rule);
}

/* Those of the last file first; each file's in its order; those that are off left out. */
static int make_rules(struct reading *r, struct shaping_set *s)
{
    struct hy_shape_rule *rules = hy_arena_zalloc(r->arena, (r->n_drafts + 1) * sizeof *rules);
    if (!rules)
        return HY_ENOMEM;
    s->set.rules = rules;
    for (size_t layer = r->n_layers; layer-- > 0;)
        for (size_t i = 0; i < r->n_drafts; i++) {
            struct hy_shape_rule *rule = &rules[s->set.n_rules];
            if (r->drafts[i].layer != layer)
                continue;
            int err = make_rule(r, &r->drafts[i], s, rule);
            if (err || rule->is_enabled)
                s->set.n_rules++; /* also half made: what it holds is freed with the set */
            else
                hy_reply_rules_free(rule->on);
            if (!err && !rule->is_enabled && rule->n_mx + rule->n_domains == 0)
                tell_gone(r, &r->drafts[i]);
            if (err)
                return err;
        }
    return 0;
}

static int read_layer(struct reading *r, const struct hy_shaping_layer *from, struct layer *l)
{
    const struct yaml_node *root;
    struct hy_str file = hy_arena_str(r->arena, hy_str_of(from->file));
    if (!file.p)
        return HY_ENOMEM;
    l->src = (struct yaml_source){.file = file.p, .problems = r->problems};
    int err = yaml_read(&l->src, from->text, r->arena, &root);
    if (err)
        return err == HY_EINVAL ? 0 : err; /* noted; the other files are read too */
    struct schema_ctx x = ctx_of(r, l);
    return schema_read(&top_schema, &x, root, &l->top);
}

static int read_all(const struct hy_shaping_layer *layers, size_t n, struct shaping_set *s,
                    struct hy_problems *problems)
{
    struct layer own[HY_SHAPING_FILES_MAX] = {0};
    struct reading r = {.arena = &s->arena, .problems = problems, .layers = own, .n_layers = n};
    for (size_t i = 0; i < n; i++) {
        int err = read_layer(&r, &layers[i], &own[i]);
        if (err)
            return err;
    }
    int err = make_base(&r, s);
    if (!err)
        err = draft_all(&r);
    return err ? err : make_rules(&r, s);
}

/* ---- making and freeing ---- */

static int make(struct shaping_set **ret)
{
    struct shaping_set *s = calloc(1, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    s->arena = HY_ARENA_INIT(ARENA_MAX);
    hy_shape_limits_init(&s->set.fallback);
    s->base = (struct hy_shape_rule){
        .name = "default", .limits = s->set.fallback, .is_enabled = true, .file = ""};
    s->set.base = &s->base;
    *ret = s;
    return HY_OK;
}

static int finish(struct shaping_set *s, const struct hy_shaping_layer *layers, size_t n,
                  struct hy_problems *problems, size_t errors_before,
                  struct hy_shape_rules **ret_rules)
{
    int err = read_all(layers, n, s, problems);
    if (!err)
        shaping_check(&s->set, problems);
    hy_problems_sort(problems);
    if (!err && problems->n_errors > errors_before)
        err = HY_EINVAL;
    if (err)
        hy_shaping_free(&s->set);
    else
        *ret_rules = &s->set;
    return err;
}

int hy_shaping_load(const char *const *paths, size_t n, struct hy_problems *problems,
                    struct hy_shape_rules **ret_rules)
{
    struct shaping_set *s;
    struct hy_shaping_layer layers[HY_SHAPING_FILES_MAX];
    size_t n_layers = 0, errors = problems->n_errors;
    int err = make(&s);
    if (err)
        return err;
    err = shaping_read_files(paths, n, &s->arena, problems, layers, &n_layers);
    if (err) {
        hy_shaping_free(&s->set);
        return err;
    }
    return finish(s, layers, n_layers, problems, errors, ret_rules);
}

int hy_shaping_parse(const struct hy_shaping_layer *layers, size_t n, struct hy_problems *problems,
                     struct hy_shape_rules **ret_rules)
{
    struct shaping_set *s;
    if (n > HY_SHAPING_FILES_MAX)
        return HY_ELIMIT;
    int err = make(&s);
    return err ? err : finish(s, layers, n, problems, problems->n_errors, ret_rules);
}

int hy_shaping_builtin(struct hy_shape_rules **ret_rules)
{
    struct shaping_set *s;
    int err = make(&s);
    if (!err)
        *ret_rules = &s->set;
    return err;
}

void hy_shaping_free(struct hy_shape_rules *rules)
{
    if (!rules)
        return;
    struct shaping_set *s = (struct shaping_set *)(void *)rules;
    for (size_t i = 0; i < rules->n_rules; i++)
        hy_reply_rules_free(rules->rules[i].on);
    hy_reply_rules_free(s->base.on);
    hy_arena_free(&s->arena);
    free(s);
}
