// Smoke is a rootd that uses what a stock Go runtime needs of the kernel: goroutines on several threads, timers, garbage
// collection, asynchronous preemption, recovered faults. It prints one line for each and powers the machine off with status 0,
// or with 1 when something is wrong.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	fmt.Println("smoke: hello from ring 3 on", runtime.NumCPU(), "CPUs, args", os.Args)
	steps := []struct {
		name string
		run  func() error
	}{
		{"goroutines", goroutines},
		{"collection", collection},
		{"timers", timers},
		{"intervals", intervals},
		{"faults", faults},
		{"preemption", preemption},
		{"deep stack", deepStack},
		{"reservation", reservation},
	}
	status := uint64(0)
	for _, s := range steps {
		start := time.Now()
		if err := s.run(); err != nil {
			fmt.Printf("smoke: %s FAILED: %v\n", s.name, err)
			status = 1
			continue
		}
		fmt.Printf("smoke: %s ok (%d us)\n", s.name, time.Since(start).Microseconds())
	}
	if status == 0 {
		fmt.Println("smoke: all passed")
	}
	var k uk.Real
	err := k.PowerOff(uabi.BootPower, status)
	fmt.Println("smoke: power off failed:", err.Error())
}

func goroutines() error {
	const workers, rounds = 50, 200
	var wg sync.WaitGroup
	sum := make(chan int, workers)
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n := 0
			for i := range rounds {
				n += i * w
				runtime.Gosched()
			}
			sum <- n
		}()
	}
	wg.Wait()
	close(sum)
	got := 0
	for n := range sum {
		got += n
	}
	if want := rounds * (rounds - 1) / 2 * workers * (workers - 1) / 2; got != want {
		return fmt.Errorf("sum %d, want %d", got, want)
	}
	return nil
}

var sink [][]byte

func collection() error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 2000 {
		b := make([]byte, 16<<10)
		b[i] = byte(i)
		sink = append(sink[max(0, len(sink)-50):], b)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.NumGC == before.NumGC {
		return fmt.Errorf("no collection ran")
	}
	for i, b := range sink {
		n := 2000 - len(sink) + i
		if b[n] != byte(n) {
			return fmt.Errorf("block %d was overwritten", n)
		}
	}
	debug.FreeOSMemory()
	return nil
}

func timers() error {
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	if d := time.Since(start); d < 20*time.Millisecond || d > 2*time.Second {
		return fmt.Errorf("slept %v instead of 20 ms", d)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 5 {
		<-tick.C
	}
	select {
	case <-time.After(10 * time.Millisecond):
	case <-make(chan int):
	}
	return nil
}

// intervals has kernel timers whose next time has always passed or never comes: everything else goes on.
func intervals() error {
	const n = 50
	k, e := uk.NewThread()
	if e != uabi.OK {
		return e
	}
	event, e := k.EventCreate(uabi.BootAccount)
	if e != uabi.OK {
		return e
	}
	defer k.Close(event)
	for i := range uint64(n) {
		t, e := k.TimerCreate(uabi.BootAccount, event, 1)
		if e != uabi.OK {
			return e
		}
		defer k.Close(t)
		now, _ := k.Clock(uabi.ClockMonotonic)
		if e := k.TimerSet(t, now+uint64(time.Millisecond), 1-2*(i%2)); e != uabi.OK {
			return e
		}
	}
	if err := timers(); err != nil {
		return err
	}
	return goroutines()
}

// nilTarget is never set: reading through it faults.
var nilTarget *[64]int

func faults() error {
	for i := range 3 {
		if err := recovered(func() { nilTarget[i*8]++ }); err == nil {
			return fmt.Errorf("a nil dereference went through")
		}
	}
	zero := 0
	if err := recovered(func() { zero = 1 / zero }); err == nil {
		return fmt.Errorf("a division by zero went through")
	}
	return nil
}

func recovered(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	f()
	return nil
}

// preemption needs SIGURG: a collection must stop goroutines that never call anything.
func preemption() error {
	var stop atomic.Bool
	var spun [4]uint64
	var wg sync.WaitGroup
	for i := range spun {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n := uint64(0)
			for !stop.Load() {
				n++
			}
			spun[i] = n
		}()
	}
	for range 3 {
		time.Sleep(2 * time.Millisecond)
		runtime.GC()
	}
	stop.Store(true)
	wg.Wait()
	for i, n := range spun {
		if n == 0 {
			return fmt.Errorf("goroutine %d never ran", i)
		}
	}
	return nil
}

func deepStack() error {
	if got := deep(100000); got != 100000 {
		return fmt.Errorf("depth %d", got)
	}
	return nil
}

//go:noinline
func deep(n int) int {
	if n == 0 {
		return 0
	}
	return deep(n-1) + 1
}

// reservation touches a few pages of a slice far larger than what is touched.
func reservation() error {
	b := make([]byte, 64<<20)
	for i := 0; i < len(b); i += 1 << 20 {
		if b[i] != 0 {
			return fmt.Errorf("page at %d is not zero", i)
		}
		b[i] = 1
	}
	return nil
}
