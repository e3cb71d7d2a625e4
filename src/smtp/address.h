/* The last check of an address before it goes on the wire. */
#pragma once
#include "hayauma/base/str.h"

enum hy_smtp_address {
    HY_SMTP_ADDRESS_ASCII,
    HY_SMTP_ADDRESS_UTF8, /* needs SMTPUTF8 (RFC 6531) */
    HY_SMTP_ADDRESS_BAD,  /* could end the command line or its <path>, or is no UTF-8 */
};

/* Not a full parse (mail/ does that at import): finds what would let an address break out of
 * "<...>" in MAIL or RCPT, whoever let it in. The empty string is ASCII. */
enum hy_smtp_address hy_smtp_address_check(struct hy_str address);
