package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// maxBases is how many pieces of the address space LoadProgram places.
const maxBases = 2

// LoadProgram implements mm.Handler.
func (h *MMD) LoadProgram(c *server.Ctx, in *mm.LoadRequest, out *mm.LoadReply) uabi.Error {
	m := &state.MM{Fixed: in.Fixed}
	m.Top = layout.Top(h.random(c, m))
	if m.Fixed {
		m.Top = layout.FixedTop(lowestStack(in.Areas))
	}
	bases, ok := layout.Bases(m.Top, in.Span1, in.Span2)
	if !ok {
		return uabi.ErrNoMem
	}
	var areas []uabi.MapArgs
	for _, a := range in.Areas {
		args, err := loadArea(a, in, bases)
		if err != uabi.OK {
			return err
		}
		if isData(args.Flags, args.Tag) && h.excessive(args.Len) {
			return uabi.ErrNoMem
		}
		areas = append(areas, args)
	}
	space, err := c.SpaceCreate(h.payer())
	if err != uabi.OK {
		return err
	}
	for _, a := range areas {
		if _, err := c.SpaceMap(space, a); err != uabi.OK {
			return err
		}
	}
	m.Space = uint32(space)
	if in.End != 0 {
		if m.BrkStart, err = h.heap(c, m, space, in.End, in.CloseHeap); err != uabi.OK {
			return err
		}
		m.Brk = m.BrkStart
	}
	if err := h.add(c, m, &out.Mm, &out.Space); err != uabi.OK {
		return err
	}
	for _, memory := range []uint32{in.Memory1, in.Memory2, in.Memory3, in.Memory4} {
		if memory != 0 {
			c.Close(uabi.Handle(memory)) // the regions keep it
		}
	}
	out.Base1, out.Base2, out.Brk = bases[0], bases[1], m.Brk
	return uabi.OK
}

// lowestStack is where the lowest main stack begins.
func lowestStack(areas []*mm.Area) uint64 {
	low := uint64(uabi.MaxUser)
	for _, a := range areas {
		if a.Stack && a.Base == 0 && a.Addr > lowest {
			low = min(low, a.Addr)
		}
	}
	return low
}

// loadArea is the kernel's request for an area.
func loadArea(a *mm.Area, in *mm.LoadRequest, bases [maxBases]uint64) (args uabi.MapArgs, err uabi.Error) {
	memories := [...]uint32{0, in.Memory1, in.Memory2, in.Memory3, in.Memory4}
	if a.Memory >= uint32(len(memories)) || a.Memory != 0 && memories[a.Memory] == 0 || a.Base > maxBases {
		return args, uabi.ErrArg
	}
	addr := a.Addr
	if a.Base != 0 {
		addr += bases[a.Base-1]
	}
	flags := uint32(unix.MAP_PRIVATE | unix.MAP_FIXED)
	if a.Memory == 0 {
		flags |= unix.MAP_ANONYMOUS
	}
	if a.Stack {
		flags |= unix.MAP_GROWSDOWN
	}
	k, err := layout.CheckMap(addr, a.Len, a.Offset, a.Prot, flags, a.Tag, a.Memory != 0)
	if err != uabi.OK {
		return args, err
	}
	if a.Stack {
		k.Tag |= layout.TagMainStack
	}
	return uabi.MapArgs{Va: k.Addr, Len: k.Len, Off: k.Offset, Tag: k.Tag, Memory: uabi.Handle(memories[a.Memory]), Flags: k.Flags | uabi.MapFixed}, uabi.OK
}
