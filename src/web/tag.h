/* The web tag as it is delivered: made from tag.js by tools/pack-tag. */
#pragma once
#include <stddef.h>

extern const unsigned char web_tag_js[];
extern const size_t web_tag_js_n;
