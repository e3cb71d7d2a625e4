/* The growing buffer: doubling growth up to its maximum, errors kept until asked for. */
#include "hayauma/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void hy_buf_free(struct hy_buf *b)
{
    if (!b)
        return;
    free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
    b->err = 0;
}

void hy_buf_reset(struct hy_buf *b)
{
    b->len = 0;
    b->err = 0;
}

int hy_buf_grow(struct hy_buf *b, size_t n)
{
    if (b->err)
        return b->err;
    if (n > b->max || b->len > b->max - n)
        return b->err = HY_ELIMIT;
    size_t want = b->len + n, cap = b->cap ? b->cap : 64;
    while (cap < want)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    char *data = realloc(b->data, cap);
    if (!data)
        return b->err = HY_ENOMEM;
    b->data = data;
    b->cap = cap;
    return HY_OK;
}

int hy_buf_reserve(struct hy_buf *b, size_t n)
{
    if (b->err == 0 && b->cap - b->len >= n)
        return HY_OK;
    return hy_buf_grow(b, n);
}

void hy_buf_add_slow(struct hy_buf *b, const void *p, size_t n)
{
    if (hy_buf_reserve(b, n) != HY_OK)
        return;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
}

void hy_buf_printf(struct hy_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n >= 0 && hy_buf_reserve(b, (size_t)n + 1) == HY_OK) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void hy_buf_consume(struct hy_buf *b, size_t n)
{
    if (n < b->len)
        memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

const char *hy_buf_cstr(struct hy_buf *b)
{
    if (hy_buf_reserve(b, 1) != HY_OK)
        return "";
    b->data[b->len] = '\0';
    return b->data;
}
