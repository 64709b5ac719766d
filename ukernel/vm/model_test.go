package vm

import (
	"fmt"
	"maps"
	"slices"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"pgregory.net/rapid"
)

// The naive model: a space is a map from page number to what is there; a memory object a map from page number to contents.
// A page's contents are its first and last byte.

type content [2]byte

func contentOffset(i int) uint64 { return []uint64{0, pg - 1}[i] }

type mMemory struct {
	real     *Memory // nil: the hidden object of anonymous shared memory
	pages    map[uint64]content
	n        uint64
	readOnly bool
}

type mPage struct {
	flags, max uint32
	tag        uint64
	mem        *mMemory
	i          uint64 // page of mem
	own        bool   // private copy of mem's page; always for anonymous
	val        content
}

type mSpace struct {
	real  *Space
	pages map[uint64]*mPage
}

// world is a machine and its model. The user pages under test are base … base+testPages, on both sides of the border of
// two page tables.
type world struct {
	t        *rapid.T
	acct     *object.Account
	spaces   []*mSpace
	memories []*mMemory
	watched  map[uint64]bool // frames that CPU 1 may still have in its TLB although no one refers to them
}

const (
	testPages = 48
	basePage  = 0x40000000>>pageShift - testPages/2
	maxMem    = 24 // pages of a memory object
)

func (w *world) failf(format string, args ...any) { w.t.Helper(); w.t.Fatalf(format, args...) }

// try runs op, first with an allocation failure injected somewhere. Then a result of ErrNoMem must have changed nothing, and
// the operation is run again.
func (w *world) try(op func() uabi.Error) uabi.Error {
	w.t.Helper()
	if in := rapid.IntRange(0, 8).Draw(w.t, "fail"); in > 0 {
		frame.FailIn = in
		err := op()
		fired := frame.FailIn == 0
		frame.FailIn = 0
		if !fired || err != uabi.ErrNoMem {
			return err
		}
		w.check()
	}
	return op()
}

func (w *world) expect(what string, got, want uabi.Error) {
	w.t.Helper()
	if got != want {
		w.failf("%s: got %v, want %v", what, got, want)
	}
}

func pick[T any](w *world, name string, from []T) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(w.t, name)]
}

func (w *world) space() *mSpace { return pick(w, "space", w.spaces) }

func (w *world) span() (page, n uint64) {
	page = uint64(rapid.IntRange(0, testPages-1).Draw(w.t, "page"))
	n = uint64(rapid.IntRange(1, min(testPages-int(page), 20)).Draw(w.t, "pages"))
	return page, n
}

// page is a page to access: mostly one that is mapped.
func (w *world) page(s *mSpace) uint64 {
	if len(s.pages) > 0 && rapid.IntRange(0, 9).Draw(w.t, "mapped") > 0 {
		return pick(w, "page", slices.Sorted(maps.Keys(s.pages)))
	}
	return uint64(rapid.IntRange(0, testPages-1).Draw(w.t, "page"))
}

func va(page uint64) uint64 { return (basePage + page) << pageShift }

var prots = []uint32{0, ro, rw, rw, rw, uabi.ProtRead | uabi.ProtExec, uabi.ProtMask, uabi.ProtExec}

func (w *world) Map(t *rapid.T) {
	s := w.space()
	page, n := w.span()
	a := MapArgs{Va: va(page), Len: n * pg, Tag: uint64(rapid.IntRange(0, 1).Draw(t, "tag")), Max: uabi.ProtMask}
	a.Flags = pick(w, "prot", prots)
	if rapid.Bool().Draw(t, "fixed") {
		a.Flags |= uabi.MapFixed
	}
	var mem *mMemory
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		a.Flags = a.Flags&uabi.MapFixed | uabi.MapGuard
	case 1:
		a.Flags |= uabi.MapShared
		mem = &mMemory{pages: map[uint64]content{}, n: n}
	case 2, 3, 4, 5, 6:
		mem = pick(w, "memory", w.memories)
		a.Memory = mem.real
		a.Off = uint64(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5, 12}).Draw(t, "off")) % 13 * pg
		if rapid.Bool().Draw(t, "shared") {
			a.Flags |= uabi.MapShared
		}
	}
	want := uabi.OK
	m := uint32(uabi.ProtMask)
	if a.Memory != nil && mem.readOnly && a.Flags&uabi.MapShared != 0 {
		m &^= uabi.ProtWrite
	}
	switch {
	case a.Flags&uabi.ProtMask&^m != 0:
		want = uabi.ErrRights
	case a.Flags&uabi.MapFixed == 0 && s.any(page, n):
		want = uabi.ErrExists
	}
	w.expect("Map", w.try(func() uabi.Error { b := a; _, err := s.real.Map(&b); return err }), want)
	if want != uabi.OK {
		return
	}
	for i := range n {
		p := &mPage{flags: a.Flags &^ uabi.MapFixed, max: m, tag: a.Tag, mem: mem, i: a.Off>>pageShift + i}
		if mem == nil {
			p.own, p.i = true, 0
		}
		s.pages[page+i] = p
	}
}

