/* Reading MTA-STS records and policies. */
#include "hayauma/smtp/sts.h"

const char *hy_sts_mode_name(enum hy_sts_mode m)
{
    static const char *const names[] = {"none", "testing", "enforce"};
    return (size_t)m < sizeof names / sizeof *names ? names[m] : "?";
}

static bool is_alnum(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

static struct hy_str trim_blanks(struct hy_str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = hy_str_slice(s, 1, s.n);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* ---- the TXT record ---- */

/* sts-ext-name "=" sts-ext-value */
static bool is_extension(struct hy_str field)
{
    size_t eq = hy_str_find(field, '=', 0);
    if (eq == SIZE_MAX || eq == 0 || eq > 32 || eq + 1 == field.n || !is_alnum(field.p[0]))
        return false;
    for (size_t i = 1; i < eq; i++) {
        char c = field.p[i];
        if (!is_alnum(c) && c != '_' && c != '-' && c != '.')
            return false;
    }
    for (size_t i = eq + 1; i < field.n; i++) {
        char c = field.p[i];
        if (c <= ' ' || c > '~' || c == '=')
            return false;
    }
    return true;
}

static bool read_id(struct hy_str value, struct hy_str *ret)
{
    if (value.n == 0 || value.n > HY_STS_ID_MAX)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if (!is_alnum(value.p[i]))
            return false;
    *ret = value;
    return true;
}

/* "v=STSv1" and the delimiter behind it; others are no MTA-STS records at all. */
static bool is_sts(struct hy_str txt)
{
    size_t semicolon = hy_str_find(txt, ';', 0);
    return semicolon != SIZE_MAX &&
           hy_str_eq(trim_blanks(hy_str_slice(txt, 0, semicolon)), HY_STR("v=STSv1")) &&
           txt.p[0] == 'v';
}

/* sts-version 1*(field-delim sts-field) [field-delim] */
static int read_record(struct hy_str txt, struct hy_str *ret_id)
{
    struct hy_str id = {NULL, 0}, piece;
    struct hy_str rest = hy_str_slice(txt, hy_str_find(txt, ';', 0) + 1, txt.n);
    while (hy_str_split(&rest, ';', &piece)) {
        struct hy_str field = trim_blanks(piece);
        if (field.n == 0 && !rest.p)
            break;
        if (hy_str_starts(field, HY_STR("id="))) {
            struct hy_str value;
            if (!read_id(hy_str_slice(field, 3, field.n), &value))
                return HY_EPARSE;
            if (!id.n)
                id = value;
        } else if (!is_extension(field)) {
            return HY_EPARSE;
        }
    }
    if (!id.n)
        return HY_EPARSE;
    *ret_id = id;
    return 0;
}

int hy_sts_record_read(const struct hy_str *txts, size_t n, struct hy_str *ret_id)
{
    const struct hy_str *one = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!is_sts(txts[i]))
            continue;
        if (one)
            return HY_EPARSE;
        one = &txts[i];
    }
    return one ? read_record(*one, ret_id) : HY_ENOTFOUND;
}

/* ---- the policy ---- */

struct reading {
    struct hy_sts_policy policy;
    bool has_version, has_mode, has_age;
};

static int read_mode(struct hy_str value, enum hy_sts_mode *ret)
{
    for (int m = HY_STS_NONE; m <= HY_STS_ENFORCE; m++) {
        if (hy_str_eq(value, hy_str_of(hy_sts_mode_name((enum hy_sts_mode)m)))) {
            *ret = (enum hy_sts_mode)m;
            return 0;
        }
    }
    return HY_EPARSE;
}

static int read_age(struct hy_str value, uint32_t *ret)
{
    uint64_t s;
    if (value.n > 10)
        return HY_EPARSE;
    int err = hy_str_to_u64(value, HY_STS_AGE_MAX_S, &s);
    if (err == HY_ELIMIT)
        s = HY_STS_AGE_MAX_S;
    else if (err)
        return HY_EPARSE;
    *ret = (uint32_t)s;
    return 0;
}

/* A name that no host has (such as ".") matches nothing, but is no fault of the rest. */
static bool is_word(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0 && s.n <= 255;
}

