package main

import (
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// StatTo implements vfs.Handler.
func (h *VFSD) StatTo(c *server.Ctx, in *vfs.PathRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.beginIn(&h.spare, c, false)
	s := &h.statOut
	s.Clear()
	var err uabi.Error
	if o := h.opens.Get(c.Badge()); o != nil && in.Path == "" {
		err = h.statOpen(k, o, s)
	} else {
		err = h.statPath(k, in, s)
	}
	if err != uabi.OK {
		return err
	}
	b := h.scratch[:vfs.StatSize]
	vfs.PutStat(b, s)
	if n, err := c.GrantWrite(0, 0, b); n < len(b) {
		return faultOr(err)
	}
	return uabi.OK
}

// statPath is what StatAt finds.
func (h *VFSD) statPath(k *call, in *vfs.PathRequest, out *vfs.Stat) uabi.Error {
	at, o, err := k.find(in.Dir, in.Path, in.Flags)
	switch {
	case err != uabi.OK:
		return err
	case o != nil:
		return h.statOpen(k, o, out)
	}
	return k.stat(at, out)
}

// statOpen is fstat(2).
func (h *VFSD) statOpen(k *call, o *state.Open, out *vfs.Stat) uabi.Error {
	switch {
	case o.At != nil:
		return k.stat(tree.FromPb(o.At), out)
	case isSpecial(o):
		statSpecial(out)
	default:
		h.statPipe(h.pipes.Get(o.Pipe), out)
	}
	return uabi.OK
}
