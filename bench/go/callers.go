package main

import "runtime"

const pcsMax = 128

var told int

//go:noinline
func look(n int) {
	var pcs [pcsMax]uintptr
	for i := 0; i < n; i++ {
		told += runtime.Callers(1, pcs[:])
	}
}

//go:noinline
func down(n, depth int) int {
	if depth == 0 {
		look(n)
		return 0
	}
	return down(n, depth-1) + 1
}

// callersAt looks n times from under that many frames in all, those above included.
func callersAt(frames, n int) {
	var pcs [pcsMax]uintptr
	above := runtime.Callers(1, pcs[:]) + 2
	told = 0
	if frames < above {
		above = frames
	}
	down(n, frames-above)
	if told < n*frames {
		panic("a stack of another depth")
	}
}
