/* Which delimiter a text uses. */
#pragma once
#include "hayauma/base/str.h"

enum { HY_CSV_SNIFF_BYTES = 16 * 1024 }; /* how much of the text is looked at */

/* The delimiter of the text that begins with `s`, comma when nothing speaks for another. *ret_used
 * is the length of a leading "sep=;" line, which says it outright, else 0. */
char hy_csv_sniff(struct hy_str s, size_t *ret_used);
