package object

import (
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
)

// MaxSlots is the number of slots of a handle table.
const MaxSlots = 1 << 16

const (
	slotBits       = 20
	slotMask       = 1<<slotBits - 1
	genMask        = 1<<(32-slotBits) - 1
	entryShift     = 5 // log2 of an Entry's size
	pageShift      = 12 - entryShift
	entriesPerPage = 1 << pageShift
)

// Entry is one slot of a handle table. The table owns one reference to Obj and, if it is not nil, to Badge.
type Entry struct {
	Obj    *Header // nil: the slot is free
	Badge  *Header // an ipc.Badge, when the handle is a badged one
	Rights uint32
	gen    uint16 // generation of the handle that is there, or will be next
	_      uint16
	next   uint32 // free slots: the next one, 0 none
	_      uint32
}

// Table is the handle table of a process image. The zero Table is empty; Init it with the account that pays for its
// frames.
type Table struct {
	acct     *Account
	dir      uint64 // frame with the physical addresses of the pages of entries; 0 none yet
	count    uint32
	fresh    uint32 // first slot ≥ BootFirst that was never used
	freeHead uint32 // freed slots ≥ BootFirst, oldest first
	freeTail uint32
}

var handles uint64

// Handles is the number of handles in all tables.
func Handles() uint64 { return handles }

// Init makes t an empty table whose frames are charged to a, which must outlive it.
func (t *Table) Init(a *Account) { *t = Table{acct: a, fresh: uint32(uabi.BootFirst)} }

// Count is the number of handles.
func (t *Table) Count() int { return int(t.count) }

// entry is the entry of a slot, or nil when its page does not exist.
func (t *Table) entry(slot uint32) *Entry {
	if slot >= MaxSlots || t.dir == 0 {
		return nil
	}
	pa := frame.Words(t.dir)[slot>>pageShift]
	if pa == 0 {
		return nil
	}
	return entryAt(pa, slot&(entriesPerPage-1))
}

// need is entry, but makes the page if it does not exist; nil when there is no memory.
func (t *Table) need(slot uint32) *Entry {
	if t.dir == 0 {
		pa, ok := t.acct.AllocKernelFrame()
		if !ok {
			return nil
		}
		t.dir = pa
	}
	at := &frame.Words(t.dir)[slot>>pageShift]
	if *at == 0 {
		pa, ok := t.acct.AllocKernelFrame()
		if !ok {
			return nil
		}
		*at = pa
	}
	return entryAt(*at, slot&(entriesPerPage-1))
}

// Lookup returns the entry that h names. The pointer is valid until the handle is removed; callers do not change it.
func (t *Table) Lookup(h uabi.Handle) (*Entry, uabi.Error) {
	e := t.entry(uint32(h) & slotMask)
	if e == nil || e.Obj == nil || uint32(e.gen) != uint32(h)>>slotBits {
		return nil, uabi.ErrHandle
	}
	return e, uabi.OK
}

// Insert puts an object in a slot ≥ BootFirst, taking over the caller's references. ErrLimit: the table is full; ErrNoMem.
// On an error the references stay the caller's.
func (t *Table) Insert(obj, badge *Header, rights uint32) (uabi.Handle, uabi.Error) {
	slot := t.freeHead
	var e *Entry
	if slot != 0 {
		e = t.entry(slot)
		t.freeHead = e.next
	} else {
		if slot = t.fresh; slot >= MaxSlots {
			return 0, uabi.ErrLimit
		}
		if e = t.need(slot); e == nil {
			return 0, uabi.ErrNoMem
		}
		t.fresh++
	}
	t.fill(e, obj, badge, rights)
	return uabi.Handle(slot | uint32(e.gen)<<slotBits), uabi.OK
}

// Room makes sure that the next n ≤ 128 Inserts succeed. ErrLimit, ErrNoMem. It is the decode half of calls that insert.
func (t *Table) Room(n int) uabi.Error {
	free := t.freeHead
	if n == 1 && free != 0 {
		return uabi.OK
	}
	for ; n > 0 && free != 0; n-- {
		free = t.entry(free).next
	}
	if n <= 0 {
		return uabi.OK
	}
	last := t.fresh + uint32(n) - 1
	if last >= MaxSlots {
		return uabi.ErrLimit
	}
	if t.need(t.fresh) == nil || t.need(last) == nil {
		return uabi.ErrNoMem
	}
	return uabi.OK
}

// InsertAt puts an object in a boot slot (0 < slot < BootFirst, generation 0), taking over the caller's references.
// ErrArg: no boot slot; ErrExists: it is taken; ErrNoMem.
func (t *Table) InsertAt(slot uabi.Handle, obj, badge *Header, rights uint32) uabi.Error {
	if slot == 0 || slot >= uabi.BootFirst {
		return uabi.ErrArg
	}
	e := t.need(uint32(slot))
	if e == nil {
		return uabi.ErrNoMem
	}
	if e.Obj != nil {
		return uabi.ErrExists
	}
	t.fill(e, obj, badge, rights)
	return uabi.OK
}

// fill puts the handle into its entry.
func (t *Table) fill(e *Entry, obj, badge *Header, rights uint32) {
	e.Obj, e.Badge, e.Rights, e.next = obj, badge, rights, 0
	t.count++
	handles++
}

// Remove takes h out, whose entry e Lookup gave. The references that were there are then the caller's.
func (t *Table) Remove(h uabi.Handle, e *Entry) {
	e.Obj, e.Badge, e.Rights, e.next = nil, nil, 0, 0
	t.count--
	handles--
	if slot := uint32(h) & slotMask; slot >= uint32(uabi.BootFirst) {
		e.gen = (e.gen + 1) & genMask
		if t.freeHead == 0 {
			t.freeHead = slot
		} else {
			t.entry(t.freeTail).next = slot
		}
		t.freeTail = slot
	}
}

// Next returns the first handle in a slot after that of h (0: the first of all), or 0.
func (t *Table) Next(h uabi.Handle) uabi.Handle {
	for slot := uint32(h)&slotMask + 1; slot < t.fresh; slot++ {
		e := t.entry(slot)
		if e == nil {
			slot |= entriesPerPage - 1
			continue
		}
		if e.Obj != nil {
			return uabi.Handle(slot | uint32(e.gen)<<slotBits)
		}
	}
	return 0
}

// Destroy gives the table's frames back. It must be empty.
func (t *Table) Destroy() {
	if t.dir == 0 {
		return
	}
	for _, pa := range frame.Words(t.dir) {
		if pa != 0 {
			DropFrame(pa)
		}
	}
	DropFrame(t.dir)
	t.Init(t.acct)
}
