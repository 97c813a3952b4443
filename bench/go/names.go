package main

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	namesRoom = 64
	coldStep  = 16
	stacks    = 10000
)

var namesPcs [namesRoom]uintptr
var namesCount int

func countFrames(list []uintptr) (count int) {
	all := runtime.CallersFrames(list)
	for more := true; more; {
		var f runtime.Frame
		f, more = all.Next()
		if f.PC != 0 {
			count++
		}
	}
	return count
}

//go:noinline
func descend(n int) {
	if n > 0 {
		descend(n - 1)
	} else {
		namesCount = runtime.Callers(0, namesPcs[:])
	}
}

// framesWarm tells the same stack again and again.
func framesWarm(n int) {
	descend(28)
	for left := n; left > 0; {
		left -= countFrames(namesPcs[:namesCount])
	}
}

// framesCold tells every pc for the first time.
func framesCold(n int) {
	pc, _, _, _ := runtime.Caller(0)
	at := runtime.FuncForPC(pc).Entry() - uintptr(n)*coldStep/2
	known := 0
	for done := 0; done < n; {
		var list [namesRoom]uintptr
		k := 0
		for ; k < namesRoom && done < n; k, done = k+1, done+1 {
			list[k] = at + 1
			at += coldStep
		}
		known += countFrames(list[:k])
	}
	if known < n/2 {
		panic("frames_cold: most have no names")
	}
}

var stacksWait chan int64
var stacksParked atomic.Int64

//go:noinline
func waitBelow(n int) {
	if n > 0 {
		waitBelow(n - 1)
	} else {
		stacksParked.Add(1)
		<-stacksWait
	}
}

func parkBelow() {
	waitBelow(3)
}

// stacks10k is n times the text of all goroutines.
func stacks10k(n int) {
	text := make([]byte, 64<<20)
	stacksWait = make(chan int64)
	for i := 0; i < stacks; i++ {
		go parkBelow()
	}
	for stacksParked.Load() < stacks {
		runtime.Gosched()
	}
	bytes := runtime.Stack(text, true)
	t0 := time.Now()
	for i := 0; i < n; i++ {
		bytes = runtime.Stack(text, true)
	}
	figures["total_ms"] = float64(time.Since(t0).Nanoseconds()) / 1e6
	figures["text_kib"] = float64(bytes) / 1024
}
