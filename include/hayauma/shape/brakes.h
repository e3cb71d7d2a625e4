/* What a campaign says about how fast and when it may be sent: its brakes. */
#pragma once
#include "hayauma/shape/hours.h"
#include "hayauma/shape/limits.h"
#include "hayauma/shape/surge.h"

enum {
    HY_WEIGHT_MAX = 100,
    HY_WEIGHT_NORMAL = 10,
};

/* Stored in bundles: never renumber. */
enum hy_priority {
    HY_PRIORITY_BULK = 0,
    HY_PRIORITY_TRANSACTIONAL = 1, /* overtakes bulk in every lane; knows no hours and no cap */
};
enum { HY_PRIORITIES = 2 };

struct hy_brakes {
    enum hy_priority priority;
    uint32_t weight;      /* 1..HY_WEIGHT_MAX: its share beside others of its priority */
    struct hy_rate speed; /* over all lanes; count 0 = no limit */
    struct hy_hours hours;
    bool is_by_lead;       /* hours by the clock of each lead that has a time zone */
    hy_wall_ms release_ms; /* what waited for hours is let go over so long; 0 = at once */
    bool is_uncapped;      /* the frequency cap does not count here */
    struct hy_surge_limit bounces, complaints;
};
