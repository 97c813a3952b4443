// Callers through code that keeps no frame pointers.
// cflags: -fomit-frame-pointer
// expect: plain: ok
// expect: with many registers: ok
// expect: realigned: ok
// expect: with a frame of variable length: ok
// expect: deep: ok
#include "callers_walk_kinds.h"
