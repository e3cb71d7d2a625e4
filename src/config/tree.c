/* libyaml's events made into a tree with places. Happy path: events are folded into nodes on a
 * stack of open lists and maps. libyaml's own errors end the reading; everything else that is
 * wrong is noted and read over. */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

/* An open list or map; its entries grow in the heap and move to the arena when it closes. */
struct frame {
    struct yaml_node *node;
    struct yaml_entry *entries;
    size_t n, cap;
    struct yaml_node *key; /* of a map: read, its value not yet */
};

struct reader {
    const struct yaml_source *src;
    struct hy_arena *arena;
    struct frame stack[YAML_DEPTH_MAX];
    size_t depth;
    size_t n_nodes;
    struct yaml_node *root;
    int err;
};

static uint32_t line_of(yaml_mark_t m)
{
    return (uint32_t)m.line + 1;
}

static uint32_t column_of(yaml_mark_t m)
{
    return (uint32_t)m.column + 1;
}

static void note(struct reader *r, yaml_mark_t m, const char *text)
{
    hy_problems_error(r->src->problems, r->src->file, line_of(m), column_of(m), "%s", text);
}

static void stop(struct reader *r, yaml_mark_t m, const char *text)
{
    note(r, m, text);
    r->err = HY_EINVAL;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {"a value", "a list", "a section"};
    return names[kind];
}

const struct yaml_node *yaml_get(const struct yaml_node *map, struct hy_str key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->n; i++)
        if (hy_str_eq(map->entries[i].key->text, key))
            return map->entries[i].value;
    return NULL;
}

const struct yaml_node *yaml_find(const struct yaml_node *root, const char *path)
{
    struct hy_str rest = hy_str_of(path), piece;
    while (hy_str_split(&rest, '.', &piece)) {
        const struct yaml_node *next = yaml_get(root, piece);
        if (!next)
            return root;
        root = next;
    }
    return root;
}

static int read_all(int fd, char *out, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = read(fd, out + n, cap - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return HY_EIO;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret_n = n;
    return 0;
}

static int slurp_fd(const struct yaml_source *src, int fd, struct hy_arena *arena,
                    struct hy_str *ret_text)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        hy_problems_error(src->problems, src->file, 0, 0, "this is not a file");
        return HY_EIO;
    }
    if (st.st_size > YAML_TEXT_MAX) {
        hy_problems_error(src->problems, src->file, 0, 0,
                          "the file is larger than %d MiB: this cannot be what was meant",
                          YAML_TEXT_MAX >> 20);
        return HY_ELIMIT;
    }
    size_t cap = (size_t)st.st_size + 1;
    char *p = hy_arena_alloc(arena, cap);
    if (!p)
        return HY_ENOMEM;
    size_t n = 0;
    int err = read_all(fd, p, cap - 1, &n);
    if (err) {
        hy_problems_error(src->problems, src->file, 0, 0, "cannot be read: %s", strerror(errno));
        return err;
    }
    *ret_text = hy_str_make(p, n);
    return 0;
}

int yaml_slurp(const struct yaml_source *src, struct hy_arena *arena, struct hy_str *ret_text)
{
    int fd = open(src->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        hy_problems_error(src->problems, src->file, 0, 0, "cannot be opened: %s", strerror(errno));
        return HY_EIO;
    }
    int err = slurp_fd(src, fd, arena, ret_text);
    close(fd);
    return err;
}

static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind, yaml_mark_t m)
{
    if (++r->n_nodes > YAML_NODES_MAX) {
        stop(r, m, "the file holds too many values to be a configuration");
        return NULL;
    }
    struct yaml_node *n = hy_arena_zalloc(r->arena, sizeof *n);
    if (!n) {
        r->err = HY_ENOMEM;
        return NULL;
    }
    n->kind = kind;
    n->line = line_of(m);
    n->column = column_of(m);
    return n;
}

