/* gort/go.h: running, goroutines, threads: package runtime's Gosched, Goexit, GOMAXPROCS and so on. */
#ifndef GORT_GO_H
#define GORT_GO_H

#include <gort/base.h>

GORT_BEGIN_DECLS

#define GORT_GOOS "linux"
#if defined(__x86_64__)
#define GORT_GOARCH "amd64"
#elif defined(__aarch64__)
#define GORT_GOARCH "arm64"
#endif
/* The name of the tool chain, as runtime.Compiler. */
#define GORT_COMPILER "gort"

/* Starts the runtime and runs fn(argc, argv) as goroutine 1.
 *
 * Waits    until fn returns. The other goroutines end with it, as in Go.
 * Returns  fn's result, as an exit status. Should the calling thread then be held up inside some
 *          goroutine's code, the process exits with that status at once, running its atexit
 *          functions; code after gort_run does not run then.
 * Fails    by Go's fatal error when called a second time or by a goroutine.
 * Callers  the program's first thread, once.
 */
GORT_API int gort_run(int (*fn)(int argc, char **argv), int argc, char **argv);

/* At file scope: defines main(), which calls gort_run(fn, argc, argv). */
#define GORT_MAIN(fn)                                                                              \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return gort_run(fn, argc, argv);                                                           \
    }

/* Registers an initialiser of the file: it runs on goroutine 1 before fn, in order of registration, on the
 * program's first thread; one that calls gort_lock_os_thread keeps fn there. GODEBUG=inittrace=1 prints a
 * line for each. At file scope: GORT_INIT(name) { ... }. */
#define GORT_INIT(name)                                                                            \
    static void gort_init_##name(void);                                                            \
    __attribute__((constructor)) static void gort_register_##name(void)                            \
    {                                                                                              \
        static struct gort_init_record record = {#name, gort_init_##name, NULL};                   \
        gort_register_init(&record);                                                               \
    }                                                                                              \
    static void gort_init_##name(void)
struct gort_init_record {
    const char *name;
    void (*fn)(void);
    struct gort_init_record *next;
};
GORT_API void gort_register_init(struct gort_init_record *r);

/* What gort_go stands for: starts a goroutine that calls fn with n words; `options` may be NULL.
 * Fails by `go of nil func value` when fn is NULL. Any goroutine may call it. */
typedef struct {
    size_t stack_bytes; /* 0: the default, GORT_STACK in the environment or 256 KiB */
} gort_go_options;
GORT_API void gort_go_start(const gort_go_options *options, void (*fn)(void), size_t n,
                            const uintptr_t *words);

/* gort_go(f, x, ...)      the go statement: calls f(x, ...) in a new goroutine.
 * gort_go_with(o, f, ...) the same with options: gort_go_with(((gort_go_options){.stack_bytes = N}), f)
 *
 * 0 to 6 arguments of integer or pointer type; the call is type-checked by the compiler, and an
 * argument of floating or struct type does not compile. The arguments are evaluated once, in the
 * calling goroutine; what f returns is dropped.
 */
#define gort_go(...)         GORT_GO_N_(GORT_GO_COUNT_(__VA_ARGS__), NULL, __VA_ARGS__)
#define gort_go_with(o, ...) GORT_GO_N_(GORT_GO_COUNT_(__VA_ARGS__), &(o), __VA_ARGS__)

#define GORT_GO_COUNT_(...)                       GORT_GO_8TH_(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0, 0)
#define GORT_GO_8TH_(a, b, c, d, e, f, g, n, ...) n
#define GORT_GO_N_(n, ...)                        GORT_GO_CAT_(n, __VA_ARGS__)
#define GORT_GO_CAT_(n, ...)                      GORT_GO_##n##_(__VA_ARGS__)
#define GORT_GO_0_(o, fn)                         GORT_GO_CALL_(o, fn, (fn)(), 0, 0)
#define GORT_GO_1_(o, fn, a)                      GORT_GO_CALL_(o, fn, (fn)(a), 1, GORT_WORD_(a))
#define GORT_GO_2_(o, fn, a, b)                   GORT_GO_CALL_(o, fn, (fn)(a, b), 2, GORT_WORD_(a), GORT_WORD_(b))
#define GORT_GO_3_(o, fn, a, b, c)                                                                 \
    GORT_GO_CALL_(o, fn, (fn)(a, b, c), 3, GORT_WORD_(a), GORT_WORD_(b), GORT_WORD_(c))
#define GORT_GO_4_(o, fn, a, b, c, d)                                                              \
    GORT_GO_CALL_(o, fn, (fn)(a, b, c, d), 4, GORT_WORD_(a), GORT_WORD_(b), GORT_WORD_(c),         \
                  GORT_WORD_(d))
#define GORT_GO_5_(o, fn, a, b, c, d, e)                                                           \
    GORT_GO_CALL_(o, fn, (fn)(a, b, c, d, e), 5, GORT_WORD_(a), GORT_WORD_(b), GORT_WORD_(c),      \
                  GORT_WORD_(d), GORT_WORD_(e))
#define GORT_GO_6_(o, fn, a, b, c, d, e, f)                                                        \
    GORT_GO_CALL_(o, fn, (fn)(a, b, c, d, e, f), 6, GORT_WORD_(a), GORT_WORD_(b), GORT_WORD_(c),   \
                  GORT_WORD_(d), GORT_WORD_(e), GORT_WORD_(f))

#ifdef __cplusplus
} /* extern "C" */
#include <type_traits>
template <typename T> static inline uintptr_t gort_word_of(T v)
{
    static_assert(std::is_integral<T>::value || std::is_pointer<T>::value ||
                      std::is_enum<T>::value || std::is_same<T, std::nullptr_t>::value,
                  "gort_go takes arguments of integer or pointer type");
    return (uintptr_t)v;
}
#define GORT_WORD_(x) gort_word_of(x)
#define GORT_GO_CALL_(o, fn, call, n, ...)                                                         \
    do {                                                                                           \
        if (false)                                                                                 \
            (void)(call);                                                                          \
        const uintptr_t gort_words_[] = {__VA_ARGS__};                                             \
        gort_go_start((o), (void (*)(void))(fn), (n), gort_words_);                                \
    } while (0)
