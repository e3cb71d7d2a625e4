/* Codes to reasons, by IANA's list of enhanced status codes. */
#include "status_reason.h"

/* Rows in order of subject and detail; a detail of ANY ends its subject. */
enum { ANY = 1000 };
static const struct {
    uint16_t subject, detail;
    enum hy_bounce_reason reason;
} rows[] = {
    {1, 0, HY_BOUNCE_UNDEFINED},
    {1, 1, HY_BOUNCE_USER_UNKNOWN},
    {1, 2, HY_BOUNCE_DOMAIN_ERROR},
    {1, 3, HY_BOUNCE_USER_UNKNOWN}, /* no address at all */
    {1, 4, HY_BOUNCE_UNDEFINED},    /* ambiguous */
    {1, 5, HY_BOUNCE_UNDEFINED},    /* "valid" */
    {1, 6, HY_BOUNCE_USER_UNKNOWN}, /* moved, no forwarding */
    {1, 7, HY_BOUNCE_REJECTED_POLICY},
    {1, 8, HY_BOUNCE_REJECTED_POLICY},
    {1, 9, HY_BOUNCE_SYSTEM},
    {1, 10, HY_BOUNCE_DOMAIN_ERROR}, /* null MX, RFC 7505: Exchange's user unknown has words */
    {1, ANY, HY_BOUNCE_UNDEFINED},
    {2, 1, HY_BOUNCE_SUSPENDED},
    {2, 2, HY_BOUNCE_MAILBOX_FULL},
    {2, 3, HY_BOUNCE_TOO_BIG},
    {2, ANY, HY_BOUNCE_UNDEFINED},
    {3, 0, HY_BOUNCE_UNDEFINED}, /* said of everything */
    {3, 4, HY_BOUNCE_TOO_BIG},
    {3, ANY, HY_BOUNCE_SYSTEM},
    {4, 0, HY_BOUNCE_UNDEFINED},
    {4, 4, HY_BOUNCE_DOMAIN_ERROR},
    {4, 5, HY_BOUNCE_SYSTEM},
    {4, 7, HY_BOUNCE_EXPIRED},
    {4, ANY, HY_BOUNCE_NETWORK},
    {5, 0, HY_BOUNCE_UNDEFINED},
    {5, 3, HY_BOUNCE_RATE_LIMITED}, /* too many recipients */
    {5, ANY, HY_BOUNCE_SYSTEM},
    {6, ANY, HY_BOUNCE_REJECTED_CONTENT},
    {7, 8, HY_BOUNCE_REJECTED_AUTH},
    {7, 9, HY_BOUNCE_REJECTED_AUTH},
    {7, 20, HY_BOUNCE_REJECTED_AUTH}, /* RFC 7372: DKIM, SPF, PTR, several */
    {7, 21, HY_BOUNCE_REJECTED_AUTH},
    {7, 22, HY_BOUNCE_REJECTED_AUTH},
    {7, 23, HY_BOUNCE_REJECTED_AUTH},
    {7, 24, HY_BOUNCE_REJECTED_AUTH},
    {7, 25, HY_BOUNCE_BLOCKED},
    {7, 26, HY_BOUNCE_REJECTED_AUTH},
    {7, 27, HY_BOUNCE_REJECTED_POLICY}, /* null MX of the sender */
    {7, 28, HY_BOUNCE_RATE_LIMITED},    /* a flood */
    {7, 29, HY_BOUNCE_REJECTED_AUTH},   /* ARC */
    {7, ANY, HY_BOUNCE_REJECTED_POLICY},
};

static enum hy_bounce_reason reason_of_code(uint16_t code)
{
    switch (code) {
    case 421:
        return HY_BOUNCE_NETWORK;
    case 422:
    case 552:
        return HY_BOUNCE_MAILBOX_FULL;
    case 451:
    case 452:
    case 500:
    case 501:
    case 502:
    case 503:
    case 504:
        return HY_BOUNCE_SYSTEM;
    case 521:
    case 556: /* RFC 7504: takes no mail */
        return HY_BOUNCE_DOMAIN_ERROR;
    case 530:
    case 535:
        return HY_BOUNCE_REJECTED_POLICY;
    default:
        return HY_BOUNCE_UNDEFINED;
    }
}

enum hy_bounce_reason bounce_reason_of_status(uint16_t code, struct hy_enhanced e)
{
    if (e.class == 0)
        return reason_of_code(code);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].subject != e.subject || (rows[i].detail != e.detail && rows[i].detail != ANY))
            continue;
        return rows[i].reason == HY_BOUNCE_UNDEFINED ? reason_of_code(code) : rows[i].reason;
    }
    return reason_of_code(code);
}
