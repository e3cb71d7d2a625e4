/* Any bytes as a stored record of the logs: refused, or read with all its strings within it. */
#include <stdlib.h>

#include "activity.h"
#include "attempt.h"
#include "spool_message.h"

static void within(struct hy_str value, struct hy_str part)
{
    if (part.n && (part.p < value.p || part.p + part.n > value.p + value.n))
        abort();
}

static void read_activity(struct hy_str key, struct hy_str value)
{
    struct hy_activity a;
    if (hy_activity_decode(key, value, &a) != 0)
        return;
    const struct hy_str parts[] = {a.address, a.source, a.text, a.agent, a.url, a.meta};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        within(value, parts[i]);
    if (hy_activity_kind_name(a.kind)[0] == '?')
        abort();
}

static void read_attempt(struct hy_str key, struct hy_str value)
{
    struct hy_attempt a;
    if (hy_attempt_decode(key, value, &a) != 0)
        return;
    const struct hy_str parts[] = {a.mx_host, a.source, a.tls_cipher, a.outcome.text, a.tls_name};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        within(value, parts[i]);
}

static void read_message(struct hy_str key, struct hy_str value)
{
    struct hy_spool_message m;
    if (hy_spool_message_decode(key, value, &m) != 0)
        return;
    const struct hy_str parts[] = {m.sender, m.from_domain, m.envid, m.message_id, m.who, m.meta};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        within(value, parts[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    /* the first byte says how long the key is and what the value is taken for */
    size_t n = data[0] & 15;
    if (size < 1 + n)
        return 0;
    struct hy_str key = hy_str_make(data + 1, n);
    struct hy_str value = hy_str_make(data + 1 + n, size - 1 - n);
    switch (data[0] >> 4 & 3) {
    case 0:
        read_activity(key, value);
        break;
    case 1:
        read_attempt(key, value);
        break;
    default:
        read_message(key, value);
    }
    return 0;
}
