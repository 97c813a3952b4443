// env: GOGC=off
// env: GOMEMLIMIT=64MiB
// expect: the limit was 67108864
// expect: it was kept, by collecting
// expect: and then it was 134217728
// expect: no limit: 9223372036854775807
// skip-on: hostile
// limit: 60
// Without dirty pages a child marks, whom nobody can help: how far the program gets meanwhile is the machine's.
// no-fault: pagemap_open pagemap_scan uffd_open uffd_api uffd_register vm_map
#include <gort.h>

#include <stdio.h>

/* Half a gigabyte of garbage within 64 MiB, though GOGC=off. While a cycle runs, the limit may be
 * exceeded for a moment. */
static int program(int argc, char **argv)
{
    gort_mem_stats st;
    uint64_t most = 0;
    (void)argc;
    (void)argv;
    printf("the limit was %ld\n", (long)gort_debug_set_memory_limit(-1));
    for (int i = 0; i < 8192; i++) {
        (void)gort_alloc_noscan(65536);
        if (i % 64 == 0) {
            gort_read_mem_stats(&st);
            if (st.sys - st.heap_released > most)
                most = st.sys - st.heap_released;
        }
    }
    gort_read_mem_stats(&st);
    if (most <= 96u << 20 && st.num_gc > 0)
        printf("it was kept, by collecting\n");
    else
        printf("%lu bytes, %u collections\n", most, st.num_gc);
    gort_debug_set_memory_limit(128 << 20);
    printf("and then it was %ld\n", (long)gort_debug_set_memory_limit(INT64_MAX));
    printf("no limit: %ld\n", (long)gort_debug_set_memory_limit(-5));
    return 0;
}

GORT_MAIN(program)
