/* What `site` and `lane show` print alike, of an answer as `site` gives it; cmd_site.c. */
#pragma once
#include "cli.h"

/* One line: a label, and text from outside made harmless. */
void site_put(struct cli *c, const char *label, const char *text);
/* The domain, its site, hosts and rule. */
void site_print_way(struct cli *c, const json_t *r);
/* Each limit with the place that it stands at. */
void site_print_limits(struct cli *c, const json_t *r);
