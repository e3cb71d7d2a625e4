/* The API's description, built in: openapi.json of this folder. */
#pragma once
#include <stddef.h>

extern const unsigned char web_openapi[];
extern const size_t web_openapi_n;
