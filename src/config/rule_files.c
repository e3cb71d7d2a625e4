/* The lists of files with rules, paths.shaping and paths.bounces: those of the default may be
 * missing, one that is named must be there, and the presets come first. */
#include <errno.h>
#include <unistd.h>

#include "config_schema.h"
#include "hayauma/config/bounces.h"
#include "hayauma/config/shaping.h"

static bool is_in_list(struct hy_str list, const char *path)
{
    struct hy_str rest = hy_str_slice(list, 1, list.n - 1), piece;
    while (hy_str_split(&rest, ',', &piece))
        if (hy_str_eq(hy_str_trim(piece), hy_str_of(path)))
            return true;
    return false;
}

struct rule_files {
    const char *key;
    struct hy_str standard; /* the default of the key */
    struct hy_strings *list;
    bool has_built_in; /* the presets are in the program */
};

/* What is read later lies on top, and nobody wants the presets on top of what they changed. */
static void check_order(const struct schema_ctx *x, const struct yaml_node *root,
                        const struct rule_files *f)
{
    const struct hy_strings *all = f->list;
    for (size_t i = 1; i < all->n; i++)
        for (size_t k = 0; k < i; k++) {
            if (!all->items[i] || !all->items[k])
                continue; /* noted */
            if (strcmp(all->items[i], all->items[k]) == 0)
                schema_warn_at(x, root, f->key, "'%s' is named twice: once is enough",
                               all->items[i]);
            else if (k == 0 && strcmp(all->items[i], HY_SHAPING_PRESETS) == 0)
                schema_warn_at(x, root, f->key,
                               "'presets' go before what '%s' says: name them first",
                               all->items[k]);
        }
}

static int finish(const struct schema_ctx *x, const struct yaml_node *root,
                  const struct rule_files *f)
{
    struct hy_strings *all = f->list;
    const char **kept = hy_arena_zalloc(x->arena, (all->n + 1) * sizeof *kept);
    size_t n = 0;
    if (!kept)
        return HY_ENOMEM;
    check_order(x, root, f);
    for (size_t i = 0; i < all->n; i++) {
        const char *path = all->items[i];
        if (!path)
            continue; /* noted */
        if ((f->has_built_in && strcmp(path, HY_BOUNCES_PRESETS) == 0) ||
            access(hy_shaping_path(path), R_OK) == 0)
            kept[n++] = path;
        else if (!is_in_list(f->standard, path))
            schema_error_at(x, root, f->key, "'%s' cannot be read: %s", path, strerror(errno));
    }
    *all = (struct hy_strings){kept, n};
    return 0;
}

int rule_files_finish(const struct schema_ctx *x, const struct yaml_node *root, struct hy_config *c)
{
    const struct rule_files shaping = {"paths.shaping", HY_STR(CONFIG_SHAPING), &c->paths.shaping,
                                       false};
    const struct rule_files bounces = {"paths.bounces", HY_STR(CONFIG_BOUNCES), &c->paths.bounces,
                                       true};
    int err = finish(x, root, &shaping);
    return err ? err : finish(x, root, &bounces);
}
