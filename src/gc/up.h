/* up.h: what this room calls on higher floors.
 *
 * panic_plain, panic_runtime   panic/errors.c: a length that no memory can have is the program's
 *                              fault, and recoverable.
 */
#ifndef GC_UP_H
#define GC_UP_H

#include "base/attr.h"

NORETURN void panic_plain(const char *text);
NORETURN void panic_runtime(const char *text);

#endif
