/* Double opt-in: GET /l/TOKEN asks whether it was the person, POST joins the list. A GET changes
 * nothing: filters follow links. */
#include <stdlib.h>

#include "hayauma/base/list.h"
#include "hayauma/store/opt_in.h"
#include "track_page.h"
#include "track_server.h"

static bool find_request(struct track_call *c, struct hy_token *ret)
{
    if (hy_token_read(track_keys(c), HY_TOKEN_CONFIRM, c->rest, ret) == HY_OK)
        return true;
    if (!track_is_forger(c))
        track_not_found(c);
    return false;
}

static void expired(struct track_call *c)
{
    track_page_note(c, 404, W_EXPIRED_TITLE, W_EXPIRED);
}

/* HY_ENOTFOUND: there is nothing to confirm (any more). *ret_is_done: it was confirmed already. */
static int look(struct hy_txn *t, const struct hy_token *token, bool *ret_is_done)
{
    struct hy_opt_in request;
    int err = hy_opt_in_of_token(t, token, &request);
    if (err != HY_ENOTFOUND)
        return err;
    err = hy_list_was_confirmed(t, token, ret_is_done);
    return err == HY_OK && !*ret_is_done ? HY_ENOTFOUND : err;
}

/* A page about the list: with the button, or that it is done. */
static void show(struct track_call *c, const struct hy_token *token)
{
    bool is_done = false;
    HY_CLEANUP(hy_buf_free)
    struct hy_buf page = HY_BUF_INIT(0);
    struct hy_list_view list;
    enum track_lang lang = track_lang_of(c, HY_STR(""));
    struct hy_txn *t = track_snapshot(c);
    int err = t ? hy_list_read(t, token->link, &list) : HY_EBUSY;
    if (err == HY_OK)
        err = look(t, token, &is_done);
    if (err == HY_OK) {
        track_page_begin(&page, lang, W_JOIN_TITLE);
        track_page_say(&page, is_done ? "done" : "", is_done ? W_JOINED : W_JOIN_TEXT, lang);
        hy_buf_add_lit(&page, "<p><strong>");
        track_page_text(&page, list.name);
        hy_buf_add_lit(&page, "</strong></p>\n");
        if (!is_done)
            track_page_button(&page, "join", W_JOIN, lang);
        track_page_end(&page, lang);
    }
    track_snapshot_done(c);
    if (err == HY_OK)
        track_page_answer(c, 200, &page);
    else if (err == HY_ENOTFOUND)
        expired(c);
    else
        track_busy(c);
}

struct joining {
    struct hy_write_req req; /* first */
    struct track_call *call;
    struct hy_token token;
    struct hy_list_confirmation how;
    int err;
};

static int apply(struct hy_write_req *req, struct hy_txn *t)
{
    struct joining *j = hy_container_of(req, struct joining, req);
    hy_list_no list;
    return hy_list_confirm(t, &j->token, &j->how, &list);
}

static void answer(struct track_call *c)
{
    struct joining *j = c->state;
    if (j->err == HY_OK)
        show(c, &j->token);
    else if (j->err == HY_ENOTFOUND)
        expired(c);
    else
        track_busy(c);
    free(j);
}

static void on_stored(struct hy_write_req *req, int err)
{
    struct joining *j = hy_container_of(req, struct joining, req);
    j->err = err;
    track_later(j->call, answer);
}

static void join(struct track_call *c, const struct hy_token *token)
{
    struct joining *j = calloc(1, sizeof *j);
    if (!j) {
        track_busy(c);
        return;
    }
    *j = (struct joining){.req = {.class = HY_WRITE_ADMIN,
                                  .when = HY_WRITE_NOW,
                                  .on_full = HY_WRITE_FULL_FAIL,
                                  .apply = apply,
                                  .done = on_stored},
                          .token = *token,
                          .how = {.url = c->http->head.path, .token = c->rest}};
    hy_sockaddr_ip16(&c->client, j->how.ip);
    (void)hy_http_field(&c->http->head, HY_STR("User-Agent"), &j->how.agent);
    j->call = track_keep(c, j);
    if (!j->call) {
        free(j);
        return;
    }
    int err = hy_writer_submit(track_writer(c), &j->req);
    if (err != HY_OK) {
        j->err = err;
        answer(j->call);
    }
}

static void on_join(struct track_call *c)
{
    struct hy_token token;
    if (!find_request(c, &token))
        return;
    if (hy_str_eq(c->http->head.method, HY_STR("POST")))
        join(c, &token);
    else
        show(c, &token);
}

const struct track_route track_join_routes[] = {
    {"join", "/l/", TRACK_GET | TRACK_POST, on_join},
    {0},
};
