/* A table in memory. "~~text~~" stands for a DNS failure, NXDOMAIN for itself. */
#include "dkim_dns.h"

#include "corpus.h"

#include <jansson.h>
#include <stdio.h>

void dkim_dns_free(struct dkim_dns *dns)
{
    hy_buf_free(&dns->table);
}

void dkim_dns_add_key(struct dkim_dns *dns, const struct hy_dkim_key *key)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf txt = HY_BUF_INIT(8192);
    if (hy_dkim_key_txt(key, &txt) == HY_OK)
        hy_buf_printf(&dns->table, "%.*s._domainkey.%.*s\t%s\n",
                      HY_STR_ARG(hy_dkim_key_selector(key)), HY_STR_ARG(hy_dkim_key_domain(key)),
                      hy_buf_cstr(&txt));
}

/* mailauth's form: {"name": {"TXT": [["part", "part"], ...]}} */
static void add_json(struct dkim_dns *dns, struct hy_buf *text)
{
    json_t *root = json_loadb(text->data, text->len, 0, NULL);
    const char *name;
    json_t *types;
    json_object_foreach(root, name, types)
    {
        hy_buf_printf(&dns->table, "%s\t", name);
        json_t *parts = json_array_get(json_object_get(types, "TXT"), 0);
        for (size_t i = 0; i < json_array_size(parts); i++)
            hy_buf_printf(&dns->table, "%s", json_string_value(json_array_get(parts, i)));
        hy_buf_add_c(&dns->table, '\n');
    }
    json_decref(root);
}

bool dkim_dns_read(struct dkim_dns *dns, struct hy_str path, struct hy_str file)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf text = HY_BUF_INIT(1 << 22);
    char full[512];
    snprintf(full, sizeof full, "dkim/%.*s", HY_STR_ARG(path));
    if (!corpus_read(full, &text))
        return false;
    if (hy_str_ends(path, HY_STR(".json"))) {
        add_json(dns, &text);
        return true;
    }
    struct hy_str rest = hy_buf_str(&text), line, first, head;
    hy_str_split(&rest, '\n', &line);
    hy_str_split(&line, '\t', &head);
    bool by_file = hy_str_eq(head, HY_STR("file"));
    while (hy_str_split(&rest, '\n', &line)) {
        if (by_file && (!hy_str_split(&line, '\t', &first) || !hy_str_eq(first, file)))
            continue;
        hy_buf_add_str(&dns->table, line);
        hy_buf_add_c(&dns->table, '\n');
    }
    return true;
}

int dkim_dns_txt(void *ctx, const char *name, struct hy_buf *out)
{
    const struct dkim_dns *dns = ctx;
    struct hy_str rest = hy_buf_str(&dns->table), line, of, txt;
    while (hy_str_split(&rest, '\n', &line)) {
        if (!hy_str_split(&line, '\t', &of) || !hy_str_ieq(of, hy_str_of(name)) ||
            !hy_str_split(&line, '\t', &txt))
            continue;
        if (hy_str_starts(txt, HY_STR("~~")) || hy_str_eq(line, HY_STR("timeout")))
            return HY_ETIMEOUT;
        if (hy_str_eq(txt, HY_STR("NXDOMAIN")))
            return HY_ENOTFOUND;
        hy_buf_add_str(out, txt);
        return out->err;
    }
    return HY_ENOTFOUND;
}
