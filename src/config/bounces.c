/* Files of bounce rules: a list of groups, each with a reason and the patterns that mean it. */
#include "bounces.h"

#include <stdlib.h>

#include "hayauma/config/bounces.h"
#include "tree.h"
#include "value.h"

enum { ARENA_MAX = 64 * 1024 * 1024 };

struct hy_bounces {
    struct hy_arena arena;
    struct hy_bounce_rules *rules;
};

struct file {
    struct yaml_source src;
    const struct yaml_node *list; /* NULL: it says nothing */
};

static void complain(const struct file *f, const struct yaml_node *at, const char *words)
{
    hy_problems_error(f->src.problems, f->src.file, at->line, at->column, "%s", words);
}

/* -- one group ------------------------------------------------------------------------------ */

static const char *const keys[] = {"reason", "provider", "source", "hard", "retry", "match"};
enum { N_KEYS = sizeof keys / sizeof *keys };

static void check_keys(const struct file *f, const struct yaml_node *group)
{
    for (size_t i = 0; i < group->n; i++) {
        const struct yaml_node *key = group->entries[i].key;
        bool is_known = false;
        for (size_t k = 0; k < N_KEYS; k++)
            is_known = is_known || hy_str_eq(key->text, hy_str_of(keys[k]));
        if (is_known)
            continue;
        const char *near = hy_str_nearest(key->text, keys, N_KEYS);
        if (near)
            hy_problems_error(f->src.problems, f->src.file, key->line, key->column,
                              "%.*s: no such key of a bounce rule; did you mean %s?",
                              HY_STR_ARG(key->text), near);
        else
            hy_problems_error(f->src.problems, f->src.file, key->line, key->column,
                              "%.*s: no such key of a bounce rule", HY_STR_ARG(key->text));
    }
}

/* The text of a key; `otherwise` when it is not there. */
static const char *text_of(const struct file *f, const struct yaml_node *group, const char *key,
                           const char *otherwise)
{
    const struct yaml_node *v = yaml_get(group, hy_str_of(key));
    if (!v)
        return otherwise;
    if (v->kind == YAML_SCALAR && !v->is_null)
        return v->text.p;
    hy_problems_error(f->src.problems, f->src.file, v->line, v->column, "%s: must be a text", key);
    return otherwise;
}

static enum hy_bounce_say say_of(const struct file *f, const struct yaml_node *group,
                                 const char *key)
{
    const struct yaml_node *v = yaml_get(group, hy_str_of(key));
    struct hy_diag diag = {0};
    bool yes;
    if (!v)
        return HY_BOUNCE_AUTO;
    if (v->kind == YAML_SCALAR && value_bool(v->text, &diag, &yes) == HY_OK)
        return yes ? HY_BOUNCE_YES : HY_BOUNCE_NO;
    hy_problems_error(f->src.problems, f->src.file, v->line, v->column, "%s: must be yes or no",
                      key);
    return HY_BOUNCE_AUTO;
}

/* The reasons that words can tell: not those that are a kind of mail. */
static bool is_of_words(enum hy_bounce_reason r)
{
    return r != HY_BOUNCE_FEEDBACK && r != HY_BOUNCE_DELIVERED;
}

static bool reason_of(const struct file *f, const struct yaml_node *group,
                      enum hy_bounce_reason *ret)
{
    const char *names[HY_BOUNCE_REASONS];
    size_t n = 0;
    const struct yaml_node *v = yaml_get(group, HY_STR("reason"));
    if (!v) {
        complain(f, group, "a group of bounce rules needs a reason");
        return false;
    }
    if (hy_bounce_reason_find(v->text, ret) == HY_OK && is_of_words(*ret))
        return true;
    for (unsigned i = 0; i < HY_BOUNCE_REASONS; i++)
        if (is_of_words((enum hy_bounce_reason)i))
            names[n++] = hy_bounce_reason_name((enum hy_bounce_reason)i);
    const char *near = hy_str_nearest(v->text, names, n);
    if (near)
        hy_problems_error(f->src.problems, f->src.file, v->line, v->column,
                          "reason: '%.*s' is none; did you mean %s? docs/guides/bounces.md lists "
                          "them",
                          HY_STR_ARG(v->text), near);
    else
        hy_problems_error(f->src.problems, f->src.file, v->line, v->column,
                          "reason: '%.*s' is none; docs/guides/bounces.md lists them",
                          HY_STR_ARG(v->text));
    return false;
}

static int add_pattern(struct hy_bounces *b, const struct file *f, const struct yaml_node *v,
                       const struct hy_bounce_rule *like)
{
    struct hy_diag diag = {0};
    if (v->kind != YAML_SCALAR || v->text.n == 0) {
        complain(f, v, "match: must be a pattern");
        return HY_OK;
    }
    struct hy_bounce_rule *rule = hy_arena_alloc(&b->arena, sizeof *rule);
    if (!rule)
        return HY_ENOMEM;
    *rule = *like;
    rule->pattern = v->text.p;
    rule->line = v->line;
    int err = hy_bounce_rules_add(b->rules, rule, &diag);
    if (err == HY_OK || err == HY_ENOMEM)
        return err;
    hy_problems_error(f->src.problems, f->src.file, v->line, v->column, "match: %s", diag.text);
    return HY_OK;
}

