/* What the lines of an EHLO reply offer. */
#pragma once
#include "hayauma/smtp/client.h"

/* Takes one line behind the greeting, without its code:
 *   ehlo-line = ehlo-keyword *( SP ehlo-param )   (RFC 5321 4.1.1.1)
 * Unknown keywords are passed over, and so is a keyword with a parameter that makes no sense. */
void hy_smtp_capability_line(struct hy_smtp_capabilities *caps, struct hy_str line);
