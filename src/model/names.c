/* The words that people see for the states and kinds of the model, and the ledger's sums. */
#include "hayauma/model/campaign.h"
#include "hayauma/model/lead.h"
#include "hayauma/model/outcome.h"
#include "hayauma/model/recipient.h"

#include <stdio.h>

#define NAME_OF(table, i)                                                                          \
    ((size_t)(i) < sizeof(table) / sizeof *(table) && (table)[i] ? (table)[i] : "?")

const char *hy_lead_status_name(enum hy_lead_status s)
{
    static const char *const t[] = {"active", "unsubscribed", "dead", "complained"};
    return NAME_OF(t, s);
}

const char *hy_lead_status_why(enum hy_lead_status s)
{
    static const char *const t[] = {"", "the lead has unsubscribed",
                                    "the address is known to be dead",
                                    "the lead has marked a mail as spam"};
    return NAME_OF(t, s);
}

int hy_lead_status_parse(struct hy_str text, enum hy_lead_status *ret)
{
    for (int i = HY_LEAD_ACTIVE; i <= HY_LEAD_COMPLAINED; i++) {
        enum hy_lead_status s = (enum hy_lead_status)i;
        if (hy_str_ieq(text, hy_str_of(hy_lead_status_name(s)))) {
            *ret = s;
            return HY_OK;
        }
    }
    return HY_EPARSE;
}

const char *hy_rcpt_state_name(enum hy_rcpt_state s)
{
    static const char *const t[] = {"fresh",   "deferred", "held",       "delivered",
                                    "bounced", "expired",  "suppressed", "cancelled"};
    return NAME_OF(t, s);
}

const char *hy_campaign_state_name(enum hy_campaign_state s)
{
    static const char *const t[] = {"draft",  "scheduled", "queueing", "running",
                                    "paused", "cancelled", "done"};
    return NAME_OF(t, s);
}

const char *hy_outcome_kind_name(enum hy_outcome_kind k)
{
    static const char *const t[] = {NULL, "delivered", "deferred", "bounced", "returned"};
    return NAME_OF(t, k);
}

const char *hy_spoils_name(enum hy_spoils s)
{
    static const char *const t[] = {"nothing", "recipient", "message", "stream", "host", "site"};
    return NAME_OF(t, s);
}

const char *hy_phase_name(enum hy_phase p)
{
    static const char *const t[] = {"none", "dns",  "connect", "banner", "ehlo", "starttls",
                                    "tls",  "mail", "rcpt",    "data",   "body", "dot",
                                    "rset", "quit", "render",  "policy"};
    return NAME_OF(t, p);
}

const char *hy_enhanced_format(struct hy_enhanced e, char out[16])
{
    snprintf(out, 16, "%u.%u.%u", e.class % 10u, e.subject % 1000u, e.detail % 1000u);
    return out;
}

/* One to three digits at `*at`. */
static int read_part(struct hy_str s, size_t *at, uint16_t *ret)
{
    unsigned v = 0;
    size_t from = *at;
    while (*at < s.n && *at - from < 3 && s.p[*at] >= '0' && s.p[*at] <= '9')
        v = v * 10 + (unsigned)(s.p[(*at)++] - '0');
    if (*at == from)
        return HY_EPARSE;
    *ret = (uint16_t)v;
    return HY_OK;
}

int hy_enhanced_parse(struct hy_str s, struct hy_enhanced *ret, size_t *ret_used)
{
    struct hy_enhanced e = {0};
    if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5') || s.p[1] != '.')
        return HY_EPARSE;
    e.class = (uint8_t)(s.p[0] - '0');
    size_t at = 2;
    if (read_part(s, &at, &e.subject) != HY_OK || at >= s.n || s.p[at] != '.')
        return HY_EPARSE;
    at++;
    if (read_part(s, &at, &e.detail) != HY_OK)
        return HY_EPARSE;
    if (at < s.n && s.p[at] != ' ' && s.p[at] != '\t' && s.p[at] != '\r' && s.p[at] != '\n')
        return HY_EPARSE;
    *ret = e;
    *ret_used = at;
    return HY_OK;
}

uint64_t hy_ledger_pending(const struct hy_ledger *l)
{
    return l->by_state[HY_RCPT_FRESH] + l->by_state[HY_RCPT_DEFERRED] + l->by_state[HY_RCPT_HELD];
}

uint64_t hy_ledger_sum(const struct hy_ledger *l)
{
    uint64_t sum = 0;
    for (int i = 0; i < HY_RCPT_STATES; i++)
        sum += l->by_state[i];
    return sum;
}

bool hy_attr_name_ok(struct hy_str name)
{
    if (name.n == 0 || name.n > HY_ATTR_NAME_MAX || !hy_str_is_utf8(name))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                      ((unsigned char)c & 0x80);
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!letter && (!other || i == 0))
            return false;
    }
    return true;
}
