/* gort/callers.h: who called whom: package runtime's Caller, Callers, Frames, Func and SetCgoTraceback. */
#ifndef GORT_CALLERS_H
#define GORT_CALLERS_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* The file and line of a call on the calling goroutine's stack. Go: runtime.Caller.
 *
 * skip     frames to go up; 0: the caller of gort_caller; a negative one: gort_caller itself.
 *          Calls that were inlined are frames, too; telling them apart, and file and line, reads the program's
 *          debugging information, the first time from its files.
 * Returns  false, and sets 0, "" and 0, beyond the end of the stack. Each pointer may be NULL. The stack ends
 *          with the goroutine's function (of goroutine 1: the one given to gort_run): what the runtime has
 *          above it (Go tells of runtime.main and runtime.goexit there) is not told.
 * Callers  any goroutine.
 */
GORT_API bool gort_caller(int skip, uintptr_t *pc, const char **file, int *line);

/* Fills pcs[0, n) with return addresses of the calling goroutine's stack, the innermost first; calls that
 * were inlined have no entries of their own, gort_callers_frames tells them. Go: runtime.Callers.
 *
 * skip     frames not to record, inlined ones counted; 0: begins with gort_callers itself, 1: its caller. More
 *          than 1 reads debugging information, see gort_caller. If the skipped calls end among those that were
 *          inlined into one frame, its pc is followed by an entry for gort_callers_frames that says so.
 * Returns  how many there are. The stack ends as for gort_caller.
 * Callers  any goroutine.
 */
GORT_API int gort_callers(int skip, uintptr_t *pcs, int n);

typedef struct gort_func gort_func;
typedef struct gort_frames gort_frames;

/* One call. Go: runtime.Frame. Strings live as long as the process. A function of C++ is called after what it is
 * declared in, without parameters: space::type::name; what has no name there is {anonymous}, a namespace, or
 * {unnamed}, as the type of a lambda. */
typedef struct {
    uintptr_t pc;          /* of the call, not where it returns to */
    const gort_func *func; /* NULL: inlined, or not known */
    const char *function;  /* "" if unknown */
    const char *file;      /* "" if unknown */
    int line;              /* 0 if unknown */
    uintptr_t entry;       /* of the function that has a frame; 0 if unknown */
} gort_frame;

/* Begins with the calls that pcs[0, n) of gort_callers stand for; the array is not to change meanwhile. The
 * result is on the collected heap. Go: runtime.CallersFrames. */
GORT_API gort_frames *gort_callers_frames(const uintptr_t *pcs, int n);
/* The next call in *out, zeroed behind the last. Returns whether there is another one after it. Go:
 * Frames.Next. */
GORT_API bool gort_frames_next(gort_frames *f, gort_frame *out);

/* The function at `pc`, NULL if there is none; of inlined ones, the innermost. Go: runtime.FuncForPC. */
GORT_API const gort_func *gort_func_for_pc(uintptr_t pc);
/* Its name; "" of NULL. Go: Func.Name. */
GORT_API const char *gort_func_name(const gort_func *f);
/* Where it begins. Go: Func.Entry. */
GORT_API uintptr_t gort_func_entry(const gort_func *f);
/* The file and line of the instruction at `pc` of `f`. Go: Func.FileLine. */
GORT_API void gort_func_file_line(const gort_func *f, uintptr_t pc, const char **file, int *line);

/* Arguments of the functions given to gort_set_cgo_traceback, as package runtime documents them. */
struct gort_cgo_traceback_arg {
    uintptr_t context;
    uintptr_t sig_context;
    uintptr_t *buf;
    uintptr_t max;
};
struct gort_cgo_context_arg {
    uintptr_t context;
};
struct gort_cgo_symbolizer_arg {
    uintptr_t pc;
    const char *file;
    uintptr_t lineno;
    const char *func;
    uintptr_t entry;
    uintptr_t more;
    uintptr_t data;
};
/* Functions that know foreign code, as package runtime documents them. Go: runtime.SetCgoTraceback. In C all code
 * is foreign, and most of it is known without them; what they are for is code that no file describes.
 *
 * symbolizer  is asked of each pc that no loaded module has a function for, by tracebacks, gort_frames_next, and
 *             when a profile or a trace is written; never without `traceback`. At most 16 answers for one pc, of
 *             texts of at most 1000 bytes. It may be called on a thread of the runtime's own.
 * traceback   is asked when the stack of a foreign call (gort_cgocall) cannot be followed to the goroutine's own, or
 *             any other ends in code of no loaded module: with a context, of another thread's call; with
 *             sig_context, when a signal interrupted it, such as a CPU profile's; with neither, of the running
 *             one. Tracebacks, gort_callers, all profiles and traces ask. At most 32 pcs.
 * context     is called when a foreign call has called back and is about to wait there, or a thread that the program
 *             attached is, and again when it goes on. It and `traceback` may be called in a signal handler, and
 *             with locks of the runtime held: both must be signal-safe.
 * version     0, else a panic `unsupported version`.
 * Fails       by a panic `call SetCgoTraceback only once` when called again with other functions.
 */
GORT_API void gort_set_cgo_traceback(int version, void *traceback, void *context, void *symbolizer);

GORT_END_DECLS

#endif
