/* A way that does not exist, and one that is no number: the one that the kernel allows. What is set last
 * counts. */
// env: GODEBUG=gctrace=1,gcway=3,gcway=2x,gcway=,gcway=99
// expect-re: ^gc way: (dirty pages|snapshot)$
// expect-re: ^gc \d+ @
// expect-re: ^kept$
// not: ^gc way: stopped$
// limit: 60
// no-fault: pagemap_scan uffd_register
// skip-on: arm64
#include "gc_refused.h"
