/* Running programs: the steps of a template with the values of one recipient. */
#pragma once
#include "value.h"

struct hy_run {
    struct hy_scope scope;
    struct hy_sink sink;
    struct hy_buf *escaped; /* scratch */
    struct hy_buf *probe;   /* scratch: URLs of links that may not be links */
};

/* `work` are three scratch buffers; the sink is the caller's to set. */
void hy_run_init(struct hy_run *r, const struct hy_message *m, const struct hy_render_input *in,
                 struct hy_buf work[3]);
/* Renders into the sink; errors stay in its buffer, and in those of the scratch (hy_run_error). */
void hy_run_program(struct hy_run *r, const struct hy_program *p);
int hy_run_error(const struct hy_run *r);
/* Sets up the items that link `link` stood among in turn `turn` of its loop. */
void hy_run_enter_link(struct hy_run *r, const struct hy_link *link, uint32_t turn);

/* The number in a click token: the link, and the turn of the loop around it. */
enum { HY_LINK_TURN = HY_MESSAGE_LINKS_MAX + 1 };
