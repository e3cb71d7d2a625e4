/* What campaign watch shows, as a pure function of what is known. */
#pragma once
#include "cli.h"

enum { WATCH_SITES = 10, WATCH_SAMPLES = 16 };

/* Finals over the last seconds: the rate that is shown. */
struct watch_meter {
    struct {
        double at_s;
        int64_t finals;
    } samples[WATCH_SAMPLES];
    size_t n, next;
};
/* Adds what was seen at a moment (monotonic seconds, rising). */
void watch_meter_add(struct watch_meter *m, double at_s, int64_t finals);
/* Per second over the samples of the last ten seconds; 0 until there are two. */
double watch_meter_rate(const struct watch_meter *m);

struct watch_state {
    const json_t *campaign; /* of campaign.show */
    const json_t *sites;    /* the array of sites; may be NULL */
    double rate;            /* finals a second */
    int64_t now_s;          /* wall time, seconds */
};

/* Recipients whose fate is sealed, and all of them; the share is of what will be queued. */
int64_t watch_finals(const json_t *campaign);
bool watch_is_over(const json_t *campaign);
/* Seconds until nothing is fresh any more, by the rate; -1 = not known. 0 = nothing is pending. */
int64_t watch_eta(const struct watch_state *s);
/* The picture for a terminal: lines ended by \n, none wider than `width`. Returns how many. */
size_t watch_render(const struct cli *c, const struct watch_state *s, size_t width,
                    struct hy_buf *out);
/* One line for logs. */
void watch_line(const struct cli *c, const struct watch_state *s, struct hy_buf *out);