static int read_field(struct reading *r, struct hy_str name, struct hy_str value,
                      struct hy_diag *diag)
{
    if (hy_str_eq(name, HY_STR("mx"))) {
        if (!is_word(value))
            return hy_fail(diag, HY_EPARSE, "an mx field holds no host name");
        if (r->policy.n_mx < HY_STS_MX_MAX)
            r->policy.mx[r->policy.n_mx++] = value;
        return 0;
    }
    if (hy_str_eq(name, HY_STR("version")) && !r->has_version) {
        r->has_version = true;
        if (!hy_str_eq(value, HY_STR("STSv1")))
            return hy_fail(diag, HY_EPARSE, "the version is not STSv1");
    } else if (hy_str_eq(name, HY_STR("mode")) && !r->has_mode) {
        r->has_mode = true;
        if (read_mode(value, &r->policy.mode))
            return hy_fail(diag, HY_EPARSE, "the mode is none of enforce, testing, none");
    } else if (hy_str_eq(name, HY_STR("max_age")) && !r->has_age) {
        r->has_age = true;
        if (read_age(value, &r->policy.max_age_s))
            return hy_fail(diag, HY_EPARSE, "max_age is no number of seconds");
    }
    return 0;
}

static bool is_field_name(struct hy_str s)
{
    if (s.n == 0 || s.n > 32 || !is_alnum(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '_' && s.p[i] != '-' && s.p[i] != '.')
            return false;
    return true;
}

int hy_sts_policy_read(struct hy_str text, struct hy_diag *diag, struct hy_sts_policy *ret)
{
    struct reading r = {0};
    struct hy_str line;
    if (text.n > HY_STS_POLICY_MAX)
        return hy_fail(diag, HY_ELIMIT, "the policy is longer than 64 KiB");
    if (!hy_str_is_utf8(text))
        return hy_fail(diag, HY_EPARSE, "the policy is not UTF-8");
    for (struct hy_str rest = text; hy_str_split(&rest, '\n', &line);) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        struct hy_str content = trim_blanks(line);
        if (content.n == 0)
            continue;
        size_t colon = hy_str_find(line, ':', 0);
        if (colon == SIZE_MAX || !is_field_name(hy_str_slice(line, 0, colon)))
            return hy_fail(diag, HY_EPARSE, "a line is no \"name: value\"");
        int err = read_field(&r, hy_str_slice(line, 0, colon),
                             trim_blanks(hy_str_slice(line, colon + 1, line.n)), diag);
        if (err)
            return err;
    }
    if (!r.has_version || !r.has_mode || !r.has_age)
        return hy_fail(diag, HY_EPARSE, "%s is missing",
                       !r.has_version ? "version"
                       : !r.has_mode  ? "mode"
                                      : "max_age");
    if (r.policy.n_mx == 0 && r.policy.mode != HY_STS_NONE)
        return hy_fail(diag, HY_EPARSE, "it names no mx");
    *ret = r.policy;
    return 0;
}

bool hy_sts_media_type_is_good(struct hy_str content_type)
{
    struct hy_str type = hy_str_slice(content_type, 0, hy_str_find(content_type, ';', 0));
    return hy_str_ieq(hy_str_trim(type), HY_STR("text/plain"));
}

/* ---- matching ---- */

static struct hy_str without_dot(struct hy_str s)
{
    return s.n && s.p[s.n - 1] == '.' ? hy_str_slice(s, 0, s.n - 1) : s;
}

bool hy_sts_mx_matches(struct hy_str host, struct hy_str pattern)
{
    host = without_dot(host);
    pattern = without_dot(pattern);
    if (hy_str_starts(pattern, HY_STR("*."))) {
        size_t dot = hy_str_find(host, '.', 0);
        if (dot == SIZE_MAX || dot == 0)
            return false;
        host = hy_str_slice(host, dot + 1, host.n);
        pattern = hy_str_slice(pattern, 2, pattern.n);
    }
    return host.n && hy_str_ieq(host, pattern);
}

bool hy_sts_allows(const struct hy_sts_policy *p, struct hy_str host)
{
    for (size_t i = 0; i < p->n_mx; i++)
        if (hy_sts_mx_matches(host, p->mx[i]))
            return true;
    return false;
}
