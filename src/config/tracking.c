/* Where browsers are answered: the keys of a host, and what must hold of them all. */
#include "config_schema.h"

#define HOST(field) SCHEMA_FIELD(struct hy_config_tracking_host, field)

static const struct schema_row rows[] = {
    {"name", SCHEMA_HOSTNAME, SCHEMA_REQUIRED, HOST(name),
     .doc = "As it stands in links, t.example.jp."},
    {"certificate", SCHEMA_PATH, 0, HOST(certificate),
     .doc = "PEM file with its certificate and chain; read anew at a reload, while connections go "
            "on. \"\" = a proxy in front does TLS for it."},
    {"private_key", SCHEMA_PATH, 0, HOST(private_key),
     .doc = "PEM file with the key. \"\" = it is in the same file."},
};
const struct schema tracking_host_schema = {rows, sizeof rows / sizeof rows[0],
                                            sizeof(struct hy_config_tracking_host), NULL};

static bool is_url(const char *url)
{
    struct hy_str s = hy_str_of(url);
    size_t host = hy_str_istarts(s, HY_STR("https://"))  ? 8
                  : hy_str_istarts(s, HY_STR("http://")) ? 7
                                                         : 0;
    if (host == 0 || s.n == host || s.p[host] == '/' || !hy_str_is_ascii(s))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || strchr("\"<>\\^`{|}?#", s.p[i]))
            return false;
    return true;
}

static void check_base(const struct schema_ctx *x, const struct yaml_node *root,
                       const struct hy_config *c)
{
    const char *url = c->tracking.base_url;
    if (url[0] && !is_url(url))
        schema_error_at(x, root, "tracking.base_url",
                        "must be a web address such as https://t.example.jp/, not '%s'", url);
    else if (url[0] && hy_str_istarts(hy_str_of(url), HY_STR("http://")))
        schema_warn_at(x, root, "tracking.base_url",
                       "one-click unsubscribing (RFC 8058) needs https");
}

static void check_host(const struct schema_ctx *x, const struct yaml_node *node,
                       const struct hy_config *c, size_t i)
{
    const struct hy_config_tracking_host *h = &c->tracking.hosts.items[i];
    if (h->private_key[0] && !h->certificate[0])
        schema_error_at(x, node, "private_key", "needs a certificate");
    for (size_t k = 0; k < i; k++)
        if (h->name[0] && strcmp(h->name, c->tracking.hosts.items[k].name) == 0)
            schema_error_at(x, node, "name", "'%s' is an earlier host", h->name);
}

void tracking_finish(const struct schema_ctx *x, const struct yaml_node *root,
                     const struct hy_config *c)
{
    const struct yaml_node *list = yaml_find(root, "tracking.hosts");
    size_t n = c->tracking.hosts.n;
    bool has_certificate = false;
    check_base(x, root, c);
    for (size_t i = 0; is_list_of(list, n) && i < n; i++)
        check_host(x, list->entries[i].value, c, i);
    for (size_t i = 0; i < n; i++)
        has_certificate |= c->tracking.hosts.items[i].certificate[0] != '\0';
    if (c->tracking.listen_tls.n && !has_certificate)
        schema_error_at(x, root, "tracking.listen_tls",
                        "needs a certificate: of one of tracking.hosts at least");
}
