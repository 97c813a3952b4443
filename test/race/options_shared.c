/* The options of GORACE do the same with libgort.so. */
// expect: all options do what they say
// limit: 100
// lib: shared
#include "options.c"
