// The Go side of the benchmark: each row is the same program as in ../c, with the same counts.
// Usage: rows ROW [SCALE]. Prints one line of JSON: figures of the row, and peak resident memory.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Filled by a row that measures more than a time per operation.
var figures = map[string]float64{}

type row struct {
	name string
	n    int         // operations at scale 1
	warm int         // operations before the clock starts, at scale 1
	run  func(n int) // n operations
}

var rows = []row{
	{"spawn_million", 1000000, 100000, spawnMillion},
	{"spawn_one", 1000000, 100000, spawnOne},
	{"spawn_batch", 1000000, 100000, spawnBatch},
	{"yield_2", 4000000, 400000, func(n int) { yieldRing(2, n) }},
	{"yield_1000", 4000000, 400000, func(n int) { yieldRing(1000, n) }},
	{"chan_rt", 1000000, 100000, chanRoundTrip},
	{"chan_buf_1", 4000000, 400000, func(n int) { chanBuffered(1, n) }},
	{"chan_buf_4", 4000000, 400000, func(n int) { chanBuffered(4, n) }},
	{"select_default", 5000000, 500000, selectDefault},
	{"select_ready", 2000000, 200000, selectReady},
	{"select_block", 500000, 50000, selectBlock},
	{"mutex_free", 20000000, 2000000, mutexFree},
	{"mutex_2", 20000000, 2000000, func(n int) { mutexShared(2, n) }},
	{"mutex_64", 10000000, 1000000, func(n int) { mutexShared(64, n) }},
	{"wg_fan", 20000 * fanWidth, 2000 * fanWidth, waitGroupFan},
	{"timer_stop", 1000000, 100000, timerNewStop},
	{"timer_func_stop", 1000000, 100000, timerFuncStop},
	{"timer_reset", 2000000, 200000, timerReset},
	{"timer_fire", 1000000, 10000, timerFire},
	{"park_1e5", 100000, 0, parkMany},
	{"park_1e6", 1000000, 0, parkMany},
	{"frames_warm", 1000000, 100000, framesWarm},
	{"frames_cold", 8192, 0, framesCold},
	{"stacks_10k", 10, 0, stacks10k},
	{"skynet", 1000000, 10000, skynet},
	{"forkjoin_fib", 5 * fibSpawns, fibSpawns, forkJoinFib},
	{"forkjoin_sort", 2000000, 200000, forkJoinSort},
	{"trees", 1 << 20, 0, trees},
	{"gcbench", 1 << 18, 0, gcbench},
	{"heap_1g", 1 << 24, 0, heapLive},
	{"heap_park_1e5", 100000, 0, heapParked},
	{"heap_park_1e6", 1000000, 0, heapParked},
	{"heap_dirty", 1 << 16, 0, heapDirty},
	{"heap_peak", 512, 0, heapPeak},
	{"chan_sampled", 1000000, 100000, chanSampled},
	{"chan_profiled", 1000000, 100000, chanProfiled},
	{"mutex_sampled", 10000000, 1000000, mutexSampled},
	{"mutex_profiled", 2000000, 200000, mutexProfiled},
	{"write_heap", 10, 0, writeHeap},
	{"callers_8", 2000000, 20000, func(n int) { callersAt(8, n) }},
	{"callers_32", 1000000, 10000, func(n int) { callersAt(32, n) }},
	{"callers_100", 300000, 3000, func(n int) { callersAt(100, n) }},
	{"callers_cfi_32", 1000000, 10000, func(n int) { callersAt(32, n) }},
	{"metrics_read", 20000, 2000, metricsRead},
}

func main() {
	name, scale := "", 1
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if len(os.Args) > 2 {
		scale, _ = strconv.Atoi(os.Args[2])
	}
	if name == "echo" {
		echoServe()
		return
	}
	if strings.HasPrefix(name, "alloc_") {
		n := allocNamed(name)
		check(n > 0, "no row named "+name)
		runRow(row{name, n, n / 10, allocObjects}, scale)
		return
	}
	for _, r := range rows {
		if r.name == name {
			runRow(r, scale)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: rows ROW [SCALE]; no row named", name)
	os.Exit(2)
}

func runRow(r row, scale int) {
	n := max(r.n/scale, 1)
	if r.warm > 0 {
		r.run(max(r.warm/scale, 1))
	}
	cpu, t0 := cpuMs(), time.Now()
	r.run(n)
	ns := float64(time.Since(t0).Nanoseconds())
	figures["cpu_ms"] = cpuMs() - cpu
	if _, ok := figures["total_ms"]; !ok {
		figures["total_ms"] = ns / 1e6
	}
	figures["ns"] = figures["total_ms"] * 1e6 / float64(n)
	figures["peak_kib"] = float64(statusKiB("VmHWM:"))
	line, _ := json.Marshal(figures)
	fmt.Println(string(line))
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// statusKiB returns a line of /proc/self/status, in KiB.
func statusKiB(key string) int {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, key) {
			kib, _ := strconv.Atoi(strings.Fields(line)[1])
			return kib
		}
	}
	return 0
}
