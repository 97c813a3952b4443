package main

import (
	"math/bits"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type leaf struct {
	words [4]uint64
}

type node struct {
	next       *node
	leaf       *leaf
	key, value uint64
}

// Chains of 16 nodes on average; a node and its leaf are 64 bytes.
var chains []*node

func nextRandom(x *uint64) uint64 {
	*x ^= *x << 13
	*x ^= *x >> 7
	*x ^= *x << 17
	return *x
}

func newNode(next *node, key uint64) *node {
	n := &node{next: next, leaf: &leaf{}, key: key}
	n.leaf.words[0] = key
	return n
}

// rewire replaces one of the first four nodes of a random chain.
func rewire(random *uint64) {
	r := nextRandom(random)
	link := &chains[(r>>8)%uint64(len(chains))]
	for steps := r & 3; steps > 0 && *link != nil && (*link).next != nil; steps-- {
		link = &(*link).next
	}
	var next *node
	if *link != nil {
		next = (*link).next
	}
	*link = newNode(next, r)
}

func growChains(n int, random *uint64) {
	chains = make([]*node, n/16+1)
	for i := 0; i < n; i++ {
		r := nextRandom(random)
		link := &chains[(r>>8)%uint64(len(chains))]
		*link = newNode(*link, r)
	}
}

func checkChains() {
	for i := range chains {
		for n := chains[i]; n != nil; n = n.next {
			check(n.leaf.words[0] == n.key && (n.key>>8)%uint64(len(chains)) == uint64(i), "an object is not what it was")
		}
	}
}

func clockMs(id uintptr) float64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Nano()) / 1e6
}

// cpuMs is the CPU time of the process so far, threadCPUMs that of the calling thread.
func cpuMs() float64 { return clockMs(2) }

func threadCPUMs() float64 { return clockMs(3) }

func sinceMs(t0 time.Time) float64 {
	return float64(time.Since(t0).Nanoseconds()) / 1e6
}

const steps = 16

var slots [61 * steps]uint64 // durations, in steps of a sixteenth of a power of two nanoseconds

func slotsAdd(ns uint64) {
	if ns < steps {
		slots[ns]++
		return
	}
	power := uint(bits.Len64(ns) - 1)
	slots[(power-3)*steps+uint(ns>>(power-4))%steps]++
}

func slotsPart(part float64, count int) float64 {
	left := part * float64(count)
	i := uint(0)
	for ; i < uint(len(slots))-1; i++ {
		if left -= float64(slots[i]); left <= 0 {
			break
		}
	}
	if i < steps {
		return float64(i)
	}
	return float64(uint64(steps+i%steps) << (i/steps - 1))
}

// longestStopUs is the longest stop of the collections after the first `since`, of the last 256.
func longestStopUs(m *runtime.MemStats, since uint32) float64 {
	runtime.ReadMemStats(m)
	most := uint64(0)
	for i := since; i < m.NumGC; i++ {
		most = max64(most, m.PauseNs[i%256])
	}
	return float64(most) / 1e3
}

// longestSingleStopUs is the lower edge of the highest bucket that counted a stop.
func longestSingleStopUs() float64 {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	for i := len(h.Counts) - 1; i >= 0; i-- {
		if h.Counts[i] > 0 {
			return h.Buckets[i] * 1e6
		}
	}
	return 0
}

func max64(a, b uint64) uint64 {
	if a > b {
		return a
	}
	return b
}

// collectAlone measures what collections cost that nothing runs beside.
func collectAlone(m *runtime.MemStats) {
	const times = 2
	cpu, t0 := cpuMs(), time.Now()
	for i := 0; i < times; i++ {
		runtime.GC()
	}
	cpu = (cpuMs() - cpu) / times
	runtime.ReadMemStats(m)
	figures["gc_ms"] = sinceMs(t0) / times
	figures["mark_ns"] = cpu * 1e6 / float64(m.HeapObjects)
	figures["mark_mb_s"] = float64(m.HeapAlloc) / 1e3 / cpu
}

