package uksim

import (
	"slices"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// SpaceCreate is uk.Kernel's.
func (k *Native) SpaceCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	k.enter("space.create")
	return k.made(account, k.sim.newSpace())
}

// SpaceClone is uk.Kernel's.
func (k *Native) SpaceClone(h, account uabi.Handle) (uabi.Handle, uabi.Error) {
	k.enter("space.clone")
	sp, e := get[*Space](k, h, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	c := k.sim.newSpace()
	nh, e := k.made(account, c)
	if e != uabi.OK {
		return 0, e
	}
	if e := sp.clone(c); e != uabi.OK {
		k.p.table.remove(nh)
		return 0, e
	}
	return nh, uabi.OK
}

// SpaceMap is uk.Kernel's.
func (k *Native) SpaceMap(h uabi.Handle, a uabi.MapArgs) (uint64, uabi.Error) {
	k.enter("space.map")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return 0, e
	}
	if !userRange(a.Va, a.Len) || a.Off%PageSize != 0 {
		return 0, uabi.ErrArg
	}
	var m *Memory
	if a.Memory != 0 {
		if m, e = k.mappable(a); e != uabi.OK {
			return 0, e
		}
	}
	if a.Flags&uabi.MapFixed != 0 {
		sp.unmap(a.Va, a.Len)
	} else if at, ok := sp.gap(a.Len, a.Va, a.Va+a.Len, true); !ok || at != a.Va {
		return 0, uabi.ErrExists
	}
	r := &region{va: a.Va, len: a.Len, off: a.Off, tag: a.Tag, mem: m, flags: a.Flags &^ uabi.MapFixed}
	switch {
	case m != nil:
		_, e := get[*Memory](k, a.Memory, uabi.RightWrite)
		r.readOnly = a.Flags&uabi.MapShared != 0 && e != uabi.OK
		ref(m)
	case a.Flags&uabi.MapShared != 0:
		r.mem = k.sim.newMemory(a.Len)
		r.off = 0
		if e := k.sim.charge(r.mem, sp.account); e != uabi.OK {
			return 0, e
		}
		ref(r.mem)
	}
	sp.put(r)
	sp.merge(a.Va, a.Va+a.Len)
	return a.Va, uabi.OK
}

// mappable checks the memory of a mapping and its rights.
func (k *Native) mappable(a uabi.MapArgs) (*Memory, uabi.Error) {
	need := uint32(uabi.RightMap | uabi.RightRead)
	if a.Flags&(uabi.MapShared|uabi.ProtWrite) == uabi.MapShared|uabi.ProtWrite {
		need |= uabi.RightWrite
	}
	return get[*Memory](k, a.Memory, need)
}

// SpaceUnmap is uk.Kernel's.
func (k *Native) SpaceUnmap(h uabi.Handle, va, n uint64) uabi.Error {
	k.enter("space.unmap")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return e
	}
	if !userRange(va, n) {
		return uabi.ErrArg
	}
	sp.unmap(va, n)
	return uabi.OK
}

// SpaceProtect is uk.Kernel's.
func (k *Native) SpaceProtect(h uabi.Handle, va, n uint64, prot uint32) uabi.Error {
	k.enter("space.protect")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return e
	}
	if !userRange(va, n) || prot&^uabi.ProtMask != 0 {
		return uabi.ErrArg
	}
	if !sp.covered(va, n) {
		return uabi.ErrNoMem
	}
	rs := sp.within(va, n)
	if prot&uabi.ProtWrite != 0 && slices.ContainsFunc(rs, func(r *region) bool { return r.readOnly }) {
		return uabi.ErrRights
	}
	for _, r := range rs {
		r.flags = r.flags&^uabi.ProtMask | prot
	}
	sp.merge(va, va+n)
	return uabi.OK
}

// SpaceMoveOnce is uk.Kernel's.
func (k *Native) SpaceMoveOnce(r *uk.Receipt, h uabi.Handle, old, oldLen, to, newLen uint64) uabi.Error {
	e := k.SpaceMove(h, old, oldLen, to, newLen)
	leave(r, 0, e)
	return e
}

