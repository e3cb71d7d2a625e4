/* The schema written out: as a commented hayauma.yaml, and as the body of its manual page. */
#include "config_schema.h"
#include "hayauma/config/config.h"

enum { WIDTH = 98 };

/* Words of `text` in lines of at most WIDTH characters, each with `prefix`. */
static void wrap(const char *prefix, const char *text, struct hy_buf *out)
{
    size_t at = 0;
    struct hy_str rest = hy_str_of(text), word;
    while (hy_str_split(&rest, ' ', &word)) {
        if (at && at + 1 + word.n > WIDTH) {
            hy_buf_add_c(out, '\n');
            at = 0;
        }
        if (at == 0) {
            hy_buf_add_str(out, hy_str_of(prefix));
            at = strlen(prefix);
        } else {
            hy_buf_add_c(out, ' ');
            at++;
        }
        hy_buf_add_str(out, word);
        at += word.n;
    }
    hy_buf_add_c(out, '\n');
}

/* A key that is a section by itself has no dot. */
static const char *last_key(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static bool is_in_section(const struct schema_row *row, const char *section)
{
    size_t n = strlen(section);
    return strncmp(row->path, section, n) == 0 && (row->path[n] == '.' || row->path[n] == '\0');
}

/* "Number, 1 to 1023." behind the description. */
static void put_comment(const struct schema_row *row, struct hy_buf *out)
{
    struct hy_buf text = HY_BUF_INIT(4096), range = HY_BUF_INIT(256);
    schema_put_range(row, &range);
    hy_buf_printf(&text, "%s", row->doc);
    if (range.len)
        hy_buf_printf(&text, " (%s)", hy_buf_cstr(&range));
    if (row->flags & SCHEMA_RESTART)
        hy_buf_add_lit(&text, " [restart]");
    wrap(strchr(row->path, '.') ? "  # " : "# ", hy_buf_cstr(&text), out);
    hy_buf_free(&text);
    hy_buf_free(&range);
}

static void put_items(const struct schema_row *row, const void *field, struct hy_buf *out)
{
    struct {
        const char *items;
        size_t n;
    } list;
    memcpy(&list, field, sizeof list);
    for (size_t i = 0; i < list.n; i++)
        for (size_t k = 0; k < row->items->n_rows; k++) {
            const struct schema_row *r = &row->items->rows[k];
            hy_buf_printf(out, "    %s %s: ", k ? " " : "-", r->path);
            schema_put_value(r, list.items + i * row->items->size + r->offset, out);
            hy_buf_add_c(out, '\n');
        }
}

static void put_example(const struct schema_row *row, struct hy_buf *out)
{
    struct hy_str rest = hy_str_of(row->example), line;
    const char *indent = strchr(row->path, '.') ? "  " : "";
    if (!hy_str_find_str(rest, HY_STR("\n"), 0) || rest.p[0] == '[') {
        hy_buf_printf(out, "%s# Example: %s\n", indent, row->example);
        return;
    }
    hy_buf_printf(out, "%s# Example:\n", indent);
    while (hy_str_split(&rest, '\n', &line))
        hy_buf_printf(out, "%s#   %.*s\n", indent, HY_STR_ARG(line));
}

/* The made-up source that stands for "the system chooses" is not written. */
static bool is_empty_list(const struct schema_row *row, const struct hy_config *c)
{
    size_t n;
    memcpy(&n, (const char *)c + row->offset + sizeof(void *), sizeof n);
    if (strcmp(row->path, "delivery.sources") == 0)
        return n == 1 && hy_sockaddr_family(&c->delivery.sources.items[0].bind) == AF_UNSPEC;
    return n == 0;
}

static void put_row(const struct schema_row *row, const struct hy_config *c, bool is_default,
                    struct hy_buf *out)
{
    const char *field = (const char *)c + row->offset;
    put_comment(row, out);
    if (row->example)
        put_example(row, out);
    hy_buf_printf(out, "%s%s:", strchr(row->path, '.') ? "  " : "", last_key(row->path));
    if (row->type == SCHEMA_LIST && is_empty_list(row, c)) {
        hy_buf_add_lit(out, " []\n");
    } else if (row->type == SCHEMA_LIST) {
        hy_buf_add_c(out, '\n');
        put_items(row, field, out);
    } else {
        hy_buf_add_c(out, ' ');
        /* what was found out on this machine is not a default */
        if (is_default && row->def &&
            (row->zero || row->type == SCHEMA_PATH || row->type == SCHEMA_PATHS))
            hy_buf_add_str(out, hy_str_of(row->def));
        else
            schema_put_value(row, field, out);
        hy_buf_add_c(out, '\n');
    }
}

static void dump(const struct hy_config *c, bool is_default, struct hy_buf *out)
{
    for (const struct config_section *s = config_sections; s->name; s++) {
        hy_buf_add_c(out, '\n');
        wrap("# ", s->doc, out);
        for (size_t i = 0, n = 0; i < config_schema.n_rows; i++) {
            const struct schema_row *row = &config_schema.rows[i];
            if (!is_in_section(row, s->name))
                continue;
            if (n++ == 0 && strchr(row->path, '.'))
                hy_buf_printf(out, "%s:\n", s->name);
            put_row(row, c, is_default, out);
        }
    }
}

void hy_config_dump(const struct hy_config *c, struct hy_buf *out)
{
    hy_buf_printf(out, "# The configuration in force, from %s.\n", c->file);
    dump(c, false, out);
}

int hy_config_dump_defaults(struct hy_buf *out)
{
    struct hy_config *c;
    int err = hy_config_defaults(&c);
    if (err)
        return err;
    hy_buf_add_lit(
        out,
        "# hayauma.yaml: the configuration of hayaumad, complete, with its defaults. A line that "
        "is\n"
        "# missing means the same as the line here. 'hayauma config check' reads it as the daemon "
        "does;\n"
        "# 'hayauma reload' (or SIGHUP) applies changes without dropping a connection, except "
        "those\n"
        "# marked [restart]. Durations: 250ms, 30s, 5m, 4h, 5d. Sizes: 64MiB. See "
        "hayauma.yaml(5).\n");
    dump(c, true, out);
    hy_config_unref(c);
    return out->err;
}

/* roff: a backslash or a leading dot would be a command; a plain - would become a hyphen. */
static void put_roff(const char *text, struct hy_buf *out)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            hy_buf_add_lit(out, "\\e");
        else if (*p == '-')
            hy_buf_add_lit(out, "\\-");
        else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
            hy_buf_printf(out, "\\&%c", *p);
        else
            hy_buf_add_c(out, *p);
    }
}

