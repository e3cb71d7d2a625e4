/* Images of mails that a mail service, or Apple, fetches for the person: told by the user agent,
 * and by the network where its owner publishes it. Pure. */
#pragma once
#include "hayauma/base/str.h"

enum hy_proxy_kind {
    HY_PROXY_NONE,
    HY_PROXY_IMAGES,  /* somebody reads the mail, behind their service's proxy */
    HY_PROXY_PRIVACY, /* Apple's Mail Privacy Protection: fetched whether anybody reads it or not */
};
/* `ip`: IPv6, or ::ffff:a.b.c.d; zeroed: not known. What calls itself Google's proxy and comes from
 * elsewhere is none. */
enum hy_proxy_kind hy_proxy_of(struct hy_str agent, const uint8_t ip[16]);
