/* A moment of the timeline as an event for others: one JSON object on one line, by the schema that
 * docs/events.md describes and docs/events.schema.json states. Members are only ever added to a
 * version of it. */
#pragma once
#include "hayauma/base/arena.h"
#include "hayauma/base/buf.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/store/campaign.h"
#include "hayauma/store/timeline.h"

enum {
    HY_EVENT_SCHEMA = 1,
    HY_EVENT_MAX = 512 << 10, /* bytes of one event: what does not fit is told without metadata */
    HY_EVENT_TENANT_UNKNOWN = INT32_MAX, /* the campaign that knew it is gone */
};

/* Which events somebody wants. Zeroed: all. */
struct hy_event_filter {
    uint64_t kinds[2];       /* a bit for each enum hy_activity_kind; none: all */
    const uint32_t *tenants; /* none: all */
    size_t n_tenants;
};
void hy_event_filter_add(struct hy_event_filter *f, enum hy_activity_kind k);
bool hy_event_filter_has(const struct hy_event_filter *f, enum hy_activity_kind k);

/* What is remembered between events, so that a campaign or message is looked up once for many. One
 * thread's; `tenants` must outlive it. */
struct hy_event_writer {
    const struct hy_tenants *tenants; /* NULL: they are told by number */
    /* private */
    hy_id campaign; /* that `name` and `campaign_tenant` are of */
    uint32_t campaign_tenant;
    char name[HY_CAMPAIGN_NAME_MAX + 1];
    hy_id message;        /* that `fields` are of */
    struct hy_buf fields; /* ",\"message\":...": members that all events of a message share */
};
void hy_event_writer_init(struct hy_event_writer *w, const struct hy_tenants *tenants);
void hy_event_writer_free(struct hy_event_writer *w);

/* What kind of event the moment is, and whether `f` wants it. */
enum hy_activity_kind hy_event_kind(const struct hy_moment *m);
bool hy_event_is_wanted(struct hy_event_writer *w, struct hy_txn *t, const struct hy_moment *m,
                        const struct hy_event_filter *f);
/* Appends the object, without a line end. What cannot be found any more (a lead that was deleted)
 * is left out. HY_ENOMEM, HY_ELIMIT: `out` is as before. */
HY_MUST_USE int hy_event_put(struct hy_event_writer *w, struct hy_txn *t, const struct hy_moment *m,
                             struct hy_buf *out);
