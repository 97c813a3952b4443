/* race.h: reports of ThreadSanitizer in Go's words. */
#ifndef PANIC_RACE_H
#define PANIC_RACE_H

#include "base/attr.h"

/* In a program that was linked with -fsanitize=thread: prepares for the first report. Outside the runtime. */
void race_start(void);

#endif