func (s *mSpace) any(page, n uint64) bool {
	for i := range n {
		if s.pages[page+i] != nil {
			return true
		}
	}
	return false
}

func (s *mSpace) all(page, n uint64) bool {
	for i := range n {
		if s.pages[page+i] == nil {
			return false
		}
	}
	return true
}

func (w *world) Unmap(t *rapid.T) {
	s := w.space()
	page, n := w.span()
	err := w.try(func() uabi.Error {
		more, err := s.real.Unmap(va(page), n*pg)
		if more {
			w.failf("a small Unmap takes several pieces")
		}
		return err
	})
	w.expect("Unmap", err, uabi.OK)
	for i := range n {
		delete(s.pages, page+i)
	}
}

func (w *world) Protect(t *rapid.T) {
	s := w.space()
	page, n := w.span()
	prot := pick(w, "prot", prots)
	want := uabi.OK
	for i := range n {
		if p := s.pages[page+i]; p != nil && (p.flags&uabi.MapGuard != 0 || prot&^p.max != 0) {
			want = uabi.ErrRights
		}
	}
	if !s.all(page, n) {
		want = uabi.ErrNoMem
	}
	w.expect("Protect", w.try(func() uabi.Error { return s.real.Protect(va(page), n*pg, prot) }), want)
	for i := uint64(0); i < n && want == uabi.OK; i++ {
		p := s.pages[page+i]
		p.flags = p.flags&^uabi.ProtMask | prot
	}
}

func (w *world) Tag(t *rapid.T) {
	s := w.space()
	page, n := w.span()
	tag := uint64(rapid.IntRange(0, 1).Draw(t, "tag"))
	want := uabi.OK
	if !s.all(page, n) {
		want = uabi.ErrNoMem
	}
	w.expect("Tag", w.try(func() uabi.Error { return s.real.Tag(va(page), n*pg, tag) }), want)
	for i := uint64(0); i < n && want == uabi.OK; i++ {
		s.pages[page+i].tag = tag
	}
}

func (w *world) Discard(t *rapid.T) {
	s := w.space()
	page, n := w.span()
	err := w.try(func() uabi.Error { _, err := s.real.Discard(va(page), n*pg); return err })
	w.expect("Discard", err, uabi.OK)
	for i := range n {
		if p := s.pages[page+i]; p != nil {
			p.own, p.val = p.mem == nil, content{}
		}
	}
}

func (w *world) Move(t *rapid.T) {
	s := w.space()
	old, oldLen := w.span()
	to, newLen := w.span()
	if rapid.Bool().Draw(t, "in place") {
		to = old
		newLen = min(newLen, testPages-to)
	}
	want := uabi.OK
	switch {
	case !s.oneRegion(old, oldLen):
		want = uabi.ErrFault
	case to == old && newLen > oldLen && s.any(old+oldLen, newLen-oldLen), to != old && s.any(to, newLen):
		want = uabi.ErrExists
	}
	err := w.try(func() uabi.Error { return s.real.Move(va(old), oldLen*pg, va(to), newLen*pg) })
	w.expect("Move", err, want)
	if want != uabi.OK {
		return
	}
	moved := map[uint64]*mPage{}
	first := *s.pages[old]
	for i := range newLen {
		if i < oldLen {
			moved[to+i] = s.pages[old+i]
			continue
		}
		p := first
		p.own, p.val = p.mem == nil, content{}
		if p.mem != nil {
			p.i += i
		}
		moved[to+i] = &p
	}
	for i := range oldLen {
		delete(s.pages, old+i)
	}
	for i, p := range moved {
		s.pages[i] = p
	}
}

