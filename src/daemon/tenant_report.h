/* What became of a tenant's mail within a period, read from the logs, and told to people. */
#pragma once
#include "hayauma/base/buf.h"
#include "hayauma/bounce/reason.h"
#include "hayauma/model/recipient.h"
#include "hayauma/shape/tenant.h"
#include "hayauma/store/env.h"

struct tenant_report {
    uint32_t tenant;
    hy_wall_ms begin, end;
    uint64_t messages;                   /* handed in */
    uint64_t over[HY_RCPT_STATES];       /* recipients that came to an end, by their last state */
    uint64_t deferrals;                  /* attempts after which a recipient waits */
    uint64_t bounced[HY_BOUNCE_REASONS]; /* why, of those that bounced */
    uint64_t late_bounces, complaints, unsubscribes; /* what came back */
};

enum { TENANT_REPORT_TEXT_MAX = 64 * 1024 };

/* Adds up what the logs have for `n` reports, each for its own period; reads a stretch at a time, a
 * snapshot each, until `is_stopped` says so (HY_ECANCELED; NULL = never). Seconds for many millions
 * of attempts: a thread of its own. */
HY_MUST_USE int tenant_report_gather(struct hy_env *env, struct tenant_report *r, size_t n,
                                     bool (*is_stopped)(void *ctx), void *ctx);
/* The text, lines that end in \n. `name` is the tenant's, `host` who sends for it. */
void tenant_report_put(const struct tenant_report *r, const char *name, const char *host,
                       enum hy_tenant_language lang, struct hy_buf *out);
/* One line: whose, and of when. */
void tenant_report_subject(const struct tenant_report *r, const char *name,
                           enum hy_tenant_language lang, struct hy_buf *out);
