/* What `site` and `lane show` print alike, of an answer as `site` gives it; cmd_site.c. */
#pragma once
#include "cli.h"

/* One line: a label, and text from outside made harmless. */
void site_put(struct cli *c, const char *label, const char *text);
/* The domain, its site, hosts and rule. */
void site_print_way(struct cli *c, const json_t *r);
/* Behind what `text` says: "warm-up, day 5 of 21: 1,200 of 2,000 in 24 hours, the rest waits". */
void site_add_warmth(struct cli *c, const json_t *w, char *text, size_t size);
/* What a lane waits for, and for how long: "the day is full, for 3 h still"; cmd_lane_show.c */
const char *site_wait(struct cli *c, const json_t *lane, char *room, size_t size);
/* Each limit with the place that it stands at. */
void site_print_limits(struct cli *c, const json_t *r);
