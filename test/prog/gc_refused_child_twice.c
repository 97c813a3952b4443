/* Once, no child is to be had for a snapshot. */
// only-on: faults
// env: GODEBUG=clobberfree=1,gcway=2
// env: GORT_FAULT=clone_child:2
// expect: kept
// limit: 60
#include "gc_refused.h"