// Again maps what a region shows a second time.
func (w *world) Again(t *rapid.T) {
	s := w.space()
	old, _ := w.span()
	to, n := w.span()
	want := uabi.OK
	switch {
	case s.pages[old] == nil:
		want = uabi.ErrFault
	case s.any(to, n):
		want = uabi.ErrExists
	}
	w.expect("Move of nothing", w.try(func() uabi.Error { return s.real.Move(va(old), 0, va(to), n*pg) }), want)
	for i := uint64(0); i < n && want == uabi.OK; i++ {
		p := *s.pages[old]
		p.own, p.val = p.mem == nil, content{}
		if p.mem != nil {
			p.i += i
		}
		s.pages[to+i] = &p
	}
}

func (w *world) Punch(t *rapid.T) {
	s := w.space()
	page, n := w.span()
	want := uabi.OK
	for i := uint64(0); i < n && want == uabi.OK; i++ {
		p := s.pages[page+i]
		switch {
		case p == nil:
			want = uabi.ErrFault
		case p.flags&(uabi.MapShared|uabi.ProtWrite) != uabi.MapShared|uabi.ProtWrite:
			want = uabi.ErrRights
		case p.i < p.mem.n:
			p.mem.pages[p.i] = content{}
		}
	}
	w.expect("Punch", s.real.Punch(va(page), n*pg), want)
}

// Touch makes pages present, which Present then says of them and of no hole.
func (w *world) Touch(t *rapid.T) {
	s := w.space()
	page, n := w.span()
	write := rapid.Bool().Draw(t, "write")
	able := uint64(0)
	for able < n && s.may(page+able, write) == uabi.OK {
		if p := s.pages[page+able]; write && p.flags&uabi.MapShared == 0 {
			s.put(page+able, 0, s.value(page + able)[0]) // its own from here on
		}
		able++
	}
	var done uint64
	err := w.try(func() (err uabi.Error) { done, err = s.real.Touch(va(page), n*pg, write); return err })
	for err == uabi.OK && done < able*pg { // short of an injected failure
		var more uint64
		more, err = s.real.Touch(va(page)+done, n*pg-done, write)
		done += more
	}
	if done != able*pg || able == 0 && err != uabi.ErrFault {
		w.failf("Touch did %d of %d pages: %v", done/pg, able, err)
	}
	bits := s.real.Present(va(page))
	for i := range n {
		there := bits>>i&1 != 0
		if i < able && !there || s.pages[page+i] == nil && there {
			w.failf("page %d of %d touched ones: present is %v", i, able, there)
		}
	}
}

// oneRegion reports whether the pages are alike and contiguous in their object.
func (s *mSpace) oneRegion(page, n uint64) bool {
	for i := range n {
		p, q := s.pages[page], s.pages[page+i]
		if q == nil || !alike(p, q, i) {
			return false
		}
	}
	return true
}

func alike(p, q *mPage, distance uint64) bool {
	return p.flags == q.flags && p.max == q.max && p.tag == q.tag && p.mem == q.mem && (p.mem == nil || p.i+distance == q.i)
}

func (w *world) CloneSpace(t *rapid.T) {
	s := w.space()
	if len(w.spaces) > 3 {
		return
	}
	c := &mSpace{pages: map[uint64]*mPage{}}
	err := w.try(func() (err uabi.Error) { c.real, err = s.real.Clone(w.acct); return err })
	w.expect("Clone", err, uabi.OK)
	for i, p := range s.pages {
		q := *p
		c.pages[i] = &q
	}
	w.spaces = append(w.spaces, c)
}

func (w *world) ReleaseSpace(t *rapid.T) {
	if len(w.spaces) == 1 {
		return
	}
	s := w.space()
	w.spaces = slices.DeleteFunc(w.spaces, func(x *mSpace) bool { return x == s })
	s.real.Release()
}

