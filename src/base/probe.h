/* probe.h: who watches what the program does: one word of flags, and a test of it.
 *
 * A tap in a watched room is `if (probe_on(PROBE_X)) x_happened(...)`; the function is declared in that
 * room's up.h, and takes no lock but its own.
 */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#include "base/atomic.h"
#include "base/attr.h"

enum probe {
    PROBE_TRACE = 1, /* the execution tracer runs */
    PROBE_BLOCK = 2, /* waits are sampled for the block profile */
    PROBE_MUTEX = 4, /* unlocks are sampled for the mutex profile */
    PROBE_SHOT = 8,  /* stacks are noted as they were at one instant */
    PROBE_CPU = 16,  /* SIGPROF samples what uses CPU time */
};
extern au32 probes;

static inline bool probe_on(uint32_t what)
{
    return unlikely((load_rlx(&probes) & what) != 0);
}
static inline void probe_set(uint32_t what, bool on)
{
    if (on)
        or_seq(&probes, what);
    else
        and_seq(&probes, ~what);
}

#endif
