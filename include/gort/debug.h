/* gort/debug.h: tracebacks on demand, the limit on threads, how much a dying program says; when the
 * collector runs, how much memory it may leave in use, and what it did.
 *
 * Go's runtime.Stack and runtime/debug.
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
 * Fails    never. Without debugging information there are names but no lines.
 * Callers  any goroutine.
 */
GORT_API size_t gort_stack(char *buf, size_t n, bool all);

/* The calling goroutine's traceback, all of it. Go: debug.Stack.
 *
 * n        set to its length; may be NULL.
 * Returns  a text on the collected heap, ended by a NUL.
 * Callers  any goroutine.
 */
GORT_API char *gort_debug_stack(size_t *n);

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

/* Has what a dying program prints written to a second place, besides descriptor 2: from the first line of the
 * report of an unrecovered panic, a fatal error or a fatal signal on. Go: debug.SetCrashOutput.
 *
 * fd       is duplicated, and may be closed afterwards; -1: no second place any more. What cannot be written at
 *          once, to a pipe that does not block, is lost.
 * Returns  0, or -1 with errno if there is no such descriptor, or no room for another; then all is as before.
 * Callers  any thread.
 */
GORT_API int gort_debug_set_crash_output(int fd);

/* Makes a fault of the calling goroutine at an address that is not nil's a panic that can be recovered, whose
 * value has the address (gort_error_addr); else the program dies of it. Such addresses are those of a file that
 * was cut off while mapped, or of memory that the program protected. A goroutine begins with false. Go:
 * debug.SetPanicOnFault.
 *
 * Returns  the previous setting.
 * Callers  any goroutine.
 */
GORT_API bool gort_debug_set_panic_on_fault(bool on);

/* Limits the threads of the runtime; with more the program dies of `thread exhaustion`, at once if
 * there are more already. Go: debug.SetMaxThreads.
 *
 * n        threads, 10000 at the start; values below 0 count as 0.
 * Returns  the previous limit.
 * Callers  any goroutine.
 */
GORT_API int gort_debug_set_max_threads(int n);

/* Sets how much the heap may grow between collections: by `percent` of what the last one left. A negative
 * number switches collections off, but for those that the memory limit or gort_gc asks for. At the start
 * $GOGC says it, or it is 100. Go: debug.SetGCPercent.
 *
 * Waits    when switching off, until a collection that is marking has ended.
 * Returns  the previous setting; -1: off.
 * Callers  any goroutine.
 */
GORT_API int gort_debug_set_gc_percent(int percent);

/* The present setting; -1: off. Go: the metric /gc/gogc:percent. Any goroutine. */
GORT_API int gort_debug_gc_percent(void);

/* Sets how much memory the runtime tries to keep within, by collecting and giving pages back more often:
 * all it has mapped and not given back, without the program's own code, data and malloc. It is exceeded
 * if more is alive, or if the collector would need more than half of the CPU time. At the start
 * $GOMEMLIMIT says it, or there is none. Go: debug.SetMemoryLimit.
 *
 * bytes    INT64_MAX: no limit; negative: the setting stays.
 * Returns  the previous setting.
 * Callers  any goroutine.
 */
GORT_API int64_t gort_debug_set_memory_limit(int64_t bytes);

/* Collects, and gives all free pages back to the system. Go: debug.FreeOSMemory.
 *
 * Waits    until both are done.
 * Callers  any goroutine.
 */
GORT_API void gort_debug_free_os_memory(void);

/* Limits the stacks that gort_go_with may ask for, of goroutines that are started from now on; a larger
 * one is made as large as the limit. The default size stays as it is. (A stack here never grows: what
 * Go's runtime does at its limit happens at the end of each stack.) Go: debug.SetMaxStack.
 *
 * bytes    1000000000 at the start.
 * Returns  the previous limit.
 * Callers  any thread.
 */
GORT_API size_t gort_debug_set_max_stack(size_t bytes);

/* What past collections did. Times are in nanoseconds. Go: debug.GCStats. */
typedef struct {
    int64_t last_gc;        /* when the last one ended, since 1970; 0: there was none */
    int64_t num_gc;         /* collections */
    int64_t pause_total_ns; /* that the world stood still for them */
    int64_t
        longest_stop_ns;   /* a collection stops the world twice, or more often and briefly when the
                                program writes all over a large heap: the longest single stop. Not in Go */
    size_t npauses;        /* entries of the next two, of the latest collections */
    int64_t pause_ns[256]; /* all stops of one collection together; the latest first */
    int64_t pause_end[256]; /* when it was over, since 1970 */
    size_t nquantiles;      /* set by the caller: room in the next, or 0 */
    int64_t *quantiles;     /* set by the caller: the shortest pause, quantiles, the longest */
} gort_debug_gc_stats;

/* Fills in *stats, all but its last two fields, and the array that these name: with 5 entries, the
 * minimum, the 25%, 50% and 75% quantiles, and the maximum; zeros if nothing was collected yet. Go:
 * debug.ReadGCStats.
 *
 * Callers  any goroutine.
 */
GORT_API void gort_debug_read_gc_stats(gort_debug_gc_stats *stats);

/* Writes the heap, all goroutines and all roots to `fd`, in Go's format `go1.7 heap dump`. Go:
 * debug.WriteHeapDump.
 *
 * Waits    until the world is stopped; nothing else runs until all is written. `fd` is therefore no pipe
 *          or socket whose other end this program reads.
 * Returns  0, or -1 with errno when a write failed; what was written before is there.
 * Callers  any goroutine.
 */
GORT_API int gort_debug_write_heap_dump(int fd);

/* A file that the program was loaded from. Go: debug.Module; nothing replaces one. */
typedef struct {
    const char *path;    /* as the loader knows it */
    const char *version; /* what follows `.so.` in its name, or "" */
    const char *sum;     /* its build id, "build-id:" and digits, or "" */
} gort_debug_module;

/* Go: debug.BuildSetting. */
typedef struct {
    const char *key, *value;
} gort_debug_build_setting;

/* How the program was built, as far as it can be told from inside: Go: debug.BuildInfo. */
typedef struct {
    const char *gort_version;      /* as gort_version */
    const char *path;              /* of the executable */
    gort_debug_module main;        /* the executable */
    const gort_debug_module *deps; /* the shared libraries, in the loader's order */
    size_t ndeps;
    const gort_debug_build_setting
        *settings; /* -buildmode, -compiler, CC, GOARCH, GOOS; kind: which of the
                                                 builds of gort; libgort: static or shared */
    size_t nsettings;
} gort_debug_build_info;

/* What the program was built from, with the libraries that are loaded now. Go: debug.ReadBuildInfo.
 *
 * Waits    for the loader, if it is at work.
 * Returns  the answer, on the collected heap.
 * Callers  any goroutine.
 */
GORT_API const gort_debug_build_info *gort_debug_read_build_info(void);

/* The lines that Go prints: "go", "path", "mod", "dep" and "build" with their fields between tabs. Go:
 * BuildInfo.String.
 *
 * Returns  a text on the collected heap.
 */
GORT_API const char *gort_debug_build_info_string(const gort_debug_build_info *info);

/* Ends the program as an unrecoverable error of the runtime does: `fatal error: ` and `text`, the
 * tracebacks of all goroutines, exit status 2. Deferred functions do not run. Go: runtime.throw.
 *
 * Callers  any thread.
 */
GORT_API GORT_NORETURN void gort_throw(const char *text);

GORT_END_DECLS

#endif
