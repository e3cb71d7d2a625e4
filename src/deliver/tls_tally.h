/* Counting sessions for TLS reports (RFC 8460): gathered by each worker, handed to the writer every
 * few seconds. A kill forgets what was counted since. */
#pragma once
#include <stdatomic.h>

#include "hayauma/store/tlsrpt.h"
#include "hayauma/store/writer.h"

struct tls_tallies;

/* NULL without memory; then nothing is counted. Sessions that the table has no room for go to
 * *uncounted. */
struct tls_tallies *tls_tallies_new(struct hy_writer *w, _Atomic uint64_t *uncounted);
/* What is left is forgotten: flush before. NULL is fine. */
void tls_tallies_free(struct tls_tallies *t);
/* Adds a->count; strings are copied. */
void tls_tallies_add(struct tls_tallies *t, const struct hy_tally *a);
void tls_tallies_flush(struct tls_tallies *t);
