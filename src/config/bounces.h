/* The rules in the program, made from conf/bounces.yaml. */
#pragma once
#include <stddef.h>

extern const size_t bounces_presets_n;
extern const unsigned char bounces_presets[];
