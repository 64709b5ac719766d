package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"aramid/itest/kernel/kit"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

const (
	defaultCalls  = 100_000
	callsPerChild = 50_000
	reportEvery   = 500_000
	frameLimit    = 16384 // 64 MiB
	objectLimit   = 20_000
	patience      = 3 * time.Second // without progress a child hangs
	settleTime    = 5 * time.Second
	childArg      = "child"
	progressSize  = 4096
)

func main() {
	debug.SetGCPercent(-1)
	k, err := uk.NewThread()
	kit.Check("attach", err)
	if len(os.Args) == 4 && os.Args[1] == childArg {
		seed, _ := strconv.ParseUint(os.Args[2], 10, 64)
		n, _ := strconv.ParseUint(os.Args[3], 10, 64)
		child(k, seed, n)
		return
	}
	supervise(k)
}

// supervise runs children until enough calls were made.
func supervise(k *uk.Real) {
	total := kit.Number(k, "aramid.fuzz", defaultCalls)
	seed := kit.Number(k, "aramid.seed", uint64(time.Now().UnixNano()))
	fmt.Printf("fuzz: %d calls, first seed %d\n", total, seed)
	round(k, seed, callsPerChild/10) // tables and slabs that stay are there from now on
	before := info(k)
	done, ended, hung := uint64(0), 0, 0
	for done < total {
		seed++
		n, how := round(k, seed, min(total-done, callsPerChild))
		if done/reportEvery != (done+n)/reportEvery {
			fmt.Printf("fuzz: %d of %d calls, seed %d\n", done+n, total, seed)
		}
		done += n
		switch how {
		case died:
			ended++
		case stuck:
			hung++
		}
		if n == 0 {
			done++ // a child that dies at once must not keep the test from ending
		}
	}
	after := info(k)
	fmt.Printf("fuzz: %d calls done; %d children ended themselves, %d were stuck and killed\n", done, ended, hung)
	if after.Objects != before.Objects || after.Handles != before.Handles {
		kit.Fail(fmt.Sprintf("objects %v handles %d before, %v and %d after", before.Objects, before.Handles, after.Objects, after.Handles))
	}
	fmt.Printf("fuzz: objects %v and handles %d are as before; kernel frames %d, before %d\n", after.Objects, after.Handles, after.KernelFrames, before.KernelFrames)
	if after.KernelFrames > before.KernelFrames+kernelSlack {
		kit.Fail("kernel frames leaked")
	}
	fmt.Println("fuzz: passed")
	kit.PowerOff()
}

// kernelSlack is what rootd's own runtime and spare slabs may need.
const kernelSlack = 64

// info tells what there is, without the threads of this process: the Go runtime makes one when it wants to.
func info(k *uk.Real) (s uabi.SystemInfo) {
	kit.Check("system", k.SystemInfo(&s))
	var p uabi.ProcessInfo
	kit.Check("process", k.ProcessInfo(uabi.BootProcess, &p))
	s.Objects[uabi.TypeThread] -= p.Threads
	return s
}

// How a child ended.
type outcome int

const (
	finished outcome = iota
	died
	stuck
)

// round runs one child of n calls and returns how many it made.
func round(k *uk.Real, seed, n uint64) (calls uint64, how outcome) {
	account, err := k.AccountCreate(uabi.BootAccount, frameLimit, objectLimit)
	kit.Check("account", err)
	endpoint, err := k.EndpointCreate(account, uabi.RankLinux)
	kit.Check("endpoint", err)
	progress, err := k.MemoryCreate(uabi.BootAccount, progressSize, 0)
	kit.Check("progress", err)
	c := kit.Child{
		Name: "fuzz", Rank: uabi.RankLinux, Account: account,
		Args: []string{childArg, strconv.FormatUint(seed, 10), strconv.FormatUint(n, 10)},
		Give: []kit.Give{
			{Slot: uabi.BootAccount, Handle: account, Rights: uabi.RightsAll},
			{Slot: uabi.BootEndpoint, Handle: endpoint, Rights: uabi.RightsAll},
			{Slot: uabi.BootKept, Handle: progress, Rights: uabi.RightsAll},
			{Slot: uabi.BootArchive, Handle: uabi.BootArchive, Rights: uabi.RightRead | uabi.RightMap | uabi.RightTransfer},
			{Slot: uabi.BootIRQ, Handle: uabi.BootIRQ, Rights: uabi.RightsAll},
			{Slot: uabi.BootPower, Handle: uabi.BootPower, Rights: uabi.RightsAll},
		},
	}
	p := c.Start(k)
	kit.Check("close", k.Close(endpoint))
	calls, how = watch(k, p, progress, n)
	kit.Check("kill", k.ProcessKill(p, 0))
	kit.Check("close", k.Close(p))
	kit.Check("close", k.Close(progress))
	settled(k, account, seed)
	kit.Check("close", k.Close(account))
	return calls, how
}

// watch waits for the child's end.
func watch(k *uk.Real, p, progress uabi.Handle, n uint64) (calls uint64, how outcome) {
	var pi uabi.ProcessInfo
	last := time.Now()
	for {
		time.Sleep(5 * time.Millisecond)
		kit.Check("info", k.ProcessInfo(p, &pi))
		now := readProgress(k, progress)
		if now != calls {
			calls, last = now, time.Now()
		}
		switch {
		case calls >= n:
			return calls, finished
		case pi.State == uabi.ProcessDead:
			return calls, died
		case time.Since(last) > patience:
			return calls, stuck
		}
	}
}

// readProgress sums the threads' counters.
func readProgress(k *uk.Real, progress uabi.Handle) (sum uint64) {
	var b [8 * threads]byte
	_, err := k.MemoryRead(progress, 0, b[:])
	kit.Check("progress", err)
	for i := range threads {
		w := uint64(0)
		for j := range 8 {
			w |= uint64(b[8*i+j]) << (8 * j)
		}
		if w < 1<<32 { // the child can scribble there
			sum += w
		}
	}
	return sum
}

// settled waits until nothing is charged to the child's account any more.
func settled(k *uk.Real, account uabi.Handle, seed uint64) {
	var frames, objects uint64
	for start := time.Now(); time.Since(start) < settleTime; time.Sleep(time.Millisecond) {
		var err uabi.Error
		frames, objects, err = k.AccountInfo(account)
		kit.Check("account", err)
		if frames == 0 && objects == 0 {
			return
		}
	}
	s := info(k)
	kit.Fail(fmt.Sprintf("seed %d: %d frames and %d objects are still charged; objects %v", seed, frames, objects, s.Objects))
}
