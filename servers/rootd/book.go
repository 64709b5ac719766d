package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// entry is what rootd must know of a server after its own death.
type entry struct {
	Name     string
	Process  uabi.Handle
	Endpoint uabi.Handle
	Kept     uabi.Handle
	Control  uabi.Handle // event bound to the endpoint under server.ControlKey
	Account  uabi.Handle
	Image          // the binary that it runs
	Old      Image // the binary before a swap whose successor has not come up yet; its Memory is 0 when there is none
	Args     uabi.Handle
}

// Image is a binary in a memory object: BootArchive, or that of a swap.
type Image struct {
	Memory   uabi.Handle
	Off, Len uint64
}

// handles calls f with each handle of the entry.
func (e *entry) handles(f func(uabi.Handle)) {
	for _, h := range [...]uabi.Handle{e.Process, e.Endpoint, e.Kept, e.Control, e.Account, e.Image.Memory, e.Old.Memory, e.Args} {
		f(h)
	}
}

// book is the entries of all servers in kept memory: two slots and a word that says which one counts and how long it is, so
// that a death at any moment leaves one whole.
type book struct {
	k       uk.Kernel
	mu      sync.Mutex
	entries []*entry
	slot    uint64
}

const (
	bookSlot0  = 4096
	bookSlot   = 256 << 10 // bytes of each slot
	slotBit    = 1 << 63
	lengthMask = slotBit - 1
)

// open reads the book; it is empty at the first start.
func (b *book) open() error {
	var w [8]byte
	if _, err := b.k.MemoryRead(uabi.BootKept, 0, w[:]); err != uabi.OK {
		return fmt.Errorf("kept memory: %w", err)
	}
	v := binary.LittleEndian.Uint64(w[:])
	n := v & lengthMask
	b.slot = v / slotBit
	if n == 0 {
		return nil
	}
	if n > bookSlot {
		return fmt.Errorf("kept memory is damaged: length %d", n)
	}
	text := make([]byte, n)
	if _, err := b.k.MemoryRead(uabi.BootKept, bookSlot0+b.slot*bookSlot, text); err != uabi.OK {
		return fmt.Errorf("kept memory: %w", err)
	}
	return json.Unmarshal(text, &b.entries)
}

// save writes the book as it is now.
func (b *book) save() error {
	text, err := json.Marshal(b.entries)
	if err != nil {
		return err
	}
	if len(text) > bookSlot {
		return fmt.Errorf("the book has %d bytes, at most %d", len(text), bookSlot)
	}
	next := 1 - b.slot
	if _, err := b.k.MemoryWrite(uabi.BootKept, bookSlot0+next*bookSlot, text); err != uabi.OK {
		return fmt.Errorf("kept memory: %w", err)
	}
	var w [8]byte
	binary.LittleEndian.PutUint64(w[:], next*slotBit|uint64(len(text)))
	if _, err := b.k.MemoryWrite(uabi.BootKept, 0, w[:]); err != uabi.OK {
		return fmt.Errorf("kept memory: %w", err)
	}
	b.slot = next
	return nil
}

// update changes an entry and saves the book.
func (b *book) update(change func()) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	return b.save()
}

// find gives the entry of a server, nil if it has none.
func (b *book) find(name string) *entry {
	for _, e := range b.entries {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// closeOthers closes handles that the book does not name: what a life before left half done.
func (b *book) closeOthers() {
	named := map[uabi.Handle]bool{}
	for _, e := range b.entries {
		e.handles(func(h uabi.Handle) { named[h] = true })
	}
	var drop []uabi.Handle
	for h, err := b.k.HandleNext(0); err == uabi.OK && h != 0; h, err = b.k.HandleNext(h) {
		if h&slotMask >= uabi.BootFirst && !named[h] {
			drop = append(drop, h)
		}
	}
	for _, h := range drop {
		b.k.Close(h)
	}
}

const slotMask = 1<<20 - 1 // slot number in a handle
