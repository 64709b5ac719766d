// Command stormd is the client storm as a program on the real kernel. The test on the host sends it one command a line on COM1 and reads
// one line of answer to each: "ok …" or "FAILED …".
//
//	storm CLIENTS OPS SEED   CLIENTS threads make OPS random operations each and close what they opened
//	pair TOTAL SEED          one thread deposits TOTAL, another waits for the funds and takes them
//	poison KIND              a request that fails its server (bank.Poison…) must be answered ErrIO
//	check                    the servers' totals must be exactly what all commands did
//	calls                    how many requests were sent
//	operations               version 2's counter and what it must be if version 2 ran from the beginning; "none": version 1 runs
//	fill N                   one account is given N entries; it stays open until drop
//	drop                     closes it
//	gap MS                   asks for its balance for MS ms; answers the longest call in µs
//	info                     the machine's counters
//	limits                   what an account with limits refuses
//	eat, spit                takes all memory that is there but the servers' reserve; gives it back
package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"aramid/itest/storm"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// program is what the commands share.
type program struct {
	k       uk.Kernel
	main    *storm.Client // of the main thread
	workers []*worker
	fill    *storm.Filled
	food    uabi.Handle
}

func main() {
	k, e := uk.NewThread()
	if e != uabi.OK {
		panic(e)
	}
	c := console{k}
	p := &program{k: k}
	var err error
	if p.main, err = storm.New(k, "main", uabi.BootVFS, 1); err != nil {
		c.print("FAILED " + err.Error())
		return
	}
	c.print("ok ready")
	for {
		line, e := c.line()
		if e != uabi.OK {
			panic(e)
		}
		out, err := p.command(strings.Fields(line))
		if err != nil {
			c.print("FAILED " + err.Error())
			continue
		}
		c.print("ok " + out)
	}
}

// worker is a client on a thread of its own, under a lane of its own.
type worker struct {
	c    *storm.Client
	jobs chan func(c *storm.Client) error
	done chan error
}

// start makes the worker of a lane; its first result says whether it could.
func start(lane uint16) *worker {
	w := &worker{jobs: make(chan func(c *storm.Client) error), done: make(chan error)}
	go func() {
		k, e := uk.NewThread()
		if e != uabi.OK {
			w.done <- fmt.Errorf("message buffer: %w", e)
			return
		}
		var err error
		w.c, err = storm.NewLane(k, fmt.Sprintf("c%d", lane), uabi.BootVFS, uint64(lane), lane)
		w.done <- err
		for job := range w.jobs {
			w.done <- job(w.c)
		}
	}()
	return w
}

// run has each of the jobs run by a worker of its own, all at once.
func (p *program) run(seed uint64, jobs ...func(c *storm.Client) error) error {
	for len(p.workers) < len(jobs) {
		w := start(uint16(len(p.workers) + 1))
		if err := <-w.done; err != nil {
			return err
		}
		p.workers = append(p.workers, w)
	}
	for i, job := range jobs {
		p.workers[i].c.Rand = rand.New(rand.NewPCG(seed, uint64(i)))
		p.workers[i].jobs <- job
	}
	var first error
	for i := range jobs {
		if err := <-p.workers[i].done; first == nil {
			first = err
		}
	}
	return first
}

// sum is what all clients did.
func (p *program) sum() storm.Sum {
	s := p.main.Sum
	for _, w := range p.workers {
		s.Add(w.c.Sum)
	}
	return s
}

// check asks the servers.
func (p *program) check() error {
	tries := 0
	k := storm.Checker{T: p.main.T, Ledger: uabi.BootVFS, Auditor: uabi.BootProc, Vault: uabi.BootMM,
		Sleep: func() bool { tries++; time.Sleep(pollTime); return tries < maxTries }}
	return k.Check(p.sum())
}

// maxTries is how often the checker looks before accounts that are still open count as an error.
const maxTries = 1000
