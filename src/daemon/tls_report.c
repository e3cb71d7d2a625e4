/* A day's TLS report about a domain (RFC 8460 section 4), from the tallies in the store. */
#include "tls_report.h"

#include <arpa/inet.h>
#include <time.h>

enum { SECONDS_OF_DAY = 86400 };

struct building {
    json_t *policies;
    int err;
};

static const char *day_time(uint32_t day, int seconds, char out[32])
{
    time_t t = (time_t)day * SECONDS_OF_DAY + seconds;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

static json_t *text_json(struct hy_str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    return j ? j : json_string("?");
}

static void set_ip(json_t *o, const char *key, const uint8_t ip[16])
{
    static const uint8_t none[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    if (memcmp(ip, none, 16) == 0)
        return;
    bool is_four = memcmp(ip, mapped, 12) == 0;
    inet_ntop(is_four ? AF_INET : AF_INET6, is_four ? ip + 12 : ip, text, sizeof text);
    json_object_set_new(o, key, json_string(text));
}

/* "policy-string" and, of MTA-STS, "mx-host" (section 4.4). */
static json_t *policy_json(const struct hy_tally *a)
{
    json_t *o = json_object(), *lines = json_array(), *hosts = json_array();
    struct hy_str rest = a->policy_text, line;
    json_object_set_new(o, "policy-type", json_string(hy_tlsrpt_policy_name(a->policy)));
    while (hy_str_split(&rest, '\n', &line)) {
        line = hy_str_trim(line);
        if (line.n == 0)
            continue;
        json_array_append_new(lines, text_json(line));
        if (a->policy == HY_TLSRPT_STS && hy_str_starts(line, HY_STR("mx:")))
            json_array_append_new(hosts, text_json(hy_str_trim(hy_str_slice(line, 3, line.n))));
    }
    if (json_array_size(lines))
        json_object_set(o, "policy-string", lines);
    json_object_set_new(o, "policy-domain", text_json(a->domain));
    if (json_array_size(hosts))
        json_object_set(o, "mx-host", hosts);
    json_decref(lines);
    json_decref(hosts);
    return o;
}

/* The member of "policies" for this policy. */
static json_t *entry_of(struct building *b, const struct hy_tally *a)
{
    json_t *policy = policy_json(a), *e;
    size_t i;
    json_array_foreach(b->policies, i, e)
    {
        if (json_equal(json_object_get(e, "policy"), policy)) {
            json_decref(policy);
            return e;
        }
    }
    e = json_object();
    json_object_set_new(e, "policy", policy);
    json_object_set_new(e, "summary",
                        json_pack("{s:i,s:i}", "total-successful-session-count", 0,
                                  "total-failure-session-count", 0));
    json_array_append_new(b->policies, e);
    return e;
}

static void add_failure(json_t *e, const struct hy_tally *a)
{
    json_t *list = json_object_get(e, "failure-details"), *o = json_object();
    if (!list) {
        list = json_array();
        json_object_set_new(e, "failure-details", list);
    }
    json_object_set_new(o, "result-type", json_string(hy_tlsrpt_result_name(a->result)));
    set_ip(o, "sending-mta-ip", a->our_ip);
    if (a->mx_host.n)
        json_object_set_new(o, "receiving-mx-hostname", text_json(a->mx_host));
    set_ip(o, "receiving-ip", a->mx_ip);
    json_object_set_new(o, "failed-session-count", json_integer((json_int_t)a->count));
    if (a->reason.n)
        json_object_set_new(o, "failure-reason-code", text_json(a->reason));
    json_array_append_new(list, o);
}

static int add(void *ctx, const struct hy_tally *a)
{
    struct building *b = ctx;
    json_t *e = entry_of(b, a), *summary = json_object_get(e, "summary");
    bool is_good = a->result == HY_TLSRPT_SUCCESS;
    const char *key = is_good ? "total-successful-session-count" : "total-failure-session-count";
    json_int_t n = json_integer_value(json_object_get(summary, key)) + (json_int_t)a->count;
    json_object_set_new(summary, key, json_integer(n));
    if (!is_good)
        add_failure(e, a);
    return 0;
}

const char *tls_report_id(const struct hy_config *c, uint32_t day, struct hy_str domain,
                          char out[TLS_REPORT_ID_MAX])
{
    char start[32];
    day_time(day, 0, start);
    snprintf(out, TLS_REPORT_ID_MAX, "%.10s_%.*s@%.200s", start,
             HY_STR_ARG(hy_str_slice(domain, 0, 253)), c->node.hostname);
    return out;
}

int tls_report_make(struct hy_txn *t, const struct hy_config *c, uint32_t day, struct hy_str domain,
                    json_t **ret)
{
    char start[32], end[32], id[TLS_REPORT_ID_MAX];
    struct building b = {.policies = json_array()};
    int err = b.policies ? hy_tally_each(t, day, domain, add, &b) : HY_ENOMEM;
    if (err == HY_OK && json_array_size(b.policies) == 0)
        err = HY_ENOTFOUND;
    if (err != HY_OK) {
        json_decref(b.policies);
        return err;
    }
    day_time(day, 0, start);
    json_t *o = json_object();
    json_object_set_new(
        o, "organization-name",
        json_string(c->tls.organization[0] ? c->tls.organization : c->node.hostname));
    json_object_set_new(o, "date-range",
                        json_pack("{s:s,s:s}", "start-datetime", start, "end-datetime",
                                  day_time(day, SECONDS_OF_DAY - 1, end)));
    json_object_set_new(o, "contact-info",
                        json_string(c->tls.contact[0] ? c->tls.contact : c->tls.report_from));
    json_object_set_new(o, "report-id", json_string(tls_report_id(c, day, domain, id)));
    json_object_set_new(o, "policies", b.policies);
    *ret = o;
    return HY_OK;
}
