/* up.h: what this room calls on higher floors.
 *
 * panic_string             panic/errors.c: misuse of a wait group is a panic.
 * GORT_SCOPE, gort_defer   panic/defer.c: a gort_once is done however its function ends.
 */
#ifndef SYNC_UP_H
#define SYNC_UP_H

#include "base/attr.h"

#include <gort/panic.h>

NORETURN COLD void panic_string(const char *text);

#endif
