/* The tables of hayauma.yaml. */
#pragma once
#include "hayauma/config/config.h"
#include "schema.h"

#define CONFIG_BOUNCES "[presets, /etc/hayauma/bounces.yaml]" /* of paths.bounces */
#define CONFIG_SHAPING "[presets, /etc/hayauma/shaping.yaml]" /* the default of paths.shaping */

extern const struct schema config_schema;
extern const struct schema source_schema;        /* delivery.sources: source_schema.c */
extern const struct schema pool_schema;          /* delivery.pools: likewise */
extern const struct schema warmup_schema;        /* delivery.warmup_plans: likewise */
extern const struct schema dkim_key_schema;      /* dkim.keys */
extern const struct schema tenant_schema;        /* tenants: tenants.c */
extern const struct schema events_file_schema;   /* events.files: events.c */
extern const struct schema webhook_schema;       /* events.webhooks: likewise */
extern const struct schema tracking_host_schema; /* tracking.hosts: tracking.c */

/* local@domain without anything that a header field or a URI would have to quote. */
bool config_is_plain_address(const char *text);

/* Sections in the order of the file, with the line that introduces each; ended by a NULL name. */
struct config_section {
    const char *name, *doc;
};
extern const struct config_section config_sections[];

/* Whether the node is what the values were read from. A key that stands twice, which has been told
 * as an error, may have been found in its other place. */
static inline bool is_list_of(const struct yaml_node *list, size_t n)
{
    return list && list->kind == YAML_LIST && list->n >= n;
}

/* rule_files.c: finds the files of rules. HY_ENOMEM; those that are missing are noted. */
HY_MUST_USE int rule_files_finish(const struct schema_ctx *x, const struct yaml_node *root,
                                  struct hy_config *c);
/* sources.c: fills in what sources and pools need not say, and checks them as a whole. HY_ENOMEM;
 * faults are noted. */
HY_MUST_USE int warmups_finish(const struct schema_ctx *x, const struct yaml_node *root,
                               struct hy_config *c); /* warmups.c, before sources_finish */
/* warmups.c, when sources are known: warns of plans that nobody uses. */
void warmups_check_used(const struct schema_ctx *x, const struct yaml_node *root,
                        const struct hy_config *c);
HY_MUST_USE int sources_finish(const struct schema_ctx *x, const struct yaml_node *root,
                               struct hy_config *c);
/* tenants.c, behind sources_finish: makes their look-ups and checks what names them. */
HY_MUST_USE int tenants_finish(const struct schema_ctx *x, const struct yaml_node *root,
                               struct hy_config *c);
/* tracking.c: checks where browsers are answered. Faults are noted. */
void tracking_finish(const struct schema_ctx *x, const struct yaml_node *root,
                     const struct hy_config *c);
/* events.c, behind tenants_finish: checks where events go. Faults are noted. */
void events_finish(const struct schema_ctx *x, const struct yaml_node *root, struct hy_config *c);
