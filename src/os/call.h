/* call.h: system calls on descriptors, as numbers and words.
 *
 * The rooms poll and io make calls that differ only in their number and arguments, and io must
 * never reach libc's own `read` or `poll`, which may be libgort_posix's or io/announce.c's. So here
 * is one raw call that returns -errno and leaves errno alone; everything else is spelled with it.
 */
#ifndef OS_CALL_H
#define OS_CALL_H

#include "base/attr.h"

#include <sys/syscall.h>

/* A pointer, descriptor or count as the word that the kernel gets. */
#define WORD(x) ((intptr_t)(x))

/* The result of system call `nr`, or -errno. */
int64_t os_call(long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d, intptr_t e, intptr_t f);
/* The same, as a point where pthread_cancel may end the thread, as glibc's own wrappers are. */
int64_t os_call_cancellable(long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d, intptr_t e,
                            intptr_t f);

#define os_call1(nr, a)             os_call((nr), WORD(a), 0, 0, 0, 0, 0)
#define os_call2(nr, a, b)          os_call((nr), WORD(a), WORD(b), 0, 0, 0, 0)
#define os_call3(nr, a, b, c)       os_call((nr), WORD(a), WORD(b), WORD(c), 0, 0, 0)
#define os_call4(nr, a, b, c, d)    os_call((nr), WORD(a), WORD(b), WORD(c), WORD(d), 0, 0)
#define os_call5(nr, a, b, c, d, e) os_call((nr), WORD(a), WORD(b), WORD(c), WORD(d), WORD(e), 0)

#endif
