package uksim

import (
	"sync"

	"aramid/ukernel/uabi"
)

// MaxMemory is the largest memory object in bytes.
const MaxMemory = 1 << 44

type page = [PageSize]byte

// Memory is a memory object: sparse pages, or one flat slice once a process mapped it into itself.
type Memory struct {
	object
	size   uint64
	number uint64 // see id
	pages  map[uint64]*page
	flat   []byte
}

func (m *Memory) kind() uabi.Type { return uabi.TypeMemory }

func (m *Memory) free() {
	m.uncharge(m.frames())
	m.recycle()
	m.pages = nil
}

// flats keeps the slices of freed objects, by size: kept memory is large, and every seed needs some.
var flats sync.Map // uint64 → *sync.Pool of *[]byte

func newFlat(n uint64) []byte {
	pool, ok := flats.Load(n)
	if !ok {
		pool, _ = flats.LoadOrStore(n, new(sync.Pool))
	}
	if b, ok := pool.(*sync.Pool).Get().(*[]byte); ok {
		clear(*b)
		return *b
	}
	return make([]byte, n)
}

// recycle gives the flat slice back. No image uses it any more.
func (m *Memory) recycle() {
	if m.flat == nil {
		return
	}
	if pool, ok := flats.Load(uint64(len(m.flat))); ok {
		b := m.flat
		pool.(*sync.Pool).Put(&b)
	}
	m.flat = nil
}

func (m *Memory) uncharge(n uint64) {
	if m.account != nil {
		m.account.give(n, 0)
	}
}

// frames is how many frames are resident.
func (m *Memory) frames() uint64 {
	if m.flat != nil {
		return uint64(len(m.flat)) / PageSize
	}
	return uint64(len(m.pages))
}

func (s *Sim) newMemory(size uint64) *Memory {
	return &Memory{size: pageUp(size), pages: map[uint64]*page{}}
}

func pageUp(n uint64) uint64 { return (n + PageSize - 1) &^ (PageSize - 1) }

// page is the page with that number; with create it is allocated, nil then means that the account is exhausted.
func (m *Memory) page(n uint64, create bool) []byte {
	if m.flat != nil {
		return m.flat[n*PageSize : (n+1)*PageSize]
	}
	if p := m.pages[n]; p != nil {
		return p[:]
	}
	if !create {
		return nil
	}
	if m.account != nil && m.account.take(1, 0) != uabi.OK {
		return nil
	}
	p := new(page)
	m.pages[n] = p
	return p[:]
}

// flatten makes the object one slice.
func (m *Memory) flatten() uabi.Error {
	if m.flat != nil {
		return uabi.OK
	}
	n := m.size/PageSize - uint64(len(m.pages))
	if m.account != nil && m.account.take(n, 0) != uabi.OK {
		return uabi.ErrNoMem
	}
	flat := newFlat(m.size)
	for i := range m.size / PageSize {
		if p := m.pages[i]; p != nil {
			copy(flat[i*PageSize:], p[:])
		}
	}
	m.flat, m.pages = flat, nil
	return uabi.OK
}

// in checks a range.
func (m *Memory) in(off, n uint64) bool { return off <= m.size && n <= m.size-off }

// read copies from the object; off and len(b) are in range.
func (m *Memory) read(off uint64, b []byte) {
	for len(b) > 0 {
		n := min(PageSize-int(off%PageSize), len(b))
		if p := m.page(off/PageSize, false); p != nil {
			copy(b[:n], p[off%PageSize:])
		} else {
			clear(b[:n])
		}
		b, off = b[n:], off+uint64(n)
	}
}

// write copies into the object and returns how many bytes fitted the account.
func (m *Memory) write(off uint64, b []byte) int {
	done := 0
	for len(b) > 0 {
		p := m.page(off/PageSize, true)
		if p == nil {
			break
		}
		n := copy(p[off%PageSize:], b)
		b, off, done = b[n:], off+uint64(n), done+n
	}
	return done
}

// Bytes returns a copy of [off, off+n) for tests.
func (m *Memory) Bytes(off, n uint64) []byte {
	b := make([]byte, n)
	m.read(off, b)
	return b
}

// Put writes into the object, for tests.
func (m *Memory) Put(off uint64, b []byte) { m.write(off, b) }

// Mapped is what MapSelf gives out, or nil before its first use.
func (m *Memory) Mapped() []byte { return m.flat }

// Size is the object's size in bytes.
func (m *Memory) Size() uint64 { return m.size }

// resize changes the size; pages beyond are freed.
func (m *Memory) resize(size uint64) uabi.Error {
	size = pageUp(size)
	if m.flat != nil {
		if size != m.size {
			return uabi.ErrBusy // slices that MapSelf gave out keep the old size
		}
		return uabi.OK
	}
	m.drop(size/PageSize, ^uint64(0))
	m.size = size
	return uabi.OK
}

// drop frees the resident pages [from, to).
func (m *Memory) drop(from, to uint64) {
	freed := uint64(0)
	for n := range m.pages {
		if n >= from && n < to {
			delete(m.pages, n)
			freed++
		}
	}
	m.uncharge(freed)
}

