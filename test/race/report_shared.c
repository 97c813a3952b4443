/* The words of a report are Go's, with libgort.so too. */
// lib: shared
// env: GORACE=atexit_sleep_ms=0
// env: GOMAXPROCS=1
// env: TSAN_OPTIONS=
// exit: 66
// expect: ==================
// expect: WARNING: DATA RACE
// expect-re: ^Write at 0x[0-9a-f]{12} by main goroutine:$
// expect-re: ^  run\(\)$
// expect-re: ^      .*/?test/race/report.c:60 \+0x[0-9a-f]+$
// expect:
// expect-re: ^Previous read at 0x[0-9a-f]{12} by goroutine [0-9]+:$
// expect-re: ^  reads\(\)$
// expect-re: ^      .*/?test/race/report.c:40 \+0x[0-9a-f]+$
// expect-re: ^  middle\(\)$
// expect-re: ^      .*/?test/race/report.c:45 \+0x[0-9a-f]+$
// expect-re: ^  child\(\)$
// expect-re: ^      .*/?test/race/report.c:50 \+0x[0-9a-f]+$
// expect:
// expect-re: ^Goroutine [0-9]+ \((running|finished)\) created at:$
// expect-re: ^  run\(\)$
// expect-re: ^      .*/?test/race/report.c:57 \+0x[0-9a-f]+$
// expect: ==================
// expect: Found 1 data race(s)
// not: ThreadSanitizer|runtime|gort_
#include "report.c"
