/* GODEBUG=gccheckmark=1 finds what the first marking missed: a thread that the runtime does not know of takes
 * pointers out of the heap, and puts them back between the two markings. */
// env: GODEBUG=gccheckmark=1,gcway=3
// exit: 2
// expect-re: ^runtime: checkmarks found unexpected unmarked object obj=0x[0-9a-f]+$
// expect-re: ^runtime: found obj at \*\(0x[0-9a-f]+\+0x[0-9a-f]+\)$
// expect-re: ^obj=0x[0-9a-f]+ s.base\(\)=0x[0-9a-f]+ s.limit=0x[0-9a-f]+ s.spanclass=[0-9]+ s.elemsize=64 s.state=mSpanInUse$
// expect-re: ^fatal error: checkmark found unmarked object$
// limit: 60
#include <gort.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { SLOTS = 4096 };

static _Atomic(uintptr_t) *slots; /* of the heap */
static uintptr_t taken[SLOTS];    /* in the thread's hands, turned round */

static void *stranger(void *arg)
{
    for (;;) {
        for (int i = 0; i < SLOTS; i++)
            taken[i] = ~atomic_exchange(&slots[i], 0);
        for (int i = 0; i < SLOTS; i++)
            atomic_store(&slots[i], ~taken[i]);
    }
    return arg;
}

__attribute__((noinline)) static void refill(void)
{
    for (int i = 0; i < SLOTS; i++)
        atomic_store(&slots[i], (uintptr_t)gort_alloc(64));
}

static int run(int argc, char **argv)
{
    pthread_t thread;
    (void)argc;
    (void)argv;
    slots = gort_alloc(SLOTS * sizeof *slots);
    pthread_create(&thread, NULL, stranger, NULL);
    for (;;) {
        refill();
        gort_gc();
    }
}
GORT_MAIN(run)
