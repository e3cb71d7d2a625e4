/* JSON strings from bytes of strangers. */
#include "hayauma/base/json_put.h"

void hy_json_put_str(struct hy_buf *out, struct hy_str s)
{
    hy_buf_add_c(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        uint32_t cp = hy_utf8_next(s, &i);
        if (cp == UINT32_MAX)
            hy_buf_add_lit(out, "\\ufffd");
        else if (cp == '"' || cp == '\\')
            hy_buf_printf(out, "\\%c", (char)cp);
        else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029)
            hy_buf_printf(out, "\\u%04x", cp);
        else
            hy_buf_add(out, s.p + from, i - from);
    }
    hy_buf_add_c(out, '"');
}
