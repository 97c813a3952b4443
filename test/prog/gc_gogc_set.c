// env: GOGC=0300
// expect: 300
// expect: 50
// expect: -1
// expect: -1
// expect: 100
// expect: off is -1
// expect: off: nothing was collected
// expect: on: something was
#include <gort.h>

#include <stdio.h>

static uint32_t collections(void)
{
    static gort_mem_stats st;
    gort_read_mem_stats(&st);
    return st.num_gc;
}

static void allocate_32_mb(void)
{
    for (int i = 0; i < 4096; i++)
        (void)gort_alloc_noscan(8192);
}

/* Each call tells what was set before; all that is negative is -1. */
static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("%d\n", gort_debug_set_gc_percent(50));
    printf("%d\n", gort_debug_set_gc_percent(-300));
    printf("%d\n", gort_debug_set_gc_percent(-1));
    printf("%d\n", gort_debug_set_gc_percent(100));
    printf("%d\n", gort_debug_set_gc_percent(-1));
    printf("off is %d\n", gort_debug_gc_percent());
    gort_gc(); /* whatever was asked for before is over */
    uint32_t before = collections();
    allocate_32_mb();
    printf("off: %s\n", collections() == before ? "nothing was collected" : "collected");
    gort_debug_set_gc_percent(10);
    while (collections() == before)
        allocate_32_mb();
    printf("on: something was\n");
    return 0;
}

GORT_MAIN(program)
