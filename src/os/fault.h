/* fault.h: makes the kernel's answers fail on purpose.
 *
 * In builds with GORT_FAULTS, GORT_FAULT=NAME:N in the environment makes the Nth call that passes
 * FAULT(NAME) fail, and N+ every one from the Nth on. Other builds have none of it.
 */
#ifndef OS_FAULT_H
#define OS_FAULT_H

#include "base/attr.h"

#ifdef GORT_FAULTS
bool fault_hit(const char *name);
#define FAULT(name) fault_hit(#name)
#else
#define FAULT(name) false
#endif

#endif
