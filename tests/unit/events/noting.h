/* Activities for the cases of events. */
#pragma once
#include "hayauma/store/writer.h"

/* `n` opens, of leads 1..n, in one transaction of the writer. */
void note_opens(struct hy_writer *writer, unsigned n);
