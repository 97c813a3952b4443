package main

import "sync"

func chanRoundTrip(n int) {
	ping, pong := make(chan int64), make(chan int64)
	go bounce(ping, pong, n)
	for i := 0; i < n; i++ {
		ping <- int64(i)
		<-pong
	}
}

func bounce(ping, pong chan int64, n int) {
	for i := 0; i < n; i++ {
		pong <- <-ping
	}
}

func chanBuffered(pairs, n int) {
	c := make(chan int64, 128)
	var wg sync.WaitGroup
	wg.Add(2 * pairs)
	for i := 0; i < pairs; i++ {
		go produce(c, n/pairs, &wg)
		go consume(c, n/pairs, &wg)
	}
	wg.Wait()
}

func produce(c chan int64, n int, wg *sync.WaitGroup) {
	for i := 0; i < n; i++ {
		c <- int64(i)
	}
	wg.Done()
}

var sink int64

func consume(c chan int64, n int, wg *sync.WaitGroup) {
	var sum int64
	for i := 0; i < n; i++ {
		sum += <-c
	}
	sink = sum
	wg.Done()
}

func fourChans(capacity int) (c [4]chan int64) {
	for i := range c {
		c[i] = make(chan int64, capacity)
	}
	return
}

func selectDefault(n int) {
	c := fourChans(1)
	missed := 0
	for i := 0; i < n; i++ {
		select {
		case <-c[0]:
		case <-c[1]:
		case <-c[2]:
		case <-c[3]:
		default:
			missed++
		}
	}
	sink = int64(missed)
}

// selectReady counts a send to one of four channels and the select that receives it.
func selectReady(n int) {
	c := fourChans(1)
	var sum int64
	for i := 0; i < n; i++ {
		c[i&3] <- int64(i)
		sum += recvAny(&c)
	}
	sink = sum
}

func recvAny(c *[4]chan int64) (v int64) {
	select {
	case v = <-c[0]:
	case v = <-c[1]:
	case v = <-c[2]:
	case v = <-c[3]:
	}
	return
}

// selectBlock is a round trip in which both sides receive through a select that has to wait.
func selectBlock(n int) {
	ping, pong := fourChans(0), fourChans(0)
	go bounceSelect(&ping, &pong, n)
	var sum int64
	for i := 0; i < n; i++ {
		ping[i&3] <- int64(i)
		sum += recvAny(&pong)
	}
	sink = sum
}

func bounceSelect(ping, pong *[4]chan int64, n int) {
	for i := 0; i < n; i++ {
		v := recvAny(ping)
		pong[i&3] <- v
	}
}

// skynet is a tree of n leaves, ten children each; every goroutine reports a sum to its parent.
func skynet(n int) {
	c := make(chan int64)
	go skynetNode(c, 0, int64(n))
	sum := <-c
	if want := int64(n) * int64(n-1) / 2; sum != want {
		panic("skynet: wrong sum")
	}
}

func skynetNode(up chan int64, first, leaves int64) {
	if leaves <= 1 {
		up <- first
		return
	}
	c := make(chan int64)
	for i := int64(0); i < 10; i++ {
		go skynetNode(c, first+i*(leaves/10), leaves/10)
	}
	var sum int64
	for i := 0; i < 10; i++ {
		sum += <-c
	}
	up <- sum
}
