/* fault.c: which call of which kind fails (fault.h). */
#include "os/fault.h"

#ifdef GORT_FAULTS
#include "base/atomic.h"

#include <stdlib.h>
#include <string.h>

bool fault_hit(const char *name)
{
    static au32 seen;
    const char *want = getenv("GORT_FAULT");
    size_t n = strlen(name);
    if (want == NULL || strncmp(want, name, n) != 0 || want[n] != ':')
        return false;
    char *end;
    uint32_t nth = (uint32_t)strtoul(want + n + 1, &end, 10);
    uint32_t now = add_seq(&seen, 1u) + 1;
    return now == nth || (*end == '+' && now > nth);
}
#else
typedef int fault_has_no_code_here;
#endif
