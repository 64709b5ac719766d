// Command goprog is a stock Go program that uses what the runtime asks a kernel for: many goroutines and threads, timers, the collector, signals,
// children, pipes and files. It prints what does not depend on time.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		n, err := io.Copy(os.Stdout, os.Stdin)
		fmt.Println("child:", n, err)
		os.Exit(5)
	}
	goroutines()
	timers()
	collect()
	signals()
	children()
	files()
}

func goroutines() {
	var sum atomic.Int64
	var wg sync.WaitGroup
	in := make(chan int64)
	for range 500 {
		wg.Go(func() {
			for v := range in {
				sum.Add(v)
				runtime.Gosched()
			}
		})
	}
	for v := range int64(20000) {
		in <- v
	}
	close(in)
	wg.Wait()
	for range 20 { // each with a thread of its own
		wg.Go(func() {
			runtime.LockOSThread()
			var ts = syscall.Timespec{Nsec: 1e6}
			syscall.Nanosleep(&ts, nil)
			sum.Add(1)
		})
	}
	wg.Wait()
	fmt.Println("goroutines:", sum.Load())
}

func timers() {
	start := time.Now()
	var order []int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, n := range []int{3, 1, 2} {
		wg.Add(1)
		time.AfterFunc(time.Duration(n)*200*time.Millisecond, func() {
			defer wg.Done()
			mu.Lock()
			order = append(order, n)
			mu.Unlock()
		})
	}
	wg.Wait()
	fmt.Println("timers:", order, time.Since(start) >= 600*time.Millisecond)
	tick := time.NewTicker(time.Millisecond)
	for range 20 {
		<-tick.C
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fmt.Println("context:", ctx.Err())
}

func collect() {
	debug.SetGCPercent(20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	keep := map[int][]byte{}
	for i := range 20000 {
		keep[i%500] = make([]byte, 4096+i%100)
	}
	runtime.GC()
	debug.FreeOSMemory()
	runtime.ReadMemStats(&after)
	fmt.Println("collector:", len(keep), after.NumGC > before.NumGC+3, after.HeapReleased > 0)
}

func signals() {
	c := make(chan os.Signal, 10)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGTERM)
	for _, s := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM} {
		syscall.Kill(os.Getpid(), s)
		fmt.Println("signal:", <-c)
	}
	func() {
		defer func() { fmt.Println("fault:", recover()) }()
		var p *int
		*p = 1
	}()
}

func children() {
	for range 5 {
		cmd := exec.Command("/proc/self/exe", "child")
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
			return
		}
		go func() { fmt.Fprintln(in, "through a pipe"); in.Close() }()
		for s := bufio.NewScanner(out); s.Scan(); {
			fmt.Println("from the child:", s.Text())
		}
		fmt.Println("child:", cmd.Wait())
	}
	_, err := exec.Command("/nothing").Output()
	fmt.Println(errors.Is(err, os.ErrNotExist), err)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "child")
	in, _ := cmd.StdinPipe()
	defer in.Close()
	fmt.Println("killed:", cmd.Run())
}

func files() {
	dir, err := os.MkdirTemp("", "goprog")
	fmt.Println(err)
	defer os.RemoveAll(dir)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			b := make([]byte, 10000+i)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), b, 0o600); err != nil {
				fmt.Println(err)
			}
		})
	}
	wg.Wait()
	h, n := sha256.New(), 0
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if d.Type().IsRegular() {
			b, _ := os.ReadFile(p)
			h.Write(b)
			n++
		}
		return err
	})
	fmt.Printf("files: %d %x\n", n, h.Sum(nil)[:8])
	r, w, _ := os.Pipe()
	r.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err = r.Read(make([]byte, 1))
	fmt.Println("deadline:", errors.Is(err, os.ErrDeadlineExceeded))
	w.Close()
	fmt.Println("removed:", os.RemoveAll(dir))
}
