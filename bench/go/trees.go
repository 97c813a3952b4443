package main

import (
	"math/bits"
	"os"
	"runtime"
	"sync"
)

func check(ok bool, what string) {
	if !ok {
		os.Stderr.WriteString("rows: " + what + "\n")
		os.Exit(1)
	}
}

type treeNode struct {
	left, right *treeNode
}

func tree(depth int) *treeNode {
	n := &treeNode{}
	if depth > 0 {
		n.left = tree(depth - 1)
		n.right = tree(depth - 1)
	}
	return n
}

func (n *treeNode) nodes() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.nodes() + n.right.nodes()
}

// trees has a goroutine for each depth; the largest trees have n leaves.
func trees(n int) {
	most := bits.Len(uint(n)) - 1
	check(tree(most+1).nodes() == 4<<most-1, "the first tree is not whole")
	stays := tree(most)
	var wg sync.WaitGroup
	for depth := 4; depth <= most; depth += 2 {
		wg.Add(1)
		go func(depth, count int) {
			sum := 0
			for i := 0; i < count; i++ {
				sum += tree(depth).nodes()
			}
			check(sum == count*(2<<depth-1), "a tree is not what it was")
			wg.Done()
		}(depth, 1<<(most-depth+4))
	}
	wg.Wait()
	check(stays.nodes() == 2<<most-1, "the tree that stays is not whole")
}

type box struct {
	left, right *box
	i, j        int32
}

func bottomUp(depth int) *box {
	b := new(box)
	if depth > 0 {
		b.left = bottomUp(depth - 1)
		b.right = bottomUp(depth - 1)
	}
	return b
}

func topDown(depth int, b *box) {
	if depth <= 0 {
		return
	}
	b.left = new(box)
	b.right = new(box)
	topDown(depth-1, b.left)
	topDown(depth-1, b.right)
}

func (b *box) boxes() int {
	if b == nil {
		return 0
	}
	return 1 + b.left.boxes() + b.right.boxes()
}

// gcbench is the program by Ellis, Kovac and Boehm. The first tree has n leaves; another one and an array of
// doubles stay.
func gcbench(n int) {
	const doubles = 500000
	most := bits.Len(uint(n)) - 1 - 2
	check(bottomUp(most+2).boxes() == 8<<most-1, "the first tree is not whole")
	stays := new(box)
	topDown(most, stays)
	array := make([]float64, doubles)
	for i := 1; i < doubles/2; i++ {
		array[i] = 1 / float64(i)
	}
	for depth := 4; depth <= most; depth += 2 {
		count := 4 << most / (2<<depth - 1)
		for i := 0; i < count; i++ {
			b := new(box)
			topDown(depth, b)
			runtime.KeepAlive(b)
		}
		for i := 0; i < count; i++ {
			runtime.KeepAlive(bottomUp(depth))
		}
	}
	check(stays.boxes() == 2<<most-1 && array[1000] == 1.0/1000, "what stays is not whole")
}
