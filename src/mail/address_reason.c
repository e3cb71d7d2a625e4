/* Words for the reasons why an address was refused. */
#include "hayauma/mail/address.h"

struct words {
    const char *name, *text;
};

static const struct words words[HY_ADDRESS_REASONS] = {
    [HY_ADDRESS_OK] = {"ok", "the address is good"},
    [HY_ADDRESS_EMPTY] = {"empty", "there is no address"},
    [HY_ADDRESS_TOO_LONG] = {"too-long", "the address has more than 254 bytes"},
    [HY_ADDRESS_NOT_UTF8] = {"not-text", "the address holds bytes that are no text"},
    [HY_ADDRESS_CONTROL] = {"control", "the address holds a line end, a control character or an "
                                       "invisible character"},
    [HY_ADDRESS_NO_AT] = {"no-at", "there is no @ in the address"},
    [HY_ADDRESS_SEVERAL] = {"several", "more than one @, or several addresses in one field"},
    [HY_ADDRESS_NO_LOCAL] = {"no-local", "nothing stands before the @"},
    [HY_ADDRESS_LOCAL_LONG] = {"local-long", "the part before the @ has more than 64 bytes"},
    [HY_ADDRESS_LOCAL_CHAR] = {"local-char",
                               "a character before the @ is not allowed without quotes"},
    [HY_ADDRESS_LOCAL_DOTS] = {"local-dots",
                               "a dot at the start or end of the part before the @, or two dots "
                               "in a row"},
    [HY_ADDRESS_LOCAL_QUOTE] = {"local-quote",
                                "quotes before the @ do not close, or do not cover all of it"},
    [HY_ADDRESS_COMMENT] = {"comment", "a comment in parentheses inside the address, or one that "
                                       "does not close"},
    [HY_ADDRESS_NO_DOMAIN] = {"no-domain", "nothing stands after the @"},
    [HY_ADDRESS_DOMAIN_LONG] = {"domain-long", "the domain has more than 253 bytes, or a part of "
                                               "more than 63"},
    [HY_ADDRESS_DOMAIN_CHAR] = {"domain-char",
                                "a character in the domain is not allowed, or a part of it starts "
                                "or ends with a hyphen"},
    [HY_ADDRESS_DOMAIN_DOTS] = {"domain-dots",
                                "a dot at the start or end of the domain, or two dots in a row"},
    [HY_ADDRESS_DOMAIN_SINGLE] = {"domain-single", "the domain has no dot"},
    [HY_ADDRESS_DOMAIN_IDN] = {"domain-idn",
                               "the domain is not a valid internationalised name (IDNA2008)"},
    [HY_ADDRESS_LITERAL] = {"literal",
                            "an address literal in brackets is malformed or not wanted here"},
};

const char *hy_address_reason_text(enum hy_address_reason r)
{
    return (unsigned)r < HY_ADDRESS_REASONS ? words[r].text : "?";
}

const char *hy_address_reason_name(enum hy_address_reason r)
{
    return (unsigned)r < HY_ADDRESS_REASONS ? words[r].name : "?";
}
