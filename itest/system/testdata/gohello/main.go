// Gohello uses what makes a Go program a Go program: goroutines, channels, timers, garbage collection, a recovered fault.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	var wg sync.WaitGroup
	c := make(chan int, 4)
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			time.Sleep(time.Duration(i) * time.Millisecond)
			c <- i
		}()
	}
	go func() { wg.Wait(); close(c) }()
	sum := 0
	for v := range c {
		sum += v
	}
	fmt.Println("sum", sum)
	var keep [][]byte
	for i := range 200 {
		keep = append(keep, make([]byte, 64<<10))
		if i%50 == 0 {
			keep = nil
			runtime.GC()
		}
	}
	fmt.Println("kept", len(keep))
	fmt.Println("recovered:", fault())
	fmt.Println(os.Args[1:], os.Getenv("WHO"))
	os.Exit(5)
}

// fault dereferences nil and gives what that panicked with.
func fault() (why any) {
	defer func() { why = recover() }()
	var p *int
	return *p
}
