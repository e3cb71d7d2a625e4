/* Look-ups of records as they are, for one resolver; see hy_resolver_records. */
#pragma once
#include "hayauma/io/loop.h"
#include "query.h"

/* Part of the resolver. */
struct records {
    struct hy_loop *loop;
    struct dns_client *client;
    bool allow_local;
    struct hy_list asking, done;
    struct hy_defer tell;
};

void records_init(struct records *r, struct hy_loop *loop, struct dns_client *client,
                  bool allow_local);
/* Whoever still waits gets NULL. */
void records_end(struct records *r);
HY_MUST_USE int records_ask(struct records *r, struct hy_str name, enum dns_type type,
                            hy_records_fn *fn, void *ctx);
