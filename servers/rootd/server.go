package main

import (
	"errors"
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
	// noMemoryWait is the time between tries to start a server for which there is no memory.
	noMemoryWait = 100 * time.Millisecond
	// keptSize is what state and journal of a server may grow to, bytes: frames come as they are used.
	keptSize = 128 << 20
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
	wake   chan struct{} // cuts a backoff short
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
	if info.State == uabi.ProcessRunning || s.line.lazy {
		return nil
	}
	return s.load(k, "start")
}

// load puts a fresh image of the server's binary in place. Called with mu held.
func (s *srv) load(k uk.Kernel, why string) error {
	e := s.entry
	if err := k.ProcessStart(e.Process, e.Image.Memory, e.Off, e.Len, e.Args); err != uabi.OK {
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
	s.unswap(k, info.ExitStatus)
	if info.ExitStatus == server.ExitFault {
		why = "fault point" // a test's plan, no crash loop: at once
	} else if wait := s.died(); wait > 0 {
		log.Printf("%s: %s, start %d; next try in %v", s.line.name, why, info.Starts, wait)
		s.pause(wait)
	}
	for !s.again(k, info.Starts, why) {
		s.pause(noMemoryWait)
	}
}

// pause waits, or less if somebody calls nudge.
func (s *srv) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.wake:
	}
}

// again loads the image after start number starts ended, unless somebody has done so since. false: there is no memory for it now.
func (s *srv) again(k uk.Kernel, starts uint64, why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var info uabi.ProcessInfo
	k.ProcessInfo(s.entry.Process, &info)
	if info.Starts != starts {
		return true
	}
	err := s.load(k, why)
	if err != nil {
		log.Print(err)
	}
	return !errors.Is(err, uabi.ErrNoMem)
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
