/* Unsubscribing: GET /u/TOKEN is a page that changes nothing, with a button, the person's lists and
 * language; POST does it. A POST of a mail service (RFC 8058) is a button pressed elsewhere. Nobody
 * but who has the mail has its token, so no other site can have a form posted here. The person
 * waits, so what is answered for is durable. */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "leave_form.h"
#include "track_page.h"
#include "track_server.h"

/* Whose mail brought the person here. */
struct visitor {
    struct hy_token token;
    hy_id campaign; /* 0: it is gone */
    uint32_t tenant, suppressor;
};

/* False: it was answered. */
static bool find_visitor(struct track_call *c, struct visitor *ret)
{
    struct hy_campaign campaign;
    struct visitor v = {0};
    if (hy_token_read(track_keys(c), HY_TOKEN_UNSUBSCRIBE, c->rest, &v.token) != HY_OK) {
        if (!track_is_forger(c))
            track_not_found(c);
        return false;
    }
    struct hy_txn *t = track_snapshot(c);
    int err = t ? hy_campaign_get(t, v.token.campaign, &campaign) : HY_EBUSY;
    if (err == HY_OK) {
        v.campaign = campaign.id;
        v.tenant = campaign.tenant;
    }
    track_snapshot_done(c);
    if (err != HY_OK && err != HY_ENOTFOUND) {
        track_busy(c);
        return false;
    }
    v.suppressor = track_suppressor(c, v.tenant);
    *ret = v;
    return true;
}

/* ---- the page ---- */

static void put_lists(struct hy_buf *out, const struct hy_wishes *w, enum track_lang lang)
{
    if (w->n_lists == 0)
        return;
    hy_buf_add_lit(out, "<h2>");
    track_page_text(out, track_word(W_LISTS, lang));
    hy_buf_add_lit(out, "</h2>\n");
    for (size_t i = 0; i < w->n_lists; i++) {
        hy_buf_printf(out,
                      "<input type=\"hidden\" name=\"shown\" value=\"%u\"><label><input "
                      "type=\"checkbox\" name=\"list\" value=\"%u\"%s>",
                      w->lists[i].no, w->lists[i].no, w->lists[i].is_wanted ? " checked" : "");
        track_page_text(out, w->lists[i].name);
        hy_buf_add_lit(out, "</label>\n");
    }
}

static bool speaks(struct hy_str language, const char *code)
{
    return hy_str_istarts(language, hy_str_of(code)) && (language.n == 2 || language.p[2] == '-');
}

/* A language that is neither stays unless another is chosen. */
static void put_language(struct hy_buf *out, const struct hy_wishes *w, enum track_lang lang)
{
    bool is_en = speaks(w->language, "en"), is_ja = speaks(w->language, "ja");
    hy_buf_add_lit(out, "<h2><label for=\"language\">");
    track_page_text(out, track_word(W_LANGUAGE, lang));
    hy_buf_add_lit(out, "</label></h2>\n<select id=\"language\" name=\"language\">");
    if (!is_en && !is_ja) {
        hy_buf_add_lit(out, "<option value=\"\" selected>");
        track_page_text(out, w->language.n ? w->language : HY_STR("–"));
        hy_buf_add_lit(out, "</option>");
    }
    hy_buf_printf(out,
                  "<option value=\"en\"%s>English</option><option value=\"ja\"%s>日本語</option>"
                  "</select>\n",
                  is_en ? " selected" : "", is_ja ? " selected" : "");
}

static void put_choice(struct hy_buf *out, const struct hy_wishes *w, enum track_lang lang)
{
    hy_buf_add_lit(out, "<form method=\"post\">\n");
    put_lists(out, w, lang);
    put_language(out, w, lang);
    hy_buf_add_lit(out, "<p><button class=\"quiet\" name=\"action\" value=\"save\">");
    track_page_text(out, track_word(W_SAVE, lang));
    hy_buf_add_lit(out, "</button></p></form>\n");
}

