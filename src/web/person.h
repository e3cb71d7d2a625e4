/* What the files about one person share. */
#pragma once
#include <jansson.h>

#include "hayauma/base/clock.h"
#include "hayauma/store/lead_alias.h"

json_t *person_time_json(hy_wall_ms at);      /* null: 0 */
json_t *person_ip_json(const uint8_t ip[16]); /* null: none */

struct hy_txn;
/* person_mail.c: rows of campaigns of any of the parts, with what servers said; ready messages to
 * an address, with what was in them. Each appends to `out`. */
HY_MUST_USE int person_mails(struct hy_txn *t, const hy_lead_no *parts, size_t n, json_t *out);
HY_MUST_USE int person_messages(struct hy_txn *t, struct hy_str address, json_t *out);
