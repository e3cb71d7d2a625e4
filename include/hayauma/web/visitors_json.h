/* The companies whose people came to the operator's sites, by the network they came from
 * (web_tag.companies): what the web tag noted of each, known leads among them. */
#pragma once
#include <jansson.h>

#include "hayauma/store/env.h"

enum {
    HY_VISITORS_COMPANIES_MAX = 1000,  /* that are told of */
    HY_VISITORS_FOUND_MAX = 20000,     /* that are counted */
    HY_VISITORS_LEADS_MAX = 20,        /* that are named of a company */
    HY_VISITORS_KEPT_MAX = 1 << 20,    /* visits, visitors and leads that are told apart */
    HY_VISITORS_LOOKED_MAX = 10000000, /* activities that are read */
    HY_VISITORS_DAYS_MAX = 3650,
};

struct hy_visitors_ask {
    hy_wall_ms since; /* activities noted then or later */
    size_t limit;     /* companies told of, 1 .. HY_VISITORS_COMPANIES_MAX: those seen last */
    bool (*is_cancelled)(void *ctx);
    void *ctx;
};

/* Adds "companies" to `o`, each with company, domain, pages, visits (days on which a visitor came),
 * visitors, first, last and leads ({lead, email}), the one seen last first; "found", how many there
 * are; "complete", false when a limit cut the count. Providers are none: they are not noted. Reads
 * the activity log in short snapshots; seconds for millions. HY_ECANCELED, HY_ENOMEM ... */
HY_MUST_USE int hy_visitors_json(struct hy_env *env, const struct hy_visitors_ask *ask, json_t *o);
