/* GODEBUG=madvdontneed=0 on a kernel that does not know MADV_FREE: the other way, for good. */
// only-on: faults
// env: GODEBUG=madvdontneed=0
// env: GORT_FAULT=vm_decommit_lazily:1
// expect: released
// expect: at once
// expect: zeroed
#include "mem_madvdontneed.h"
