/* gort/pprof.h: profiles in the formats of `go tool pprof`. Go: package runtime/pprof.
 *
 * Results of -1 come with errno. What is written is gzip'd profile.proto with debug 0, and text with debug
 * 1; the goroutines' with 2 is what a panic prints. Functions and lines are in it as far as they are known
 * here; of the rest a viewer that has the files finds them by build id.
 *
 * A function that ends with a call of another one is often left by a jump, and is then in no stack. A program
 * whose profiles are to name each function is compiled with -fno-optimize-sibling-calls, and with -g
 * -fno-omit-frame-pointer.
 */
#ifndef GORT_PPROF_H
#define GORT_PPROF_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Takes 100 samples for each second of CPU time: of the runtime's threads, by a timer of each, and of others,
 * by one that they share. The profile is written to `fd` when it stops; it is lost when the program ends
 * before. Go: pprof.StartCPUProfile.
 *
 * Returns  0, or -1 with errno: EBUSY: a profile is being made (`cpu profiling already in use`), or the program
 *          has a handler for SIGPROF, which stays; ENOTSUP: ThreadSanitizer tolerates no signals; ENOMEM,
 *          EAGAIN: there is no memory, no thread.
 * Callers  any goroutine.
 * A system call that the kernel does not restart may answer EINTR; sleeping in libc does not. SIGPROF is
 * ignored once a profile has been made. A program that calls exec without fork stops the profile first: the
 * shared timer goes along.
 */
GORT_API int gort_pprof_start_cpu_profile(int fd);
/* Waits until all is written. Go: pprof.StopCPUProfile. 0, or -1 when a write failed. */
GORT_API int gort_pprof_stop_cpu_profile(void);

/* Writes the profile of that name: "allocs", "block", "goroutine", "heap", "mutex", "threadcreate", or one
 * that gort_pprof_new made. -1 with ENOENT if there is none. "goroutineleak", which gort_pprof_profiles does
 * not list, looks for leaked goroutines first (gort_goroutine_leaks). Go: Lookup(name).WriteTo(fd, debug). */
GORT_API int gort_pprof_write(const char *name, int fd, int debug);
/* Writes what is added to the profile in the next `ns` nanoseconds: the difference of two profiles. Waits
 * that long (parks). EINVAL for a profile that the program made. */
GORT_API int gort_pprof_write_delta(const char *name, int fd, int64_t ns);
/* The same in two steps, for who waits in another way, or may not want it in the end. Begin answers NULL with
 * errno where gort_pprof_write_delta does. Each that was begun is ended, once: with fd -1, nothing is
 * written. */
typedef struct gort_pprof_delta gort_pprof_delta;
GORT_API gort_pprof_delta *gort_pprof_delta_begin(const char *name);
GORT_API int gort_pprof_delta_end(gort_pprof_delta *d, int fd);
/* The same as gort_pprof_write("heap", fd, 0). Go: pprof.WriteHeapProfile. */
GORT_API int gort_pprof_write_heap_profile(int fd);

/* Profiles of the program's own. Go: pprof.Profile. */
typedef struct gort_pprof_profile gort_pprof_profile;
/* Panics with Go's texts when the name is empty or in use. Go: pprof.NewProfile. */
GORT_API gort_pprof_profile *gort_pprof_new(const char *name);
/* NULL if there is none. Go: pprof.Lookup. */
GORT_API gort_pprof_profile *gort_pprof_lookup(const char *name);
/* Copies at most n of the profiles, sorted by name; returns how many there are. Go: pprof.Profiles. */
GORT_API size_t gort_pprof_profiles(gort_pprof_profile **p, size_t n);
GORT_API const char *gort_pprof_name(const gort_pprof_profile *p);
GORT_API int gort_pprof_count(gort_pprof_profile *p);
/* Adds the caller's stack, under `value`, without the innermost `skip` frames. Go: Profile.Add, Remove. */
GORT_API void gort_pprof_add(gort_pprof_profile *p, const void *value, int skip);
GORT_API void gort_pprof_remove(gort_pprof_profile *p, const void *value);

/* Labels: words that the samples of a goroutine, and of those it starts, carry. Go: pprof.LabelSet. */
typedef struct gort_pprof_labels gort_pprof_labels;
/* `base` with keys and values added or replaced: gort_pprof_with_labels(NULL, "user", "ann", NULL). On the
 * collected heap. Panics `uneven number of arguments to pprof.Labels`. */
GORT_API const gort_pprof_labels *gort_pprof_with_labels(const gort_pprof_labels *base, ...)
    __attribute__((sentinel));
/* The value of `key`, NULL if there is none. Go: pprof.Label. */
GORT_API const char *gort_pprof_label(const gort_pprof_labels *l, const char *key);
/* Calls fn(key, value, arg) for each, sorted by key, until it returns false. Go: pprof.ForLabels. */
GORT_API void gort_pprof_for_labels(const gort_pprof_labels *l,
                                    bool (*fn)(const char *key, const char *value, void *arg),
                                    void *arg);
/* The calling goroutine's labels. Go: pprof.SetGoroutineLabels. */
GORT_API void gort_pprof_set_goroutine_labels(const gort_pprof_labels *l);
GORT_API const gort_pprof_labels *gort_pprof_goroutine_labels(void);
/* Calls fn(arg) with these labels in place of the goroutine's, which it has again afterwards. Go: pprof.Do. */
GORT_API void gort_pprof_do(const gort_pprof_labels *l, void (*fn)(void *arg), void *arg);

GORT_END_DECLS

#endif
