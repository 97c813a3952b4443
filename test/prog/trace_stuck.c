/* A report that never gets on, because the program's own symbolizer does not return: the monitor finishes it. */
// limit: 15
// exit: 2
// expect-re: ^panic: inside a symbolizer$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^runtime: names of functions cannot be had
// expect-re: ^non-Go function at pc=0x[0-9a-f]+$
#include "jit.h"

#include <gort.h>

#include <unistd.h>

static void traceback(struct gort_cgo_traceback_arg *arg)
{
    if (arg->max > 0)
        arg->buf[0] = 0;
}

static void symbolizer(struct gort_cgo_symbolizer_arg *arg)
{
    while (arg->pc - (uintptr_t)jit_code < JIT_BYTES)
        usleep(100000);
}

static void dies(void *arg)
{
    (void)arg;
    gort_panic(gort_any_string("inside a symbolizer"));
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_cgo_traceback(0, (void *)traceback, NULL, (void *)symbolizer);
    jit_make(jit_with_frame, sizeof jit_with_frame)(dies, NULL);
    return 0;
}

GORT_MAIN(run)
