/* cpu.c: how many CPUs. */
#include "os/os.h"
#include "os/fault.h"

#include <sched.h>

int os_cpu_count(void)
{
    static ai32 count;
    int n = load_rlx(&count);
    if (n == 0) {
        cpu_set_t set;
        n = !FAULT(cpu_count) && sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
        if (n < 1)
            n = 1;
        store_rlx(&count, n);
    }
    return n;
}
