/* The collector gets no further thread. */
// only-on: faults
// env: GODEBUG=clobberfree=1
// env: GORT_FAULT=collector_thread:1+
// expect: kept
// limit: 60
#include "gc_refused.h"
