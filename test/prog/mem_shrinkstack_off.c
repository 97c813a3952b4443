/* GODEBUG=gcshrinkstackoff=1: it is kept. */
// env: GODEBUG=gcshrinkstackoff=0,gcshrinkstackoff=1,gcshrinkstackoff=1.5
// expect: 16 of 16 pages
// expect: 16 of 16 pages
// expect: it goes on
#include "mem_shrinkstack.h"
