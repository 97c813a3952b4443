/* The same for a marking in one stop. */
// env: GODEBUG=gccheckmark=1,gctrace=1,gcway=3
// expect-re: ^gc way: stopped$
// expect-re: ^gc \d+ @
// expect-re: ^kept$
// not: ^gc way: (?!stopped$)
// not: checkmark
// limit: 60
#include "gc_refused.h"