static int frame_push(struct frame *f, struct yaml_entry e)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 8;
        struct yaml_entry *p = realloc(f->entries, cap * sizeof *p);
        if (!p)
            return HY_ENOMEM;
        f->entries = p;
        f->cap = cap;
    }
    f->entries[f->n++] = e;
    return 0;
}

/* Hangs a finished node into the innermost open list or map. */
static void attach(struct reader *r, struct yaml_node *node)
{
    if (r->depth == 0) {
        r->root = node;
        return;
    }
    struct frame *f = &r->stack[r->depth - 1];
    if (f->node->kind == YAML_MAP && !f->key) {
        if (node->kind == YAML_SCALAR) {
            f->key = node;
            return;
        }
        hy_problems_error(r->src->problems, r->src->file, node->line, node->column,
                          "a name is expected here, not %s", yaml_kind_name(node->kind));
        r->err = HY_EINVAL;
        return;
    }
    r->err = frame_push(f, (struct yaml_entry){.key = f->key, .value = node});
    f->key = NULL;
}

static bool says_nothing(const yaml_event_t *e)
{
    struct hy_str s = hy_str_make(e->data.scalar.value, e->data.scalar.length);
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (s.n == 0 || hy_str_eq(s, HY_STR("~")) || hy_str_ieq(s, HY_STR("null")));
}

static void on_scalar(struct reader *r, const yaml_event_t *e)
{
    struct yaml_node *n = new_node(r, YAML_SCALAR, e->start_mark);
    if (!n)
        return;
    struct hy_str text = hy_str_make(e->data.scalar.value, e->data.scalar.length);
    if (memchr(text.p, 0, text.n)) {
        stop(r, e->start_mark, "a value must not hold a NUL character");
        return;
    }
    n->is_null = says_nothing(e);
    n->text = hy_arena_str(r->arena, n->is_null ? HY_STR("") : text);
    if (!n->text.p) {
        r->err = HY_ENOMEM;
        return;
    }
    attach(r, n);
}

static void on_open(struct reader *r, enum yaml_kind kind, const yaml_event_t *e)
{
    if (r->depth == YAML_DEPTH_MAX) {
        stop(r, e->start_mark, "nested too deeply");
        return;
    }
    struct yaml_node *n = new_node(r, kind, e->start_mark);
    if (n)
        r->stack[r->depth++] = (struct frame){.node = n};
}

struct seen {
    struct hy_str text;
    size_t index;
};

static int by_text(const void *va, const void *vb)
{
    const struct seen *a = va, *b = vb;
    size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
    int c = n ? memcmp(a->text.p, b->text.p, n) : 0;
    if (c)
        return c;
    if (a->text.n != b->text.n)
        return a->text.n < b->text.n ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Notes keys that stand twice; yaml_get finds the first. */
static int check_duplicates(struct reader *r, const struct frame *f)
{
    struct seen *s = calloc(f->n, sizeof *s);
    if (!s)
        return HY_ENOMEM;
    for (size_t i = 0; i < f->n; i++)
        s[i] = (struct seen){f->entries[i].key->text, i};
    qsort(s, f->n, sizeof *s, by_text);
    for (size_t i = 1, first = 0; i < f->n; i++) {
        if (!hy_str_eq(s[i].text, s[first].text)) {
            first = i;
            continue;
        }
        const struct yaml_node *k = f->entries[s[i].index].key;
        hy_problems_error(r->src->problems, r->src->file, k->line, k->column,
                          "'%.*s' stands twice in this section (first in line %u): keep one",
                          HY_STR_ARG(k->text), f->entries[s[first].index].key->line);
    }
    free(s);
    return 0;
}

static void on_close(struct reader *r)
{
    struct frame *f = &r->stack[--r->depth];
    struct yaml_node *n = f->node;
    if (n->kind == YAML_MAP && f->n > 1)
        r->err = check_duplicates(r, f);
    if (f->n && !r->err) {
        n->entries = hy_arena_alloc(r->arena, f->n * sizeof *n->entries);
        if (n->entries)
            memcpy(n->entries, f->entries, f->n * sizeof *n->entries);
        else
            r->err = HY_ENOMEM;
        n->n = f->n;
    }
    free(f->entries);
    *f = (struct frame){0};
    if (!r->err)
        attach(r, n);
}

/* Anchors, aliases and tags: none of hayauma's files needs them, and aliases are how small files
 * become huge. */
static bool has_extras(struct reader *r, const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (e->type == YAML_ALIAS_EVENT || anchor) {
        stop(r, e->start_mark,
             "anchors (&name) and aliases (*name) are not supported: write the value out; a text "
             "that begins with & or * needs quotes");
        return true;
    }
    if (tag) {
        stop(r, e->start_mark,
             "tags (!name) are not supported: a text that begins with ! needs quotes");
        return true;
    }
    return false;
}

static void on_event(struct reader *r, const yaml_event_t *e)
{
    if (has_extras(r, e))
        return;
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->root)
            stop(r, e->start_mark, "a second document begins here: the file must hold one");
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(r, e);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(r, YAML_LIST, e);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(r, YAML_MAP, e);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(r);
        break;
    default:
        break;
    }
}

