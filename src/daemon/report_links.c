/* The links of a campaign with their clicks, and its mail with its links numbered.
 *
 * Numbers are those of the compiled message itself: it is rendered as if for a recipient, and the
 * tokens in it are read back, so that what stands beside a link is about that link. */
#include <stdlib.h>

#include "ctl_common.h"
#include "hayauma/base/codec.h"
#include "hayauma/base/zone.h"
#include "hayauma/config/campaign_file.h"
#include "hayauma/mail/preview.h"
#include "hayauma/store/lead.h"
#include "report.h"

enum {
    MAIL_MAX = 2 << 20,    /* bytes of the mail as it is shown */
    IMAGES_MAX = 1 << 20,  /* bytes of its own images in it */
    LEAD = UINT32_MAX - 1, /* nobody's number */
};

struct words {
    char text[HY_PREVIEW_TEXT_MAX * 2];
};

struct linking {
    struct report *r;
    struct hy_deliver_plan plan;
    const struct hy_message_link *links;
    size_t n_links;
    struct words *words; /* of each link */
    struct hy_bundle bundle;
    size_t image_bytes;
    unsigned n_hidden; /* images that are not shown */
};

/* ---- numbers ---- */

/* Whether an address has a token of this campaign behind `path`. */
static bool has_token(const struct linking *l, struct hy_str url, enum hy_token_kind kind,
                      const char *path, struct hy_token *ret)
{
    size_t at = SIZE_MAX;
    for (size_t i = 0; (i = hy_str_find_str(url, hy_str_of(path), i)) != SIZE_MAX; i++)
        at = i + strlen(path);
    size_t end = at;
    while (at != SIZE_MAX && end < url.n && !strchr("?#&/", url.p[end]))
        end++;
    return at != SIZE_MAX &&
           hy_token_read(&l->r->d->tokens, kind, hy_str_slice(url, at, end), ret) == HY_OK &&
           ret->campaign == l->r->c.id;
}

/* The link that a click address is about; 0: it is none of this campaign's. */
static uint32_t link_of(void *ctx, struct hy_str href)
{
    const struct linking *l = ctx;
    struct hy_token token;
    bool is_ours = has_token(l, href, HY_TOKEN_CLICK, "/c/", &token);
    return is_ours && token.link <= l->n_links ? token.link : 0;
}

static struct hy_str target_of(void *ctx, uint32_t link)
{
    const struct linking *l = ctx;
    return l->links[link - 1].target;
}

static void on_words(void *ctx, uint32_t link, struct hy_str words)
{
    struct linking *l = ctx;
    struct words *w = &l->words[link - 1];
    if (!w->text[0])
        snprintf(w->text, sizeof w->text, "%.*s", HY_STR_ARG(words));
}

/* Images that go along with the mail are shown; those of the net would tell that somebody looks. */
static bool on_image(void *ctx, struct hy_str src, struct hy_buf *out)
{
    struct linking *l = ctx;
    struct hy_str cid = hy_str_istarts(src, HY_STR("cid:")) ? hy_str_slice(src, 4, src.n) : src;
    for (size_t i = 0; i < l->bundle.n_parts && cid.n < src.n; i++) {
        const struct hy_bundle_part *p = &l->bundle.parts[i];
        if (!hy_str_eq(p->cid, cid) || !hy_str_istarts(p->content_type, HY_STR("image/")) ||
            l->image_bytes + p->data.n > IMAGES_MAX ||
            hy_buf_reserve(out, p->data.n / 3 * 4 + 128) != HY_OK)
            continue;
        l->image_bytes += p->data.n;
        hy_buf_add_lit(out, "data:");
        hy_buf_add_str(out, p->content_type);
        hy_buf_add_lit(out, ";base64,");
        out->len += hy_base64_encode(p->data.p, p->data.n, out->data + out->len);
        return true;
    }
    struct hy_token beacon;
    l->n_hidden += !has_token(l, src, HY_TOKEN_OPEN, "/o/", &beacon);
    return false;
}

/* ---- the mail ---- */

/* Values for a recipient whom nobody is: the names of the variables. */
static int fill_slots(struct linking *l, struct hy_arena *arena, struct hy_str *slots)
{
    size_t n = 0;
    int err = hy_attr_count(l->r->t, &n);
    for (size_t i = 0; err == HY_OK && i < n && i < HY_ATTR_MAX; i++) {
        struct hy_str name;
        HY_CLEANUP(hy_buf_free)
        struct hy_buf shown = HY_BUF_INIT(1024);
        err = hy_attr_name(l->r->t, (hy_attr_no)i, &name);
        if (err == HY_OK)
            hy_buf_printf(&shown, "\xe2\x80\xb9%.*s\xe2\x80\xba", HY_STR_ARG(name));
        slots[i] = hy_arena_str(arena, hy_buf_str(&shown));
    }
    for (size_t i = 0; i < l->plan.n_defaults; i++)
        slots[l->plan.defaults[i].slot] = l->plan.defaults[i].value;
    return err;
}

