/* The same in a block so large that malloc maps it by itself. */
// args: large
// The sanitizer has a malloc of its own, whose memory is not known.
// skip-on: asan tsan
// no-fault: open_file
// env: GODEBUG=cgocheck=2
// exit: 2
// expect: still fine
// expect-re: ^write of Go pointer 0x[0-9a-f]+ to non-Go memory 0x[0-9a-f]+$
// expect-re: ^fatal error: Go pointer stored into non-Go memory$
// not: not found
#include "mem_cgocheck_store.h"
