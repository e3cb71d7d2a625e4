/* GET /v/TOKEN: the mail as a web page, for those whose program shows it badly. It is the
 * campaign's own HTML with the values of the lead; scripts do not run in it. */

#include "track_campaigns.h"
#include "track_page.h"
#include "track_server.h"

enum { VIEW_MAX = 16 << 20 };

#define FIELDS                                                                                     \
    "Cache-Control: no-store, private\r\nReferrer-Policy: no-referrer\r\n"                         \
    "X-Robots-Tag: noindex\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"        \
    "Content-Security-Policy: default-src 'none'; img-src http: https: data:; style-src "          \
    "'unsafe-inline' http: https:; font-src http: https: data:; media-src http: https:; "          \
    "frame-ancestors 'none'; base-uri 'none'; form-action http: https:; sandbox allow-popups "     \
    "allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation allow-forms\r\n"

struct view {
    const struct hy_message *message;
    struct hy_buf *out;
};

static int use(void *ctx, const struct hy_render_input *in)
{
    struct view *v = ctx;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf text = HY_BUF_INIT(VIEW_MAX);
    int err = hy_message_render_part(v->message, HY_PART_HTML, in, v->out);
    if (err != HY_ENOTFOUND)
        return err;
    err = hy_message_render_part(v->message, HY_PART_TEXT, in, &text);
    hy_buf_add_lit(v->out, "<!DOCTYPE html><meta charset=\"utf-8\"><meta name=\"viewport\" "
                           "content=\"width=device-width\"><pre style=\"white-space:pre-wrap\">");
    track_page_text(v->out, hy_buf_str(&text));
    hy_buf_add_lit(v->out, "</pre>\n");
    return err ? err : v->out->err;
}

static void view(struct track_call *c)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf page = HY_BUF_INIT(VIEW_MAX);
    struct track_campaign *campaign;
    struct hy_token token;
    if (hy_token_read(track_keys(c), HY_TOKEN_OPEN, c->rest, &token) != HY_OK) {
        if (!track_is_forger(c))
            track_not_found(c);
        return;
    }
    if (!track_may_view(c, &token))
        return;
    int err = track_campaign_find_whole(c, token.campaign, &campaign);
    if (err == HY_OK) {
        struct view v = {campaign->c.message, &page};
        err = track_campaign_render(c, &campaign->c, token.lead, use, &v);
    }
    if (err == HY_OK && !page.err)
        track_answer(c, 200, "text/html; charset=utf-8", FIELDS, hy_buf_str(&page));
    else if (err == HY_ENOMEM || err == HY_EBUSY)
        track_busy(c);
    else
        track_not_found(c);
}

const struct track_route track_view_routes[] = {
    {"view", "/v/", TRACK_GET, view},
    {0},
};