func (w *world) NewMemory(t *rapid.T) {
	if len(w.memories) > 2 {
		return
	}
	m := &mMemory{pages: map[uint64]content{}, n: uint64(rapid.IntRange(0, maxMem).Draw(t, "size"))}
	err := w.try(func() (err uabi.Error) { m.real, err = NewMemory(w.acct, m.n*pg, 0); return err })
	w.expect("NewMemory", err, uabi.OK)
	w.memories = append(w.memories, m)
}

func (w *world) CloneMemory(t *rapid.T) {
	if len(w.memories) > 5 {
		return
	}
	m := pick(w, "memory", w.memories)
	off := uint64(rapid.IntRange(0, int(m.n)).Draw(t, "off"))
	n := m.n - off - uint64(rapid.IntRange(0, int(m.n-off)).Draw(t, "less"))
	c := &mMemory{pages: map[uint64]content{}, n: n}
	err := w.try(func() (err uabi.Error) { c.real, err = m.real.Clone(w.acct, off*pg, n*pg); return err })
	w.expect("Memory.Clone", err, uabi.OK)
	for i := range n {
		c.pages[i] = m.pages[off+i]
	}
	w.memories = append(w.memories, c)
}

func (w *world) ReleaseMemory(t *rapid.T) {
	if len(w.memories) < 3 {
		return
	}
	i := rapid.IntRange(1, len(w.memories)-1).Draw(t, "memory")
	w.memories[i].real.Release()
	// Mappings keep it, but it cannot be used by handle any more.
	w.memories = slices.Delete(w.memories, i, i+1)
}

func (w *world) Resize(t *rapid.T) {
	m := pick(w, "memory", w.memories)
	n := uint64(rapid.IntRange(0, maxMem).Draw(t, "size"))
	want := uabi.OK
	if m.readOnly {
		want = uabi.ErrUnsupported
	}
	w.expect("Resize", w.try(func() uabi.Error { return m.real.Resize(n * pg) }), want)
	if want != uabi.OK {
		return
	}
	for i := n; i < m.n; i++ {
		delete(m.pages, i)
	}
	for _, s := range w.spaces {
		for _, p := range s.pages {
			if p.mem == m && p.i >= n && p.i < m.n {
				p.own, p.val = false, content{}
			}
		}
	}
	m.n = n
}

func (w *world) ZeroMemory(t *rapid.T) {
	m := pick(w, "memory", w.memories)
	off := rapid.IntRange(0, int(m.n)).Draw(t, "off")
	n := rapid.IntRange(0, int(m.n)-off).Draw(t, "n")
	from, to := uint64(off)*pg, uint64(off+n)*pg
	if n > 0 && rapid.Bool().Draw(t, "ragged") {
		from, to = from+1, to-1
	}
	want := uabi.OK
	if m.readOnly {
		want = uabi.ErrRights
	}
	w.expect("Zero", m.real.Zero(from, to-from), want)
	if want != uabi.OK {
		return
	}
	for i := uint64(0); i < m.n; i++ {
		c := m.pages[i]
		for k := range c {
			if at := i*pg + contentOffset(k); at >= from && at < to {
				c[k] = 0
			}
		}
		m.pages[i] = c
	}
}

func (w *world) AccessMemory(t *rapid.T) {
	m := pick(w, "memory", w.memories)
	i, k := uint64(rapid.IntRange(0, maxMem).Draw(t, "page")), rapid.IntRange(0, 1).Draw(t, "end")
	b := [1]byte{rapid.Byte().Draw(t, "byte")}
	if rapid.Bool().Draw(t, "write") {
		want := uabi.OK
		switch {
		case i >= m.n:
			want = uabi.ErrArg
		case m.readOnly:
			want = uabi.ErrRights
		}
		err := w.try(func() uabi.Error { _, err := m.real.Write(i*pg+contentOffset(k), b[:]); return err })
		w.expect("Memory.Write", err, want)
		if want == uabi.OK {
			c := m.pages[i]
			c[k] = b[0]
			m.pages[i] = c
		}
		return
	}
	w.checkMemory(m)
}

