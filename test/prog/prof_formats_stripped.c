/* Of a program without names a profile has places, mappings and build ids, by which a viewer finds names. */
// link: -lz
// cflags: -g0 -Wl,-s -Wl,--build-id=sha1
// no-fault: open_file library
// env: GODEBUG=memprofilerate=1
// expect: compressed, build id known
// expect: main mapping: the program, names to be found later
// expect-re: ^allocate: 0 of 1[0-9]$
#include "prof_formats_mapping.h"

GORT_MAIN(run)
