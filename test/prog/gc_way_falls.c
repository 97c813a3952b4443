/* The kernel refuses userfaultfd to a program that insists on dirty pages: the next way is taken, and said. */
// only-on: faults
// env: GODEBUG=gctrace=1,gcway=1
// env: GORT_FAULT=uffd_open:1+
// expect-re: ^gc way: snapshot$
// expect-re: ^gc \d+ @
// expect-re: ^kept$
// not: ^gc way: (?!snapshot$)
// limit: 60
#include "gc_refused.h"
