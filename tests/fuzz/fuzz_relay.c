/* Any bytes as a message that is handed in: what is taken has clean lines, one From, no Bcc, a
 * header that ends where it is said to end; and handed in again it is taken again. */
#include "hayauma/mail/header.h"
#include "hayauma/mail/relay.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static struct hy_relay_input input(struct hy_str message, bool repair)
{
    return (struct hy_relay_input){
        .message = message,
        .repair_line_ends = repair,
        .helo = hy_str_slice(message, 0, 20),
        .client = HY_STR("192.0.2.1"),
        .host = HY_STR("mx.example.net"),
        .protocol = HY_STR("ESMTP"),
        .id = HY_STR("1"),
        .recipient = hy_str_slice(message, 3, 30),
        .message_id = HY_STR("1"),
        .now = 1763775000000,
    };
}

static void check(struct hy_str out, const struct hy_relay_output *o)
{
    struct hy_str rest = hy_str_slice(out, 0, o->header_bytes);
    struct hy_header_field f;
    unsigned from = 0;
    require(o->header_bytes <= out.n && hy_str_ends(rest, HY_STR("\r\n\r\n")));
    require(hy_str_find_str(out, HY_STR("\r\n\r\n"), 0) + 4 == o->header_bytes);
    while (hy_header_next(&rest, &f)) {
        from += hy_str_ieq(f.name, HY_STR("From"));
        require(!hy_str_ieq(f.name, HY_STR("Bcc")));
    }
    require(from == 1 && o->from_domain[0] && o->from[0]);
    for (size_t i = 0; i < out.n; i++) {
        require(out.p[i] != '\0');
        require(out.p[i] != '\n' || (i && out.p[i - 1] == '\r'));
        require(out.p[i] != '\r' || (i + 1 < out.n && out.p[i + 1] == '\n'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct hy_relay_input in = input(hy_str_make(data + 1, n - 1), data[0] & 1);
    struct hy_buf first = HY_BUF_INIT(1 << 22), second = HY_BUF_INIT(1 << 22);
    struct hy_relay_output o;
    enum hy_relay_fault fault;
    if (hy_relay_edit(&in, &first, &o, &fault) == HY_OK) {
        check(hy_buf_str(&first), &o);
        in = input(hy_buf_str(&first), false);
        int err = hy_relay_edit(&in, &second, &o, &fault);
        require(err == HY_OK || fault == HY_RELAY_LOOP || fault == HY_RELAY_LONG_HEADER ||
                err == HY_ELIMIT);
    }
    hy_buf_free(&first);
    hy_buf_free(&second);
    return 0;
}
