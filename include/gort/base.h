/* gort/base.h: what every public header leans on.
 *
 * Usable alone and from C11 and C++, like each header in this folder. `errno` belongs to the
 * goroutine: the C library's own macro lets the compiler keep the address of a thread's errno over
 * a call, after which the goroutine may be on another thread; here it is asked anew each time.
 */
#ifndef GORT_BASE_H
#define GORT_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gort/sanitize.h>

#ifndef GORT_API
#define GORT_API __attribute__((visibility("default")))
#endif

#define GORT_NORETURN __attribute__((noreturn))

#ifdef __cplusplus
#define GORT_BEGIN_DECLS extern "C" {
#define GORT_END_DECLS   }
#else
#define GORT_BEGIN_DECLS
#define GORT_END_DECLS
#endif

GORT_BEGIN_DECLS

/* The address of the running goroutine's errno; never kept over a call of this library. */
GORT_API int *gort_errno_location(void);

GORT_END_DECLS

#undef errno
#define errno (*gort_errno_location())

#endif
