/* What a mail brings a browser to: GET /c/TOKEN follows a link, GET /o/TOKEN is its beacon. Both
 * are in the journal before they are answered. */
#include "hayauma/track/target.h"
#include "track_campaigns.h"
#include "track_server.h"

enum { FIELDS_MAX = 16384 };

#define NEVER_KEPT                                                                                 \
    "Cache-Control: no-store, private\r\nPragma: no-cache\r\nReferrer-Policy: no-referrer\r\n"     \
    "X-Robots-Tag: noindex\r\n"

/* A transparent GIF of one pixel. */
static const unsigned char gif[] = {
    'G',  'I',  'F',  '8',  '9',  'a',  0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xff, 0xff, 0xff, 0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2c,
    0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x01, 0x44, 0x00, 0x3b};

static void answer_gif(struct track_call *c)
{
    track_answer(c, 200, "image/gif", NEVER_KEPT, hy_str_make(gif, sizeof gif));
}

/* A picture that is broken helps nobody: also for a token that says nothing. */
static void open_mail(struct track_call *c)
{
    struct hy_token token;
    struct track_campaign *campaign;
    struct hy_activity a = {.kind = HY_ACTIVITY_OPEN};
    if (hy_token_read(track_keys(c), HY_TOKEN_OPEN, c->rest, &token) != HY_OK) {
        if (!track_is_forger(c))
            answer_gif(c);
        return;
    }
    if (track_campaign_find(c, token.campaign, &campaign) == HY_OK) {
        a.campaign = token.campaign;
        a.lead = token.lead;
        a.tenant = campaign->c.tenant;
        track_hit(c, &a);
    }
    answer_gif(c);
}

static void put_visit(struct track_call *c, const struct hy_token *who, struct hy_buf *out)
{
    struct hy_token_stem stem;
    char token[HY_TOKEN_TEXT_MAX];
    hy_token_stem_init(&stem, track_keys(c), HY_TOKEN_VISIT, who->campaign);
    size_t n = hy_token_write(&stem, who->lead, who->link, token);
    hy_target_add(out, 0, HY_STR("hy"), hy_str_make(token, n));
}

static void go(struct track_call *c, const struct hy_token *who, struct hy_str url, bool is_site)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf target = HY_BUF_INIT(FIELDS_MAX);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf fields = HY_BUF_INIT(FIELDS_MAX);
    if (is_site) { /* who comes: its pages need no cookie to know */
        struct hy_str before, fragment;
        hy_target_split(url, &before, &fragment);
        hy_buf_add_str(&target, before);
        put_visit(c, who, &target);
        hy_buf_add_str(&target, fragment);
        url = hy_buf_str(&target);
    }
    hy_buf_add_lit(&fields, NEVER_KEPT "Location: ");
    hy_buf_add_str(&fields, url);
    hy_buf_add_lit(&fields, "\r\n");
    const char *text = hy_buf_cstr(&fields);
    if (target.err || fields.err)
        track_busy(c);
    else
        track_answer(c, 302, NULL, text, HY_STR(""));
}

static void follow(struct track_call *c)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf url = HY_BUF_INIT(FIELDS_MAX);
    struct hy_token token;
    struct track_campaign *campaign;
    bool is_site = false;
    if (hy_token_read(track_keys(c), HY_TOKEN_CLICK, c->rest, &token) != HY_OK) {
        if (!track_is_forger(c))
            track_not_found(c);
        return;
    }
    int err = track_campaign_find(c, token.campaign, &campaign);
    if (err == HY_OK)
        err = track_campaign_target(c, campaign, token.lead, token.link, &url, &is_site);
    if (err == HY_ENOTFOUND) {
        track_not_found(c);
        return;
    }
    if (err != HY_OK) {
        track_busy(c);
        return;
    }
    struct hy_activity a = {.kind = HY_ACTIVITY_CLICK,
                            .campaign = token.campaign,
                            .lead = token.lead,
                            .tenant = campaign->c.tenant,
                            .link = hy_message_link_no(token.link)};
    if (url.len <= HY_ACTIVITY_URL_MAX)
        a.url = hy_buf_str(&url);
    track_hit(c, &a);
    go(c, &token, hy_buf_str(&url), is_site);
}

const struct track_route track_hit_routes[] = {
    {"click", "/c/", TRACK_GET, follow},
    {"open", "/o/", TRACK_GET, open_mail},
    {0},
};
