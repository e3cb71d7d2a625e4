/* Entries of the suppression list put, found and taken away in the open store of a case. */
#pragma once
#include "case.h"
#include "hayauma/store/suppress.h"

#define DAY ((hy_wall_ms)24 * 3600 * 1000)

struct hy_suppress_entry suppress_entry_of(const char *what, enum hy_suppress_scope scope,
                                           uint32_t tenant, uint32_t no,
                                           enum hy_suppress_reason reason);
/* Committed. */
enum hy_suppress_did suppress_put_entry(const struct hy_suppress_entry *e);
void suppress_put(const char *what, enum hy_suppress_scope scope, uint32_t tenant, uint32_t no,
                  enum hy_suppress_reason reason);
struct hy_suppress_id suppress_id_of(const char *what);
int suppress_del(const char *what, enum hy_suppress_scope scope, uint32_t tenant, uint32_t no,
                 enum hy_suppress_reason reason);
/* The reason of the entry that keeps mail away, or HY_ENOTFOUND. */
int suppress_find(const char *address, const struct hy_suppress_ask *ask);
int suppress_find_for(const char *address, uint32_t tenant, enum hy_stream stream);