/* libyaml's words, with the place where it gave up; tabs are the usual cause of one of them. */
static void note_syntax(struct reader *r, const yaml_parser_t *p)
{
    const char *hint = "";
    if (p->problem && strstr(p->problem, "cannot start any token"))
        hint = ": indent with spaces, not with tabs, and quote texts that begin with @, ` or %";
    else if (p->problem && strstr(p->problem, "mapping values are not allowed"))
        hint = ": check the indentation, and quote texts that hold ': '";
    else if (p->problem && strstr(p->problem, "expected <block end>"))
        hint = ": check the indentation of this line";
    if (p->error == YAML_READER_ERROR)
        hy_problems_error(r->src->problems, r->src->file, 0, 0, "byte %zu: not UTF-8 text: %s",
                          p->problem_offset, p->problem);
    else
        hy_problems_error(r->src->problems, r->src->file, line_of(p->problem_mark),
                          column_of(p->problem_mark), "%s%s",
                          p->problem ? p->problem : "cannot be read as YAML", hint);
}

static void run(struct reader *r, yaml_parser_t *p)
{
    for (bool more = true; more && r->err == 0;) {
        yaml_event_t e;
        if (!yaml_parser_parse(p, &e)) {
            r->err = p->error == YAML_MEMORY_ERROR ? HY_ENOMEM : HY_EINVAL;
            if (r->err == HY_EINVAL)
                note_syntax(r, p);
            return;
        }
        more = e.type != YAML_STREAM_END_EVENT;
        on_event(r, &e);
        yaml_event_delete(&e);
    }
}

int yaml_read(const struct yaml_source *src, struct hy_str text, struct hy_arena *arena,
              const struct yaml_node **ret_root)
{
    if (text.n > YAML_TEXT_MAX) {
        hy_problems_error(src->problems, src->file, 0, 0, "the file is larger than %d MiB",
                          YAML_TEXT_MAX >> 20);
        return HY_EINVAL;
    }
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p))
        return HY_ENOMEM;
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const unsigned char *)(text.n ? text.p : ""), text.n);
    struct reader r = {.src = src, .arena = arena};
    run(&r, &p);
    yaml_parser_delete(&p);
    while (r.depth > 0)
        free(r.stack[--r.depth].entries);
    if (r.err)
        return r.err;
    if (!r.root || (r.root->kind == YAML_SCALAR && r.root->is_null)) {
        r.root = hy_arena_zalloc(arena, sizeof *r.root);
        if (!r.root)
            return HY_ENOMEM;
        r.root->kind = YAML_MAP;
        r.root->line = r.root->column = 1;
    }
    *ret_root = r.root;
    return 0;
}
