/* GODEBUG=madvdontneed=0: the kernel takes the pages when it wants them. */
// no-fault: vm_decommit vm_decommit_lazily
// env: GODEBUG=madvdontneed=0
// expect: released
// expect: lazily
// expect: zeroed
// skip-on: arm64
#include "mem_madvdontneed.h"