static int render(struct linking *l, enum hy_message_part part, struct hy_buf *out)
{
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(4 << 20);
    struct hy_str *slots = hy_arena_zalloc(&arena, HY_DELIVER_SLOTS * sizeof *slots);
    int err = slots ? fill_slots(l, &arena, slots) : HY_ENOMEM;
    const struct hy_render_input in = {.slots = slots,
                                       .n_slots = HY_DELIVER_SLOTS,
                                       .address = HY_STR("recipient@example.com"),
                                       .lead = LEAD,
                                       .now = hy_clock_wall_ms()};
    return err ? err : hy_message_render_part(l->plan.message, part, &in, out);
}

/* HY_ENOTFOUND: the mail has neither part. */
static int put_mail(struct linking *l, struct hy_buf *out)
{
    const struct hy_preview how = {
        .link = link_of, .words = on_words, .image = on_image, .target = target_of, .ctx = l};
    HY_CLEANUP(hy_buf_free)
    struct hy_buf part = HY_BUF_INIT(HY_MESSAGE_TEXT_MAX * 2);
    int err = render(l, HY_PART_HTML, &part);
    if (err == HY_OK)
        return hy_preview_put(hy_buf_str(&part), &how, out);
    if (err == HY_ENOTFOUND)
        err = render(l, HY_PART_TEXT, &part);
    return err ? err : hy_preview_put_text(hy_buf_str(&part), &how, out);
}

static void put_subject(struct linking *l)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf subject = HY_BUF_INIT(65536);
    if (render(l, HY_PART_SUBJECT, &subject) == HY_OK)
        json_object_set_new(l->r->o, "subject", ctl_text_json(hy_buf_str(&subject)));
}

static void put_preview(struct linking *l)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf mail = HY_BUF_INIT(MAIL_MAX);
    json_t *o = json_object();
    int err = put_mail(l, &mail);
    if (err == HY_OK)
        json_object_set_new(o, "html", ctl_text_json(hy_buf_str(&mail)));
    else
        json_object_set_new(o, "problem", json_string(hy_err_text(err)));
    ctl_set_count(o, "images_hidden", l->n_hidden);
    if (l->r->wish->wants_mail)
        json_object_set_new(l->r->o, "mail", o);
    else
        json_decref(o);
}

/* ---- links ---- */

static json_t *link_json(const struct linking *l, uint32_t no, const struct hy_tally_link *n)
{
    json_t *o = json_object();
    ctl_set_count(o, "link", no);
    if (no && no <= l->n_links) {
        json_object_set_new(o, "url", ctl_text_json(l->links[no - 1].target));
        json_object_set_new(o, "text", ctl_text_json(hy_str_of(l->words[no - 1].text)));
        json_object_set_new(o, "in_text", json_boolean(l->links[no - 1].in_text));
    }
    ctl_set_count(o, "people", n->n_people);
    ctl_set_count(o, "clicks_human", n->clicks[HY_TALLY_HUMAN]);
    ctl_set_count(o, "clicks_machine", n->clicks[HY_TALLY_MACHINE]);
    ctl_set_count(o, "clicks_unknown", n->clicks[HY_TALLY_UNKNOWN]);
    return o;
}

/* All links of the message, those that nobody clicked as well; before them those that were clicked
 * and are none of it. */
static int put_links(struct linking *l)
{
    json_t *all = json_array();
    struct hy_tally_link n = {.link = 0};
    uint32_t next = 1;
    int err;
    for (uint32_t at = 0; (err = hy_campaign_tally_link(l->r->t, l->r->c.id, at, &n)) == HY_OK;
         at = n.link + 1) {
        const struct hy_tally_link none = {.link = 0};
        for (; next < n.link && next <= l->n_links; next++)
            json_array_append_new(all, link_json(l, next, &none));
        json_array_append_new(all, link_json(l, n.link, &n));
        next = n.link + 1;
    }
    for (; err == HY_ENOTFOUND && next <= l->n_links; next++)
        json_array_append_new(all, link_json(l, next, &(struct hy_tally_link){.link = 0}));
    json_object_set_new(l->r->o, "links", all);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

/* Without the message (its pool or tenant are gone from the configuration, say) links have their
 * numbers only. */
static int load(struct linking *l, struct hy_arena *arena, struct hy_buf *bytes)
{
    struct hy_diag diag = {""};
    int err = hy_campaign_bundle(l->r->t, l->r->c.id, bytes);
    if (err == HY_OK)
        err = hy_bundle_decode(hy_buf_str(bytes), arena, &l->bundle);
    if (err == HY_OK)
        err = plan_load(l->r->d, l->r->t, &l->r->c, &diag, &l->plan);
    if (err != HY_OK) {
        json_object_set_new(l->r->o, "mail_problem",
                            json_string(diag.text[0] ? diag.text : hy_err_text(err)));
        return HY_OK;
    }
    l->n_links = hy_message_links(l->plan.message, &l->links);
    l->words = calloc(l->n_links + 1, sizeof *l->words);
    return l->words ? HY_OK : HY_ENOMEM;
}

int report_links_put(struct report *r)
{
    struct linking l = {.r = r};
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bytes = HY_BUF_INIT(HY_CAMPAIGN_BUNDLE_MAX);
    int err = load(&l, &arena, &bytes);
    if (err == HY_OK && l.words) {
        put_subject(&l);
        put_preview(&l);
    }
    if (err == HY_OK)
        err = put_links(&l);
    free(l.words);
    hy_zone_free(l.plan.zone);
    hy_message_free(l.plan.message);
    hy_arena_free(&l.plan.arena);
    return err;
}
