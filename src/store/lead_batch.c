/* Rows on their way into the store: one block of bytes and a table of places, made by the thread
 * that reads the file so that the writer only sorts and stores. */
#include "lead_priv.h"

#include <stdlib.h>

#include "hayauma/mail/address.h"

/* A row: address length le16, key length le16, attribute count le16, then address, key, and
 * (column le16, length le32, bytes) each. */
enum { ROW_HEAD = 6, ATTR_HEAD = 6 };

static int copy_columns(struct hy_lead_batch *b, const struct hy_str *columns, size_t n)
{
    size_t bytes = n * sizeof *columns;
    for (size_t i = 0; i < n; i++) {
        if (!hy_attr_name_ok(columns[i]))
            return HY_EINVAL;
        bytes += columns[i].n;
    }
    b->columns = malloc(bytes + 1);
    if (!b->columns)
        return HY_ENOMEM;
    char *text = (char *)(b->columns + n);
    for (size_t i = 0; i < n; i++) {
        memcpy(text, columns[i].p, columns[i].n);
        b->columns[i] = hy_str_make(text, columns[i].n);
        text += columns[i].n;
    }
    b->n_columns = n;
    return 0;
}

int hy_lead_batch_new(const struct hy_env *env, const struct hy_str *columns, size_t n_columns,
                      struct hy_lead_batch **ret)
{
    if (n_columns > HY_ATTR_MAX)
        return HY_ELIMIT;
    struct hy_lead_batch *b = calloc(1, sizeof *b);
    if (!b)
        return HY_ENOMEM;
    b->hash = hy_lead_hash_key(env);
    b->bytes = malloc(HY_LEAD_BATCH_BYTES);
    b->rows = malloc(HY_LEAD_BATCH_ROWS * sizeof *b->rows);
    b->scratch = malloc(sizeof *b->scratch);
    b->record = HY_BUF_INIT(LEAD_RECORD_MAX);
    int err = b->bytes && b->rows && b->scratch ? copy_columns(b, columns, n_columns) : HY_ENOMEM;
    if (err) {
        hy_lead_batch_free(b);
        return err;
    }
    *ret = b;
    return 0;
}

void hy_lead_batch_free(struct hy_lead_batch *b)
{
    if (!b)
        return;
    free(b->bytes);
    free(b->rows);
    free(b->columns);
    free(b->scratch);
    hy_buf_free(&b->record);
    free(b);
}

void hy_lead_batch_reset(struct hy_lead_batch *b)
{
    b->used = 0;
    b->n_rows = 0;
}

size_t hy_lead_batch_rows(const struct hy_lead_batch *b)
{
    return b->n_rows;
}

int hy_lead_batch_add(struct hy_lead_batch *b, struct hy_str address, struct hy_str key,
                      const struct hy_lead_batch_attr *attrs, size_t n_attrs)
{
    size_t need = ROW_HEAD + address.n + key.n;
    const char *at = address.n ? memrchr(address.p, '@', address.n) : NULL;
    if (!at || address.n > HY_ADDRESS_MAX || key.n > UINT16_MAX || n_attrs > HY_ATTR_MAX)
        return HY_EINVAL;
    for (size_t i = 0; i < n_attrs; i++) {
        if (attrs[i].column >= b->n_columns || attrs[i].value.n == 0 ||
            attrs[i].value.n > HY_ATTR_VALUE_MAX || (i && attrs[i - 1].column >= attrs[i].column))
            return HY_EINVAL;
        need += ATTR_HEAD + attrs[i].value.n;
    }
    if (need > HY_LEAD_BATCH_BYTES)
        return HY_EINVAL;
    if (b->n_rows == HY_LEAD_BATCH_ROWS || need > HY_LEAD_BATCH_BYTES - b->used)
        return HY_ELIMIT;

    size_t domain_n = address.n - (size_t)(at + 1 - address.p);
    b->rows[b->n_rows++] = (struct batch_row){
        .hash = hy_lead_hash(&b->hash, key),
        .domain = hy_siphash(&b->hash, at + 1, domain_n),
        .at = (uint32_t)b->used,
    };
    char *p = b->bytes + b->used;
    hy_put_le16(p, (uint16_t)address.n);
    hy_put_le16(p + 2, (uint16_t)key.n);
    hy_put_le16(p + 4, (uint16_t)n_attrs);
    memcpy(p + ROW_HEAD, address.p, address.n);
    memcpy(p + ROW_HEAD + address.n, key.p, key.n);
    p += ROW_HEAD + address.n + key.n;
    for (size_t i = 0; i < n_attrs; i++) {
        hy_put_le16(p, attrs[i].column);
        hy_put_le32(p + 2, (uint32_t)attrs[i].value.n);
        memcpy(p + ATTR_HEAD, attrs[i].value.p, attrs[i].value.n);
        p += ATTR_HEAD + attrs[i].value.n;
    }
    b->used += need;
    return 0;
}

struct batch_view hy_lead_batch_view(const struct hy_lead_batch *b, const struct batch_row *r)
{
    const char *p = b->bytes + r->at;
    struct batch_view v = {
        .address = hy_str_make(p + ROW_HEAD, hy_get_le16(p)),
        .key = hy_str_make(p + ROW_HEAD + hy_get_le16(p), hy_get_le16(p + 2)),
        .n_attrs = hy_get_le16(p + 4),
    };
    v.domain = hy_wire_domain(v.address);
    v.attrs = hy_str_make(v.key.p + v.key.n, b->used - (size_t)(v.key.p + v.key.n - b->bytes));
    return v;
}

struct hy_lead_batch_attr hy_lead_batch_attr_next(struct hy_str *packed)
{
    size_t n = hy_get_le32(packed->p + 2);
    struct hy_lead_batch_attr a = {
        .column = hy_get_le16(packed->p),
        .value = hy_str_slice(*packed, ATTR_HEAD, ATTR_HEAD + n),
    };
    *packed = hy_str_slice(*packed, ATTR_HEAD + n, packed->n);
    return a;
}
