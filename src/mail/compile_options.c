/* What the message options say, checked: nothing of it may break a header or a URL later. */
#include "compile.h"
#include "hayauma/mail/escape.h"

enum {
    MESSAGE_BYTES = 32 << 20,
    PREFIX_BYTES = HY_LOCAL_MAX - HY_TOKEN_TEXT_MAX - 1,
    DOMAIN_BYTES = HY_ADDRESS_MAX - HY_LOCAL_MAX - 1, /* so that any return path fits */
};

static bool is_url_char(char c)
{
    char l = hy_ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || memchr("-._~:/[]%", c, 9);
}

static int keep_base_url(struct hy_compile *c)
{
    struct hy_str url = hy_str_trim(c->options->base_url);
    if (url.n == 0)
        return 0;
    bool is_good = hy_url_is_http(url) && url.n <= 256 && url.p[url.n - 1] != ':';
    for (size_t i = 0; i < url.n && is_good; i++)
        is_good = is_url_char(url.p[i]);
    if (!is_good)
        return hy_fail(c->diag, HY_EINVAL, "base_url: \"%.*s\" is no plain https:// URL",
                       HY_STR_ARG(hy_str_slice(url, 0, 100)));
    struct hy_buf slashed = HY_BUF_INIT(300);
    hy_buf_add_str(&slashed, url);
    if (url.p[url.n - 1] != '/')
        hy_buf_add_c(&slashed, '/');
    int rc = slashed.err ? hy_fail(c->diag, HY_ENOMEM, "no memory for a message")
                         : hy_compile_keep(c, hy_buf_str(&slashed), &c->m->base_url);
    hy_buf_free(&slashed);
    return rc;
}

static bool is_domain(struct hy_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char l = hy_ascii_lower(s.p[i]);
        if (!((l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '.'))
            return false;
    }
    return s.n > 0 && s.n <= DOMAIN_BYTES;
}

static int keep_domain(struct hy_compile *c, const char *what, struct hy_str domain,
                       struct hy_str *ret)
{
    if (!is_domain(domain))
        return hy_fail(c->diag, HY_EINVAL, "%s: \"%.*s\" is no domain name", what,
                       HY_STR_ARG(hy_str_slice(domain, 0, 100)));
    return hy_compile_keep(c, domain, ret);
}

/* Letters, digits and dots: what a local part can begin with anywhere. */
static int keep_prefix(struct hy_compile *c)
{
    struct hy_str prefix = c->options->return_prefix;
    bool is_good = prefix.n <= PREFIX_BYTES && hy_str_find(prefix, '.', 0) == SIZE_MAX;
    if (!is_good || (prefix.n && !is_domain(prefix)))
        return hy_fail(c->diag, HY_EINVAL, "return_prefix: letters and digits, at most %d",
                       PREFIX_BYTES);
    if (prefix.n == 0)
        return hy_compile_keep(c, prefix, &c->m->return_prefix);
    char text[HY_LOCAL_MAX];
    memcpy(text, prefix.p, prefix.n);
    text[prefix.n] = '+';
    return hy_compile_keep(c, hy_str_make(text, prefix.n + 1), &c->m->return_prefix);
}

/* The address stands in a mailto URL: no character that would need encoding there. */
static int keep_unsubscribe(struct hy_compile *c)
{
    struct hy_str s = c->options->unsubscribe_mailto;
    size_t at = hy_str_find(s, '@', 0);
    if (s.n == 0)
        return 0;
    bool is_good = at != SIZE_MAX && at > 0 && at <= HY_LOCAL_MAX;
    for (size_t i = 0; i < at && is_good; i++) {
        char l = hy_ascii_lower(s.p[i]);
        is_good = (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || memchr("-._+", l, 4);
    }
    if (!is_good || !is_domain(hy_str_slice(s, at + 1, s.n)))
        return hy_fail(c->diag, HY_EINVAL, "unsubscribe_mailto: \"%.*s\" is no plain mail address",
                       HY_STR_ARG(hy_str_slice(s, 0, 100)));
    return hy_compile_keep(c, s, &c->m->unsubscribe_mailto);
}

int hy_compile_options(struct hy_compile *c)
{
    const struct hy_message_options *o = c->options;
    struct hy_message *m = c->m;
    m->campaign = o->campaign;
    hy_id_format(o->campaign, m->campaign_text);
    m->charset = o->charset;
    m->flags = o->flags;
    m->utc_offset_min = o->utc_offset_min;
    m->max_bytes = o->max_bytes ? o->max_bytes : MESSAGE_BYTES;
    if (!o->keys || o->utc_offset_min < -720 || o->utc_offset_min > 840)
        return hy_fail(c->diag, HY_EINVAL, "message options: no keys, or a time zone out of range");
    for (unsigned kind = HY_TOKEN_CLICK; kind <= HY_TOKEN_MESSAGE; kind++)
        hy_token_stem_init(&m->stems[kind], o->keys, (enum hy_token_kind)kind, o->campaign);
    int rc = keep_base_url(c);
    if (rc == 0)
        rc = keep_domain(c, "return_domain", o->return_domain, &m->return_domain);
    if (rc == 0)
        rc = keep_domain(c, "message_id_domain", o->message_id_domain, &m->message_id_domain);
    if (rc == 0)
        rc = keep_prefix(c);
    return rc ? rc : keep_unsubscribe(c);
}
