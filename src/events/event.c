/* Events as JSON, written by hand: a busy system makes tens of thousands a second. */
#include "hayauma/events/event.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "hayauma/base/json_put.h"
#include "hayauma/bounce/reason.h"
#include "hayauma/io/sockaddr.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/lead.h"
#include "hayauma/track/verdict.h"

enum { FIELDS_MAX = 2 * HY_SPOOL_META_MAX };
#define YEAR_10000 253402300800000LL /* ms: what RFC 3339 cannot write */

void hy_event_filter_add(struct hy_event_filter *f, enum hy_activity_kind k)
{
    f->kinds[(unsigned)k / 64 % 2] |= UINT64_C(1) << ((unsigned)k % 64);
}

bool hy_event_filter_has(const struct hy_event_filter *f, enum hy_activity_kind k)
{
    if (!f->kinds[0] && !f->kinds[1])
        return true;
    return f->kinds[(unsigned)k / 64 % 2] >> ((unsigned)k % 64) & 1;
}

void hy_event_writer_init(struct hy_event_writer *w, const struct hy_tenants *tenants)
{
    *w = (struct hy_event_writer){.tenants = tenants, .fields = HY_BUF_INIT(FIELDS_MAX)};
}

void hy_event_writer_free(struct hy_event_writer *w)
{
    hy_buf_free(&w->fields);
}

/* ---- what it is, and whose ---- */

static enum hy_activity_kind kind_of_state(enum hy_rcpt_state state)
{
    switch (state) {
    case HY_RCPT_DELIVERED:
        return HY_ACTIVITY_DELIVERED;
    case HY_RCPT_BOUNCED:
        return HY_ACTIVITY_BOUNCED;
    case HY_RCPT_EXPIRED:
        return HY_ACTIVITY_EXPIRED;
    case HY_RCPT_SUPPRESSED:
        return HY_ACTIVITY_SUPPRESSED;
    case HY_RCPT_CANCELLED:
        return HY_ACTIVITY_CANCELLED;
    case HY_RCPT_HELD:
        return HY_ACTIVITY_HELD;
    case HY_RCPT_DEFERRED:
    case HY_RCPT_FRESH:
    case HY_RCPT_STATES:
        break;
    }
    return HY_ACTIVITY_DEFERRED;
}

enum hy_activity_kind hy_event_kind(const struct hy_moment *m)
{
    switch (m->kind) {
    case HY_MOMENT_MESSAGE:
        return HY_ACTIVITY_ACCEPTED;
    case HY_MOMENT_ATTEMPT:
        return hy_attempt_was_over(&m->of.attempt) ? HY_ACTIVITY_DEFERRED
                                                   : kind_of_state(m->of.attempt.state);
    case HY_MOMENT_ENDING:
        return kind_of_state(m->of.ending.state);
    case HY_MOMENT_ACTIVITY:
    case HY_MOMENT_KINDS:
        break;
    }
    return m->of.activity.kind;
}

static void look_up_campaign(struct hy_event_writer *w, struct hy_txn *t, hy_id id)
{
    struct hy_campaign c;
    if (w->campaign == id)
        return;
    w->campaign = id;
    w->name[0] = '\0';
    w->campaign_tenant = HY_EVENT_TENANT_UNKNOWN;
    if (hy_campaign_get(t, id, &c) != 0)
        return;
    w->campaign_tenant = c.tenant;
    memcpy(w->name, c.name.p, c.name.n);
    w->name[c.name.n] = '\0';
}

static uint32_t tenant_of_campaign(struct hy_event_writer *w, struct hy_txn *t, hy_id id)
{
    if (hy_id_is_spool(id))
        return hy_spool_tenant(id);
    look_up_campaign(w, t, id);
    return w->campaign_tenant;
}

static uint32_t tenant_of(struct hy_event_writer *w, struct hy_txn *t, const struct hy_moment *m)
{
    switch (m->kind) {
    case HY_MOMENT_MESSAGE:
        return m->of.message.tenant;
    case HY_MOMENT_ATTEMPT:
        return tenant_of_campaign(w, t, m->of.attempt.ref.campaign);
    case HY_MOMENT_ENDING:
        return tenant_of_campaign(w, t, m->of.ending.ref.campaign);
    case HY_MOMENT_ACTIVITY:
    case HY_MOMENT_KINDS:
        break;
    }
    return m->of.activity.tenant;
}

bool hy_event_is_wanted(struct hy_event_writer *w, struct hy_txn *t, const struct hy_moment *m,
                        const struct hy_event_filter *f)
{
    if (m->kind == HY_MOMENT_ATTEMPT && hy_attempt_came_back(&m->of.attempt))
        return false;
    if (!hy_event_filter_has(f, hy_event_kind(m)))
        return false;
    if (f->n_tenants == 0)
        return true;
    uint32_t tenant = tenant_of(w, t, m);
    for (size_t i = 0; i < f->n_tenants; i++)
        if (f->tenants[i] == tenant)
            return true;
    return false;
}

