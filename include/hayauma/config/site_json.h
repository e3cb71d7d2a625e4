/* What is known of a receiving site, as JSON: what the daemon answers to `site`, and what the
 * command prints by itself when no daemon runs. */
#pragma once
#include <jansson.h>

#include "hayauma/dns/resolver.h"
#include "hayauma/shape/limits.h"

/* The domain that a person means, "gmail.com" or "someone@gmail.com", as lower-case A-labels.
 * HY_EINVAL, noted. */
HY_MUST_USE int hy_site_domain(const char *text, struct hy_diag *diag, char out[256]);
/* {"domain", "status", "text", "implicit", "site", "key", "hosts": [{"name", "preference",
 * "addresses"}], "rule", "rule_at", "by": "domain" | "mx" | "", "limits": [{"key", "value", "at"}],
 * "patterns": [{"reply", "do", "for_s", "to_percent", "at"}]}; "at" is "file:line", or "" for what
 * is built in. Any thread; NULL: out of memory. */
json_t *hy_site_json(const struct hy_shape_rules *rules, const struct hy_mx *mx);
