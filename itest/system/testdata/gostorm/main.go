// Command gostorm is a Go program's everyday life in rounds: goroutines, timers, pipes, garbage. It prints a line each round and ends
// with status 42, or with 1 and what is wrong.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	workers = 4
	items   = 50
	junk    = 64 << 10
)

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(err)
	}
	for i := range rounds {
		sum(i)
		timers(i)
		through(i)
		fmt.Printf("round %d\n", i)
	}
	os.Exit(42)
}

func fail(a ...any) {
	fmt.Println(a...)
	os.Exit(1)
}

// sum has workers add numbers that they get through a channel.
func sum(round int) {
	in, out := make(chan int), make(chan int, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			n := 0
			for v := range in {
				b := make([]byte, junk)
				b[v] = 1
				n += v * int(b[v])
			}
			out <- n
		})
	}
	for i := range items {
		in <- round + i
	}
	close(in)
	wg.Wait()
	got := 0
	for range workers {
		got += <-out
	}
	if want := items*round + items*(items-1)/2; got != want {
		fail("round", round, "sum", got, "want", want)
	}
}

// timers waits for a few, of which the shortest must be first.
func timers(round int) {
	const step = time.Millisecond
	start := time.Now()
	late := time.AfterFunc(time.Hour, func() { fail("round", round, "a stopped timer fired") })
	t := time.NewTimer(step)
	select {
	case <-t.C:
	case <-time.After(time.Minute):
		fail("round", round, "a timer is lost")
	}
	if d := time.Since(start); d < step {
		fail("round", round, "a timer fired after", d)
	}
	if !late.Stop() {
		fail("round", round, "a timer of an hour is over")
	}
}

// through sends bytes through a pipe.
func through(round int) {
	r, w, err := os.Pipe()
	if err != nil {
		fail("round", round, err)
	}
	go func() {
		for i := range items {
			fmt.Fprintf(w, "%d.%d\n", round, i)
		}
		w.Close()
	}()
	b, err := io.ReadAll(r)
	r.Close()
	want := ""
	for i := range items {
		want += fmt.Sprintf("%d.%d\n", round, i)
	}
	if err != nil || string(b) != want {
		fail("round", round, "pipe", err, string(b))
	}
}