func (w *world) checkMemory(m *mMemory) {
	w.t.Helper()
	for i := range m.n {
		for k, want := range m.pages[i] {
			var b [1]byte
			if _, err := m.real.Read(i*pg+contentOffset(k), b[:]); err != uabi.OK || b[0] != want {
				w.failf("memory page %d, end %d: %d %v, want %d", i, k, b[0], err, want)
			}
		}
	}
}

// may is the error that an access to a page must give.
func (s *mSpace) may(page uint64, write bool) uabi.Error {
	p := s.pages[page]
	if p == nil || p.flags&uabi.ProtMask == 0 || write && p.flags&uabi.ProtWrite == 0 {
		return uabi.ErrFault
	}
	if p.mem != nil && !p.own && p.i >= p.mem.n {
		return uabi.ErrFault
	}
	return uabi.OK
}

func (s *mSpace) value(page uint64) content {
	p := s.pages[page]
	if p.own {
		return p.val
	}
	return p.mem.pages[p.i]
}

func (s *mSpace) put(page uint64, k int, b byte) {
	p := s.pages[page]
	if p.mem != nil && p.flags&uabi.MapShared != 0 {
		c := p.mem.pages[p.i]
		c[k] = b
		p.mem.pages[p.i] = c
		return
	}
	if !p.own {
		p.val = p.mem.pages[p.i]
		p.own = true
	}
	p.val[k] = b
}

func (w *world) Write(t *rapid.T) {
	s := w.space()
	page, k := w.page(s), rapid.IntRange(0, 1).Draw(t, "end")
	b := rapid.Byte().Draw(t, "byte")
	err := w.try(func() uabi.Error { _, err := s.real.Write(va(page)+contentOffset(k), []byte{b}); return err })
	want := s.may(page, true)
	w.expect("Write", err, want)
	if want == uabi.OK {
		s.put(page, k, b)
	}
}

func (w *world) Read(t *rapid.T) {
	s := w.space()
	page := w.page(s)
	k := rapid.IntRange(0, 1).Draw(t, "end")
	var b [1]byte
	err := w.try(func() uabi.Error { _, err := s.real.Read(va(page)+contentOffset(k), b[:]); return err })
	want := s.may(page, false)
	w.expect("Read", err, want)
	if want == uabi.OK && b[0] != s.value(page)[k] {
		w.failf("page %d, end %d reads %d, want %d", page, k, b[0], s.value(page)[k])
	}
}

// Copy copies the last byte of a page and the first of the next to the same ends elsewhere.
func (w *world) Copy(t *rapid.T) {
	from, to := w.space(), w.space()
	i, j := min(w.page(from), testPages-2), min(w.page(to), testPages-2)
	n, _ := Copy(Place{Space: to.real, At: va(j) + pg - 1}, Place{Space: from.real, At: va(i) + pg - 1}, 2)
	want := uint64(0)
	for k := range uint64(2) {
		if to.may(j+k, true) != uabi.OK {
			break
		}
		to.put(j+k, 0, to.value(j + k)[0]) // the page is its own from here on, even if the source faults
		if from.may(i+k, false) != uabi.OK {
			break
		}
		want++
		to.put(j+k, 1-int(k), from.value(i + k)[1-k])
	}
	if n != want {
		w.failf("Copy: %d bytes, want %d", n, want)
	}
}

// Gap compares CallSpaceGap and CallSpaceQuery with searches page by page.
func (w *world) Gap(t *rapid.T) {
	s := w.space()
	low, n := w.span()
	high := low + uint64(rapid.IntRange(0, testPages-int(low)).Draw(t, "width"))
	flags := uint32(rapid.IntRange(0, uabi.GapLow).Draw(t, "low"))
	want, found := uint64(0), false
	for page := low; page+n <= high && !(found && flags == uabi.GapLow); page++ {
		if !s.any(page, n) {
			want, found = page, true
		}
	}
	got, err := s.real.Gap(n*pg, va(low), va(high), flags)
	if found != (err == uabi.OK) || found && got != va(want) {
		w.failf("Gap of %d in [%d, %d), flags %d: %#x %v, want page %d (%v)", n, low, high, flags, got, err, want, found)
	}
	var ri uabi.RegionInfo
	ok := s.real.Query(va(low), &ri)
	for low < testPages && s.pages[low] == nil {
		low++
	}
	if ok != (low < testPages) || ok && (ri.Va > va(low) || ri.Va+ri.Len <= va(low) || ri.Tag != s.pages[low].tag) {
		w.failf("Query: %v %+v, want the region of page %d", ok, ri, low)
	}
}

