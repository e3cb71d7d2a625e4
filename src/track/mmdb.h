/* Files in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), as far as companies need them:
 * a binary tree over the bits of addresses, and records behind it. Any bytes are safe. */
#pragma once
#include "hayauma/base/str.h"

struct mmdb {
    struct hy_str tree, data;
    uint32_t nodes;
    unsigned record_bits; /* 24, 28 or 32 */
    bool is_v4;
    struct hy_str type; /* "GeoIP2-ISP" */
};

bool mmdb_is(struct hy_str bytes);
/* HY_EPARSE. Views of `bytes`. */
HY_MUST_USE int mmdb_open(struct hy_str bytes, struct mmdb *ret);
/* Where the record of an address begins in the data. HY_ENOTFOUND, HY_EPARSE. */
HY_MUST_USE int mmdb_find(const struct mmdb *m, const uint8_t ip[16], size_t *ret_at);
/* The text at a path of keys ("traits", "isp") of the map that begins at `at`. HY_ENOTFOUND: there
 * is none, or it is no text; HY_EPARSE. */
HY_MUST_USE int mmdb_text(const struct mmdb *m, size_t at, const char *const *path, size_t n_path,
                          struct hy_str *ret);
