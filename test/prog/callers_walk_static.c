// The same in a static program, whose tables nobody sorted.
// cflags: -fomit-frame-pointer -static
// The sanitizers' libraries are shared ones here.
// skip-on: asan tsan
// no-fault: open_file
// expect: plain: ok
// expect: with many registers: ok
// expect: realigned: ok
// expect: with a frame of variable length: ok
// expect: deep: ok
#include "callers_walk_kinds.h"