static void put_page(struct hy_buf *out, const struct hy_wishes *w, enum track_lang lang,
                     enum track_word notice)
{
    track_page_begin(out, lang, W_TITLE);
    if (w->address.n) {
        hy_buf_add_lit(out, "<p class=\"to\">");
        track_page_text(out, track_word(W_MAIL_TO, lang));
        hy_buf_add_c(out, ' ');
        track_page_address(out, w->address);
        hy_buf_add_lit(out, "</p>\n");
    }
    if (w->has_left) {
        track_page_say(out, "done", W_LEFT, lang);
        track_page_say(out, "", W_LEFT_NOTE, lang);
        track_page_button(out, "return", W_RETURN, lang);
    } else {
        if (notice)
            track_page_say(out, "done", notice, lang);
        track_page_say(out, "", W_LEAVE_TEXT, lang);
        track_page_button(out, "leave", W_LEAVE, lang);
    }
    if (!w->has_left)
        put_choice(out, w, lang);
    track_page_end(out, lang);
}

static void show(struct track_call *c, const struct visitor *v, enum track_word notice)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf page = HY_BUF_INIT(0);
    struct hy_wishes w;
    struct hy_txn *t = track_snapshot(c);
    int err = t ? hy_wishes_of(t, v->token.lead, v->suppressor, &w) : HY_EBUSY;
    if (err == HY_OK)
        put_page(&page, &w, track_lang_of(c, w.language), notice);
    track_snapshot_done(c);
    if (err == HY_OK)
        track_page_answer(c, 200, &page);
    else if (err == HY_ENOTFOUND)
        track_not_found(c);
    else
        track_busy(c);
}

static void leave_page(struct track_call *c)
{
    struct visitor v;
    if (find_visitor(c, &v))
        show(c, &v, W_NONE);
}

/* ---- doing it ---- */

struct deed {
    struct hy_wish_job job; /* first */
    struct visitor visitor;
    struct track_call *call;
    int err;
    struct leave_form form;
};

static void answer(struct track_call *c)
{
    struct deed *d = c->state;
    static const enum track_word notices[] = {
        [HY_WISH_LEAVE] = W_NONE, [HY_WISH_RETURN] = W_RETURNED, [HY_WISH_CHOOSE] = W_SAVED};
    if (d->form.is_one_click && (d->err == HY_OK || d->err == HY_ENOTFOUND))
        track_answer(c, 200, NULL, "Cache-Control: no-store\r\n", HY_STR("Unsubscribed.\n"));
    else if (d->err == HY_OK)
        show(c, &d->visitor, notices[d->job.wish.kind]);
    else if (d->err == HY_ENOTFOUND)
        track_not_found(c);
    else
        track_busy(c);
    free(d);
}

static void on_stored(struct hy_write_req *req, int err)
{
    struct deed *d = hy_container_of(req, struct deed, job.req);
    d->err = err;
    track_later(d->call, answer);
}

static void submit(struct track_call *c, struct deed *d)
{
    d->call = track_keep(c, d);
    if (!d->call) {
        free(d);
        return;
    }
    int err = hy_writer_submit(track_writer(c), &d->job.req);
    if (err != HY_OK) {
        d->err = err;
        answer(d->call);
    }
}

static void leave(struct track_call *c)
{
    struct leave_form form;
    struct visitor v;
    if (!find_visitor(c, &v))
        return;
    if (!leave_form_read(c->http->body, &form)) {
        show(c, &v, W_NONE); /* nothing was asked for, nothing is changed */
        return;
    }
    struct deed *d = calloc(1, sizeof *d);
    if (!d) {
        track_busy(c);
        return;
    }
    hy_wish_job_init(&d->job);
    d->job.req.done = on_stored;
    d->visitor = v;
    d->form = form;
    struct hy_wish *w = &d->job.wish;
    *w = (struct hy_wish){.kind = form.kind,
                          .lead = v.token.lead,
                          .campaign = v.campaign,
                          .tenant = v.tenant,
                          .suppressor = v.suppressor,
                          .lists = d->form.lists,
                          .n_lists = form.n_lists,
                          .language = form.language,
                          .source = form.is_one_click ? HY_STR("one-click") : HY_STR("page")};
    hy_sockaddr_ip16(&c->client, w->ip);
    (void)hy_http_field(&c->http->head, HY_STR("User-Agent"), &w->agent);
    submit(c, d);
}

static void on_leave(struct track_call *c)
{
    if (hy_str_eq(c->http->head.method, HY_STR("POST")))
        leave(c);
    else
        leave_page(c);
}

const struct track_route track_leave_routes[] = {
    {"unsubscribe", "/u/", TRACK_GET | TRACK_POST, on_leave},
    {0},
};
