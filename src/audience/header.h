/* What a column header stands for, private to src/audience. */
#pragma once
#include "hayauma/audience/import.h"

/* A header made comparable: NFKC, lower case, without spaces, punctuation and notes such as
 * "(必須)". Returns the length; out holds HY_HEADER_MAX bytes. 0 when nothing is left. */
enum { HY_HEADER_MAX = 192 };
size_t hy_header_fold(struct hy_str header, char *out);
