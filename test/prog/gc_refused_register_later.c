/* userfaultfd takes no memory any more. */
// only-on: faults
// env: GODEBUG=clobberfree=1
// env: GORT_FAULT=uffd_register:4+
// expect: kept
// limit: 60
#include "gc_refused.h"