// Run lets a CPU, with its TLB, access a page of the space that it has loaded.
func (w *world) Run(t *rapid.T) {
	cpu := rapid.IntRange(0, 1).Draw(t, "cpu")
	fake.M.CPU = cpu
	defer func() { fake.M.CPU = 0 }()
	i := slices.IndexFunc(w.spaces, func(s *mSpace) bool { return s.real == loaded[cpu] })
	if i < 0 || rapid.IntRange(0, 3).Draw(t, "switch") == 0 {
		s := w.space()
		Switch(loaded[cpu], s.real)
		return
	}
	s := w.spaces[i]
	page := w.page(s)
	isWrite := rapid.Bool().Draw(t, "write")
	need, code := uint64(arch.PTEPresent), uint64(hw.FaultUser)
	if isWrite {
		need, code = need|arch.PTEWrite, code|hw.FaultWrite
	}
	at := va(page)
	e, hit := fake.M.TLB[cpu][at]
	if hit && e&need == need && fake.M.Acks[cpu] == fake.M.ShootGen {
		if s.may(page, isWrite) != uabi.OK {
			w.failf("CPU %d has a stale TLB entry for page %d that allows too much", cpu, page)
		}
		return
	}
	if hit && e&need == need {
		return // the CPU has not served the shootdown: it may use the old translation
	}
	delete(fake.M.TLB[cpu], at) // a fault or a miss
	for range 3 {
		if p := s.real.pt.get(at >> pageShift); p != nil && *p&need == need {
			fake.M.TLB[cpu][at] = *p
			if s.may(page, isWrite) != uabi.OK {
				w.failf("page %d is accessible in the page table only", page)
			}
			if isWrite {
				b := rapid.Byte().Draw(t, "byte")
				*bytesOf(*p & arch.PTEFrame) = b
				s.put(page, 0, b)
			}
			return
		}
		switch s.real.Fault(at, code) {
		case Solved:
		case Segv, Bus:
			w.expect("Fault", uabi.ErrFault, s.may(page, isWrite))
			return
		default:
			w.failf("Fault: no memory")
		}
	}
	w.failf("the fault is not solved after it was solved twice")
}

func bytesOf(pa uint64) *byte { return &frame.Page(pa)[0] }

func (w *world) Ack(*rapid.T) {
	fake.Ack(1)
	fake.Ack(0)
	clear(w.watched)
}

// check compares everything.
func (w *world) check() {
	w.t.Helper()
	refs := map[uint64]uint32{}
	seen := map[*Memory]bool{}
	for n, s := range w.spaces {
		if err := checkSpace(s.real, refs); err != nil {
			w.failf("space %d: %v", n, err)
		}
		w.checkRegions(s)
		for r := s.real.first; r != nil; r = r.next {
			if r.mem != nil {
				seen[r.mem] = true
			}
		}
	}
	for _, m := range w.memories {
		seen[m.real] = true
	}
	for m := range seen {
		if err := checkIndex(m, refs); err != nil {
			w.failf("%v", err)
		}
	}
	for pa, n := range refs {
		if got := frame.Refs(pa); got != n && deadSpaces == nil && deadMemories == nil && emptySpaces == nil {
			w.failf("frame %#x has %d references, want %d", pa, got, n)
		}
	}
	w.checkTLB()
}

// checkRegions compares the regions of a space with the model.
func (w *world) checkRegions(s *mSpace) {
	w.t.Helper()
	r := s.real.first
	for page := uint64(0); page < testPages; page++ {
		p := s.pages[page]
		if p == nil {
			if s.real.at(va(page)) != nil {
				w.failf("page %d is mapped, but should not be", page)
			}
			continue
		}
		if r == nil || r.va > va(page) {
			w.failf("page %d is not mapped, but should be", page)
		}
		var mem *Memory
		if p.mem != nil {
			mem = p.mem.real
			if mem == nil {
				mem = r.mem
			}
		}
		if r.flags != p.flags || r.tag != p.tag || r.max != p.max || r.mem != mem || mem != nil && r.page(va(page)) != p.i {
			w.failf("page %d: region %+v, model %+v", page, r, p)
		}
		if r.end == va(page+1) {
			r = r.next
		}
	}
}

