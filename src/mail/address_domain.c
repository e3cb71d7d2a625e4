/* The right side of an address: host names, internationalised names, literals, carriers. */
#include "address.h"

#include <arpa/inet.h>
#include <idn2.h>

/* sub-domain = Let-dig [Ldh-str] (RFC 5321 4.1.2), labels of 1..63, in lower case to `out`. */
static enum hy_address_reason put_labels(struct hy_str s, char *out, size_t *ret_n)
{
    size_t label = 0, dots = 0;
    if (s.n > HY_DOMAIN_MAX)
        return HY_ADDRESS_DOMAIN_LONG;
    for (size_t i = 0; i <= s.n; i++) {
        char c = i < s.n ? hy_ascii_lower(s.p[i]) : '.';
        if (c == '.') {
            size_t n = i - label;
            if (n == 0)
                return HY_ADDRESS_DOMAIN_DOTS;
            if (n > 63)
                return HY_ADDRESS_DOMAIN_LONG;
            if (s.p[label] == '-' || s.p[i - 1] == '-')
                return HY_ADDRESS_DOMAIN_CHAR;
            label = i + 1;
            dots += i < s.n;
        } else if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return HY_ADDRESS_DOMAIN_CHAR;
        }
        if (i < s.n)
            out[i] = c;
    }
    out[s.n] = 0;
    *ret_n = s.n;
    return dots ? HY_ADDRESS_OK : HY_ADDRESS_DOMAIN_SINGLE;
}

/* Names with letters outside ASCII, or with A-labels that must decode. */
static enum hy_address_reason put_idn(struct hy_str s, char *out, size_t *ret_n)
{
    char text[ADDRESS_FIELD_MAX + 1];
    uint8_t *ascii = NULL;
    if (s.n > ADDRESS_FIELD_MAX)
        return HY_ADDRESS_DOMAIN_LONG;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    int err = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (err != IDN2_OK)
        return err == IDN2_TOO_BIG_DOMAIN || err == IDN2_TOO_BIG_LABEL ? HY_ADDRESS_DOMAIN_LONG
                                                                       : HY_ADDRESS_DOMAIN_IDN;
    enum hy_address_reason why = put_labels(hy_str_of((const char *)ascii), out, ret_n);
    idn2_free(ascii);
    return why;
}

static bool has_a_label(struct hy_str s)
{
    for (size_t i = 0; i + 4 <= s.n; i++)
        if ((i == 0 || s.p[i - 1] == '.') &&
            hy_str_istarts(hy_str_slice(s, i, s.n), HY_STR("xn--")))
            return true;
    return false;
}

/* address-literal = "[" IPv4 / "IPv6:" IPv6 "]" (RFC 5321 4.1.3). */
static enum hy_address_reason put_literal(struct hy_str s, const struct hy_address_rules *rules,
                                          char *out, size_t *ret_n)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (!rules->allow_literal || s.n < 2 || s.p[s.n - 1] != ']')
        return HY_ADDRESS_LITERAL;
    struct hy_str inner = hy_str_slice(s, 1, s.n - 1);
    bool v6 = hy_str_istarts(inner, HY_STR("IPv6:"));
    if (v6)
        inner = hy_str_slice(inner, 5, inner.n);
    if (inner.n >= sizeof text)
        return HY_ADDRESS_LITERAL;
    memcpy(text, inner.p, inner.n);
    text[inner.n] = 0;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, &addr) != 1)
        return HY_ADDRESS_LITERAL;
    for (size_t i = 0; i < s.n; i++)
        out[i] = hy_ascii_lower(s.p[i]);
    out[s.n] = 0;
    *ret_n = s.n;
    return HY_ADDRESS_OK;
}

enum hy_address_reason hy_address_domain_put(struct hy_str s, const struct hy_address_rules *rules,
                                             char *out, size_t *ret_n)
{
    if (s.n == 0)
        return HY_ADDRESS_NO_DOMAIN;
    if (s.p[0] == '[')
        return put_literal(s, rules, out, ret_n);
    enum hy_address_reason why =
        !hy_str_is_ascii(s) || has_a_label(s) ? put_idn(s, out, ret_n) : put_labels(s, out, ret_n);
    return why == HY_ADDRESS_DOMAIN_SINGLE && rules->allow_single ? HY_ADDRESS_OK : why;
}

bool hy_address_is_carrier(struct hy_str domain)
{
    static const struct hy_str names[] = {
        HY_STR("docomo.ne.jp"),   HY_STR("ezweb.ne.jp"),        HY_STR("au.com"),
        HY_STR("softbank.ne.jp"), HY_STR("i.softbank.jp"),      HY_STR("vodafone.ne.jp"),
        HY_STR("disney.ne.jp"),   HY_STR("disneymobile.ne.jp"), HY_STR("willcom.com"),
        HY_STR("pdx.ne.jp"),      HY_STR("emnet.ne.jp"),        HY_STR("emobile.ne.jp"),
        HY_STR("ymobile.ne.jp"),  HY_STR("ymobile1.ne.jp"),     HY_STR("jp-d.ne.jp"),
        HY_STR("tu-ka.ne.jp"),    HY_STR("sky.tkk.ne.jp"),      HY_STR("dwmail.jp"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!hy_str_ends(domain, names[i]))
            continue;
        /* itself, or a host below it: d.vodafone.ne.jp, xx.ezweb.ne.jp */
        if (domain.n == names[i].n || domain.p[domain.n - names[i].n - 1] == '.')
            return true;
    }
    return false;
}
