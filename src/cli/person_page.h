/* A page of HTML that stands by itself and can be printed, made from JSON. */
#pragma once
#include "cli.h"

/* Writes one to `out`: the title, and all of `data`, names of fields in the command's language. */
void person_page_write(struct cli *c, FILE *out, const char *title, const json_t *data);
