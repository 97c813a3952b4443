/* gort/debug.h: tracebacks on demand, the limit on threads, how much a dying program says.
 *
 * Go's runtime.Stack, and the parts of runtime/debug that do not concern memory.
 */
#ifndef GORT_DEBUG_H
#define GORT_DEBUG_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Writes a traceback of the calling goroutine, and with `all` of every other one, into `buf`. Go:
 * runtime.Stack.
 *
 * Waits    with `all` until the world is stopped; then nothing else runs meanwhile.
 * n        bytes of `buf`; what does not fit is cut off. No terminating zero is written.
 * Returns  the bytes written.
 * Fails    never. Without libdw there are names but no lines.
 * Callers  any goroutine.
 */
GORT_API size_t gort_stack(char *buf, size_t n, bool all);

/* Writes the calling goroutine's traceback to descriptor 2. Go: debug.PrintStack.
 *
 * Callers  any goroutine.
 */
GORT_API void gort_debug_print_stack(void);

/* Sets how much a dying program prints: "none", "single", "all", "system", "crash" or a number, as
 * $GOTRACEBACK does. It can only add to what the environment asked for. Go: debug.SetTraceback.
 *
 * Callers  any thread.
 */
GORT_API void gort_debug_set_traceback(const char *level);

/* Limits the threads of the runtime; with more the program dies of `thread exhaustion`, at once if
 * there are more already. Go: debug.SetMaxThreads.
 *
 * n        threads, 10000 at the start; values below 0 count as 0.
 * Returns  the previous limit.
 * Callers  any goroutine.
 */
GORT_API int gort_debug_set_max_threads(int n);

/* Ends the program as an unrecoverable error of the runtime does: `fatal error: ` and `text`, the
 * tracebacks of all goroutines, exit status 2. Deferred functions do not run. Go: runtime.throw.
 *
 * Callers  any thread.
 */
GORT_API GORT_NORETURN void gort_throw(const char *text);

GORT_END_DECLS

#endif