extern "C" {
#else
/* A floating argument selects a struct, which no cast accepts. */
struct gort_floating_argument_ {
    char not_allowed;
};
#define GORT_WORD_(x)                                                                              \
    ((uintptr_t) _Generic((x), float                                                               \
                          : (struct gort_floating_argument_){0}, double                            \
                          : (struct gort_floating_argument_){0}, long double                       \
                          : (struct gort_floating_argument_){0}, default                           \
                          : (x)))
#define GORT_GO_CALL_(o, fn, call, n, ...)                                                         \
    do {                                                                                           \
        if (0)                                                                                     \
            (void)(call);                                                                          \
        const uintptr_t gort_words_[] = {__VA_ARGS__};                                             \
        gort_go_start((o), (void (*)(void))(fn), (n), gort_words_);                                \
    } while (0)
#endif

/* Lets other goroutines run: the caller goes to the end of its processor's queue. Go's Gosched. */
GORT_API void gort_gosched(void);

/* Goroutines that exist now, the runtime's own not counted; at least 1. Go's NumGoroutine. */
GORT_API int gort_num_goroutine(void);

/* CPUs this process may run on, as it was at the start. Go's NumCPU. Anybody may call it. */
GORT_API int gort_num_cpu(void);

/* Sets how many goroutines run at once, and returns what it was; n < 1 only asks. Stops the world
 * for a moment when it changes something. Go's GOMAXPROCS. */
GORT_API int gort_gomaxprocs(int n);

/* Wires the calling goroutine to its thread until it has been undone as often: nobody else runs on
 * that thread, and it runs nowhere else. A goroutine that ends locked ends its thread. Go's
 * LockOSThread and UnlockOSThread; unlocking what is not locked does nothing. */
GORT_API void gort_lock_os_thread(void);
GORT_API void gort_unlock_os_thread(void);

/* Calls fn(arg) on the thread's own (large) stack. fn may block: the processor goes to others
 * meanwhile. It may call functions of this library, too. Go's cgo call.
 *
 * What lies on that stack, and in the caller's frames, stays alive. What fn has in registers only, or keeps
 * in memory of malloc, does not: the caller holds on to what it passes. So, as in Go, `arg` may
 * not be an object with pointers to others in it: that is a panic,
 * `cgo argument has Go pointer to Go pointer`, where the runtime knows the object's type (GORT_TYPE).
 * Not looked at are structs on the stack and in malloc'ed memory, addresses inside an object, objects
 * that nobody described, and, with GODEBUG=cgocheck=0, anything. With cgocheck=2 each collection also
 * searches malloc's memory for objects that nothing else keeps alive, and ends the program at the first:
 * `Go pointer stored into non-Go memory`. */
GORT_API void gort_cgocall(void (*fn)(void *), void *arg);
/* How many gort_cgocall there have been. Go's NumCgoCall. */
GORT_API int64_t gort_num_cgo_call(void);

/* Announces code that may block in the kernel, such as a library's own I/O: the processor goes to
 * others at once if they need it, and no pre-emption signal interrupts the call. Pairs may nest; no
 * other function of this library is called between. errno is kept. Any thread may call them. */
GORT_API void gort_enter_syscall(void);
GORT_API void gort_exit_syscall(void);

/* Lets a thread that the program made itself call the functions of this library, as a goroutine
 * bound to that thread. False if it already was attached (a goroutine's thread is). Detach before
 * the thread ends. */
GORT_API bool gort_attach_thread(void);
GORT_API void gort_detach_thread(void);

/* Stops in the debugger; without one, the program dies of SIGTRAP with a report. Go's Breakpoint. */
GORT_API void gort_breakpoint(void);

/* Keeps what p points at alive up to here. Go's KeepAlive. */
static inline void gort_keep_alive(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* The library's version, such as "gort0.1.0"; Go's Version. */
GORT_API const char *gort_version(void);
/* $GOROOT as it was at the start, or "". Go's GOROOT. */
GORT_API const char *gort_goroot(void);

GORT_END_DECLS

#endif
