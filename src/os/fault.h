/* fault.h: makes the kernel's answers fail on purpose.
 *
 * In builds with GORT_FAULTS, GORT_FAULT=NAME:N in the environment makes the Nth call that passes
 * FAULT(NAME) fail, and N+ every one from the Nth on. GORT_FAULT_SEEN=FILE collects which points a run
 * passes, and whether as often as FAULT_SAID_AT says: what scripts/progtest then makes fail. Other
 * builds have none of it.
 */
#ifndef OS_FAULT_H
#define OS_FAULT_H

#include "base/atomic.h"
#include "base/attr.h"

#ifdef GORT_FAULTS
/* Called at each pass; `passes` counts those of one place in the source, which has one name. */
SIGSAFE bool fault_hit(const char *name, au32 *passes);
#define FAULT(name)                                                                                \
    ({                                                                                             \
        static au32 fault_passes;                                                                  \
        fault_hit(#name, &fault_passes);                                                           \
    })
/* What system call `nr`, made by os_call, is to answer instead: -errno, or 0: the kernel's own. */
SIGSAFE int64_t fault_of_call(long nr);
#else
#define FAULT(name)       false
#define fault_of_call(nr) 0
#endif

#endif