// zero makes a range zero.
func (m *Memory) zero(off, n uint64) {
	if m.flat != nil {
		clear(m.flat[off : off+n])
		return
	}
	end := off + n
	m.drop(pageUp(off)/PageSize, end/PageSize)
	for off < end {
		step := min(PageSize-off%PageSize, end-off)
		if p := m.page(off/PageSize, false); p != nil {
			clear(p[off%PageSize : off%PageSize+step])
		}
		off += step
	}
}

// MemoryCreate is uk.Kernel's.
func (k *Native) MemoryCreate(account uabi.Handle, size uint64, flags uint32) (uabi.Handle, uabi.Error) {
	k.enter("memory.create")
	if size == 0 || size > MaxMemory || flags&^uint32(uabi.MemoryContiguous) != 0 {
		return 0, uabi.ErrArg
	}
	return k.made(account, k.sim.newMemory(size))
}

// MemoryResize is uk.Kernel's.
func (k *Native) MemoryResize(h uabi.Handle, size uint64) uabi.Error {
	k.enter("memory.resize")
	m, e := get[*Memory](k, h, uabi.RightWrite)
	if e != uabi.OK {
		return e
	}
	if size > MaxMemory {
		return uabi.ErrArg
	}
	return m.resize(size)
}

// MemorySize is uk.Kernel's.
func (k *Native) MemorySize(h uabi.Handle) (size, frames uint64, err uabi.Error) {
	k.enter("memory.size")
	m, e := get[*Memory](k, h, 0)
	if e != uabi.OK {
		return 0, 0, e
	}
	return m.size, m.frames(), uabi.OK
}

// MemoryRead is uk.Kernel's.
func (k *Native) MemoryRead(h uabi.Handle, off uint64, b []byte) (int, uabi.Error) {
	k.enter("memory.read")
	m, e := get[*Memory](k, h, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	if !m.in(off, uint64(len(b))) {
		return 0, uabi.ErrArg
	}
	m.read(off, b)
	return len(b), uabi.OK
}

// MemoryWrite is uk.Kernel's.
func (k *Native) MemoryWrite(h uabi.Handle, off uint64, b []byte) (int, uabi.Error) {
	k.enter("memory.write")
	m, e := get[*Memory](k, h, uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	if !m.in(off, uint64(len(b))) {
		return 0, uabi.ErrArg
	}
	n := m.write(off, b)
	if n == 0 && len(b) > 0 {
		return 0, uabi.ErrNoMem
	}
	return n, uabi.OK
}

// MemoryClone is uk.Kernel's. The copy is made at once.
func (k *Native) MemoryClone(h, account uabi.Handle, off, n uint64) (uabi.Handle, uabi.Error) {
	k.enter("memory.clone")
	m, e := get[*Memory](k, h, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	if off%PageSize != 0 || n == 0 || !m.in(off, n) {
		return 0, uabi.ErrArg
	}
	c := k.sim.newMemory(n)
	nh, e := k.made(account, c)
	if e != uabi.OK {
		return 0, e
	}
	for i := range c.size / PageSize {
		if p := m.page(off/PageSize+i, false); p != nil {
			if c.write(i*PageSize, p) == 0 {
				k.p.table.remove(nh)
				return 0, uabi.ErrNoMem
			}
		}
	}
	return nh, uabi.OK
}

// MemoryCopy is uk.Kernel's.
func (k *Native) MemoryCopy(dst uabi.Handle, doff uint64, src uabi.Handle, soff, n uint64) (uint64, uabi.Error) {
	k.enter("memory.copy")
	d, e := get[*Memory](k, dst, uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	m, e := get[*Memory](k, src, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	if !d.in(doff, n) || !m.in(soff, n) {
		return 0, uabi.ErrArg
	}
	done := d.write(doff, m.Bytes(soff, n))
	if done == 0 && n > 0 {
		return 0, uabi.ErrNoMem
	}
	return uint64(done), uabi.OK
}

// MemoryZero is uk.Kernel's.
func (k *Native) MemoryZero(h uabi.Handle, off, n uint64) uabi.Error {
	k.enter("memory.zero")
	m, e := get[*Memory](k, h, uabi.RightWrite)
	if e != uabi.OK {
		return e
	}
	if !m.in(off, n) {
		return uabi.ErrArg
	}
	m.zero(off, n)
	return uabi.OK
}

// MemoryPager is uk.Kernel's: ErrUnsupported, as in uabi.
func (k *Native) MemoryPager(h, endpoint uabi.Handle, key uint64) uabi.Error {
	k.enter("memory.pager")
	return uabi.ErrUnsupported
}

// MapSelf is uk.Kernel's.
func (k *Native) MapSelf(h uabi.Handle, off, n uint64) ([]byte, uabi.Error) {
	k.enter("mapself")
	m, e := get[*Memory](k, h, uabi.RightRead|uabi.RightWrite|uabi.RightMap)
	if e != uabi.OK {
		return nil, e
	}
	if off%PageSize != 0 || !m.in(off, n) {
		return nil, uabi.ErrArg
	}
	if e := m.flatten(); e != uabi.OK {
		return nil, e
	}
	return m.flat[off : off+n : off+n], uabi.OK
}
