package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/ukernel/uabi"
)

// present checks what Present says of the pages from va on: 'y' or 'n' for each.
func (c *client) present(va uint64, want string) {
	var out mm.PresentReply
	c.want("present", c.mm.Present(c.t, &mm.RangeRequest{Addr: va, Len: uint64(len(want)) * page}, &out), uabi.OK)
	got := []byte{}
	for _, p := range out.Pages {
		got = append(got, "ny"[p])
	}
	if string(got) != want {
		c.w.Fail("pages from %#x: %s, want %s", va, got, want)
	}
}

func (c *client) lock(in *mm.LockRequest, want uabi.Error) (partial bool) {
	var out mm.LockReply
	c.want("lock", c.mm.Lock(c.t, in, &out), want)
	return out.Partial
}

func (c *client) locked(want uint64) {
	var out mm.UsageReply
	c.want("usage", c.mm.Usage(c.t, &mm.EmptyRequest{}, &out), uabi.OK)
	if out.Locked != want*page {
		c.w.Fail("%d bytes are locked, want %d", out.Locked, want*page)
	}
}

func (c *client) lockAll(flags uint32, mayLock bool, want uabi.Error) {
	c.want("lock all", c.mm.LockAll(c.t, &mm.LockAllRequest{Flags: flags, MayLock: mayLock}, &mm.EmptyReply{}), want)
}

func TestAdviceMakesPagesPresentAndRemovesThemAtEveryCrash(t *testing.T) {
	const shared = unix.MAP_SHARED | unix.MAP_ANONYMOUS
	sweep(t, func(c *client) {
		a := c.mapped(0, 4*page, anon, uabi.OK)
		c.present(a, "nnnn")
		c.put(a+2*page, "x")
		c.present(a, "nnyn")
		c.advise(a, 2*page, unix.MADV_POPULATE_WRITE, uabi.OK)
		c.present(a, "yyyn")
		c.has(a+2*page, "x")
		c.advise(a+3*page, 2*page, unix.MADV_POPULATE_READ, uabi.ErrNoMem)
		c.present(a, "yyyy")
		c.want("protect", c.mm.Protect(c.t, &mm.ProtectRequest{Addr: a, Len: page, Prot: unix.PROT_READ}, &mm.EmptyReply{}), uabi.OK)
		c.advise(a, page, unix.MADV_POPULATE_WRITE, uabi.ErrArg)
		c.advise(a, page, unix.MADV_REMOVE, uabi.ErrArg)
		c.want("present", c.mm.Present(c.t, &mm.RangeRequest{Addr: a + 4*page, Len: page}, &mm.PresentReply{}), uabi.ErrNoMem)
		c.want("present", c.mm.Present(c.t, &mm.RangeRequest{Addr: a + 1, Len: page}, &mm.PresentReply{}), uabi.ErrArg)
		s := c.mapped(0, 2*page, shared|unix.MAP_POPULATE, uabi.OK)
		c.put(s+page, "y")
		var out mm.MapReply
		twice := mm.RemapRequest{Old: s + page, NewLen: page, Flags: unix.MREMAP_MAYMOVE}
		c.want("map twice", c.mm.Remap(c.t, &twice, &out), uabi.OK)
		c.has(out.Addr, "y")
		twice.Old = a
		c.want("private memory twice", c.mm.Remap(c.t, &twice, &mm.MapReply{}), uabi.ErrArg)
		c.advise(s, 2*page, unix.MADV_REMOVE, uabi.OK)
		c.has(out.Addr, "\x00")
		c.want("protect", c.mm.Protect(c.t, &mm.ProtectRequest{Addr: s, Len: page, Prot: unix.PROT_READ}, &mm.EmptyReply{}), uabi.OK)
		c.advise(s, page, unix.MADV_REMOVE, uabi.ErrAccess)
		c.put(s+page, "z")
		leave := mm.RemapRequest{Old: s + page, OldLen: page, NewLen: page, Flags: unix.MREMAP_MAYMOVE | unix.MREMAP_DONTUNMAP}
		c.want("leave the mapping", c.mm.Remap(c.t, &leave, &out), uabi.OK)
		c.has(out.Addr, "z")
		c.has(s+page, "z")
		file, err := c.k.MemoryCreate(uabi.BootAccount, page, 0)
		c.want("file", err, uabi.OK)
		behind := mm.MapRequest{Len: 2 * page, Prot: rw, Flags: unix.MAP_PRIVATE, Memory: uint32(file)}
		var f mm.MapReply
		c.want("map a file", c.mm.Map(c.t, &behind, &f), uabi.OK)
		c.k.Close(file)
		c.advise(f.Addr, 2*page, unix.MADV_POPULATE_READ, uabi.ErrFault)
		c.advise(f.Addr, page, unix.MADV_POPULATE_WRITE, uabi.OK)
		leave.Old = a + 2*page
		c.want("leave private memory", c.mm.Remap(c.t, &leave, &out), uabi.OK)
		c.has(out.Addr, "x")
		c.has(a+2*page, "\x00")
	})
}

