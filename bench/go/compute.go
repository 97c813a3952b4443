package main

import "sync"

const fibSpawns = 121392 // in a naive fib(25), one for each call that has a sum to make

func forkJoinFib(n int) {
	for left := n; left > 0; left -= fibSpawns {
		var v int64
		fib(25, &v)
		if v != 75025 {
			panic("fib: wrong value")
		}
	}
}

func fib(n int, out *int64) {
	if n < 2 {
		*out = int64(n)
		return
	}
	var a, b int64
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		fib(n-1, &a)
		wg.Done()
	}()
	fib(n-2, &b)
	wg.Wait()
	*out = a + b
}

// forkJoinSort sorts n numbers; each part of more than 32 of them is a goroutine of its own.
func forkJoinSort(n int) {
	v := make([]uint32, n)
	x := uint32(2463534242)
	for i := range v {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		v[i] = x
	}
	quicksort(v)
	for i := 1; i < n; i++ {
		if v[i-1] > v[i] {
			panic("sort: out of order")
		}
	}
}

func quicksort(v []uint32) {
	if len(v) <= 32 {
		insertionSort(v)
		return
	}
	p := partition(v)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		quicksort(v[:p])
		wg.Done()
	}()
	quicksort(v[p:])
	wg.Wait()
}

func insertionSort(v []uint32) {
	for i := 1; i < len(v); i++ {
		x, j := v[i], i
		for j > 0 && v[j-1] > x {
			v[j] = v[j-1]
			j--
		}
		v[j] = x
	}
}

// partition is Hoare's, around the median of three.
func partition(v []uint32) int {
	a, b, c := v[0], v[len(v)/2], v[len(v)-1]
	if a > b {
		a, b = b, a
	}
	if b > c {
		b = c
	}
	if a > b {
		b = a
	}
	i, j := 0, len(v)-1
	for {
		for v[i] < b {
			i++
		}
		for v[j] > b {
			j--
		}
		if i >= j {
			return i
		}
		v[i], v[j] = v[j], v[i]
		i++
		j--
	}
}
