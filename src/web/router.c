/* From a method and a path to a handler. */
#include <stdio.h>

#include "web_priv.h"

extern const struct web_route web_about_routes[];       /* about.c */
extern const struct web_route web_activity_routes[];    /* activities.c */
extern const struct web_route web_campaign_routes[];    /* campaigns.c */
extern const struct web_route web_company_routes[];     /* companies.c */
extern const struct web_route web_handoff_routes[];     /* handoffs.c */
extern const struct web_route web_lead_routes[];        /* leads.c */
extern const struct web_route web_merging_routes[];     /* merging.c */
extern const struct web_route web_order_routes[];       /* orders.c */
extern const struct web_route web_visitors_routes[];    /* visitors.c */
extern const struct web_route web_message_routes[];     /* messages.c */
extern const struct web_route web_person_routes[];      /* person.c */
extern const struct web_route web_product_routes[];     /* products.c */
extern const struct web_route web_rules_routes[];       /* score_rules.c */
extern const struct web_route web_score_routes[];       /* scores.c */
extern const struct web_route web_segment_routes[];     /* segments.c */
extern const struct web_route web_suppression_routes[]; /* suppressions.c */
extern const struct web_route web_template_routes[];    /* templates.c */

const struct web_route *const web_tables[] = {
    web_about_routes,    web_activity_routes,    web_order_routes,    web_visitors_routes,
    web_campaign_routes, web_merging_routes, /* before {lead} */
    web_lead_routes,     web_message_routes,     web_person_routes,   web_score_routes,
    web_segment_routes,  web_suppression_routes, web_template_routes, web_company_routes,
    web_product_routes,  web_handoff_routes,     web_rules_routes,    NULL};

static int hex_of(char c)
{
    char l = hy_ascii_lower(c);
    return l >= '0' && l <= '9' ? l - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

int web_decode(struct hy_arena *arena, struct hy_str text, bool is_query, struct hy_str *ret)
{
    char *out = hy_arena_alloc(arena, text.n + 1);
    size_t n = 0;
    if (!out)
        return HY_ENOMEM;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? hex_of(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? hex_of(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return HY_EPARSE;
            c = (char)(high << 4 | low);
            i += 2;
            if (c == '\0' || (c == '/' && !is_query))
                return HY_EPARSE;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        out[n++] = c;
    }
    out[n] = '\0';
    *ret = hy_str_make(out, n);
    return HY_OK;
}

/* Whether the path has the shape of the pattern; the pieces where it says {} go to `params`. */
static bool matches(struct hy_str pattern, struct hy_str path, struct hy_str params[WEB_PARAMS_MAX])
{
    struct hy_str want, have;
    size_t n = 0;
    while (pattern.p && path.p) {
        (void)hy_str_split(&pattern, '/', &want);
        (void)hy_str_split(&path, '/', &have);
        bool is_param = hy_str_starts(want, HY_STR("{"));
        if (is_param ? have.n == 0 || n == WEB_PARAMS_MAX : !hy_str_eq(want, have))
            return false;
        if (is_param)
            params[n++] = have;
    }
    return !pattern.p && !path.p;
}

static void add_allowed(char allow[80], const char *method)
{
    size_t n = strlen(allow);
    snprintf(allow + n, 80 - n, "%s%s", n ? ", " : "", method);
}

int web_route_find(struct web_call *c, struct hy_str method, struct hy_str path, char allow[80])
{
    const struct web_route *found = NULL;
    struct hy_str raw[WEB_PARAMS_MAX] = {{0}};
    bool is_head = hy_str_eq(method, HY_STR("HEAD")), is_literal = false;
    unsigned no = 0;
    allow[0] = '\0';
    for (const struct web_route *const *table = web_tables; *table && !found; table++) {
        for (const struct web_route *r = *table; r->method && !found; r++) {
            struct hy_str params[WEB_PARAMS_MAX] = {{0}};
            no++;
            if (!matches(hy_str_of(r->path), path, params))
                continue;
            if (is_literal && params[0].p) /* /leads/batch is no lead; it stands before {lead} */
                continue;
            is_literal = !params[0].p;
            add_allowed(allow, r->method);
            if (!hy_str_eq(method, hy_str_of(r->method)) &&
                !(is_head && strcmp(r->method, "GET") == 0))
                continue;
            found = r;
            memcpy(raw, params, sizeof raw);
        }
    }
    if (!found)
        return allow[0] ? HY_EUNSUPPORTED : HY_ENOTFOUND;
    for (size_t i = 0; i < WEB_PARAMS_MAX && raw[i].p; i++) {
        int err = web_decode(&c->arena, raw[i], false, &c->params[i]);
        if (err != HY_OK)
            return err;
    }
    c->route = found;
    c->route_no = no;
    return HY_OK;
}

bool hy_web_route_name(size_t i, const char **ret_method, const char **ret_path)
{
    size_t no = 0;
    if (i == 0) {
        *ret_method = "";
        *ret_path = "none";
        return true;
    }
    for (const struct web_route *const *table = web_tables; *table; table++) {
        for (const struct web_route *r = *table; r->method; r++) {
            if (++no != i)
                continue;
            *ret_method = r->method;
            *ret_path = r->path;
            return true;
        }
    }
    return false;
}
