/* Amounts of orders, carts and products, and files of them, for people. */
#pragma once
#include "cli.h"

/* "5000" or "12.34", as it came; "" when it is not said. */
const char *amount_text(const json_t *o, const char *key, char out[40]);
/* Which columns of a file were taken as what, so that a wrong guess is seen. */
void print_columns(struct cli *c, const json_t *r);
