/* SipHash-2-4 (Aumasson and Bernstein, 2012): tables that strangers feed cannot be made slow. */
#pragma once
#include "hayauma/base/str.h"

struct hy_hash_key {
    uint64_t k0, k1;
};

uint64_t hy_siphash(const struct hy_hash_key *key, const void *data, size_t n);
/* A key drawn once per process, for tables in memory only. Any thread. */
const struct hy_hash_key *hy_hash_process_key(void);
