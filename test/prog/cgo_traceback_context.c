/* Compiled code without frame pointers in a foreign call, which calls back and waits: the walk ends there, and what
 * the program recorded of the call tells the rest; then come the goroutine's own frames. The record is dropped
 * when the call goes on. */
// no-fault: open_file
// expect: waits
// expect: the foreign frame
// expect: then its own
// expect: one record, dropped
#include "await.h"
#include "jit.h"

#include <gort.h>
#include <stdatomic.h>
#include <stdio.h>

enum { RECORD = 77 };
static _Atomic int recorded, dropped;
static gort_chan *c;
static jit_fn jit;

static void context(struct gort_cgo_context_arg *arg)
{
    if (arg->context == 0) {
        arg->context = RECORD;
        atomic_fetch_add(&recorded, 1);
    } else if (arg->context == RECORD) {
        atomic_fetch_add(&dropped, 1);
    }
}

static void traceback(struct gort_cgo_traceback_arg *arg)
{
    uintptr_t n = 0;
    if (arg->context == RECORD && arg->max > 1)
        arg->buf[n++] = (uintptr_t)jit_code + JIT_CALL_AT_WITHOUT;
    arg->buf[n] = 0;
}

static void symbolizer(struct gort_cgo_symbolizer_arg *arg)
{
    if (arg->pc - (uintptr_t)jit_code < JIT_BYTES)
        arg->func = "js:waiter";
}

static void callback(void *arg)
{
    (void)arg;
    gort_chan_recv(c, NULL);
    __asm__ volatile("" ::: "memory");
}

static void foreign(void *arg)
{
    jit(callback, arg);
    __asm__ volatile("" ::: "memory");
}

static void waiter(gort_waitgroup *done)
{
    gort_cgocall(foreign, NULL);
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    static char text[16384];
    gort_waitgroup done = {0};
    (void)argc, (void)argv;
    c = gort_make_chan(int, 0);
    jit = jit_make(jit_without_frame, sizeof jit_without_frame);
    gort_set_cgo_traceback(0, (void *)traceback, (void *)context, (void *)symbolizer);
    gort_waitgroup_add(&done, 1);
    gort_go(waiter, &done);
    char *waits = NULL;
    while (waits == NULL) {
        gort_gosched();
        text[gort_stack(text, sizeof text - 1, true)] = '\0';
        waits = strstr(text, "callback()\n");
    }
    char *js = strstr(waits, "js:waiter\n\tpc=0x"),
         *own = js != NULL ? strstr(js, "gort_cgocall()\n") : NULL;
    printf("waits\n");
    printf("%s\n", js != NULL ? "the foreign frame" : text);
    printf("%s\n", own != NULL && strstr(own, "waiter()\n") != NULL ? "then its own" : text);
    gort_chan_send(c, &(int){1});
    gort_waitgroup_wait(&done);
    printf("%s\n", recorded == 1 && dropped == 1 ? "one record, dropped" : "records were lost");
    return 0;
}

GORT_MAIN(run)
