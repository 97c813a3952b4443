/* block.h: who waits for whom, and for how long. */
#ifndef PROF_BLOCK_H
#define PROF_BLOCK_H

#include "base/attr.h"

/* The clock of cycles begins. Before there are threads. */
void prof_ticks_init(void);

#endif
