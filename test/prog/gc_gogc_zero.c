// env: GOGC=0
// expect: collected often
// limit: 60
#include <gort.h>

#include <stdio.h>

/* With GOGC=0 the collector runs about all the time, and the program gets on nevertheless. */
static int program(int argc, char **argv)
{
    gort_mem_stats st;
    (void)argc;
    (void)argv;
    do {
        for (int i = 0; i < 256; i++)
            (void)gort_alloc_noscan(16384);
        gort_read_mem_stats(&st);
    } while (st.num_gc < 4);
    printf("collected often\n");
    return 0;
}

GORT_MAIN(program)
