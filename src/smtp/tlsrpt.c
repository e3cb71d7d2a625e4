/* Reading the TLSRPT record. */
#include "hayauma/smtp/tlsrpt.h"

#include "hayauma/base/codec.h"

const char *hy_tlsrpt_result_name(enum hy_tlsrpt_result r)
{
    static const char *const names[HY_TLSRPT_RESULTS] = {
        "success",
        "starttls-not-supported",
        "certificate-host-mismatch",
        "certificate-expired",
        "certificate-not-trusted",
        "validation-failure",
        "tlsa-invalid",
        "dnssec-invalid",
        "dane-required",
        "sts-policy-fetch-error",
        "sts-policy-invalid",
        "sts-webpki-invalid",
    };
    return (size_t)r < HY_TLSRPT_RESULTS ? names[r] : "validation-failure";
}

const char *hy_tlsrpt_policy_name(enum hy_tlsrpt_policy p)
{
    static const char *const names[] = {"no-policy-found", "sts", "tlsa"};
    return (size_t)p < sizeof names / sizeof *names ? names[p] : names[0];
}

static bool is_printable(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0;
}

/* The address in "mailto:ADDRESS!SIZE?..." (RFC 6068; a "!" of the address itself is encoded, RFC
 * 8460 section 3). `out`: HY_TLSRPT_URI_MAX + 1. False: it is none, or not encoded as it must be.
 */
static bool read_mailto(struct hy_str uri, char *out)
{
    struct hy_str s = hy_str_slice(uri, 7, hy_str_find(uri, '?', 0));
    size_t n = 0, n_decoded;
    s = hy_str_slice(s, 0, hy_str_find(s, '!', 0));
    for (size_t i = 0; i < s.n; i++, n++) {
        out[n] = s.p[i];
        if (s.p[i] != '%')
            continue;
        if (s.n - i < 3 || hy_hex_decode(hy_str_slice(s, i + 1, i + 3), &out[n], &n_decoded))
            return false;
        i += 2;
    }
    out[n] = '\0';
    struct hy_str address = hy_str_make(out, n);
    return is_printable(address) && hy_str_find(address, '@', 1) != SIZE_MAX;
}

/* False: not one that we can use. */
static bool read_uri(struct hy_str uri, struct hy_tlsrpt_uri *ret)
{
    if (!is_printable(uri) || uri.n > HY_TLSRPT_URI_MAX)
        return false;
    ret->is_https = hy_str_istarts(uri, HY_STR("https://"));
    if (ret->is_https) {
        memcpy(ret->text, uri.p, uri.n);
        ret->text[uri.n] = '\0';
        return uri.n > 8;
    }
    return hy_str_istarts(uri, HY_STR("mailto:")) && read_mailto(uri, ret->text);
}

static int read_rua(struct hy_str list, struct hy_tlsrpt_record *ret)
{
    struct hy_str piece;
    for (struct hy_str rest = list; hy_str_split(&rest, ',', &piece);) {
        struct hy_tlsrpt_uri uri;
        struct hy_str s = hy_str_trim(piece);
        if (s.n == 0 || hy_str_find(s, ':', 1) == SIZE_MAX)
            return HY_EPARSE;
        if (ret->n < HY_TLSRPT_URIS_MAX && read_uri(s, &uri))
            ret->rua[ret->n++] = uri;
    }
    return 0;
}

/* tlsrpt-version *WSP ";" *WSP tlsrpt-rua *(*WSP ";" *WSP tlsrpt-extension) [*WSP ";"] */
static int read_record(struct hy_str txt, struct hy_tlsrpt_record *ret)
{
    struct hy_tlsrpt_record r = {0};
    struct hy_str rest = hy_str_slice(txt, hy_str_find(txt, ';', 0) + 1, txt.n), piece;
    bool has_rua = false;
    while (hy_str_split(&rest, ';', &piece)) {
        struct hy_str field = hy_str_trim(piece);
        if (field.n == 0 && !rest.p)
            break;
        size_t eq = hy_str_find(field, '=', 1);
        if (eq == SIZE_MAX)
            return HY_EPARSE;
        if (has_rua || !hy_str_eq(hy_str_slice(field, 0, eq), HY_STR("rua")))
            continue; /* an extension, or a repetition */
        has_rua = true;
        int err = read_rua(hy_str_slice(field, eq + 1, field.n), &r);
        if (err)
            return err;
    }
    if (!has_rua)
        return HY_EPARSE;
    if (r.n == 0)
        return HY_ENOTFOUND;
    *ret = r;
    return 0;
}

static bool is_tlsrpt(struct hy_str txt)
{
    size_t semicolon = hy_str_find(txt, ';', 0);
    return txt.n && txt.p[0] == 'v' && semicolon != SIZE_MAX &&
           hy_str_eq(hy_str_trim(hy_str_slice(txt, 0, semicolon)), HY_STR("v=TLSRPTv1"));
}

int hy_tlsrpt_record_read(const struct hy_str *txts, size_t n, struct hy_tlsrpt_record *ret)
{
    const struct hy_str *one = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!is_tlsrpt(txts[i]))
            continue;
        if (one)
            return HY_EPARSE;
        one = &txts[i];
    }
    return one ? read_record(*one, ret) : HY_ENOTFOUND;
}
