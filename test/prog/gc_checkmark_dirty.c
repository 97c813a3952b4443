/* A second marking, with the world stopped, finds nothing that the first one missed while the program ran. An
 * older kernel does not tell which pages were written: then it is the snapshot's turn. */
// env: GODEBUG=gccheckmark=1,gctrace=1,gcway=1
// expect-re: ^gc way: (dirty pages|snapshot)$
// expect-re: ^gc \d+ @
// expect-re: ^kept$
// not: ^gc way: stopped$
// not: checkmark
// limit: 60
// no-fault: pagemap_scan uffd_register
// skip-on: arm64
#include "gc_refused.h"
