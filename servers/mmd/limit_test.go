package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/ukernel/uabi"
)

// testMemory is what the machine of the tests has, bytes.
const testMemory = 1 << 40

func (c *client) limit(space, data uint64) {
	c.want("limits", c.mm.SetLimits(c.t, &mm.LimitsRequest{Space: space, Data: data}, &mm.EmptyReply{}), uabi.OK)
}

func TestLimitsHoldAtEveryCrash(t *testing.T) {
	const shared = unix.MAP_SHARED | unix.MAP_ANONYMOUS
	sweep(t, func(c *client) {
		c.want("heap", c.mm.SetBrk(c.t, &mm.BrkRequest{Addr: 0x400000}, &mm.EmptyReply{}), uabi.OK)
		c.limit(16*page, 8*page)
		a := c.mapped(0, 6*page, anon, uabi.OK)
		c.mapped(0, 4*page, anon, uabi.ErrNoMem)
		if start := c.brk(0); c.brk(start+4*page) != start {
			c.w.Fail("the heap grew beyond RLIMIT_DATA")
		}
		c.mapped(a, 6*page, anon|unix.MAP_FIXED, uabi.OK) // in place of what counted
		b := c.mapped(0, 8*page, shared, uabi.OK)
		c.mapped(0, 4*page, shared, uabi.ErrNoMem)
		grow := mm.RemapRequest{Old: a, OldLen: 6 * page, NewLen: 9 * page, Flags: unix.MREMAP_MAYMOVE}
		c.want("remap", c.mm.Remap(c.t, &grow, &mm.MapReply{}), uabi.ErrNoMem)
		c.want("unmap", c.mm.Unmap(c.t, &mm.RangeRequest{Addr: b, Len: 8 * page}, &mm.EmptyReply{}), uabi.OK)
		var child mm.ForkReply
		c.want("fork", c.mm.Fork(c.t, &mm.ForkRequest{}, &child), uabi.OK)
		var out mm.MapReply
		big := mm.MapRequest{Len: 11 * page, Prot: unix.PROT_READ, Flags: anon}
		err := mm.Client{H: uabi.Handle(child.Mm)}.Map(c.t, &big, &out)
		c.want("the child's map", err, uabi.ErrNoMem)
		c.k.Close(uabi.Handle(child.Mm))
		c.k.Close(uabi.Handle(child.Space))
		c.limit(unlimited, unlimited)
		c.mapped(0, 100*page, anon, uabi.OK)
		c.mapped(0, testMemory+page, anon, uabi.ErrNoMem)
		c.mapped(0, testMemory+page, shared, uabi.ErrNoMem)
		c.mapped(0, testMemory+page, anon|unix.MAP_NORESERVE, uabi.OK)
	})
}