/* ---- members ---- */

static void put_str(struct hy_buf *out, const char *key, struct hy_str s)
{
    if (s.n == 0)
        return;
    hy_buf_add_lit(out, ",\"");
    hy_buf_add_str(out, hy_str_of(key));
    hy_buf_add_lit(out, "\":");
    hy_json_put_str(out, s);
}

static void put_word(struct hy_buf *out, const char *key, const char *word)
{
    put_str(out, key, hy_str_of(word));
}

static void put_number(struct hy_buf *out, const char *key, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    if (n == 0)
        return;
    for (; n; n /= 10)
        digits[--at] = (char)('0' + n % 10);
    hy_buf_add_lit(out, ",\"");
    hy_buf_add_str(out, hy_str_of(key));
    hy_buf_add_lit(out, "\":");
    hy_buf_add(out, digits + at, sizeof digits - at);
}

static void put_flag(struct hy_buf *out, const char *key, bool is_set)
{
    hy_buf_add_lit(out, ",\"");
    hy_buf_add_str(out, hy_str_of(key));
    hy_buf_add_str(out, is_set ? HY_STR("\":true") : HY_STR("\":false"));
}

static void put_id(struct hy_buf *out, const char *key, hy_id id)
{
    char text[HY_ID_TEXT_MAX];
    if (id)
        put_word(out, key, hy_id_format(id, text));
}

static void put_time(struct hy_buf *out, const char *key, hy_wall_ms at)
{
    char text[32];
    if (at > 0 && at < YEAR_10000)
        put_word(out, key, hy_wall_format(at, text));
}

