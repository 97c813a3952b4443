/* Without gctrace nothing is said of the way. */
// env: GODEBUG=gcway=3
// expect: kept
// limit: 60
#include "gc_refused.h"