func TestLockedMemoryIsPresentAndBoundedAtEveryCrash(t *testing.T) {
	sweep(t, func(c *client) {
		c.want("heap", c.mm.SetBrk(c.t, &mm.BrkRequest{Addr: 0x400000}, &mm.EmptyReply{}), uabi.OK)
		limit := func(pages uint64) {
			l := mm.LimitsRequest{Space: unlimited, Data: unlimited, Lock: pages * page}
			c.want("limits", c.mm.SetLimits(c.t, &l, &mm.EmptyReply{}), uabi.OK)
		}
		limit(4)
		a := c.mapped(0, 6*page, anon, uabi.OK)
		if c.lock(&mm.LockRequest{Addr: a + 5, Len: page}, uabi.OK) {
			c.w.Fail("two pages were not all locked")
		}
		c.present(a, "yynnnn")
		c.locked(2)
		c.lock(&mm.LockRequest{Addr: a, Len: 5 * page}, uabi.ErrNoMem)
		c.lock(&mm.LockRequest{Addr: a, Len: ^uint64(0) - a - 1}, uabi.ErrNoMem)
		c.lock(&mm.LockRequest{Addr: a, Len: 3 * page, OnFault: true}, uabi.OK)
		c.present(a, "yynnnn")
		c.locked(3)
		c.advise(a, page, unix.MADV_DONTNEED, uabi.ErrArg)
		c.advise(a, page, madvDontNeedLocked, uabi.OK)
		var child mm.ForkReply
		c.want("fork", c.mm.Fork(c.t, &mm.ForkRequest{}, &child), uabi.OK)
		var use mm.UsageReply
		c.want("usage", mm.Client{H: uabi.Handle(child.Mm)}.Usage(c.t, &mm.EmptyRequest{}, &use), uabi.OK)
		if use.Locked != 0 {
			c.w.Fail("the child has %d bytes locked", use.Locked)
		}
		c.k.Close(uabi.Handle(child.Space))
		c.k.Close(uabi.Handle(child.Mm))
		grow := mm.RemapRequest{Old: a + 2*page, OldLen: page, NewLen: 3 * page, Flags: unix.MREMAP_MAYMOVE}
		c.want("grow", c.mm.Remap(c.t, &grow, &mm.MapReply{}), uabi.ErrLimit)
		c.mapped(0, 2*page, anon|unix.MAP_LOCKED, uabi.ErrLimit)
		b := c.mapped(0, page, anon|unix.MAP_LOCKED, uabi.OK)
		c.locked(4)
		c.lock(&mm.LockRequest{Addr: b, Len: 1, Unlock: true}, uabi.OK)
		c.lock(&mm.LockRequest{Addr: a, Len: page << 20, Unlock: true}, uabi.OK)
		c.locked(0)
		c.lock(&mm.LockRequest{Addr: a, Len: 2<<47 - a, MayLock: true}, uabi.OK) // holes behind
		c.lockAll(0, false, uabi.OK)
		limit(0)
		c.lock(&mm.LockRequest{Addr: a, Len: page}, uabi.ErrPerm)
		c.lock(&mm.LockRequest{Addr: a, Len: ^uint64(0) - 2*page, MayLock: true}, uabi.ErrArg)
		c.mapped(0, page, anon|unix.MAP_LOCKED, uabi.ErrPerm)
		c.lockAll(unix.MCL_CURRENT, false, uabi.ErrPerm)
		c.lockAll(unix.MCL_ONFAULT, true, uabi.ErrArg)
		limit(1)
		c.lockAll(unix.MCL_CURRENT, false, uabi.ErrNoMem)
		c.lockAll(unix.MCL_FUTURE, false, uabi.OK)
		c.mapped(0, 2*page, anon, uabi.ErrLimit)
		if start := c.brk(0); c.brk(start+2*page) != start || c.brk(start+page) != start+page {
			c.w.Fail("the heap does not end at the limit")
		}
		c.locked(1)
		c.lockAll(unix.MCL_CURRENT|unix.MCL_FUTURE, true, uabi.OK)
		d := c.mapped(0, 3*page, anon, uabi.OK)
		c.present(d, "yyy")
		var all mm.UsageReply
		c.want("usage", c.mm.Usage(c.t, &mm.EmptyRequest{}, &all), uabi.OK)
		c.locked(all.Mapped / page)
	})
}
