/* A note of an attempt as a line of JSON. Members are only ever added. */
#include "attempt_log.h"

#include <stdio.h>

#include "hayauma/base/json_put.h"
#include "hayauma/bounce/reason.h"
#include "hayauma/io/sockaddr.h"

static void put_str(struct hy_buf *out, const char *key, struct hy_str s)
{
    if (s.n == 0)
        return;
    hy_buf_printf(out, ",\"%s\":", key);
    hy_json_put_str(out, s);
}

static void put_time(struct hy_buf *out, const char *key, hy_wall_ms at)
{
    char text[32];
    if (at)
        hy_buf_printf(out, ",\"%s\":\"%s\"", key, hy_wall_format(at, text));
}

static bool is_v4(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(ip, mapped, sizeof mapped) == 0;
}

static void put_ip(struct hy_buf *out, const uint8_t ip[16])
{
    static const uint8_t none[16];
    struct hy_sockaddr a;
    char text[HY_SOCKADDR_TEXT_MAX];
    if (memcmp(ip, none, sizeof none) == 0)
        return;
    if (is_v4(ip))
        hy_sockaddr_from_ip4(&a, ip + 12, 0);
    else
        hy_sockaddr_from_ip6(&a, ip, 0);
    hy_buf_printf(out, ",\"mx_ip\":\"%s\"", hy_sockaddr_format_ip(&a, text));
}

static const char *tls_name(uint16_t version)
{
    return version == 0x0304 ? "TLSv1.3" : version == 0x0303 ? "TLSv1.2" : "older";
}

static void put_reply(struct hy_buf *out, const struct hy_attempt_note *n)
{
    const struct hy_outcome *o = &n->outcome;
    char enhanced[16];
    hy_buf_printf(out, ",\"outcome\":\"%s\",\"phase\":\"%s\"", hy_outcome_kind_name(o->kind),
                  hy_phase_name(o->phase));
    if (o->code)
        hy_buf_printf(out, ",\"code\":%u", o->code);
    if (o->enhanced.class)
        hy_buf_printf(out, ",\"enhanced\":\"%s\"", hy_enhanced_format(o->enhanced, enhanced));
    if (o->reason)
        hy_buf_printf(out, ",\"reason\":\"%s\"", hy_bounce_reason_name(o->reason));
    hy_buf_printf(out, ",\"from_server\":%s", o->from_server ? "true" : "false");
    if (o->in_doubt)
        hy_buf_add_lit(out, ",\"in_doubt\":true");
    put_str(out, "text", n->text);
}

void attempt_line_json(const struct hy_attempt_note *n, struct hy_str message_id,
                       struct hy_buf *out)
{
    char id[HY_ID_TEXT_MAX];
    hy_buf_add_lit(out, "{\"event\":\"attempt\"");
    put_time(out, "time", n->at);
    if (n->id)
        hy_buf_printf(out, ",\"attempt_id\":\"%s\"", hy_id_format(n->id, id));
    hy_buf_printf(out, ",\"campaign\":\"%s\",\"lead\":%u", hy_id_format(n->ref.campaign, id),
                  n->ref.lead);
    put_str(out, "message_id", message_id);
    put_str(out, "recipient", n->recipient);
    put_str(out, "domain", n->domain);
    put_str(out, "site", n->site);
    put_str(out, "provider", n->provider);
    put_str(out, "source", n->source);
    put_str(out, "mx_host", n->mx_host);
    put_ip(out, n->mx_ip);
    hy_buf_printf(out, ",\"attempt\":%u,\"sent\":%s", n->ref.attempts + (n->started != 0),
                  n->started && n->mx_host.n ? "true" : "false");
    put_reply(out, n);
    hy_buf_printf(out, ",\"state\":\"%s\"", hy_rcpt_state_name(n->state));
    if (n->state == HY_RCPT_DEFERRED)
        put_time(out, "due", (hy_wall_ms)n->due_s * 1000);
    if (n->tls_version)
        hy_buf_printf(out, ",\"tls\":\"%s\"", tls_name(n->tls_version));
    put_str(out, "tls_cipher", n->tls_cipher);
    put_str(out, "tls_policy", hy_str_of(hy_attempt_policy_name(n->tls_policy)));
    put_str(out, "tls_check", hy_str_of(hy_attempt_check_name(n->tls_check)));
    put_time(out, "started", n->started);
    hy_buf_printf(out, ",\"duration_ms\":%u,\"size\":%u}\n", n->duration_ms, n->size_bytes);
}
