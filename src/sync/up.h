/* up.h: what this room calls on higher floors.
 *
 * panic_string                  panic/errors.c: misuse of a wait group is a panic.
 * GORT_SCOPE, gort_defer        panic/defer.c: a gort_once is done however its function ends.
 * prof_blocked, prof_contended  prof/block.c: somebody waited; somebody let others go on who had waited.
 */
#ifndef SYNC_UP_H
#define SYNC_UP_H

#include "base/attr.h"

#include <gort/panic.h>

NORETURN COLD void panic_string(const char *text);
/* The calling goroutine waited for so long. No lock is held; inside the runtime or outside.
 * inlined_at   the return address of a public function that is only the slow half of one that programs
 *              inline: its frame is left out then, if it was called by the program. Else NULL. */
COLD void prof_blocked(int64_t cycles, const void *inlined_at);
/* `n` goroutines can go on because of the caller; they waited `cycles` altogether. */
COLD void prof_contended(uint32_t n, int64_t cycles, const void *inlined_at);

#endif
