/* Reading a table of the corpora: tab-separated, one header line. */
#pragma once
#include "hayauma/base/buf.h"

enum { TABLE_COLUMNS_MAX = 16 };

/* Calls `row` for each line with its columns ("\n", "\r", "\t" and "\\" written out are read);
 * false when the corpora are not there. */
bool table_read(const char *path, void (*row)(const struct hy_str *columns, size_t n));
