/* The campaigns that browsers ask for. */
#include "track_campaigns.h"

#include <stdlib.h>

#include "hayauma/base/log.h"
#include "hayauma/store/lead.h"
#include "hayauma/track/target.h"
#include "track_server.h"

enum {
    URL_MAX = 8192, /* bytes of a target, what is added included */
};

struct track_campaigns {
    uint64_t now;     /* rises with each question */
    bool keeps_whole; /* messages that no link needs, too */
    size_t n;
    struct track_campaign items[];
};

void hy_track_campaign_free(struct hy_track_campaign *c)
{
    hy_message_free(c->message);
    hy_arena_free(&c->arena);
    *c = (struct hy_track_campaign){0};
}

int track_campaigns_new(size_t n, bool keeps_whole, struct track_campaigns **ret)
{
    struct track_campaigns *a = calloc(1, sizeof *a + n * sizeof *a->items);
    if (!a)
        return HY_ENOMEM;
    a->n = n;
    a->keeps_whole = keeps_whole;
    *ret = a;
    return HY_OK;
}

static void drop(struct track_campaign *a)
{
    if (a->used)
        hy_track_campaign_free(&a->c);
    *a = (struct track_campaign){0};
}

void track_campaigns_forget(struct track_campaigns *a)
{
    for (size_t i = 0; i < a->n; i++)
        drop(&a->items[i]);
}

void track_campaigns_free(struct track_campaigns *a)
{
    if (a)
        track_campaigns_forget(a);
    free(a);
}

/* ---- reading one ---- */

/* Appends a URL that was rendered, with what is added to it. */
static void put_target(const struct hy_track_policy *p, const struct hy_track_campaign *c,
                       struct hy_str raw, struct hy_buf *out, bool *ret_is_site)
{
    struct hy_str before, fragment;
    size_t start = out->len;
    hy_target_split(raw, &before, &fragment);
    hy_target_put(out, before);
    hy_target_add_utm(out, start, &c->utm);
    *ret_is_site =
        hy_target_is_site(hy_str_make(out->data + start, out->len - start), p->sites, p->n_sites);
    hy_target_put(out, fragment);
}

static int make_link(const struct hy_track_policy *p, struct hy_track_campaign *c, uint32_t no,
                     struct track_link *ret)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf raw = HY_BUF_INIT(URL_MAX);
    HY_CLEANUP(hy_buf_free)
    struct hy_buf url = HY_BUF_INIT(URL_MAX);
    const struct hy_render_input nobody = {.slots = c->slots, .n_slots = c->n_slots};
    int err = hy_message_link_target(c->message, no, &nobody, &raw);
    if (err)
        return err == HY_ENOMEM ? err : HY_OK; /* nobody can follow it */
    put_target(p, c, hy_buf_str(&raw), &url, &ret->is_site);
    if (url.err == HY_ELIMIT)
        return HY_OK;
    ret->url = hy_arena_str(&c->arena, hy_buf_str(&url));
    return url.err || !ret->url.p ? HY_ENOMEM : HY_OK;
}

static int make_links(const struct hy_track_policy *p, struct track_campaign *a, bool keeps_message)
{
    const struct hy_message_link *links;
    int err = HY_OK;
    a->n_links = hy_message_links(a->c.message, &links);
    a->links = hy_arena_zalloc(&a->c.arena, (a->n_links + 1) * sizeof *a->links);
    if (!a->links)
        return HY_ENOMEM;
    for (size_t i = 0; i < a->n_links && !err; i++) {
        a->links[i].is_personal = links[i].is_personal;
        keeps_message |= links[i].is_personal;
        if (!links[i].is_personal)
            err = make_link(p, &a->c, (uint32_t)i + 1, &a->links[i]);
    }
    if (!keeps_message) {
        hy_message_free(a->c.message);
        a->c.message = NULL;
    }
    return err;
}