static void man_facts(const struct schema_row *row, struct hy_buf *out)
{
    struct hy_buf range = HY_BUF_INIT(256);
    schema_put_range(row, &range);
    hy_buf_printf(out, "Type: %s", schema_type_name(row->type));
    if (range.len) {
        hy_buf_add_lit(out, ", ");
        put_roff(hy_buf_cstr(&range), out);
    }
    hy_buf_add_c(out, '.');
    if (row->flags & SCHEMA_REQUIRED && !row->def)
        hy_buf_add_lit(out, " Required.");
    if (row->def) {
        hy_buf_add_lit(out, " Default: ");
        put_roff(row->def, out);
        hy_buf_add_c(out, '.');
    }
    if (row->flags & SCHEMA_RESTART)
        hy_buf_add_lit(out, " Takes effect at the next start.");
    hy_buf_add_c(out, '\n');
    hy_buf_free(&range);
}

static void man_row(const struct schema_row *row, const char *name, struct hy_buf *out)
{
    hy_buf_add_lit(out, ".TP\n.B ");
    put_roff(name, out);
    hy_buf_add_c(out, '\n');
    put_roff(row->doc, out);
    hy_buf_add_c(out, '\n');
    man_facts(row, out);
    if (row->items) {
        hy_buf_add_lit(out, "Each entry has:\n.RS\n");
        for (size_t i = 0; i < row->items->n_rows; i++)
            man_row(&row->items->rows[i], row->items->rows[i].path, out);
        hy_buf_add_lit(out, ".RE\n");
    }
}

void hy_config_dump_man(struct hy_buf *out)
{
    for (const struct config_section *s = config_sections; s->name; s++) {
        hy_buf_printf(out, ".SS %s\n", s->name);
        put_roff(s->doc, out);
        hy_buf_add_c(out, '\n');
        for (size_t i = 0; i < config_schema.n_rows; i++) {
            const struct schema_row *row = &config_schema.rows[i];
            if (is_in_section(row, s->name))
                man_row(row, row->path, out);
        }
    }
}
