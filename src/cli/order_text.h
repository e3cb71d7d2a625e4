/* Amounts of orders and carts, for people. */
#pragma once
#include "cli.h"

/* "5000" or "12.34", as it came; "" when it is not said. */
const char *amount_text(const json_t *o, const char *key, char out[40]);
