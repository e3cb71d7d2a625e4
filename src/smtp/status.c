/* The RFC 3463 status of a reply: the server's own, or ours from the reply code and the phase. */
#include "status.h"

bool hy_smtp_status_of_server(const struct hy_smtp_reply *r, struct hy_enhanced *ret)
{
    struct hy_str s = hy_smtp_reply_text(r);
    if (s.n > 0 && s.p[0] == '#') /* "550 #5.1.0 Address rejected." */
        s = hy_str_slice(s, 1, s.n);
    size_t used;
    if (r->code / 100 == 3 || hy_enhanced_parse(s, ret, &used) != HY_OK)
        return false;
    ret->class = (uint8_t)(r->code / 100);
    return true;
}

/* Subject and detail by reply code (RFC 5321 4.2.3, RFC 7504) in the words of RFC 3463 section 3
 * and the registry of RFC 5248. A row with a phase goes before the one for any phase. */
static const struct {
    uint16_t code;
    enum hy_phase phase; /* HY_PHASE_NONE = any */
    uint16_t subject, detail;
} derived[] = {
    {421, HY_PHASE_NONE, 3, 2}, /* system not accepting network messages */
    {450, HY_PHASE_RCPT, 2, 0}, /* mailbox busy, or blocked for policy reasons */
    {451, HY_PHASE_NONE, 3, 0}, /* local error in processing */
    {452, HY_PHASE_RCPT, 5, 3}, /* too many recipients (RFC 5321 4.5.3.1.10) */
    {452, HY_PHASE_NONE, 3, 1}, /* system storage */
    {454, HY_PHASE_NONE, 7, 0}, /* TLS not available */
    {455, HY_PHASE_NONE, 5, 4}, /* parameters not accommodated */
    {500, HY_PHASE_NONE, 5, 2}, /* syntax error */
    {501, HY_PHASE_MAIL, 1, 7}, /* bad sender's mailbox address syntax */
    {501, HY_PHASE_RCPT, 1, 3}, /* bad destination mailbox address syntax */
    {501, HY_PHASE_NONE, 5, 4}, /* invalid command arguments */
    {502, HY_PHASE_NONE, 5, 1}, /* invalid command */
    {503, HY_PHASE_NONE, 5, 1},
    {504, HY_PHASE_NONE, 5, 4},
    {521, HY_PHASE_NONE, 3, 2}, /* host never accepts mail (RFC 7504) */
    {530, HY_PHASE_NONE, 7, 0}, /* authentication or TLS wanted */
    {550, HY_PHASE_MAIL, 7, 1}, /* not authorized, message refused */
    {550, HY_PHASE_RCPT, 1, 0}, /* an address problem, or policy: see reply.h */
    {550, HY_PHASE_NONE, 7, 1},
    {551, HY_PHASE_NONE, 1, 6}, /* mailbox has moved */
    {552, HY_PHASE_RCPT, 2, 2}, /* mailbox full */
    {552, HY_PHASE_NONE, 3, 4}, /* message too big */
    {553, HY_PHASE_MAIL, 1, 7},
    {553, HY_PHASE_RCPT, 1, 3},
    {555, HY_PHASE_NONE, 5, 4},
    {556, HY_PHASE_NONE, 1, 10}, /* null MX: recipient domain does not accept mail (RFC 7505) */
};

static struct hy_enhanced derive(uint16_t code, enum hy_phase phase)
{
    struct hy_enhanced e = {.class = (uint8_t)(code / 100)};
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
        if (derived[i].code != code)
            continue;
        if (derived[i].phase != phase && derived[i].phase != HY_PHASE_NONE)
            continue;
        e.subject = derived[i].subject;
        e.detail = derived[i].detail;
        break;
    }
    return e;
}

struct hy_enhanced hy_smtp_reply_enhanced(const struct hy_smtp_reply *r, enum hy_phase phase)
{
    struct hy_enhanced e;
    if (hy_smtp_status_of_server(r, &e))
        return e;
    if (r->code < 200 || r->code / 100 == 3)
        return (struct hy_enhanced){0};
    return derive(r->code, phase);
}
