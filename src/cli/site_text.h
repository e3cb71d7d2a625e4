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
/* What a person ordered for a lane: "slowed to 1/4, 2.5 messages/s by order 3 of root, TIME"; ""
 * when nothing; cmd_lane_show.c */
const char *site_order(struct cli *c, const json_t *lane, char *room, size_t size);
/* The same for a narrow column: "[held] ", "[1/4: 3] "; "". */
const char *site_order_mark(const struct cli *c, const json_t *lane, char *room, size_t size);
/* The orders that concern a site: by whom, since when, until when. */
void site_print_orders(struct cli *c, const json_t *r);
/* Each limit with the place that it stands at. */
void site_print_limits(struct cli *c, const json_t *r);