// SpaceMove is uk.Kernel's.
func (k *Native) SpaceMove(h uabi.Handle, old, oldLen, to, newLen uint64) uabi.Error {
	k.enter("space.move")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return e
	}
	if !userRange(old, max(oldLen, PageSize)) || !userRange(to, newLen) {
		return uabi.ErrArg
	}
	if oldLen == 0 {
		return sp.again(old, to, newLen)
	}
	if !sp.covered(old, oldLen) {
		return uabi.ErrFault
	}
	if to != old {
		if at, ok := sp.gap(newLen, to, to+newLen, true); !ok || at != to {
			return uabi.ErrExists
		}
	} else if newLen > oldLen {
		if at, ok := sp.gap(newLen-oldLen, old+oldLen, old+newLen, true); !ok || at != old+oldLen {
			return uabi.ErrExists
		}
	}
	if newLen < oldLen {
		sp.unmap(old+newLen, oldLen-newLen)
		oldLen = newLen
	}
	if to != old {
		sp.shift(old, oldLen, to)
	}
	if r := sp.find(to + oldLen - PageSize); newLen > oldLen {
		r.len += newLen - oldLen
	}
	return uabi.OK
}

// again maps what the region at old shows from there on a second time.
func (sp *Space) again(old, to, n uint64) uabi.Error {
	r := sp.find(old)
	if r == nil {
		return uabi.ErrFault
	}
	if at, ok := sp.gap(n, to, to+n, true); !ok || at != to {
		return uabi.ErrExists
	}
	c := *r
	c.va, c.len = to, n
	if c.mem != nil {
		c.off += old - r.va
		ref(c.mem)
	}
	sp.put(&c)
	return uabi.OK
}

// shift moves the regions and pages of a range.
func (sp *Space) shift(old, n, to uint64) {
	rs := append([]*region(nil), sp.within(old, n)...)
	for _, r := range rs {
		i := sp.after(r.va)
		sp.regions = append(sp.regions[:i], sp.regions[i+1:]...)
	}
	pages := map[uint64]*page{}
	for p := old / PageSize; p < (old+n)/PageSize; p++ {
		if q := sp.private[p]; q != nil {
			pages[p-old/PageSize+to/PageSize] = q
			delete(sp.private, p)
		}
	}
	for p, q := range pages {
		sp.private[p] = q
	}
	for _, r := range rs {
		r.va = r.va - old + to
		sp.put(r)
	}
}

// SpaceTag is uk.Kernel's.
func (k *Native) SpaceTag(h uabi.Handle, va, n, tag uint64) uabi.Error {
	k.enter("space.tag")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return e
	}
	if !userRange(va, n) {
		return uabi.ErrArg
	}
	for _, r := range sp.within(va, n) {
		r.tag = tag
	}
	return uabi.OK
}

// SpaceQuery is uk.Kernel's.
func (k *Native) SpaceQuery(h uabi.Handle, va uint64) (uabi.RegionInfo, bool, uabi.Error) {
	k.enter("space.query")
	sp, e := get[*Space](k, h, uabi.RightRead)
	if e != uabi.OK {
		return uabi.RegionInfo{}, false, e
	}
	i := sp.after(va)
	if i == len(sp.regions) {
		return uabi.RegionInfo{}, false, uabi.OK
	}
	r := sp.regions[i]
	info := uabi.RegionInfo{Va: r.va, Len: r.len, Off: r.off, Tag: r.tag, Flags: r.flags}
	for p := r.va / PageSize; p < r.end()/PageSize; p++ {
		if sp.private[p] != nil {
			info.Resident++
		}
	}
	if r.mem != nil {
		info.Memory = r.mem.id()
	}
	return info, true, uabi.OK
}

// id is the opaque id of a memory object that CallSpaceQuery reports.
func (m *Memory) id() uint64 {
	if m.number == 0 {
		m.sim.lastID++
		m.number = m.sim.lastID
	}
	return m.number
}

