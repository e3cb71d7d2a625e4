/* The audit of stored templates: what each tenant's sums say is there, and every version that a
 * head names. */
#include <inttypes.h>

#include "audit_priv.h"
#include "templates_priv.h"

struct counting {
    struct audit *a;
    uint32_t tenant;
    bool has_any;
    struct hy_templates_used counted, told;
};

static void check_tenant(struct counting *n)
{
    if (n->has_any && (n->counted.n != n->told.n || n->counted.bytes != n->told.bytes))
        hy_audit_problem(n->a,
                         "templates of tenant %" PRIu32 " are counted as %" PRIu32 " of %" PRIu64
                         " bytes, there are %" PRIu32 " of %" PRIu64,
                         n->tenant, n->told.n, n->told.bytes, n->counted.n, n->counted.bytes);
    n->counted = n->told = (struct hy_templates_used){0};
}

static void check_head(struct counting *n, struct hy_str name, struct hy_str value)
{
    struct hy_stored_template m = {.name = name}, v;
    struct hy_buf room = HY_BUF_INIT(HY_TEMPLATE_BYTES_MAX);
    n->counted.n++;
    if (templates_head_read(value, &m) != 0) {
        hy_audit_problem(n->a, "the template %.*s of tenant %" PRIu32 " cannot be read",
                         HY_STR_ARG(name), n->tenant);
        return;
    }
    for (uint32_t i = m.oldest; i <= m.version; i++) {
        hy_buf_reset(&room);
        if (hy_template_get(&n->a->t, n->tenant, name, i, &room, &v) != 0)
            hy_audit_problem(
                n->a, "version %" PRIu32 " of the template %.*s of tenant %" PRIu32 " is not whole",
                i, HY_STR_ARG(name), n->tenant);
    }
    hy_buf_free(&room);
}

static void check_row(struct counting *n, struct hy_str key, struct hy_str value)
{
    uint32_t tenant = key.n >= 5 ? hy_get_be32(key.p) : 0;
    char part = key.n >= 5 ? key.p[4] : '\0';
    if (tenant != n->tenant)
        check_tenant(n);
    n->tenant = tenant;
    n->has_any = true;
    if (part == TEMPLATES_HEAD)
        check_head(n, hy_str_slice(key, 5, key.n), value);
    else if (part == TEMPLATES_PIECE)
        n->counted.bytes += value.n ? value.n - 1 : 0;
    else if (part != TEMPLATES_SUMS || templates_sums_read(value, &n->told) != 0)
        hy_audit_problem(n->a, "the table of templates has a record that cannot be read");
}

int hy_audit_templates(struct audit *a)
{
    struct counting n = {.a = a};
    struct hy_cursor c;
    int err = hy_cursor_open(&a->t, HY_TABLE_TEMPLATES, &c);
    if (!err)
        err = hy_cursor_first(&c);
    while (!err) {
        check_row(&n, c.key, c.value);
        err = hy_cursor_next(&c);
    }
    hy_cursor_close(&c);
    check_tenant(&n);
    return err == HY_ENOTFOUND ? 0 : err;
}
