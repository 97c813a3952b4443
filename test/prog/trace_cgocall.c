/* A goroutine in a C function on its thread's stack: both parts of its stack are shown. */
// exit: 2
// expect-re: ^SIGQUIT: quit$
// expect-re: ^PC=0x[0-9a-f]+ m=[0-9]+ sigcode=[0-9]+$
// expect-re: ^signal arrived during cgo execution$
// expect-re: ^goroutine 1 \[syscall\]:$
// expect-re: ^in_c\(\)$
// expect-re: ^gort_cgocall\(\)$
// expect-re: ^run\(\)$
#include <gort.h>

#include <signal.h>

static void in_c(void *arg)
{
    (void)arg;
    raise(SIGQUIT);
    __asm__ volatile("" ::: "memory");
}

static int run(int argc, char **argv)
{
    (void)argv;
    gort_cgocall(in_c, NULL);
    return argc;
}

GORT_MAIN(run)
