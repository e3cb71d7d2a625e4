/* The web tag: GET /t.js is the script, POST /e takes what it tells (track/beacon.h), GET /notice
 * says what that is.
 *
 * A batch is taken from pages of the operator's own sites only; nothing at all is noted of browsers
 * that ask not to be tracked (Global Privacy Control, Do Not Track), whatever the script did, and
 * nothing of robots. What is noted goes the way of all hits; who a visitor is, is found where the
 * journal goes into the store (store/visitor.h). */
#include <stdio.h>

#include "hayauma/track/agent.h"
#include "hayauma/track/beacon.h"
#include "hayauma/track/target.h"
#include "tag.h"
#include "track_campaigns.h"
#include "track_page.h"
#include "track_server.h"

enum {
    BATCHES_MAX = 1200, /* of an address in WINDOW_S: an office, or a carrier's gateway */
    WINDOW_S = 60,
    META_MAX = HY_BEACON_BYTES_MAX,
};

/* ---- who may speak ---- */

/* The page's origin, when it is one of the operator's sites. */
static bool find_origin(const struct track_call *c, struct hy_str *ret)
{
    struct hy_str origin;
    if (!hy_http_field(&c->http->head, HY_STR("Origin"), &origin) ||
        !hy_target_is_site(origin, c->policy->sites, c->policy->n_sites))
        return false;
    *ret = origin;
    return true;
}

static bool says_one(const struct hy_http_head *h, struct hy_str name)
{
    struct hy_str value;
    return hy_http_field(h, name, &value) && hy_str_eq(hy_str_trim(value), HY_STR("1"));
}

static bool asks_not_to_be_tracked(const struct track_call *c)
{
    return says_one(&c->http->head, HY_STR("Sec-GPC")) || says_one(&c->http->head, HY_STR("DNT"));
}

static bool is_robot(const struct track_call *c)
{
    struct hy_str agent = HY_STR("");
    (void)hy_http_field(&c->http->head, HY_STR("User-Agent"), &agent);
    return hy_agent_of(c->server->agents, agent).kind != HY_AGENT_HUMAN;
}

static bool is_too_often(struct track_call *c)
{
    struct hy_failures *f = c->server->batches;
    return hy_failures_add(f, hy_sockaddr_network_hash(&c->client), hy_clock_us(),
                           WINDOW_S * HY_US_PER_SEC) > BATCHES_MAX;
}

/* ---- what is noted ---- */

/* What all events of a batch share. */
struct visit {
    struct track_call *call;
    uint64_t visitor;
    struct hy_token token; /* .lead 0: nobody is proven */
    uint32_t tenant;
    struct hy_company company; /* name empty: not known, or a provider */
};

static void note(struct visit *v, struct hy_activity a, json_t *meta)
{
    char room[META_MAX];
    json_t *all = meta ? json_incref(meta) : json_object();
    if (v->company.name.n)
        json_object_set_new(all, "company", json_stringn(v->company.name.p, v->company.name.n));
    if (v->company.domain.n)
        json_object_set_new(all, "company_domain",
                            json_stringn(v->company.domain.p, v->company.domain.n));
    size_t n = json_object_size(all) ? json_dumpb(all, room, sizeof room, JSON_COMPACT) : 0;
    json_decref(all);
    a.visitor = v->visitor;
    a.source = HY_STR("web tag");
    a.meta = n <= sizeof room ? hy_str_make(room, n) : HY_STR("");
    if (a.kind == HY_ACTIVITY_IDENTIFY) { /* a claim: whoever typed it proved nothing */
        a.address = a.text;
        a.text = HY_STR("form");
    } else if (v->token.lead) {
        a.lead = v->token.lead;
        a.campaign = v->token.campaign;
        a.tenant = v->tenant;
    }
    track_hit(v->call, &a);
}

/* A page that is a key page by the operator's patterns is noted as such, too. */
static void note_key_pages(struct visit *v, const struct hy_beacon_event *e)
{
    const struct hy_track_policy *p = v->call->policy;
    for (size_t i = 0; i < p->n_key_pages; i++) {
        struct hy_activity a = e->activity;
        bool is_one = false;
        struct hy_str rest = p->key_pages[i].patterns, pattern;
        while (!is_one && hy_str_split(&rest, ' ', &pattern))
            is_one = pattern.n && hy_page_matches(pattern, a.url);
        a.kind = HY_ACTIVITY_KEY_PAGE;
        a.text = p->key_pages[i].name;
        if (is_one)
            note(v, a, NULL);
    }
}

static void find_company(struct visit *v)
{
    const struct hy_companies *table = v->call->policy->companies;
    struct hy_company found;
    uint8_t ip[16] = {0};
    hy_sockaddr_ip16(&v->call->client, ip);
    if (table && hy_companies_find(table, ip, &found) == HY_OK && !found.is_provider)
        v->company = found;
}

