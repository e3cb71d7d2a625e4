/* Text parts: plain where they can be, base64 where bytes are not ASCII; and boundaries. */
#include "text_part.h"

#include "hayauma/base/codec.h"
#include "hayauma/base/hash.h"

enum { TEXT_LINE_MAX = 990 };

struct hy_str hy_text_boundary(struct hy_str id, struct hy_str a, struct hy_str b,
                               char out[HY_BOUNDARY_MAX])
{
    const struct hy_hash_key key = {a.n, b.n};
    uint64_t parts[2] = {hy_siphash(&key, id.p, id.n), hy_siphash(&key, a.p, a.n)};
    memcpy(out, "=_hy", 4);
    return hy_str_make(out, 4 + hy_base32_encode(parts, sizeof parts, out + 4));
}

static bool is_plain(struct hy_str text)
{
    struct hy_str line;
    if (!hy_str_is_ascii(text) || hy_str_find(text, '\0', 0) != SIZE_MAX)
        return false;
    for (struct hy_str rest = text; hy_str_split(&rest, '\n', &line);)
        if (line.n > TEXT_LINE_MAX || hy_str_find(line, '\r', 0) != SIZE_MAX)
            return false;
    return true;
}

size_t hy_text_part(struct hy_buf *out, struct hy_str text)
{
    struct hy_str line;
    bool plain = is_plain(text);
    if (plain)
        hy_buf_add_lit(out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
    else
        hy_buf_add_lit(out, "Content-Type: text/plain; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: base64\r\n\r\n");
    size_t body = out->len;
    if (!plain) {
        hy_base64_lines(out, text);
        hy_buf_add_lit(out, "\r\n");
    }
    for (struct hy_str rest = text; plain && hy_str_split(&rest, '\n', &line);) {
        if (line.n == 0 && !rest.p)
            break; /* behind the last line end */
        hy_buf_add_str(out, line);
        hy_buf_add_lit(out, "\r\n");
    }
    return body;
}
