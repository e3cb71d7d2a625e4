/* What a reply of class 4 or 5 means for those it speaks about. docs/internals/smtp-client.md has
 * the table. */
#include "classify.h"

#include "status.h"

bool hy_smtp_is_ok(uint16_t code)
{
    return code / 100 == 2 && code != 220 && code != 221;
}

bool hy_smtp_is_refusal(uint16_t code)
{
    return code / 100 == 4 || code / 100 == 5;
}

bool hy_smtp_is_too_many(const struct hy_smtp_reply *r)
{
    struct hy_enhanced e;
    if (r->code != 452 && r->code != 552)
        return false;
    return !hy_smtp_status_of_server(r, &e) || (e.subject == 5 && e.detail == 3);
}

/* Before there is a transaction a refusal is about us and this host, never about a message. */
static bool is_session_phase(enum hy_phase phase)
{
    return phase == HY_PHASE_BANNER || phase == HY_PHASE_EHLO || phase == HY_PHASE_STARTTLS ||
           phase == HY_PHASE_TLS;
}

static enum hy_outcome_kind kind_of(const struct hy_smtp_reply *r, enum hy_phase phase)
{
    if (hy_smtp_is_ok(r->code))
        return HY_OUTCOME_DELIVERED;
    if (r->code / 100 == 4 || is_session_phase(phase))
        return HY_OUTCOME_DEFERRED;
    if (phase == HY_PHASE_RCPT && hy_smtp_is_too_many(r))
        return HY_OUTCOME_DEFERRED;
    return HY_OUTCOME_BOUNCED;
}

/* 4.7.x before a recipient was named: the policy is about who sends, and the other hosts of the
 * site have the same one. */
static bool is_about_us(const struct hy_smtp_reply *r, enum hy_phase phase)
{
    struct hy_enhanced e;
    if (phase != HY_PHASE_BANNER && phase != HY_PHASE_EHLO && phase != HY_PHASE_MAIL)
        return false;
    return r->code / 100 == 4 && hy_smtp_status_of_server(r, &e) && e.class == 4 && e.subject == 7;
}

static enum hy_spoils spoils_of(const struct hy_smtp_reply *r, enum hy_phase phase)
{
    uint16_t code = r->code;
    if (is_about_us(r, phase))
        return HY_SPOILS_SITE;
    if (is_session_phase(phase))
        return HY_SPOILS_HOST;
    if (hy_smtp_is_ok(code))
        return HY_SPOILS_NOTHING;
    if (code == 421)
        return HY_SPOILS_STREAM;
    return phase == HY_PHASE_RCPT ? HY_SPOILS_RECIPIENT : HY_SPOILS_MESSAGE;
}

struct hy_outcome hy_smtp_classify(const struct hy_smtp_reply *r, enum hy_phase phase)
{
    return (struct hy_outcome){
        .kind = kind_of(r, phase),
        .spoils = spoils_of(r, phase),
        .phase = phase,
        .code = r->code,
        .enhanced = hy_smtp_reply_enhanced(r, phase),
        .from_server = true,
        .text = hy_smtp_reply_text(r),
    };
}
