/* What the API counts of itself: answers and their time by route, refusals by their code. All of it
 * is moved by the web thread; routes and codes are fixed tables, so that nobody outside makes it
 * grow. */
#include "web_priv.h"

/* The codes of errors, as clients see them; what is not here is counted as the first. */
static const char *const codes[] = {
    "other",
    "busy",
    "conflict",
    "conflicting_fields",
    "from_not_allowed",
    "headers_too_large",
    "idempotency_key_in_use",
    "idempotency_key_reused",
    "in_future",
    "in_use",
    "internal",
    "invalid_address",
    "invalid_base64",
    "invalid_idempotency_key",
    "invalid_json",
    "invalid_message",
    "invalid_path",
    "invalid_query",
    "invalid_request",
    "invalid_rules",
    "invalid_segment",
    "invalid_template",
    "invalid_token",
    "invalid_type",
    "invalid_value",
    "invalid_variables",
    "lead_not_found",
    "method_not_allowed",
    "missing_field",
    "missing_scope",
    "no_dkim_key",
    "no_token",
    "not_found",
    "not_permitted",
    "not_writable",
    "over_quota",
    "storage_full",
    "suppressed",
    "template_not_found",
    "timeout",
    "tls_required",
    "too_large",
    "too_late",
    "too_many",
    "too_many_failures",
    "too_many_recipients",
    "too_many_templates",
    "unknown_field",
    "unknown_kind",
    "unsupported",
    "unsupported_media_type",
};
_Static_assert(sizeof codes / sizeof *codes <= HY_WEB_CODES_MAX, "more codes than are counted");

const char *hy_web_code_name(size_t i)
{
    return i < sizeof codes / sizeof *codes ? codes[i] : NULL;
}

void web_count_refusal(struct hy_web *w, const char *code)
{
    size_t at = 0;
    for (size_t i = 1; i < sizeof codes / sizeof *codes && at == 0; i++)
        if (strcmp(codes[i], code) == 0)
            at = i;
    hy_count_add(&w->counters.refused[at], 1);
}

void web_count_answer(struct hy_web *w, const struct web_call *c)
{
    struct hy_web_route_counters *r = &w->counters.routes[c->route ? c->route_no : 0];
    int class = c->http->status / 100;
    if (class < 2 || class >= HY_WEB_CLASSES)
        return;
    hy_count_add(&r->by_class[class], 1);
    hy_histogram_add(&r->times, hy_clock_us() - c->http->began);
}

uint64_t hy_web_requests(const struct hy_web_counters *c, int class)
{
    uint64_t n = 0;
    for (size_t i = 0; i < HY_WEB_ROUTES_MAX; i++)
        for (int k = 2; k < HY_WEB_CLASSES; k++)
            n += class == 0 || class == k ? hy_count_read(&c->routes[i].by_class[k]) : 0;
    return n;
}

uint64_t hy_web_refused(const struct hy_web_counters *c, const char *code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i], code) == 0)
            return hy_count_read(&c->refused[i]);
    return 0;
}