// SpaceGap is uk.Kernel's.
func (k *Native) SpaceGap(h uabi.Handle, n, low, high uint64, flags uint32) (uint64, uabi.Error) {
	k.enter("space.gap")
	sp, e := get[*Space](k, h, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	if n == 0 || n > uabi.MaxUser {
		return 0, uabi.ErrArg
	}
	va, ok := sp.gap(pageUp(n), low, high, flags&uabi.GapLow != 0)
	if !ok {
		return 0, uabi.ErrNoMem
	}
	return va, uabi.OK
}

// SpaceDiscard is uk.Kernel's.
func (k *Native) SpaceDiscard(h uabi.Handle, va, n uint64) uabi.Error {
	k.enter("space.discard")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return e
	}
	if !userRange(va, n) {
		return uabi.ErrArg
	}
	sp.forget(va, n)
	return uabi.OK
}

// SpacePunch is uk.Kernel's.
func (k *Native) SpacePunch(h uabi.Handle, va, n uint64) uabi.Error {
	k.enter("space.punch")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return e
	}
	if !userRange(va, n) {
		return uabi.ErrArg
	}
	const needed = uabi.MapShared | uabi.ProtWrite
	for end := va + n; va < end; va += PageSize {
		r := sp.find(va)
		switch {
		case r == nil:
			return uabi.ErrFault
		case r.mem == nil || r.flags&needed != needed:
			return uabi.ErrRights
		}
		if off := r.off + (va - r.va); r.mem.in(off, PageSize) {
			r.mem.zero(off, PageSize)
		}
	}
	return uabi.OK
}

// SpaceTouch is uk.Kernel's.
func (k *Native) SpaceTouch(h uabi.Handle, va, n uint64, write bool) (uint64, uabi.Error) {
	k.enter("space.touch")
	sp, e := get[*Space](k, h, uabi.RightMap)
	if e != uabi.OK {
		return 0, e
	}
	if !userRange(va, n) {
		return 0, uabi.ErrArg
	}
	n = min(n, uabi.MaxTouch)
	for done := uint64(0); done < n; done += PageSize {
		if sp.touch(va+done, write) {
			continue
		}
		if done == 0 {
			return 0, uabi.ErrFault
		}
		return done, uabi.OK
	}
	return n, uabi.OK
}

// touch makes a page present. Here reads of anonymous memory do too, as the kernel's do.
func (sp *Space) touch(va uint64, write bool) bool {
	r := sp.find(va)
	if r == nil || sp.resolve(va, write, false) == nil {
		return false
	}
	return r.mem != nil || sp.resolve(va, true, true) != nil
}

// SpacePresent is uk.Kernel's.
func (k *Native) SpacePresent(h uabi.Handle, va uint64) (uint64, uabi.Error) {
	k.enter("space.present")
	sp, e := get[*Space](k, h, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	bits := uint64(0)
	for i := range uint64(64) {
		at := va + i*PageSize
		r := sp.find(at)
		if r == nil {
			continue
		}
		off := r.off + (at - r.va)
		if sp.private[at/PageSize] != nil || r.mem != nil && r.mem.in(off, PageSize) && r.mem.page(off/PageSize, false) != nil {
			bits |= 1 << i
		}
	}
	return bits, uabi.OK
}

// SpaceInfo is uk.Kernel's.
func (k *Native) SpaceInfo(h uabi.Handle) (mapped, frames uint64, err uabi.Error) {
	k.enter("space.info")
	sp, e := get[*Space](k, h, uabi.RightRead)
	if e != uabi.OK {
		return 0, 0, e
	}
	for _, r := range sp.regions {
		mapped += r.len
	}
	return mapped, uint64(len(sp.private)), uabi.OK
}

// SpaceRead is uk.Kernel's.
func (k *Native) SpaceRead(h uabi.Handle, va uint64, b []byte) (int, uabi.Error) {
	k.enter("space.read")
	sp, e := get[*Space](k, h, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	return sp.copy(va, b, false)
}

// SpaceWrite is uk.Kernel's.
func (k *Native) SpaceWrite(h uabi.Handle, va uint64, b []byte) (int, uabi.Error) {
	k.enter("space.write")
	sp, e := get[*Space](k, h, uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	return sp.copy(va, b, true)
}