static void put_ip(struct hy_buf *out, const char *key, const uint8_t ip[16])
{
    static const uint8_t none[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct hy_sockaddr a;
    char text[HY_SOCKADDR_TEXT_MAX];
    if (memcmp(ip, none, sizeof none) == 0)
        return;
    if (memcmp(ip, mapped, sizeof mapped) == 0)
        hy_sockaddr_from_ip4(&a, ip + 12, 0);
    else
        hy_sockaddr_from_ip6(&a, ip, 0);
    put_word(out, key, hy_sockaddr_format_ip(&a, text));
}

/* The address and its domain, which people group by. */
static void put_recipient(struct hy_buf *out, struct hy_str address)
{
    const char *at = address.p ? memrchr(address.p, '@', address.n) : NULL;
    put_str(out, "recipient", address);
    if (at)
        put_str(out, "domain", hy_str_slice(address, (size_t)(at - address.p) + 1, address.n));
}

static void put_tenant(struct hy_event_writer *w, struct hy_buf *out, uint32_t no)
{
    char text[16];
    if (no == HY_EVENT_TENANT_UNKNOWN)
        return;
    const struct hy_tenant *tenant = w->tenants ? hy_tenant_by_number(w->tenants, no) : NULL;
    snprintf(text, sizeof text, "%u", no); /* one that the configuration no longer has */
    put_word(out, "tenant", tenant ? tenant->name : no ? text : HY_TENANT_DEFAULT);
}

static void put_campaign(struct hy_event_writer *w, struct hy_txn *t, struct hy_buf *out, hy_id id)
{
    if (id == 0 || hy_id_is_spool(id))
        return;
    look_up_campaign(w, t, id);
    put_id(out, "campaign", id);
    put_word(out, "campaign_name", w->name);
}

/* ---- messages of other applications ---- */

static void put_json(struct hy_buf *out, const char *key, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (!text)
        return;
    hy_buf_printf(out, ",\"%s\":", key);
    hy_buf_add_str(out, hy_str_of(text));
    free(text);
}

/* {"tags": [...], "metadata": {...}}, as it was handed in; anything else tells nothing. */
static void put_meta(struct hy_buf *out, struct hy_str meta)
{
    json_t *o = meta.n ? json_loadb(meta.p, meta.n, 0, NULL) : NULL;
    const json_t *tags = json_object_get(o, "tags"), *metadata = json_object_get(o, "metadata");
    if (json_is_array(tags))
        put_json(out, "tags", tags);
    if (json_is_object(metadata))
        put_json(out, "metadata", metadata);
    json_decref(o);
}

/* Members that every event of a message has. */
static void remember_message(struct hy_event_writer *w, const struct hy_spool_message *m)
{
    if (w->message == m->id)
        return;
    w->message = m->id;
    hy_buf_reset(&w->fields);
    put_id(&w->fields, "message", m->id);
    put_str(&w->fields, "message_id", m->message_id);
    size_t before = w->fields.len;
    put_meta(&w->fields, m->meta);
    if (w->fields.err) { /* no memory, or what no version of ours has stored */
        w->fields.err = 0;
        w->fields.len = before;
    }
}

static void put_message_of(struct hy_event_writer *w, struct hy_txn *t, struct hy_buf *out,
                           hy_id id)
{
    struct hy_spool_message m;
    if (id == 0)
        return;
    if (w->message != id && hy_spool_message(t, id, &m) == 0)
        remember_message(w, &m);
    if (w->message == id)
        hy_buf_add_str(out, hy_buf_str(&w->fields));
    else
        put_id(out, "message", id);
}

static void put_message(struct hy_event_writer *w, const struct hy_spool_message *m,
                        struct hy_buf *out)
{
    remember_message(w, m);
    hy_buf_add_str(out, hy_buf_str(&w->fields));
    put_number(out, "recipients", m->n_rcpts);
    put_str(out, "sender", m->sender);
    put_str(out, "from_domain", m->from_domain);
    put_word(out, "priority", m->priority == HY_SPOOL_TRANSACTIONAL ? "transactional" : "bulk");
    put_str(out, "submitted_by", m->who);
    put_number(out, "size", m->content_bytes);
}

/* ---- attempts ---- */

static void put_whom(struct hy_event_writer *w, struct hy_txn *t, const struct hy_rcpt_ref *ref,
                     struct hy_buf *out)
{
    struct hy_spool_rcpt rcpt;
    struct hy_str address;
    hy_domain_no domain;
    hy_id message = 0;
    if (hy_id_is_spool(ref->campaign)) {
        if (hy_spool_rcpt(t, ref, &rcpt, &message) != 0)
            return;
        put_message_of(w, t, out, message);
        put_recipient(out, rcpt.address);
        return;
    }
    put_campaign(w, t, out, ref->campaign);
    put_number(out, "lead", ref->lead);
    if (hy_lead_address(t, ref->lead, &address, &domain) == 0)
        put_recipient(out, address);
}

static const char *tls_name(uint16_t version)
{
    return version == 0x0304 ? "TLSv1.3" : version == 0x0303 ? "TLSv1.2" : version ? "TLS" : "";
}

static void put_outcome(const struct hy_attempt *a, struct hy_buf *out)
{
    const struct hy_outcome *o = &a->outcome;
    char enhanced[16];
    if (o->reason)
        put_word(out, "reason", hy_bounce_reason_name(o->reason));
    if (a->state == HY_RCPT_BOUNCED && !hy_attempt_was_over(a))
        put_flag(out, "hard", hy_bounce_reason_is_of_address((enum hy_bounce_reason)o->reason));
    put_number(out, "code", o->code);
    if (o->enhanced.class)
        put_word(out, "enhanced", hy_enhanced_format(o->enhanced, enhanced));
    put_str(out, "diagnostic", o->text);
    put_flag(out, "from_server", o->from_server);
    put_word(out, "phase", hy_phase_name(o->phase));
    if (o->in_doubt)
        put_flag(out, "in_doubt", true);
}

static void put_attempt(struct hy_event_writer *w, struct hy_txn *t, const struct hy_attempt *a,
                        struct hy_buf *out)
{
    put_whom(w, t, &a->ref, out);
    put_number(out, "attempt", (uint64_t)a->ref.attempts + (a->started != 0));
    put_outcome(a, out);
    if (a->state == HY_RCPT_DEFERRED)
        put_time(out, "next_attempt", (hy_wall_ms)a->due_s * 1000);
    put_str(out, "source", a->source);
    put_str(out, "mx_host", a->mx_host);
    put_ip(out, "mx_ip", a->mx_ip);
    put_word(out, "tls", tls_name(a->tls_version));
    put_str(out, "tls_cipher", a->tls_cipher);
    if (a->started)
        put_number(out, "duration_ms", a->duration_ms);
    put_number(out, "size", a->size_bytes);
}

/* ---- endings ---- */

static const char *why_of(const struct hy_ending *e)
{
    switch (e->cause) {
    case HY_ENDING_LEFT_OUT:
        return hy_lead_status_why(e->status);
    case HY_ENDING_CANCELLED:
        return "the campaign was cancelled";
    case HY_ENDING_DECIDED:
        return "it was in doubt, and somebody decided so";
    case HY_ENDING_CAUSES:
        break;
    }
    return "";
}

static void put_ending(struct hy_event_writer *w, struct hy_txn *t, const struct hy_ending *e,
                       struct hy_buf *out)
{
    put_whom(w, t, &e->ref, out);
    put_word(out, "diagnostic", why_of(e));
    put_flag(out, "from_server", false);
    put_word(out, "phase", hy_phase_name(HY_PHASE_POLICY));
}

/* ---- activities ---- */

static bool is_diagnostic(enum hy_activity_kind k)
{
    return k == HY_ACTIVITY_LATE_BOUNCE || k == HY_ACTIVITY_DELAY_NOTICE;
}

static void put_person(struct hy_txn *t, const struct hy_activity *a, struct hy_buf *out)
{
    struct hy_str address = a->address;
    hy_domain_no domain;
    put_number(out, "lead", a->lead);
    if (!address.n && a->lead && hy_lead_address(t, a->lead, &address, &domain) != 0)
        address = HY_STR("");
    put_recipient(out, address);
}

static void put_data(struct hy_buf *out, struct hy_str meta)
{
    json_t *o = meta.n ? json_loadb(meta.p, meta.n, 0, NULL) : NULL;
    if (json_is_object(o))
        put_json(out, "data", o);
    json_decref(o);
}

static bool has_verdict(const struct hy_activity *a)
{
    return a->kind == HY_ACTIVITY_OPEN || a->kind == HY_ACTIVITY_CLICK ||
           a->kind == HY_ACTIVITY_VERDICT;
}

/* Who did it; absent while that is not known yet. */
static void put_verdict(const struct hy_activity *a, struct hy_buf *out)
{
    if (a->kind == HY_ACTIVITY_VERDICT)
        put_str(out, "of", a->text);
    if (!hy_verdict_is_given(a->flags, a->reason))
        return;
    put_word(out, "verdict", hy_verdict_name(hy_verdict_of_flags(a->flags)));
    if (a->reason < HY_VERDICT_REASONS)
        put_word(out, "verdict_reason", hy_verdict_reason_name(a->reason));
}

static void put_activity(struct hy_event_writer *w, struct hy_txn *t, const struct hy_activity *a,
                         struct hy_buf *out)
{
    put_campaign(w, t, out, a->campaign);
    put_message_of(w, t, out, a->message);
    put_person(t, a, out);
    if (has_verdict(a))
        put_verdict(a, out);
    else if (a->reason)
        put_word(out, "reason", hy_bounce_reason_name(a->reason));
    if (a->kind == HY_ACTIVITY_LATE_BOUNCE)
        put_flag(out, "hard", a->flags & HY_ACTIVITY_HARD);
    if (a->flags & HY_ACTIVITY_MACHINE)
        put_flag(out, "machine", true);
    if (a->kind != HY_ACTIVITY_VERDICT)
        put_str(out, is_diagnostic(a->kind) ? "diagnostic" : "text", a->text);
    put_str(out, "reported_by", a->source);
    put_number(out, "link", a->link);
    put_str(out, "url", a->url);
    put_str(out, "user_agent", a->agent);
    put_ip(out, "ip", a->ip);
    put_data(out, a->meta);
}

/* ---- the object ---- */

static hy_wall_ms time_of(const struct hy_moment *m)
{
    if (m->kind == HY_MOMENT_ACTIVITY && m->of.activity.at && m->of.activity.at < YEAR_10000)
        return m->of.activity.at;
    if (m->kind == HY_MOMENT_ENDING && m->of.ending.at && m->of.ending.at < YEAR_10000)
        return m->of.ending.at;
    if (m->kind == HY_MOMENT_MESSAGE && m->of.message.received > 0)
        return m->of.message.received;
    return hy_id_time(m->id);
}

int hy_event_put(struct hy_event_writer *w, struct hy_txn *t, const struct hy_moment *m,
                 struct hy_buf *out)
{
    char id[HY_ID_TEXT_MAX];
    size_t before = out->len;
    hy_buf_printf(out, "{\"schema\":%d,\"id\":\"%s\"", HY_EVENT_SCHEMA, hy_id_format(m->id, id));
    put_word(out, "type", hy_activity_kind_name(hy_event_kind(m)));
    put_time(out, "time", time_of(m));
    put_tenant(w, out, tenant_of(w, t, m));
    switch (m->kind) {
    case HY_MOMENT_MESSAGE:
        put_message(w, &m->of.message, out);
        break;
    case HY_MOMENT_ATTEMPT:
        put_attempt(w, t, &m->of.attempt, out);
        break;
    case HY_MOMENT_ENDING:
        put_ending(w, t, &m->of.ending, out);
        break;
    case HY_MOMENT_ACTIVITY:
        put_activity(w, t, &m->of.activity, out);
        break;
    case HY_MOMENT_KINDS:
        break;
    }
    hy_buf_add_c(out, '}');
    if (out->err) {
        int err = out->err;
        out->err = 0;
        out->len = before;
        return err;
    }
    return 0;
}