static int add_group(struct hy_bounces *b, const struct file *f, const struct yaml_node *group)
{
    struct hy_bounce_rule like = {.file = f->src.file};
    if (group->kind != YAML_MAP) {
        complain(f, group, "must be a group of keys: reason, provider, source, match");
        return HY_OK;
    }
    check_keys(f, group);
    bool is_good = reason_of(f, group, &like.reason);
    like.provider = text_of(f, group, "provider", "any");
    like.source = text_of(f, group, "source", "");
    like.hard = say_of(f, group, "hard");
    like.retry = say_of(f, group, "retry");
    const struct yaml_node *match = yaml_get(group, HY_STR("match"));
    if (!match || (match->kind == YAML_LIST && match->n == 0)) {
        complain(f, group, "a group of bounce rules needs patterns under 'match'");
        return HY_OK;
    }
    if (!is_good)
        return HY_OK;
    if (match->kind != YAML_LIST)
        return add_pattern(b, f, match, &like);
    for (size_t i = 0; i < match->n; i++) {
        int err = add_pattern(b, f, match->entries[i].value, &like);
        if (err != HY_OK)
            return err;
    }
    return HY_OK;
}

/* -- files ---------------------------------------------------------------------------------- */

static int read_list(struct hy_bounces *b, struct file *f, struct hy_str text)
{
    const struct yaml_node *root;
    int err = yaml_read(&f->src, text, &b->arena, &root);
    if (err != HY_OK)
        return err == HY_EINVAL ? HY_OK : err; /* noted; the other files are read too */
    for (size_t i = 0; i < root->n; i++) {
        const struct yaml_node *key = root->entries[i].key, *v = root->entries[i].value;
        if (!key || !hy_str_eq(key->text, HY_STR("rules")))
            complain(f, key ? key : v, "the only section of this file is 'rules'");
        else if (v->kind == YAML_LIST)
            f->list = v;
        else if (!v->is_null)
            complain(f, v, "rules: must be a list: lines that begin with '- '");
    }
    return HY_OK;
}

static int read_file(struct hy_bounces *b, struct file *f, const char *path)
{
    struct hy_str text, name;
    if (strcmp(path, HY_BOUNCES_PRESETS) == 0) {
        f->src.file = "presets:bounces.yaml";
        return read_list(b, f, hy_str_make(bounces_presets, bounces_presets_n));
    }
    name = hy_arena_str(&b->arena, hy_str_of(path));
    if (!name.p)
        return HY_ENOMEM;
    f->src.file = name.p;
    int err = yaml_slurp(&f->src, &b->arena, &text);
    if (err != HY_OK)
        return err == HY_ENOMEM ? err : HY_OK; /* noted */
    return read_list(b, f, text);
}

static int add_files(struct hy_bounces *b, const struct file *files, size_t n)
{
    for (size_t i = n; i-- > 0;)
        for (size_t k = 0; files[i].list && k < files[i].list->n; k++) {
            int err = add_group(b, &files[i], files[i].list->entries[k].value);
            if (err != HY_OK)
                return err;
        }
    return HY_OK;
}

static int make(struct hy_bounces **ret)
{
    struct hy_bounces *b = calloc(1, sizeof *b);
    if (!b)
        return HY_ENOMEM;
    b->arena = HY_ARENA_INIT(ARENA_MAX);
    int err = hy_bounce_rules_new(&b->rules);
    if (err != HY_OK)
        free(b);
    else
        *ret = b;
    return err;
}

static int finish(struct hy_bounces *b, int err, struct hy_problems *problems, size_t errors,
                  struct hy_bounces **ret)
{
    hy_problems_sort(problems);
    if (err == HY_OK && problems->n_errors > errors)
        err = HY_EINVAL;
    if (err != HY_OK)
        hy_bounces_free(b);
    else
        *ret = b;
    return err;
}

int hy_bounces_load(const char *const *paths, size_t n, struct hy_problems *problems,
                    struct hy_bounces **ret)
{
    struct file files[HY_BOUNCES_FILES_MAX] = {0};
    size_t errors = problems->n_errors;
    struct hy_bounces *b;
    if (n > HY_BOUNCES_FILES_MAX)
        return HY_ELIMIT;
    int err = make(&b);
    if (err != HY_OK)
        return err;
    for (size_t i = 0; i < n && err == HY_OK; i++) {
        files[i].src.problems = problems;
        err = read_file(b, &files[i], paths[i]);
    }
    if (err == HY_OK)
        err = add_files(b, files, n);
    return finish(b, err, problems, errors, ret);
}

int hy_bounces_parse(const char *file, struct hy_str text, struct hy_problems *problems,
                     struct hy_bounces **ret)
{
    struct file f = {.src = {.file = file, .problems = problems}};
    size_t errors = problems->n_errors;
    struct hy_bounces *b;
    int err = make(&b);
    if (err != HY_OK)
        return err;
    err = read_list(b, &f, text);
    if (err == HY_OK)
        err = add_files(b, &f, 1);
    return finish(b, err, problems, errors, ret);
}

const struct hy_bounce_rules *hy_bounces_rules(const struct hy_bounces *b)
{
    return b ? b->rules : NULL;
}

void hy_bounces_free(struct hy_bounces *b)
{
    if (!b)
        return;
    hy_bounce_rules_free(b->rules);
    hy_arena_free(&b->arena);
    free(b);
}
