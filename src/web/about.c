/* What the API says of itself: its description, and what a token may do. */
#include "call.h"
#include "openapi.h"

static void get_openapi(struct web_call *c)
{
    web_answer_text(c, 200, hy_str_make(web_openapi, web_openapi_n), NULL);
}

static json_t *scopes_json(unsigned scopes)
{
    json_t *list = json_array();
    for (unsigned bit = 1; bit; bit <<= 1)
        if (scopes & bit)
            json_array_append_new(list, json_string(hy_scope_name((enum hy_scope)bit)));
    return list;
}

static void get_token(struct web_call *c)
{
    const struct hy_api_token *t = c->token;
    json_t *domains = json_array();
    char when[32];
    for (const char *const *d = t->domains; *d; d++)
        json_array_append_new(domains, json_string(*d));
    json_t *o = json_pack("{s:s,s:s,s:o,s:o,s:s}", "id", t->id, "name", t->name, "scopes",
                          scopes_json(t->scopes), "domains", domains, "tenant", t->tenant->name);
    if (o && t->expires)
        json_object_set_new(o, "expires", json_string(hy_wall_format(t->expires, when)));
    web_answer(c, 200, o);
}

const struct web_route web_about_routes[] = {
    {"GET", "/v1/openapi.json", 0, get_openapi},
    {"GET", "/v1/token", ~0u, get_token}, /* whatever it may do */
    {0},
};
