/* What the sendmail command needs of the configuration, read without checking the rest: it runs as
 * anybody, who may not even look whether the named keys are there. */
#include <stdio.h>

#include "hayauma/config/config.h"
#include "tree.h"
#include "value.h"

enum { ARENA_MAX = 8 << 20 };

static struct hy_str scalar(const struct yaml_node *root, struct hy_str section, struct hy_str key)
{
    const struct yaml_node *n = yaml_get(yaml_get(root, section), key);
    return n && n->kind == YAML_SCALAR ? n->text : (struct hy_str){0};
}

int hy_config_local(const char *path, struct hy_config_local *io)
{
    struct hy_problems problems = {0};
    struct yaml_source src = {.file = path, .problems = &problems};
    struct hy_arena arena = HY_ARENA_INIT(ARENA_MAX);
    const struct yaml_node *root = NULL;
    struct hy_diag diag;
    struct hy_str text;
    int err = yaml_slurp(&src, &arena, &text);
    if (err == HY_OK)
        err = yaml_read(&src, text, &arena, &root);
    if (err == HY_OK) {
        struct hy_str drop = scalar(root, HY_STR("submission"), HY_STR("maildrop"));
        struct hy_str host = scalar(root, HY_STR("node"), HY_STR("hostname"));
        struct hy_str size = scalar(root, HY_STR("delivery"), HY_STR("max_message_size"));
        uint64_t bytes;
        const char *slash = strrchr(path, '/');
        int n = slash && drop.n && drop.p[0] != '/' ? (int)(slash + 1 - path) : 0;
        if (drop.n && drop.n + (size_t)n < sizeof io->maildrop)
            snprintf(io->maildrop, sizeof io->maildrop, "%.*s%.*s", n, path, HY_STR_ARG(drop));
        if (host.n && host.n < sizeof io->host)
            snprintf(io->host, sizeof io->host, "%.*s", HY_STR_ARG(host));
        if (size.n && value_size(size, &diag, &bytes) == HY_OK)
            io->size_max = bytes;
    }
    hy_problems_free(&problems);
    hy_arena_free(&arena);
    return err;
}
