/* userfaultfd takes no memory. */
// only-on: faults
// env: GODEBUG=clobberfree=1
// env: GORT_FAULT=uffd_register:1+
// expect: kept
// limit: 60
#include "gc_refused.h"
