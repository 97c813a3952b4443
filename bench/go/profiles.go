package main

import (
	"io"
	"runtime"
	"runtime/pprof"
	"time"
)

const (
	blockRateNs   = 10000
	mutexFraction = 100
)

func chanSampled(n int) {
	runtime.SetBlockProfileRate(blockRateNs)
	chanRoundTrip(n)
}

func chanProfiled(n int) {
	runtime.SetBlockProfileRate(1)
	chanRoundTrip(n)
}

func mutexSampled(n int) {
	runtime.SetBlockProfileRate(blockRateNs)
	runtime.SetMutexProfileFraction(mutexFraction)
	mutexShared(64, n)
}

func mutexProfiled(n int) {
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	mutexShared(64, n)
}

var profileSink *[64]byte

//go:noinline
func right(depth int, bits uint) int {
	if depth == 0 {
		profileSink = new([64]byte)
		return 1
	}
	if bits&1 != 0 {
		return left(depth-1, bits>>1) + 1
	}
	return right(depth-1, bits>>1) + 1
}

//go:noinline
func left(depth int, bits uint) int {
	if depth == 0 {
		profileSink = new([64]byte)
		return 2
	}
	if bits&1 != 0 {
		return left(depth-1, bits>>1) + 2
	}
	return right(depth-1, bits>>1) + 2
}

func writeHeap(n int) {
	const depth = 14
	runtime.MemProfileRate = 1
	for i := uint(0); i < 1<<depth; i++ {
		left(depth, i)
	}
	runtime.GC()
	t0 := time.Now()
	for i := 0; i < n; i++ {
		if err := pprof.Lookup("heap").WriteTo(io.Discard, 0); err != nil {
			panic(err)
		}
	}
	figures["total_ms"] = float64(time.Since(t0).Nanoseconds()) / 1e6
}
