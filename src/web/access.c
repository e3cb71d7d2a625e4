/* The access log: a JSON line for each request, written once a turn of the loop. What a client
 * chose (path, request id) is quoted; tokens and bodies never come here. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hayauma/base/json_put.h"
#include "hayauma/base/log.h"
#include "web_priv.h"

enum { BUFFER_MAX = 1 << 20, PATH_SHOWN_MAX = 200 };

struct web_access {
    int fd;
    char *path;
    struct hy_buf lines;
    uint64_t lost;
};

int web_access_open(const char *path, struct web_access **ret)
{
    struct web_access *a = calloc(1, sizeof *a);
    if (!a)
        return HY_ENOMEM;
    a->path = strdup(path);
    a->lines = HY_BUF_INIT(BUFFER_MAX);
    a->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (a->fd >= 0 && a->path) {
        *ret = a;
        return HY_OK;
    }
    int err = a->path ? HY_EIO : HY_ENOMEM;
    hy_log(HY_LOG_WARNING, "api", "no access log: %s: %s (api.access_log)", path, strerror(errno));
    if (a->fd >= 0)
        close(a->fd);
    free(a->path);
    free(a);
    return err;
}

static void put_text(struct hy_buf *b, const char *name, struct hy_str text)
{
    hy_buf_printf(b, ",\"%s\":", name);
    hy_json_put_str(b, hy_str_slice(text, 0, PATH_SHOWN_MAX));
}

void web_access_put(struct web_access *a, const struct web_call *c, hy_us took)
{
    char when[32];
    struct hy_buf *b = &a->lines;
    size_t before = b->len;
    hy_buf_printf(b, "{\"time\":\"%s\"", hy_wall_format(hy_clock_wall_ms(), when));
    put_text(b, "request_id", hy_str_of(c->request_id));
    put_text(b, "client", hy_str_of(c->client));
    put_text(b, "method", c->http->head.method);
    put_text(b, "path", c->http->head.path);
    hy_buf_printf(b, ",\"status\":%d,\"us\":%ld,\"bytes\":%zu,\"tls\":%s", c->http->status,
                  (long)took, c->http->body.n, c->http->is_tls ? "true" : "false");
    if (c->token) {
        put_text(b, "token", hy_str_of(c->token->id));
        put_text(b, "tenant", hy_str_of(c->token->tenant->name));
    }
    if (c->error[0])
        put_text(b, "error", hy_str_of(c->error));
    hy_buf_add_lit(b, "}\n");
    if (b->err) { /* the disk is slow: whole lines only */
        b->len = before;
        b->err = HY_OK;
        a->lost++;
    }
}

void web_access_flush(struct web_access *a)
{
    size_t at = 0;
    while (at < a->lines.len) {
        ssize_t n = write(a->fd, a->lines.data + at, a->lines.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            a->lost++;
            break;
        }
        at += (size_t)n;
    }
    hy_buf_reset(&a->lines);
    if (a->lost) {
        hy_log(HY_LOG_WARNING, "api", "lines of the access log were lost: %s", a->path);
        a->lost = 0;
    }
}

void web_access_close(struct web_access *a)
{
    if (!a)
        return;
    web_access_flush(a);
    close(a->fd);
    hy_buf_free(&a->lines);
    free(a->path);
    free(a);
}
