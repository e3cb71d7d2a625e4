/* A tenant: somebody for whom this installation sends, kept apart from the others. What it may do
 * is immutable and belongs to a snapshot of the configuration; what it has used up is counted
 * elsewhere (store/tenant.h). Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hayauma/base/arena.h"
#include "hayauma/base/clock.h"
#include "hayauma/base/err.h"
#include "hayauma/base/str.h"
#include "hayauma/shape/limits.h"

enum {
    HY_TENANTS_MAX = 10000,
    HY_TENANT_NUMBER_MAX = (1 << 29) - 1,
    HY_TENANT_NAME_MAX = 63, /* bytes: a-z, 0-9, - and _ */
    HY_TENANT_DOMAINS_MAX = 1000,
};
#define HY_TENANT_DEFAULT "default" /* number 0: the installation itself */

/* What may be handed in; 0 = as much as the installation takes. A message to three recipients
 * counts as three. */
struct hy_tenant_quota {
    uint32_t per_hour, per_day;
    uint32_t rcpts;      /* of one message */
    uint32_t queued;     /* waiting to be sent at the same time */
    uint64_t size_bytes; /* of one message */
};

enum hy_quota_kind {
    HY_QUOTA_NONE = 0, /* it fits */
    HY_QUOTA_HOUR,
    HY_QUOTA_DAY,
    HY_QUOTA_QUEUED,
    HY_QUOTA_RCPTS,
    HY_QUOTA_SIZE,
};
/* Why a message is not taken. */
struct hy_quota_verdict {
    enum hy_quota_kind kind;
    bool is_for_ever; /* the message by itself is more than the quota */
    uint64_t limit;
    hy_wall_ms until; /* when there will be room; 0 = when mail has left, or never */
};
/* Whether a message by itself is within the quota; *ret is set in any case. */
bool hy_quota_fits(const struct hy_tenant_quota *q, uint32_t n_rcpts, uint64_t size_bytes,
                   struct hy_quota_verdict *ret);
enum { HY_QUOTA_TEXT_MAX = 160 };
/* "Quota of 100 recipients an hour is used up, try again at ...", one line of ASCII. */
const char *hy_quota_text(const struct hy_quota_verdict *v, char out[HY_QUOTA_TEXT_MAX]);

enum hy_tenant_report {
    HY_TENANT_REPORT_NEVER = 0,
    HY_TENANT_REPORT_DAILY,
    HY_TENANT_REPORT_WEEKLY,
};
enum hy_tenant_language { HY_TENANT_EN = 0, HY_TENANT_JA = 1 };

struct hy_tenant_domains {
    const char *const *items; /* lower-case A-labels, "*.example.net" = below it, "*" = any that is
                                 no other tenant's */
    size_t n;
};

/* Every string is NUL-terminated, never NULL ("" when empty). */
struct hy_tenant {
    uint32_t number; /* in ids of messages: never to be given to another tenant */
    const char *name;
    struct hy_tenant_domains domains; /* that From and the sender may have */
    struct hy_tenant_quota quota;
    struct hy_rate rate;        /* of all its mail, over all sites; count 0 = no limit */
    uint32_t weight;            /* 1..HY_WEIGHT_MAX: its share of a lane beside other tenants */
    const char *pool;           /* of sources, for its mail that names none; "" = delivery.pool */
    bool has_installation_keys; /* keys that name no tenant may sign its mail */
    bool shares_suppression;    /* with the installation, both ways */
    const char *contact;        /* whom reports on it go to; "" = nobody */
    enum hy_tenant_report report;
    uint32_t report_hour;             /* 0..23, by the machine's clock; weekly ones on Mondays */
    enum hy_tenant_language language; /* of reports */
};

/* Under whose number its suppressions stand: its own, or the installation's. */
static inline uint32_t hy_tenant_suppressor(const struct hy_tenant *t)
{
    return t->shares_suppression ? 0 : t->number;
}

/* A name of one tenant. */
struct hy_tenant_rule {
    struct hy_str domain; /* without "*."; empty for "*" */
    bool is_below;        /* those below it, not itself */
    uint32_t tenant;      /* index into items */
};

struct hy_tenants {
    const struct hy_tenant *items; /* as the file has them */
    size_t n;
    /* made by hy_tenants_index */
    const uint32_t *by_number, *by_name; /* indices, sorted */
    const struct hy_tenant_rule *rules;  /* sorted; without those for any domain */
    size_t n_rules;
    const struct hy_tenant *installation; /* number 0 */
};

/* What stands in the way of an index. */
enum hy_tenants_clash { HY_TENANTS_SAME_NUMBER = 1, HY_TENANTS_SAME_NAME, HY_TENANTS_SAME_DOMAIN };
typedef void hy_tenants_clash_fn(void *ctx, enum hy_tenants_clash kind, size_t first, size_t second,
                                 const char *domain);

/* Makes the look-ups of items[0..n), which stay where they are; with tenant 0 if they lack it. Each
 * clash is told (first < second, indices): then HY_EEXIST. HY_ENOMEM. */
HY_MUST_USE int hy_tenants_index(struct hy_tenants *t, struct hy_arena *arena,
                                 hy_tenants_clash_fn *clash, void *ctx);

/* NULL: there is none. 0 and "default" are always there; names in any case. Any thread. */
const struct hy_tenant *hy_tenant_by_number(const struct hy_tenants *t, uint32_t number);
const struct hy_tenant *hy_tenant_by_name(const struct hy_tenants *t, struct hy_str name);
/* By its name, or by its number in decimal. */
const struct hy_tenant *hy_tenant_find(const struct hy_tenants *t, struct hy_str text);

/* Whose domain it is: that of the tenant that names it, or the nearest parent of it by "*."; NULL:
 * nobody's. `domain` in A-labels, any case. */
const struct hy_tenant *hy_tenant_owner(const struct hy_tenants *t, struct hy_str domain);
/* Whether mail of this tenant may be from there: the domain is its own, or nobody's and the tenant
 * has "*", as the installation itself does. */
bool hy_tenant_may_use(const struct hy_tenants *t, const struct hy_tenant *tenant,
                       struct hy_str domain);
