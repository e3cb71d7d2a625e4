/* The parts of the report's page. */
#pragma once
#include "report_view.h"

/* "12.30 %", a dash of nothing. */
void report_put_percent(struct hy_buf *out, int64_t n, int64_t of);
void report_put_n(struct hy_buf *out, int64_t n); /* "1,234" */
void report_put_head_cells(struct hy_buf *out, const char *const *heads, size_t n);

/* Pixels that a mail of hy_preview_put takes at its own width, estimated; within sane bounds. */
int report_mail_height(const char *html);

void report_put_times(struct cli *c, const json_t *r, struct hy_buf *out);
void report_put_links(struct cli *c, const json_t *r, struct hy_buf *out);
void report_put_bounces(struct cli *c, const json_t *r, struct hy_buf *out);
