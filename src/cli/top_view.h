/* What hayauma top shows, as a pure function of what is known. */
#pragma once
#include "cli.h"

enum { TOP_HISTORY = 60, TOP_FILTER_MAX = 64 };

enum top_sort { TOP_BY_RATE, TOP_BY_SITE, TOP_BY_CONNECTIONS, TOP_BY_DEFERRED };

struct top_state {
    json_t *now, *before;                      /* the newest two answers; before may be NULL */
    double span_s;                             /* between them */
    double delivered_s, deferred_s, bounced_s; /* a second, over that */
    double history[TOP_HISTORY];               /* deliveries a second, the oldest first */
    size_t n_history;
    enum top_sort sort;
    char filter[TOP_FILTER_MAX]; /* only sites with this in their name */
    bool is_typing;              /* the filter is being typed */
    bool is_paused, is_detail;
    size_t selected; /* row of the table */
};

/* A new answer (taken over) that came `span_s` after the last. */
void top_add(struct top_state *s, json_t *answer, double span_s);
void top_free(struct top_state *s);
enum top_key { TOP_QUIT = 1, TOP_STAY };
/* What a key does; keys are ASCII, 'A' and 'B' after ESC [ come as TOP_UP and TOP_DOWN. */
enum { TOP_UP = 0x101, TOP_DOWN = 0x102 };
enum top_key top_press(struct top_state *s, int key);
/* At most `height` lines ended by \n, none wider than `width`; 0 = all lines, for a snapshot. */
size_t top_render(const struct cli *c, const struct top_state *s, size_t width, size_t height,
                  struct hy_buf *out);
