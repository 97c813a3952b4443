/* Without GODEBUG=madvdontneed=0 pages are gone when they are given back. */
// no-fault: vm_decommit
// expect: released
// expect: at once
// expect: zeroed
#include "mem_madvdontneed.h"
