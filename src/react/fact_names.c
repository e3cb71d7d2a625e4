/* What every lead has without anybody's giving it. */
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
    if (hy_segment_given_of(name) != HY_SEGMENT_GIVEN_NONE)
        return FACT_SHOP;
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
        break;
    }
    return HY_STR("");
}
