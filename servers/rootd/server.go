package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"sync"
	"time"

	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Restart policy: the first restart is at once; a server that dies again within calm waits, twice as long each time, and after
// slowAfter deaths it is said so and tried every slowest.
const (
	calm      = time.Minute
	firstWait = 50 * time.Millisecond
	slowest   = 10 * time.Second
	slowAfter = 8
	// snapshotTime is how long a server may take to write its snapshot before a swap.
	snapshotTime = 10 * time.Second
	keptSize     = 32 << 20
)

// States of a server, as ps shows them.
const (
	stateRunning = "running"
	stateBackoff = "backoff"
	stateSlow    = "failing"
)

// srv is one server.
type srv struct {
	line  line
	entry *entry
	book  *book
	event uabi.Handle // of its process

	mu     sync.Mutex
	state  string
	why    string // of the last start
	deaths int    // in a row, each within calm of its start
	start  time.Time
	old    *image        // the binary before a swap that is not proven yet
	wake   chan struct{} // cuts a backoff short
}

// image is a binary in a memory object.
type image struct {
	memory   uabi.Handle
	off, len uint64
}

// begin starts the server unless it runs already, as after a death of rootd.
func (s *srv) begin(k uk.Kernel) error {
	var err uabi.Error
	if s.event, err = k.ProcessEvent(s.entry.Process); err != uabi.OK {
		return fmt.Errorf("%s: process event: %w", s.line.name, err)
	}
	var info uabi.ProcessInfo
	if err := k.ProcessInfo(s.entry.Process, &info); err != uabi.OK {
		return fmt.Errorf("%s: %w", s.line.name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.start = stateRunning, time.Now()
	if info.State == uabi.ProcessRunning {
		return nil
	}
	return s.load(k, "start")
}

// load puts a fresh image of the server's binary in place. Called with mu held.
func (s *srv) load(k uk.Kernel, why string) error {
	e := s.entry
	if err := k.ProcessStart(e.Process, e.Image, e.Off, e.Len, e.Args); err != uabi.OK {
		return fmt.Errorf("%s: %s: %w", s.line.name, why, err)
	}
	s.state, s.why, s.start = stateRunning, why, time.Now()
	return nil
}

// watch restarts the server whenever its image ends or hangs.
func (s *srv) watch(k uk.Kernel) {
	const bits = uabi.ProcessDied | uabi.ProcessHung
	for {
		got, err := k.EventWait(s.event, bits, uabi.NoDeadline, uabi.NoDeadline)
		if err != uabi.OK {
			log.Printf("%s: wait: %v", s.line.name, err)
			return
		}
		k.EventUpdate(s.event, 0, got, 0)
		s.revive(k, got)
	}
}

// revive brings the server back after its image ended (or hung).
func (s *srv) revive(k uk.Kernel, bits uint32) {
	var info uabi.ProcessInfo
	k.ProcessInfo(s.entry.Process, &info)
	why := fmt.Sprintf("exit %d", info.ExitStatus)
	switch {
	case bits&uabi.ProcessDied == 0:
		why = "hung"
	case info.State == uabi.ProcessRunning:
		return // restarted by hand since
	case info.ExitStatus >= exceptionStatus:
		why = fmt.Sprintf("exception %d", info.ExitStatus-exceptionStatus)
	}
	s.unswap(info.ExitStatus)
	if info.ExitStatus == server.ExitFault {
		why = "fault point" // a test's plan, no crash loop: at once
	} else if wait := s.died(); wait > 0 {
		log.Printf("%s: %s, start %d; next try in %v", s.line.name, why, info.Starts, wait)
		select {
		case <-time.After(wait):
		case <-s.wake:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(k, why); err != nil {
		log.Print(err)
	}
}

const exceptionStatus = 256 // + vector: ProcessInfo.ExitStatus

// died counts a death and says how long to wait.
func (s *srv) died() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.start) > calm {
		s.deaths = 0
	}
	s.deaths++
	wait := backoff(s.deaths)
	if wait > 0 {
		s.state = stateBackoff
	}
	if s.deaths == slowAfter {
		log.Printf("%s: %d deaths in a row; it will be tried every %v", s.line.name, s.deaths, slowest)
	}
	if s.deaths >= slowAfter {
		s.state = stateSlow
	}
	return wait
}

// backoff is the wait before the start that follows n deaths in a row.
func backoff(n int) time.Duration {
	switch {
	case n <= freeDeaths:
		return 0
	case n >= slowAfter:
		return slowest
	}
	return min(firstWait<<(n-freeDeaths-1), slowest)
}

// freeDeaths are restarted at once: a server killed by hand a few times in a minute is no crash loop.
const freeDeaths = 3

// restart replaces the image at once, whatever its state.
func (s *srv) restart(k uk.Kernel, why string) error {
	s.mu.Lock()
	s.deaths = 0
	err := s.load(k, why)
	s.mu.Unlock()
	s.nudge()
	return err
}

// nudge ends a backoff.
func (s *srv) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// kill ends the image as a crash would.
func (s *srv) kill(k uk.Kernel) error {
	s.mu.Lock()
	s.deaths = 0
	s.mu.Unlock()
	if err := k.ProcessKill(s.entry.Process, statusKilled); err != uabi.OK {
		return fmt.Errorf("%s: %w", s.line.name, err)
	}
	return nil
}

const statusKilled = 137 // as after SIGKILL

// swap replaces the binary by the one in memory: a snapshot by the old image, then the new one on it. If that cannot load the
// snapshot, unswap brings the old one back.
func (s *srv) swap(k uk.Kernel, memory uabi.Handle, n uint64) error {
	if s.line.server {
		if err := s.snapshot(k); err != nil {
			return err
		}
	}
	e := s.entry
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := k.ProcessStart(e.Process, memory, 0, n, e.Args); err != uabi.OK {
		return fmt.Errorf("%s: the new binary does not start: %w", s.line.name, err)
	}
	s.old = &image{e.Image, e.Off, e.Len}
	s.deaths, s.state, s.why, s.start = 0, stateRunning, "swap", time.Now()
	return s.book.update(func() { e.Image, e.Off, e.Len = memory, 0, n })
}

// snapshot asks the server for one and waits until its kept memory shows it.
func (s *srv) snapshot(k uk.Kernel) error {
	before, err := s.epoch(k)
	if err != nil {
		return err
	}
	if _, err := k.EventUpdate(s.entry.Control, 0, 0, server.ControlSnapshot); err != uabi.OK {
		return fmt.Errorf("%s: control event: %w", s.line.name, err)
	}
	for end := time.Now().Add(snapshotTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		now, err := s.epoch(k)
		if err != nil || now != before {
			return err
		}
	}
	return fmt.Errorf("%s: no snapshot within %v", s.line.name, snapshotTime)
}

func (s *srv) epoch(k uk.Kernel) (uint64, error) {
	var b [8]byte
	if _, err := k.MemoryRead(s.entry.Kept, server.EpochOffset, b[:]); err != uabi.OK {
		return 0, fmt.Errorf("%s: kept memory: %w", s.line.name, err)
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}

// unswap goes back to the binary before a swap when the new one ended because it could not load the snapshot.
func (s *srv) unswap(status uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.old == nil || status != server.ExitState {
		return
	}
	log.Printf("%s: the new binary cannot load the snapshot; the old one goes on", s.line.name)
	old := *s.old
	s.old, s.deaths = nil, 0
	if err := s.book.update(func() { s.entry.Image, s.entry.Off, s.entry.Len = old.memory, old.off, old.len }); err != nil {
		log.Print(err)
	}
}
