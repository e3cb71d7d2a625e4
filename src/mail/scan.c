/* A look at finished body bytes: what the transport and the signer may take for granted. */
#include "scan.h"

static bool is_relaxed(struct hy_str line)
{
    if (line.n == 0)
        return true;
    if (line.p[line.n - 1] == ' ' || memchr(line.p, '\t', line.n))
        return false;
    for (size_t at = 0; (at = hy_str_find(line, ' ', at)) != SIZE_MAX; at++)
        if (at + 1 < line.n && line.p[at + 1] == ' ')
            return false;
    return true;
}

struct hy_scan hy_scan_body(struct hy_str body, struct hy_str boundary)
{
    struct hy_scan scan = {.is_relaxed = true};
    for (size_t at = 0; at < body.n;) {
        size_t lf = hy_str_find(body, '\n', at);
        size_t end = lf == SIZE_MAX ? body.n : lf;
        struct hy_str line = hy_str_slice(body, at, end);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        at = end + 1;
        if (line.n > scan.line_max)
            scan.line_max = line.n;
        if (line.n && line.p[0] == '.')
            scan.has_dot_line = true;
        if (boundary.n && hy_str_starts(line, HY_STR("--")) &&
            hy_str_starts(hy_str_slice(line, 2, line.n), boundary))
            scan.has_boundary = true;
        if (scan.is_relaxed)
            scan.is_relaxed = is_relaxed(line);
    }
    return scan;
}
