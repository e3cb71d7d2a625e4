/* Paths and parameters of MAIL and RCPT (RFC 5321 4.1.2, 4.1.1.11). */
#include "address.h"
#include "hayauma/mail/address.h"
#include "server_priv.h"

/* The place of the '>' that closes the path; quoted strings may hold one. */
static size_t path_end(struct hy_str arg)
{
    bool in_quotes = false;
    for (size_t i = 1; i < arg.n; i++) {
        if (arg.p[i] == '\\' && in_quotes)
            i++;
        else if (arg.p[i] == '"')
            in_quotes = !in_quotes;
        else if (arg.p[i] == '>' && !in_quotes)
            return i;
    }
    return SIZE_MAX;
}

/* Without a source route, which is ignored (RFC 5321 appendix C). */
static struct hy_str skip_route(struct hy_str path)
{
    size_t colon = path.n && path.p[0] == '@' ? hy_str_find(path, ':', 0) : SIZE_MAX;
    return colon == SIZE_MAX ? path : hy_str_slice(path, colon + 1, path.n);
}

enum smtpd_path smtpd_path(struct hy_str *arg, struct hy_address *ret)
{
    static const struct hy_address_rules rules = {.allow_single = true};
    enum hy_address_reason reason;
    size_t end = arg->n && arg->p[0] == '<' ? path_end(*arg) : SIZE_MAX;
    if (end == SIZE_MAX)
        return SMTPD_PATH_SYNTAX;
    struct hy_str path = skip_route(hy_str_slice(*arg, 1, end));
    struct hy_str rest = hy_str_slice(*arg, end + 1, arg->n);
    if (rest.n && rest.p[0] != ' ')
        return SMTPD_PATH_SYNTAX;
    *arg = hy_str_trim(rest);
    if (path.n == 0)
        return SMTPD_PATH_NULL;
    if (hy_smtp_address_check(path) == HY_SMTP_ADDRESS_BAD)
        return SMTPD_PATH_ADDRESS;
    return hy_address_parse(path, &rules, ret, &reason) == HY_OK ? SMTPD_PATH_GOOD
                                                                 : SMTPD_PATH_ADDRESS;
}

bool smtpd_param(struct hy_str *rest, struct hy_str *ret_name, struct hy_str *ret_value)
{
    while (rest->n && rest->p[0] == ' ')
        *rest = hy_str_slice(*rest, 1, rest->n);
    if (rest->n == 0)
        return false;
    size_t end = hy_str_find(*rest, ' ', 0);
    struct hy_str one = hy_str_slice(*rest, 0, end);
    *rest = hy_str_slice(*rest, one.n, rest->n);
    size_t eq = hy_str_find(one, '=', 0);
    *ret_name = hy_str_slice(one, 0, eq);
    *ret_value = eq == SIZE_MAX ? (struct hy_str){0} : hy_str_slice(one, eq + 1, one.n);
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

bool smtpd_is_xtext(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '=')
            return false;
        if (s.p[i] != '+')
            continue;
        if (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
            return false;
        i += 2;
    }
    return true;
}
