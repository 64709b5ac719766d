package audit

import (
	pb "aramid/itest/ledger/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// slot finds a number of a table, or −1.
func (a *Auditor) slot(table, n uint64) int {
	for i, s := range a.st.Slots {
		if s.Table == table && s.Slot == n {
			return i
		}
	}
	return -1
}

// Install implements pb.AuditorHandler.
func (a *Auditor) Install(c *server.Ctx, in *pb.InstallRequest, out *pb.NumberReply) uabi.Error {
	if in.File == 0 {
		return uabi.ErrArg
	}
	n := uint64(0)
	for a.slot(in.Table, n) >= 0 {
		n++
	}
	a.st.Slots = append(a.st.Slots, &pb.Slot{Table: in.Table, Slot: n, File: in.File})
	out.Number = n
	return uabi.OK
}

// Look implements pb.AuditorHandler.
func (a *Auditor) Look(c *server.Ctx, in *pb.SlotRequest, out *pb.SlotReply) uabi.Error {
	i := a.slot(in.Table, in.Slot)
	if i < 0 {
		return uabi.ErrBadFD
	}
	out.File = a.st.Slots[i].File
	return uabi.OK
}

// Move implements pb.AuditorHandler.
func (a *Auditor) Move(c *server.Ctx, in *pb.MoveRequest, out *pb.NumberReply) uabi.Error {
	i := a.slot(in.Table, in.Slot)
	if i < 0 {
		return uabi.ErrBadFD
	}
	out.Number = in.To
	if in.To == in.Slot {
		return uabi.OK
	}
	h, err := c.Dup(uabi.Handle(a.st.Slots[i].File), slotRights)
	if err != uabi.OK {
		return err
	}
	if j := a.slot(in.Table, in.To); j >= 0 {
		c.Close(uabi.Handle(a.st.Slots[j].File))
		a.st.Slots[j].File = uint32(h)
		return uabi.OK
	}
	a.st.Slots = append(a.st.Slots, &pb.Slot{Table: in.Table, Slot: in.To, File: uint32(h)})
	return uabi.OK
}

// slotRights are those of the handles in tables.
const slotRights = uabi.RightCall | uabi.RightTransfer

// Drop implements pb.AuditorHandler.
func (a *Auditor) Drop(c *server.Ctx, in *pb.SlotRequest, out *pb.NumberReply) uabi.Error {
	i := a.slot(in.Table, in.Slot)
	if i < 0 {
		return uabi.ErrBadFD
	}
	c.Close(uabi.Handle(a.st.Slots[i].File))
	a.st.Slots = append(a.st.Slots[:i], a.st.Slots[i+1:]...)
	out.Number = in.Slot
	return uabi.OK
}

// ThreadGone empties the table of an alien.
func (a *Auditor) ThreadGone(c *server.Ctx, origin uint64) {
	kept := a.st.Slots[:0]
	for _, s := range a.st.Slots {
		if s.Table == origin {
			c.Close(uabi.Handle(s.File))
		} else {
			kept = append(kept, s)
		}
	}
	a.st.Slots = kept
}
