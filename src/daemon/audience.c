/* Whom a campaign goes to: its lists, its segment and the one it leaves out, as they are when its
 * queue is made. */
#include <roaring/roaring.h>

#include "daemon.h"
#include "hayauma/config/campaign_file.h"
#include "hayauma/store/list.h"
#include "hayauma/store/opt_in.h"
#include "hayauma/store/segments.h"

/* The set of a segment; kind 0: none is named. */
static int find_segment(struct hy_txn *t, struct hy_str name, bool may_be_building,
                        struct hy_lead_set *ret, struct hy_diag *diag)
{
    struct hy_segment s;
    hy_segment_no no = 0;
    *ret = (struct hy_lead_set){0};
    if (name.n == 0)
        return HY_OK;
    int err = hy_segment_find(t, name, &no);
    if (err == HY_OK)
        err = hy_segment_read(t, no, &s);
    if (err == HY_ENOTFOUND)
        return hy_fail(diag, err, "there is no segment '%.*s': 'hayauma segment create' makes it",
                       HY_STR_ARG(name));
    if (err != HY_OK)
        return hy_fail(diag, err, "segments cannot be read: %s", hy_err_text(err));
    if (s.state == HY_SEGMENT_BROKEN)
        return hy_fail(diag, HY_EINVAL, "the segment '%.*s' is broken: %.*s", HY_STR_ARG(name),
                       HY_STR_ARG(s.note));
    if (s.state == HY_SEGMENT_BUILDING && !may_be_building)
        return hy_fail(diag, HY_EBUSY, "the segment '%.*s' is still being built", HY_STR_ARG(name));
    *ret = hy_segment_set_of(no);
    return HY_OK;
}

int plan_segments(struct hy_txn *t, const struct hy_bundle *b, struct hy_diag *diag)
{
    struct hy_lead_set set;
    int err = find_segment(t, b->segment, true, &set, diag);
    return err ? err : find_segment(t, b->exclude, true, &set, diag);
}

/* Who is in a segment now; NULL: none is named. */
static int load_segment(struct hy_txn *t, struct hy_str name, struct hy_diag *diag,
                        roaring_bitmap_t **ret)
{
    struct hy_lead_set set;
    int err = find_segment(t, name, false, &set, diag);
    return err == HY_OK && set.kind ? hy_lead_set_load(t, set, ret) : err;
}

/* Who asked to join a list and has not confirmed it has not said yes to anything. */
static int add_waiting(struct hy_txn *t, roaring_bitmap_t **leads)
{
    struct hy_opt_in o = {0};
    int err;
    if (!*leads)
        *leads = roaring_bitmap_create();
    if (!*leads)
        return HY_ENOMEM;
    while ((err = hy_opt_in_next(t, o.list, o.lead, &o)) == HY_OK)
        roaring_bitmap_add(*leads, o.lead);
    return err == HY_ENOTFOUND ? HY_OK : err;
}

int plan_audience(struct hy_daemon *d, struct hy_txn *t, const struct hy_campaign *c,
                  struct hy_list_audience *ret, struct hy_diag *diag)
{
    HY_CLEANUP(hy_buf_free)
    struct hy_buf bytes = HY_BUF_INIT(HY_CAMPAIGN_BUNDLE_MAX);
    HY_CLEANUP(hy_arena_free)
    struct hy_arena arena = HY_ARENA_INIT(1 << 20);
    struct hy_bundle b;
    const struct hy_tenant *tenant = hy_tenant_by_number(&d->config->tenants, c->tenant);
    *ret = (struct hy_list_audience){0};
    if (c->n_lists > HY_LIST_SET_MAX)
        return hy_fail(diag, HY_ELIMIT, "a campaign goes to at most %d lists", HY_LIST_SET_MAX);
    ret->lists.n = c->n_lists;
    memcpy(ret->lists.lists, c->lists, c->n_lists * sizeof c->lists[0]);
    ret->ask.tenant = tenant ? hy_tenant_suppressor(tenant) : c->tenant;
    int err = hy_campaign_bundle(t, c->id, &bytes);
    if (err == HY_OK)
        err = hy_bundle_decode(hy_buf_str(&bytes), &arena, &b);
    if (err != HY_OK)
        return hy_fail(diag, err, "its contents cannot be read: %s", hy_err_text(err));
    ret->ask.stream = plan_stream(b.priority);
    err = load_segment(t, b.segment, diag, &ret->only);
    if (err == HY_OK)
        err = load_segment(t, b.exclude, diag, &ret->except);
    if (err == HY_OK && ret->lists.n == 0)
        err = add_waiting(t, &ret->except);
    if (err == HY_OK)
        return HY_OK;
    hy_list_audience_free(ret);
    return hy_fail(diag, err, "whom it goes to cannot be read: %s", hy_err_text(err));
}

static json_t *segment_json(struct hy_txn *t, const char *name)
{
    struct hy_segment s;
    hy_segment_no no;
    uint64_t n = 0;
    int err = hy_segment_find(t, hy_str_of(name), &no);
    if (err == HY_OK)
        err = hy_segment_read(t, no, &s);
    if (err == HY_OK)
        err = hy_lead_set_count(t, hy_segment_set_of(no), &n);
    return json_pack("{s:s, s:s, s:I}", "name", name, "state",
                     err == HY_OK ? hy_segment_state_name(s.state) : "missing", "leads",
                     (json_int_t)n);
}

void plan_segments_json(struct hy_txn *t, const struct plan_look *l, json_t *o)
{
    if (l->segment[0])
        json_object_set_new(o, "segment", segment_json(t, l->segment));
    if (l->exclude[0])
        json_object_set_new(o, "exclude", segment_json(t, l->exclude));
}
