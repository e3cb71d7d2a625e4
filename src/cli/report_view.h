/* The report on a campaign, in the forms that people take it in. */
#pragma once
#include "cli.h"

/* A figure of the overview: so many, and what part that is of others. */
struct report_figure {
    const char *key;   /* "opened": of the CSV */
    const char *label; /* in the person's language */
    int64_t n;
    int64_t of;           /* 0: no share is told */
    const char *of_label; /* "of delivered" */
    bool is_detail;       /* belongs to the one before */
};
enum { REPORT_FIGURES_MAX = 32 };
/* Returns how many. */
size_t report_figures(const struct cli *c, const json_t *r, struct report_figure *ret);

/* A reason and how often. */
struct report_reason {
    const char *name; /* of enum hy_bounce_reason, in English */
    int64_t n;
};
enum { REPORT_REASONS_MAX = 64 };
/* The most frequent first; returns how many. */
size_t report_reasons(const json_t *by_name, struct report_reason ret[REPORT_REASONS_MAX]);

/* What a reason means, in the person's language; the name itself when there are no words for it. */
const char *report_reason_label(const struct cli *c, const char *name);

void report_print_text(struct cli *c, const json_t *r);
/* "overview", "links" ...: one that report_csv_tables names; `bom` for spreadsheets that take a
 * file for something else than UTF-8 without it. */
void report_print_csv(struct cli *c, const json_t *r, const char *table, bool bom);
extern const char report_csv_tables[]; /* words, blanks between */
/* A page of its own: nothing in it asks the net for anything. */
void report_put_html(struct cli *c, const json_t *r, struct hy_buf *out);
