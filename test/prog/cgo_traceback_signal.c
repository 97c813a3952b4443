/* A fatal signal in compiled code of a foreign call: the program's traceback function gets the signal's context. */
// The machine context is x86-64's.
// skip-on: arm64
// exit: 2
// expect-re: ^SIGQUIT: quit$
// expect-re: ^signal arrived during cgo execution$
// expect-re: ^goroutine 1 \[syscall\]:$
// expect-re: ^raises\(\)$
// expect-re: ^js:with a signal's context$
// expect-re: ^gort_cgocall\(\)$
// expect-re: ^run\(\)$
#include "jit.h"

#include <gort.h>
#include <signal.h>
#include <ucontext.h>

static jit_fn jit;
static bool had_context;

static void traceback(struct gort_cgo_traceback_arg *arg)
{
    const ucontext_t *u = (const ucontext_t *)arg->sig_context;
    had_context = u != NULL && u->uc_mcontext.fpregs != NULL;
    arg->buf[0] = (uintptr_t)jit_code + JIT_CALL_AT_WITHOUT;
    arg->buf[1] = 0;
}

static void symbolizer(struct gort_cgo_symbolizer_arg *arg)
{
    if (arg->pc - (uintptr_t)jit_code < JIT_BYTES)
        arg->func = had_context ? "js:with a signal's context" : "js:without";
}

static void raises(void *arg)
{
    (void)arg;
    raise(SIGQUIT);
    __asm__ volatile("" ::: "memory");
}

static void foreign(void *arg)
{
    jit(raises, arg);
    __asm__ volatile("" ::: "memory");
}

static int run(int argc, char **argv)
{
    (void)argv;
    jit = jit_make(jit_without_frame, sizeof jit_without_frame);
    gort_set_cgo_traceback(0, (void *)traceback, NULL, (void *)symbolizer);
    gort_cgocall(foreign, NULL);
    return argc;
}

GORT_MAIN(run)
