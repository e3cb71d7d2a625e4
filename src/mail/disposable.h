/* The embedded table of data/disposable-domains.txt, made by tools/embed-domains. */
#pragma once
#include <stddef.h>

extern const char *const hy_disposable_domains[]; /* ascending by strcmp */
extern const size_t hy_disposable_domains_n;
