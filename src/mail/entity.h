/* Character references of HTML ("&amp;", "&#12354;") back to characters. */
#pragma once
#include "hayauma/base/buf.h"

/* Appends `s` with its references decoded; names that are not known stay as they stand. Any
 * thread. */
void hy_entity_decode(struct hy_buf *out, struct hy_str s);
