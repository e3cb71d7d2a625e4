/* Finding the corpora of real mail that stand beside the project, when they do. */
#pragma once
#include "hayauma/base/buf.h"

/* Reads <corpora>/<path> whole into `out`; false (with a message) when it is not there. */
bool corpus_read(const char *path, struct hy_buf *out);
