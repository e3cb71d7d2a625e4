/* The files of shaping rules: single ones, the *.yaml of a folder, and the presets. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shaping_priv.h"

struct gathering {
    struct hy_arena *arena;
    struct hy_problems *problems;
    struct hy_shaping_layer *layers;
    size_t n;
};

const char *hy_shaping_path(const char *path)
{
    return strcmp(path, HY_SHAPING_PRESETS) == 0 ? HY_DATADIR "/shaping.yaml" : path;
}

static int add_file(struct gathering *g, const char *path)
{
    struct yaml_source src = {.file = path, .problems = g->problems};
    struct hy_str name = hy_arena_str(g->arena, hy_str_of(path)), text;
    if (!name.p)
        return HY_ENOMEM;
    if (g->n == HY_SHAPING_FILES_MAX) {
        hy_problems_error(g->problems, path, 0, 0, "is one file of rules too many: at most %d",
                          HY_SHAPING_FILES_MAX);
        return HY_OK;
    }
    int err = yaml_slurp(&src, g->arena, &text);
    if (err == HY_OK)
        g->layers[g->n++] = (struct hy_shaping_layer){name.p, text};
    return err == HY_ENOMEM ? err : HY_OK; /* others are noted */
}

static int is_yaml(const struct dirent *e)
{
    struct hy_str name = hy_str_of(e->d_name);
    return name.p[0] != '.' && hy_str_ends(name, HY_STR(".yaml"));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct gathering *g, const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, is_yaml, by_bytes), err = HY_OK;
    if (n < 0) {
        hy_problems_error(g->problems, path, 0, 0, "cannot be opened: %s", strerror(errno));
        return HY_OK;
    }
    for (int i = 0; i < n; i++) {
        char full[4096];
        int len = snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
        if (err == HY_OK && len > 0 && (size_t)len < sizeof full)
            err = add_file(g, full);
        free(names[i]);
    }
    free(names);
    return err;
}

int shaping_read_files(const char *const *paths, size_t n, struct hy_arena *arena,
                       struct hy_problems *problems,
                       struct hy_shaping_layer ret[HY_SHAPING_FILES_MAX], size_t *ret_n)
{
    struct gathering g = {.arena = arena, .problems = problems, .layers = ret};
    for (size_t i = 0; i < n; i++) {
        const char *path = hy_shaping_path(paths[i]);
        struct stat st;
        bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        int err = is_folder ? add_folder(&g, path) : add_file(&g, path);
        if (err != HY_OK)
            return err;
    }
    *ret_n = g.n;
    return HY_OK;
}