// heapLive has a heap of n nodes, of which a goroutine replaces half as many.
func heapLive(n int) {
	random := uint64(88172645463325252)
	m := new(runtime.MemStats)
	debug.SetGCPercent(25)
	growChains(n, &random)
	runtime.GC()
	runtime.LockOSThread()
	runtime.ReadMemStats(m)
	since := m.NumGC
	cpu, own := cpuMs(), threadCPUMs()
	ops, t0 := n/2, time.Now()
	last, gap := time.Duration(0), time.Duration(0)
	for i := 0; i < ops; i++ {
		rewire(&random)
		now := time.Since(t0)
		slotsAdd(uint64(now - last))
		if now-last > gap {
			gap = now - last
		}
		last = now
	}
	own = threadCPUMs() - own
	cpu = cpuMs() - cpu
	figures["total_ms"] = float64(last.Nanoseconds()) / 1e6
	runtime.UnlockOSThread()
	figures["stop_us"] = longestSingleStopUs()
	figures["stops_us"] = longestStopUs(m, since)
	cycles := float64(m.NumGC - since)
	figures["cycles"] = cycles
	if cycles == 0 {
		cycles = 1
	}
	figures["gc_cpu_ms"] = (cpu - own) / cycles
	figures["gap_us"] = float64(gap.Nanoseconds()) / 1e3
	figures["p50_ns"] = slotsPart(0.5, ops)
	figures["p999_ns"] = slotsPart(0.999, ops)
	collectAlone(m)
	checkChains()
}

// heapParked times the second collection with n goroutines that wait.
func heapParked(n int) {
	parkedOn = make(chan int64)
	for i := 0; i < n; i++ {
		go parkOne()
	}
	for parked.Load() < int64(n) {
		runtime.Gosched()
	}
	runtime.GC()
	t0 := time.Now()
	runtime.GC()
	figures["total_ms"] = sinceMs(t0)
	figures["stop_us"] = longestStopUs(new(runtime.MemStats), 0)
}

func writePagesNs(pages []*[512]unsafe.Pointer, times int) float64 {
	t0 := time.Now()
	for k := 0; k < times; k++ {
		for _, p := range pages {
			p[0] = nil
		}
	}
	return float64(time.Since(t0).Nanoseconds())
}

// heapDirty has n pages full of pointers, written again and again while collections run: what the write
// barrier costs.
func heapDirty(n int) {
	const times = 100
	pages := make([]*[512]unsafe.Pointer, n)
	for i := range pages {
		pages[i] = new([512]unsafe.Pointer)
	}
	runtime.GC()
	writePagesNs(pages, 1)
	quiet := writePagesNs(pages, times)
	m := new(runtime.MemStats)
	runtime.ReadMemStats(m)
	since := m.NumGC
	var wg sync.WaitGroup
	var collecting atomic.Bool
	wg.Add(1)
	collecting.Store(true)
	go func() {
		for collecting.Load() {
			runtime.GC()
		}
		wg.Done()
	}()
	busy := writePagesNs(pages, times)
	collecting.Store(false)
	wg.Wait()
	figures["stop_us"] = longestStopUs(m, since)
	figures["quiet_ns"] = quiet / times / float64(n)
	figures["busy_ns"] = busy / times / float64(n)
}

func untilBelowMs(kib int) float64 {
	t0 := time.Now()
	for statusKiB("VmRSS:") > kib && time.Since(t0) < 20*time.Second {
		time.Sleep(10 * time.Millisecond)
	}
	return sinceMs(t0)
}

// rise empties the table too, as the C program has to.
func rise(mib int, random *uint64) {
	growChains(mib<<14, random)
	clear(chains)
	chains = nil
}

// heapPeak measures, after n MiB of objects are garbage, how long most of their memory stays.
func heapPeak(n int) {
	random := uint64(88172645463325252)
	rise(n, &random)
	before := statusKiB("VmRSS:")
	runtime.GC()
	runtime.GC()
	figures["total_ms"] = untilBelowMs(before / 4)
	rise(n, &random)
	t0 := time.Now()
	debug.FreeOSMemory()
	figures["free_ms"] = sinceMs(t0)
	figures["left_mib"] = float64(statusKiB("VmRSS:")) / 1024
}
