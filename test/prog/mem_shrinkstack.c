/* What a waiting goroutine does not use of its stack is given back. */
// expect: 16 of 16 pages
// expect: 0 of 16 pages
// expect: it goes on
// no-fault: vm_decommit vm_in_memory
#include "mem_shrinkstack.h"
