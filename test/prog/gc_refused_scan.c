/* A kernel without PAGEMAP_SCAN. */
// only-on: faults
// env: GODEBUG=clobberfree=1
// env: GORT_FAULT=pagemap_scan:1+
// expect: kept
// limit: 60
#include "gc_refused.h"
