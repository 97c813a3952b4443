package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func spawnMillion(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		go finish(&wg)
	}
	wg.Wait()
}

func finish(wg *sync.WaitGroup) {
	wg.Done()
}

func spawnOne(n int) {
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go finish(&wg)
		wg.Wait()
	}
}

func spawnBatch(n int) {
	for left := n; left > 0; left -= 1000 {
		spawnMillion(1000)
	}
}

func yieldRing(width, n int) {
	var wg sync.WaitGroup
	wg.Add(width)
	for i := 0; i < width; i++ {
		go yielder(n/width, &wg)
	}
	wg.Wait()
}

func yielder(n int, wg *sync.WaitGroup) {
	for i := 0; i < n; i++ {
		runtime.Gosched()
	}
	wg.Done()
}

var parked atomic.Int64
var parkedOn chan int64

// parkMany creates n goroutines that wait on a channel, and weighs them: resident memory and the
// page tables that go with it. They never run again.
func parkMany(n int) {
	parkedOn = make(chan int64)
	before := statusKiB("VmRSS:") + statusKiB("VmPTE:")
	t0 := time.Now()
	for i := 0; i < n; i++ {
		go parkOne()
	}
	for parked.Load() < int64(n) {
		runtime.Gosched()
	}
	figures["total_ms"] = float64(time.Since(t0).Nanoseconds()) / 1e6
	after := statusKiB("VmRSS:") + statusKiB("VmPTE:")
	figures["bytes_each"] = float64(after-before) * 1024 / float64(n)
}

func parkOne() {
	parked.Add(1)
	<-parkedOn
}
