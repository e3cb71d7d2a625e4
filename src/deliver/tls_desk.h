/* The desk that knows what each domain demands of TLS: MTA-STS (RFC 8461) and DANE (RFC 7672).
 * Feeder's thread. */
#pragma once
#include "hayauma/base/list.h"
#include "hayauma/shape/limits.h"
#include "parts.h"
#include "tls_site.h"

struct tls_desk;
struct feeder;

/* With the feeder's resolver at work. NULL without memory. Starts to find out whether the resolver
 * validates. */
struct tls_desk *tls_desk_new(struct feeder *f);
/* After the resolver was freed: who waits is told HY_ECANCELED. NULL is fine. */
void tls_desk_free(struct tls_desk *k);
/* Whether DANE counts; else why not, for people. */
bool tls_desk_has_dane(const struct tls_desk *k, const char **ret_why);
/* MSG_STS_FETCHED. */
void tls_desk_fetched(struct tls_desk *k, struct hy_msg *m);

/* Once. `site`: one reference for the callee; NULL with an error: HY_ECANCELED, or HY_ENOMEM and
 * HY_ELIMIT when it cannot be known now: never take that for "nothing is demanded". */
typedef void tls_desk_fn(void *ctx, int err, struct tls_site *site);
/* `mx`: with status HY_MX_OK. A domain whose policy has to be fetched first waits for that, but no
 * longer than settings.tls.wait_us. May call `fn` at once. */
void tls_desk_ask(struct tls_desk *k, struct hy_mx *mx, const struct hy_shape_limits *limits,
                  tls_desk_fn *fn, void *ctx);
