package main

import (
	"sync"
	"sync/atomic"
	"time"
)

var (
	mu      sync.Mutex
	counter int64
)

func mutexLoop(n int) {
	for i := 0; i < n; i++ {
		mu.Lock()
		counter++
		mu.Unlock()
	}
}

func mutexFree(n int) {
	mutexLoop(n)
}

func mutexShared(width, n int) {
	var wg sync.WaitGroup
	wg.Add(width)
	for i := 0; i < width; i++ {
		go func() {
			mutexLoop(n / width)
			wg.Done()
		}()
	}
	wg.Wait()
}

const fanWidth = 64

// fan releases fanWidth waiters through one wait group and gathers them through another. The gates
// alternate, so that one is refilled only when all have left it.
type fan struct {
	gate [2]sync.WaitGroup
	done sync.WaitGroup
}

func waitGroupFan(n int) {
	rounds := n / fanWidth
	f := new(fan)
	f.gate[0].Add(1)
	for i := 0; i < fanWidth; i++ {
		go f.waiter(rounds)
	}
	for r := 0; r < rounds; r++ {
		f.done.Add(fanWidth)
		f.gate[(r+1)&1].Add(1)
		f.gate[r&1].Done()
		f.done.Wait()
	}
}

func (f *fan) waiter(rounds int) {
	for r := 0; r < rounds; r++ {
		f.gate[r&1].Wait()
		f.done.Done()
	}
}

func timerNewStop(n int) {
	for i := 0; i < n; i++ {
		time.NewTimer(time.Hour).Stop()
	}
}

func never() {
	panic("a timer of an hour fired")
}

func timerFuncStop(n int) {
	for i := 0; i < n; i++ {
		time.AfterFunc(time.Hour, never).Stop()
	}
}

// timerReset moves one of 10,000 pending timers at a time.
func timerReset(n int) {
	const pending = 10000
	t := make([]*time.Timer, pending)
	for i := range t {
		t[i] = time.AfterFunc(time.Hour, never)
	}
	for i := 0; i < n; i++ {
		t[i%pending].Reset(time.Hour + time.Duration(i*7919%1000000))
	}
	for i := range t {
		t[i].Stop()
	}
}

var (
	unfired  atomic.Int64
	allFired = make(chan int64, 1)
)

func fired() {
	if unfired.Add(-1) == 0 {
		allFired <- 1
	}
}

// timerFire waits for n timers spread over 100 ms.
func timerFire(n int) {
	unfired.Store(int64(n))
	for i := 0; i < n; i++ {
		time.AfterFunc(time.Duration(i*7919%100000000), fired)
	}
	<-allFired
}