static int load(struct track_call *c, hy_id id, bool is_whole, struct track_campaign *a)
{
    const struct hy_track_options *o = &c->server->o;
    struct hy_txn *t = track_snapshot(c);
    int err = t ? o->load(o->ctx, t, id, &a->c) : HY_EBUSY;
    track_snapshot_done(c);
    if (err)
        return err;
    a->id = id;
    a->used = 1;
    err = make_links(c->policy, a, is_whole);
    if (err)
        drop(a);
    return err;
}

static int find(struct track_call *c, struct track_campaigns *all, hy_id id,
                struct track_campaign **ret)
{
    struct track_campaign *oldest = &all->items[0];
    for (size_t i = 0; i < all->n; i++) {
        struct track_campaign *a = &all->items[i];
        if (a->id == id && a->used) {
            a->used = ++all->now;
            *ret = a;
            return HY_OK;
        }
        if (a->used < oldest->used)
            oldest = a;
    }
    struct track_campaign fresh = {0};
    int err = load(c, id, all->keeps_whole, &fresh);
    if (err)
        return err;
    drop(oldest);
    *oldest = fresh;
    oldest->used = ++all->now;
    *ret = oldest;
    return HY_OK;
}

int track_campaign_find(struct track_call *c, hy_id id, struct track_campaign **ret)
{
    return find(c, c->server->campaigns, id, ret);
}

int track_campaign_find_whole(struct track_call *c, hy_id id, struct track_campaign **ret)
{
    return find(c, c->server->views, id, ret);
}

/* ---- values of a lead ---- */

int track_campaign_render(struct track_call *c, const struct hy_track_campaign *a, hy_lead_no lead,
                          int (*use)(void *ctx, const struct hy_render_input *in), void *ctx)
{
    struct hy_lead_attr *attrs = calloc(HY_ATTR_MAX, sizeof *attrs);
    struct hy_str *slots = calloc(a->n_slots + HY_ATTR_MAX, sizeof *slots);
    struct hy_txn *t = track_snapshot(c);
    struct hy_lead_view view = {0};
    int err = !attrs || !slots ? HY_ENOMEM : !t ? HY_EBUSY : HY_OK;
    if (!err)
        err = hy_lead_read(t, lead, attrs, HY_ATTR_MAX, &view);
    if (!err) {
        memcpy(slots, a->slots, a->n_slots * sizeof *slots);
        for (size_t i = 0; i < view.n_attrs; i++)
            if (attrs[i].no < a->n_slots)
                slots[attrs[i].no] = attrs[i].value;
        const struct hy_render_input in = {.slots = slots,
                                           .n_slots = a->n_slots,
                                           .address = view.address,
                                           .lead = lead,
                                           .now = hy_clock_wall_ms()};
        err = use(ctx, &in);
    }
    track_snapshot_done(c);
    free(slots);
    free(attrs);
    return err;
}

/* ---- targets ---- */

struct personal {
    const struct hy_message *message;
    uint32_t no;
    struct hy_buf *out;
};

static int use_target(void *ctx, const struct hy_render_input *in)
{
    struct personal *p = ctx;
    return hy_message_link_target(p->message, p->no, in, p->out);
}

static int put_personal(struct track_call *c, const struct track_campaign *a, hy_lead_no lead,
                        uint32_t no, struct hy_buf *out, bool *ret_is_site)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf raw = HY_BUF_INIT(URL_MAX);
    struct personal p = {a->c.message, no, &raw};
    int err = track_campaign_render(c, &a->c, lead, use_target, &p);
    if (err)
        return err == HY_EINVAL ? HY_ENOTFOUND : err;
    put_target(c->policy, &a->c, hy_buf_str(&raw), out, ret_is_site);
    return out->err;
}

int track_campaign_target(struct track_call *c, const struct track_campaign *a, hy_lead_no lead,
                          uint32_t no, struct hy_buf *out, bool *ret_is_site)
{
    const struct track_link *l = no && no <= a->n_links ? &a->links[no - 1] : NULL;
    if (!l || l->is_personal)
        return a->c.message ? put_personal(c, a, lead, no, out, ret_is_site) : HY_ENOTFOUND;
    *ret_is_site = l->is_site;
    hy_buf_add_str(out, l->url);
    return l->url.n == 0 ? HY_ENOTFOUND : out->err;
}
