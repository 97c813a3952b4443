/* check.h: what is never true, and how the runtime says so.
 *
 * CHECK always (wrong would mean silent corruption), DCHECK in debug builds, DCHECK_SLOW under
 * `make paranoid`. throw() is our own failure, fatal() the program's; both end the process with
 * status 2 after a report. Their texts are literals: details are printed before, with base/fmt.h.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/up.h"

#define CHECK(x) (likely(x) ? (void)0 : check_failed(#x, __FILE__, __LINE__))

/* Spelled out each time, so that `x` is quoted as it is written, its macros not expanded. */
#ifdef GORT_DEBUG
#define DCHECK(x) (likely(x) ? (void)0 : check_failed(#x, __FILE__, __LINE__))
#else
#define DCHECK(x) ((void)sizeof(!(x)))
#endif

#ifdef GORT_PARANOID
#define DCHECK_SLOW(x) (likely(x) ? (void)0 : check_failed(#x, __FILE__, __LINE__))
#else
#define DCHECK_SLOW(x) ((void)sizeof(!(x)))
#endif

#endif
