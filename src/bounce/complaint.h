/* Complaints: feedback reports (RFC 5965, 6591), and providers' own forms of them. */
#pragma once
#include "findings.h"
#include "kind.h"

struct bounce_complaint {
    struct hy_str type;      /* "abuse" */
    struct hy_str recipient; /* empty when it was blacked out */
    struct hy_str agent;
};
/* False when it is none. */
bool bounce_read_complaint(const struct bounce_mail *mail, const struct bounce_signs *signs,
                           struct hy_arena *a, struct bounce_complaint *ret);
/* Whether a complaint of this type means that nothing more should go there: not when it is about
 * signatures, viruses, or says that a mail was none. */
bool bounce_complaint_suppresses(struct hy_str type);
