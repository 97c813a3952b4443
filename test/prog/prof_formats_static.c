/* A statically linked program has no libraries to load: nothing is compressed. Names and lines are found all the same. */
// link: -lz
// cflags: -static -Wl,--build-id=sha1
// no-fault: open_file
// env: GODEBUG=memprofilerate=1
// The sanitizers' libraries are shared ones here.
// skip-on: asan tsan
// expect: stored, build id known
// expect: main mapping: the program, with names
// expect-re: ^allocate: 10 of 1[0-9]$
#include "prof_formats_mapping.h"

GORT_MAIN(run)
