/* PAGEMAP_SCAN fails in the middle of a cycle, and from then on. */
// only-on: faults
// env: GODEBUG=clobberfree=1
// env: GORT_FAULT=pagemap_scan:20+
// expect: kept
// limit: 60
#include "gc_refused.h"
