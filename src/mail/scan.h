/* A look at finished body bytes: what the transport and the signer may take for granted. */
#pragma once
#include "hayauma/base/str.h"

struct hy_scan {
    bool has_dot_line; /* a line begins with a dot */
    bool has_boundary; /* a line begins with "--" and the boundary */
    bool is_relaxed;   /* no tab, no blanks in a row or at the end of a line */
    size_t line_max;   /* characters of the longest line */
};

/* Lines end with CRLF. */
struct hy_scan hy_scan_body(struct hy_str body, struct hy_str boundary);