// checkTLB asserts that no CPU has a translation that it must not have any more.
func (w *world) checkTLB() {
	w.t.Helper()
	for cpu := range 2 {
		s := loaded[cpu]
		current := fake.M.Acks[cpu] == fake.M.ShootGen
		for at, e := range fake.M.TLB[cpu] {
			var now uint64
			if p := s.pt.get(at >> pageShift); p != nil {
				now = *p
			}
			if now&arch.PTEPresent != 0 && now&arch.PTEFrame == e&arch.PTEFrame && !lost(e, now) {
				continue
			}
			if current {
				w.failf("CPU %d: stale TLB entry %#x for %#x, now %#x", cpu, e, at, now)
			}
			if pa := e & arch.PTEFrame; frame.Refs(pa) == 0 {
				w.watched[pa] = true
			}
		}
		if current && cpu == 1 {
			clear(w.watched)
		}
	}
	for pa := range w.watched {
		if frame.Refs(pa) != 0 {
			w.failf("frame %#x is in use again before the CPU has flushed", pa)
		}
	}
}

// checkSpace asserts the invariants of a space and counts references to frames.
func checkSpace(s *Space, refs map[uint64]uint32) error {
	var resident, mapped uint64
	for r := s.first; r != nil; r = r.next {
		resident += r.resident
		mapped += r.end - r.va
		switch {
		case r.space != s || r.va >= r.end:
			return fmt.Errorf("bad region %+v", r)
		case r.resident != s.count(r.va, r.end):
			return fmt.Errorf("region %#x: %d resident, counted %d", r.va, r.resident, s.count(r.va, r.end))
		case r.next != nil && (r.next.prev != r || r.next.va < r.end || same(r, r.next)):
			return fmt.Errorf("regions %#x and %#x overlap, are out of order or should be one", r.va, r.next.va)
		case r.up != nil && (r.up.prio < r.prio || r.up.left != r && r.up.right != r):
			return fmt.Errorf("region %#x: treap order", r.va)
		case r.left != nil && r.left.va >= r.va, r.right != nil && r.right.va <= r.va:
			return fmt.Errorf("region %#x: tree order", r.va)
		}
	}
	if s.resident != resident || s.mapped != mapped || s.resident != s.count(0, 1<<47) {
		return fmt.Errorf("resident %d, mapped %d; regions say %d, %d", s.resident, s.mapped, resident, mapped)
	}
	return checkNodes(&s.pt, 1, func(e uint64) {
		if e&pteCounted != 0 {
			refs[e&arch.PTEFrame]++
		}
	})
}

// checkIndex asserts the invariants of a memory object's index and counts references to frames.
func checkIndex(m *Memory, refs map[uint64]uint32) error {
	n := uint64(0)
	err := checkNodes(&m.index, 0, func(e uint64) { refs[e&arch.PTEFrame]++; n++ })
	if err == nil && n != m.resident {
		return fmt.Errorf("memory %d: %d resident, counted %d", m.ID, m.resident, n)
	}
	return err
}

// checkNodes asserts that every node's count is 1 + the words in use, plus extra for the root.
func checkNodes(t *radix, extra uint32, leafWord func(uint64)) error {
	type node struct {
		pa    uint64
		level uint
	}
	if t.root == 0 {
		return nil
	}
	for todo := []node{{t.root, t.levels}}; len(todo) > 0; {
		n := todo[0]
		todo = todo[1:]
		used := uint32(0)
		for _, w := range frame.Words(n.pa) {
			if w == 0 {
				continue
			}
			used++
			if n.level == 1 {
				leafWord(w)
			} else {
				todo = append(todo, node{w & arch.PTEFrame, n.level - 1})
			}
		}
		want := 1 + used
		if n.pa == t.root {
			want += extra
		}
		if frame.Refs(n.pa) != want {
			return fmt.Errorf("node %#x of level %d: count %d, want %d", n.pa, n.level, frame.Refs(n.pa), want)
		}
	}
	return nil
}
