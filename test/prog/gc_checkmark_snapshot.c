/* The same for a snapshot: the child marks a second time. */
// env: GODEBUG=gccheckmark=1,gctrace=1,gcway=2
// expect-re: ^gc way: snapshot$
// expect-re: ^gc \d+ @
// expect-re: ^kept$
// not: ^gc way: (?!snapshot$)
// not: checkmark
// no-fault: clone_child vm_map_shared
// limit: 60
// skip-on: arm64
#include "gc_refused.h"
