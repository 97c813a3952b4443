/* Nobody knows how the child ended: the world stops. */
// only-on: faults
// env: GODEBUG=clobberfree=1,gcway=2
// env: GORT_FAULT=child_wait:1+
// expect: kept
// limit: 60
#include "gc_refused.h"
