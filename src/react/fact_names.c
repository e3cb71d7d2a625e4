/* What every lead has without anybody's giving it, and its points as values. */
#include <inttypes.h>
#include <stdio.h>

#include "facts_priv.h"
#include "hayauma/mail/address.h"

enum fact_name fact_name_of(struct hy_str name)
{
    static const struct {
        const char *name;
        enum fact_name is;
    } names[] = {
        {"created", FACT_CREATED},
        {"email", FACT_EMAIL},
        {"email_domain", FACT_EMAIL_DOMAIN},
        {"mail_status", FACT_MAIL_STATUS},
        {"score", FACT_SCORE},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (hy_str_eq(name, hy_str_of(names[i].name)))
            return names[i].is;
    enum hy_segment_given given = hy_segment_given_of(name);
    if (given != HY_SEGMENT_GIVEN_NONE)
        return given >= HY_SEGMENT_COMPANY_SCORE ? FACT_COMPANY : FACT_SHOP;
    return hy_str_starts(name, HY_STR("score.")) ? FACT_SCORE : FACT_NONE;
}

struct hy_str fact_value(enum fact_name name, hy_id created, struct hy_str address,
                         enum hy_lead_status status, char room[FACT_ROOM])
{
    switch (name) {
    case FACT_CREATED:
        return hy_str_of(hy_wall_format(hy_id_time(created), room));
    case FACT_EMAIL:
        return address;
    case FACT_EMAIL_DOMAIN:
        return hy_wire_domain(address);
    case FACT_MAIL_STATUS:
        return hy_str_of(hy_lead_status_name(status));
    case FACT_NONE:
    case FACT_SCORE:
    case FACT_SHOP:
    case FACT_COMPANY:
        break;
    }
    return HY_STR("");
}

/* ---- points ---- */

static bool is_group(const struct hy_score_plan *plan, struct hy_str name)
{
    for (size_t i = 0; i < plan->n_groups; i++)
        if (hy_str_eq(plan->groups[i].name, name))
            return true;
    return false;
}

bool fact_is_score(const struct hy_score_plan *plan, struct hy_str name, struct hy_str *ret_group)
{
    struct hy_str group = hy_str_slice(name, name.n < 6 ? name.n : 6, name.n); /* behind "score." */
    if (!plan || fact_name_of(name) != FACT_SCORE || (group.n && !is_group(plan, group)))
        return false;
    *ret_group = group;
    return true;
}

struct hy_str fact_score(int64_t milli, char room[FACT_ROOM])
{
    uint64_t size = milli < 0 ? (uint64_t)-milli : (uint64_t)milli;
    int n = snprintf(room, FACT_ROOM, "%s%" PRIu64 ".%03u", milli < 0 ? "-" : "", size / 1000,
                     (unsigned)(size % 1000));
    return hy_str_make(room, (size_t)n);
}

hy_wall_ms fact_score_stays(const struct hy_segment_node *n, const struct hy_score_sum *sums,
                            size_t n_sums, hy_wall_ms now)
{
    hy_wall_ms until = INT64_MAX;
    for (size_t i = 0; i < n->n_values; i++) {
        if (n->values[i].kind != HY_SEGMENT_NUMBER)
            continue;
        for (int step = 0; step < 2; step++) { /* reaching the value, and going over it */
            double level = n->values[i].number + step * 0.001;
            hy_wall_ms at = hy_score_crosses(level, sums, n_sums, now);
            until = at < until ? at : until;
        }
    }
    return until;
}
