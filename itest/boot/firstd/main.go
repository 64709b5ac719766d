// Firstd stands in for rootd in the boot tests: a plain Go program that uses what a stock Go runtime has (goroutines, timers, garbage
// collection, signals for faults and preemption), says "firstd: …" on the log for each, and powers the machine off. The command-line word
// aramid.panic=N asks the kernel for that kind of panic instead.
package main

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	k, err := uk.NewThread()
	if err != uabi.OK {
		panic(err)
	}
	say(k, "started")
	var line [4096]byte
	n, err := k.MemoryRead(uabi.BootConfig, 0, line[:])
	check(k, "command line", err == uabi.OK)
	if _, after, ok := bytes.Cut(line[:n], []byte("aramid.panic=")); ok {
		what, convErr := strconv.Atoi(string(after[:1]))
		check(k, "panic number", convErr == nil)
		k.Panic(uabi.BootPower, uint32(what))
		check(k, "after panic", false)
	}
	goroutines(k)
	collection(k)
	nilDereference(k)
	preemption(k)
	timers(k)
	report(k)
	k.PowerOff(uabi.BootPower, 0)
}

func say(k *uk.Real, format string, args ...any) {
	k.Log(fmt.Appendf(nil, "firstd: "+format, args...))
}

// check ends the machine with status 9 if ok is false.
func check(k *uk.Real, what string, ok bool) {
	if !ok {
		say(k, "FAILED: %s", what)
		k.PowerOff(uabi.BootPower, 9)
	}
}

func goroutines(k *uk.Real) {
	const workers, rounds = 8, 1000
	var wg sync.WaitGroup
	c := make(chan int)
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range rounds {
				c <- 1
			}
		}()
	}
	go func() { wg.Wait(); close(c) }()
	sum := 0
	for v := range c {
		sum += v
	}
	check(k, "goroutines", sum == workers*rounds)
	say(k, "goroutines")
}

func collection(k *uk.Real) {
	var keep [][]byte
	for i := range 2000 {
		b := make([]byte, 8<<10)
		b[0] = byte(i)
		if i%100 == 0 {
			keep = append(keep, b)
		}
	}
	runtime.GC()
	for i, b := range keep {
		check(k, "memory after collection", b[0] == byte(i*100))
	}
	say(k, "garbage collection")
}

func nilDereference(k *uk.Real) {
	defer func() {
		check(k, "recover", recover() != nil)
		say(k, "nil dereference recovered")
	}()
	var p *int
	*p = 1
}

func preemption(k *uk.Real) {
	stop := false
	started := make(chan bool)
	go func() {
		started <- true
		//lint:ignore SA5002 it never yields: only SIGURG stops it, which is the test
		for !stop {
		}
	}()
	<-started
	runtime.GC()
	stop = true
	say(k, "preemption")
}

func timers(k *uk.Real) {
	start := time.Now()
	time.Sleep(5 * time.Millisecond)
	d := time.Since(start)
	check(k, "sleep", d >= 5*time.Millisecond && d < 5*time.Second)
	say(k, "timers")
}

func report(k *uk.Real) {
	var s uabi.SystemInfo
	check(k, "system information", k.SystemInfo(&s) == uabi.OK)
	deepest := uint64(0)
	for _, d := range s.StackMax[:s.CPUs] {
		deepest = max(deepest, d)
	}
	check(k, "kernel stack", deepest > 0 && deepest < 8192)
	say(k, "%d CPUs, %d of %d frames free, kernel frames %d, kernel stack %d bytes, %d ms", s.CPUs, s.FramesFree, s.FramesTotal, s.KernelFrames, deepest, s.UptimeNS/1e6)
}
