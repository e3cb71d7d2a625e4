/* The report of an import: refused and doubtful rows as CSV, the first of them kept for the answer.
 * A report that cannot be written does not stop the import; the end says so. */
#include "import_priv.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
    OUT_BYTES = 64 * 1024,
    ROW_BYTES = 8 * 1024, /* more than any row of the report */
    KEPT_BYTES = 1024 * 1024,
};

int import_report_open(struct import_report *r, int fd, size_t max_kept)
{
    *r = (struct import_report){
        .fd = fd,
        .out = HY_BUF_INIT(OUT_BYTES + ROW_BYTES),
        .arena = HY_ARENA_INIT(KEPT_BYTES),
        .max_kept = max_kept < HY_IMPORT_REJECTS_MAX ? max_kept : HY_IMPORT_REJECTS_MAX,
    };
    r->kept = hy_arena_alloc(&r->arena, (r->max_kept + 1) * sizeof *r->kept);
    if (!r->kept)
        return HY_ENOMEM;
    if (fd >= 0)
        hy_buf_add_lit(&r->out, "line,field,reason,value,kind\n");
    return r->out.err;
}

static int write_all(int fd, struct hy_str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            if (poll(&p, 1, -1) < 0 && errno != EINTR)
                return HY_EIO;
            continue;
        }
        if (n < 0 && errno != EINTR)
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? HY_EFULL : HY_EIO;
        if (n > 0)
            s = hy_str_slice(s, (size_t)n, s.n);
    }
    return HY_OK;
}

static void flush(struct import_report *r)
{
    if (r->fd >= 0 && r->err == HY_OK)
        r->err = r->out.err ? r->out.err : write_all(r->fd, hy_buf_str(&r->out));
    hy_buf_reset(&r->out);
}

static void keep(struct import_report *r, const struct hy_import_row *row)
{
    if (r->n_kept == r->max_kept)
        return;
    struct hy_import_reject k = {
        .line = row->line,
        .field = hy_arena_str(&r->arena, row->column).p,
        .reason = hy_arena_str(&r->arena, row->reason).p,
        .value = hy_arena_str(&r->arena, row->value).p,
    };
    if (k.field && k.reason && k.value)
        r->kept[r->n_kept++] = k;
    else
        r->max_kept = r->n_kept; /* the room is used up */
}

void import_report_add(struct import_report *r, const struct hy_import_row *row, bool is_warning)
{
    if (!is_warning)
        keep(r, row);
    if (r->fd < 0 || r->err)
        return;
    hy_buf_printf(&r->out, "%llu", (unsigned long long)row->line);
    hy_csv_put(&r->out, row->column, false, true);
    hy_csv_put(&r->out, row->reason, false, true);
    hy_csv_put(&r->out, row->value, false, true);
    hy_buf_add_str(&r->out, is_warning ? HY_STR(",warning\n") : HY_STR(",refused\n"));
    if (r->out.len >= OUT_BYTES)
        flush(r);
}

void import_report_finish(struct import_report *r)
{
    flush(r);
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void import_report_free(struct import_report *r)
{
    hy_buf_free(&r->out);
    hy_arena_free(&r->arena);
}
