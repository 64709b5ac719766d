package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/ukernel/uabi"
)

// loaded makes a mm whose main stack has room bytes and c its client.
func (c *client) loaded(top, room uint64) {
	var out mm.LoadReply
	in := mm.LoadRequest{End: 0x405000, Areas: []*mm.Area{{Addr: 0x404000, Len: page, Prot: rw}, {Addr: top - room, Len: room, Prot: rw, Stack: true}}}
	c.want("load", mm.Client{H: uabi.BootMM}.LoadProgram(c.t, &in, &out), uabi.OK)
	c.k.Close(c.mm.H)
	c.k.Close(c.space)
	c.mm.H, c.space = uabi.Handle(out.Mm), uabi.Handle(out.Space)
}

func (c *client) limitStack(limit uint64) {
	in := mm.LimitsRequest{Space: unlimited, Data: unlimited, Lock: unlimited, Stack: limit}
	c.want("limits", c.mm.SetLimits(c.t, &in, &mm.EmptyReply{}), uabi.OK)
}

// stackIs checks what is seen of the stack and what room it has.
func (c *client) stackIs(what string, top, seen, room uint64) {
	var all mm.RegionsReply
	c.want("regions", c.mm.Regions(c.t, &mm.RegionsRequest{After: 0x405000}, &all), uabi.OK)
	last := all.Regions[len(all.Regions)-1]
	if last.Addr != top-seen || last.Len != seen || last.Tag&layout.TagMainStack == 0 {
		c.w.Fail("%s: the stack is seen at %#x with %#x bytes, want %#x", what, last.Addr, last.Len, seen)
	}
	if r, ok, err := c.k.SpaceQuery(c.space, 0x405000); err != uabi.OK || !ok || r.Len != room {
		c.w.Fail("%s: the stack has room for %#x bytes, want %#x", what, r.Len, room)
	}
}

func TestTheMainStackHasTheRoomOfItsLimitAtEveryCrash(t *testing.T) {
	const top, kib = 0x7fff00000000, 1 << 10
	sweep(t, func(c *client) {
		c.loaded(top, 512*kib)
		c.put(top-8, "top")
		c.stackIs("at first", top, leastStack, 512*kib)
		c.limitStack(256*kib + 5)
		c.stackIs("less", top, leastStack, 256*kib)
		c.put(top-200*kib, "touched")
		c.limitStack(page)
		c.stackIs("less than it has", top, 200*kib, 200*kib)
		c.limitStack(1024 * kib)
		c.stackIs("more", top, 200*kib, 1024*kib)
		c.put(top-1024*kib, "lowest")
		c.stackIs("all of it", top, 1024*kib, 1024*kib)
		var u mm.UsageReply
		c.want("usage", c.mm.Usage(c.t, &mm.EmptyRequest{}, &u), uabi.OK)
		if u.Mapped != 1024*kib+page {
			c.w.Fail("%#x bytes are mapped", u.Mapped)
		}
		c.has(top-200*kib, "touched")
		c.has(top-8, "top")
		below := c.mapped(top-3*layout.GuardGap, page, anon|unix.MAP_FIXED, uabi.OK)
		c.limitStack(unlimited)
		if r, _, _ := c.k.SpaceQuery(c.space, below+page); r.Va != below+page+layout.GuardGap || r.Va+r.Len != top {
			c.w.Fail("above another mapping it begins at %#x", r.Va)
		}
	})
}
