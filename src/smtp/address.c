/* The last check of an address before it goes on the wire. */
#include "address.h"

/* Ends a path or a command when it stands outside quotes. */
static bool is_breaking(unsigned char ch)
{
    return ch == ' ' || ch == '<' || ch == '>';
}

enum hy_smtp_address hy_smtp_address_check(struct hy_str a)
{
    bool is_utf8 = false, in_quotes = false;
    for (size_t i = 0; i < a.n; i++) {
        unsigned char ch = (unsigned char)a.p[i];
        if (ch < 0x20 || ch == 0x7f)
            return HY_SMTP_ADDRESS_BAD;
        if (ch >= 0x80)
            is_utf8 = true;
        else if (ch == '"')
            in_quotes = !in_quotes;
        else if (!in_quotes && is_breaking(ch))
            return HY_SMTP_ADDRESS_BAD;
        else if (ch == '\\' && in_quotes) { /* quoted-pair: the next byte means itself */
            i++;
            if (i == a.n || (unsigned char)a.p[i] < 0x20 || (unsigned char)a.p[i] >= 0x7f)
                return HY_SMTP_ADDRESS_BAD;
        }
    }
    if (in_quotes)
        return HY_SMTP_ADDRESS_BAD;
    if (!is_utf8)
        return HY_SMTP_ADDRESS_ASCII;
    return hy_str_is_utf8(a) ? HY_SMTP_ADDRESS_UTF8 : HY_SMTP_ADDRESS_BAD;
}
