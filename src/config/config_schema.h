/* The tables of hayauma.yaml. */
#pragma once
#include "schema.h"

#define CONFIG_SHAPING "[presets, /etc/hayauma/shaping.yaml]" /* the default of paths.shaping */

extern const struct schema config_schema;
extern const struct schema source_schema;   /* delivery.sources */
extern const struct schema dkim_key_schema; /* dkim.keys */

/* Sections in the order of the file, with the line that introduces each; ended by a NULL name. */
struct config_section {
    const char *name, *doc;
};
extern const struct config_section config_sections[];