/* False: it was answered. A token of a campaign that is gone proves nothing any more. */
static bool find_lead(struct visit *v, struct hy_str text)
{
    struct hy_token token;
    struct track_campaign *campaign;
    if (text.n == 0)
        return true;
    if (hy_token_read(track_keys(v->call), HY_TOKEN_VISIT, text, &token) != HY_OK)
        return !track_is_forger(v->call);
    if (track_campaign_find(v->call, token.campaign, &campaign) == HY_OK) {
        v->token = token;
        v->tenant = campaign->c.tenant;
    }
    return true;
}

/* ---- /e ---- */

static void answer(struct track_call *c, int status, struct hy_str origin)
{
    char fields[600];
    snprintf(fields, sizeof fields,
             "Cache-Control: no-store\r\nVary: Origin\r\nAccess-Control-Allow-Origin: %.*s\r\n"
             "Access-Control-Allow-Methods: POST\r\nAccess-Control-Allow-Headers: Content-Type\r\n"
             "Access-Control-Max-Age: 86400\r\n%s",
             HY_STR_ARG(hy_str_slice(origin, 0, 300)), status == 429 ? "Retry-After: 60\r\n" : "");
    track_answer(c, status, NULL, fields, HY_STR(""));
}

static int take(struct track_call *c)
{
    struct visit v = {.call = c};
    struct hy_beacon b;
    int err = hy_beacon_read(c->http->body, hy_clock_wall_ms(), &b);
    if (err != HY_OK)
        return err == HY_ELIMIT ? 413 : err == HY_ENOMEM ? 503 : 400;
    bool is_answered = !find_lead(&v, b.token);
    v.visitor = b.visitor;
    find_company(&v);
    for (size_t i = 0; i < b.n && !is_answered && (v.visitor || v.token.lead); i++) {
        note(&v, b.events[i].activity, b.events[i].meta);
        if (b.events[i].activity.kind == HY_ACTIVITY_PAGE_VIEW)
            note_key_pages(&v, &b.events[i]);
    }
    hy_beacon_end(&b);
    return is_answered ? 0 : 204;
}

static void collect(struct track_call *c)
{
    struct hy_str origin;
    if (!find_origin(c, &origin)) {
        track_answer(c, 403, NULL, "Cache-Control: no-store\r\n",
                     HY_STR("This page is none of tracking.sites.\n"));
        return;
    }
    int status = hy_str_eq(c->http->head.method, HY_STR("OPTIONS")) ? 204
                 : asks_not_to_be_tracked(c) || is_robot(c)         ? 204
                 : is_too_often(c)                                  ? 429
                                                                    : take(c);
    if (status)
        answer(c, status, origin);
}

/* ---- /t.js ---- */

static void script(struct track_call *c)
{
    static const char usual[] =
        "Cache-Control: public, max-age=3600, stale-while-revalidate=86400\r\n"
        "Access-Control-Allow-Origin: *\r\n"
        "Cross-Origin-Resource-Policy: cross-origin\r\n"
        "X-Content-Type-Options: nosniff\r\nETag: \"%016lx\"\r\n";
    static const struct hy_hash_key key = {0x7461672e6a73, 1};
    struct hy_str js = hy_str_make(web_tag_js, web_tag_js_n), known;
    char fields[400], etag[24];
    const unsigned long hash = hy_siphash(&key, js.p, js.n);
    if (c->policy->n_sites == 0) {
        track_not_found(c);
        return;
    }
    snprintf(fields, sizeof fields, usual, hash);
    snprintf(etag, sizeof etag, "\"%016lx\"", hash);
    if (hy_http_field(&c->http->head, HY_STR("If-None-Match"), &known) &&
        hy_str_find_str(known, hy_str_of(etag), 0) != SIZE_MAX)
        track_answer(c, 304, NULL, fields, HY_STR(""));
    else
        track_answer(c, 200, "text/javascript; charset=utf-8", fields, js);
}

/* ---- /notice ---- */

static void notice(struct track_call *c)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf page = HY_BUF_INIT(0);
    enum track_lang lang = track_lang_of(c, HY_STR(""));
    if (c->policy->notice[lang].n == 0) {
        track_not_found(c);
        return;
    }
    track_page_begin(&page, lang, W_NOTICE_TITLE);
    hy_buf_add_str(&page, c->policy->notice[lang]);
    track_page_end(&page, lang);
    track_page_answer(c, 200, &page);
}

const struct track_route track_tag_routes[] = {
    {"tag", "/t.js", TRACK_GET, script},
    {"tell", "/e", TRACK_POST | TRACK_OPTIONS, collect},
    {"notice", "/notice", TRACK_GET, notice},
    {0},
};
