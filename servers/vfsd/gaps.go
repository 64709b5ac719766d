package main

import (
	"aramid/proto/gaps"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// ShowGaps implements vfs.Handler.
func (h *VFSD) ShowGaps(c *server.Ctx, in *vfs.ShowGapsRequest, _ *vfs.EmptyReply) uabi.Error {
	if in.Memory == 0 {
		return uabi.ErrArg
	}
	old := h.top.Gaps
	h.top.Gaps = in.Memory
	if old != 0 {
		c.Close(uabi.Handle(old))
	}
	return uabi.OK
}

// gaps is /proc/aramid/gaps.
func (k *call) gaps() (string, uabi.Error) {
	if k.top.Gaps == 0 {
		return "", uabi.OK
	}
	b := make([]byte, gaps.TableSize)
	n, err := k.c.MemoryRead(uabi.Handle(k.top.Gaps), 0, b)
	if err != uabi.OK {
		return "", uabi.ErrIO
	}
	return gaps.Text(gaps.List(b[:n])), uabi.OK
}
