/* Hand-offs of a file of scoring rules: to a person by mail, or to a system by HTTPS. */
#include <jansson.h>

#include "hayauma/base/buf.h"
#include "hayauma/mail/address.h"
#include "scoring_priv.h"

enum { POST, PATCH, PUT };
enum { EN, JA };
enum { HEADERS_MAX = 16, BODY_MAX = 16384 };

static const struct schema_name methods[] = {{"post", POST}, {"patch", PATCH}, {"put", PUT}, {0}};
static const struct schema_name languages[] = {{"en", EN}, {"ja", JA}, {0}};
#define H(field) SCHEMA_FIELD(struct raw_handoff, field)
static const struct schema_row rows[] = {
    {"name", SCHEMA_STRING, SCHEMA_REQUIRED, H(name), .max = HY_SCORE_NAME_MAX,
     .doc = "What figures and logs call it."},
    {"threshold", SCHEMA_STRING, SCHEMA_REQUIRED, H(threshold), .max = HY_SCORE_NAME_MAX,
     .doc = "A lead that enters it is handed over."},
    {"mail", SCHEMA_STRINGS, 0, H(mail), .max = HY_SCORE_OWNERS_MAX,
     .doc =
         "By mail, to the attribute owner of the lead; who has none gets one of these, in turn."},
    {"language", SCHEMA_ENUM, 0, H(language), .names = languages, .def = "en",
     .doc = "Of the mail."},
    {"url", SCHEMA_STRING, 0, H(url), .max = 1024, .doc = "By a request to this https:// URL."},
    {"method", SCHEMA_ENUM, 0, H(method), .names = methods, .def = "post",
     .doc = "Of the request."},
    {"headers", SCHEMA_PAIRS, 0, H(headers), .max = HEADERS_MAX, .doc = "Further fields of it."},
    {"token_file", SCHEMA_PATH, 0, H(token_file),
     .doc = "File with a bearer token, which nobody but its owner and group may read."},
    {"body", SCHEMA_STRING, 0, H(body), .max = BODY_MAX,
     .doc = "JSON whose texts may have {{name}}: of an attribute, or lead, email, score, "
            "threshold, reasons. Empty: all that the hot list has of the lead."},
    {"ca_file", SCHEMA_PATH, 0, H(ca_file), .doc = "Certificates to trust; empty: the system's."},
    {"allow_private", SCHEMA_BOOL, 0, H(allow_private), .def = "no",
     .doc = "Whether the URL may lead into this machine or a private network."},
};
const struct schema scoring_handoff_schema = {rows, sizeof rows / sizeof *rows,
                                              sizeof(struct raw_handoff), NULL};

static int read_owners(const struct schema_ctx *x, const struct yaml_node *at,
                       const struct raw_handoff *raw, struct hy_score_handoff *h)
{
    struct hy_str *all = hy_arena_zalloc(x->arena, (raw->mail.n + 1) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    for (size_t i = 0; i < raw->mail.n; i++) {
        struct hy_address a;
        enum hy_address_reason why;
        all[i] = hy_str_of(raw->mail.items[i]);
        if (hy_address_parse(all[i], NULL, &a, &why) != HY_OK)
            schema_error_at(x, at, "mail", "mail: '%.100s' is no address: %s", raw->mail.items[i],
                            hy_address_reason_text(why));
    }
    h->owners = all;
    h->n_owners = raw->mail.n;
    return HY_OK;
}

/* "Name: value", of what may stand in a line of a request. */
static bool is_field(struct hy_str name, struct hy_str value)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == ':')
            return false;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
            return false;
    return name.n > 0;
}

static int read_fields(const struct schema_ctx *x, const struct yaml_node *at,
                       const struct raw_handoff *raw, struct hy_score_handoff *h)
{
    const char **all = hy_arena_zalloc(x->arena, (raw->headers.n + 1) * sizeof *all);
    if (!all)
        return HY_ENOMEM;
    for (size_t i = 0; i < raw->headers.n; i++) {
        struct hy_str name = raw->headers.items[i].name, value = raw->headers.items[i].value;
        struct hy_buf line = HY_BUF_INIT(8192);
        if (!is_field(name, value))
            schema_error_at(x, at, "headers", "headers: '%.*s' is no field of a request",
                            HY_STR_ARG(name));
        hy_buf_printf(&line, "%.*s: %.*s", HY_STR_ARG(name), HY_STR_ARG(value));
        all[i] = line.err ? NULL : hy_arena_str(x->arena, hy_buf_str(&line)).p;
        hy_buf_free(&line);
        if (!all[i])
            return HY_ENOMEM;
    }
    h->fields = all;
    return HY_OK;
}

/* It must be JSON, also once names are filled in, which they are as parts of texts. */
static void check_body(const struct schema_ctx *x, const struct yaml_node *at, const char *body)
{
    json_error_t why;
    json_t *j = json_loads(body, JSON_REJECT_DUPLICATES, &why);
    if (!j)
        schema_error_at(x, at, "body", "body: is no JSON: %d:%d: %s", why.line, why.column,
                        why.text);
    json_decref(j);
}

int scoring_make_handoff(const struct schema_ctx *x, const struct yaml_node *at,
                         const struct raw_handoff *raw, const struct hy_score_plan *plan,
                         struct hy_score_handoff *h)
{
    static const char *const words[] = {[POST] = "POST", [PATCH] = "PATCH", [PUT] = "PUT"};
    bool is_mail = raw->mail.n > 0;
    *h = (struct hy_score_handoff){.name = hy_str_of(raw->name),
                                   .is_japanese = raw->language == JA,
                                   .url = raw->url,
                                   .method = words[raw->method],
                                   .token_file = raw->token_file,
                                   .body = hy_str_of(raw->body),
                                   .ca_file = raw->ca_file,
                                   .allows_private = raw->allow_private};
    while (h->threshold < plan->n_thresholds &&
           !hy_str_eq(plan->thresholds[h->threshold].name, hy_str_of(raw->threshold)))
        h->threshold++;
    if (h->threshold == plan->n_thresholds)
        schema_error_at(x, at, "threshold", "threshold: there is no '%s'", raw->threshold);
    if (is_mail == (raw->url[0] != '\0'))
        schema_error_at(x, at, "", "a hand-off needs either 'mail' (addresses) or 'url'");
    else if (!is_mail && !hy_str_starts(hy_str_of(raw->url), HY_STR("https://")))
        schema_error_at(x, at, "url", "url: '%.100s' does not begin with https://", raw->url);
    if (raw->body[0])
        check_body(x, at, raw->body);
    int err = read_owners(x, at, raw, h);
    return err == HY_OK ? read_fields(x, at, raw, h) : err;
}
