package main

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

type ptr8 struct{ a unsafe.Pointer }
type ptr16 struct{ a, b unsafe.Pointer }
type ptr64 struct {
	a, b unsafe.Pointer
	rest [48]byte
}
type ptr256 struct {
	a, b unsafe.Pointer
	rest [240]byte
}
type ptr1024 struct {
	a, b unsafe.Pointer
	rest [1008]byte
}
type ptr4096 struct {
	a, b unsafe.Pointer
	rest [4080]byte
}
type ptr65536 struct {
	a, b unsafe.Pointer
	rest [65520]byte
}

// Of each kind the same function with a size that the compiler knows, as a program has it.

func plain8(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new([1]int64)
		p[0] = int64(i)
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func pointers8(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new(ptr8)
		p.a = unsafe.Pointer(&ring[0])
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func plain16(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new([2]int64)
		p[0] = int64(i)
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func pointers16(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new(ptr16)
		p.a = unsafe.Pointer(&ring[0])
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func plain64(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new([8]int64)
		p[0] = int64(i)
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func pointers64(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new(ptr64)
		p.a = unsafe.Pointer(&ring[0])
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func plain256(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new([32]int64)
		p[0] = int64(i)
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func pointers256(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new(ptr256)
		p.a = unsafe.Pointer(&ring[0])
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func plain1024(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new([128]int64)
		p[0] = int64(i)
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func pointers1024(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new(ptr1024)
		p.a = unsafe.Pointer(&ring[0])
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func plain4096(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new([512]int64)
		p[0] = int64(i)
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func pointers4096(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new(ptr4096)
		p.a = unsafe.Pointer(&ring[0])
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func plain65536(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new([8192]int64)
		p[0] = int64(i)
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

func pointers65536(ring []unsafe.Pointer, n int) {
	for i := 0; i < n; i++ {
		p := new(ptr65536)
		p.a = unsafe.Pointer(&ring[0])
		ring[i&(len(ring)-1)] = unsafe.Pointer(p)
	}
}

type allocLoop func(ring []unsafe.Pointer, n int)

var allocKinds = []struct {
	size, n         int
	plain, pointers allocLoop
}{
	{8, 10000000, plain8, pointers8},
	{16, 10000000, plain16, pointers16},
	{64, 10000000, plain64, pointers64},
	{256, 5000000, plain256, pointers256},
	{1024, 2000000, plain1024, pointers1024},
	{4096, 500000, plain4096, pointers4096},
	{65536, 50000, plain65536, pointers65536},
}

var allocSize int
var allocChosen allocLoop

// allocNamed sets what allocObjects allocates, by a row's name: alloc_SIZE, then _ptr, then _off. Returns
// how many make a measurement; 0: no such row.
func allocNamed(name string) int {
	parts := strings.Split(name, "_")
	allocSize, _ = strconv.Atoi(parts[1])
	for _, k := range allocKinds {
		if k.size != allocSize {
			continue
		}
		allocChosen = k.plain
		n := k.n
		for _, p := range parts[2:] {
			if p == "ptr" {
				allocChosen = k.pointers
			} else {
				debug.SetGCPercent(-1)
				n = min(n, 1<<30/k.size) // without collections, a gigabyte at most
			}
		}
		return n
	}
	return 0
}

// allocObjects allocates on all processors. Each goroutine keeps its last objects, up to a megabyte; the
// others are garbage.
func allocObjects(n int) {
	procs := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	wg.Add(procs)
	for i := 0; i < procs; i++ {
		go func() {
			allocChosen(make([]unsafe.Pointer, min(1<<20/allocSize, 1024)), n/procs)
			wg.Done()
		}()
	}
	wg.Wait()
}
