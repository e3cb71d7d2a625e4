/* Whether a status is the server's own. */
#pragma once
#include "hayauma/smtp/reply.h"

/* The status at the start of the reply's words, its class corrected to the code's; false, and *ret
 * of no meaning, when there is none. */
bool hy_smtp_status_of_server(const struct hy_smtp_reply *r, struct hy_enhanced *ret);
