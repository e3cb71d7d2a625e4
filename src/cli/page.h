/* Pieces of a page of HTML: text made safe, plots as inline SVG. What is drawn is drawn in percent,
 * so that it fits a phone as well as a desk and its letters keep their size. */
#pragma once
#include "hayauma/base/buf.h"

/* Text from anywhere, for text and for attributes in quotes. */
void page_put(struct hy_buf *out, const char *text);
/* Begins a section with its title; the caller ends it. */
void page_put_section(struct hy_buf *out, const char *title);

enum { PAGE_SERIES_MAX = 4 };
/* Bars over time, series upon each other. */
struct page_chart {
    const char *title; /* what is seen, for those who do not see it */
    size_t n;          /* points */
    const char *(*label)(void *ctx, size_t i, char room[64]); /* of a point */
    int64_t (*value)(void *ctx, size_t series, size_t i);
    void *ctx;
    size_t n_series;
    const char *names[PAGE_SERIES_MAX]; /* for people */
    const char *kinds[PAGE_SERIES_MAX]; /* "people": class that has the colour */
};
void page_put_chart(struct hy_buf *out, const struct page_chart *c);
/* What the colours mean. */
void page_put_legend(struct hy_buf *out, const struct page_chart *c);
/* A bar for a share of 0..1. */
void page_put_bar(struct hy_buf *out, double share, const char *kind);
