package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"time"

	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// How long a server may take to write its snapshot before a swap, and the new binary to load it, and how often that is looked at.
const (
	snapshotTime = 10 * time.Second
	lookTime     = time.Millisecond
)

// swap replaces the binary by the n bytes in memory, whose handle it takes: a snapshot by the old image, then the new one on it. If that
// does not come up, unswap brings the old one back and the swap fails.
func (s *srv) swap(k uk.Kernel, memory uabi.Handle, n uint64) error {
	journal := s.word(k, server.MagicOffset) == server.Magic
	if journal {
		if err := s.snapshot(k); err != nil {
			k.Close(memory)
			return err
		}
	}
	up := s.word(k, server.UpOffset)
	if err := s.exchange(k, Image{memory, 0, n}); err != nil {
		k.Close(memory)
		return err
	}
	for end := time.Now().Add(snapshotTime); journal && s.word(k, server.UpOffset) == up && !s.unswapped(); time.Sleep(lookTime) {
		if time.Now().After(end) {
			s.unswap(k, server.ExitState)
			s.restart(k, "swap failed")
		}
	}
	return s.proven(k)
}

// exchange starts the image of a binary in place of the one that runs, which is remembered.
func (s *srv) exchange(k uk.Kernel, to Image) error {
	e := s.entry
	s.mu.Lock()
	defer s.mu.Unlock()
	// A server that is not up since the last swap has nothing better to go back to.
	s.drop(k, e.Old.Memory)
	old := e.Image
	if err := s.book.update(func() { e.Image, e.Old = to, old }); err != nil {
		return err
	}
	if err := s.load(k, "swap"); err != nil {
		s.book.update(func() { e.Image, e.Old = old, Image{} })
		return fmt.Errorf("%s: the new binary does not start: %w", s.line.name, err)
	}
	s.deaths = 0
	return nil
}

// proven forgets the old binary, unless it was that which came up.
func (s *srv) proven(k uk.Kernel) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entry.Old.Memory == 0 {
		return fmt.Errorf("%s: the new binary cannot load the snapshot; the old one goes on: %w", s.line.name, uabi.ErrIO)
	}
	s.drop(k, s.entry.Old.Memory)
	return s.book.update(func() { s.entry.Old = Image{} })
}

// drop closes the memory of a binary that came with a swap.
func (s *srv) drop(k uk.Kernel, memory uabi.Handle) {
	if memory >= uabi.BootFirst {
		k.Close(memory)
	}
}

// unswapped reports that there is no way back any more: it was gone.
func (s *srv) unswapped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entry.Old.Memory == 0
}

// unswap goes back to the binary before a swap when the image of the new one ended by itself, with that status, before it was up.
func (s *srv) unswap(k uk.Kernel, status uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry
	if e.Old.Memory == 0 || status == server.ExitFault || status == statusKilled {
		return
	}
	log.Printf("%s: the new binary cannot load the snapshot; the old one goes on", s.line.name)
	s.drop(k, e.Image.Memory)
	s.deaths = 0
	if err := s.book.update(func() { e.Image, e.Old = e.Old, Image{} }); err != nil {
		log.Print(err)
	}
	// The tries were the new binary's.
	var none [8]byte
	k.MemoryWrite(e.Kept, server.TriesOffset, none[:])
}

// snapshot asks the server for one and waits until its kept memory shows it.
func (s *srv) snapshot(k uk.Kernel) error {
	before := s.word(k, server.EpochOffset)
	if _, err := k.EventUpdate(s.entry.Control, 0, 0, server.ControlSnapshot); err != uabi.OK {
		return fmt.Errorf("%s: control event: %w", s.line.name, err)
	}
	for end := time.Now().Add(snapshotTime); time.Now().Before(end); time.Sleep(lookTime) {
		if s.word(k, server.EpochOffset) != before {
			return nil
		}
	}
	return fmt.Errorf("%s: no snapshot within %v: %w", s.line.name, snapshotTime, uabi.ErrTimeout)
}

// word is a word of the header of the server's kept memory.
func (s *srv) word(k uk.Kernel, offset uint64) uint64 {
	var b [8]byte
	if _, err := k.MemoryRead(s.entry.Kept, offset, b[:]); err != uabi.OK {
		return 0
	}
	return binary.LittleEndian.Uint64(b[:])
}
